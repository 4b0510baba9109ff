/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from agents and tools into the manager: a run of messages, each with a byte pair of length
 * in front. Agents' reports change what is known of a node, and everything is then shown and
 * encoded. */
#include <string.h>

#include "lib/arena.h"
#include "lib/map.h"
#include "lib/policy/object.h"
#include "manager/agent_exchange.h"
#include "manager/file_problems.h"
#include "manager/nodes.h"
#include "manager/policy_status.h"
#include "manager/profile_store.h"
#include "manager/status_view.h"
#include "manager/violation_history.h"
#include "profiles/builder.h"
#include "profiles/rules.h"
#include "proto/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy_text[] = "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
                                  "metadata: {name: a, namespace: s}\n"
                                  "spec:\n  target: {kind: Pod, name: p}\n"
                                  "  policy: {enforcer: BPF, mode: RuntimeDefault}\n";

struct state {
    struct profile_store *store;
    struct nodes *nodes;
    struct node *node; /* of the last hello */
    struct agent_exchange *exchange;
    struct file_problems *problems;
    struct violation_history *violations;
    struct map *statuses;
};

static void on_slot(unsigned slot, void *data)
{
    (void)slot;
    (void)data;
}

static void on_removed(unsigned slot, const char *name, void *data)
{
    (void)slot;
    (void)name;
    (void)data;
}

static void on_policy(const struct stored_policy *p, bool removed, void *data)
{
    (void)p;
    (void)removed;
    (void)data;
}

static const struct profile_store_handler store_handler = {
    .profile_changed = on_slot,
    .profile_removed = on_removed,
    .policy_changed = on_policy,
};

static void start(struct state *s)
{
    struct findings findings;
    struct objects objects;
    struct builder_facts facts = {0};

    s->store = profile_store_new("varmor", &store_handler, NULL);
    s->nodes = nodes_new(1);
    s->problems = file_problems_new();
    s->violations = violation_history_new();
    s->statuses = map_new(NULL, 0);
    if (objects_parse(&objects, policy_text, sizeof(policy_text) - 1, &findings) < 0 ||
        objects.n != 1)
        abort();
    facts.targets = &objects.items[0].policy->target;
    facts.n_targets = 1;
    if (profile_store_put(s->store, objects.items[0].policy, "f", &facts, NULL, 1, NULL) < 0)
        abort();
    objects_done(&objects);
    findings_done(&findings);
}

static void stop(struct state *s)
{
    agent_exchange_free(s->exchange);
    map_free(s->statuses);
    violation_history_free(s->violations);
    file_problems_free(s->problems);
    nodes_free(s->nodes);
    profile_store_free(s->store);
}

/* ---- Agents ---- */

static void hello(struct state *s, const struct msg_hello *hello)
{
    struct node *node;
    const uint8_t *data;
    size_t len;

    if (nodes_hello(s->nodes, hello, 1, &node, NULL) < 0)
        return;
    s->exchange = agent_exchange_free(s->exchange);
    s->node = node;
    if (agent_exchange_new(&s->exchange, s->store, node, hello->held, hello->n_held) < 0)
        return;
    for (unsigned i = 0; agent_exchange_next(s->exchange, &data, &len) == 1; i++)
        if (agent_exchange_sent(s->exchange) < 0 || i > hello->n_held + 3)
            abort();
}

static void report(struct state *s, const struct agent_message *m)
{
    const struct profile_slot *slot;
    unsigned number;

    switch (m->kind) {
    case AGENT_RESULT:
        slot = profile_store_slot_of(s->store, m->result.name, &number);
        if (slot)
            node_result(s->node, number, &m->result, &slot->owner->profile->digest);
        break;
    case AGENT_COUNTS:
        if (profile_store_slot_of(s->store, m->counts.profile, &number))
            node_counts(s->node, number, &m->counts);
        break;
    case AGENT_BINDINGS:
        node_bindings(s->node, &m->bindings);
        break;
    case AGENT_VIOLATIONS:
        for (size_t i = 0; i < m->violations.n; i++)
            violation_history_add(s->violations, s->node->name, &m->violations.items[i]);
        break;
    case AGENT_HELLO:
    case AGENT_MESSAGE_NONE:
        break;
    }
}

static void agent_bytes(struct state *s, const uint8_t *data, size_t len)
{
    struct agent_message m;

    if (agent_message_decode(&m, data, len, NULL) < 0)
        return;
    if (m.kind == AGENT_HELLO)
        hello(s, &m.hello);
    else if (s->node)
        report(s, &m);
    agent_message_done(&m);
}

/* ---- Tools ---- */

static void show(struct state *s, const uint8_t *data, size_t len)
{
    const struct status_facts facts = {
        .store = s->store, .nodes = s->nodes, .problems = s->problems, .violations = s->violations};
    CLEANUP(arena_free) struct arena *arena = arena_new(64 << 20);
    CLEANUP_BUF struct buf out = BUF_INIT(64 << 20);
    struct status_view view = {.facts = &facts, .statuses = s->statuses, .arena = arena};
    struct status_list_request ask;
    struct status_describe_request one;
    struct status_watch_request watch;
    struct status_policy_description policy;
    struct status_node_description node;
    struct status_list list;

    if (status_list_request_decode(&ask, data, len, NULL) == 0) {
        for (enum status_resource k = STATUS_NONE + 1; k < STATUS_RESOURCES; k++)
            if (status_view_list(&view, k, &ask, &list) < 0 || status_list_encode(&list, &out) < 0)
                abort();
        status_list_request_done(&ask);
    }
    if (status_describe_request_decode(&one, data, len, NULL) == 0) {
        if (status_view_policy(&view, &one, &policy) == 1 &&
            status_policy_description_encode(&policy, &out) < 0)
            abort();
        if (status_view_node(&view, one.name, &node) == 1 &&
            status_node_description_encode(&node, &out) < 0)
            abort();
        status_describe_request_done(&one);
    }
    if (status_watch_request_decode(&watch, data, len, NULL) == 0)
        status_watch_request_done(&watch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct state s = {0};

    start(&s);
    while (size >= 2) {
        size_t len = MIN((size_t)(data[0] << 8 | data[1]), size - 2);

        agent_bytes(&s, data + 2, len);
        show(&s, data + 2, len);
        data += 2 + len;
        size -= 2 + len;
    }
    show(&s, (const uint8_t *)"", 0);
    stop(&s);
    return 0;
}
