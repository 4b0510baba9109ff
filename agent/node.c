/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/node.h"

#include <errno.h>
#include <string.h>

#include "agent/audit_violations.h"
#include "agent/binder.h"
#include "agent/config.h"
#include "agent/container.h"
#include "agent/exchange.h"
#include "agent/health.h"
#include "agent/manager_link.h"
#include "agent/node_devices.h"
#include "agent/node_enforcers.h"
#include "agent/renewal.h"
#include "agent/runtime.h"
#include "agent/start_gate.h"
#include "agent/state_dir.h"
#include "agent/store.h"
#include "agent/violation.h"
#include "agent/violation_log.h"
#include "lib/log.h"
#include "lib/loop.h"

struct node {
    struct loop *loop;
    const struct config *config;
    struct node_devices *devices; /* NULL: this node's disks are not known */
    struct node_enforcers *enforcers;
    struct health *health; /* NULL: nobody can ask */
    struct state_dir *state_dir;
    struct store *store;
    struct binder *binder;
    struct violation_log *violation_log;
    struct loop_timer *fold_timer; /* fires when events that the log holds are to be written */
    struct exchange *exchange;
    struct manager_link *link;
    struct audit_violations *audit;
    struct renewal *renewal;
    struct runtime *runtime; /* NULL: none is configured */
    struct start_gate *gate; /* NULL: no start is held */
    struct loop_timer *counts_timer;
    struct loop_timer *look_timer; /* containers that are not held yet are looked at again */
    struct loop_timer *save_timer; /* fires once this turn is over: bindings have changed */
    bool runtime_away_told;        /* since it was last there */
    bool runtime_settled;          /* it is known, or known to be away */
    bool gate_settled;             /* so is whether it holds starts */
    bool link_started;
    bool ready; /* a manager has said everything once */
};

/* ---- what the enforcers tell ---- */

static const struct container *on_find_container(uint64_t cgroup_id, void *data)
{
    const struct node *n = data;

    return n->binder ? binder_find_cgroup(n->binder, cgroup_id) : NULL;
}

static void tell_violation(struct node *n, const struct violation *v)
{
    const struct container *c = v->container;
    const struct msg_violation m = {
        .profile = v->profile_name,
        .rule = v->rule,
        .rule_number = v->rule_number,
        .denied = v->action == VIOLATION_DENIED,
        .time_ns = (int64_t)v->time_ns,
        .pid = v->pid,
        .container_id = c ? c->id : "",
        .container_name = c ? c->name : "",
        .pod_name = c ? c->pod_name : "",
        .pod_namespace = c ? c->pod_namespace : "",
        .enforcer = v->enforcer,
        .event = v->event_json,
    };

    exchange_violation(n->exchange, &m);
}

/* BPF counts in the kernel, the others do not. */
static void count_violation(struct node *n, const struct violation *v)
{
    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        enum enforcer_bit kind = enforcers_kinds[i];

        if (kind != ENFORCER_BPF && strcmp(v->enforcer, enforcer_set_name(kind)) == 0 &&
            store_find(n->store, v->profile_name))
            exchange_count_event(n->exchange, v->profile_name, kind, v->rule);
    }
}

static void after_violation_log(struct node *n, int r)
{
    uint64_t due_ns = violation_log_deadline_ns(n->violation_log), now_ns = loop_now_ns(n->loop);

    if (r < 0)
        LOG(ERROR, "violation-not-written", "it is told to the manager alone",
            LOG_STR("file", n->config->violation_log), LOG_STR("reason", strerror(-r)));
    if (due_ns != UINT64_MAX)
        loop_timer_set(n->fold_timer, due_ns > now_ns ? due_ns - now_ns : 0);
}

static void on_fold_timer(void *data)
{
    struct node *n = data;

    after_violation_log(n, violation_log_flush(n->violation_log, loop_now_ns(n->loop)));
}

static void on_violation(const struct violation *v, void *data)
{
    struct node *n = data;

    if (n->link)
        count_violation(n, v);
    if (n->violation_log)
        after_violation_log(
            n, violation_log_write(n->violation_log, v, store_find(n->store, v->profile_name)));
    if (n->link)
        tell_violation(n, v);
}

static void on_prepared(const char *profile_name, void *data)
{
    struct node *n = data;

    exchange_prepared(n->exchange, profile_name);
    renewal_check(n->renewal);
}

/* ---- what changes a profile's meaning, or its place in the kernel ---- */

static void on_apply_anew(const char *profile, void *data)
{
    struct node *n = data;

    exchange_apply_anew(n->exchange, profile);
}

static void on_disks(void *data)
{
    struct node *n = data;
    size_t n_disks;
    const char *const *disks = node_devices_names(n->devices, &n_disks);

    renewal_set_disks(n->renewal, disks, n_disks);
}

/* ---- what the audit records tell ---- */

static const struct profile *on_find_profile(const char *name, void *data)
{
    const struct node *n = data;

    return store_find(n->store, name);
}

static const struct profile *on_profile_of(const struct container *c, void *data)
{
    const struct node *n = data;
    const char *name = binder_profile_of(n->binder, c);

    return name ? store_find(n->store, name) : NULL;
}

static const struct container *on_only_container(const char *profile, void *data)
{
    const struct node *n = data;

    return binder_find_only(n->binder, profile);
}

static const char *const *on_disks_asked(size_t *ret_n, void *data)
{
    const struct node *n = data;

    return n->devices ? node_devices_names(n->devices, ret_n) : NULL;
}

static void on_tampered(const char *profile, const char *operation, int pid, void *data)
{
    struct node *n = data;

    LOG(WARNING, "profile-tampered", "it is applied anew", LOG_STR("profile", profile),
        LOG_STR("operation", operation), LOG_INT("pid", pid));
    renewal_put(n->renewal, profile);
}

static const char *on_describe_audit(void *data)
{
    const struct node *n = data;

    return audit_violations_describe(n->audit);
}

/* ---- what the runtime tells ---- */

static void on_put(const struct container *c, const char *problem, void *data)
{
    struct node *n = data;

    binder_put(n->binder, c, problem);
    if (n->gate)
        start_gate_open(n->gate, c);
}

static void on_dropped(const struct container *c, void *data)
{
    struct node *n = data;

    binder_dropped(n->binder, c);
}

static void on_answered(const struct container *c, void *data)
{
    struct node *n = data;

    binder_answered(n->binder, c);
}

static void on_reconciled(void *data)
{
    struct node *n = data;

    binder_reconciled(n->binder);
    exchange_bindings_ready(n->exchange);
    audit_violations_catch_up(n->audit);
    LOG(DEBUG, "containers-listed", "every container of the runtime is known");
}

/* The hello says which runtime there is and whether it holds starts, so the manager is called once that is known. */
static void start_link(struct node *n)
{
    if (n->link_started || (n->runtime && !n->runtime_settled) || (n->gate && !n->gate_settled))
        return;
    manager_link_start(n->link);
    n->link_started = true;
}

static void on_gate_settled(void *data)
{
    struct node *n = data;

    n->gate_settled = true;
    start_link(n);
}

static const char *on_describe_starts(void *data)
{
    const struct node *n = data;

    return n->gate ? start_gate_describe(n->gate) : "no NRI socket is configured";
}

static void on_runtime(const char *reason, void *data)
{
    struct node *n = data;

    n->runtime_settled = true;
    start_link(n);
    if (reason && !n->runtime_away_told)
        LOG(WARNING, "runtime-away", "bindings stay as they are; trying again for ever",
            LOG_STR("reason", reason));
    n->runtime_away_told = reason != NULL;
    if (!reason)
        LOG(INFO, "runtime-connected", "the container runtime is there",
            LOG_STR("runtime", n->runtime->ops->describe(n->runtime)));
}

static void on_trouble(const char *message, void *data)
{
    (void)data;
    LOG(WARNING, "trouble", "going on without it", LOG_STR("reason", message));
}

/* ---- what the binder tells ---- */

static void on_binding_changed(const char *key, void *data)
{
    struct node *n = data;
    struct msg_binding b;

    if (!binder_fill(n->binder, key, &b))
        LOG(INFO, "container-unbound", "no profile is for it, or it is gone",
            LOG_STR("container", key));
    else if (b.reason[0])
        LOG(WARNING, "container-not-bound", "it runs without the profile that is for it",
            LOG_STR("container", key), LOG_STR("profile", b.profile), LOG_STR("reason", b.reason));
    else if (!message_is_bound(&b))
        LOG(INFO, "container-opted-out", "its pod's annotations free it of the profile for it",
            LOG_STR("container", key), LOG_STR("profile", b.profile), LOG_STR("pod", b.pod_name));
    else
        LOG(INFO, "container-bound", "a profile holds for it", LOG_STR("container", key),
            LOG_STR("profile", b.profile), LOG_STR("pod", b.pod_name), LOG_INT("pid", b.pid),
            LOG_STR("before_first_instruction", b.before_first_instruction ? "yes" : "no"));
    if (n->link)
        exchange_binding_changed(n->exchange, key);
    if (n->state_dir)
        loop_timer_set(n->save_timer, 0);
}

static void on_look_later(void *data)
{
    struct node *n = data;

    loop_timer_set(n->look_timer, BINDER_LOOK_NS);
}

static void on_look_timer(void *data)
{
    struct node *n = data;

    binder_look(n->binder);
}

static int64_t on_now(void *data)
{
    (void)data;
    return exchange_now_ns();
}

/* reason NULL: ready. */
static void tell_health(struct node *n, const char *reason)
{
    int r = n->health ? health_tell(n->health, reason) : 0;

    if (r < 0)
        LOG(WARNING, "health-not-told", "whoever asks is told what was so before",
            LOG_STR("reason", strerror(-r)));
}

static void on_in_sync(void *data)
{
    struct node *n = data;

    if (!n->ready)
        tell_health(n, NULL);
    n->ready = true;
}

static void on_link_lost(const char *reason, uint64_t retry_ns, void *data)
{
    struct node *n = data;

    if (!n->ready)
        tell_health(n, reason);
    exchange_lost(n->exchange, reason, retry_ns);
}

static void on_save_timer(void *data)
{
    CLEANUP_BUF struct buf text = BUF_INIT(BINDER_SAVED_MAX);
    CLEANUP(error_free) struct error *problem = NULL;
    struct node *n = data;

    if (binder_save(n->binder, &text) < 0)
        LOG(WARNING, "bindings-not-saved", "no memory; a restart forgets since when they hold");
    else if (state_dir_save_note(n->state_dir, STATE_NOTE_BINDINGS, &text, &problem) < 0)
        LOG(WARNING, "bindings-not-saved", "a restart forgets since when they hold",
            LOG_STR("reason", error_message(problem)));
}

static void on_counts_timer(void *data)
{
    struct node *n = data;

    exchange_poll_counts(n->exchange);
    loop_timer_set(n->counts_timer, (uint64_t)n->config->counts_interval_ms * NS_PER_MSEC);
}

/* ---- life ---- */

static int make_enforcers(struct node *n, struct error **reterr)
{
    const struct enforcer_events events = {
        .violation = on_violation,
        .find_container = on_find_container,
        .prepared = on_prepared,
        .data = n,
    };
    const struct enforcers *all;
    int r = node_enforcers_new(&n->enforcers, n->loop, n->config, n->devices, &events, reterr);

    if (r < 0)
        return r;
    all = node_enforcers_list(n->enforcers);
    for (size_t i = 0; i < all->n; i++) {
        if (!all->items[i].facts->usable)
            LOG(WARNING, "enforcer-unusable", "profiles that name it are refused on this node",
                LOG_STR("enforcer", all->items[i].enforcer->ops->name),
                LOG_STR("reason", all->items[i].facts->reason));
    }
    return 0;
}

/* Without its disks a node goes on: rules about them mean no path, and this says so. */
static int make_devices(struct node *n, struct error **reterr)
{
    CLEANUP(error_free) struct error *problem = NULL;
    int r = node_devices_new(&n->devices, n->loop, NULL, on_disks, n, &problem);

    if (r == -ENOMEM)
        return error_oom(reterr);
    if (r < 0)
        LOG(ERROR, "disks-unknown", "rules about disks mean none",
            LOG_STR("reason", error_message(problem)));
    return 0;
}

static int make_audit(struct node *n, struct error **reterr)
{
    CLEANUP_FREE char *position = n->state_dir ? state_dir_audit_position(n->state_dir) : NULL;
    const struct audit_violations_settings settings = {
        .log_paths = n->config->audit_log_paths,
        .foreign_too = n->config->foreign_violations,
        .follow_exits = true,
        .backlog = n->config->audit_backlog,
        .position_path = position,
    };
    const struct audit_violations_events events = {
        .violation = on_violation,
        .find_container = on_find_container,
        .find_profile = on_find_profile,
        .profile_of = on_profile_of,
        .only_container = on_only_container,
        .disks = on_disks_asked,
        .tampered = on_tampered,
        .data = n,
    };
    int r = audit_violations_new(&n->audit, n->loop, &settings, &events, reterr);

    if (r == 0)
        LOG(INFO, "audit-source", "violations of AppArmor and seccomp are read from it",
            LOG_STR("source", audit_violations_describe(n->audit)));
    return r < 0 ? error_wrap(reterr, r, "audit records") : 0;
}

/* Enforcement does not depend on being asked. But another agent is waited for: this one ends and is started again. */
static int make_health(struct node *n, struct error **reterr)
{
    CLEANUP(error_free) struct error *problem = NULL;
    const char *folder = n->config->state_dir;
    int r = folder && folder[0] ? health_new(&n->health, folder, &problem) : 0;

    if (r == -ENOMEM)
        return error_oom(reterr);
    if (r == -EBUSY)
        return error_set(reterr, r, "%s", error_message(problem));
    if (r < 0)
        LOG(WARNING, "health-unknown", "whoever asks is told that no agent runs",
            LOG_STR("reason", error_message(problem)));
    return 0;
}

/* The store and the binder, with what an earlier agent left. */
static int make_state(struct node *n, struct error **reterr)
{
    const struct binder_events events = {
        .changed = on_binding_changed,
        .trouble = on_trouble,
        .now_ns = on_now,
        .look_later = on_look_later,
        .data = n,
    };
    const struct config *c = n->config;
    CLEANUP_BUF struct buf saved = BUF_INIT(BINDER_SAVED_MAX);
    CLEANUP(error_free) struct error *problem = NULL;
    int r;

    if (c->state_dir && c->state_dir[0] && state_dir_new(&n->state_dir, c->state_dir, &problem) < 0)
        LOG(ERROR, "state-dir", "profiles will be missing after a restart without the manager",
            LOG_STR("reason", error_message(problem)));
    if (n->state_dir &&
        state_dir_load_note(n->state_dir, STATE_NOTE_BINDINGS, &saved, &problem) < 0)
        LOG(WARNING, "bindings-not-read", "since when they hold is counted from now",
            LOG_STR("reason", error_message(problem)));
    if (loop_timer_new(n->loop, &n->save_timer, on_save_timer, n) < 0 ||
        loop_timer_new(n->loop, &n->look_timer, on_look_timer, n) < 0)
        return error_oom(reterr);
    if (store_new(&n->store, node_enforcers_list(n->enforcers), n->state_dir) < 0 ||
        binder_new(&n->binder, n->store, node_enforcers_list(n->enforcers), &events) < 0 ||
        renewal_new(&n->renewal, n->loop, n->store, n->state_dir, on_apply_anew, n) < 0)
        return error_oom(reterr);
    r = store_restore(n->store, exchange_now_ns(), on_trouble, n, reterr);
    if (r == 0)
        r = binder_adopt(n->binder, buf_text(&saved), reterr);
    return r < 0 ? error_wrap(reterr, r, "taking over what an earlier agent left") : 0;
}

/* Enforcement does not depend on the log: without it the agent goes on, and says so. */
static int make_violation_log(struct node *n, struct error **reterr)
{
    const struct violation_log_settings settings = {
        .path = n->config->violation_log,
        .node_name = n->config->node_name,
        .metadata = getenv("AUDIT_EVENT_METADATA"),
        .install_namespace = n->config->install_namespace,
        .fold_ns = VIOLATION_LOG_FOLD_NS,
    };
    CLEANUP(error_free) struct error *problem = NULL;

    if (loop_timer_new(n->loop, &n->fold_timer, on_fold_timer, n) < 0)
        return error_oom(reterr);
    if (!settings.path || !settings.path[0])
        return 0;
    if (violation_log_new(&n->violation_log, &settings, &problem) < 0)
        LOG(ERROR, "violation-log", "violations are told to the manager alone",
            LOG_STR("reason", error_message(problem)));
    else if (violation_log_problem(n->violation_log))
        LOG(WARNING, "violation-metadata", "violations are logged without metadata",
            LOG_STR("reason", violation_log_problem(n->violation_log)));
    return 0;
}

static void on_tls_reloaded(const char *reason, void *data UNUSED)
{
    if (reason)
        LOG(WARNING, "tls-files-wrong", "going on with the certificate and authority from before",
            LOG_STR("reason", reason));
    else
        LOG(INFO, "tls-files-read", "connecting with the files as they are now");
}

static int make_link(struct node *n, struct error **reterr)
{
    const struct config *c = n->config;
    const struct manager_link_settings settings = {
        .address = c->manager,
        .tls = {.ca_file = c->tls_ca,
                .certificate_file = c->tls_cert,
                .key_file = c->tls_key,
                .server_name = c->tls_server_name,
                .is_awaited = true,
                .reloaded = on_tls_reloaded},
        .token_file = c->token_file,
    };
    const struct exchange_parts parts = {
        .node_name = c->node_name,
        .store = n->store,
        .binder = n->binder,
        .enforcers = node_enforcers_list(n->enforcers),
        .describe_audit = on_describe_audit,
        .describe_starts = on_describe_starts,
        .in_sync = on_in_sync,
        .data = n,
    };
    const struct manager_link_events events = {.lost = on_link_lost, .data = n};
    int r;

    if (exchange_new(&n->exchange, &parts) < 0 ||
        loop_timer_new(n->loop, &n->counts_timer, on_counts_timer, n) < 0)
        return error_oom(reterr);
    r = manager_link_new(&n->link, n->loop, &settings, &exchange_stream_owner, n->exchange, &events,
                         reterr);
    if (r == 0)
        exchange_set_link(n->exchange, n->link);
    return r;
}

static int make_runtime(struct node *n, struct error **reterr)
{
    const struct runtime_events events = {
        .put = on_put,
        .dropped = on_dropped,
        .answered = on_answered,
        .reconciled = on_reconciled,
        .connected = on_runtime,
        .trouble = on_trouble,
        .data = n,
    };
    const char *socket_path = n->config->containerd_socket;
    int r;

    if (!socket_path || !socket_path[0])
        return 0;
    r = runtime_containerd_new(&n->runtime, n->loop, socket_path, &events, reterr);
    if (r < 0)
        return r;
    binder_set_runtime(n->binder, n->runtime);
    exchange_set_runtime(n->exchange, n->runtime);
    socket_path = n->config->nri_socket;
    return socket_path && socket_path[0] ? start_gate_new(&n->gate, n->loop, socket_path,
                                                          n->runtime, on_gate_settled, n, reterr)
                                         : 0;
}

int node_new(struct node **ret, struct loop *loop, const struct config *config,
             struct error **reterr)
{
    static int (*const steps[])(struct node * n, struct error * *reterr) = {
        make_health, make_devices, make_enforcers, make_violation_log,
        make_state,  make_link,    make_audit,     make_runtime,
    };
    CLEANUP(node_free) struct node *n = calloc(1, sizeof(*n));

    if (!n)
        return error_oom(reterr);
    n->loop = loop;
    n->config = config;
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        int r = steps[i](n, reterr);

        if (r < 0)
            return r;
    }
    *ret = TAKE(n);
    return 0;
}

int node_start(struct node *n, struct error **reterr)
{
    int r = 0;

    if (n->runtime)
        r = n->runtime->ops->start(n->runtime, reterr);
    if (r < 0)
        return r;
    if (n->gate)
        start_gate_start(n->gate);
    if (!n->runtime) {
        exchange_bindings_ready(n->exchange);
        start_link(n);
    }
    if (n->devices)
        on_disks(n);
    loop_timer_set(n->counts_timer, (uint64_t)n->config->counts_interval_ms * NS_PER_MSEC);
    return 0;
}

bool node_can(const struct node *n, enum enforcer_bit kind)
{
    return node_enforcers_are_usable(n->enforcers, kind);
}

struct node *node_free(struct node *n)
{
    if (!n)
        return NULL;
    start_gate_free(n->gate);
    if (n->runtime)
        n->runtime->ops->free(n->runtime);
    audit_violations_free(n->audit);
    manager_link_free(n->link);
    loop_timer_free(n->fold_timer);
    loop_timer_free(n->look_timer);
    loop_timer_free(n->save_timer);
    renewal_free(n->renewal);
    loop_timer_free(n->counts_timer);
    exchange_free(n->exchange);
    binder_free(n->binder);
    store_free(n->store);
    state_dir_free(n->state_dir);
    health_free(n->health);
    node_enforcers_free(n->enforcers);
    node_devices_free(n->devices);
    violation_log_free(n->violation_log);
    free(n);
    return NULL;
}
