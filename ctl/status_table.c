/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/status_table.h"

#include <errno.h>
#include <string.h>

#define DIGEST_SHORT 12 /* hexadecimal digits of a digest in a table */

struct columns {
    const char *const *headings;
    size_t n, n_wide; /* without and with the columns of -o wide, which stand last */
};

/* The columns of contract.md 1.2, and what it takes to answer "is it enforced, here, now". */
static const char *const policy_headings[] = {
    "NAMESPACE",   "NAME",        "ENFORCER",        "MODE",
    "TARGET-KIND", "TARGET-NAME", "TARGET-SELECTOR", "PROFILE-NAME",
    "READY",       "STATUS",      "NODES",           "BOUND",
    "AGE",         "KIND",        "DIGEST",          "WITHOUT",
    "RESTART",     "SOURCE",
};
static const char *const profile_headings[] = {
    "NAMESPACE", "NAME",    "ENFORCER", "MODE",   "RULES",
    "DESIRED",   "CURRENT", "AGE",      "POLICY", "DIGEST",
};
static const char *const node_headings[] = {
    "NAME",  "CONNECTED", "ENFORCERS", "PROFILES", "BOUND",
    "SINCE", "KERNEL",    "RUNTIME",   "VERSION",  "ARCH",
};
static const char *const binding_headings[] = {
    "NODE",       "NAMESPACE", "POD", "CONTAINER", "PROFILE",      "BOUND",  "SINCE",
    "FROM-START", "ENFORCERS", "PID", "IMAGE",     "CONTAINER-ID", "REASON",
};

static const struct columns resource_columns[] = {
    [STATUS_POLICIES] = {policy_headings, 13, ARRAY_SIZE(policy_headings)},
    [STATUS_PROFILES] = {profile_headings, 8, ARRAY_SIZE(profile_headings)},
    [STATUS_NODES] = {node_headings, 7, ARRAY_SIZE(node_headings)},
    [STATUS_BINDINGS] = {binding_headings, 8, ARRAY_SIZE(binding_headings)},
};

struct table *status_table_new(enum status_resource resource, bool wide)
{
    const struct columns *c = &resource_columns[resource];

    return table_new(c->headings, wide ? c->n_wide : c->n);
}

static void digest_short(const struct digest *d, char text[static DIGEST_TEXT_SIZE])
{
    text[0] = '\0';
    if (!digest_is_zero(d)) {
        digest_format(d, text);
        text[DIGEST_SHORT] = '\0';
    }
}

static const char *yes_no(bool yes)
{
    return yes ? "true" : "false";
}

int status_table_add_policy(struct table *t, const struct status_policy *p, int64_t now_ns)
{
    char age[TABLE_AGE_SIZE], nodes[32], bound[16], digest[DIGEST_TEXT_SIZE];
    char without[16], restart[16];
    const char *cells[ARRAY_SIZE(policy_headings)] = {
        p->name_space,
        p->name,
        p->enforcer,
        p->mode,
        p->target_kind,
        p->target_name,
        p->target_selector,
        p->profile_name,
        yes_no(p->ready),
        p->phase,
        nodes,
        bound,
        age,
        p->kind,
        digest,
        without,
        restart,
        p->source,
    };

    snprintf(nodes, sizeof(nodes), "%u/%u", p->nodes_ready, p->nodes_desired);
    snprintf(bound, sizeof(bound), "%u", p->n_bound);
    snprintf(without, sizeof(without), "%u", p->n_without);
    snprintf(restart, sizeof(restart), "%u", p->n_restart_needed);
    table_age(p->created_ns, now_ns, age);
    digest_short(&p->digest, digest);
    return table_add(t, cells);
}

int status_table_add_profile(struct table *t, const struct status_profile *p, int64_t now_ns)
{
    char age[TABLE_AGE_SIZE], rules[16], desired[16], current[16], digest[DIGEST_TEXT_SIZE];
    char policy[512];
    const char *cells[ARRAY_SIZE(profile_headings)] = {
        p->name_space, p->name, enforcer_set_name(p->enforcers),
        p->mode,       rules,   desired,
        current,       age,     policy,
        digest,
    };

    snprintf(rules, sizeof(rules), "%u", p->n_rules);
    snprintf(desired, sizeof(desired), "%u", p->nodes_desired);
    snprintf(current, sizeof(current), "%u", p->nodes_ready);
    snprintf(policy, sizeof(policy), "%s/%s", p->policy_kind, p->policy_name);
    table_age(p->created_ns, now_ns, age);
    digest_short(&p->digest, digest);
    return table_add(t, cells);
}

/* "BPF" for those that work, "AppArmor(no)" for those that do not. */
static void node_enforcers(const struct status_node *n, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < n->n_enforcers && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s%s", i ? "," : "",
                                 enforcer_set_name(n->enforcers[i].enforcer),
                                 n->enforcers[i].usable ? "" : "(no)");
}

int status_table_add_node(struct table *t, const struct status_node *n, int64_t now_ns)
{
    char since[TABLE_AGE_SIZE], enforcers[128], profiles[32], bound[16];
    const char *cells[ARRAY_SIZE(node_headings)] = {
        n->name,   yes_no(n->connected), enforcers,        profiles,        bound, since,
        n->kernel, n->runtime,           n->agent_version, n->architecture,
    };

    node_enforcers(n, enforcers, sizeof(enforcers));
    snprintf(profiles, sizeof(profiles), "%u/%u", n->n_current, n->n_profiles);
    snprintf(bound, sizeof(bound), "%u", n->n_bound);
    table_age(n->since_ns, now_ns, since);
    return table_add(t, cells);
}

const char *status_table_enforcers(const struct msg_binding *b,
                                   char text[static STATUS_ENFORCERS_SIZE])
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < b->n_enforcers && used < STATUS_ENFORCERS_SIZE; i++) {
        const struct msg_binding_enforcer *e = &b->enforcers[i];

        used += (size_t)snprintf(text + used, STATUS_ENFORCERS_SIZE - used, "%s%s%s", i ? "," : "",
                                 enforcer_set_name(e->enforcer),
                                 e->restart_needed ? "(restart needed)"
                                 : e->opted_out    ? "(opted out)"
                                 : e->in_force     ? ""
                                                   : "(no)");
    }
    return text;
}

int status_table_add_binding(struct table *t, const struct status_binding *b, int64_t now_ns)
{
    const struct msg_binding *m = &b->binding;
    bool bound = message_is_bound(m);
    char since[TABLE_AGE_SIZE], pid[16], enforcers[STATUS_ENFORCERS_SIZE];
    const char *cells[ARRAY_SIZE(binding_headings)] = {
        b->node,
        m->pod_namespace,
        m->pod_name,
        m->container_name,
        m->profile,
        yes_no(bound),
        since,
        yes_no(m->before_first_instruction),
        status_table_enforcers(m, enforcers),
        pid,
        m->image,
        m->container_id,
        m->reason,
    };

    snprintf(pid, sizeof(pid), "%d", m->pid);
    table_age(m->since_ns, now_ns, since);
    return table_add(t, cells);
}

int status_table_add_list(struct table *t, const struct status_list *l, int64_t now_ns)
{
    int r = 0;

    for (size_t i = 0; i < l->n && r == 0; i++) {
        switch (l->resource) {
        case STATUS_POLICIES:
            r = status_table_add_policy(t, &l->policies[i], now_ns);
            break;
        case STATUS_PROFILES:
            r = status_table_add_profile(t, &l->profiles[i], now_ns);
            break;
        case STATUS_NODES:
            r = status_table_add_node(t, &l->nodes[i], now_ns);
            break;
        case STATUS_BINDINGS:
            r = status_table_add_binding(t, &l->bindings[i], now_ns);
            break;
        case STATUS_NONE:
        case STATUS_RESOURCES:
            return -EINVAL;
        }
    }
    return r;
}
