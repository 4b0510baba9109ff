/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ruleset/port_set.h"

#include <errno.h>
#include <string.h>

#define PORT_END 0x10000u /* one past the last port */

void port_set_done(struct port_set *s)
{
    free(s->ranges);
    *s = (struct port_set){0};
}

/* What holds where two ranges overlap. */
static struct varmor_port_range port_range_join(const struct varmor_port_range *a,
                                                const struct varmor_port_range *b)
{
    struct varmor_port_range both = *a;
    bool a_denies = a->mode & VARMOR_PORT_DENY, b_denies = b->mode & VARMOR_PORT_DENY;

    if (a_denies == b_denies)
        both.rule = MIN(a->rule, b->rule);
    else if (b_denies)
        both.rule = b->rule;
    both.mode = (varmor_u16)(a->mode | b->mode);
    return both;
}

/* Puts a range behind those in out, or lengthens the last one if it goes on alike. */
static void port_set_append(struct port_set *out, struct varmor_port_range range)
{
    struct varmor_port_range *last = out->n ? &out->ranges[out->n - 1] : NULL;

    if (last && last->last + 1u == range.first && last->mode == range.mode &&
        last->rule == range.rule)
        last->last = range.last;
    else
        out->ranges[out->n++] = range;
}

int port_set_merge(struct port_set *s, const struct port_set *other)
{
    struct port_set out = {0};
    size_t i = 0, j = 0;
    unsigned at = 0;

    /* Each edge of either set begins at most one range. */
    out.ranges = calloc(2 * (s->n + other->n) + 1, sizeof(*out.ranges));
    if (!out.ranges)
        return -ENOMEM;
    while (i < s->n || j < other->n) {
        const struct varmor_port_range *a = i < s->n ? &s->ranges[i] : NULL;
        const struct varmor_port_range *b = j < other->n ? &other->ranges[j] : NULL;
        bool in_a = a && a->first <= at, in_b = b && b->first <= at;
        unsigned end = PORT_END; /* of the stretch from at on in which nothing changes */

        if (a)
            end = MIN(end, in_a ? a->last + 1u : a->first);
        if (b)
            end = MIN(end, in_b ? b->last + 1u : b->first);
        if (in_a || in_b) {
            struct varmor_port_range range = in_a && in_b ? port_range_join(a, b) : in_a ? *a : *b;

            range.first = (varmor_u16)at;
            range.last = (varmor_u16)(end - 1);
            port_set_append(&out, range);
        }
        at = end;
        i += in_a && a->last + 1u == end;
        j += in_b && b->last + 1u == end;
    }
    if (out.n > VARMOR_MAX_PORTRANGES) {
        port_set_done(&out);
        return -E2BIG;
    }
    port_set_done(s);
    *s = out;
    return 0;
}

int port_set_add(struct port_set *s, uint16_t first, uint16_t last, unsigned mode, uint16_t rule)
{
    struct varmor_port_range range = {
        .first = first, .last = last, .mode = (varmor_u16)mode, .rule = rule};

    return port_set_merge(s, &(struct port_set){.ranges = &range, .n = 1});
}

bool port_set_equal(const struct port_set *a, const struct port_set *b)
{
    return a->n == b->n &&
           (a->n == 0 || memcmp(a->ranges, b->ranges, a->n * sizeof(*a->ranges)) == 0);
}
