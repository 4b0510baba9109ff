/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Tracing and looking into other processes. Each access has two sides: the actor's profile may
 * forbid it to trace or read others, the target's that others trace or read it. Processes of one
 * container are judged by the strict permissions only. The host may look into its containers.
 */
#include "bpf/judge.h"

static __always_inline struct verdict decide_ptrace(const struct subject *s, u32 permission,
                                                    bool external)
{
    struct verdict v = {.rule = VARMOR_NO_RULE};

    for (u32 bit = 0; bit < 4; bit++) {
        u32 judged = external ? 1u << bit : VARMOR_PTRACE_STRICT(1u << bit);

        if (permission & (1u << bit))
            v = combine(v, s->front->ptrace_deny & judged, s->front->ptrace_audit & judged,
                        s->front->ptrace_rule[bit]);
    }
    return v;
}

/* Judges one side by its label. */
static __always_inline int judge_side(struct varmor_label *label, u32 permission, bool external,
                                      bool reports)
{
    struct varmor_walk *w;
    struct subject s;
    struct verdict v;
    int r;

    if (!label || !label->active || !subject_of_label(&s, label))
        return 0;
    if (s.cause || !s.front)
        return conclude_unjudgeable(&s, VARMOR_EVENT_PTRACE, s.cause);
    if (!(s.front->concern & VARMOR_CONCERN_PTRACE))
        return 0;
    v = decide_ptrace(&s, permission, external);
    if (!v.deny && !v.audit)
        return 0;
    r = conclude(&s, &v);
    if (!reports)
        return r;
    w = event_wanted(&s, &v, VARMOR_EVENT_PTRACE);
    if (!w)
        return r;
    w->event.permissions = permission;
    w->event.external = external;
    varmor_report(0);
    return r;
}

static __always_inline bool is_external(struct varmor_label *a, struct varmor_label *b)
{
    return !a || !b || !a->active || !b->active || a->cgroup != b->cgroup;
}

static __always_inline bool is_on_host(void)
{
    struct root_directory root;

    root_of_current(&root);
    return root.is_host;
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(varmor_ptrace, struct task_struct *target, unsigned int mode, int prev)
{
    bool reads = mode & PTRACE_MODE_READ, reports = !(mode & PTRACE_MODE_NOAUDIT), external;
    struct varmor_label *own, *other;
    int r;

    if (prev)
        return prev;
    own = active_label_of_current();
    other = label_of_task(target);
    if (!own && !other)
        return 0;
    external = is_external(own, other);
    r = judge_side(own, reads ? VARMOR_PTRACE_READ : VARMOR_PTRACE_TRACE, external, reports);
    if (r || (!own && is_on_host()))
        return r;
    return judge_side(other, reads ? VARMOR_PTRACE_READBY : VARMOR_PTRACE_TRACEBY, external,
                      reports);
}

/* The current task asks to be traced by its parent. */
SEC("lsm/ptrace_traceme")
int BPF_PROG(varmor_traceme, struct task_struct *parent, int prev)
{
    struct varmor_label *own, *other;
    bool external;
    int r;

    if (prev)
        return prev;
    own = active_label_of_current();
    other = label_of_task(parent);
    if (!own && !other)
        return 0;
    external = is_external(own, other);
    r = judge_side(other, VARMOR_PTRACE_TRACE, external, true);
    if (r)
        return r;
    return judge_side(own, VARMOR_PTRACE_TRACEBY, external, true);
}
