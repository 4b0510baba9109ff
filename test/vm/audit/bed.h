/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A node's part for audit records in a guest: a profile in the kernel, a container that is a cgroup,
 * processes that do what the profile denies, and what came out of it.
 */
#include "agent/audit_violations.h"
#include "agent/container.h"
#include "agent/violation.h"
#include "lib/profile.h"

#define BED_PROFILE  "varmor-vm-audit"
#define BED_BOX      "/sys/fs/cgroup/box"
#define BED_MAX_SEEN 64
#define BED_WAIT_MS  20000 /* emulated guests are slow */

struct bed_event {
    char enforcer[16], profile[64], rule[128], container[64];
    enum violation_action action;
    int pid;
    uint64_t mnt_ns;
    bool late;
    char json[8192];
};

struct bed {
    struct loop *loop;
    struct loop_timer *timer;
    struct audit_violations *violations;
    struct profile *profile;    /* the one in force; its texts are the kernel's */
    struct container box;       /* the container of the cgroup BED_BOX */
    bool box_is_only_one;       /* the profile is for no other container */
    const char *profile_of_box; /* NULL: the container is under none of ours */
    struct bed_event seen[BED_MAX_SEEN];
    uint64_t n_seen, n_lost, n_tampered;
    char tampered[64];
    uint64_t wanted;
};

/* Ends the process with a message if it cannot be set up. */
void bed_begin(struct bed *b, const struct audit_violations_settings *settings);
void bed_end(struct bed *b);

/* Runs the loop until n events in all have been seen, or lost; false: time is up. */
bool bed_wait(struct bed *b, uint64_t n);
/* Runs the loop for so long. */
void bed_run_ms(struct bed *b, unsigned ms);

/* What a process of the container does. */
struct bed_act {
    bool confined;      /* under the AppArmor profile */
    bool outside;       /* in no container */
    const char *cgroup; /* below BED_BOX; NULL: the box itself */
    bool stays;         /* until bed_release(), so that it can be looked up */
    void (*func)(void);
};
/* Starts a process that does it, and waits until it has. Returns its pid. */
int bed_act(struct bed *b, const struct bed_act *act);
void bed_release(int pid);
/* A process that stays in the box. */
int bed_keeper(struct bed *b);

/* A filter with the LOG flag that gives call (of the native architecture) the verdict, and allows
 * the rest. */
void bed_filter(unsigned call, unsigned verdict, bool log_flag);
