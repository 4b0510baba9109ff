/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A container of this node, as its runtime tells it. Plain data, no I/O. The runtime module
 * (runtime_*.c) makes and owns it; enforcers and the violation log borrow it.
 */
#include "proto/oci_spec.h"

struct labels;

enum container_state { CONTAINER_UNKNOWN, CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_STOPPED };

struct container {
    char *id;                /* the runtime's */
    char *runtime_namespace; /* containerd namespace: "k8s.io", "default" */
    char *image;
    enum container_state state;
    int pid;            /* first process, in the initial pid namespace; 0: none */
    char *cgroup_path;  /* below the cgroup2 mount, "/system.slice/..."; NULL: not known */
    uint64_t cgroup_id; /* cgroup v2 id; 0: not known */
    uint64_t mnt_ns;    /* inode number; 0: not known */
    char *pod_uid, *pod_name,
        *pod_namespace; /* "" if it belongs to no pod; namespace then "default" */
    char *name;         /* container name: of the pod's container, else a label's, else the id */
    char *workload_kind,
        *workload_name;           /* what its labels say ("Deployment", "web"); "" if nothing */
    struct labels *labels;        /* of its pod, else its own */
    char *apparmor_profile;       /* that its own setting names; "": none; NULL: not known */
    unsigned opted_out;           /* enforcers (bits) that its pod's user has opted it out of */
    enum oci_seccomp seccomp;     /* what its own setting says, when it was made */
    struct digest seccomp_digest; /* of OCI_SECCOMP_PROFILE */
};

struct container *container_new(void); /* zeroed with "" texts; NULL: no memory */
struct container *container_free(struct container *c);
DEFINE_CLEANUP(struct container *, container_free)
const char *container_state_name(enum container_state s); /* "running"; static */
