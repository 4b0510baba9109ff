/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/status_view.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/map.h"
#include "manager/binding_tally.h"
#include "manager/event_counts.h"
#include "manager/file_problems.h"
#include "manager/nodes.h"
#include "manager/policy_status.h"
#include "manager/violation_history.h"
#include "profiles/rule_text.h"

#define RULE_TEXT_BYTES 8192 /* of a rule in a description */
#define MAX_CONDITIONS  5    /* Created, Updated, Complete, Ready, Bound */

/* ---- Texts ---- */

/* A formatted text in the arena; NULL: no memory. */
static const char *PRINTF_FORMAT(2, 3) view_text(struct status_view *v, const char *format, ...)
{
    CLEANUP_FREE char *text = NULL;
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        text = NULL;
    return text ? arena_text(v->arena, text) : NULL;
}

static bool is_asked_for(const char *asked, const char *text)
{
    return !*asked || strcmp(asked, text) == 0;
}

/* ---- Counting containers ---- */

/* The containers of one profile, or (NULL) of any, on a node. */
static void tally_node(const struct status_view *v, const struct node *node,
                       const struct profile *profile, struct binding_tally *to)
{
    unsigned slot;

    MAP_FOREACH (e, node->bindings) {
        const struct msg_binding *b = map_value(e);
        const struct profile_slot *of = NULL;

        if (!profile)
            of = profile_store_slot_of(v->facts->store, b->profile, &slot);
        else if (strcmp(b->profile, profile->name) != 0)
            continue;
        if (profile || of)
            binding_tally_add(to, node->name, b,
                              profile ? profile->enforcers : of->owner->profile->enforcers);
    }
}

void status_view_tally(const struct status_facts *facts, struct binding_tally *by_slot)
{
    unsigned slot;

    MAP_FOREACH (e, nodes_all(facts->nodes)) {
        const struct node *node = map_value(e);

        MAP_FOREACH (f, node->bindings) {
            const struct msg_binding *b = map_value(f);
            const struct profile_slot *of = profile_store_slot_of(facts->store, b->profile, &slot);

            if (of)
                binding_tally_add(&by_slot[slot], node->name, b, of->owner->profile->enforcers);
        }
    }
}

/* The containers of each slot's profile, on all nodes; NULL: no memory. */
static struct binding_tally *tally_by_slot(struct status_view *v)
{
    struct binding_tally *tallies =
        arena_array(v->arena, profile_store_n_slots(v->facts->store) + 1, sizeof(*tallies));

    if (tallies)
        status_view_tally(v->facts, tallies);
    return tallies;
}

/* ---- Policies ---- */

/* The file's first problem, if it has an error; NULL otherwise. */
static const struct file_problem *error_of_file(const struct status_view *v, const char *file)
{
    const struct file_problem *problem = file_problems_find(v->facts->problems, file);

    return problem && problem->n_errors ? problem : NULL;
}

static const char *condition_status_text(enum condition_status status)
{
    return status == CONDITION_TRUE ? "True" : "False";
}

static void add_condition(struct status_condition *to, size_t *n, const char *type,
                          const struct condition *c)
{
    if (c->status == CONDITION_ABSENT)
        return;
    to[(*n)++] = (struct status_condition){.type = type,
                                           .status = condition_status_text(c->status),
                                           .reason = c->reason ? c->reason : "",
                                           .message = c->message ? c->message : "",
                                           .since_ns = c->since_ns};
}

static const char *problem_message(struct status_view *v, const struct file_problem *problem,
                                   const char *consequence)
{
    if (problem->n_lines > 1)
        return view_text(v, "%s (and %zu more)%s", problem->lines[0], problem->n_lines - 1,
                         consequence);
    return view_text(v, "%s%s", problem->lines[0], consequence);
}

/* tally: NULL if there is no profile. */
static int fill_conditions(struct status_view *v, struct status_policy *to,
                           const struct stored_policy *p, const struct policy_status *ps,
                           const struct file_problem *problem, const struct binding_tally *tally)
{
    struct status_condition *conditions =
        arena_array(v->arena, MAX_CONDITIONS, sizeof(*conditions));

    if (!conditions)
        return -ENOMEM;
    add_condition(conditions, &to->n_conditions, "Created", &p->created);
    if (problem) {
        const char *message =
            problem_message(v, problem, "; what the file said before stays in force");

        if (!message)
            return -ENOMEM;
        conditions[to->n_conditions++] = (struct status_condition){
            .type = "Updated", .status = "False", .reason = "FileError", .message = message};
    } else {
        add_condition(conditions, &to->n_conditions, "Updated", &p->updated);
    }
    add_condition(conditions, &to->n_conditions, "Complete", &p->complete);
    if (ps)
        add_condition(conditions, &to->n_conditions, "Ready", &ps->ready);
    if (tally) {
        int r = binding_tally_condition(tally, v->arena, &conditions[to->n_conditions]);

        if (r < 0)
            return r;
        to->n_conditions += (size_t)r;
    }
    to->conditions = conditions;
    return 0;
}

static int fill_node_results(struct status_view *v, struct status_policy *to,
                             const struct stored_policy *p)
{
    const struct map *nodes = nodes_all(v->facts->nodes);
    struct status_node_result *results = arena_array(v->arena, map_size(nodes), sizeof(*results));

    if (!results)
        return -ENOMEM;
    MAP_FOREACH (e, nodes) {
        const struct node *node = map_value(e);
        const struct node_profile *np = node_profile_find(node, p->slot);
        struct status_node_result *r = &results[to->n_nodes++];

        struct binding_tally tally = {0};

        *r = (struct status_node_result){.node = node->name, .connected = node->connected};
        tally_node(v, node, p->profile, &tally);
        r->n_bound = tally.n_bound;
        r->bindings =
            binding_tally_enforcers(&tally, p->profile->enforcers, v->arena, &r->n_bindings);
        if (!r->bindings)
            return -ENOMEM;
        r->current = node_standing(node, p->slot, p->profile, NULL, NULL) == NODE_APPLIED;
        if (np) {
            r->digest = np->digest;
            r->enforcers = np->results;
            r->n_enforcers = np->n_results;
        }
    }
    to->nodes = results;
    return 0;
}

/* with_nodes: also what each node says. tallies: by slot. */
static int fill_policy(struct status_view *v, struct status_policy *to,
                       const struct stored_policy *p, const struct binding_tally *tallies,
                       bool with_nodes)
{
    const struct binding_tally *tally = p->profile ? &tallies[p->slot] : NULL;
    const struct policy_status *ps = map_find(v->statuses, p->key);
    const struct file_problem *problem = error_of_file(v, p->file);
    const struct policy *policy = p->policy;
    int r;

    *to = (struct status_policy){
        .kind = policy->cluster ? "VarmorClusterPolicy" : "VarmorPolicy",
        .name_space = policy->name_space,
        .name = policy->name,
        .generation = p->generation,
        .enforcer = policy->enforcer_text,
        .mode = policy_mode_name(policy->mode),
        .target_kind = target_kind_name(policy->target.kind),
        .target_name = policy->target.name ? policy->target.name : "",
        .target_selector = policy->target.selector ? selector_text(policy->target.selector) : "",
        .profile_name = p->profile ? p->profile->name : "",
        .ready = ps && ps->is_ready && !problem,
        .phase = policy_phase_name(ps ? ps->phase : PHASE_PENDING),
        .created_ns = p->created_ns,
        .source = policy->at.line ? view_text(v, "%s:%u", p->file, policy->at.line)
                                  : view_text(v, "%s", p->file),
    };
    if (!to->source)
        return -ENOMEM;
    if (ps) {
        to->nodes_desired = ps->nodes_desired;
        to->nodes_ready = ps->nodes_ready;
    }
    r = fill_conditions(v, to, p, ps, problem, tally);
    if (r < 0 || !tally)
        return r;
    to->digest = p->profile->digest;
    to->n_bound = tally->n_bound;
    to->n_without = tally->n_without;
    to->n_restart_needed = tally->n_restart_needed;
    return with_nodes ? fill_node_results(v, to, p) : 0;
}

/* Does any policy come from this file? Then the policy shows the file's problem. */
static bool has_policies(const struct status_view *v, const char *file)
{
    MAP_FOREACH (e, profile_store_policies(v->facts->store)) {
        const struct stored_policy *p = map_value(e);

        if (strcmp(p->file, file) == 0)
            return true;
    }
    return false;
}

static int fill_file(struct status_view *v, struct status_policy *to,
                     const struct file_problem *problem)
{
    struct status_condition *condition = arena_array(v->arena, 1, sizeof(*condition));
    const char *message = problem_message(v, problem, "");

    if (!condition || !message)
        return -ENOMEM;
    *condition = (struct status_condition){
        .type = "Created", .status = "False", .reason = "FileError", .message = message};
    *to = (struct status_policy){.kind = "File",
                                 .name_space = "",
                                 .name = problem->file,
                                 .phase = policy_phase_name(PHASE_ERROR),
                                 .conditions = condition,
                                 .n_conditions = 1,
                                 .source = problem->file};
    return 0;
}

static int list_policies(struct status_view *v, const struct status_list_request *ask,
                         struct status_list *ret)
{
    const struct map *policies = profile_store_policies(v->facts->store);
    const struct map *problems = file_problems_all(v->facts->problems);
    struct status_policy *items =
        arena_array(v->arena, map_size(policies) + map_size(problems), sizeof(*items));
    const struct binding_tally *tallies = tally_by_slot(v);
    bool with_nodes = *ask->name || map_size(nodes_all(v->facts->nodes)) <= STATUS_LIST_NODES;

    if (!items || !tallies)
        return -ENOMEM;
    MAP_FOREACH (e, policies) {
        const struct stored_policy *p = map_value(e);

        if (!is_asked_for(ask->name_space, p->policy->name_space) ||
            !is_asked_for(ask->name, p->policy->name))
            continue;
        if (fill_policy(v, &items[ret->n++], p, tallies, with_nodes) < 0)
            return -ENOMEM;
    }
    MAP_FOREACH (e, problems) {
        const struct file_problem *problem = map_value(e);

        if (!problem->n_errors || *ask->name_space || !is_asked_for(ask->name, problem->file) ||
            has_policies(v, problem->file))
            continue;
        if (fill_file(v, &items[ret->n++], problem) < 0)
            return -ENOMEM;
    }
    ret->policies = items;
    return 0;
}

/* ---- Profiles ---- */

static int list_profiles(struct status_view *v, const struct status_list_request *ask,
                         struct status_list *ret)
{
    const struct map *policies = profile_store_policies(v->facts->store);
    struct status_profile *items = arena_array(v->arena, map_size(policies), sizeof(*items));

    if (!items)
        return -ENOMEM;
    MAP_FOREACH (e, policies) {
        const struct stored_policy *p = map_value(e);
        const struct policy_status *ps = map_find(v->statuses, p->key);
        const struct profile *profile = p->profile;

        if (!profile || !is_asked_for(ask->name_space, profile->name_space) ||
            !is_asked_for(ask->name, profile->name))
            continue;
        items[ret->n++] = (struct status_profile){
            .name = profile->name,
            .name_space = profile->name_space,
            .policy_kind = profile->policy_kind,
            .policy_namespace = profile->policy_namespace,
            .policy_name = profile->policy_name,
            .enforcers = profile->enforcers,
            .mode = profile->complain ? "complain" : "enforce",
            .digest = profile->digest,
            .n_rules = (unsigned)profile->n_rules,
            .nodes_desired = ps ? ps->nodes_desired : 0,
            .nodes_ready = ps ? ps->nodes_ready : 0,
            .created_ns = p->created_ns,
        };
    }
    ret->profiles = items;
    return 0;
}

/* ---- Nodes ---- */

static void fill_node(struct status_view *v, struct status_node *to, const struct node *node)
{
    const struct msg_hello *hello = &node->hello.hello;
    struct binding_tally tally = {0};

    tally_node(v, node, NULL, &tally);
    *to = (struct status_node){
        .name = node->name,
        .connected = node->connected,
        .since_ns = node->since_ns,
        .agent_version = hello->agent_version,
        .kernel = hello->kernel,
        .architecture = hello->architecture,
        .runtime = hello->runtime,
        .enforcers = hello->enforcers,
        .n_enforcers = hello->n_enforcers,
        .facts = hello->facts,
        .n_facts = hello->n_facts,
        .n_profiles = profile_store_n_profiles(v->facts->store),
        .n_bound = tally.n_bound,
    };
    for (unsigned i = 0; i < profile_store_n_slots(v->facts->store); i++) {
        const struct profile_slot *slot = profile_store_slot(v->facts->store, i);

        if (slot->owner && node_standing(node, i, slot->owner->profile, NULL, NULL) == NODE_APPLIED)
            to->n_current++;
    }
}

static int list_nodes(struct status_view *v, const struct status_list_request *ask,
                      struct status_list *ret)
{
    const struct map *nodes = nodes_all(v->facts->nodes);
    struct status_node *items = arena_array(v->arena, map_size(nodes), sizeof(*items));

    if (!items)
        return -ENOMEM;
    MAP_FOREACH (e, nodes)
        if (is_asked_for(ask->name, map_key(e)))
            fill_node(v, &items[ret->n++], map_value(e));
    ret->nodes = items;
    return 0;
}

/* ---- Bindings ---- */

static size_t count_bindings(const struct status_view *v)
{
    size_t n = 0;

    MAP_FOREACH (e, nodes_all(v->facts->nodes)) {
        const struct node *node = map_value(e);

        n += map_size(node->bindings);
    }
    return n;
}

/* Of a pod (ask), of a profile and of a node, each NULL for any. */
static int find_bindings(struct status_view *v, const struct status_list_request *ask,
                         const char *profile, const char *node_name,
                         const struct status_binding **ret, size_t *ret_n)
{
    struct status_binding *items = arena_array(v->arena, count_bindings(v), sizeof(*items));

    if (!items)
        return -ENOMEM;
    MAP_FOREACH (e, nodes_all(v->facts->nodes)) {
        const struct node *node = map_value(e);

        if (node_name && strcmp(node_name, node->name) != 0)
            continue;
        MAP_FOREACH (f, node->bindings) {
            const struct msg_binding *b = map_value(f);

            if ((profile && strcmp(b->profile, profile) != 0) ||
                (ask && (!is_asked_for(ask->name_space, b->pod_namespace) ||
                         !is_asked_for(ask->name, b->pod_name))))
                continue;
            items[(*ret_n)++] = (struct status_binding){.node = node->name, .binding = *b};
        }
    }
    *ret = items;
    return 0;
}

int status_view_list(struct status_view *v, enum status_resource resource,
                     const struct status_list_request *ask, struct status_list *ret)
{
    *ret = (struct status_list){.resource = resource};
    switch (resource) {
    case STATUS_POLICIES:
        return list_policies(v, ask, ret);
    case STATUS_PROFILES:
        return list_profiles(v, ask, ret);
    case STATUS_NODES:
        return list_nodes(v, ask, ret);
    case STATUS_BINDINGS:
        return find_bindings(v, ask, NULL, NULL, &ret->bindings, &ret->n);
    case STATUS_NONE:
    case STATUS_RESOURCES:
        break;
    }
    return 0;
}

/* ---- Descriptions ---- */

/* The violations that are found, as an array in the arena. */
struct violations_found {
    struct status_view *view;
    struct status_violation *items;
    size_t n, n_counted;
};

static void count_violation(const struct status_violation *violation UNUSED, void *data)
{
    struct violations_found *found = data;

    found->n_counted++;
}

static void add_violation(const struct status_violation *violation, void *data)
{
    struct violations_found *found = data;

    found->items[found->n++] = *violation;
}

static int find_violations(struct status_view *v, const char *profile, const char *node,
                           const struct status_violation **ret, size_t *ret_n)
{
    struct violations_found found = {.view = v};

    violation_history_each(v->facts->violations, profile, node, count_violation, &found);
    found.items = arena_array(v->arena, found.n_counted, sizeof(*found.items));
    if (!found.items)
        return -ENOMEM;
    violation_history_each(v->facts->violations, profile, node, add_violation, &found);
    *ret = found.items;
    *ret_n = found.n;
    return 0;
}

/* What a rule is about, in the words of policies. NULL: no memory. A text that is full is cut. */
static const char *rule_text(struct status_view *v, const struct rule *r)
{
    CLEANUP_BUF struct buf text = BUF_INIT(RULE_TEXT_BYTES);

    if (rule_text_add(&text, r) == -ENOMEM)
        return NULL;
    return arena_text(v->arena, buf_text(&text));
}

static uint64_t rule_count(const struct status_view *v, const struct stored_policy *p, size_t rule)
{
    uint64_t sum = 0;

    MAP_FOREACH (e, nodes_all(v->facts->nodes)) {
        const struct node_profile *np = node_profile_find(map_value(e), p->slot);

        const struct node_counts *c = np ? np->counts : NULL;

        if (c && rule < c->n && digest_equal(&c->digest, &p->profile->digest))
            sum += c->values[rule];
    }
    return sum;
}

static int fill_rules(struct status_view *v, struct status_policy_description *to,
                      const struct stored_policy *p)
{
    const struct profile *profile = p->profile;
    struct status_rule_count *rules = arena_array(v->arena, profile->n_rules, sizeof(*rules));

    if (!rules)
        return -ENOMEM;
    for (size_t i = 0; i < profile->n_rules; i++) {
        rules[i] = (struct status_rule_count){.origin = profile->rules[i].origin,
                                              .count = rule_count(v, p, i),
                                              .kind = rule_kind_name(profile->rules[i].kind),
                                              .text = rule_text(v, &profile->rules[i])};
        if (!rules[i].text)
            return -ENOMEM;
    }
    to->rules = rules;
    to->n_rules = profile->n_rules;
    return 0;
}

static void fill_findings(struct status_policy_description *to, const struct file_problem *problem)
{
    if (!problem)
        return;
    to->findings = (const char *const *)problem->lines;
    to->n_findings = problem->n_lines;
}

static const struct stored_policy *find_policy(const struct status_view *v,
                                               const struct status_describe_request *ask)
{
    const struct stored_policy *p = NULL;

    if (is_asked_for(ask->kind, "VarmorPolicy"))
        p = profile_store_find(v->facts->store, false,
                               *ask->name_space ? ask->name_space : "default", ask->name);
    if (!p && is_asked_for(ask->kind, "VarmorClusterPolicy"))
        p = profile_store_find(v->facts->store, true, "", ask->name);
    return p;
}

int status_view_policy(struct status_view *v, const struct status_describe_request *ask,
                       struct status_policy_description *ret)
{
    const struct stored_policy *p = find_policy(v, ask);
    const struct binding_tally *tallies = tally_by_slot(v);
    int r;

    *ret = (struct status_policy_description){0};
    if (!tallies)
        return -ENOMEM;
    if (!p) {
        const struct file_problem *problem = file_problems_find(v->facts->problems, ask->name);

        if (!problem || !is_asked_for(ask->kind, "File"))
            return 0;
        fill_findings(ret, problem);
        return fill_file(v, &ret->policy, problem) < 0 ? -ENOMEM : 1;
    }
    r = fill_policy(v, &ret->policy, p, tallies, true);
    fill_findings(ret, file_problems_find(v->facts->problems, p->file));
    ret->warnings = (const char *const *)p->warnings;
    ret->n_warnings = p->n_warnings;
    if (r == 0 && p->profile)
        r = find_bindings(v, NULL, p->profile->name, NULL, &ret->bindings, &ret->n_bindings);
    if (r == 0 && p->profile)
        r = find_violations(v, p->profile->name, NULL, &ret->violations, &ret->n_violations);
    if (r == 0 && p->profile)
        r = fill_rules(v, ret, p);
    if (r == 0 && p->profile)
        r = event_counts_sum(v->facts->nodes, p->slot, v->arena, &ret->events, &ret->n_events);
    return r < 0 ? r : 1;
}

int status_view_node(struct status_view *v, const char *name, struct status_node_description *ret)
{
    const struct node *node = nodes_find(v->facts->nodes, name);
    int r;

    *ret = (struct status_node_description){0};
    if (!node)
        return 0;
    fill_node(v, &ret->node, node);
    r = find_bindings(v, NULL, NULL, name, &ret->bindings, &ret->n_bindings);
    if (r == 0)
        r = find_violations(v, NULL, name, &ret->violations, &ret->n_violations);
    return r < 0 ? r : 1;
}
