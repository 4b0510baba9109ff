/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Programs: the file that is run, at each stage of an exec (a script, then its interpreter), by its
 * resolved path; so a symbolic link, a relative name, a copied name in execveat(2) or the name in a
 * script's first line change nothing. The name as it was typed is judged too if it is absolute, for
 * rules that name a link. The exec of a container's first program is judged by the label that it
 * gets with it (label.bpf.c).
 */
#include "bpf/judge.h"

/* Adds what the rules say to the typed name to what they say to the file. */
static __always_inline void judge_typed_name(const struct subject *s, struct varmor_walk *w,
                                             struct linux_binprm *bprm)
{
    const char *name = bprm->filename;
    u32 audit = w->audit;
    char first = 0;

    if (bprm->interp != name) /* a later stage: the same name again */
        return;
    bpf_probe_read_kernel(&first, 1, name);
    if (first != '/')
        return;
    w->request.text = (u64)name;
    varmor_run_text(s->version, VARMOR_EXEC_FORWARD);
    if (!w->cause)
        varmor_run_text(s->version, VARMOR_EXEC_BACKWARD);
    if (!w->deny && w->audit == audit)
        w->request.text = 0; /* what is reported is the file, not the name */
}

SEC("lsm/bprm_check_security")
int BPF_PROG(varmor_exec, struct linux_binprm *bprm, int prev)
{
    struct path_question q = {
        .kind = VARMOR_EVENT_EXEC,
        .automaton = VARMOR_EXEC_FORWARD,
        .asked = VARMOR_MAY_EXEC,
    };
    struct varmor_label *label;
    struct varmor_walk *w;
    struct subject s;

    if (prev)
        return prev;
    label = label_of_current();
    if (!label || !label->cgroup || !subject_of_label(&s, label))
        return 0;
    if (s.cause || !s.front)
        return conclude_unjudgeable(&s, q.kind, s.cause);
    if (!(s.front->concern & VARMOR_CONCERN_EXEC))
        return 0;
    w = walk_get(WALK_MAKE);
    if (!w)
        return conclude_unjudgeable(&s, q.kind, VARMOR_STAT_NO_SCRATCH);
    ask_path(&s, &q, w, bprm->file->f_path.mnt, bprm->file->f_path.dentry);
    if (!w->deny && !w->cause) /* an audit of the file must not hide a denial of the name */
        judge_typed_name(&s, w, bprm);
    return conclude_walk(&s, &q, w);
}
