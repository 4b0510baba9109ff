/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * For tests only: the walker in a program of a type that any kernel runs by BPF_PROG_TEST_RUN, without an LSM. It
 * judges the path in a packet, which begins with a struct walker_question, by the image of a version. The
 * answer is the result of the run: bit 0 denied, bit 1 audited, bits 8 to 15 the cause, from bit 16 the rule.
 */
#include "bpf/maps.h"

const volatile bool varmor_have_task_storage = false;
const volatile bool varmor_have_uring_override = false;
const volatile bool varmor_have_rename_flags = false;
const volatile unsigned int varmor_host_dev = 0;
const volatile unsigned long long varmor_host_ino = 0;

#include "bpf/walk.bpf.c"

#define PROBE_PATH_BYTES 4096

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(u32));
    __uint(value_size, PROBE_PATH_BYTES + 1);
} varmor_probe SEC(".maps");

struct walker_question {
    u8 ethernet[14]; /* zero: no protocol that a test run would look into */
    u8 reserved[2];
    u32 version;
    u32 asked;     /* VARMOR_MAY_* */
    u32 automaton; /* the forward one */
    u32 path_len;
};

/* Tasks are not what this is about. */
__noinline int varmor_label_running(void)
{
    return 0;
}

static __always_inline int answer(const struct varmor_walk *w)
{
    u32 rule = w->deny ? w->deny_rule : w->audit_rule;

    return (w->deny != 0) | (w->audit != 0) << 1 | (w->cause & 0xff) << 8 | rule << 16;
}

SEC("tc")
int varmor_walker(struct __sk_buff *skb)
{
    struct walker_question q = {};
    struct varmor_walk *w = walk_get(0);
    u32 zero = 0, len;
    char *path = bpf_map_lookup_elem(&varmor_probe, &zero);

    if (!w || !path || bpf_skb_load_bytes(skb, 0, &q, sizeof(q)))
        return -1;
    if (q.path_len == 0 || q.path_len > PROBE_PATH_BYTES)
        return -1;
    /* 6.1 and older forget the lower bound that the comparison gave ("invalid access to map value, size=0"). */
    len = ((q.path_len - 1) & (PROBE_PATH_BYTES - 1)) + 1;
    if (bpf_skb_load_bytes(skb, sizeof(q), path, len))
        return -1;
    path[len] = '\0';
    w->deny = w->audit = w->cause = 0;
    w->deny_rule = w->audit_rule = VARMOR_NO_RULE;
    w->request.asked = q.asked;
    w->request.text = (u64)path;
    varmor_run_text(q.version, q.automaton);
    if (!w->cause)
        varmor_run_text(q.version, q.automaton + 1);
    return answer(w);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
