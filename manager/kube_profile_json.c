/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_profile_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/map.h"
#include "manager/binding_tally.h"
#include "manager/node_order.h"
#include "manager/policy_status.h"
#include "profiles/rule_text.h"

#define RULE_BUF_BYTES 8192 /* a rule in words before it is cut */

static const struct {
    enum enforcer_bit bit;
    const char *name;
} enforcer_names[] = {
    {ENFORCER_APPARMOR, "AppArmor"}, {ENFORCER_BPF, "BPF"}, {ENFORCER_SECCOMP, "Seccomp"}};

/* ---- spec.target ---- */

static json_t *texts_json(const char *const *items, size_t n)
{
    CLEANUP(json_decref) json_t *to = json_array();
    int r = to ? 0 : -ENOMEM;

    for (size_t i = 0; i < n; i++)
        r |= kube_append(to, json_string(items[i]));
    return r < 0 ? NULL : TAKE(to);
}

static json_t *expression_json(const char *key, enum selector_operator op,
                               const char *const *values, size_t n_values)
{
    static const char *const names[] = {
        [SELECTOR_IN] = "In",
        [SELECTOR_NOT_IN] = "NotIn",
        [SELECTOR_EXISTS] = "Exists",
        [SELECTOR_DOES_NOT_EXIST] = "DoesNotExist",
    };
    json_t *to = json_pack("{s:s, s:s}", "key", key, "operator", names[op]);

    if (n_values && kube_set(to, "values", texts_json(values, n_values)) < 0) {
        json_decref(to);
        return NULL;
    }
    return to;
}

/* "key in (one value)" is a label to match; everything else is an expression. */
static json_t *selector_json(const struct selector *selector)
{
    CLEANUP(json_decref) json_t *to = json_object();
    CLEANUP(json_decref) json_t *labels = json_object();
    CLEANUP(json_decref) json_t *expressions = json_array();
    int r = to && labels && expressions ? 0 : -ENOMEM;

    for (size_t i = 0; i < selector_size(selector); i++) {
        enum selector_operator op;
        const char *const *values;
        const char *key;
        size_t n_values;

        selector_get(selector, i, &key, &op, &values, &n_values);
        if (op == SELECTOR_IN && n_values == 1 && !json_object_get(labels, key))
            r |= kube_set(labels, key, json_string(values[0]));
        else
            r |= kube_append(expressions, expression_json(key, op, values, n_values));
    }
    if (json_object_size(labels))
        r |= kube_set(to, "matchLabels", TAKE(labels));
    if (json_array_size(expressions))
        r |= kube_set(to, "matchExpressions", TAKE(expressions));
    return r < 0 ? NULL : TAKE(to);
}

json_t *kube_target_json(const struct policy *policy)
{
    const struct profile_target *t = &policy->target;
    CLEANUP(json_decref) json_t *to = json_pack("{s:s}", "kind", target_kind_name(t->kind));
    int r = to ? 0 : -ENOMEM;

    if (t->name)
        r |= kube_set(to, "name", json_string(t->name));
    if (t->selector)
        r |= kube_set(to, "selector", selector_json(t->selector));
    if (t->n_containers)
        r |= kube_set(to, "containers",
                      texts_json((const char *const *)t->containers, t->n_containers));
    return r < 0 ? NULL : TAKE(to);
}

/* ---- spec.profile ---- */

/* "deny file read /etc/shadow (hardeningRules: x)". NULL: no memory. */
static json_t *rule_json(const struct rule *rule)
{
    CLEANUP_BUF struct buf text = BUF_INIT(RULE_BUF_BYTES);
    int r = buf_format(&text, "%s %s ", rule_text_mode(rule->mode), rule_kind_name(rule->kind));

    if (r == 0)
        r = rule_text_add(&text, rule);
    if (r == 0)
        r = buf_format(&text, " (%s)", rule->origin);
    return r == -ENOMEM ? NULL : kube_text(buf_text(&text), KUBE_PROFILE_MAX_RULE);
}

static json_t *rules_json(const struct profile *p)
{
    CLEANUP(json_decref) json_t *to = json_array();
    size_t n = p->n_rules <= KUBE_PROFILE_MAX_RULES ? p->n_rules : KUBE_PROFILE_MAX_RULES - 1;
    char more[64];
    int r = to ? 0 : -ENOMEM;

    for (size_t i = 0; i < n; i++)
        r |= kube_append(to, rule_json(&p->rules[i]));
    if (n < p->n_rules) {
        snprintf(more, sizeof(more), "and %zu more rules", p->n_rules - n);
        r |= kube_append(to, json_string(more));
    }
    return r < 0 ? NULL : TAKE(to);
}

/* Bytes that a text takes in JSON, not counting what is longer than two. */
static size_t bytes_in_json(const char *text)
{
    size_t n = 0;

    for (; text && *text; text++)
        n += *text == '\n' || *text == '"' || *text == '\\' || *text == '\t' ? 2 : 1;
    return n;
}

static bool leaves_texts_out(const struct kube_profile_facts *f)
{
    const struct profile *p = f->policy->profile;

    return (p->apparmor_text || p->seccomp_json) &&
           (f->without_texts || bytes_in_json(p->apparmor_text) + bytes_in_json(p->seccomp_json) >
                                    KUBE_PROFILE_MAX_TEXT);
}

static json_t *profile_json(const struct kube_profile_facts *f)
{
    const struct profile *p = f->policy->profile;
    char digest[KUBE_DIGEST_TEXT_SIZE];
    CLEANUP(json_decref)
    json_t *to =
        json_pack("{s:s, s:s, s:s, s:s}", "name", p->name, "enforcer",
                  f->policy->in_force->enforcer_text, "mode", p->complain ? "complain" : "enforce",
                  "digest", kube_digest_format(&p->digest, digest));
    int r = to ? 0 : -ENOMEM;

    if (p->apparmor_text && !leaves_texts_out(f))
        r |= kube_set(to, "content", kube_text(p->apparmor_text, PROFILE_MAX_APPARMOR_TEXT));
    if (p->seccomp_json && !leaves_texts_out(f))
        r |= kube_set(to, "seccompContent", kube_text(p->seccomp_json, PROFILE_MAX_SECCOMP_JSON));
    if (p->n_rules)
        r |= kube_set(to, "bpfRules", rules_json(p));
    return r < 0 ? NULL : TAKE(to);
}

json_t *kube_profile_spec_json(const struct kube_profile_facts *f, char **ret_warning)
{
    const struct policy *policy = f->policy->in_force;
    const struct profile *p = f->policy->profile;

    if (ret_warning)
        *ret_warning = NULL;
    if (ret_warning && leaves_texts_out(f) &&
        asprintf(ret_warning,
                 "the texts for AppArmor and seccomp (%zu bytes) are too large for ArmorProfile "
                 "'%s/%s', which leaves them out; the nodes have them",
                 bytes_in_json(p->apparmor_text) + bytes_in_json(p->seccomp_json), p->name_space,
                 p->name) < 0) {
        *ret_warning = NULL;
        return NULL;
    }
    return json_pack("{s:o, s:b, s:{s:b, s:I}, s:o}", "target", kube_target_json(policy),
                     "updateExistingWorkloads", policy->update_existing_workloads,
                     "behaviorModeling", "enable", 0, "duration",
                     (json_int_t)(policy->has_modeling ? policy->modeling_minutes : 0), "profile",
                     profile_json(f));
}

/* ---- metadata ---- */

json_t *kube_profile_owners_json(const struct kube_profile_facts *f)
{
    const struct policy *policy = f->policy->policy;

    return json_pack("[{s:s, s:s, s:s, s:s, s:b}]", "apiVersion", KUBE_GROUP_VERSION, "kind",
                     policy->cluster ? "VarmorClusterPolicy" : "VarmorPolicy", "name", policy->name,
                     "uid", policy->uid ? policy->uid : "", "controller", 1);
}

json_t *kube_profile_labels_json(const struct kube_profile_facts *f)
{
    const struct labels *labels = f->policy->in_force->labels;
    CLEANUP(json_decref) json_t *to = json_object();
    int r = to ? 0 : -ENOMEM;

    for (size_t i = 0; i < labels_size(labels); i++)
        r |= kube_set(to, labels_key(labels, i), json_string(labels_value(labels, i)));
    r |= kube_set(to, KUBE_MANAGED_BY_LABEL, json_string(KUBE_MANAGED_BY));
    return r < 0 ? NULL : TAKE(to);
}

json_t *kube_profile_object_json(const struct kube_profile_facts *f, json_t *spec)
{
    const struct profile *p = f->policy->profile;

    return json_pack("{s:s, s:s, s:{s:s, s:s, s:o, s:o}, s:o}", "apiVersion", KUBE_GROUP_VERSION,
                     "kind", "ArmorProfile", "metadata", "name", p->name, "namespace",
                     p->name_space, "labels", kube_profile_labels_json(f), "ownerReferences",
                     kube_profile_owners_json(f), "spec", spec);
}

/* ---- status ---- */

static unsigned count_bound(const struct node *node, const struct profile *profile)
{
    struct binding_tally tally = {0};

    MAP_FOREACH (e, node->bindings) {
        const struct msg_binding *b = map_value(e);

        if (strcmp(b->profile, profile->name) == 0)
            binding_tally_add(&tally, node->name, b, profile->enforcers);
    }
    return tally.n_bound;
}

static json_t *enforcer_states_json(const struct node *node, const struct stored_policy *p)
{
    static const char *const words[] = {
        [NODE_WAITING] = "Waiting", [NODE_APPLIED] = "Applied", [NODE_FAILED] = "Failed"};
    CLEANUP(json_decref) json_t *to = json_array();
    int r = to ? 0 : -ENOMEM;

    for (size_t i = 0; i < ARRAY_SIZE(enforcer_names); i++) {
        const char *reason = NULL;
        enum node_standing s;
        json_t *one;

        if (!(p->profile->enforcers & enforcer_names[i].bit))
            continue;
        s = node_enforcer_standing(node, p->slot, p->profile, enforcer_names[i].bit, &reason);
        one = json_pack("{s:s, s:s}", "name", enforcer_names[i].name, "state", words[s]);
        if (reason)
            r |= kube_set(one, "message", kube_text(reason, KUBE_PROFILE_MAX_MESSAGE));
        r |= kube_append(to, one);
    }
    return r < 0 ? NULL : TAKE(to);
}

/* The member of a list whose member "key" is name; NULL. Borrowed. */
static const json_t *find_named(const json_t *list, const char *key, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);

        if (strcmp(kube_get_text(item, key), name) == 0)
            return item;
    }
    return NULL;
}

/* When the node came to stand so: what stands there already if it says the same, else what the agent says of its
 * enforcers, else when the agent connected or was lost. */
static json_t *since_json(const struct node *node, const struct stored_policy *p, const json_t *one,
                          const json_t *before)
{
    const json_t *old = find_named(before, "name", node->name);
    const struct node_profile *np = node_profile_find(node, p->slot);
    json_t *since = json_object_get(old, "since");
    int64_t since_ns = 0;

    if (json_is_string(since) &&
        json_equal(json_object_get(old, "ready"), json_object_get(one, "ready")) &&
        json_equal(json_object_get(old, "digest"), json_object_get(one, "digest")))
        return json_incref(since);
    for (unsigned i = 0; np && node->connected && i < np->n_results; i++)
        since_ns = MAX(since_ns, np->results[i].since_ns);
    return kube_time(since_ns ? since_ns : node->since_ns);
}

static json_t *node_json(const struct ordered_node *o, const struct stored_policy *p,
                         const json_t *before)
{
    const struct node_profile *np = node_profile_find(o->node, p->slot);
    bool is_ready = o->standing == NODE_APPLIED && o->node->connected;
    char digest[KUBE_DIGEST_TEXT_SIZE];
    CLEANUP(json_decref)
    json_t *to =
        json_pack("{s:o, s:b, s:i, s:o}", "name", kube_text(o->node->name, NODE_NAME_MAX), "ready",
                  is_ready, "boundContainers", (int)count_bound(o->node, p->profile), "enforcers",
                  enforcer_states_json(o->node, p));
    int r = to ? 0 : -ENOMEM;

    if (np && !digest_is_zero(&np->digest))
        r |= kube_set(to, "digest", json_string(kube_digest_format(&np->digest, digest)));
    if (r == 0)
        r = kube_set(to, "since", since_json(o->node, p, to, before));
    return r < 0 ? NULL : TAKE(to);
}

static json_t *nodes_json(const struct ordered_node *nodes, size_t n, const struct stored_policy *p,
                          const json_t *before)
{
    CLEANUP(json_decref) json_t *to = json_array();
    int r = to ? 0 : -ENOMEM;

    for (size_t i = 0; i < MIN(n, (size_t)KUBE_PROFILE_MAX_NODES); i++)
        r |= kube_append(to, node_json(&nodes[i], p, before));
    return r < 0 ? NULL : TAKE(to);
}

/* contract.md 1.5: one for each node that failed. */
static json_t *failed_json(const struct ordered_node *nodes, size_t n,
                           const struct stored_policy *p, const json_t *before)
{
    CLEANUP(json_decref) json_t *to = json_array();
    int r = to ? 0 : -ENOMEM;

    for (size_t i = 0; i < MIN(n, (size_t)KUBE_PROFILE_MAX_CONDITIONS); i++) {
        const char *name = nodes[i].node->name, *reason = "";
        json_t *time = json_object_get(find_named(before, "nodeName", name), "lastTransitionTime");

        if (nodes[i].standing != NODE_FAILED)
            break;
        node_standing(nodes[i].node, p->slot, p->profile, NULL, &reason);
        r |= kube_append(to, json_pack("{s:s, s:s, s:o, s:o, s:o}", "type", "Ready", "status",
                                       "False", "nodeName", kube_text(name, NODE_NAME_MAX),
                                       "message", kube_text(reason, KUBE_PROFILE_MAX_CONDITION),
                                       "lastTransitionTime",
                                       json_is_string(time) ? json_incref(time)
                                                            : kube_time(nodes[i].node->since_ns)));
    }
    return r < 0 ? NULL : TAKE(to);
}

json_t *kube_profile_status_json(const struct kube_profile_facts *f, const json_t *before)
{
    const struct policy_status *s = f->status;
    size_t n = 0;
    CLEANUP_FREE struct ordered_node *nodes = node_order(f->nodes, f->policy, &n);
    CLEANUP(json_decref)
    json_t *to = json_pack("{s:i, s:i}", "desiredNumberLoaded", s ? (int)s->nodes_desired : 0,
                           "currentNumberLoaded", s ? (int)s->nodes_ready : 0);
    int r = to && nodes ? 0 : -ENOMEM;

    if (r < 0)
        return NULL;
    r |= kube_set(to, "conditions",
                  failed_json(nodes, n, f->policy, json_object_get(before, "conditions")));
    r |= kube_set(to, "nodes", nodes_json(nodes, n, f->policy, json_object_get(before, "nodes")));
    if (n > KUBE_PROFILE_MAX_NODES)
        r |= kube_set(to, "nodesOmitted", json_integer((json_int_t)(n - KUBE_PROFILE_MAX_NODES)));
    return r < 0 ? NULL : TAKE(to);
}
