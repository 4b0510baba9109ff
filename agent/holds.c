/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/holds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/container.h"

#define OPTED_OUT_REASON "its pod's annotation opts it out"

static void item_done(struct msg_binding_enforcer *item)
{
    free((char *)item->mode);
    free((char *)item->reason);
}

void holds_done(struct holds *h)
{
    for (size_t i = 0; i < h->n; i++)
        item_done(&h->items[i]);
    *h = (struct holds){0};
}

const struct msg_binding_enforcer *holds_find(const struct holds *h, enum enforcer_bit kind)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->items[i].enforcer == kind)
            return &h->items[i];
    return NULL;
}

const struct msg_binding_enforcer *holds_find_missing(const struct holds *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (!h->items[i].in_force && !h->items[i].opted_out)
            return &h->items[i];
    return NULL;
}

bool holds_any(const struct holds *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->items[i].in_force)
            return true;
    return false;
}

static bool is_same(const struct msg_binding_enforcer *item, const struct enforcer_hold *now)
{
    return item->in_force == now->in_force && item->restart_needed == now->restart_needed &&
           item->opted_out == now->opted_out && strcmp(item->mode, now->mode) == 0 &&
           strcmp(item->reason, now->reason) == 0;
}

int holds_put(struct holds *h, enum enforcer_bit kind, const struct enforcer_hold *now,
              int64_t since_ns)
{
    CLEANUP_FREE char *mode = strdup(now->mode);
    CLEANUP_FREE char *reason = strdup(now->reason);
    struct msg_binding_enforcer *item = (struct msg_binding_enforcer *)holds_find(h, kind);

    if (!mode || !reason)
        return -ENOMEM;
    if (item && is_same(item, now))
        return HOLDS_SAME;
    if (item)
        item_done(item);
    else
        item = &h->items[h->n++];
    *item = (struct msg_binding_enforcer){
        .enforcer = kind,
        .in_force = now->in_force,
        .restart_needed = now->restart_needed,
        .opted_out = now->opted_out,
        .mode = TAKE(mode),
        .reason = TAKE(reason),
        .since_ns = since_ns,
    };
    return HOLDS_CHANGED;
}

enum holds_change holds_retain(struct holds *h, unsigned kinds)
{
    size_t n = 0;
    bool same;

    for (size_t i = 0; i < h->n; i++) {
        if (h->items[i].enforcer & kinds)
            h->items[n++] = h->items[i];
        else
            item_done(&h->items[i]);
    }
    same = n == h->n;
    h->n = n;
    return same ? HOLDS_SAME : HOLDS_CHANGED;
}

/* What an enforcer says; a question that fails is an answer too. False: there is no process to ask
 * about. */
static bool inspect(struct enforcer *e, const struct holds_look *look, struct enforcer_hold *ret)
{
    CLEANUP(error_free) struct error *problem = NULL;
    int r = e->ops->inspect(e, look->container, look->profile->name, ret, &problem);

    if (r == -ESRCH)
        return false;
    if (r < 0) {
        *ret = (struct enforcer_hold){0};
        snprintf(ret->reason, sizeof(ret->reason), "%s",
                 problem ? error_message(problem) : strerror(-r));
    }
    return true;
}

static int put_opted_out(struct holds *h, const struct holds_look *look, enum enforcer_bit kind)
{
    struct enforcer_hold now = {.opted_out = true, .reason = OPTED_OUT_REASON};

    return holds_put(h, kind, &now, look->now_ns);
}

static int ask_one(struct holds *h, struct holds_look *look, struct enforcer *e)
{
    enum enforcer_bit kind = e->ops->bit;
    bool is_opted_out = look->container->opted_out & kind;
    struct enforcer_hold now = {0};

    if (look->bound & kind)
        return holds_put(h, kind, &(struct enforcer_hold){.in_force = true}, look->bound_since_ns);
    if (is_opted_out && !e->ops->inspect)
        return put_opted_out(h, look, kind);
    if (!e->ops->inspect || look->container->state != CONTAINER_RUNNING || !inspect(e, look, &now))
        return HOLDS_SAME;
    if (!now.in_force && is_opted_out)
        return put_opted_out(h, look, kind);
    if (!now.in_force && look->is_patient && !holds_find(h, kind)) {
        look->ret_awaited = true;
        return HOLDS_SAME;
    }
    return holds_put(h, kind, &now, look->now_ns);
}

int holds_ask(struct holds *h, struct holds_look *look)
{
    int result = holds_retain(h, look->profile->enforcers);

    look->ret_awaited = false;
    for (size_t i = 0; i < look->enforcers->n; i++) {
        struct enforcer *e = look->enforcers->items[i].enforcer;
        int r = look->profile->enforcers & e->ops->bit ? ask_one(h, look, e) : HOLDS_SAME;

        if (r < 0)
            result = r;
        else if (result == HOLDS_SAME)
            result = r;
    }
    return result;
}
