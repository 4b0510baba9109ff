/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Labels: when a task comes under a profile.
 *
 * bprm_creds_for_exec     the task is in a bound cgroup, at any depth, and has a root directory
 * other than the host's: it gets a label, not active yet, by which its exec is judged
 * bprm_committed_creds    the exec cannot fail any more: the label is active
 * task_alloc              a child has its parent's label
 * task_free               (without task storage) a label goes with its task
 * uring_override_creds    the task works with credentials that it once lent to io_uring
 *
 * So what the runtime does in the container before the exec of its program is never judged, and the
 * program is from its first instruction on. A label stays when the task changes its cgroup, root or
 * namespaces. Where there is no memory for a label, the exec or the fork fails.
 */
#include "bpf/subject.h"

#define LABEL_MAX_CGROUPS 32 /* nesting of cgroups that is looked at */

static __always_inline struct cgroup *cgroup_of_current(void)
{
    struct task_struct *task = (void *)bpf_get_current_task();

    return BPF_CORE_READ(task, cgroups, dfl_cgrp);
}

/* The nearest bound cgroup above the current task; *ret_cgroup is its id. NULL: none is. */
static __always_inline struct varmor_binding *find_binding(u64 *ret_cgroup)
{
    struct cgroup *cgroup = cgroup_of_current();

    for (u32 i = 0; i < LABEL_MAX_CGROUPS; i++) {
        struct varmor_binding *binding;
        struct cgroup_subsys_state *parent;
        u64 id;

        if (!cgroup)
            return NULL;
        id = BPF_CORE_READ(cgroup, kn, id);
        binding = bpf_map_lookup_elem(&varmor_cgroups, &id);
        if (binding) {
            *ret_cgroup = id;
            return binding;
        }
        parent = BPF_CORE_READ(cgroup, self.parent);
        if (!parent)
            return NULL;
        cgroup = BPF_CORE_READ(parent, cgroup);
    }
    return NULL;
}

/* Gives the current task this label. False if there is no memory. */
static __always_inline bool label_current(const struct varmor_label *label)
{
    struct varmor_label *place;

    if (varmor_have_task_storage) {
        place = bpf_task_storage_get(&varmor_tasks, bpf_get_current_task_btf(), NULL,
                                     BPF_LOCAL_STORAGE_GET_F_CREATE);
        if (!place)
            return false;
        *place = *label;
        return true;
    } else {
        u64 task = bpf_get_current_task();

        return bpf_map_update_elem(&varmor_labels, &task, label, BPF_ANY) == 0;
    }
}

static __always_inline void label_put_root(struct varmor_label *label,
                                           const struct root_directory *root)
{
    struct mount *mount = (void *)(root->mnt - bpf_core_field_offset(struct mount, mnt));

    label->root_sb = root->sb;
    label->root_dentry = root->dentry;
    label->root_mnt = root->mnt;
    label->root_parent = (u64)BPF_CORE_READ(mount, mnt_parent);
    label->root_mountpoint = (u64)BPF_CORE_READ(mount, mnt_mountpoint);
}

static __always_inline u64 running_ns_now(void)
{
    u32 zero = 0;
    struct varmor_control *control = bpf_map_lookup_elem(&varmor_control, &zero);

    return control ? control->running_ns : 0;
}

/* A label that an exec under way has prepared stays as it is, but for being looked at. */
__noinline int varmor_label_running(void)
{
    struct varmor_label *old = label_of_current();
    struct varmor_label label = {};
    struct varmor_binding *binding;
    struct root_directory root;
    u64 cgroup;

    if (old)
        label = *old;
    label.checked_ns = running_ns_now();
    binding = find_binding(&cgroup);
    if (binding && (binding->flags & VARMOR_BIND_RUNNING) &&
        start_of_current() <= binding->bound_ns) {
        root_of_current(&root);
        label_put_root(&label, &root);
        label.cgroup = cgroup;
        label.active = 1;
    }
    if (!label_current(&label)) {
        stat_add(VARMOR_STAT_LABEL_FAILED);
        return 0;
    }
    if (label.active)
        stat_add(VARMOR_STAT_LABELLED);
    return 0;
}

SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(varmor_label_exec, struct linux_binprm *bprm, int prev)
{
    struct varmor_label label = {};
    struct varmor_label *old;
    struct root_directory root;

    if (prev)
        return prev;
    old = label_of_current();
    if (old && old->active)
        return 0;
    root_of_current(&root);
    if (root.is_host || !find_binding(&label.cgroup)) {
        if (old)
            old->cgroup = 0; /* what an exec that failed has left */
        return 0;
    }
    label_put_root(&label, &root);
    label.checked_ns = old ? old->checked_ns : 0;
    if (!label_current(&label)) {
        stat_add(VARMOR_STAT_LABEL_FAILED);
        return -ENOMEM;
    }
    return 0;
}

SEC("lsm/bprm_committed_creds")
int BPF_PROG(varmor_label_commit, struct linux_binprm *bprm)
{
    struct varmor_label *label = label_of_current();

    if (!label || label->active || !label->cgroup)
        return 0;
    label->active = 1;
    stat_add(VARMOR_STAT_LABELLED);
    return 0;
}

SEC("lsm/task_alloc")
int BPF_PROG(varmor_label_child, struct task_struct *child, unsigned long clone_flags, int prev)
{
    struct varmor_label *label, *place;

    if (prev)
        return prev;
    label = active_label_of_current();
    if (!label)
        return 0;
    if (varmor_have_task_storage) {
        place = bpf_task_storage_get(&varmor_tasks, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
        if (place) {
            *place = *label;
            place->uring_cred = 0;
            return 0;
        }
    } else {
        u64 key = (u64)child;

        if (bpf_map_update_elem(&varmor_labels, &key, label, BPF_ANY) == 0)
            return 0;
    }
    stat_add(VARMOR_STAT_LABEL_FAILED);
    return -ENOMEM;
}

/* Only on kernels without task storage. */
SEC("lsm/task_free")
int BPF_PROG(varmor_label_free, struct task_struct *task)
{
    u64 key = (u64)task;

    bpf_map_delete_elem(&varmor_labels, &key);
    return 0;
}

SEC("lsm/uring_override_creds")
int BPF_PROG(varmor_label_uring, const struct cred *cred, int prev)
{
    struct varmor_label *label;

    if (prev)
        return prev;
    label = label_of_current();
    if (label && label->active)
        label->uring_cred = (u64)cred;
    return 0;
}
