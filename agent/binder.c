/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/binder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/adopted_bindings.h"
#include "agent/binding.h"
#include "agent/container.h"
#include "agent/holds.h"
#include "agent/runtime.h"
#include "agent/saved_binding.h"
#include "lib/map.h"

#define CGROUP_KEY_SIZE 17  /* 64 bits in hexadecimal */
#define HOLD_REASON_MAX 320 /* bytes: an enforcer's name, and struct enforcer_hold's reason */

/* One container. */
struct bound {
    char *key;                          /* owned */
    const struct container *c;          /* the runtime's, until dropped() */
    char profile[PROFILE_NAME_MAX + 1]; /* that the kernel has it bound to; "": none */
    uint64_t cgroup_id;                 /* that is bound */
    uint64_t listed_cgroup_id;          /* under which by_cgroup has it; 0: none */
    unsigned enforcers;                 /* bits of those that have the binding */
    struct holds holds;                 /* what each enforcer of the profile does for it */
    unsigned n_looks;                   /* in vain, since it is under the profile */
    bool is_awaited;                    /* it is to be looked at again */
    unsigned n_questions; /* to the runtime, whether it was started meanwhile, that are open */
    bool asked;           /* the last of them is about the binding as it is */
    bool before_first_instruction;
    int64_t since_ns;      /* CLOCK_REALTIME */
    char *problem;         /* owned; why its cgroup is not known; NULL: it is */
    char *blocked_profile; /* owned; the profile that it cannot be bound to; NULL: none */
    char *reason;          /* owned; why not */
};

struct binder {
    const struct store *store;
    const struct enforcers *enforcers;
    struct binder_events events;
    struct runtime *runtime;
    bool looks_later;       /* look_later() was called, and binder_look() has not been since */
    struct map *containers; /* "namespace/id" -> struct bound */
    struct map *by_cgroup;  /* cgroup id -> struct bound, borrowed */
    struct adopted_bindings *adopted;  /* owned; not yet claimed by a container */
    char hold_reason[HOLD_REASON_MAX]; /* of the last answer of binder_fill() */
};

static void bound_free(void *data)
{
    struct bound *x = data;

    free(x->key);
    holds_done(&x->holds);
    free(x->problem);
    free(x->blocked_profile);
    free(x->reason);
    free(x);
}

int binder_new(struct binder **ret, const struct store *store, const struct enforcers *enforcers,
               const struct binder_events *events)
{
    CLEANUP(binder_free) struct binder *b = calloc(1, sizeof(*b));

    if (!b)
        return -ENOMEM;
    b->store = store;
    b->enforcers = enforcers;
    b->events = *events;
    b->containers = map_new(bound_free, RUNTIME_MAX_CONTAINERS);
    b->by_cgroup = map_new(NULL, RUNTIME_MAX_CONTAINERS);
    b->adopted = adopted_bindings_new();
    if (!b->containers || !b->by_cgroup || !b->adopted)
        return -ENOMEM;
    *ret = TAKE(b);
    return 0;
}

struct binder *binder_free(struct binder *b)
{
    if (!b)
        return NULL;
    adopted_bindings_free(b->adopted);
    map_free(b->by_cgroup);
    map_free(b->containers);
    free(b);
    return NULL;
}

void binder_set_runtime(struct binder *b, struct runtime *runtime)
{
    b->runtime = runtime;
}

static const char *cgroup_key(char key[static CGROUP_KEY_SIZE], uint64_t cgroup_id)
{
    snprintf(key, CGROUP_KEY_SIZE, "%" PRIx64, cgroup_id);
    return key;
}

static void changed(struct binder *b, const struct bound *x)
{
    b->events.changed(x->key, b->events.data);
}

static void no_memory(struct binder *b, const char *what)
{
    char text[160];

    snprintf(text, sizeof(text), "%s: no memory; it is looked at again with the next listing",
             what);
    b->events.trouble(text, b->events.data);
}

/* ---- the kernel ---- */

static void unbind_cgroup(struct binder *b, uint64_t cgroup_id, unsigned enforcers)
{
    for (size_t i = 0; i < b->enforcers->n; i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        struct enforcer *e = b->enforcers->items[i].enforcer;

        if ((enforcers & e->ops->bit) && e->ops->unbind &&
            e->ops->unbind(e, cgroup_id, &problem) < 0)
            b->events.trouble(error_message(problem), b->events.data);
    }
}

/* The enforcers of a profile that bind by cgroup, without those that the container is opted out of,
 * as bits. */
static unsigned binders_of(const struct binder *b, const struct profile *p,
                           const struct container *c)
{
    unsigned bits = 0;

    for (size_t i = 0; i < b->enforcers->n; i++) {
        const struct enforcer_ops *ops = b->enforcers->items[i].enforcer->ops;

        if (ops->bind && (p->enforcers & ~c->opted_out & ops->bit))
            bits |= ops->bit;
    }
    return bits;
}

/* Binds in each enforcer of the profile that binds by cgroup; undoes what was done if one fails. */
static int bind_all(struct binder *b, struct bound *x, const struct profile *p, bool running,
                    struct error **reterr)
{
    unsigned binders = binders_of(b, p, x->c);
    unsigned done = 0;

    for (size_t i = 0; i < b->enforcers->n; i++) {
        struct enforcer *e = b->enforcers->items[i].enforcer;
        int r;

        if (!(binders & e->ops->bit))
            continue;
        r = e->ops->bind(e, x->c, p->name, running, reterr);
        if (r < 0) {
            if (strcmp(x->profile, p->name) != 0 || x->cgroup_id != x->c->cgroup_id)
                unbind_cgroup(b, x->c->cgroup_id, done);
            return error_wrap(reterr, r, "%s enforcer", e->ops->name);
        }
        done |= e->ops->bit;
    }
    x->enforcers = done;
    return 0;
}

static void forget_holds(struct bound *x)
{
    holds_done(&x->holds);
    x->n_looks = 0;
    x->is_awaited = false;
}

static void clear_blocked(struct bound *x)
{
    free(x->blocked_profile);
    free(x->reason);
    x->blocked_profile = x->reason = NULL;
}

static void set_blocked(struct binder *b, struct bound *x, const char *profile, const char *reason)
{
    CLEANUP_FREE char *profile_copy = strdup(profile);
    CLEANUP_FREE char *reason_copy = strdup(reason);

    if (x->reason && strcmp(x->reason, reason) == 0 && strcmp(x->blocked_profile, profile) == 0)
        return;
    clear_blocked(x);
    if (strcmp(x->profile, profile) != 0)
        forget_holds(x);
    if (profile_copy && reason_copy) {
        x->blocked_profile = TAKE(profile_copy);
        x->reason = TAKE(reason_copy);
    } else {
        no_memory(b, x->key);
    }
    changed(b, x);
}

/* ---- what the enforcers do for it ---- */

/* Asks the enforcers what they do for it. True if what is to be said has changed. */
static bool look(struct binder *b, struct bound *x, const struct profile *p)
{
    struct holds_look question = {
        .enforcers = b->enforcers,
        .profile = p,
        .container = x->c,
        .bound = x->enforcers,
        .bound_since_ns = x->since_ns,
        .now_ns = b->events.now_ns(b->events.data),
        .is_patient = x->n_looks < BINDER_LOOKS,
    };
    int r = holds_ask(&x->holds, &question);

    if (r < 0)
        no_memory(b, x->key);
    x->is_awaited = question.ret_awaited;
    if (x->is_awaited && !b->looks_later) {
        b->looks_later = true;
        b->events.look_later(b->events.data);
    }
    return r == HOLDS_CHANGED;
}

/* ---- binding ---- */

/* The container has not been started as far as we know: was it, while the kernel took the binding?
 */
static void confirm(struct binder *b, struct bound *x, const struct profile *p)
{
    CLEANUP(error_free) struct error *problem = NULL;

    x->asked = b->runtime && b->runtime->ops->ask(b->runtime, x->c) == 0;
    if (x->asked)
        x->n_questions++;
    else if (bind_all(b, x, p, true, &problem) < 0)
        set_blocked(b, x, p->name, error_message(problem));
}

static void bind_now(struct binder *b, struct bound *x, const struct profile *p)
{
    CLEANUP(error_free) struct error *problem = NULL;
    bool created = x->c->state == CONTAINER_CREATED;
    uint64_t cgroup_before = x->cgroup_id;
    unsigned enforcers_before = x->enforcers;

    if (bind_all(b, x, p, !created, &problem) < 0) {
        set_blocked(b, x, p->name, error_message(problem));
        return;
    }
    if (x->profile[0] && cgroup_before != x->c->cgroup_id)
        unbind_cgroup(b, cgroup_before, enforcers_before);
    else if (x->profile[0])
        unbind_cgroup(b, cgroup_before, enforcers_before & ~x->enforcers);
    clear_blocked(x);
    if (strcmp(x->profile, p->name) != 0)
        forget_holds(x);
    snprintf(x->profile, sizeof(x->profile), "%s", p->name);
    x->cgroup_id = x->c->cgroup_id;
    x->asked = x->before_first_instruction = false;
    x->since_ns = b->events.now_ns(b->events.data);
    if (created && x->enforcers && b->runtime && b->runtime->ops->is_waiting(b->runtime, x->c))
        x->before_first_instruction = true;
    else if (created && x->enforcers)
        confirm(b, x, p);
    look(b, x, p);
    changed(b, x);
}

static void forget_binding(struct bound *x)
{
    x->profile[0] = '\0';
    x->cgroup_id = 0;
    x->enforcers = 0;
    x->asked = false;
    x->before_first_instruction = false;
    forget_holds(x);
}

/* ---- one container ---- */

/* No profile in force is for the container, and it is bound to none: is a refused one for it? */
static bool block_by_refused(struct binder *b, struct bound *x)
{
    size_t n;
    const struct profile *const *refused = store_refused(b->store, &n);
    const struct profile *p = x->profile[0] ? NULL : binding_choose(refused, n, x->c);

    if (p)
        set_blocked(b, x, p->name, "no version of the profile is in force on this node");
    return p != NULL;
}

/* The container stays bound as it is. p: the profile that is for it, or NULL. */
static void keep(struct binder *b, struct bound *x, const struct profile *p, bool is_opaque,
                 bool with_look)
{
    bool news = x->reason != NULL;

    if (!p && block_by_refused(b, x))
        return;
    if (x->reason && p && !is_opaque) {
        bind_now(b, x, p); /* the last attempt failed halfway */
        return;
    }
    clear_blocked(x);
    if (p && !is_opaque && with_look)
        news |= look(b, x, p);
    if (news)
        changed(b, x);
}

/* with_look: also asks the enforcers that hold it by its own setting. */
static void evaluate(struct binder *b, struct bound *x, bool with_look)
{
    size_t n_profiles;
    const struct profile *const *profiles = store_profiles(b->store, &n_profiles);
    const struct profile *p = binding_choose(profiles, n_profiles, x->c);
    const struct binding_state state = {
        .wanted = p ? p->name : NULL,
        .bound = x->profile,
        .wanted_binders = p ? binders_of(b, p, x->c) : 0,
        .bound_binders = x->enforcers,
        .cgroup_id = x->c->cgroup_id,
        .bound_cgroup_id = x->cgroup_id,
        .bound_is_opaque = store_is_opaque(b->store, x->profile),
    };

    switch (binding_decide(&state)) {
    case BINDING_KEEP:
        keep(b, x, p, state.bound_is_opaque, with_look);
        break;
    case BINDING_BIND:
        if (p)
            bind_now(b, x, p);
        break;
    case BINDING_UNBIND:
        unbind_cgroup(b, x->cgroup_id, x->enforcers);
        forget_binding(x);
        clear_blocked(x);
        changed(b, x);
        break;
    case BINDING_BLOCKED:
        if (p)
            set_blocked(b, x, p->name, x->problem ? x->problem : "its cgroup is not known");
        break;
    }
}

/* A binding of an earlier agent becomes this container's. */
static void claim_adopted(struct binder *b, struct bound *x)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct adopted_binding a;
    const struct profile *p;

    if (x->profile[0] || !adopted_bindings_take(b->adopted, x->c->cgroup_id, &a))
        return;
    memcpy(x->profile, a.profile, sizeof(x->profile));
    x->cgroup_id = a.cgroup_id;
    x->enforcers = a.enforcers;
    x->since_ns = a.since_ns ? a.since_ns : b->events.now_ns(b->events.data);
    x->before_first_instruction = a.before_first_instruction;
    unbind_cgroup(b, x->cgroup_id, x->enforcers & x->c->opted_out);
    x->enforcers &= ~x->c->opted_out;
    p = store_find(b->store, x->profile);
    if (p && x->c->state != CONTAINER_CREATED && bind_all(b, x, p, true, &problem) < 0)
        b->events.trouble(error_message(problem), b->events.data);
    else if (p && x->c->state == CONTAINER_CREATED && !x->before_first_instruction)
        confirm(b, x, p);
    changed(b, x);
}

static int obtain(struct binder *b, struct bound **ret, const struct container *c)
{
    CLEANUP_FREE char *key = NULL;
    struct bound *x;
    int r;

    if (asprintf(&key, "%s/%s", c->runtime_namespace, c->id) < 0) {
        key = NULL;
        return -ENOMEM;
    }
    x = map_find(b->containers, key);
    if (!x) {
        x = calloc(1, sizeof(*x));
        if (!x)
            return -ENOMEM;
        r = map_put(b->containers, key, x);
        if (r < 0) {
            free(x);
            return r;
        }
        x->key = TAKE(key);
    }
    x->c = c;
    *ret = x;
    return 0;
}

static void unlist_cgroup(struct binder *b, struct bound *x)
{
    char key[CGROUP_KEY_SIZE];

    if (map_find(b->by_cgroup, cgroup_key(key, x->listed_cgroup_id)) == x)
        map_drop(b->by_cgroup, key);
    x->listed_cgroup_id = 0;
}

/* Its violations are told with its name. A container may get another cgroup, or lose it. */
static void list_cgroup(struct binder *b, struct bound *x)
{
    char key[CGROUP_KEY_SIZE];

    if (x->listed_cgroup_id != x->c->cgroup_id)
        unlist_cgroup(b, x);
    if (x->c->cgroup_id == 0)
        return;
    if (map_put(b->by_cgroup, cgroup_key(key, x->c->cgroup_id), x) < 0)
        no_memory(b, x->key);
    else
        x->listed_cgroup_id = x->c->cgroup_id;
}

void binder_put(struct binder *b, const struct container *c, const char *problem)
{
    struct bound *x;

    if (obtain(b, &x, c) < 0) {
        no_memory(b, c->id);
        return;
    }
    list_cgroup(b, x);
    if (c->cgroup_id != 0)
        claim_adopted(b, x);
    free(x->problem);
    x->problem = problem ? strdup(problem) : NULL; /* without memory the reason is a plainer one */
    evaluate(b, x, true);
}

static struct bound *find(const struct binder *b, const struct container *c)
{
    CLEANUP_FREE char *key = NULL;

    if (asprintf(&key, "%s/%s", c->runtime_namespace, c->id) < 0) {
        key = NULL;
        return NULL;
    }
    return map_find(b->containers, key);
}

void binder_dropped(struct binder *b, const struct container *c)
{
    struct bound *x = find(b, c);
    bool said;

    if (!x)
        return;
    said = x->profile[0] || x->reason;
    if (x->profile[0])
        unbind_cgroup(b, x->cgroup_id, x->enforcers);
    unlist_cgroup(b, x);
    if (said) { /* the key lives until the map lets go of it */
        CLEANUP_FREE char *key = TAKE(x->key);

        map_drop(b->containers, key);
        b->events.changed(key, b->events.data);
    } else {
        map_drop(b->containers, x->key);
    }
}

void binder_answered(struct binder *b, const struct container *c)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct bound *x = find(b, c);
    const struct profile *p = x ? store_find(b->store, x->profile) : NULL;

    if (!x)
        return;
    if (x->n_questions > 0)
        x->n_questions--;
    if (!x->asked || x->n_questions > 0) { /* put before the binding that it would be about */
        if (p && look(b, x, p))
            changed(b, x);
        return;
    }
    x->asked = false;
    if (c->state == CONTAINER_CREATED)
        x->before_first_instruction = true;
    else if (p && bind_all(b, x, p, true, &problem) < 0)
        set_blocked(b, x, p->name, error_message(problem));
    if (p)
        look(b, x, p);
    changed(b, x);
}

/* Bound by an earlier agent, and claimed by no container: they are gone. Unless there is a
 * container whose cgroup is not known: it may be that one. */
static void drop_unclaimed(struct binder *b)
{
    struct adopted_binding a;

    MAP_FOREACH (m, b->containers) {
        if (((const struct bound *)map_value(m))->c->cgroup_id == 0)
            return;
    }
    while (adopted_bindings_take_any(b->adopted, &a))
        unbind_cgroup(b, a.cgroup_id, a.enforcers);
}

void binder_reconciled(struct binder *b)
{
    drop_unclaimed(b);
    MAP_FOREACH (m, b->containers) { /* an answer that was lost with its connection */
        struct bound *x = map_value(m);
        const struct profile *p = x->asked ? store_find(b->store, x->profile) : NULL;

        x->n_questions = 0;
        if (p)
            confirm(b, x, p);
    }
}

void binder_refresh(struct binder *b, const char *profile)
{
    MAP_FOREACH (m, b->containers) {
        struct bound *x = map_value(m);

        evaluate(b, x, strcmp(x->profile, profile) == 0);
    }
}

void binder_look(struct binder *b)
{
    b->looks_later = false;
    MAP_FOREACH (m, b->containers) {
        struct bound *x = map_value(m);
        const struct profile *p = x->is_awaited ? store_find(b->store, x->profile) : NULL;

        x->is_awaited = false;
        if (!p)
            continue;
        x->n_looks++;
        if (look(b, x, p))
            changed(b, x);
    }
}

/* ---- taking over ---- */

struct adoption {
    struct binder *b;
    enum enforcer_bit bit;
    int result;
};

static void on_found(uint64_t cgroup_id, const char *profile, void *data)
{
    struct adoption *adoption = data;
    int r = adopted_bindings_add(adoption->b->adopted, cgroup_id, profile, adoption->bit);

    if (r < 0)
        adoption->result = r;
}

int binder_save(const struct binder *b, struct buf *out)
{
    int r = 0;

    MAP_FOREACH (m, b->containers) {
        const struct bound *x = map_value(m);

        struct saved_binding one = {.cgroup_id = x->cgroup_id,
                                    .since_ns = x->since_ns,
                                    .before_first_instruction = x->before_first_instruction};

        memcpy(one.profile, x->profile, sizeof(one.profile));
        if (x->profile[0] && x->enforcers && r == 0)
            r = saved_binding_format(&one, out);
    }
    return r;
}

int binder_adopt(struct binder *b, const char *saved, struct error **reterr)
{
    for (size_t i = 0; i < b->enforcers->n; i++) {
        struct enforcer *e = b->enforcers->items[i].enforcer;
        struct adoption adoption = {.b = b, .bit = e->ops->bit};
        int r;

        if (!b->enforcers->items[i].facts->usable || !e->ops->bindings)
            continue;
        r = e->ops->bindings(e, on_found, &adoption, reterr);
        if (r == 0 && adoption.result < 0)
            r = error_errno(reterr, adoption.result, "the bindings that an earlier agent made");
        if (r < 0)
            return error_wrap(reterr, r, "%s enforcer", e->ops->name);
    }
    adopted_bindings_read_saved(b->adopted, saved);
    return 0;
}

/* ---- questions ---- */

/* AppArmor and seccomp hold from the exec of the container's program on, or not at all. */
static bool is_from_start(const struct bound *x)
{
    if (x->enforcers)
        return x->before_first_instruction;
    return holds_any(&x->holds) && !holds_find_missing(&x->holds);
}

static const char *reason_of(struct binder *b, const struct bound *x)
{
    const struct msg_binding_enforcer *missing = holds_find_missing(&x->holds);

    if (x->reason)
        return x->reason;
    if (!missing)
        return "";
    snprintf(b->hold_reason, sizeof(b->hold_reason), "%s enforcer: %s",
             enforcer_set_name(missing->enforcer), missing->reason);
    return b->hold_reason;
}

bool binder_fill(struct binder *b, const char *key, struct msg_binding *ret)
{
    const struct bound *x = map_find(b->containers, key);
    const char *slash = strchr(key, '/');
    const struct container *c;

    *ret = (struct msg_binding){.container_id = slash ? slash + 1 : key};
    if (!x || (!x->profile[0] && !x->reason))
        return false;
    c = x->c;
    *ret = (struct msg_binding){
        .container_id = c->id,
        .runtime_namespace = c->runtime_namespace,
        .container_name = c->name,
        .pod_name = c->pod_name,
        .pod_namespace = c->pod_namespace,
        .pod_uid = c->pod_uid,
        .image = c->image,
        .pid = c->pid,
        .profile = x->reason ? x->blocked_profile : x->profile,
        .since_ns = x->since_ns,
        .before_first_instruction = is_from_start(x),
        .reason = reason_of(b, x),
        .enforcers = x->holds.items,
        .n_enforcers = x->holds.n,
        .workload_kind = c->workload_kind,
        .workload_name = c->workload_name,
    };
    return true;
}

void binder_each(const struct binder *b, void (*found)(const char *key, void *data), void *data)
{
    MAP_FOREACH (m, b->containers) {
        const struct bound *x = map_value(m);

        if (x->profile[0] || x->reason)
            found(x->key, data);
    }
}

const struct container *binder_find_cgroup(const struct binder *b, uint64_t cgroup_id)
{
    char key[CGROUP_KEY_SIZE];
    const struct bound *x = map_find(b->by_cgroup, cgroup_key(key, cgroup_id));

    return x ? x->c : NULL;
}

const char *binder_profile_of(const struct binder *b, const struct container *c)
{
    const struct bound *x = find(b, c);

    if (x && x->profile[0])
        return x->profile;
    return x ? x->blocked_profile : NULL;
}

const struct container *binder_find_only(const struct binder *b, const char *profile)
{
    const struct container *only = NULL;

    MAP_FOREACH (m, b->containers) {
        const struct bound *x = map_value(m);

        if (strcmp(x->profile, profile) != 0)
            continue;
        if (only)
            return NULL;
        only = x->c;
    }
    return only;
}

size_t binder_count(const struct binder *b, const char *profile)
{
    size_t n = 0;

    MAP_FOREACH (m, b->containers) {
        const struct bound *x = map_value(m);

        n += strcmp(x->profile, profile) == 0;
    }
    return n;
}
