/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_bpf.h"

#include "agent/boot_clock.h"
#include "agent/rule_names.h"
#include "agent/violation.h"
#include "agent/violation_bpf.h"
#include "lib/buf.h"
#include "lib/loop.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

/* Records of one turn: a container that is denied in a loop must not keep the loop from everything
 * else. The ring stays readable, so the next turn goes on. */
#define RECORDS_PER_TURN 256

struct record_ring {
    struct enforcer_bpf *e;   /* borrowed */
    struct ring_buffer *ring; /* owned, like the two below */
    struct loop_io *io;
    uint64_t *per_cpu; /* room for one value a processor */
    int n_cpus;
    struct buf json;
    uint64_t lost_seen; /* of what the kernel counts as lost, already told */
    uint64_t lost;      /* not told yet */
    int64_t boot_to_real_ns;
    unsigned n_this_turn;
};

static int stat_sum(struct record_ring *ring, uint32_t stat, uint64_t *ret)
{
    int r = bpf_map_lookup_elem(ring->e->maps[KERNEL_MAP_STATS], &stat, ring->per_cpu);
    uint64_t sum = 0;

    if (r < 0)
        return r;
    for (int i = 0; i < ring->n_cpus; i++)
        sum += ring->per_cpu[i];
    *ret = sum;
    return 0;
}

static void lost_update(struct record_ring *ring)
{
    uint64_t now;

    if (stat_sum(ring, VARMOR_STAT_EVENTS_LOST, &now) < 0)
        return;
    ring->lost += now - ring->lost_seen;
    ring->lost_seen = now;
}

/* Which profile, and which of its rules. A record may be older than what is known of versions, if
 * it lay in the ring while no agent ran: then the container's binding still tells the profile, but
 * nothing the rule. */
static void attribute(const struct enforcer_bpf *e, const struct varmor_event *event,
                      struct violation *v)
{
    const struct profile_slot *slot = profile_slots_find_version(e->table, event->version);
    const struct rule_names *names = NULL;

    if (slot)
        names = slot->version == event->version ? slot->names : slot->previous_names;
    else
        slot = enforcer_bpf_slot_of_cgroup(e, event->cgroup);
    v->profile_name = slot ? slot->profile : "";
    v->rule_number = event->rule == VARMOR_NO_RULE ? -1 : event->rule;
    v->rule = names && v->rule_number >= 0 ? rule_names_get(names, (size_t)v->rule_number) : "";
}

static void deliver(struct record_ring *ring, const struct varmor_event *event)
{
    const struct enforcer_events *events = &ring->e->events;
    struct violation v = {
        .enforcer = ring->e->base.ops->name,
        .action = event->action == VARMOR_ACTION_DENIED ? VIOLATION_DENIED : VIOLATION_AUDITED,
        .time_ns = (uint64_t)((int64_t)event->time_ns + ring->boot_to_real_ns),
        .pid = (int)event->tgid,
        .mnt_ns = event->mnt_ns,
        .lost = ring->lost,
    };

    if (!events->violation)
        return;
    buf_clear(&ring->json);
    if (violation_bpf_format(&ring->json, event) < 0) {
        ring->lost++;
        return;
    }
    v.event_json = buf_text(&ring->json);
    if (events->find_container)
        v.container = events->find_container(event->cgroup, events->data);
    attribute(ring->e, event, &v);
    ring->lost = 0;
    events->violation(&v, events->data);
}

static int on_record(void *context, void *data, size_t size)
{
    struct record_ring *ring = context;
    const struct varmor_event *event = violation_bpf_check(data, size);

    if (event)
        deliver(ring, event);
    else
        ring->lost++;
    /* libbpf drains until the ring is empty unless it is told to stop */
    return ++ring->n_this_turn >= RECORDS_PER_TURN ? -ECANCELED : 0;
}

static void on_readable(int fd UNUSED, unsigned events UNUSED, void *data)
{
    struct record_ring *ring = data;

    ring->n_this_turn = 0;
    ring->boot_to_real_ns = boot_clock_to_real_ns();
    lost_update(ring);
    ring_buffer__consume(ring->ring);
}

int record_ring_new(struct record_ring **ret, struct enforcer_bpf *e, struct error **reterr)
{
    struct record_ring *ring = calloc(1, sizeof(*ring));
    int r;

    if (!ring)
        return error_oom(reterr);
    ring->e = e;
    ring->json = BUF_INIT(VIOLATION_BPF_JSON_MAX);
    ring->n_cpus = libbpf_num_possible_cpus();
    ring->per_cpu = ring->n_cpus > 0 ? calloc((size_t)ring->n_cpus, sizeof(uint64_t)) : NULL;
    if (!ring->per_cpu) {
        record_ring_free(ring);
        return error_oom(reterr);
    }
    stat_sum(ring, VARMOR_STAT_EVENTS_LOST, &ring->lost_seen);
    ring->ring = ring_buffer__new(e->maps[KERNEL_MAP_EVENTS], on_record, ring, NULL);
    if (!ring->ring) {
        r = error_errno(reterr, errno, "the ring of records");
        record_ring_free(ring);
        return r;
    }
    r = loop_io_new(e->loop, &ring->io, ring_buffer__epoll_fd(ring->ring), LOOP_READ, on_readable,
                    ring);
    if (r < 0) {
        record_ring_free(ring);
        return error_oom(reterr);
    }
    *ret = ring;
    return 0;
}

struct record_ring *record_ring_free(struct record_ring *ring)
{
    if (!ring)
        return NULL;
    loop_io_free(ring->io);
    ring_buffer__free(ring->ring);
    buf_done(&ring->json);
    free(ring->per_cpu);
    free(ring);
    return NULL;
}

int enforcer_bpf_stats(struct enforcer *base, uint64_t *ret, size_t n)
{
    struct enforcer_bpf *e = (struct enforcer_bpf *)base;

    if (!e->ring)
        return -ENODEV;
    for (uint32_t stat = 0; stat < n && stat < VARMOR_N_STATS; stat++) {
        int r = stat_sum(e->ring, stat, &ret[stat]);

        if (r < 0)
            return r;
    }
    return 0;
}
