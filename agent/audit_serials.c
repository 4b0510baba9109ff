/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit_serials.h"

#include <string.h>

#define WORD_BITS 64

static bool is_seen(const struct audit_serials *s, uint64_t serial)
{
    uint64_t bit = serial % AUDIT_SERIALS_WINDOW;

    return s->seen[bit / WORD_BITS] >> (bit % WORD_BITS) & 1;
}

static void set_seen(struct audit_serials *s, uint64_t serial, bool seen)
{
    uint64_t bit = serial % AUDIT_SERIALS_WINDOW, mask = 1ULL << (bit % WORD_BITS);

    if (seen)
        s->seen[bit / WORD_BITS] |= mask;
    else
        s->seen[bit / WORD_BITS] &= ~mask;
}

static void begin(struct audit_serials *s, uint64_t serial)
{
    memset(s, 0, sizeof(*s));
    s->begun = true;
    s->first = serial;
    s->next = serial + 1;
    set_seen(s, serial, true);
}

/* Moves the window on by one; returns 1 if the serial that leaves it has never come. */
static uint64_t advance(struct audit_serials *s)
{
    uint64_t lost = 0;

    if (s->next - s->first == AUDIT_SERIALS_WINDOW) {
        lost = !is_seen(s, s->first);
        s->first++;
    }
    set_seen(s, s->next, false);
    s->next++;
    return lost;
}

uint64_t audit_serials_put(struct audit_serials *s, uint64_t serial)
{
    uint64_t lost = 0;

    if (s->begun && serial < s->next && s->next - serial <= AUDIT_SERIALS_WINDOW) {
        if (serial >= s->first) /* else it was late, and counted as lost, or before we began */
            set_seen(s, serial, true);
        return 0;
    }
    if (!s->begun || serial < s->next || serial - s->next > AUDIT_SERIALS_JUMP) {
        if (s->begun)
            lost = audit_serials_settle(s);
        begin(s, serial);
        return lost;
    }
    while (s->next <= serial)
        lost += advance(s);
    set_seen(s, serial, true);
    return lost;
}

bool audit_serials_has(const struct audit_serials *s, uint64_t serial)
{
    return s->begun && serial < s->next && s->next - serial <= AUDIT_SERIALS_WINDOW &&
           is_seen(s, serial);
}

uint64_t audit_serials_settle(struct audit_serials *s)
{
    uint64_t lost = 0;

    for (; s->first < s->next; s->first++)
        lost += !is_seen(s, s->first);
    return lost;
}
