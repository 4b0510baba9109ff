/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Mounts.
 *
 * sb_mount        mount(2): source text, type and flags as given
 * move_mount      the path of what is moved, also what fsmount(2) or open_tree(2) made
 * sb_umount       the path of the mount point
 * sb_kern_mount   a new mount by whatever call: fsmount(2) asks nothing else. Neither source nor
 * mount flags are known here, so only rules apply that hold for every source and whatever the flags
 * sb_remount      a file system is reconfigured, by mount(2) or by fspick(2): likewise
 */
#include "bpf/judge.h"

/* Flags that make the type of a mount(2) meaningless. */
#define WITHOUT_TYPE                                                                               \
    (MS_REMOUNT | MS_BIND | MS_MOVE | MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED |          \
     VARMOR_MOUNT_UMOUNT)
#define ALL_KNOWN 0xffffffffu

/* Adds what the list of the source says to the verdict. Type and flags are in the walk's event. */
__noinline int varmor_judge_mount(u32 version)
{
    struct varmor_walk *w = walk_get(0);
    struct varmor_mount_list *list;
    u32 flags, known, n_rules;
    u64 type[2], any[2] = {'*', 0};
    void *image;

    if (!w)
        return VARMOR_STAT_NO_SCRATCH;
    image = bpf_map_lookup_elem(&varmor_images, &version);
    if (!image || w->mount_list == 0)
        return 0;
    list = image_line(image, w->mount_list);
    if (!list) {
        w->cause = VARMOR_STAT_BAD_IMAGE;
        return 0;
    }
    n_rules = list->n_rules;
    flags = w->event.mount_flags;
    known = w->mount_known;
    __builtin_memcpy(type, w->event.fstype, sizeof(type));
    for (u32 i = 0; i < VARMOR_MAX_MOUNTRULES && i < n_rules; i++) {
        struct varmor_mount_rule *rule = image_line(image, w->mount_list + 1 + i);
        bool by_set_alone = flags & VARMOR_MOUNT_UMOUNT || flags == VARMOR_MOUNT_MOVE;
        u64 *rule_type;

        if (!rule) {
            w->cause = VARMOR_STAT_BAD_IMAGE;
            return 0;
        }
        if (!(flags & known & rule->set) && (by_set_alone || !(~flags & known & rule->clear)) &&
            !(~known & rule->set & rule->clear))
            continue;
        rule_type = (u64 *)rule->fstype;
        if ((rule_type[0] != any[0] || rule_type[1] != any[1]) &&
            (rule_type[0] != type[0] || rule_type[1] != type[1]))
            continue;
        if (rule->mode & VARMOR_PORT_DENY) {
            w->deny = 1;
            w->deny_rule = rule->rule < w->deny_rule ? rule->rule : w->deny_rule;
        } else if (rule->mode & VARMOR_PORT_AUDIT) {
            w->audit_rule = rule->rule < w->audit_rule ? rule->rule : w->audit_rule;
        }
        if (rule->mode & VARMOR_PORT_AUDIT)
            w->audit = 1;
    }
    return 0;
}

struct mount_question {
    const char *source; /* text; or a path: */
    const struct vfsmount *mnt;
    const struct dentry *dentry;
    const char *type; /* NULL: "none" */
    u32 flags, known;
};

#define UNKNOWN_SOURCE ((const char *)0)

static __always_inline void put_type(struct varmor_event *event, const char *type)
{
    char text[sizeof(event->fstype) + 1] = "none";

    if (type) {
        __builtin_memset(text, 0, sizeof(text));
        bpf_probe_read_kernel_str(text, sizeof(text), type);
    }
    /* One that is too long for a rule keeps its last byte, and so is equal to none. */
    __builtin_memcpy(event->fstype, text, sizeof(event->fstype));
}

static __always_inline int judge_mount(const struct subject *s, const struct mount_question *q)
{
    struct varmor_walk *w = walk_get(WALK_MAKE);
    struct verdict v;
    int r;

    if (!w)
        return conclude_unjudgeable(s, VARMOR_EVENT_MOUNT, VARMOR_STAT_NO_SCRATCH);
    request_begin(s, w);
    w->mount_list = 0;
    w->mount_known = q->known;
    w->n_shown = 0;
    w->request.text = (u64)q->source;
    w->request.asked = 0;
    w->event.mount_flags = q->flags;
    put_type(&w->event, q->type);
    if (q->mnt) {
        w->request.mnt = (u64)q->mnt;
        w->request.dentry = (u64)q->dentry;
        w->cause = varmor_collect();
        w->n_shown = w->n_dentries;
        if (!w->cause)
            varmor_run(s->version, VARMOR_MOUNT_SOURCE, w->n_dentries);
    } else {
        varmor_run_text(s->version, VARMOR_MOUNT_SOURCE);
    }
    if (!w->cause)
        varmor_judge_mount(s->version);
    v = verdict_of_walk(s, w);
    r = conclude(s, &v);
    if (!v.audit && !v.cause)
        return r;
    event_wanted(s, &v, VARMOR_EVENT_MOUNT);
    w->event.mount_flags = q->flags;
    put_type(&w->event, q->type);
    varmor_report(q->mnt || q->source);
    return r;
}

/* The whole of every mount hook. */
static __always_inline int judge_mount_of_current(const struct mount_question *q)
{
    struct subject s;

    if (!subject_get(&s))
        return 0;
    if (s.cause || !s.front)
        return conclude_unjudgeable(&s, VARMOR_EVENT_MOUNT, s.cause);
    if (!(s.front->concern & VARMOR_CONCERN_MOUNT))
        return 0;
    return judge_mount(&s, q);
}

SEC("lsm/sb_mount")
int BPF_PROG(varmor_mount, const char *source, const struct path *path, const char *type,
             unsigned long flags, void *data, int prev)
{
    struct mount_question q = {
        .source = source,
        .type = flags & (WITHOUT_TYPE & ~VARMOR_MOUNT_UMOUNT) ? NULL : type,
        .flags = flags & ~VARMOR_MOUNT_UMOUNT,
        .known = ALL_KNOWN,
    };

    if (prev)
        return prev;
    return judge_mount_of_current(&q);
}

SEC("lsm/move_mount")
int BPF_PROG(varmor_move_mount, const struct path *from, const struct path *to, int prev)
{
    struct mount_question q = {
        .mnt = from->mnt,
        .dentry = from->dentry,
        .flags = VARMOR_MOUNT_MOVE,
        .known = ALL_KNOWN,
    };

    if (prev)
        return prev;
    return judge_mount_of_current(&q);
}

SEC("lsm/sb_umount")
int BPF_PROG(varmor_umount, struct vfsmount *mnt, int flags, int prev)
{
    struct mount_question q = {
        .mnt = mnt,
        .dentry = mnt->mnt_root,
        .flags = VARMOR_MOUNT_UMOUNT,
        .known = ALL_KNOWN,
    };

    if (prev)
        return prev;
    return judge_mount_of_current(&q);
}

SEC("lsm/sb_kern_mount")
int BPF_PROG(varmor_new_mount, struct super_block *sb, int prev)
{
    struct mount_question q = {.source = UNKNOWN_SOURCE, .type = sb->s_type->name};

    if (prev)
        return prev;
    return judge_mount_of_current(&q);
}

SEC("lsm/sb_remount")
int BPF_PROG(varmor_remount, struct super_block *sb, void *options, int prev)
{
    struct mount_question q = {
        .source = UNKNOWN_SOURCE,
        .flags = MS_REMOUNT,
        .known = MS_REMOUNT,
    };

    if (prev)
        return prev;
    return judge_mount_of_current(&q);
}
