/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_bpf.h"

#include "lib/loop.h"
#include "lib/ruleset/ruleset.h"

/* Room of the spare: most profiles fit, and 100 of them hold some 7 MiB. A larger one is given maps
 * of its own size when it is committed. */
#define SPARE_LINES 1024 /* 64 KiB */
#define SPARE_RULES 512  /* 4 KiB */
#define SPARE_DELAY_NS                                                                             \
    (2 * NS_PER_MSEC) /* the turn that committed is over, and its answer on the way */

static uint32_t next_version(struct enforcer_bpf *e)
{
    do
        e->last_version++;
    while (e->last_version == 0 || profile_slots_find_version(e->table, e->last_version));
    return e->last_version;
}

static void on_timer(void *data)
{
    struct enforcer_bpf *e = data;
    uint32_t number;

    if (e->spare)
        return;
    number = next_version(e);
    if (version_reserve(e->maps, number, SPARE_LINES, SPARE_RULES, NULL) == 0)
        e->spare = number; /* else the next commit reserves for itself, and tells why it cannot */
}

void enforcer_bpf_want_spare(struct enforcer_bpf *e)
{
    if (e->spare || (!e->spare_timer && loop_timer_new(e->loop, &e->spare_timer, on_timer, e) < 0))
        return;
    loop_timer_set(e->spare_timer, SPARE_DELAY_NS);
}

void enforcer_bpf_forget_spare(struct enforcer_bpf *e)
{
    e->spare = 0;
    e->spare_timer = loop_timer_free(e->spare_timer);
}

int enforcer_bpf_take_number(struct enforcer_bpf *e, const struct enforcer_version *v,
                             uint32_t *ret, struct error **reterr)
{
    size_t n_lines = version_n_lines(v), n_rules = v->ruleset->n_rules;
    uint32_t number = e->spare;
    int r;

    if (number && n_lines <= SPARE_LINES && n_rules <= SPARE_RULES) {
        e->spare = 0;
        *ret = number;
        return 0;
    }
    number = next_version(e);
    r = version_reserve(e->maps, number, n_lines, n_rules, reterr);
    if (r < 0)
        return r;
    *ret = number;
    return 0;
}
