/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/nodes.h"

#include <errno.h>
#include <string.h>

#include "lib/map.h"
#include "manager/flat_copy.h"

#define PROFILES_SPARE  16           /* slots that a node's array grows by */
#define HELLO_MAX_BYTES (256u << 10) /* of what is kept of a node's hello */

static const enum enforcer_bit enforcer_bits[] = {ENFORCER_APPARMOR, ENFORCER_BPF,
                                                  ENFORCER_SECCOMP};

struct nodes {
    struct map *by_name; /* owned */
    uint64_t away_ns;
    unsigned n_expected;
};

/* ---- Nodes ---- */

/* Most results have no text at all, and there is one for each profile on each node: an empty text is
 * not allocated. */
static const char *text_keep(const char *text)
{
    return text && *text ? strdup(text) : "";
}

static void text_free(const char *text)
{
    if (text && *text)
        free((char *)text);
}

/* The few modes that there are; another one is not shown. */
static const char *mode_keep(const char *mode)
{
    static const char *const modes[] = {"enforce", "complain"};

    for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
        if (mode && strcmp(mode, modes[i]) == 0)
            return modes[i];
    return "";
}

static void results_free(struct node_profile *p)
{
    for (unsigned i = 0; i < p->n_results; i++) {
        text_free(p->results[i].reason);
        text_free(p->results[i].policy_hash);
    }
    free(p->results);
    p->results = NULL;
    p->n_results = 0;
}

static struct node_counts *node_counts_free(struct node_counts *c)
{
    if (!c)
        return NULL;
    for (size_t i = 0; i < c->n_events; i++)
        text_free(c->events[i].origin);
    free(c->events);
    free(c);
    return NULL;
}
DEFINE_CLEANUP(struct node_counts *, node_counts_free)

static void node_profile_done(struct node_profile *p)
{
    results_free(p);
    node_counts_free(p->counts);
    *p = (struct node_profile){0};
}

/* Bindings stay until the agent's first report, which is complete: an agent that was restarted
 * first has to ask its container runtime, and the kernel enforces meanwhile. */
static void node_start_over(struct node *node)
{
    for (unsigned i = 0; i < node->n_profiles; i++)
        node_profile_done(&node->profiles[i]);
    free(node->profiles);
    node->profiles = NULL;
    node->n_profiles = 0;
}

static void node_free(void *value)
{
    struct node *node = value;

    if (node->bindings)
        node_start_over(node);
    map_free(node->bindings);
    agent_message_done(&node->hello);
    free(node->name);
    free(node);
}

static void binding_free(void *value)
{
    struct msg_binding *b = value;

    free((void *)b->enforcers);
    free(b);
}

static struct node *node_new(const char *name)
{
    struct node *node = calloc(1, sizeof(*node));

    if (!node)
        return NULL;
    node->name = strdup(name);
    node->bindings = map_new(binding_free, NODE_MAX_BINDINGS);
    if (node->name && node->bindings)
        return node;
    node_free(node);
    return NULL;
}

struct nodes *nodes_new(uint64_t away_ns)
{
    CLEANUP(nodes_free) struct nodes *n = calloc(1, sizeof(*n));

    if (!n)
        return NULL;
    n->away_ns = away_ns;
    n->by_name = map_new(node_free, 0);
    return n->by_name ? TAKE(n) : NULL;
}

struct nodes *nodes_free(struct nodes *n)
{
    if (!n)
        return NULL;
    map_free(n->by_name);
    free(n);
    return NULL;
}

const struct map *nodes_all(const struct nodes *n)
{
    return n->by_name;
}

void nodes_expect(struct nodes *n, unsigned n_agents)
{
    n->n_expected = n_agents;
}

unsigned nodes_expected(const struct nodes *n)
{
    return n->n_expected;
}

struct node *nodes_find(const struct nodes *n, const char *name)
{
    return map_find(n->by_name, name);
}

static int node_get(struct nodes *n, const char *name, struct node **ret, struct error **reterr)
{
    struct node *node = map_find(n->by_name, name);

    if (!*name || strlen(name) > NODE_NAME_MAX)
        return error_set(reterr, -EINVAL, "a node's name has 1 to %d bytes", NODE_NAME_MAX);
    if (!node) {
        if (map_size(n->by_name) >= NODES_MAX)
            return error_set(reterr, -E2BIG, "more than %d nodes", NODES_MAX);
        node = node_new(name);
        if (!node || map_put(n->by_name, name, node) < 0) {
            if (node)
                node_free(node);
            return error_oom(reterr);
        }
    }
    *ret = node;
    return 0;
}

/* A copy of a hello without what is held, which is large, in memory of its own. 0 or -ENOMEM. */
static int hello_copy(const struct msg_hello *from, struct agent_message *ret)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT(HELLO_MAX_BYTES);
    struct agent_message message = {.kind = AGENT_HELLO, .hello = *from};
    int r;

    message.hello.held = NULL;
    message.hello.n_held = 0;
    r = agent_message_encode(&message, &bytes);
    return r < 0 ? r : agent_message_decode(ret, bytes.data, bytes.len, NULL);
}

int nodes_hello(struct nodes *n, const struct msg_hello *hello, int64_t now_ns, struct node **ret,
                struct error **reterr)
{
    struct agent_message copy;
    struct node *node = NULL;
    int r = node_get(n, hello->node, &node, reterr);

    if (r < 0)
        return r;
    r = hello_copy(hello, &copy);
    if (r < 0)
        return r == -E2BIG
                   ? error_set(reterr, r, "a hello is larger than %u bytes", HELLO_MAX_BYTES)
                   : error_oom(reterr);
    node_start_over(node);
    agent_message_done(&node->hello);
    node->hello = copy;
    node->connected = true;
    node->since_ns = now_ns;
    *ret = node;
    return 0;
}

void nodes_lost(struct nodes *n, struct node *node, int64_t now_ns, uint64_t monotonic_ns)
{
    node->connected = false;
    node->stream = NULL;
    node->since_ns = now_ns;
    node->expires_ns = monotonic_ns + n->away_ns;
}

uint64_t nodes_expire(struct nodes *n, uint64_t monotonic_ns,
                      void (*forgotten)(const struct node *node, void *data), void *data)
{
    uint64_t next_ns = 0;

    MAP_FOREACH (e, n->by_name) {
        struct node *node = map_value(e);

        if (node->connected)
            continue;
        if (node->expires_ns > monotonic_ns) {
            next_ns = next_ns ? MIN(next_ns, node->expires_ns) : node->expires_ns;
            continue;
        }
        forgotten(node, data);
        map_drop(n->by_name, map_key(e));
    }
    return next_ns;
}

/* ---- Profiles of a node ---- */

struct node_profile *node_profile(struct node *node, unsigned slot)
{
    unsigned n = slot + PROFILES_SPARE;
    struct node_profile *profiles;

    if (slot < node->n_profiles)
        return &node->profiles[slot];
    profiles = reallocarray(node->profiles, n, sizeof(*profiles));
    if (!profiles)
        return NULL;
    memset(profiles + node->n_profiles, 0, (n - node->n_profiles) * sizeof(*profiles));
    node->profiles = profiles;
    node->n_profiles = n;
    return &profiles[slot];
}

const struct node_profile *node_profile_find(const struct node *node, unsigned slot)
{
    return slot < node->n_profiles ? &node->profiles[slot] : NULL;
}

void node_profile_forget(struct node *node, unsigned slot)
{
    if (slot < node->n_profiles)
        node_profile_done(&node->profiles[slot]);
}

int node_result(struct node *node, unsigned slot, const struct msg_result *result,
                const struct digest *current)
{
    struct node_profile *p = node_profile(node, slot);
    struct node_profile next = {0};

    if (!p)
        return -ENOMEM;
    if (digest_equal(&p->digest, current) && !digest_equal(&result->digest, current))
        return 0; /* of an older profile, late */
    if (result->n_enforcers > ARRAY_SIZE(enforcer_bits))
        return -EINVAL;
    next.results = calloc(MAX(result->n_enforcers, 1u), sizeof(*next.results));
    if (!next.results)
        return -ENOMEM;
    for (; next.n_results < result->n_enforcers; next.n_results++) {
        struct msg_enforcer_result *to = &next.results[next.n_results];

        *to = result->enforcers[next.n_results];
        to->reason = text_keep(to->reason);
        to->policy_hash = text_keep(to->policy_hash);
        to->mode = mode_keep(to->mode);
        if (!to->reason || !to->policy_hash) {
            next.n_results++;
            results_free(&next);
            return -ENOMEM;
        }
    }
    results_free(p);
    p->results = next.results;
    p->n_results = next.n_results;
    p->digest = result->digest;
    p->may_hold = true;
    return 0;
}

int node_holds(struct node *node, unsigned slot, const struct profile *profile)
{
    struct msg_enforcer_result results[ARRAY_SIZE(enforcer_bits)];
    struct msg_result result = {.digest = profile->digest, .enforcers = results};

    for (size_t i = 0; i < ARRAY_SIZE(enforcer_bits); i++)
        if (profile->enforcers & enforcer_bits[i])
            results[result.n_enforcers++] =
                (struct msg_enforcer_result){.enforcer = enforcer_bits[i],
                                             .applied = true,
                                             .reason = "",
                                             .mode = "",
                                             .policy_hash = ""};
    return node_result(node, slot, &result, &profile->digest);
}

int node_counts(struct node *node, unsigned slot, const struct msg_counts *counts)
{
    struct node_profile *p = node_profile(node, slot);
    CLEANUP(node_counts_free)
    struct node_counts *copy = calloc(1, sizeof(*copy) + counts->n * sizeof(copy->values[0]));

    if (!p || !copy)
        return -ENOMEM;
    copy->digest = counts->digest;
    copy->n = counts->n;
    if (counts->n)
        memcpy(copy->values, counts->counts, counts->n * sizeof(copy->values[0]));
    copy->events = calloc(MAX(counts->n_events, (size_t)1), sizeof(*copy->events));
    if (!copy->events)
        return -ENOMEM;
    for (size_t i = 0; i < counts->n_events; i++) {
        copy->events[i] = counts->events[i];
        copy->events[i].origin = text_keep(counts->events[i].origin);
        copy->n_events++;
        if (!copy->events[i].origin)
            return -ENOMEM;
    }
    node_counts_free(p->counts);
    p->counts = TAKE(copy);
    return 0;
}

/* ---- Bindings ---- */

static const size_t binding_texts[] = {
    offsetof(struct msg_binding, container_id),   offsetof(struct msg_binding, runtime_namespace),
    offsetof(struct msg_binding, container_name), offsetof(struct msg_binding, pod_name),
    offsetof(struct msg_binding, pod_namespace),  offsetof(struct msg_binding, pod_uid),
    offsetof(struct msg_binding, image),          offsetof(struct msg_binding, profile),
    offsetof(struct msg_binding, reason),         offsetof(struct msg_binding, workload_kind),
    offsetof(struct msg_binding, workload_name),
};

/* The enforcers of a binding and their texts in one piece of memory. NULL: no memory. */
static struct msg_binding_enforcer *enforcers_copy(const struct msg_binding *from)
{
    size_t total = from->n_enforcers * sizeof(*from->enforcers) + 1;
    struct msg_binding_enforcer *copy;
    char *room;

    for (size_t i = 0; i < from->n_enforcers; i++)
        total += strlen(from->enforcers[i].reason) + 1;
    copy = malloc(total);
    if (!copy)
        return NULL;
    room = (char *)(copy + from->n_enforcers);
    for (size_t i = 0; i < from->n_enforcers; i++) {
        size_t len = strlen(from->enforcers[i].reason) + 1;

        copy[i] = from->enforcers[i];
        copy[i].mode = mode_keep(from->enforcers[i].mode);
        copy[i].reason = memcpy(room, from->enforcers[i].reason, len);
        room += len;
    }
    return copy;
}

/* Freed by binding_free(). NULL: no memory. */
static struct msg_binding *binding_copy(const struct msg_binding *from)
{
    struct msg_binding *copy =
        flat_copy(from, sizeof(*copy), binding_texts, ARRAY_SIZE(binding_texts));

    if (!copy)
        return NULL;
    copy->enforcers = enforcers_copy(from);
    if (copy->enforcers)
        return copy;
    free(copy);
    return NULL;
}

int node_bindings(struct node *node, const struct msg_bindings *bindings)
{
    if (bindings->complete)
        MAP_FOREACH (e, node->bindings)
            map_drop(node->bindings, map_key(e));
    for (size_t i = 0; i < bindings->n_dropped; i++)
        map_drop(node->bindings, bindings->dropped[i]);
    for (size_t i = 0; i < bindings->n_put; i++) {
        struct msg_binding *copy = binding_copy(&bindings->put[i]);
        int r = copy ? map_put(node->bindings, copy->container_id, copy) : -ENOMEM;

        if (r < 0) {
            if (copy)
                binding_free(copy);
            return r;
        }
    }
    return 0;
}

/* ---- Standing ---- */

/* Why the hello says that an enforcer cannot be used; NULL if it can or nothing is said. */
static const char *unusable_reason(const struct node *node, enum enforcer_bit enforcer)
{
    const struct msg_hello *hello = &node->hello.hello;

    for (size_t i = 0; i < hello->n_enforcers; i++)
        if (hello->enforcers[i].enforcer == enforcer && !hello->enforcers[i].usable)
            return hello->enforcers[i].reason;
    return NULL;
}

static const struct msg_enforcer_result *result_of(const struct node_profile *p,
                                                   enum enforcer_bit enforcer)
{
    for (unsigned i = 0; i < p->n_results; i++)
        if (p->results[i].enforcer == enforcer)
            return &p->results[i];
    return NULL;
}

enum node_standing node_enforcer_standing(const struct node *node, unsigned slot,
                                          const struct profile *profile, enum enforcer_bit enforcer,
                                          const char **ret_reason)
{
    const struct node_profile *p = node_profile_find(node, slot);
    bool current = p && digest_equal(&p->digest, &profile->digest);
    const struct msg_enforcer_result *result = current ? result_of(p, enforcer) : NULL;
    const char *reason;

    if (result && result->applied)
        return NODE_APPLIED;
    reason = result ? result->reason : unusable_reason(node, enforcer);
    if (!reason)
        return NODE_WAITING;
    *ret_reason = reason;
    return NODE_FAILED;
}

enum node_standing node_standing(const struct node *node, unsigned slot,
                                 const struct profile *profile, enum enforcer_bit *ret_enforcer,
                                 const char **ret_reason)
{
    enum node_standing standing = NODE_APPLIED;

    for (size_t i = 0; i < ARRAY_SIZE(enforcer_bits); i++) {
        const char *reason = NULL;
        enum node_standing one = NODE_APPLIED;

        if (profile->enforcers & enforcer_bits[i])
            one = node_enforcer_standing(node, slot, profile, enforcer_bits[i], &reason);
        if (one == NODE_FAILED) {
            if (ret_enforcer)
                *ret_enforcer = enforcer_bits[i];
            if (ret_reason)
                *ret_reason = reason;
            return NODE_FAILED;
        }
        if (one == NODE_WAITING)
            standing = NODE_WAITING;
    }
    return standing;
}
