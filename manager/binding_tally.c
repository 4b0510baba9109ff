/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/binding_tally.h"

#include <errno.h>

#include "lib/buf.h"

#define MESSAGE_MAX_BYTES 4096 /* of the condition; it is cut */

static const enum enforcer_bit kinds[BINDING_TALLY_ENFORCERS] = {ENFORCER_APPARMOR, ENFORCER_BPF,
                                                                 ENFORCER_SECCOMP};

static const struct msg_binding_enforcer *find_enforcer(const struct msg_binding *b,
                                                        enum enforcer_bit kind)
{
    for (size_t i = 0; i < b->n_enforcers; i++)
        if (b->enforcers[i].enforcer == kind)
            return &b->enforcers[i];
    return NULL;
}

static void count_enforcer(struct status_enforcer_bindings *to,
                           const struct msg_binding_enforcer *e)
{
    to->n_in_force += e->in_force;
    to->n_without += !e->in_force;
    to->n_restart_needed += e->restart_needed;
}

static void add_without(struct binding_tally *t, const char *node, const struct msg_binding *b,
                        int64_t since_ns)
{
    if (t->n_without < BINDING_TALLY_NAMED) {
        t->named[t->n_without] = b;
        t->named_nodes[t->n_without] = node;
    }
    t->n_without++;
    if (since_ns && (t->without_since_ns == 0 || since_ns < t->without_since_ns))
        t->without_since_ns = since_ns;
}

void binding_tally_add(struct binding_tally *t, const char *node, const struct msg_binding *b,
                       unsigned enforcers)
{
    int64_t since_ns = b->since_ns, without_since_ns = 0;
    bool all_held = true, any_held = false, restart_needed = false, mended = true;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct msg_binding_enforcer *e = find_enforcer(b, kinds[i]);

        if (!(enforcers & kinds[i]))
            continue;
        if (!e) {
            all_held = false;
            continue;
        }
        if (e->opted_out)
            continue;
        all_held &= e->in_force;
        any_held |= e->in_force;
        count_enforcer(&t->enforcers[i], e);
        restart_needed |= e->restart_needed;
        mended &= e->in_force || e->restart_needed;
        if (e->in_force)
            since_ns = MAX(since_ns, e->since_ns);
        else
            without_since_ns = e->since_ns;
    }
    t->n_restart_needed += restart_needed && mended;
    if (*b->reason) {
        add_without(t, node, b, without_since_ns);
    } else if (all_held && any_held) {
        t->n_bound++;
        t->bound_since_ns = MAX(t->bound_since_ns, since_ns);
    }
}

const struct status_enforcer_bindings *binding_tally_enforcers(const struct binding_tally *t,
                                                               unsigned enforcers, struct arena *a,
                                                               size_t *ret_n)
{
    struct status_enforcer_bindings *items = arena_array(a, ARRAY_SIZE(kinds), sizeof(*items));

    *ret_n = 0;
    for (size_t i = 0; items && i < ARRAY_SIZE(kinds); i++) {
        if (!(enforcers & kinds[i]))
            continue;
        items[*ret_n] = t->enforcers[i];
        items[(*ret_n)++].enforcer = kinds[i];
    }
    return items;
}

/* ---- The condition ---- */

static int add_container(struct buf *text, const struct msg_binding *b, const char *node)
{
    int r = buf_format(text, "; container '%s'", error_quote(b->container_name));

    if (r == 0 && *b->pod_name)
        r = buf_format(text, " of pod '%s/%s'", error_quote(b->pod_namespace),
                       error_quote(b->pod_name));
    if (r == 0)
        r = buf_format(text, " on node '%s': %s", error_quote(node), b->reason);
    return r;
}

/* What does not fit is left out: a message that is too short is better than no status. */
static void add_without_text(const struct binding_tally *t, struct buf *text)
{
    unsigned n = MIN(t->n_without, (unsigned)BINDING_TALLY_NAMED);
    int r = buf_format(text, "%u of %u containers are not held by every enforcer", t->n_without,
                       t->n_without + t->n_bound);

    for (unsigned i = 0; r == 0 && i < n; i++)
        r = add_container(text, t->named[i], t->named_nodes[i]);
    if (r == 0 && t->n_without > n)
        r = buf_format(text, "; and %u more", t->n_without - n);
    if (r == 0 && t->n_restart_needed)
        r = buf_format(text, "; %u need a new start", t->n_restart_needed);
    (void)r;
}

int binding_tally_condition(const struct binding_tally *t, struct arena *a,
                            struct status_condition *ret)
{
    CLEANUP_BUF struct buf text = BUF_INIT(MESSAGE_MAX_BYTES);
    const char *message;

    if (t->n_bound + t->n_without == 0)
        return 0;
    if (t->n_without > 0)
        add_without_text(t, &text);
    else if (buf_format(&text, "every enforcer holds each of %u containers", t->n_bound) < 0)
        return -ENOMEM;
    message = arena_text(a, text.len ? buf_text(&text) : "");
    if (!message)
        return -ENOMEM;
    *ret = (struct status_condition){
        .type = "Bound",
        .status = t->n_without ? "False" : "True",
        .reason = t->n_without == 0                     ? "AllContainersBound"
                  : t->n_restart_needed >= t->n_without ? "RestartNeeded"
                                                        : "ContainersWithout",
        .message = message,
        .since_ns = t->n_without ? t->without_since_ns : t->bound_since_ns,
    };
    return 1;
}
