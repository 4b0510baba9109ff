/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/exited_processes.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "agent/audit_process.h"
#include "agent/boot_clock.h"
#include "agent/libbpf_text.h"
#include "bpf/exits.skel.h"

struct exited_processes {
    struct exits_bpf *object; /* owned */
};

int exited_processes_new(struct exited_processes **ret, struct error **reterr)
{
    CLEANUP(exited_processes_free) struct exited_processes *e = calloc(1, sizeof(*e));
    int r;

    if (!e)
        return error_oom(reterr);
    libbpf_text_begin();
    e->object = exits_bpf__open_and_load();
    r = e->object ? exits_bpf__attach(e->object) : -errno;
    libbpf_text_end();
    if (r < 0)
        return error_errno(reterr, r, "program at the end of processes%s", libbpf_text_last());
    *ret = TAKE(e);
    return 0;
}

struct exited_processes *exited_processes_free(struct exited_processes *e)
{
    if (!e)
        return NULL;
    exits_bpf__destroy(e->object);
    free(e);
    return NULL;
}

size_t exited_processes_find(const struct exited_processes *e, int pid, uint64_t time_ns,
                             uint64_t ret[static VARMOR_EXIT_CGROUPS])
{
    int64_t at = (int64_t)time_ns - boot_clock_to_real_ns();
    int64_t slack = (int64_t)AUDIT_PROCESS_SLACK_NS;
    struct varmor_exit found;
    uint32_t tgid = (uint32_t)pid;
    size_t n = 0;

    if (bpf_map_lookup_elem(bpf_map__fd(e->object->maps.varmor_exits), &tgid, &found) < 0 ||
        (int64_t)found.began_ns > at + slack || (int64_t)found.ended_ns < at - slack)
        return 0;
    for (; n < VARMOR_EXIT_CGROUPS && found.cgroups[n]; n++)
        ret[n] = found.cgroups[n];
    return n;
}
