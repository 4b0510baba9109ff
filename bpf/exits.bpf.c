/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Notes in which cgroups a process was when it ended. A record of the kernel's audit system names a
 * process by its number alone, and is read after the fact: of one that seccomp has killed, or that
 * lived for a moment, /proc has nothing any more. An object of its own, attached for as long as the
 * agent runs.
 */
#include "bpf/exits.h"
#include "bpf/kernel.h"

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, VARMOR_EXITS_MAX);
    __type(key, u32);
    __type(value, struct varmor_exit);
} varmor_exits SEC(".maps");

static __always_inline void note_cgroups(struct task_struct *task, struct varmor_exit *e)
{
    struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);

    for (u32 i = 0; i < VARMOR_EXIT_CGROUPS; i++) {
        struct cgroup_subsys_state *parent;

        if (!cgroup)
            return;
        e->cgroups[i] = BPF_CORE_READ(cgroup, kn, id);
        parent = BPF_CORE_READ(cgroup, self.parent);
        if (!parent)
            return;
        cgroup = BPF_CORE_READ(parent, cgroup);
    }
}

/* Called for each thread, before it leaves its cgroup. */
SEC("raw_tp/sched_process_exit")
int varmor_process_exit(void *ctx)
{
    struct task_struct *task = (void *)bpf_get_current_task();
    u64 ids = bpf_get_current_pid_tgid();
    u32 tgid = ids >> 32;
    struct varmor_exit e = {0};

    if (tgid != (u32)ids) /* the process is there as long as its first thread is not gone */
        return 0;
    e.began_ns = BPF_CORE_READ(task, start_boottime);
    e.ended_ns = bpf_ktime_get_boot_ns();
    note_cgroups(task, &e);
    bpf_map_update_elem(&varmor_exits, &tgid, &e, BPF_ANY);
    return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
