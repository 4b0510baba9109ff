/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_status_json.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/map.h"
#include "manager/binding_tally.h"
#include "manager/node_order.h"
#include "manager/policy_status.h"

#define BOUND_ARENA_BYTES 16384 /* the message of the Bound condition, which has a ceiling itself */

/* A condition before it is JSON. */
struct told {
    const char *type, *status, *reason, *message;
    int64_t generation, since_ns;
};

static const struct {
    enum enforcer_bit bit;
    const char *name;
} enforcer_names[] = {
    {ENFORCER_APPARMOR, "AppArmor"}, {ENFORCER_BPF, "BPF"}, {ENFORCER_SECCOMP, "Seccomp"}};

/* ---- Conditions ---- */

const json_t *kube_status_condition(const json_t *status, const char *type)
{
    const json_t *conditions = json_object_get(status, "conditions");

    for (size_t i = 0; i < json_array_size(conditions); i++) {
        const json_t *c = json_array_get(conditions, i);

        if (strcmp(kube_get_text(c, "type"), type) == 0)
            return c;
    }
    return NULL;
}

bool kube_status_condition_is(const json_t *condition, const char *status)
{
    return strcmp(kube_get_text(condition, "status"), status) == 0;
}

/* The time moves with the status only, whoever wrote it. */
static json_t *transition_time(const struct told *c, const json_t *before, int64_t now_ns)
{
    const json_t *old = kube_status_condition(before, c->type);
    json_t *time = json_object_get(old, "lastTransitionTime");

    if (json_is_string(time) && kube_status_condition_is(old, c->status))
        return json_incref(time);
    return kube_time(c->since_ns ? c->since_ns : now_ns);
}

static int add_condition(json_t *to, const struct told *c, const json_t *before, int64_t now_ns)
{
    json_t *json = json_pack("{s:s, s:s, s:o}", "type", c->type, "status", c->status,
                             "lastTransitionTime", transition_time(c, before, now_ns));
    int r = 0;

    if (c->reason && *c->reason)
        r |= kube_set(json, "reason", kube_text(c->reason, KUBE_STATUS_MAX_LINE));
    if (c->message && *c->message)
        r |= kube_set(json, "message", kube_text(c->message, KUBE_STATUS_MAX_MESSAGE));
    if (c->generation)
        r |= kube_set(json, "observedGeneration", json_integer(c->generation));
    return r | kube_append(to, json);
}

static const char *status_word(bool is_true)
{
    return is_true ? "True" : "False";
}

static struct told told_of(const char *type, const struct condition *c, int64_t generation)
{
    return (struct told){.type = type,
                         .status = status_word(c->status == CONDITION_TRUE),
                         .reason = c->reason,
                         .message = c->message,
                         .generation = generation,
                         .since_ns = c->since_ns};
}

/* What was last decided about the policy's text: accepted, or why not. */
static struct told judgement(const struct kube_status_facts *f)
{
    const struct stored_policy *p = f->policy;

    if (f->problem)
        return (struct told){.status = "False",
                             .reason = "Forbidden",
                             .message = f->problem,
                             .generation = f->problem_generation};
    return told_of("", p->updated.status ? &p->updated : &p->created, p->policy->generation);
}

static int64_t generation_of(const struct kube_status_facts *f)
{
    if (f->problem)
        return f->problem_generation;
    assert(f->policy);
    return f->policy->policy->generation;
}

static const char *digest_of_policy(const struct kube_status_facts *f,
                                    char text[static KUBE_DIGEST_TEXT_SIZE])
{
    if (!f->policy || !f->policy->profile)
        return "";
    return kube_digest_format(&f->policy->profile->digest, text);
}

/* Is what stands there about another text, or about another profile? */
static bool is_news(const struct kube_status_facts *f, const json_t *before)
{
    char digest[KUBE_DIGEST_TEXT_SIZE];

    return json_integer_value(json_object_get(before, "observedGeneration")) != generation_of(f) ||
           strcmp(kube_get_text(before, "digest"), digest_of_policy(f, digest)) != 0;
}

/* Created until the policy has been accepted for the first time, Updated from then on. */
static int add_judgement(json_t *to, const struct kube_status_facts *f, const json_t *before)
{
    const json_t *created = kube_status_condition(before, "Created");
    const json_t *updated = kube_status_condition(before, "Updated");
    struct told c = judgement(f);
    bool is_accepted = strcmp(c.status, "True") == 0;

    if (!kube_status_condition_is(created, "True")) {
        c.type = "Created";
        return add_condition(to, &c, before, f->now_ns);
    }
    if (json_array_append(to, (json_t *)created) < 0)
        return -ENOMEM;
    if (is_accepted && !is_news(f, before) && !kube_status_condition_is(updated, "False"))
        return updated && json_array_append(to, (json_t *)updated) < 0 ? -ENOMEM : 0;
    c.type = "Updated";
    return add_condition(to, &c, before, f->now_ns);
}

static int add_bound(json_t *to, const struct kube_status_facts *f,
                     const struct binding_tally *tally, const json_t *before)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(BOUND_ARENA_BYTES);
    struct status_condition bound;
    int r = arena ? binding_tally_condition(tally, arena, &bound) : -ENOMEM;

    if (r <= 0)
        return r;
    return add_condition(to,
                         &(struct told){.type = bound.type,
                                        .status = bound.status,
                                        .reason = bound.reason,
                                        .message = bound.message,
                                        .generation = f->policy->in_force->generation,
                                        .since_ns = bound.since_ns},
                         before, f->now_ns);
}

static json_t *conditions(const struct kube_status_facts *f, const struct binding_tally *tally,
                          const json_t *before)
{
    CLEANUP(json_decref) json_t *to = json_array();
    const struct stored_policy *p = f->policy;
    int r = to ? add_judgement(to, f, before) : -ENOMEM;

    if (p && p->complete.status) {
        struct told c = told_of("Complete", &p->complete, p->policy->generation);

        r |= add_condition(to, &c, before, f->now_ns);
    }
    if (p && p->profile && f->status && f->status->ready.status) {
        struct told c = told_of("Ready", &f->status->ready, p->in_force->generation);

        r |= add_condition(to, &c, before, f->now_ns);
    }
    if (p && p->profile)
        r |= add_bound(to, f, tally, before);
    return r < 0 ? NULL : TAKE(to);
}

/* ---- Nodes ---- */

static void tally_containers(const struct kube_status_facts *f, struct binding_tally *tally)
{
    const struct profile *profile = f->policy->profile;

    MAP_FOREACH (e, nodes_all(f->nodes)) {
        const struct node *node = map_value(e);

        MAP_FOREACH (b, node->bindings) {
            const struct msg_binding *binding = map_value(b);

            if (strcmp(binding->profile, profile->name) == 0)
                binding_tally_add(tally, node->name, binding, profile->enforcers);
        }
    }
}

static json_t *node_counts_json(const struct policy_status *s)
{
    unsigned desired = s ? s->nodes_desired : 0, ready = s ? s->nodes_ready : 0;
    char summary[32];

    snprintf(summary, sizeof(summary), "%u/%u", ready, desired);
    return json_pack("{s:i, s:i, s:i, s:s}", "desired", (int)desired, "ready", (int)ready, "failed",
                     (int)(s ? s->nodes_failed : 0), "summary", summary);
}

static json_t *enforcers_json(const struct stored_policy *p, const struct ordered_node *nodes,
                              size_t n_nodes)
{
    CLEANUP(json_decref) json_t *to = json_array();
    int r = to ? 0 : -ENOMEM;

    for (size_t k = 0; k < ARRAY_SIZE(enforcer_names); k++) {
        int n_ready = 0, n_failed = 0;
        const char *reason;

        if (!(p->profile->enforcers & enforcer_names[k].bit))
            continue;
        for (size_t i = 0; i < n_nodes; i++) {
            enum node_standing s = node_enforcer_standing(nodes[i].node, p->slot, p->profile,
                                                          enforcer_names[k].bit, &reason);

            n_ready += s == NODE_APPLIED && nodes[i].node->connected;
            n_failed += s == NODE_FAILED;
        }
        r |= kube_append(to, json_pack("{s:s, s:i, s:i}", "name", enforcer_names[k].name, "ready",
                                       n_ready, "failed", n_failed));
    }
    return r < 0 ? NULL : TAKE(to);
}

/* The first failures, and how many are left out. NULL: no memory. */
static json_t *failures_json(const struct stored_policy *p, const struct ordered_node *nodes,
                             size_t n_nodes, int *ret_n_omitted)
{
    CLEANUP(json_decref) json_t *to = json_array();
    int r = to ? 0 : -ENOMEM;

    *ret_n_omitted = 0;
    for (size_t i = 0; i < n_nodes && nodes[i].standing == NODE_FAILED; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(enforcer_names); k++) {
            const char *reason;

            if (!(p->profile->enforcers & enforcer_names[k].bit) ||
                node_enforcer_standing(nodes[i].node, p->slot, p->profile, enforcer_names[k].bit,
                                       &reason) != NODE_FAILED)
                continue;
            if (json_array_size(to) == KUBE_STATUS_MAX_FAILURES)
                ++*ret_n_omitted;
            else
                r |= kube_append(to, json_pack("{s:o, s:s, s:o}", "node",
                                               kube_text(nodes[i].node->name, NODE_NAME_MAX),
                                               "enforcer", enforcer_names[k].name, "message",
                                               kube_text(reason, KUBE_STATUS_MAX_LINE)));
        }
    }
    return r < 0 ? NULL : TAKE(to);
}

static int add_profile_part(json_t *to, const struct kube_status_facts *f,
                            const struct binding_tally *tally)
{
    const struct stored_policy *p = f->policy;
    char digest[KUBE_DIGEST_TEXT_SIZE];
    size_t n_nodes = 0;
    CLEANUP_FREE struct ordered_node *nodes = node_order(f->nodes, p, &n_nodes);
    int n_omitted = 0, r = nodes ? 0 : -ENOMEM;
    json_t *failures;

    if (r < 0)
        return r;
    failures = failures_json(p, nodes, n_nodes, &n_omitted);
    r |= kube_set(to, "digest", json_string(kube_digest_format(&p->profile->digest, digest)));
    r |= kube_set(to, "nodes", node_counts_json(f->status));
    r |= kube_set(to, "boundContainers", json_integer(tally->n_bound));
    r |= kube_set(to, "enforcers", enforcers_json(p, nodes, n_nodes));
    if (!failures || json_array_size(failures) > 0)
        r |= kube_set(to, "failures", failures);
    else
        json_decref(failures);
    if (n_omitted)
        r |= kube_set(to, "failuresOmitted", json_integer(n_omitted));
    return r;
}

/* ---- The whole ---- */

static int add_warnings(json_t *to, const struct kube_status_facts *f)
{
    const struct stored_policy *p = f->policy;
    size_t n = MIN(p ? p->n_warnings : 0, (size_t)KUBE_STATUS_MAX_WARNINGS - (f->warning ? 1 : 0));
    json_t *warnings;
    int r = 0;

    if (n == 0 && !f->warning)
        return 0;
    warnings = json_array();
    for (size_t i = 0; i < n; i++)
        r |= kube_append(warnings, kube_text(p->warnings[i], KUBE_STATUS_MAX_LINE));
    if (f->warning)
        r |= kube_append(warnings, kube_text(f->warning, KUBE_STATUS_MAX_LINE));
    return r | kube_set(to, "warnings", warnings);
}

static enum policy_phase phase_of(const struct kube_status_facts *f)
{
    if (f->problem)
        return PHASE_ERROR;
    return f->status ? f->status->phase : PHASE_PENDING;
}

json_t *kube_status_json(const struct kube_status_facts *f, const json_t *before)
{
    const struct stored_policy *p = f->policy;
    const char *name = p && p->profile ? p->profile->name : kube_get_text(before, "profileName");
    struct binding_tally tally = {0};
    CLEANUP(json_decref)
    json_t *to = json_pack("{s:s, s:b, s:s, s:I}", "profileName", name, "ready",
                           f->status && f->status->is_ready && !f->problem, "phase",
                           policy_phase_name(phase_of(f)), "observedGeneration",
                           (json_int_t)generation_of(f));
    int r = to ? 0 : -ENOMEM;

    if (r == 0 && p && p->profile) {
        tally_containers(f, &tally);
        r |= add_profile_part(to, f, &tally);
    }
    if (r == 0)
        r |= kube_set(to, "conditions", conditions(f, &tally, before));
    if (r == 0)
        r |= add_warnings(to, f);
    return r < 0 ? NULL : TAKE(to);
}
