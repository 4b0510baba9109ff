/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/manager.h"

#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/rpc/grpc_server.h"
#include "manager/affected.h"
#include "manager/agents.h"
#include "manager/clock.h"
#include "manager/config.h"
#include "manager/file_problems.h"
#include "manager/kubernetes.h"
#include "manager/manager_metrics.h"
#include "manager/nodes.h"
#include "manager/object_key.h"
#include "manager/policy_queue.h"
#include "manager/profile_store.h"
#include "manager/resolver.h"
#include "manager/source_directory.h"
#include "manager/status.h"
#include "manager/status_service.h"
#include "manager/violation_history.h"
#include "profiles/builder.h"
#include "profiles/peers.h"
#include "profiles/rules.h"

struct manager {
    struct loop *loop;
    struct profile_store *store;
    struct resolver *resolver;
    struct peers *peers;
    struct nodes *nodes;
    struct file_problems *problems;
    struct violation_history *violations;
    struct status *status;
    struct grpc_server *server;
    struct agents *agents;
    struct status_service *status_service;
    struct manager_metrics *metrics;
    struct source_directory *source; /* NULL: with Kubernetes, or stopped */
    struct kubernetes *kubernetes;   /* NULL: without */
    struct policy_queue *queue;
    bool all_stale; /* names may be others: every policy is judged again */
    bool synced;
    unsigned n_draining; /* what has still to end before drained() */
    void (*drained)(void *data);
    void *drained_data;
};

static void log_failure(int r, const char *what, const struct error *e)
{
    LOG(ERROR, "policy-lost", "keeping what was in force", LOG_STR("what", what),
        LOG_INT("errno", -r), LOG_STR("reason", e ? error_message(e) : ""));
}

/* ---- From the source ---- */

static const char *policy_key(const struct object *o, char key[static OBJECT_KEY_SIZE])
{
    return object_key(key, object_kind_name(o->kind), o->name_space, o->name);
}

/* Policies that the object concerns are to be judged again when the source has settled. */
static void queue_affected(struct manager *m, const struct object *o)
{
    MAP_FOREACH (e, profile_store_policies(m->store)) {
        const struct stored_policy *p = map_value(e);

        if (affected_by(p->policy, o) && policy_queue_again(m->queue, map_key(e)) < 0)
            log_failure(-ENOMEM, p->policy->name, NULL);
    }
}

/* A workload or a peer, which takes the place of the one before. */
static int put_manifest(struct manager *m, const struct object *o)
{
    bool is_workload = resolver_wants(o->kind);
    const struct object *before =
        is_workload ? resolver_find(m->resolver, o) : peers_find(m->peers, o);

    if (before)
        queue_affected(m, before);
    queue_affected(m, o);
    return is_workload ? resolver_put(m->resolver, o) : peers_put(m->peers, o);
}

static void on_source_put(const struct object *o, const char *file, void *data)
{
    struct manager *m = data;
    char key[OBJECT_KEY_SIZE];
    int r = 0;

    if (o->policy) {
        r = policy_queue_put(m->queue, policy_key(o, key), o->policy, file);
    } else if (resolver_wants(o->kind) || peers_wants(o->kind)) {
        r = put_manifest(m, o);
    }
    if (r == -E2BIG)
        LOG(ERROR, "object-left-out", "rules that name it do without it",
            LOG_STR("object", o->name), LOG_INT("limit", PEERS_MAX_OBJECTS));
    else if (r < 0)
        log_failure(r, o->name, NULL);
}

static void on_source_dropped(const struct object *o, void *data)
{
    struct manager *m = data;
    char key[OBJECT_KEY_SIZE];

    if (o->policy) {
        policy_queue_drop(m->queue, policy_key(o, key));
        if (m->kubernetes)
            kubernetes_policy_withdrawn(m->kubernetes, key);
        profile_store_drop(m->store, o->policy->cluster, o->policy->name_space, o->policy->name);
        LOG(INFO, "policy-removed", "its profile is withdrawn", LOG_STR("policy", o->name));
        m->all_stale = true; /* another policy may have waited for the profile's name */
    } else if (resolver_wants(o->kind)) {
        resolver_drop(m->resolver, o);
        queue_affected(m, o);
    } else if (peers_wants(o->kind)) {
        peers_drop(m->peers, o);
        queue_affected(m, o);
    }
}

static void on_source_file(const struct source_file *f, void *data)
{
    struct manager *m = data;
    int r = file_problems_put(m->problems, f);
    const struct file_problem *problem = file_problems_find(m->problems, f->name);

    if (r < 0)
        log_failure(r, f->name, NULL);
    if (r <= 0)
        return;
    status_touch_policies(m->status);
    if (m->kubernetes)
        kubernetes_policy_problem(m->kubernetes, f->name);
    if (!problem)
        LOG(INFO, "file-mended", "nothing is wrong with the file any more",
            LOG_STR("file", f->name));
    else
        LOG(WARNING, "file-wrong", "keeping in force what it said before", LOG_STR("file", f->name),
            LOG_STR("problem", problem->lines[0]), LOG_INT("problems", problem->n_lines),
            LOG_INT("in_force", f->n_in_force));
}

/* Judges one policy and puts what comes out in force. 0, or -ENOMEM or -E2BIG, which are logged. */
static int put_policy(struct manager *m, struct policy *policy, const char *file)
{
    CLEANUP(error_free) struct error *facts_error = NULL, *e = NULL;
    struct resolved_targets targets = {0};
    struct builder_facts facts = {0};
    int r = peers_tell(m->peers, &facts);

    if (r == 0)
        r = resolver_targets(m->resolver, policy, &targets, &facts_error);
    facts.targets = targets.items;
    facts.n_targets = targets.n;
    if (r != -ENOMEM)
        r = profile_store_put(m->store, policy, file, &facts, facts_error, clock_real_ns(), &e);
    if (r < 0)
        log_failure(r, policy->name, e);
    resolved_targets_done(&targets);
    return r;
}

/* A folder that cannot be read says nothing about what should be in force: until it can, agents
 * keep what they have. */
static bool folder_was_read(const struct manager *m)
{
    return map_size(profile_store_policies(m->store)) > 0 ||
           !file_problems_find(m->problems, SOURCE_DIRECTORY_ROOT);
}

/* While it is not known what some file means, agents keep what nobody else speaks for. */
static void note_partial(struct manager *m)
{
    bool partial = file_problems_blind(m->problems);

    if (partial != profile_store_is_partial(m->store))
        LOG(INFO, "spared-profiles",
            partial ? "agents keep profiles that no file names until every file can be read"
                    : "agents drop profiles that no file names");
    profile_store_set_partial(m->store, partial);
    agents_spared_changed(m->agents);
}

/* The policies of the store whose texts may mean something else now. */
static void queue_stale(struct manager *m)
{
    MAP_FOREACH (e, profile_store_policies(m->store)) {
        const struct stored_policy *p = map_value(e);

        if (policy_queue_again(m->queue, map_key(e)) < 0)
            log_failure(-ENOMEM, p->policy->name, NULL);
    }
    m->all_stale = false;
}

static void on_source_settled(void *data)
{
    struct manager *m = data;

    if (m->all_stale)
        queue_stale(m);
    policy_queue_start(m->queue);
}

static int on_queue_judge(const char *key, struct policy *policy, const char *file, void *data)
{
    struct manager *m = data;
    const struct stored_policy *p = map_find(profile_store_policies(m->store), key);
    int r = 0;

    if (policy)
        r = put_policy(m, policy, file);
    else if (p)
        r = put_policy(m, p->policy, p->file);
    if (m->kubernetes)
        kubernetes_policy_judged(m->kubernetes, key);
    return r;
}

static void on_queue_drained(void *data)
{
    struct manager *m = data;

    note_partial(m);
    if (m->synced || !folder_was_read(m))
        return;
    m->synced = true;
    grpc_server_set_health(m->server, "", GRPC_HEALTH_SERVING);
    grpc_server_set_health(m->server, "varmor.v1.AgentService", GRPC_HEALTH_SERVING);
    grpc_server_set_health(m->server, "varmor.v1.StatusService", GRPC_HEALTH_SERVING);
    if (m->kubernetes)
        kubernetes_synced(m->kubernetes);
    LOG(INFO, "synced", m->kubernetes ? "the API server has been read" : "the folder has been read",
        LOG_INT("policies", map_size(profile_store_policies(m->store))),
        LOG_INT("profiles", profile_store_n_profiles(m->store)));
}

static const struct policy_queue_handler manager_queue_handler = {
    .judge = on_queue_judge,
    .drained = on_queue_drained,
};

static const struct source_handler manager_source_handler = {
    .put = on_source_put,
    .dropped = on_source_dropped,
    .file = on_source_file,
    .settled = on_source_settled,
};

/* ---- From the store ---- */

static void on_profile_changed(unsigned slot, void *data)
{
    struct manager *m = data;
    const struct profile *p = profile_store_slot(m->store, slot)->owner->profile;
    char digest[DIGEST_TEXT_SIZE];

    LOG(INFO, "profile-built", "a new version goes to the agents", LOG_STR("profile", p->name),
        LOG_INT("rules", p->n_rules), LOG_STR("digest", digest_format(&p->digest, digest)));
    if (m->agents)
        agents_profile_changed(m->agents, slot);
    status_touch_slot(m->status, slot);
}

static void on_profile_removed(unsigned slot, const char *name, void *data)
{
    struct manager *m = data;

    if (m->agents)
        agents_profile_removed(m->agents, slot, name);
    violation_history_forget(m->violations, name);
}

static void on_policy_changed(const struct stored_policy *p, bool removed, void *data)
{
    struct manager *m = data;
    const struct condition *c = p->updated.status ? &p->updated : &p->created;

    if (!removed && c->status == CONDITION_FALSE)
        LOG(WARNING, "policy-refused", "what was in force before stays", LOG_STR("policy", p->key),
            LOG_STR("reason", c->reason), LOG_STR("message", c->message));
    if (!removed && p->profile)
        status_touch_slot(m->status, p->slot);
    else
        status_touch_policies(m->status);
}

static const struct profile_store_handler manager_store_handler = {
    .profile_changed = on_profile_changed,
    .profile_removed = on_profile_removed,
    .policy_changed = on_policy_changed,
};

/* ---- From the agents ---- */

static const char *on_why_not(void *data)
{
    const struct manager *m = data;

    if (m->synced)
        return NULL;
    return m->kubernetes ? "the API server has not been read yet"
                         : "the folder of policies has not been read yet";
}

static void on_node_changed(const struct node *node, bool removed, void *data)
{
    struct manager *m = data;

    if (removed)
        manager_metrics_node_gone(m->metrics, node);
    status_touch_policies(m->status);
}

static void on_result(const struct node *node, unsigned slot, void *data)
{
    struct manager *m = data;

    manager_metrics_result(m->metrics, node, slot);
    status_touch_slot(m->status, slot);
}

static void on_bindings_changed(const struct node *node UNUSED, void *data)
{
    struct manager *m = data;

    status_touch(m->status, 1u << STATUS_POLICIES | 1u << STATUS_NODES | 1u << STATUS_BINDINGS);
}

static void on_violations(const struct node *node, const struct msg_violations *v, void *data)
{
    struct manager *m = data;
    unsigned slot;

    if (v->n_dropped > 0)
        LOG(WARNING, "violations-dropped", "those that had no room are in the node's own log only",
            LOG_STR("node", node->name), LOG_INT("dropped", v->n_dropped));
    for (size_t i = 0; i < v->n; i++) {
        int r = 0;

        if (profile_store_slot_of(m->store, v->items[i].profile, &slot))
            r = violation_history_add(m->violations, node->name, &v->items[i]);
        if (r < 0)
            LOG(WARNING, "violation-not-kept", "it is in the node's own log only",
                LOG_STR("node", node->name), LOG_INT("errno", -r));
    }
}

static const struct agents_handler manager_agents_handler = {
    .why_not = on_why_not,
    .node_changed = on_node_changed,
    .result = on_result,
    .bindings_changed = on_bindings_changed,
    .violations = on_violations,
};

/* ---- From status ---- */

static void on_status_changed(unsigned resources, void *data)
{
    struct manager *m = data;

    if (m->status_service)
        status_service_changed(m->status_service, resources);
}

static void on_policy_status(const struct stored_policy *p, bool is_ready, const char *phase,
                             const char *message, void *data UNUSED)
{
    LOG(INFO, "policy-status", *message ? message : "its phase has changed",
        LOG_STR("policy", p->key), LOG_STR("phase", phase),
        LOG_STR("ready", is_ready ? "true" : "false"));
}

static void on_policy_touched(const struct stored_policy *p, void *data)
{
    struct manager *m = data;

    if (m->kubernetes)
        kubernetes_policy_touched(m->kubernetes, p->key);
}

static const struct status_handler manager_status_handler = {
    .touched = on_policy_touched,
    .changed = on_status_changed,
    .policy = on_policy_status,
};

/* ---- Start and stop ---- */

static int start_state(struct manager *m, const struct config *config, struct error **reterr)
{
    struct status_facts facts;
    int r = builtin_rules_load(reterr);

    if (r < 0)
        return r;
    m->store = profile_store_new(config->install_namespace, &manager_store_handler, m);
    m->resolver = resolver_new();
    m->peers = peers_new();
    m->nodes = nodes_new((uint64_t)config->node_timeout_s * NS_PER_SEC);
    m->problems = file_problems_new();
    m->violations = violation_history_new();
    if (!m->store || !m->resolver || !m->peers || !m->nodes || !m->problems || !m->violations)
        return error_oom(reterr);
    facts = (struct status_facts){
        .store = m->store, .nodes = m->nodes, .problems = m->problems, .violations = m->violations};
    if (status_new(&m->status, m->loop, &facts, &manager_status_handler, m) < 0 ||
        policy_queue_new(&m->queue, m->loop, &manager_queue_handler, m) < 0)
        return error_oom(reterr);
    return 0;
}

/* A thousand agents that join at once must not each have everything in a queue: what they have to
 * be told is kept once, in the store, and the rest waits there. A larger message goes alone. */
static const struct grpc_limits server_limits = {.queue_bytes = 4u << 10};

static int start_services(struct manager *m, struct error **reterr)
{
    size_t len;
    const uint8_t *descriptors = message_descriptor_set(&len);
    int r = grpc_server_new(&m->server, m->loop, &server_limits, reterr);

    if (r == 0)
        r = agents_new(&m->agents, m->loop, m->server, m->store, m->nodes, &manager_agents_handler,
                       m, reterr);
    if (r == 0)
        r = status_service_new(&m->status_service, m->loop, m->server, m->status, reterr);
    if (r == 0)
        r = grpc_server_set_reflection(m->server, descriptors, len, reterr);
    if (r == 0 &&
        (grpc_server_set_health(m->server, "", GRPC_HEALTH_NOT_SERVING) < 0 ||
         grpc_server_set_health(m->server, "varmor.v1.AgentService", GRPC_HEALTH_NOT_SERVING) < 0 ||
         grpc_server_set_health(m->server, "varmor.v1.StatusService", GRPC_HEALTH_NOT_SERVING) < 0))
        r = error_oom(reterr);
    return r;
}

static int start_metrics(struct manager *m, const struct config *config, struct error **reterr)
{
    const struct manager_metrics_facts facts = {.loop = m->loop,
                                                .store = m->store,
                                                .nodes = m->nodes,
                                                .status = m->status,
                                                .server = m->server};

    if (manager_metrics_new(&m->metrics, &facts) < 0)
        return error_oom(reterr);
    return config->metrics_listen
               ? manager_metrics_listen(m->metrics, config->metrics_listen, reterr)
               : 0;
}

static void on_tls_reloaded(const char *problem, void *data UNUSED)
{
    if (problem)
        LOG(WARNING, "tls-files-wrong", "going on with the certificate and authority from before",
            LOG_STR("reason", problem));
    else
        LOG(INFO, "tls-files-read", "new connections use the files as they are now");
}

static int listen_to(struct manager *m, const struct config *config, const char *text,
                     struct error **reterr)
{
    const struct grpc_tls tls = {.ca_file = config->tls_ca,
                                 .certificate_file = config->tls_cert,
                                 .key_file = config->tls_key,
                                 .is_client_free = config->kubernetes,
                                 .is_awaited = config->kubernetes && !config->tls_cert,
                                 .reloaded = on_tls_reloaded};
    struct grpc_address address = {0};
    int r = grpc_address_parse(&address, text, reterr);

    if (r < 0)
        return error_wrap(reterr, r, "--listen '%s'", error_quote(text));
    r = grpc_server_listen(m->server, &address, address.kind == GRPC_TLS ? &tls : NULL,
                           config->socket_mode, reterr);
    if (r < 0)
        error_wrap(reterr, r, "--listen '%s'", error_quote(text));
    else
        LOG(INFO, "listening", "agents and tools can connect", LOG_STR("address", text),
            LOG_INT("port", address.kind == GRPC_UNIX ? 0 : grpc_server_port(m->server)));
    grpc_address_done(&address);
    return r;
}

static int start_source(struct manager *m, const struct config *config, struct error **reterr)
{
    const struct kubernetes_facts facts = {.source_handler = &manager_source_handler,
                                           .source_data = m,
                                           .store = m->store,
                                           .nodes = m->nodes,
                                           .problems = m->problems,
                                           .status = m->status,
                                           .server = m->server,
                                           .agents = m->agents,
                                           .metrics = m->metrics};

    if (config->kubernetes)
        return kubernetes_new(&m->kubernetes, m->loop, config, &facts, reterr);
    return source_directory_new(&m->source, m->loop, config->policies, &manager_source_handler, m,
                                reterr);
}

int manager_new(struct manager **ret, struct loop *loop, const struct config *config,
                struct error **reterr)
{
    CLEANUP(manager_free) struct manager *m = calloc(1, sizeof(*m));
    int r;

    if (!m)
        return error_oom(reterr);
    m->loop = loop;
    r = start_state(m, config, reterr);
    if (r == 0)
        r = start_services(m, reterr);
    if (r == 0)
        r = start_metrics(m, config, reterr);
    for (size_t i = 0; r == 0 && i < config->listen.n; i++)
        r = listen_to(m, config, config->listen.items[i], reterr);
    if (r == 0)
        r = start_source(m, config, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(m);
    return 0;
}

static void on_one_drained(void *data)
{
    struct manager *m = data;

    if (--m->n_draining == 0)
        m->drained(m->drained_data);
}

void manager_drain(struct manager *m, void (*done)(void *data), void *data)
{
    m->drained = done;
    m->drained_data = data;
    m->n_draining = m->kubernetes ? 2 : 1;
    m->source = source_directory_free(m->source);
    if (m->kubernetes)
        kubernetes_stop_source(m->kubernetes);
    m->queue = policy_queue_free(m->queue);
    agents_close(m->agents, "the manager is shutting down");
    status_service_close(m->status_service);
    if (m->kubernetes)
        kubernetes_release(m->kubernetes, on_one_drained, m);
    grpc_server_drain(m->server, loop_now_ns(m->loop) + MANAGER_DRAIN_NS, on_one_drained, m);
}

struct manager *manager_free(struct manager *m)
{
    if (!m)
        return NULL;
    source_directory_free(m->source);
    policy_queue_free(m->queue);
    grpc_server_free(m->server);
    kubernetes_free(m->kubernetes);
    manager_metrics_free(m->metrics);
    status_service_free(m->status_service);
    agents_free(m->agents);
    status_free(m->status);
    violation_history_free(m->violations);
    file_problems_free(m->problems);
    nodes_free(m->nodes);
    peers_free(m->peers);
    resolver_free(m->resolver);
    profile_store_free(m->store);
    builtin_rules_unload();
    free(m);
    return NULL;
}
