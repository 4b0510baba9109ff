/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/exchange.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "agent/manager_link.h"
#include "agent/runtime.h"
#include "agent/violation_counts.h"
#include "lib/log.h"
#include "lib/map.h"

#define MAX_FACTS                                                                                  \
    (ENFORCER_FACTS_MAX * ENFORCERS_KINDS + 2) /* the enforcers', audit's and starts' */

/* The counters of a profile that were told last. */
struct told_counts {
    struct digest digest; /* of the profile: another version has other rules */
    uint64_t sum;
};

struct exchange {
    struct exchange_parts parts;
    struct manager_link *link;
    const struct runtime *runtime;
    struct map *removed; /* names of profiles whose removal is to be confirmed -> nothing */
    bool in_sync;        /* the manager has said all, on this or an earlier connection */
    bool bindings_ready; /* the runtime has told all containers, or there is none */
    bool settled;        /* what earlier agents left and we cannot take over is gone */
    bool away_told;      /* that the manager is away, since it was last there */
    struct map *counted; /* profile -> struct told_counts, owned */
    struct violation_counts *events; /* owned */
    /* What the last answers borrow. */
    struct utsname kernel;
    struct msg_fact facts[MAX_FACTS];
    struct msg_enforcer_state states[ENFORCERS_KINDS];
    struct msg_held *held; /* owned */
    uint64_t *counts;      /* owned */
};

int64_t exchange_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * (int64_t)NS_PER_SEC + now.tv_nsec;
}

int exchange_new(struct exchange **ret, const struct exchange_parts *parts)
{
    CLEANUP(exchange_free) struct exchange *x = calloc(1, sizeof(*x));

    if (!x)
        return -ENOMEM;
    x->parts = *parts;
    uname(&x->kernel);
    x->removed = map_new(NULL, STORE_MAX_PROFILES);
    x->counted = map_new(free, STORE_MAX_PROFILES);
    if (!x->removed || !x->counted || violation_counts_new(&x->events) < 0)
        return -ENOMEM;
    *ret = TAKE(x);
    return 0;
}

struct exchange *exchange_free(struct exchange *x)
{
    if (!x)
        return NULL;
    free(x->counts);
    free(x->held);
    violation_counts_free(x->events);
    map_free(x->counted);
    map_free(x->removed);
    free(x);
    return NULL;
}

void exchange_set_link(struct exchange *x, struct manager_link *link)
{
    x->link = link;
}

void exchange_set_runtime(struct exchange *x, const struct runtime *runtime)
{
    x->runtime = runtime;
}

static struct stream *stream_of(struct exchange *x)
{
    return manager_link_stream(x->link);
}

/* ---- what we say ---- */

static void fill_enforcers(struct exchange *x, struct msg_hello *ret)
{
    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        const struct node_enforcer *ne = enforcers_find(x->parts.enforcers, enforcers_kinds[i]);
        const struct enforcer_facts *facts = ne ? ne->facts : NULL;

        x->states[i] = (struct msg_enforcer_state){
            .enforcer = enforcers_kinds[i],
            .usable = facts && facts->usable,
            .reason = facts ? facts->reason : "not supported by this version of the agent",
        };
        for (size_t f = 0; facts && f < facts->n && ret->n_facts < MAX_FACTS; f++)
            x->facts[ret->n_facts++] =
                (struct msg_fact){.name = facts->items[f].name, .value = facts->items[f].value};
    }
    if (x->parts.describe_audit && ret->n_facts < MAX_FACTS)
        x->facts[ret->n_facts++] =
            (struct msg_fact){.name = "audit", .value = x->parts.describe_audit(x->parts.data)};
    if (x->parts.describe_starts && ret->n_facts < MAX_FACTS)
        x->facts[ret->n_facts++] =
            (struct msg_fact){.name = "starts", .value = x->parts.describe_starts(x->parts.data)};
    ret->enforcers = x->states;
    ret->n_enforcers = ENFORCERS_KINDS;
    ret->facts = x->facts;
}

static void put_binding(const char *key, void *data)
{
    struct exchange *x = data;

    if (stream_put_binding(stream_of(x), key) < 0)
        LOG(WARNING, "binding-not-told", "no memory; it is told with the next connection",
            LOG_STR("container", key));
}

static int on_hello(struct msg_hello *ret, void *data)
{
    struct exchange *x = data;
    size_t n_profiles;

    store_profiles(x->parts.store, &n_profiles);
    free(x->held);
    x->held = calloc(n_profiles + 1, sizeof(*x->held));
    if (!x->held)
        return -ENOMEM;
    *ret = (struct msg_hello){
        .protocol = MESSAGE_PROTOCOL,
        .node = x->parts.node_name,
        .agent_version = VARMOR_VERSION,
        .kernel = x->kernel.release,
        .architecture = x->kernel.machine,
        .runtime = x->runtime ? x->runtime->ops->describe(x->runtime)
                              : "no container runtime is configured",
        .held = x->held,
        .n_held = store_fill_held(x->parts.store, x->held, n_profiles),
    };
    fill_enforcers(x, ret);
    store_begin_sync(x->parts.store);
    MAP_FOREACH (e, x->counted) /* the manager may be another one: everything is told anew */
        map_drop(x->counted, map_key(e));
    MAP_FOREACH (e, x->removed) /* what is held says it */
        map_drop(x->removed, map_key(e));
    binder_each(x->parts.binder, put_binding, x);
    return 0;
}

static bool on_result(const char *profile, struct msg_result *ret, void *data)
{
    struct exchange *x = data;

    if (store_fill_result(x->parts.store, profile, ret))
        return true;
    *ret = (struct msg_result){.name = profile, .removed = true};
    return map_drop(x->removed, profile);
}

static bool on_binding(const char *key, struct msg_binding *ret, void *data)
{
    struct exchange *x = data;

    return binder_fill(x->parts.binder, key, ret);
}

/* Reads the kernel's counters by rule number into x->counts. Returns how many there are; 0: no
 * enforcer of the profile has any, or they cannot be read now. */
static size_t read_kernel_counts(struct exchange *x, const struct profile *p)
{
    free(x->counts);
    x->counts = p->n_rules ? calloc(p->n_rules, sizeof(*x->counts)) : NULL;
    if (!x->counts)
        return 0;
    for (size_t i = 0; i < x->parts.enforcers->n; i++) {
        struct enforcer *e = x->parts.enforcers->items[i].enforcer;

        if ((p->enforcers & e->ops->bit) && e->ops->counts)
            return e->ops->counts(e, p->name, x->counts, p->n_rules, NULL) < 0 ? 0 : p->n_rules;
    }
    return 0;
}

/* What has been counted of a profile in force, in the kernel and from its records; false if there
 * is nothing. Borrowed until the next call. */
static bool read_counts(struct exchange *x, const char *profile, struct msg_counts *ret)
{
    const struct profile *p = store_find(x->parts.store, profile);

    if (!p)
        return false;
    *ret = (struct msg_counts){.profile = p->name, .digest = p->digest};
    ret->n = read_kernel_counts(x, p);
    ret->counts = x->counts;
    ret->events = violation_counts_get(x->events, profile, &ret->n_events);
    return ret->n > 0 || ret->n_events > 0;
}

static bool on_counts(const char *profile, struct msg_counts *ret, void *data)
{
    return read_counts(data, profile, ret);
}

/* ---- what the manager says ---- */

static void on_welcome(const char *manager_version, void *data)
{
    struct exchange *x = data;

    x->away_told = false;
    LOG(INFO, "manager-connected", "the manager is there",
        LOG_STR("manager_version", manager_version));
}

static void log_outcome(const struct profile *p, int outcome, const struct error *problem)
{
    char text[DIGEST_TEXT_SIZE];
    const char *digest = digest_format(&p->digest, text);

    if (outcome == STORE_APPLIED)
        LOG(INFO, "profile-applied", "the kernel holds it", LOG_STR("profile", p->name),
            LOG_STR("digest", digest), LOG_INT("rules", p->n_rules));
    if (outcome == STORE_APPLIED && problem)
        LOG(WARNING, "profile-not-kept", "it is in force all the same; what is named did not work",
            LOG_STR("profile", p->name), LOG_STR("reason", error_message(problem)));
    if (outcome == STORE_PENDING)
        LOG(DEBUG, "profile-pending", "an enforcer prepares it; what was in force before stays",
            LOG_STR("profile", p->name), LOG_STR("digest", digest));
    if (outcome == STORE_REFUSED || outcome < 0)
        LOG(WARNING, "profile-refused", "what was in force before stays in force",
            LOG_STR("profile", p->name), LOG_STR("digest", digest),
            LOG_STR("reason", error_message(problem)));
}

/* Everything that the manager wants is committed and bound: what an earlier agent left in another
 * form may go. */
static void settle(struct exchange *x)
{
    if (x->settled || !x->in_sync || !x->bindings_ready || store_is_pending(x->parts.store))
        return;
    x->settled = true;
    for (size_t i = 0; i < x->parts.enforcers->n; i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        const struct node_enforcer *se = &x->parts.enforcers->items[i];

        if (!se->facts->usable || !se->enforcer->ops->settle)
            continue;
        if (se->enforcer->ops->settle(se->enforcer, &problem) < 0) {
            x->settled = false;
            LOG(WARNING, "not-settled", "what an earlier agent left stays in force beside ours",
                LOG_STR("enforcer", se->enforcer->ops->name),
                LOG_STR("reason", error_message(problem)));
        }
    }
}

/* A version has been tried: containers and manager are told. */
static void act_on_outcome(struct exchange *x, const char *profile, int outcome)
{
    if (outcome == STORE_PENDING)
        return;
    if (outcome == STORE_APPLIED || outcome == STORE_REFUSED)
        binder_refresh(x->parts.binder, profile);
    if (stream_put_result(stream_of(x), profile) < 0)
        LOG(WARNING, "result-not-told", "no memory; it is told with the next connection",
            LOG_STR("profile", profile));
    settle(x);
}

static void on_profile(struct profile *p, void *data)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct exchange *x = data;
    int outcome = store_apply(x->parts.store, p, exchange_now_ns(), &problem);

    map_drop(x->removed, p->name); /* it is wanted again before the removal was told */
    log_outcome(p, outcome, problem);
    act_on_outcome(x, p->name, outcome);
}

/* True if it is gone. */
static bool remove_profile(struct exchange *x, const char *profile)
{
    CLEANUP(error_free) struct error *problem = NULL;

    store_begin_remove(x->parts.store, profile);
    binder_refresh(x->parts.binder, profile);
    if (store_remove(x->parts.store, profile, &problem) < 0) {
        LOG(WARNING, "profile-stays", "it is tried again when the manager asks again",
            LOG_STR("profile", profile), LOG_STR("reason", error_message(problem)));
        return false;
    }
    map_drop(x->counted, profile);
    violation_counts_drop(x->events, profile);
    LOG(INFO, "profile-removed", "the kernel no longer holds it", LOG_STR("profile", profile));
    return true;
}

static void on_removal(const char *profile, void *data)
{
    struct exchange *x = data;

    if (remove_profile(x, profile) && map_put(x->removed, profile, x) < 0)
        LOG(WARNING, "result-not-told", "no memory; the next hello tells it",
            LOG_STR("profile", profile));
    if (stream_put_result(stream_of(x), profile) < 0)
        LOG(WARNING, "result-not-told", "no memory; the next hello tells it",
            LOG_STR("profile", profile));
    settle(x);
}

static void on_in_sync(unsigned n_profiles, void *data)
{
    struct exchange *x = data;
    const char *unwanted;
    size_t n_known;

    while ((unwanted = store_find_unwanted(x->parts.store))) {
        CLEANUP_FREE char *name = strdup(unwanted);

        if (!name || !remove_profile(x, name))
            break;
    }
    n_known = store_size(x->parts.store);
    if (n_known != n_profiles)
        LOG(WARNING, "profiles-differ", "going on with those that are known",
            LOG_INT("known", n_known), LOG_INT("manager_says", n_profiles));
    LOG(INFO, "in-sync", "the manager has said everything", LOG_INT("profiles", n_known));
    x->in_sync = true;
    settle(x);
    if (x->parts.in_sync)
        x->parts.in_sync(x->parts.data);
}

const struct stream_owner exchange_stream_owner = {
    .hello = on_hello,
    .result = on_result,
    .binding = on_binding,
    .counts = on_counts,
    .welcome = on_welcome,
    .profile = on_profile,
    .removal = on_removal,
    .in_sync = on_in_sync,
};

/* ---- what happens on the node ---- */

static void try_again(struct exchange *x, const char *profile,
                      int (*try)(struct store *s, const char *name, int64_t now_ns,
                                 struct error **reterr))
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct profile *newest = store_find_newest(x->parts.store, profile);
    CLEANUP(profile_unref) struct profile *p = newest ? profile_ref(newest) : NULL;
    int outcome;

    if (!p)
        return;
    outcome = try(x->parts.store, profile, exchange_now_ns(), &problem);
    if (outcome == STORE_UNCHANGED)
        return;
    log_outcome(p, outcome, problem);
    act_on_outcome(x, p->name, outcome);
    manager_link_flush(x->link);
}

void exchange_prepared(struct exchange *x, const char *profile)
{
    try_again(x, profile, store_resume);
}

void exchange_apply_anew(struct exchange *x, const char *profile)
{
    try_again(x, profile, store_apply_anew);
}

void exchange_binding_changed(struct exchange *x, const char *key)
{
    put_binding(key, x);
    manager_link_flush(x->link);
}

void exchange_bindings_ready(struct exchange *x)
{
    x->bindings_ready = true;
    stream_bindings_ready(stream_of(x));
    manager_link_flush(x->link);
    settle(x);
}

void exchange_violation(struct exchange *x, const struct msg_violation *v)
{
    stream_add_violation(stream_of(x), v);
    manager_link_flush(x->link);
}

void exchange_count_event(struct exchange *x, const char *profile, enum enforcer_bit enforcer,
                          const char *origin)
{
    if (violation_counts_add(x->events, profile, enforcer, origin) < 0)
        LOG(WARNING, "event-not-counted",
            "no memory, or too many profiles; it is logged all the same",
            LOG_STR("profile", profile));
}

/* The sum of all counts, which only grow: another sum, other counts. */
static uint64_t sum_counts(const struct msg_counts *counts)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < counts->n; i++)
        sum += counts->counts[i];
    for (size_t i = 0; i < counts->n_events; i++)
        sum += counts->events[i].count;
    return sum;
}

/* True if the counters differ from what was told last. */
static bool note_counts(struct exchange *x, const struct msg_counts *counts)
{
    const struct told_counts *told = map_find(x->counted, counts->profile);
    CLEANUP_FREE struct told_counts *now = malloc(sizeof(*now));

    if (!now)
        return false;
    *now = (struct told_counts){.digest = counts->digest, .sum = sum_counts(counts)};
    if (told && told->sum == now->sum && digest_equal(&told->digest, &now->digest))
        return false;
    if (map_put(x->counted, counts->profile, now) == 0)
        now = NULL; /* the map's */
    return true;
}

static void poll_one(const char *profile, void *data)
{
    struct exchange *x = data;
    struct msg_counts counts;

    if (read_counts(x, profile, &counts) && note_counts(x, &counts) &&
        stream_put_counts(stream_of(x), profile) < 0)
        LOG(WARNING, "counts-not-told", "no memory; the next change tells them",
            LOG_STR("profile", profile));
}

void exchange_poll_counts(struct exchange *x)
{
    if (!stream_is_greeted(stream_of(x)))
        return;
    store_each(x->parts.store, poll_one, x);
    manager_link_flush(x->link);
}

void exchange_lost(struct exchange *x, const char *reason, uint64_t retry_ns)
{
    if (x->away_told) {
        LOG(DEBUG, "manager-still-away", "trying again", LOG_STR("reason", reason),
            LOG_INT("retry_ms", retry_ns / NS_PER_MSEC));
        return;
    }
    x->away_told = true;
    LOG(WARNING, "manager-away", "what is in force stays in force; trying again for ever",
        LOG_STR("reason", reason));
}
