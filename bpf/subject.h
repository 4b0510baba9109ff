/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * Whose access is it, and what profile holds for it?
 *
 * A task carries a label from the exec of its container's program on (label.bpf.c), and hands it to
 * its children. The label names a cgroup; the cgroup's binding, its slot and the slot's version are
 * looked up at each judgement, so that a new profile holds at once and for tasks that exist.
 *
 * Nearly all tasks of a node have no label. They leave after a few loads and no look-up:
 * subject_get() is what each of their system calls pays.
 */
#include "bpf/facts.h"
#include "bpf/maps.h"

struct subject {
    struct varmor_label *label;
    void *image;                /* of the version; NULL if there is none: cause says why */
    struct varmor_front *front; /* its first line */
    u32 version;
    u32 cause; /* not 0: cannot be judged */
};

/* Labels tasks that ran before their container was bound; label.bpf.c. */
int varmor_label_running(void);

struct root_directory {
    u64 sb, dentry, mnt;
    bool is_host;
};

/* The root directory of the current task. */
static __always_inline void root_of_current(struct root_directory *root)
{
    struct vfsmount *mnt;
    struct super_block *sb;
    struct dentry *dentry;
    u32 dev;
    u64 ino;

    if (varmor_have_task_storage) { /* typed pointers: plain loads, no calls */
        struct task_struct *task = bpf_get_current_task_btf();
        struct fs_struct *fs = task->fs;

        mnt = fs->root.mnt;
        sb = mnt->mnt_sb;
        dentry = fs->root.dentry;
        dev = sb->s_dev;
        ino = dentry->d_inode->i_ino;
    } else {
        struct task_struct *task = (void *)bpf_get_current_task();
        struct fs_struct *fs = BPF_CORE_READ(task, fs);

        mnt = BPF_CORE_READ(fs, root.mnt);
        sb = BPF_CORE_READ(mnt, mnt_sb);
        dentry = BPF_CORE_READ(fs, root.dentry);
        dev = BPF_CORE_READ(sb, s_dev);
        ino = BPF_CORE_READ(dentry, d_inode, i_ino);
    }
    root->mnt = (u64)mnt;
    root->sb = (u64)sb;
    root->dentry = (u64)dentry;
    root->is_host = dev == varmor_host_dev && ino == varmor_host_ino;
}

static __always_inline u64 start_of_current(void)
{
    struct task_struct *task;

    if (varmor_have_task_storage) {
        task = bpf_get_current_task_btf();
        return task->start_boottime;
    }
    task = (void *)bpf_get_current_task();
    return BPF_CORE_READ(task, start_boottime);
}

/* The label of the current task, whatever its state; NULL if it has none. */
static __always_inline struct varmor_label *label_of_current(void)
{
    if (varmor_have_task_storage) {
        struct task_struct *task = bpf_get_current_task_btf();

        if (!task->bpf_storage)
            return NULL;
        return bpf_task_storage_get(&varmor_tasks, task, NULL, 0);
    } else {
        u64 task = bpf_get_current_task();

        return bpf_map_lookup_elem(&varmor_labels, &task);
    }
}

/* The same for another task, as a hook was handed it. */
static __always_inline struct varmor_label *label_of_task(struct task_struct *task)
{
    u64 key = (u64)task;

    if (varmor_have_task_storage)
        return bpf_task_storage_get(&varmor_tasks, task, NULL, 0);
    return bpf_map_lookup_elem(&varmor_labels, &key);
}

/* False for a task that was looked at since the last running container was bound, or started since.
 */
static __always_inline bool may_be_running_unlabelled(const struct varmor_label *label)
{
    struct root_directory root;
    struct varmor_control *control;
    u32 zero = 0;
    u64 running_ns;

    control = bpf_map_lookup_elem(&varmor_control, &zero);
    if (!control)
        return false;
    running_ns = control->running_ns;
    if (running_ns == 0 || (label && label->checked_ns >= running_ns))
        return false;
    if (start_of_current() > running_ns)
        return false;
    root_of_current(&root);
    return !root.is_host;
}

/* The label that holds for what the current task does; NULL: it is confined by nobody. */
static __always_inline struct varmor_label *active_label_of_current(void)
{
    struct varmor_label *label = label_of_current();

    if (label && label->active)
        return label;
    if (!may_be_running_unlabelled(label))
        return NULL;
    varmor_label_running();
    label = label_of_current();
    return label && label->active ? label : NULL;
}

/* The image of a slot's current version; writes s->version, s->image, s->front and, for want of
 * them, s->cause. False if the slot has no profile. A version that goes between the two look-ups
 * was replaced: ask for the new one. */
static __always_inline bool subject_find_image(struct subject *s, u32 slot)
{
    volatile u32 *current;
    u32 version;

    current = bpf_map_lookup_elem(&varmor_slots, &slot);
    if (!current) {
        s->cause = VARMOR_STAT_NO_IMAGE;
        return true;
    }
    version = *current;
    if (version == 0)
        return false;
    s->image = bpf_map_lookup_elem(&varmor_images, &version);
    if (!s->image) {
        version = *current;
        if (version == 0)
            return false;
        s->image = bpf_map_lookup_elem(&varmor_images, &version);
    }
    s->version = version;
    if (!s->image) {
        s->cause = VARMOR_STAT_NO_IMAGE;
        return true;
    }
    s->front = image_line(s->image, 0);
    if (!s->front || s->front->magic != VARMOR_MAGIC)
        s->cause = VARMOR_STAT_BAD_IMAGE;
    return true;
}

/* True if a profile holds for the label. If s->cause is set then, what it says cannot be found out.
 */
static __always_inline bool subject_of_label(struct subject *s, struct varmor_label *label)
{
    struct varmor_binding *binding;
    u64 cgroup = label->cgroup;

    s->label = label;
    s->image = NULL;
    s->front = NULL;
    s->version = 0;
    s->cause = 0;
    binding = bpf_map_lookup_elem(&varmor_cgroups, &cgroup);
    if (!binding)
        return false;
    return subject_find_image(s, binding->slot);
}

/* The same for the current task. */
static __always_inline bool subject_get(struct subject *s)
{
    struct varmor_label *label = active_label_of_current();

    return label && subject_of_label(s, label);
}

/* The memory to work in. NULL: there is none. */
static __always_inline struct varmor_walk *walk_get(u64 flags)
{
    u32 zero = 0;

    if (varmor_have_task_storage)
        return bpf_task_storage_get(&varmor_walks, bpf_get_current_task_btf(), NULL, flags);
    return bpf_map_lookup_elem(&varmor_scratch, &zero);
}
#define WALK_MAKE BPF_LOCAL_STORAGE_GET_F_CREATE
