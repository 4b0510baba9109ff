/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The first half of walk.h: from a file to the dentries of its path. */
#include "bpf/walk.h"

/* Notes a dentry. How many there are is kept in memory only: the verifier would follow every number
 * that a register may hold through every turn of the loop, and 6.12 gives up at a million
 * instructions. Returns 0 or a cause. */
static __always_inline int note_dentry(struct varmor_walk *w, u64 dentry)
{
    u32 n = *(volatile u32 *)&w->n_dentries;

    if (n >= VARMOR_MAX_DEPTH)
        return VARMOR_STAT_TOO_DEEP;
    w->dentries[n & (VARMOR_MAX_DEPTH - 1)] = dentry;
    *(volatile u32 *)&w->n_dentries = n + 1;
    return 0;
}

static __always_inline u64 mount_of(u64 vfsmount)
{
    return vfsmount - bpf_core_field_offset(struct mount, mnt);
}

/* A root that is not its mount's root belongs to the kernel's own file systems ("memfd:x") and is a
 * name, or is "/" and is none. */
static __always_inline bool root_has_name(struct dentry *dentry)
{
    const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
    char first = '/';

    bpf_probe_read_kernel(&first, 1, name);
    return first != '/';
}

/* Found by its handle (open_by_handle_at(2)), and the kernel has not looked up where it is. */
static __always_inline bool is_disconnected(struct dentry *dentry)
{
    return dentry != BPF_CORE_READ(dentry, d_sb, s_root);
}

static __always_inline int cross_mount(struct varmor_climb *c)
{
    struct mount *mount = (struct mount *)mount_of(c->vfsmount);
    struct mount *parent;
    struct vfsmount *vfsmount;
    struct dentry *mountpoint, *root;

    if (BPF_CORE_READ_INTO(&parent, mount, mnt_parent))
        return VARMOR_STAT_UNREADABLE;
    if (parent == mount)
        return CLIMB_IS_OVER;
    if (BPF_CORE_READ_INTO(&mountpoint, mount, mnt_mountpoint))
        return VARMOR_STAT_UNREADABLE;
    vfsmount = (void *)((u64)parent + bpf_core_field_offset(struct mount, mnt));
    if (BPF_CORE_READ_INTO(&root, vfsmount, mnt_root))
        return VARMOR_STAT_UNREADABLE;
    c->vfsmount = (u64)vfsmount;
    c->dentry = (u64)mountpoint;
    c->root = (u64)root;
    return 0;
}

__noinline int varmor_cross(void)
{
    struct varmor_walk *w = walk_get(0);
    struct varmor_climb *c;
    bool is_mount_root;

    if (!w)
        return VARMOR_STAT_NO_SCRATCH;
    c = &w->climb;
    is_mount_root = c->dentry == c->root;
    if (!is_mount_root && root_has_name((struct dentry *)c->dentry))
        return note_dentry(w, c->dentry) ?: CLIMB_IS_OVER;
    if (!is_mount_root && is_disconnected((struct dentry *)c->dentry))
        return VARMOR_STAT_UNREADABLE;
    if (!w->first_root) {
        w->n_own = w->n_dentries;
        if (is_mount_root)
            w->first_root = c->root;
    }
    return is_mount_root ? cross_mount(c) : CLIMB_IS_OVER;
}

static __always_inline int collect_start(struct varmor_walk *w)
{
    struct vfsmount *vfsmount = (void *)w->request.mnt;
    struct mount *mount = (void *)mount_of((u64)vfsmount);
    struct dentry *root;

    w->climb.dentry = w->request.dentry;
    w->climb.vfsmount = (u64)vfsmount;
    w->n_dentries = 0;
    w->n_own = 0;
    w->first_root = 0;
    w->is_internal = 0;
    if (!vfsmount)
        return CLIMB_IS_OVER;
    if (BPF_CORE_READ_INTO(&root, vfsmount, mnt_root))
        return VARMOR_STAT_UNREADABLE;
    w->climb.root = (u64)root;
    w->is_internal = (u64)BPF_CORE_READ(mount, mnt_ns) == MNT_NS_INTERNAL;
    return 0;
}

__noinline int varmor_collect(void)
{
    struct varmor_walk *w = walk_get(0);
    int r;

    if (!w)
        return VARMOR_STAT_NO_SCRATCH;
    r = collect_start(w);
    for (u32 i = 0; r == 0 && i < VARMOR_MAX_DEPTH + WORK_MAX_CROSSINGS; i++) {
        struct dentry *dentry = (void *)w->climb.dentry, *parent;

        if ((u64)dentry == w->climb.root) {
            r = varmor_cross();
            continue;
        }
        if (BPF_CORE_READ_INTO(&parent, dentry, d_parent))
            return VARMOR_STAT_UNREADABLE;
        if (parent == dentry) {
            r = varmor_cross();
            continue;
        }
        r = note_dentry(w, (u64)dentry);
        w->climb.dentry = (u64)parent;
    }
    if (r == 0)
        return VARMOR_STAT_TOO_DEEP;
    return r == CLIMB_IS_OVER ? 0 : r;
}

/* The name under which a file system is usually mounted, if its files are judged by that too. */
static __always_inline u64 usual_name(struct super_block *sb)
{
    unsigned long magic = BPF_CORE_READ(sb, s_magic);

    if (magic == PROC_SUPER_MAGIC)
        return WORK_NAME_PROC;
    if (magic == SYSFS_MAGIC)
        return WORK_NAME_SYS;
    return 0;
}

/* True if the path as it was collected is "/proc/..." or "/sys/..." with just one mount in between.
 */
static __always_inline bool is_mounted_as_usual(struct varmor_walk *w, u64 usual)
{
    struct dentry *mountpoint;
    struct qstr name;
    char text[4] = {};
    u32 n = w->n_own;

    if (w->n_dentries != n + 1 || n >= VARMOR_MAX_DEPTH)
        return false;
    mountpoint = (void *)w->dentries[n & (VARMOR_MAX_DEPTH - 1)];
    if (BPF_CORE_READ_INTO(&name, mountpoint, d_name))
        return false;
    if (bpf_probe_read_kernel(text, sizeof(text), name.name))
        return false;
    if (usual == WORK_NAME_PROC)
        return name.len == 4 && text[0] == 'p' && text[1] == 'r' && text[2] == 'o' &&
               text[3] == 'c';
    return name.len == 3 && text[0] == 's' && text[1] == 'y' && text[2] == 's';
}

/* Climbs within the file system, from the first mount's root (or, without a mount, from the dentry
 * itself) to the root of the file system or the dentry stop. */
static __always_inline int climb_inside(struct varmor_walk *w, struct dentry *dentry, u64 stop,
                                        bool *ret_met_stop)
{
    int r;

    w->n_dentries = w->n_own;
    *ret_met_stop = false;
    for (u32 i = 0; i <= VARMOR_MAX_DEPTH; i++) {
        struct dentry *parent;

        if ((u64)dentry == stop) {
            *ret_met_stop = true;
            return 0;
        }
        if (BPF_CORE_READ_INTO(&parent, dentry, d_parent))
            return VARMOR_STAT_UNREADABLE;
        if (parent == dentry)
            return 0;
        r = note_dentry(w, (u64)dentry);
        if (r)
            return r;
        dentry = parent;
    }
    return VARMOR_STAT_TOO_DEEP;
}

__noinline int varmor_collect_inside(void)
{
    struct varmor_walk *w = walk_get(0);
    struct dentry *dentry;
    struct super_block *sb;
    u64 usual = 0;
    bool met_stop;
    int r;

    if (!w)
        return VARMOR_STAT_NO_SCRATCH;
    dentry = (void *)w->request.dentry;
    if (BPF_CORE_READ_INTO(&sb, dentry, d_sb))
        return VARMOR_STAT_UNREADABLE;
    if ((u64)sb != w->request.root_sb) {
        usual = usual_name(sb);
        if (!usual || is_mounted_as_usual(w, usual))
            goto same;
    } else if (w->first_root == w->request.root_dentry && w->n_own == w->n_dentries) {
        goto same; /* found through the container's root mount itself */
    }
    if (w->first_root)
        dentry = (void *)w->first_root;
    r = climb_inside(w, dentry, usual ? 0 : w->request.root_dentry, &met_stop);
    if (r)
        return r;
    if (!usual && !met_stop)
        goto same; /* the same file system, but beside the container's root directory */
    return usual ? note_dentry(w, usual) : 0;
same:
    w->n_dentries = 0;
    return 0;
}
