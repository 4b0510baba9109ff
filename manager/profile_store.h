/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The profile store: which policies there are, and the profile that is in force of each.
 *
 * Invariants
 * 1. A profile is immutable; a policy that changes gets another profile under the same name, with a
 * version that no profile of this process had before.
 * 2. What is refused (a wrong rule name, a target that changed, something that this version cannot
 * carry out) leaves the profile that was in force in force, and is told in the policy's conditions.
 * 3. A profile in force has a slot. Slots are small numbers, so that what is known of each node is
 * an array; a slot is used again after its profile is gone.
 *
 * The clock is an argument. No I/O, no logging.
 */
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/policy/policy.h"

struct builder_facts;
struct map;
struct profile_store;

#define PROFILE_STORE_MAX_POLICIES 16384
#define PROFILE_STORE_MAX_SLOTS                                                                    \
    4096 /* a node's kernel maps hold as many profiles (VARMOR_MAX_SLOTS) */

enum condition_status { CONDITION_ABSENT, CONDITION_TRUE, CONDITION_FALSE };

struct condition {
    enum condition_status status;
    const char *reason; /* static; "" if there is none */
    char *message;      /* owned; NULL: none */
    int64_t since_ns;   /* CLOCK_REALTIME of the last change of status, reason or message */
};

/* Sets a condition; copies message (may be NULL); since_ns moves only if something differs. True if
 * something did. Without memory the message is left out. */
bool condition_set(struct condition *c, enum condition_status status, const char *reason,
                   const char *message, int64_t now_ns);
void condition_done(struct condition *c);

/* A policy as users know it. Everything is owned by the store. */
struct stored_policy {
    char *key;               /* "VarmorPolicy/shop/web" */
    struct policy *policy;   /* the newest text */
    struct policy *in_force; /* the text that the profile was built from; NULL: no profile */
    char *file;              /* where it stands, "shop.yaml"; the line is policy->at */
    uint64_t generation;     /* counts what was told of this policy and was different */
    int64_t created_ns;      /* CLOCK_REALTIME */
    struct condition created, updated;
    struct condition complete; /* false: some enforcer leaves out a part of what is in force */
    char **warnings;           /* what that is, one text each, with its position */
    size_t n_warnings;
    bool in_error; /* it could not be built: the phase is Error, whatever the nodes say */
    struct profile *profile;
    unsigned slot; /* of the profile */
};

struct profile_slot {
    const struct stored_policy *owner; /* NULL: the slot is free */
    uint64_t version;                  /* of the profile; 0: free */
    struct buf encoded;                /* the message that carries the profile to agents */
};

struct profile_store_handler {
    /* The slot has another profile than before. */
    void (*profile_changed)(unsigned slot, void *data);
    /* The slot is free again; name is that of the profile that had it. */
    void (*profile_removed)(unsigned slot, const char *name, void *data);
    /* Something that users can see is different. removed: the policy is about to go. */
    void (*policy_changed)(const struct stored_policy *p, bool removed, void *data);
};

/* install_namespace is copied, handler must outlive the store. NULL: no memory. */
struct profile_store *profile_store_new(const char *install_namespace,
                                        const struct profile_store_handler *handler, void *data);
struct profile_store *profile_store_free(struct profile_store *s); /* tells nothing */
DEFINE_CLEANUP(struct profile_store *, profile_store_free)

/* Would this text be refused because it may not follow the one that is in force? 0, or -EPERM with *reterr. */
int profile_store_check_update(const struct profile_store *s, const struct policy *policy,
                               struct error **reterr);
/* A policy is new or different, or what it names may be. Takes a reference. facts: what was resolved
 * (the store knows its install_namespace). facts_error: why that was not possible (then facts is
 * NULL). 0 (also when the policy is refused: its conditions say so), -E2BIG with *reterr
 * (PROFILE_STORE_MAX_POLICIES), or -ENOMEM; on failure nothing changed. */
int profile_store_put(struct profile_store *s, struct policy *policy, const char *file,
                      const struct builder_facts *facts, const struct error *facts_error,
                      int64_t now_ns, struct error **reterr);
void profile_store_drop(struct profile_store *s, bool cluster, const char *name_space,
                        const char *name);

const struct map *
profile_store_policies(const struct profile_store *s); /* key -> struct stored_policy */
const struct stored_policy *profile_store_find(const struct profile_store *s, bool cluster,
                                               const char *name_space, const char *name);
unsigned
profile_store_n_slots(const struct profile_store *s); /* slots 0 to n - 1, free ones included */
unsigned profile_store_n_profiles(const struct profile_store *s); /* slots in use */
const struct profile_slot *profile_store_slot(const struct profile_store *s, unsigned slot);
/* Some of what should be in force is not known here: a file has errors, and nothing of it is in force. What an
 * agent holds and the store does not know may come from there. */
void profile_store_set_partial(struct profile_store *s, bool partial);
bool profile_store_is_partial(const struct profile_store *s);
/* There is a policy of this name whose present text cannot be read: what agents hold of it must stay in force until it
 * can, or is gone (spared false). 0 or -ENOMEM: as before. */
int profile_store_spare(struct profile_store *s, bool cluster, const char *name_space,
                        const char *name, bool spared) MUST_CHECK;
/* True if what an agent holds under this name, which no slot has, must stay in force: the store is partial, or
 * the name is that of a policy whose present text cannot be read or cannot become a profile. */
bool profile_store_spares(const struct profile_store *s, const char *profile_name);
/* The slot of a profile's name; NULL: there is none. */
const struct profile_slot *profile_store_slot_of(const struct profile_store *s,
                                                 const char *profile_name, unsigned *ret_slot);
