/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * What the programs keep for themselves: a task's label, and the memory in which one access is
 * judged.
 *
 * The memory to work in belongs to the task (varmor_walks), because a program can be preempted, and
 * another one on the same processor would write over it. One task runs at most one hook at a time.
 * On a kernel without task storage it belongs to the processor (varmor_scratch): the kernels of
 * that age do not preempt a program unless they were built to.
 *
 * Functions that are not inlined are verified once per program, not once per call. Before 5.12 they
 * can be handed numbers only; so what they share lies here, and each fetches it by walk_get().
 */
#include "bpf/varmor_shared.h"

#define WORK_MAX_CROSSINGS 32  /* mount points on the way from a file to the root */
#define WORK_NAME_BYTES    256 /* '/' and a component */

struct varmor_label {
    u64 cgroup; /* key of varmor_cgroups; 0: looked at, and found without a binding */
    /* The container's root directory when the label was given: file system, dentry, struct
     * vfsmount, and what that was mounted on. Compared, never followed. */
    u64 root_sb, root_dentry, root_mnt, root_parent, root_mountpoint;
    u64 checked_ns; /* varmor_control.running_ns when this was looked at */
    u64 uring_cred; /* credentials that the task lent itself for a request of io_uring */
    u32 active;     /* 0: given by an exec that is not committed yet */
    u32 reserved;
};

/* What is asked of varmor_judge_path(). */
struct varmor_request {
    u64 mnt, dentry; /* struct vfsmount, struct dentry; mnt 0: a dentry without a mount */
    u64 text;        /* a string instead of a path; 0 if none */
    u64 digest;      /* of the image: see struct varmor_place */
    u64 root_sb, root_dentry, root_parent, root_mountpoint; /* of the label */
    u32 asked;                                              /* VARMOR_MAY_* */
    u32 automaton;      /* the forward one; its backward one follows */
    u32 skips_internal; /* non-zero: a mount in no namespace is the kernel's own affair */
    u32 is_collected;   /* non-zero: through the container's root mount, and collected up to it */
    u32 reserved;
};

/* Where an automaton is in an image, and what class each byte has: read from the image once, and
 * kept for as long as the version stays. */
struct varmor_place {
    u64 digest; /* the beginning of the profile's: a number may come back after a crash of the agent */
    u32 version, automaton; /* version 0: not filled */
    u32 n_cells, start, cells_line, reserved;
    u8 classes[256];
};

/* The way up: where it has come to. */
struct varmor_climb {
    u64 dentry;
    u64 vfsmount; /* struct vfsmount *, part of a struct mount */
    u64 root;     /* of that mount */
};

struct varmor_walk {
    struct varmor_request request;
    struct varmor_event event; /* filled by the hook; copied into the record */

    struct varmor_climb climb;
    /* the path: dentries from the leaf to the root; WORK_NAME_PROC and WORK_NAME_SYS stand for
     * names */
    u64 dentries[VARMOR_MAX_DEPTH];
    u32 n_dentries;
    u32 n_own;      /* those below the first mount's root */
    u64 first_root; /* that root */
    u32 n_shown;    /* of the first view, for the record */
    u32 is_internal;

    /* the automaton: see varmor_run() */
    struct varmor_place places[2]; /* by the lowest bit of the automaton: forward, backward */
    u32 state;
    u8 name[WORK_NAME_BYTES];
    u32 name_len;
    u32 n_fed; /* bytes of the name that the automaton has had */
    u32 spare; /* see forgotten() */

    u32 mount_list;  /* line of the list that VARMOR_MOUNT_SOURCE ended at; 0: none */
    u32 mount_known; /* flags of the mount that are known: the others may be set or not */

    /* the verdict so far */
    u32 deny, audit;
    u32 deny_rule, audit_rule;
    u32 cause; /* enum varmor_stat of what cannot be judged */
};

#define WORK_NAME_PROC 1
#define WORK_NAME_SYS  2
