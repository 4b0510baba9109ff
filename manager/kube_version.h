/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The API server's version, asked for at the start and every KUBE_VERSION_AGAIN_NS: it is upgraded under
 * a manager that runs. Logs when it is another one.
 */
#include "lib/error.h"

struct kube_client;
struct kube_version; /* opaque */
struct loop;

#define KUBE_VERSION_AGAIN_NS (600 * NS_PER_SEC)

/* Asks. 0 or -ENOMEM. */
int kube_version_new(struct kube_version **ret, struct loop *loop, struct kube_client *client);
struct kube_version *kube_version_free(struct kube_version *v); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct kube_version *, kube_version_free)

bool kube_version_is_known(const struct kube_version *v);
/* Is AppArmor a field of a pod (1.30 and later)? True while the version is not known. */
bool kube_version_has_apparmor_field(const struct kube_version *v);

/* Reads what GET /version answers: {"major": "1", "minor": "30+"}. Pure. 0 or -EBADMSG. */
int kube_version_parse(const void *data, size_t len, unsigned *ret_major, unsigned *ret_minor);
