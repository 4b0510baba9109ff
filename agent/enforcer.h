/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The enforcer interface: the same for BPF, AppArmor and seccomp. No policy logic inside an
 * enforcer, no kernel detail outside.
 *
 * Invariants
 * 1. commit() switches a profile to its new version atomically; before it returns 0 the new version
 * has been read back from the kernel and its digest compared. When it fails the old version is
 * still in force.
 * 2. What an enforcer put into the kernel stays when the process ends. adopt() takes over what an
 * earlier agent left; cleanup() removes everything and says what.
 * 3. A binding names a profile by name, and may be made before the profile exists: it takes hold
 * with the profile's first commit. Calls come from the loop's thread; none blocks longer than a few
 * milliseconds but the first probe().
 */
#include "lib/error.h"
#include "lib/profile.h"

struct container;
struct enforcer;
struct enforcer_version; /* a prepared version of a profile; opaque */
struct loop;
struct violation;

/* What the kernel can do, for the hello message, status and `varmorctl describe node`. */
#define ENFORCER_FACTS_MAX 48
struct enforcer_fact {
    const char *name; /* static: "task_storage", "lsm" */
    char value[96];   /* "yes", "no: Operation not permitted", "lockdown,bpf" */
};
struct enforcer_facts {
    bool usable;
    bool busy;        /* not usable only for as long as another agent has it */
    char reason[256]; /* why not, for people; "" if usable */
    struct enforcer_fact items[ENFORCER_FACTS_MAX];
    size_t n;
};

/* What the kernel holds of one profile. */
struct enforcer_holding {
    char profile[PROFILE_NAME_MAX + 1];
    struct digest digest;       /* of the profile */
    struct digest image_digest; /* of what was read back */
    unsigned n_bindings;
    char mode[16];        /* "enforce", "complain", as the kernel says; "" where there is none */
    char policy_hash[65]; /* the kernel's own hash of it, in hexadecimal; "" where it gives none */
};

struct enforcer_events { /* callbacks to the agent; on the loop; may be NULL */
    void (*violation)(const struct violation *v, void *data);
    const struct container *(*find_container)(uint64_t cgroup_id, void *data);
    /* What prepare() answered with -EINPROGRESS is ready, or has failed: prepare() again tells. */
    void (*prepared)(const char *profile_name, void *data);
    void *data;
};

/* Whether a container really runs under a profile, as the kernel says of its first process. */
struct enforcer_hold {
    bool in_force;
    bool
        restart_needed; /* it runs under an older version, or none, and only a new start mends it */
    bool opted_out;     /* not in force because its pod's user does not want it */
    char mode[16];      /* "enforce", "complain"; "" where the mechanism has none */
    char reason[256];   /* why not in force; "" if it is */
};

struct enforcer_ops {
    const char *name; /* "BPF" */
    enum enforcer_bit bit;

    /* Loads programs or takes over pinned ones; may be called once. 0 (also when the kernel cannot:
     * then facts->usable is false with the reason and real errno), -ENOMEM, or -EIO with *reterr.
     */
    int (*probe)(struct enforcer *e, struct enforcer_facts *ret, struct error **reterr);
    /* Calls found() for each profile that the kernel already holds. 0 or a negative errno. */
    int (*adopt)(struct enforcer *e, void (*found)(const struct enforcer_holding *h, void *data),
                 void *data, struct error **reterr);
    /* Compiles and checks; changes nothing in the kernel. -EINVAL, -E2BIG, -ENOMEM with *reterr;
     * -EINPROGRESS without: it works elsewhere, events.prepared() follows. What is not asked for
     * again is replaced by the next prepare() of a profile of this name, and dropped by remove().
     */
    int (*prepare)(struct enforcer *e, struct profile *profile, struct enforcer_version **ret,
                   struct error **reterr);
    /* Makes *version current, reads it back. Takes it (sets it to NULL) in any case. */
    int (*commit)(struct enforcer *e, struct enforcer_version **version, struct error **reterr);
    void (*discard)(struct enforcer *e, struct enforcer_version *version);
    /* Takes the last commit() of the profile back, because another enforcer's commit failed: the
     * version before it is current again, or none if there was none. NULL for the enforcer that is
     * committed last. 0 or a negative errno with *reterr. */
    int (*revert)(struct enforcer *e, const char *profile_name, struct error **reterr);
    /* The profile is gone: its bindings are unconfined, and what prepare() works on is dropped. 0,
     * also if it was not there. */
    int (*remove)(struct enforcer *e, const char *profile_name, struct error **reterr);
    /* Ties a container (by cgroup) to a profile; replaces an earlier binding. running: its program
     * may have begun (else it takes hold at the exec of its program). bind, unbind and bindings are
     * NULL where the runtime does it by the container's own setting (AppArmor, seccomp). */
    int (*bind)(struct enforcer *e, const struct container *c, const char *profile_name,
                bool running, struct error **reterr);
    int (*unbind)(struct enforcer *e, uint64_t cgroup_id, struct error **reterr);
    /* Asks the kernel whether a running container is under the profile's current version. 0; -ESRCH:
     * it has no process to ask; or another negative errno with *reterr. NULL: bind() is all. */
    int (*inspect)(struct enforcer *e, const struct container *c, const char *profile_name,
                   struct enforcer_hold *ret, struct error **reterr);
    /* Calls found() for each binding that the kernel holds. */
    int (*bindings)(struct enforcer *e,
                    void (*found)(uint64_t cgroup_id, const char *profile, void *data), void *data,
                    struct error **reterr);
    /* Reads back what the kernel holds of a profile. 0, -ENOENT (not held), or another with
     * *reterr. */
    int (*describe)(struct enforcer *e, const char *profile_name, struct enforcer_holding *ret,
                    struct error **reterr);
    /* Verdict counters by rule number since the profile's first commit by this or an earlier agent;
     * rules beyond n are left out. 0 or a negative errno. */
    int (*counts)(struct enforcer *e, const char *profile_name, uint64_t *ret_counts, size_t n,
                  struct error **reterr);
    /* All that the manager wants is committed and bound: what an earlier agent left in a form that
     * this one cannot take over (another layout of the BPF maps), and which stayed in force until
     * now, goes. 0, also if there is nothing of the kind, or a negative errno. May be NULL. */
    int (*settle)(struct enforcer *e, struct error **reterr);
    /* Frees what the process holds; the kernel keeps what it has. */
    void (*free)(struct enforcer *e);
};

struct enforcer { /* first member of each implementation's struct */
    const struct enforcer_ops *ops;
};

/* agent/enforcer_bpf.c. Does not touch the kernel yet. events is copied. 0 or -ENOMEM. */
int enforcer_bpf_new(struct enforcer **ret, struct loop *loop, const struct enforcer_events *events,
                     struct error **reterr);
/* Whose disks stand for the placeholder of lib/ruleset/disk_list.h in what is prepared from now on;
 * borrowed. NULL, as at first: they are not known, and the placeholder means no path. */
struct node_devices;
void enforcer_bpf_set_devices(struct enforcer *e, const struct node_devices *devices);
/* Detaches and unpins everything that any version of varmor ever pinned; calls told() with one line
 * a thing
 * ("link varmor_file_open"). 0, or the first error with *reterr after having gone on. */
int enforcer_bpf_cleanup(void (*told)(const char *what, void *data), void *data,
                         struct error **reterr);
/* What the kernel counts beside rules since its first load: the first n of enum varmor_stat
 * (bpf/varmor_shared.h), summed over processors. e is a BPF enforcer. 0, -ENODEV (not usable) or
 * another negative errno. */
int enforcer_bpf_stats(struct enforcer *e, uint64_t *ret, size_t n);
