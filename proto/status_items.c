/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/status_items.h"

#include <errno.h>

/* ---- one item: plain to generated ---- */

static int status_pack_conditions(struct arena *a, Varmor__V1__Policy *out,
                                  const struct status_policy *in)
{
    Varmor__V1__Condition *items;

    STATUS_ARRAY_OR_RETURN(a, items, out->conditions, in->n_conditions);
    out->n_conditions = in->n_conditions;
    for (size_t i = 0; i < in->n_conditions; i++) {
        varmor__v1__condition__init(&items[i]);
        items[i].type = message_pack_text(in->conditions[i].type);
        items[i].status = message_pack_text(in->conditions[i].status);
        items[i].reason = message_pack_text(in->conditions[i].reason);
        items[i].message = message_pack_text(in->conditions[i].message);
        items[i].since_ns = in->conditions[i].since_ns;
        out->conditions[i] = &items[i];
    }
    return 0;
}

static int status_pack_enforcer_bindings(struct arena *a, Varmor__V1__NodeResult *out,
                                         const struct status_node_result *in)
{
    Varmor__V1__EnforcerBindings *items;

    STATUS_ARRAY_OR_RETURN(a, items, out->bindings, in->n_bindings);
    out->n_bindings = in->n_bindings;
    for (size_t i = 0; i < in->n_bindings; i++) {
        varmor__v1__enforcer_bindings__init(&items[i]);
        items[i].enforcer = message_pack_enforcer(in->bindings[i].enforcer);
        items[i].n_in_force = in->bindings[i].n_in_force;
        items[i].n_restart_needed = in->bindings[i].n_restart_needed;
        items[i].n_without = in->bindings[i].n_without;
        out->bindings[i] = &items[i];
    }
    return 0;
}

static int status_pack_node_results(struct arena *a, Varmor__V1__Policy *out,
                                    const struct status_policy *in)
{
    Varmor__V1__NodeResult *items;
    int r = 0;

    STATUS_ARRAY_OR_RETURN(a, items, out->nodes, in->n_nodes);
    out->n_nodes = in->n_nodes;
    for (size_t i = 0; i < in->n_nodes && r == 0; i++) {
        varmor__v1__node_result__init(&items[i]);
        items[i].node = message_pack_text(in->nodes[i].node);
        items[i].connected = in->nodes[i].connected;
        items[i].digest = message_pack_digest(&in->nodes[i].digest);
        items[i].current = in->nodes[i].current;
        items[i].n_bound = in->nodes[i].n_bound;
        items[i].n_enforcers = in->nodes[i].n_enforcers;
        r = message_pack_results(a, in->nodes[i].enforcers, in->nodes[i].n_enforcers,
                                 &items[i].enforcers);
        if (r == 0)
            r = status_pack_enforcer_bindings(a, &items[i], &in->nodes[i]);
        out->nodes[i] = &items[i];
    }
    return r;
}

int status_pack_policy(struct arena *a, Varmor__V1__Policy *out, const struct status_policy *in)
{
    int r;

    varmor__v1__policy__init(out);
    out->kind = message_pack_text(in->kind);
    out->namespace_ = message_pack_text(in->name_space);
    out->name = message_pack_text(in->name);
    out->generation = in->generation;
    out->enforcer = message_pack_text(in->enforcer);
    out->mode = message_pack_text(in->mode);
    out->target_kind = message_pack_text(in->target_kind);
    out->target_name = message_pack_text(in->target_name);
    out->target_selector = message_pack_text(in->target_selector);
    out->profile_name = message_pack_text(in->profile_name);
    out->ready = in->ready;
    out->phase = message_pack_text(in->phase);
    out->digest = message_pack_digest(&in->digest);
    out->nodes_desired = in->nodes_desired;
    out->nodes_ready = in->nodes_ready;
    out->n_bound = in->n_bound;
    out->n_without = in->n_without;
    out->n_restart_needed = in->n_restart_needed;
    out->created_ns = in->created_ns;
    out->source = message_pack_text(in->source);
    r = status_pack_conditions(a, out, in);
    return r < 0 ? r : status_pack_node_results(a, out, in);
}

int status_pack_profile(struct arena *a, Varmor__V1__Profile *out, const struct status_profile *in)
{
    varmor__v1__profile__init(out);
    out->name = message_pack_text(in->name);
    out->namespace_ = message_pack_text(in->name_space);
    out->policy_kind = message_pack_text(in->policy_kind);
    out->policy_namespace = message_pack_text(in->policy_namespace);
    out->policy_name = message_pack_text(in->policy_name);
    out->mode = message_pack_text(in->mode);
    out->digest = message_pack_digest(&in->digest);
    out->n_rules = in->n_rules;
    out->nodes_desired = in->nodes_desired;
    out->nodes_ready = in->nodes_ready;
    out->created_ns = in->created_ns;
    return message_pack_enforcers(a, in->enforcers, &out->n_enforcers, &out->enforcers);
}

int status_pack_node(struct arena *a, Varmor__V1__Node *out, const struct status_node *in)
{
    int r;

    varmor__v1__node__init(out);
    out->name = message_pack_text(in->name);
    out->connected = in->connected;
    out->since_ns = in->since_ns;
    out->agent_version = message_pack_text(in->agent_version);
    out->kernel = message_pack_text(in->kernel);
    out->architecture = message_pack_text(in->architecture);
    out->runtime = message_pack_text(in->runtime);
    out->n_profiles = in->n_profiles;
    out->n_current = in->n_current;
    out->n_bound = in->n_bound;
    out->n_enforcers = in->n_enforcers;
    out->n_facts = in->n_facts;
    r = message_pack_states(a, in->enforcers, in->n_enforcers, &out->enforcers);
    return r < 0 ? r : message_pack_facts(a, in->facts, in->n_facts, &out->facts);
}

int status_pack_binding(struct arena *a, Varmor__V1__NodeBinding *out,
                        const struct status_binding *in)
{
    varmor__v1__node_binding__init(out);
    out->node = message_pack_text(in->node);
    out->binding = arena_alloc(a, sizeof(*out->binding));
    if (!out->binding)
        return -ENOMEM;
    return message_pack_binding(a, out->binding, &in->binding);
}

static int status_pack_violation(struct arena *a, Varmor__V1__NodeViolation *out,
                                 const struct status_violation *in)
{
    varmor__v1__node_violation__init(out);
    out->node = message_pack_text(in->node);
    out->violation = arena_alloc(a, sizeof(*out->violation));
    if (!out->violation)
        return -ENOMEM;
    message_pack_violation(out->violation, &in->violation);
    return 0;
}

/* ---- one item: generated to plain ---- */

static int status_unpack_enforcer_bindings(struct arena *a, struct status_node_result *out,
                                           const Varmor__V1__NodeResult *in, struct error **reterr)
{
    struct status_enforcer_bindings *items = arena_array(a, in->n_bindings, sizeof(*items));
    int r = items ? 0 : -ENOMEM;

    for (size_t i = 0; i < in->n_bindings && r == 0; i++) {
        items[i].n_in_force = in->bindings[i]->n_in_force;
        items[i].n_restart_needed = in->bindings[i]->n_restart_needed;
        items[i].n_without = in->bindings[i]->n_without;
        r = message_unpack_enforcer(&items[i].enforcer, in->bindings[i]->enforcer, reterr);
    }
    out->bindings = items;
    out->n_bindings = in->n_bindings;
    return r;
}

static int status_unpack_node_results(struct arena *a, struct status_policy *out,
                                      const Varmor__V1__Policy *in, struct error **reterr)
{
    struct status_node_result *items = arena_array(a, in->n_nodes, sizeof(*items));
    int r = 0;

    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_nodes && r == 0; i++) {
        items[i].node = in->nodes[i]->node;
        items[i].connected = in->nodes[i]->connected;
        items[i].current = in->nodes[i]->current;
        items[i].n_bound = in->nodes[i]->n_bound;
        items[i].n_enforcers = in->nodes[i]->n_enforcers;
        r = message_unpack_digest(&items[i].digest, &in->nodes[i]->digest, reterr);
        if (r == 0)
            r = message_unpack_results(a, in->nodes[i]->enforcers, in->nodes[i]->n_enforcers,
                                       &items[i].enforcers, reterr);
        if (r == 0)
            r = status_unpack_enforcer_bindings(a, &items[i], in->nodes[i], reterr);
    }
    out->nodes = items;
    out->n_nodes = in->n_nodes;
    return r;
}

int status_unpack_policy(struct arena *a, struct status_policy *out, const Varmor__V1__Policy *in,
                         struct error **reterr)
{
    struct status_condition *conditions = arena_array(a, in->n_conditions, sizeof(*conditions));
    int r;

    if (!conditions)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_conditions; i++)
        conditions[i] = (struct status_condition){
            .type = in->conditions[i]->type,
            .status = in->conditions[i]->status,
            .reason = in->conditions[i]->reason,
            .message = in->conditions[i]->message,
            .since_ns = in->conditions[i]->since_ns,
        };
    *out = (struct status_policy){
        .kind = in->kind,
        .name_space = in->namespace_,
        .name = in->name,
        .generation = in->generation,
        .enforcer = in->enforcer,
        .mode = in->mode,
        .target_kind = in->target_kind,
        .target_name = in->target_name,
        .target_selector = in->target_selector,
        .profile_name = in->profile_name,
        .ready = in->ready,
        .phase = in->phase,
        .conditions = conditions,
        .n_conditions = in->n_conditions,
        .nodes_desired = in->nodes_desired,
        .nodes_ready = in->nodes_ready,
        .n_bound = in->n_bound,
        .n_without = in->n_without,
        .n_restart_needed = in->n_restart_needed,
        .created_ns = in->created_ns,
        .source = in->source,
    };
    r = message_unpack_digest(&out->digest, &in->digest, reterr);
    return r < 0 ? r : status_unpack_node_results(a, out, in, reterr);
}

int status_unpack_profile(struct status_profile *out, const Varmor__V1__Profile *in,
                          struct error **reterr)
{
    *out = (struct status_profile){
        .name = in->name,
        .name_space = in->namespace_,
        .policy_kind = in->policy_kind,
        .policy_namespace = in->policy_namespace,
        .policy_name = in->policy_name,
        .mode = in->mode,
        .n_rules = in->n_rules,
        .nodes_desired = in->nodes_desired,
        .nodes_ready = in->nodes_ready,
        .created_ns = in->created_ns,
    };
    for (size_t i = 0; i < in->n_enforcers; i++) {
        enum enforcer_bit bit;
        int r = message_unpack_enforcer(&bit, in->enforcers[i], reterr);

        if (r < 0)
            return r;
        out->enforcers |= bit;
    }
    return message_unpack_digest(&out->digest, &in->digest, reterr);
}

int status_unpack_node(struct arena *a, struct status_node *out, const Varmor__V1__Node *in,
                       struct error **reterr)
{
    int r;

    *out = (struct status_node){
        .name = in->name,
        .connected = in->connected,
        .since_ns = in->since_ns,
        .agent_version = in->agent_version,
        .kernel = in->kernel,
        .architecture = in->architecture,
        .runtime = in->runtime,
        .n_enforcers = in->n_enforcers,
        .n_facts = in->n_facts,
        .n_profiles = in->n_profiles,
        .n_current = in->n_current,
        .n_bound = in->n_bound,
    };
    r = message_unpack_facts(a, in->facts, in->n_facts, &out->facts);
    if (r < 0)
        return r;
    return message_unpack_states(a, in->enforcers, in->n_enforcers, &out->enforcers, reterr);
}

int status_unpack_binding(struct arena *a, struct status_binding *out,
                          const Varmor__V1__NodeBinding *in, struct error **reterr)
{
    if (!in->binding)
        return error_set(reterr, -EBADMSG, "a binding of node '%s' is empty",
                         error_quote(in->node));
    out->node = in->node;
    return message_unpack_binding(a, &out->binding, in->binding, reterr);
}

static int status_unpack_violation(struct status_violation *out,
                                   const Varmor__V1__NodeViolation *in, struct error **reterr)
{
    if (!in->violation)
        return error_set(reterr, -EBADMSG, "a violation of node '%s' is empty",
                         error_quote(in->node));
    out->node = in->node;
    message_unpack_violation(&out->violation, in->violation);
    return 0;
}

/* ---- arrays of items; the loops are alike because protobuf-c has no type that they could share
 * ---- */

int status_pack_bindings(struct arena *a, const struct status_binding *in, size_t n,
                         Varmor__V1__NodeBinding ***ret)
{
    Varmor__V1__NodeBinding *items, **out;
    int r = 0;

    STATUS_ARRAY_OR_RETURN(a, items, out, n);
    for (size_t i = 0; i < n && r == 0; i++) {
        r = status_pack_binding(a, &items[i], &in[i]);
        out[i] = &items[i];
    }
    *ret = out;
    return r;
}

int status_unpack_bindings(struct arena *a, Varmor__V1__NodeBinding **in, size_t n,
                           const struct status_binding **ret, struct error **reterr)
{
    struct status_binding *items = arena_array(a, n, sizeof(*items));
    int r = items ? 0 : -ENOMEM;

    for (size_t i = 0; i < n && r == 0; i++)
        r = status_unpack_binding(a, &items[i], in[i], reterr);
    *ret = items;
    return r;
}

int status_pack_violations(struct arena *a, const struct status_violation *in, size_t n,
                           Varmor__V1__NodeViolation ***ret)
{
    Varmor__V1__NodeViolation *items, **out;
    int r = 0;

    STATUS_ARRAY_OR_RETURN(a, items, out, n);
    for (size_t i = 0; i < n && r == 0; i++) {
        r = status_pack_violation(a, &items[i], &in[i]);
        out[i] = &items[i];
    }
    *ret = out;
    return r;
}

int status_unpack_violations(struct arena *a, Varmor__V1__NodeViolation **in, size_t n,
                             const struct status_violation **ret, struct error **reterr)
{
    struct status_violation *items = arena_array(a, n, sizeof(*items));
    int r = items ? 0 : -ENOMEM;

    for (size_t i = 0; i < n && r == 0; i++)
        r = status_unpack_violation(&items[i], in[i], reterr);
    *ret = items;
    return r;
}
