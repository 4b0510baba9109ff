/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/messages.h"

#include <errno.h>

#include "proto/status_items.h"

static int status_pack_rule_counts(struct arena *a, Varmor__V1__PolicyDescription *out,
                                   const struct status_policy_description *in)
{
    Varmor__V1__RuleCount *items;

    STATUS_ARRAY_OR_RETURN(a, items, out->rules, in->n_rules);
    out->n_rules = in->n_rules;
    for (size_t i = 0; i < in->n_rules; i++) {
        varmor__v1__rule_count__init(&items[i]);
        items[i].origin = message_pack_text(in->rules[i].origin);
        items[i].count = in->rules[i].count;
        items[i].kind = message_pack_text(in->rules[i].kind);
        items[i].text = message_pack_text(in->rules[i].text);
        out->rules[i] = &items[i];
    }
    return 0;
}

int status_policy_description_encode(const struct status_policy_description *d, struct buf *out)
{
    CLEANUP(arena_free) struct arena *a = arena_new(SIZE_MAX / 2);
    Varmor__V1__PolicyDescription m = VARMOR__V1__POLICY_DESCRIPTION__INIT;
    Varmor__V1__Policy policy;
    int r;

    if (!a)
        return -ENOMEM;
    m.policy = &policy;
    m.n_bindings = d->n_bindings;
    m.n_violations = d->n_violations;
    m.n_findings = d->n_findings;
    m.findings = (char **)d->findings;
    m.n_events = d->n_events;
    m.n_warnings = d->n_warnings;
    m.warnings = (char **)d->warnings;
    r = status_pack_policy(a, &policy, &d->policy);
    if (r == 0)
        r = status_pack_bindings(a, d->bindings, d->n_bindings, &m.bindings);
    if (r == 0)
        r = status_pack_violations(a, d->violations, d->n_violations, &m.violations);
    if (r == 0)
        r = status_pack_rule_counts(a, &m, d);
    if (r == 0)
        r = message_pack_event_counts(a, d->events, d->n_events, &m.events);
    return r < 0 ? r : message_pack(&m.base, out);
}

static int status_unpack_policy_description(struct arena *a, struct status_policy_description *out,
                                            const Varmor__V1__PolicyDescription *in,
                                            struct error **reterr)
{
    struct status_rule_count *rules = arena_array(a, in->n_rules, sizeof(*rules));
    int r;

    if (!in->policy)
        return error_set(reterr, -EBADMSG, "a description without its policy");
    if (!rules)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_rules; i++)
        rules[i] = (struct status_rule_count){
            .origin = in->rules[i]->origin,
            .count = in->rules[i]->count,
            .kind = in->rules[i]->kind,
            .text = in->rules[i]->text,
        };
    out->rules = rules;
    out->n_rules = in->n_rules;
    out->findings = (const char *const *)in->findings;
    out->n_findings = in->n_findings;
    out->n_bindings = in->n_bindings;
    out->n_violations = in->n_violations;
    out->n_events = in->n_events;
    out->warnings = (const char *const *)in->warnings;
    out->n_warnings = in->n_warnings;
    r = status_unpack_policy(a, &out->policy, in->policy, reterr);
    if (r == 0)
        r = status_unpack_bindings(a, in->bindings, in->n_bindings, &out->bindings, reterr);
    if (r == 0)
        r = status_unpack_violations(a, in->violations, in->n_violations, &out->violations, reterr);
    if (r == 0)
        r = message_unpack_event_counts(a, in->events, in->n_events, &out->events, reterr);
    return r;
}

int status_policy_description_decode(struct status_policy_description *ret, void **ret_arena,
                                     const uint8_t *data, size_t len, struct error **reterr)
{
    CLEANUP(arena_free) struct arena *a = NULL;
    struct status_policy_description d = {0};
    ProtobufCMessage *raw;
    int r = message_unpack_checked(&varmor__v1__policy_description__descriptor, data, len, &raw, &a,
                                   reterr);

    if (r == 0)
        r = status_unpack_policy_description(a, &d, (const void *)raw, reterr);
    if (r < 0)
        return r == -ENOMEM ? error_oom(reterr) : r;
    *ret = d;
    *ret_arena = TAKE(a);
    return 0;
}

int status_node_description_encode(const struct status_node_description *d, struct buf *out)
{
    CLEANUP(arena_free) struct arena *a = arena_new(SIZE_MAX / 2);
    Varmor__V1__NodeDescription m = VARMOR__V1__NODE_DESCRIPTION__INIT;
    Varmor__V1__Node node;
    int r;

    if (!a)
        return -ENOMEM;
    m.node = &node;
    m.n_bindings = d->n_bindings;
    m.n_violations = d->n_violations;
    r = status_pack_node(a, &node, &d->node);
    if (r == 0)
        r = status_pack_bindings(a, d->bindings, d->n_bindings, &m.bindings);
    if (r == 0)
        r = status_pack_violations(a, d->violations, d->n_violations, &m.violations);
    return r < 0 ? r : message_pack(&m.base, out);
}

int status_node_description_decode(struct status_node_description *ret, void **ret_arena,
                                   const uint8_t *data, size_t len, struct error **reterr)
{
    CLEANUP(arena_free) struct arena *a = NULL;
    struct status_node_description d = {0};
    const Varmor__V1__NodeDescription *m;
    ProtobufCMessage *raw;
    int r = message_unpack_checked(&varmor__v1__node_description__descriptor, data, len, &raw, &a,
                                   reterr);

    if (r < 0)
        return r;
    m = (const void *)raw;
    if (!m->node)
        return error_set(reterr, -EBADMSG, "a description without its node");
    d.n_bindings = m->n_bindings;
    d.n_violations = m->n_violations;
    r = status_unpack_node(a, &d.node, m->node, reterr);
    if (r == 0)
        r = status_unpack_bindings(a, m->bindings, m->n_bindings, &d.bindings, reterr);
    if (r == 0)
        r = status_unpack_violations(a, m->violations, m->n_violations, &d.violations, reterr);
    if (r < 0)
        return r == -ENOMEM ? error_oom(reterr) : r;
    *ret = d;
    *ret_arena = TAKE(a);
    return 0;
}

void status_arena_free(void *arena)
{
    arena_free(arena);
}
