/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Violations of AppArmor and seccomp: from the kernel's audit records to struct violation.
 *
 * It owns the source of records, the reading of rules (to tell which one decided) and the counts.
 * Whose record is it? By the process's cgroup, where the process is still there and is the one that
 * the record means, or has ended and the kernel noted where it was (exited_processes.h); else by the
 * profile: AppArmor's record names it, and where the profile is for
 * one container only that container is told. What cannot be told for certain is left empty. A
 * record is ours if its profile is one of ours, or its container is under a profile of ours; all
 * others of the node are counted and not told, unless settings say so.
 *
 * What AppArmor says about one of our profiles being loaded, replaced or removed by another process
 * is told as tampering. No logging; blocks for procfs, and the constructor for the source's
 * self-test.
 */
#include "agent/audit_source.h"

struct audit_violations; /* opaque */
struct container;
struct profile;
struct violation;

struct audit_violations_events {
    void (*violation)(const struct violation *v, void *data);
    const struct container *(*find_container)(uint64_t cgroup_id, void *data);
    /* The profile in force by this name; NULL: there is none. */
    const struct profile *(*find_profile)(const char *name, void *data);
    /* The profile that a container is under; NULL: none of ours. */
    const struct profile *(*profile_of)(const struct container *c, void *data);
    /* The only container that is under a profile; NULL: there is none, or there are several. */
    const struct container *(*only_container)(const char *profile, void *data);
    /* What @{varmor_disks} means on this node; may be NULL. */
    const char *const *(*disks)(size_t *ret_n, void *data);
    /* Another process than this one did this to a profile of ours ("profile_remove"); may be NULL. */
    void (*tampered)(const char *profile, const char *operation, int pid, void *data);
    void *data;
};

struct audit_violations_settings {
    const char *log_paths; /* of the fallback, see audit_source.h */
    bool follow_exits;     /* find processes that have ended; a kernel that cannot is no failure */
    bool foreign_too;      /* tell the records of other profiles and processes as well */
    bool no_netlink;       /* for tests of the fallback */
    unsigned backlog;      /* as in audit_netlink.h; 0: the kernel's own */
    const char *position_path; /* as in audit_source.h; NULL: none */
};

/* events is copied. 0, also without any source of records (then describe() says why), -ENOMEM, or
 * what audit_source_new() returns with *reterr. */
int audit_violations_new(struct audit_violations **ret, struct loop *loop,
                         const struct audit_violations_settings *settings,
                         const struct audit_violations_events *events, struct error **reterr);
struct audit_violations *audit_violations_free(struct audit_violations *v);
DEFINE_CLEANUP(struct audit_violations *, audit_violations_free)

/* Tells what was missed before it began, if an agent of this boot left a position: once, when the
 * containers of the node are known. Calling it again does nothing. */
void audit_violations_catch_up(struct audit_violations *v);

/* For node facts: which source, whether it loses records unseen, and why. "" if memory runs out.
 * Borrowed until the next call. */
const char *audit_violations_describe(struct audit_violations *v);
const char *audit_violations_source(const struct audit_violations *v); /* "netlink"; static */
bool audit_violations_are_lossy(const struct audit_violations *v);

/* Since it began. ours, foreign and unparsed are of AppArmor's and seccomp's records. */
struct audit_counts {
    uint64_t ours[2], foreign[2], unparsed[2], other; /* [0]: type 1400, [1]: type 1326 */
    uint64_t unattributed[2];                         /* of ours: the container is not known */
    uint64_t lost; /* records of any type; audit_source.h says what it counts */
};
void audit_violations_count(const struct audit_violations *v, struct audit_counts *ret);
