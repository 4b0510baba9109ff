/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A policy as an API server has it: who it is, and which version of it was seen, whether its text can be read or not.
 * Pure.
 */
#include "lib/error.h"

struct kube_policy {
    bool cluster;     /* VarmorClusterPolicy */
    char *name_space; /* owned, like the texts below; "" for cluster policies */
    char *name;
    char
        *reference; /* as kubectl takes it, and the name of its findings: "varmorpolicy shop/web" */
    char *uid;
    char *resource_version;
    int64_t generation;
    bool refused; /* the reader has findings that are errors: what was in force before stays */
    bool waiting; /* for a list that it needs; what was in force before stays */
};

/* Names it by the key of a watch: "shop/web", or "base" of a cluster policy. *p must be zeroed, and is to be given back
 * in any case. 0 or -ENOMEM. */
int kube_policy_init(struct kube_policy *p, bool cluster, const char *watch_key);
void kube_policy_done(struct kube_policy *p);

/* Takes uid, resource version and generation from the object's JSON. *ret_recreated: it has another uid than before. 0,
 * -ENOMEM, or -EBADMSG with *reterr (no object, or without these): it is as it was. */
int kube_policy_read(struct kube_policy *p, const uint8_t *json, size_t len, bool *ret_recreated,
                     struct error **reterr);
