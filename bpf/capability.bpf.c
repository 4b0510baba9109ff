/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Capabilities: every question of the kernel whether the task has one, in whatever user namespace.
 *
 * The kernel also asks on a task's behalf, with other credentials than its own: overlayfs with
 * those of who mounted it. That is not the task's access. Credentials that a task lent itself
 * through io_uring are its own.
 */
#include "bpf/judge.h"

/* True if the current task acts with credentials that are not its own. */
static __always_inline bool is_on_behalf(const struct subject *s)
{
    struct task_struct *task = (void *)bpf_get_current_task();
    const struct cred *cred = BPF_CORE_READ(task, cred);

    if (cred == BPF_CORE_READ(task, real_cred))
        return false;
    if (varmor_have_uring_override)
        return (u64)cred != s->label->uring_cred;
    if (bpf_core_field_exists(task->io_uring))
        return BPF_CORE_READ(task, io_uring) == NULL;
    return true;
}

static __always_inline struct verdict judge_capability(const struct subject *s, u32 capability)
{
    u64 bit = 1ULL << (capability & 63);
    struct verdict v = {
        .deny = (s->front->cap_deny & bit) != 0,
        .audit = (s->front->cap_audit & bit) != 0,
        .rule = VARMOR_NO_RULE,
    };
    u32 per_line = sizeof(struct varmor_line) / sizeof(u16);
    u16 *rules;

    if (!v.deny && !v.audit)
        return v;
    rules = image_line(s->image, s->front->cap_rules_line + (capability & 63) / per_line);
    if (rules)
        v.rule = rules[capability & (per_line - 1)];
    return v;
}

SEC("lsm/capable")
int BPF_PROG(varmor_capable, const struct cred *cred, struct user_namespace *ns, int capability,
             unsigned int options, int prev)
{
    struct subject s;
    struct verdict v;
    struct varmor_walk *w;
    int r;

    if (prev)
        return prev;
    if (!subject_get(&s))
        return 0;
    if (s.cause || !s.front)
        return conclude_unjudgeable(&s, VARMOR_EVENT_CAPABILITY, s.cause);
    v = judge_capability(&s, capability);
    if ((!v.deny && !v.audit) || is_on_behalf(&s))
        return 0;
    r = conclude(&s, &v);
    if (options & CAP_OPT_NOAUDIT)
        return r;
    w = event_wanted(&s, &v, VARMOR_EVENT_CAPABILITY);
    if (!w)
        return r;
    w->event.capability = capability;
    varmor_report(0);
    return r;
}
