/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What users see with kubectl: status of policies, ArmorProfile objects and Events, written by the one manager that
 * leads (Lease varmor-manager), at one pace for all of them.
 *
 * Who begins to lead waits until its source has told everything, and then compares all with what stands there. Who
 * ceases to lead writes nothing more, from the very moment on.
 */
#include "lib/error.h"
#include "manager/kube_endpoint.h"

struct file_problems;
struct kube_client;
struct kube_policy;
struct kube_report; /* opaque */
struct loop;
struct nodes;
struct profile_store;
struct status;

#define KUBE_REPORT_LEASE "varmor-manager"

struct kube_report_facts {
    struct loop *loop;
    struct kube_client *client;
    const struct profile_store *store;
    const struct nodes *nodes;
    const struct file_problems *problems;
    const struct status *status;
    const char *pod; /* who this is; made unique */
    /* Where agents find the leader (kube_endpoint.h): its name_space and owners come later. Its service NULL: no place
     * is told. */
    struct kube_endpoint_place endpoint;
    /* This manager begins, or ceases, to lead. NULL: nobody wants to know. */
    void (*leading)(bool leads, void *data);
    /* Another one is seen to lead, or no longer so. NULL: nobody wants to know. */
    void (*led)(bool by_another, void *data);
    void *data;
};

/* Facts are borrowed, their texts copied. 0 or -ENOMEM. */
int kube_report_new(struct kube_report **ret, const struct kube_report_facts *facts);
/* Stands for election from now on, by a Lease of the install namespace; owners: of the Lease (lease_record.h). Texts are
 * copied. Once. 0 or -ENOMEM. An endpoint that cannot be told is logged. */
int kube_report_stand(struct kube_report *r, const char *install_namespace, const char *owners);
/* Does not give up what it leads: see kube_report_release(). */
struct kube_report *kube_report_free(struct kube_report *r); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct kube_report *, kube_report_free)

/* Writes nothing more and lets another lead; done(data) runs once, soon. */
void kube_report_release(struct kube_report *r, void (*done)(void *data), void *data);

bool kube_report_leads(const struct kube_report *r);
/* As kube_policies_in_grace(): agents may not have come back since this manager leads. */
bool kube_report_in_grace(const struct kube_report *r, uint64_t *ret_delay_ns);

/* The source has told everything and it has been judged. May be told again. */
void kube_report_synced(struct kube_report *r);

/* A policy object as the server has it (its JSON); key: of the store. */
void kube_report_seen(struct kube_report *r, const char *key, const struct kube_policy *policy,
                      const uint8_t *object, size_t len);
void kube_report_gone(struct kube_report *r, const char *key);

/* The policy has been judged anew, or its text cannot be read; or (touched) nodes or containers stand otherwise to it.
 */
void kube_report_judged(struct kube_report *r, const char *key);
void kube_report_touched(struct kube_report *r, const char *key);
/* What is wrong with a policy's text is different; reference: of the object (kube_policy.h). */
void kube_report_problem(struct kube_report *r, const char *reference);
