/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/agent_exchange.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/map.h"
#include "manager/nodes.h"
#include "manager/profile_store.h"

/* What agent_exchange_next() gave last. */
enum step { STEP_NONE, STEP_WELCOME, STEP_REMOVAL, STEP_PROFILE, STEP_IN_SYNC };

#define SMALL_MESSAGE_MAX                                                                          \
    1024 /* welcome, removal, in_sync: a name of PROFILE_NAME_MAX bytes at most */

struct agent_exchange {
    const struct profile_store *store;
    struct node *node;
    struct map *removals; /* profile names; owned; no more than the agent held or was sent */
    struct map *unknown;  /* names that the agent holds and the store does not know; owned */
    struct buf small;     /* the message, unless it is a profile */
    enum step step;
    unsigned slot; /* STEP_PROFILE; also where the search for the next one begins */
    bool welcomed, in_sync;
};

static int add_removal(struct agent_exchange *x, const char *name)
{
    return map_put(x->removals, name, NULL);
}

/* Takes in what the agent says that it holds. 0, -EINVAL or -ENOMEM. */
static int take_held(struct agent_exchange *x, const struct msg_held *held, size_t n_held)
{
    if (n_held > PROFILE_STORE_MAX_SLOTS)
        return -EINVAL;
    for (size_t i = 0; i < n_held; i++) {
        unsigned slot;
        const struct profile_slot *s = profile_store_slot_of(x->store, held[i].name, &slot);
        struct node_profile *p;

        if (strlen(held[i].name) > PROFILE_NAME_MAX)
            return -EINVAL;
        if (!s) {
            if (map_put(x->unknown, held[i].name, NULL) < 0)
                return -ENOMEM;
            continue;
        }
        p = node_profile(x->node, slot);
        if (!p)
            return -ENOMEM;
        p->may_hold = true;
        if (!digest_equal(&held[i].digest, &s->owner->profile->digest))
            continue;
        p->sent_version = s->version;
        if (node_holds(x->node, slot, s->owner->profile) < 0)
            return -ENOMEM;
    }
    return 0;
}

int agent_exchange_new(struct agent_exchange **ret, const struct profile_store *store,
                       struct node *node, const struct msg_held *held, size_t n_held)
{
    CLEANUP(agent_exchange_free) struct agent_exchange *x = calloc(1, sizeof(*x));
    int r;

    if (!x)
        return -ENOMEM;
    x->store = store;
    x->node = node;
    x->small = BUF_INIT(SMALL_MESSAGE_MAX);
    x->removals = map_new(NULL, 0);
    x->unknown = map_new(NULL, 0);
    r = x->removals && x->unknown ? take_held(x, held, n_held) : -ENOMEM;
    if (r < 0)
        return r;
    *ret = TAKE(x);
    return 0;
}

struct agent_exchange *agent_exchange_free(struct agent_exchange *x)
{
    if (!x)
        return NULL;
    buf_done(&x->small);
    map_free(x->removals);
    map_free(x->unknown);
    free(x);
    return NULL;
}

void agent_exchange_changed(struct agent_exchange *x, unsigned slot)
{
    const struct profile_slot *s = profile_store_slot(x->store, slot);

    x->step = STEP_NONE;
    /* A profile of a name that was to be removed: the agent gets the new one in its place. */
    map_drop(x->removals, s->owner->profile->name);
    map_drop(x->unknown, s->owner->profile->name);
}

int agent_exchange_removed(struct agent_exchange *x, unsigned slot, const char *profile_name)
{
    const struct node_profile *p = node_profile_find(x->node, slot);
    bool may_hold = p && (p->may_hold || p->sent_version);

    x->step = STEP_NONE;
    node_profile_forget(x->node, slot);
    return may_hold ? add_removal(x, profile_name) : 0;
}

bool agent_exchange_in_sync(const struct agent_exchange *x)
{
    return x->in_sync;
}

/* The next slot whose newest version the agent was not sent; profile_store_n_slots() if there is
 * none. */
static unsigned next_slot(const struct agent_exchange *x)
{
    unsigned n = profile_store_n_slots(x->store);

    for (unsigned i = 0; i < n; i++) {
        unsigned slot = (x->slot + i) % n;
        const struct profile_slot *s = profile_store_slot(x->store, slot);
        const struct node_profile *p = node_profile_find(x->node, slot);

        if (s->version && s->version != (p ? p->sent_version : 0))
            return slot;
    }
    return n;
}

/* Moves to the removals what the agent holds, nobody knows, and nothing speaks for. True if something that
 * it holds has to be spared for now: then it is not in sync, or it would drop that by itself. 0, 1 or -ENOMEM. */
static int sort_unknown(struct agent_exchange *x)
{
    int spares = profile_store_is_partial(x->store);

    MAP_FOREACH (e, x->unknown) {
        if (profile_store_spares(x->store, map_key(e))) {
            spares = 1;
            continue;
        }
        if (add_removal(x, map_key(e)) < 0)
            return -ENOMEM;
        map_drop(x->unknown, map_key(e));
    }
    return spares;
}

static int next_step(struct agent_exchange *x)
{
    int spares;

    if (!x->welcomed)
        return STEP_WELCOME;
    spares = sort_unknown(x);
    if (spares < 0)
        return spares;
    if (map_size(x->removals) > 0)
        return STEP_REMOVAL;
    x->slot = next_slot(x);
    if (x->slot < profile_store_n_slots(x->store))
        return STEP_PROFILE;
    x->slot = 0;
    return x->in_sync || spares ? STEP_NONE : STEP_IN_SYNC;
}

/* 1 or -ENOMEM. */
static int make_small(struct agent_exchange *x, const uint8_t **ret, size_t *ret_len)
{
    struct manager_message m = {0};
    int r;

    switch (x->step) {
    case STEP_WELCOME:
        m.kind = MANAGER_WELCOME;
        m.welcome.protocol = MESSAGE_PROTOCOL;
        m.welcome.manager_version = VARMOR_VERSION;
        break;
    case STEP_REMOVAL:
        m.kind = MANAGER_REMOVAL;
        m.removal = map_key(map_first(x->removals));
        break;
    case STEP_IN_SYNC:
        m.kind = MANAGER_IN_SYNC;
        m.in_sync = profile_store_n_profiles(x->store);
        break;
    case STEP_NONE:
    case STEP_PROFILE:
        assert(false);
    }
    buf_clear(&x->small);
    r = manager_message_encode(&m, &x->small);
    if (r < 0)
        return r;
    *ret = x->small.data;
    *ret_len = x->small.len;
    return 1;
}

int agent_exchange_next(struct agent_exchange *x, const uint8_t **ret, size_t *ret_len)
{
    const struct profile_slot *s;
    int step = next_step(x);

    x->step = step < 0 ? STEP_NONE : (enum step)step;
    if (x->step == STEP_NONE)
        return step < 0 ? step : 0;
    if (x->step != STEP_PROFILE)
        return make_small(x, ret, ret_len);
    s = profile_store_slot(x->store, x->slot);
    *ret = s->encoded.data;
    *ret_len = s->encoded.len;
    return 1;
}

int agent_exchange_sent(struct agent_exchange *x)
{
    struct node_profile *p;

    switch (x->step) {
    case STEP_WELCOME:
        x->welcomed = true;
        break;
    case STEP_REMOVAL:
        map_drop(x->removals, map_key(map_first(x->removals)));
        break;
    case STEP_PROFILE:
        p = node_profile(x->node, x->slot);
        if (!p)
            return -ENOMEM;
        p->sent_version = profile_store_slot(x->store, x->slot)->version;
        p->may_hold = true;
        break;
    case STEP_IN_SYNC:
        x->in_sync = true;
        break;
    case STEP_NONE:
        break;
    }
    x->step = STEP_NONE;
    return 0;
}
