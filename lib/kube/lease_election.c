/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/lease_election.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* A holder that writes a longer duration than this is not waited for any longer. */
#define DURATION_MAX_S 3600

void election_init(struct election *e, const char *identity)
{
    size_t len = strlen(identity);

    assert(len > 0 && len <= LEASE_HOLDER_MAX);
    *e = (struct election){0};
    memcpy(e->identity, identity, len + 1);
}

static bool is_ours(const struct election *e)
{
    return strcmp(e->seen.holder, e->identity) == 0;
}

bool election_leads(const struct election *e, uint64_t now_ns)
{
    return !e->resigned && now_ns < e->held_until_ns;
}

/* May somebody other than the holder take what was seen? */
static bool is_free(const struct election *e, uint64_t now_ns)
{
    int64_t duration_s = e->seen.duration_s;

    if (e->is_gone)
        return now_ns >= e->seen_ns + ELECTION_DURATION_S * NS_PER_SEC;
    if (!e->seen.holder[0] || is_ours(e))
        return true;
    if (duration_s < 1 || duration_s > DURATION_MAX_S)
        duration_s = ELECTION_DURATION_S;
    return now_ns >= e->seen_ns + (uint64_t)duration_s * NS_PER_SEC;
}

static void fill_claim(const struct election *e, bool leads, int64_t real_ns,
                       struct lease_record *ret)
{
    char now[LEASE_TIME_MAX + 1];

    lease_time_format(now, real_ns);
    *ret = e->seen;
    memcpy(ret->renewed, now, sizeof(now));
    ret->duration_s = ELECTION_DURATION_S;
    if (leads)
        return;
    memcpy(ret->holder, e->identity, sizeof(ret->holder));
    memcpy(ret->acquired, now, sizeof(now));
    if (e->seen.acquired[0] && !is_ours(e))
        ret->transitions++;
}

enum election_action election_next(struct election *e, uint64_t now_ns, int64_t real_ns,
                                   struct lease_record *ret)
{
    bool leads = election_leads(e, now_ns);

    e->sent_ns = now_ns;
    e->due_ns = UINT64_MAX; /* until the answer */
    e->is_writing = e->may_write && (leads || is_free(e, now_ns));
    if (!leads)
        e->may_write = false; /* the next attempt reads first */
    if (!e->is_writing)
        return ELECTION_READ;
    fill_claim(e, leads, real_ns, ret);
    return e->seen.version[0] ? ELECTION_UPDATE : ELECTION_CREATE;
}

/* ---- Answers ---- */

static void see(struct election *e, const struct lease_record *record, uint64_t now_ns)
{
    if (strcmp(e->seen.version, record->version) != 0)
        e->seen_ns = now_ns;
    e->is_gone = false;
    e->seen = *record;
}

static void written(struct election *e)
{
    e->held_until_ns = e->sent_ns + ELECTION_RENEW_NS;
    e->may_write = true;
    e->due_ns = e->sent_ns + ELECTION_RETRY_NS;
}

static void was_read(struct election *e, uint64_t now_ns)
{
    if (!is_ours(e))
        e->held_until_ns = 0;
    e->may_write = is_free(e, now_ns);
    e->due_ns = e->may_write ? now_ns : now_ns + ELECTION_RETRY_NS;
}

/* Somebody may have taken it after we saw it last, and act until it learns that it is gone. */
static void is_absent(struct election *e, uint64_t now_ns, bool leads)
{
    bool is_ours_to_make;

    if (e->seen.version[0]) {
        e->is_gone = true;
        e->seen_ns = now_ns;
    }
    is_ours_to_make = leads || is_free(e, now_ns);
    e->seen.version[0] = '\0';
    e->may_write = is_ours_to_make && !e->is_writing;
    e->due_ns = is_ours_to_make ? now_ns : now_ns + ELECTION_RETRY_NS;
}

void election_answered(struct election *e, enum election_outcome outcome,
                       const struct lease_record *record, uint64_t now_ns)
{
    bool leads = election_leads(e, now_ns);

    switch (outcome) {
    case ELECTION_OK:
        see(e, record, now_ns);
        if (e->is_writing && is_ours(e))
            written(e);
        else
            was_read(e, now_ns);
        break;
    case ELECTION_ABSENT:
        is_absent(e, now_ns, leads);
        break;
    case ELECTION_CONFLICT: /* perhaps with a write of our own whose answer was lost */
        e->may_write = false;
        e->due_ns = now_ns + (leads ? ELECTION_RETRY_NS / 10 : ELECTION_RETRY_NS);
        break;
    case ELECTION_FAILED:
        e->due_ns = now_ns + ELECTION_RETRY_NS;
        break;
    }
    e->is_writing = false;
}

/* ---- Queries, and the end ---- */

uint64_t election_due_ns(const struct election *e)
{
    return e->due_ns;
}

const char *election_holder(const struct election *e)
{
    return e->seen.holder;
}

bool election_resign(struct election *e, int64_t real_ns, struct lease_record *ret)
{
    e->resigned = true;
    e->held_until_ns = 0;
    if (!e->seen.version[0] || !is_ours(e))
        return false;
    *ret = e->seen;
    ret->holder[0] = '\0';
    ret->duration_s = 1; /* a Lease may not have 0 */
    lease_time_format(ret->renewed, real_ns);
    return true;
}
