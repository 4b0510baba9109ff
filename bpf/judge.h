/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * The judge: what every hook does once it has said what is asked.
 *
 * Invariants
 * 1. A denial by another program stays: hooks leave at once if they are handed one.
 * 2. The verdict is final before anything is tried that may fail for reporting.
 * 3. What cannot be judged is denied if the profile has any rule that denies (or cannot be read at
 * all), is counted by cause, and is reported.
 * 4. A count is never lost. A record may be; that is counted too.
 *
 * The order is always: subject_get(), the front's word on whether any rule concerns this, decide,
 * conclude().
 */
#include "bpf/walk.h"

struct verdict {
    bool deny, audit;
    u32 rule;  /* that decided; VARMOR_NO_RULE if none */
    u32 cause; /* enum varmor_stat of what could not be judged, else 0 */
};

/* Judges the request in the task's walk by a version: runs both automata over the path, and over
 * the path inside its file system if that is another one. Sets deny, audit, the rules and cause in
 * the walk. */
int varmor_judge_path(u32 version);
/* Writes the walk's event. What finds no room is counted, and that is all. */
int varmor_report(u32 with_text);

static __always_inline void count_rule(u32 version, u32 rule)
{
    void *counts = bpf_map_lookup_elem(&varmor_counts, &version);
    u64 *count;

    if (!counts)
        return;
    count = bpf_map_lookup_elem(counts, &rule);
    if (count)
        __sync_fetch_and_add(count, 1);
}

/* Fills in what every record says. */
static __always_inline void event_begin(struct varmor_walk *w, const struct subject *s, u32 kind)
{
    struct task_struct *task = (void *)bpf_get_current_task();
    struct varmor_event *e = &w->event;
    u64 ids = bpf_get_current_pid_tgid();

    __builtin_memset(e, 0, sizeof(*e));
    e->kind = kind;
    e->version = s->version;
    e->cgroup = s->label->cgroup;
    e->time_ns = bpf_ktime_get_boot_ns();
    e->tgid = ids >> 32;
    e->pid = (u32)ids;
    e->uid = (u32)bpf_get_current_uid_gid();
    e->mnt_ns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
    bpf_get_current_comm(e->comm, sizeof(e->comm));
}

/* What a hook returns. The compiler makes "-(int)deny" of it, which 6.12 refuses ("R0 has smin=0
 * smax=4294967295 should have been in [-4095, 0]"), unless the branch has something in it. */
static __always_inline int refuse_if(bool deny)
{
    if (!deny)
        return 0;
    asm volatile("" ::: "memory");
    return -EPERM;
}

/* Counts the verdict and returns what the hook returns. */
static __always_inline int conclude(const struct subject *s, const struct verdict *v)
{
    stat_add(VARMOR_STAT_JUDGED);
    if (v->rule != VARMOR_NO_RULE)
        count_rule(s->version, v->rule);
    if (v->cause)
        stat_add(v->cause);
    if (v->deny)
        stat_add(VARMOR_STAT_DENIED);
    else if (v->audit)
        stat_add(VARMOR_STAT_AUDITED);
    return refuse_if(v->deny);
}

/* The walk with an event begun, if the verdict is to be reported; the hook adds what it knows and
 * calls varmor_report(). NULL: nothing is to be reported, or there is no memory to do it. */
static __always_inline struct varmor_walk *event_wanted(const struct subject *s,
                                                        const struct verdict *v, u32 kind)
{
    struct varmor_walk *w;

    if (!v->audit && !v->cause)
        return NULL;
    w = walk_get(WALK_MAKE);
    if (!w) {
        stat_add(VARMOR_STAT_EVENTS_LOST);
        return NULL;
    }
    event_begin(w, s, kind);
    w->event.action = v->deny ? VARMOR_ACTION_DENIED : VARMOR_ACTION_AUDITED;
    w->event.rule = v->rule;
    w->event.cause = v->cause;
    return w;
}

/* Adds what one table says to what others said: a denying rule before an auditing one, the lower
 * before the higher. */
static __always_inline struct verdict combine(struct verdict v, bool deny, bool audit, u32 rule)
{
    if (!deny && !audit)
        return v;
    if (deny == v.deny)
        v.rule = rule < v.rule ? rule : v.rule;
    else if (deny)
        v.rule = rule;
    v.deny |= deny;
    v.audit |= audit;
    return v;
}

/* What cannot be judged. */
static __always_inline struct verdict unjudgeable(const struct subject *s, u32 cause)
{
    return (struct verdict){
        .deny = !s->front || s->front->magic != VARMOR_MAGIC || s->front->any_deny,
        .rule = VARMOR_NO_RULE,
        .cause = cause,
    };
}

/* Concludes what cannot be judged, where there is no request to report. */
static __always_inline int conclude_unjudgeable(const struct subject *s, u32 kind, u32 cause)
{
    struct verdict v = unjudgeable(s, cause);
    int r = conclude(s, &v);

    if (event_wanted(s, &v, kind))
        varmor_report(0);
    return r;
}

/* The verdict that varmor_judge_path() or varmor_run() left in the walk. */
static __always_inline struct verdict verdict_of_walk(const struct subject *s,
                                                      const struct varmor_walk *w)
{
    if (w->deny)
        return (struct verdict){.deny = true, .audit = w->audit != 0, .rule = w->deny_rule};
    if (w->cause)
        return unjudgeable(s, w->cause);
    return (struct verdict){.audit = w->audit != 0,
                            .rule = w->audit ? w->audit_rule : VARMOR_NO_RULE};
}

#define DIGEST_LINE 4 /* of struct varmor_name; the digest begins it */

/* Clears the verdict and says whose image is walked. */
static __always_inline void request_begin(const struct subject *s, struct varmor_walk *w)
{
    u64 *digest = image_line(s->image, DIGEST_LINE);

    w->request.digest = digest ? *digest : 0;
    w->deny = 0;
    w->audit = 0;
    w->deny_rule = VARMOR_NO_RULE;
    w->audit_rule = VARMOR_NO_RULE;
    w->cause = 0;
}

/* What a hook asks about a path. */
struct path_question {
    u32 kind;      /* enum varmor_event_kind */
    u32 automaton; /* VARMOR_FILE_FORWARD or VARMOR_EXEC_FORWARD */
    u32 asked;     /* VARMOR_MAY_* */
    bool skips_internal;
    bool is_untyped; /* mount and dentry are mere numbers to the verifier */
};

/* Collects a path that leads to its mount's root, by plain loads: what is said to the verifier
 * about typed pointers ends at a function that is not inlined. False if it does not lead there. */
static __always_inline bool collect_to_root(struct varmor_walk *w, const struct vfsmount *mnt,
                                            const struct dentry *dentry)
{
    const struct dentry *root = mnt->mnt_root, *parent;

    for (u32 i = 0; i < VARMOR_MAX_DEPTH; i++) {
        if (dentry == root) {
            w->n_dentries = i;
            return true;
        }
        w->dentries[i] = (u64)dentry;
        parent = dentry->d_parent;
        if (parent == dentry)
            return false;
        dentry = parent;
    }
    return false;
}

/* Judges a path of a mount (NULL: none known) and a dentry; the verdict is left in the walk. */
static __always_inline void ask_path(const struct subject *s, const struct path_question *q,
                                     struct varmor_walk *w, const struct vfsmount *mnt,
                                     const struct dentry *dentry)
{
    struct varmor_request *request = &w->request;

    request_begin(s, w);
    request->mnt = (u64)mnt;
    request->dentry = (u64)dentry;
    request->text = 0;
    request->root_sb = s->label->root_sb;
    request->root_dentry = s->label->root_dentry;
    request->root_parent = s->label->root_parent;
    request->root_mountpoint = s->label->root_mountpoint;
    request->asked = q->asked;
    request->automaton = q->automaton;
    request->skips_internal = q->skips_internal;
    request->is_collected = 0;
    if (!q->is_untyped && mnt && request->mnt == s->label->root_mnt &&
        collect_to_root(w, mnt, dentry))
        request->is_collected = 1;
    varmor_judge_path(s->version);
}

/* Concludes by the verdict in the walk. */
static __always_inline int conclude_walk(const struct subject *s, const struct path_question *q,
                                         struct varmor_walk *w)
{
    struct verdict v = verdict_of_walk(s, w);
    int r = conclude(s, &v);

    if (!event_wanted(s, &v, q->kind))
        return r;
    w->event.permissions = q->asked;
    varmor_report(1);
    return r;
}

static __always_inline int judge_file_of(u32 asked, const struct vfsmount *mnt,
                                         const struct dentry *dentry, bool is_untyped)
{
    struct path_question q = {
        .kind = VARMOR_EVENT_FILE,
        .automaton = VARMOR_FILE_FORWARD,
        .asked = asked,
        .skips_internal = true,
        .is_untyped = is_untyped,
    };
    struct varmor_walk *w;
    struct subject s;

    if (!subject_get(&s))
        return 0;
    if (s.cause || !s.front)
        return conclude_unjudgeable(&s, VARMOR_EVENT_FILE, s.cause);
    if (!(s.front->file_concern & asked))
        return 0;
    w = walk_get(WALK_MAKE);
    if (!w)
        return conclude_unjudgeable(&s, VARMOR_EVENT_FILE, VARMOR_STAT_NO_SCRATCH);
    ask_path(&s, &q, w, mnt, dentry);
    return conclude_walk(&s, &q, w);
}

/* Judges what is done to a file; the whole of most file hooks. */
static __always_inline int judge_file(u32 asked, const struct vfsmount *mnt,
                                      const struct dentry *dentry)
{
    return judge_file_of(asked, mnt, dentry, false);
}
