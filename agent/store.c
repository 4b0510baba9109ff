/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/state_dir.h"
#include "lib/map.h"

/* How the last attempt went with one enforcer. */
struct attempt {
    bool tried; /* the profile names this enforcer */
    bool applied;
    char *reason; /* owned; why not; NULL if applied */
    struct digest image_digest;
    int64_t since_ns; /* CLOCK_REALTIME */
};

struct entry {
    char name[PROFILE_NAME_MAX + 1];
    struct profile *refused;     /* one reference; while none is in force; NULL: none */
    struct profile *in_force;    /* one reference; NULL: none, or opaque */
    unsigned held;               /* enforcers (bits) that hold some version of it */
    struct digest kernel_digest; /* of the version that an earlier agent left; zero: none */
    struct digest kernel_image;  /* of what was read back then */
    struct digest tried_digest;  /* what the attempts below are about */
    struct attempt attempts[STORE_ENFORCERS];
    bool wanted, leaving;
};

struct store {
    struct store_enforcer enforcers[STORE_ENFORCERS];
    size_t n_enforcers;
    struct state_dir *dir;           /* borrowed; may be NULL */
    struct map *entries;             /* name -> struct entry */
    const struct profile **in_force; /* owned array; the pointers are the entries' */
    size_t n_in_force;
    const struct profile **refused; /* the same */
    size_t n_refused;
    struct msg_enforcer_result
        results[STORE_ENFORCERS]; /* the last answer of store_fill_result() */
};

static const enum enforcer_bit bits[STORE_ENFORCERS] = {ENFORCER_APPARMOR, ENFORCER_BPF,
                                                        ENFORCER_SECCOMP};

static void forget_attempts(struct entry *e)
{
    for (size_t i = 0; i < STORE_ENFORCERS; i++) {
        free(e->attempts[i].reason);
        e->attempts[i] = (struct attempt){0};
    }
}

static void entry_free(void *data)
{
    struct entry *e = data;

    forget_attempts(e);
    profile_unref(e->refused);
    profile_unref(e->in_force);
    free(e);
}

int store_new(struct store **ret, const struct store_enforcer *enforcers, size_t n_enforcers,
              struct state_dir *dir)
{
    CLEANUP(store_free) struct store *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->n_enforcers = MIN(n_enforcers, STORE_ENFORCERS);
    for (size_t i = 0; i < s->n_enforcers; i++)
        s->enforcers[i] = enforcers[i];
    s->dir = dir;
    s->entries = map_new(entry_free, STORE_MAX_PROFILES);
    s->in_force =
        calloc(STORE_MAX_PROFILES, sizeof(struct profile *)); /* untouched pages cost nothing */
    s->refused = calloc(STORE_MAX_PROFILES, sizeof(struct profile *));
    if (!s->entries || !s->in_force || !s->refused)
        return -ENOMEM;
    *ret = TAKE(s);
    return 0;
}

struct store *store_free(struct store *s)
{
    if (!s)
        return NULL;
    free(s->refused);
    free(s->in_force);
    map_free(s->entries);
    free(s);
    return NULL;
}

static void list_profiles(struct store *s)
{
    s->n_in_force = s->n_refused = 0;
    MAP_FOREACH (m, s->entries) {
        const struct entry *e = map_value(m);

        if (e->in_force && !e->leaving)
            s->in_force[s->n_in_force++] = e->in_force;
        if (e->refused && !e->leaving)
            s->refused[s->n_refused++] = e->refused;
    }
}

static int obtain(struct store *s, struct entry **ret, const char *name)
{
    struct entry *e = map_find(s->entries, name);
    int r;

    if (!e) {
        if (strlen(name) > PROFILE_NAME_MAX)
            return -E2BIG;
        e = calloc(1, sizeof(*e));
        if (!e)
            return -ENOMEM;
        memcpy(e->name, name, strlen(name) + 1);
        r = map_put(s->entries, name, e);
        if (r < 0) {
            free(e);
            return r;
        }
    }
    *ret = e;
    return 0;
}

static const struct store_enforcer *find_enforcer(const struct store *s, enum enforcer_bit bit)
{
    for (size_t i = 0; i < s->n_enforcers; i++) {
        if (s->enforcers[i].enforcer->ops->bit == bit)
            return &s->enforcers[i];
    }
    return NULL;
}

/* ---- applying a version ---- */

/* One version on its way into the kernel. */
struct application {
    struct store *s;
    struct entry *e;
    struct profile *p;
    int64_t now_ns;
    struct enforcer_version *versions[STORE_ENFORCERS];
};

static int note_failure(struct attempt *a, const char *reason)
{
    free(a->reason);
    a->applied = false;
    a->reason = strdup(reason);
    return a->reason ? 0 : -ENOMEM;
}

/* Prepares one enforcer's version. 0, or a negative errno with *reterr that names the enforcer. */
static int prepare_one(struct application *a, size_t i, struct error **reterr)
{
    const struct store_enforcer *se = find_enforcer(a->s, bits[i]);
    int r;

    if (!se)
        return error_set(reterr, -EOPNOTSUPP, "this version of the agent has no %s enforcer",
                         enforcer_set_name(bits[i]));
    if (!se->facts->usable)
        return error_set(reterr, -EOPNOTSUPP, "%s enforcer: %s", se->enforcer->ops->name,
                         se->facts->reason);
    r = se->enforcer->ops->prepare(se->enforcer, a->p, &a->versions[i], reterr);
    return r < 0 ? error_wrap(reterr, r, "%s enforcer", se->enforcer->ops->name) : 0;
}

static void discard_all(struct application *a)
{
    for (size_t i = 0; i < STORE_ENFORCERS; i++) {
        const struct store_enforcer *se = a->versions[i] ? find_enforcer(a->s, bits[i]) : NULL;

        if (se)
            se->enforcer->ops->discard(se->enforcer, a->versions[i]);
        a->versions[i] = NULL;
    }
}

/* Prepares all. STORE_APPLIED if all are ready; STORE_REFUSED with the first reason; or -ENOMEM. */
static int prepare_all(struct application *a, struct error **reterr)
{
    enum enforcer_bit failed = 0;

    for (size_t i = 0; i < STORE_ENFORCERS; i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        struct attempt *attempt = &a->e->attempts[i];
        int r;

        if (!attempt->tried)
            continue;
        r = prepare_one(a, i, &problem);
        if (r == -ENOMEM || (r < 0 && note_failure(attempt, error_message(problem)) < 0))
            return -ENOMEM;
        if (r < 0 && !failed) {
            failed = bits[i];
            error_set(reterr, r, "%s", error_message(problem));
        }
    }
    if (!failed)
        return STORE_APPLIED;
    for (size_t i = 0; i < STORE_ENFORCERS; i++) {
        char reason[96];

        if (!a->versions[i])
            continue;
        snprintf(reason, sizeof(reason),
                 "left out, as the %s enforcer of this profile cannot be used",
                 enforcer_set_name(failed));
        if (note_failure(&a->e->attempts[i], reason) < 0)
            return -ENOMEM;
    }
    return STORE_REFUSED;
}

/* Commits one version and compares what the kernel then says. */
static int commit_one(struct application *a, size_t i, struct error **reterr)
{
    struct enforcer *enforcer = find_enforcer(a->s, bits[i])->enforcer;
    struct attempt *attempt = &a->e->attempts[i];
    struct enforcer_holding holding;
    int r = enforcer->ops->commit(enforcer, &a->versions[i], reterr);

    if (r == 0)
        r = enforcer->ops->describe(enforcer, a->p->name, &holding, reterr);
    if (r == 0 && !digest_equal(&holding.digest, &a->p->digest))
        r = error_set(reterr, -EIO,
                      "the kernel holds another digest than the one that was committed");
    if (r < 0)
        return error_wrap(reterr, r, "%s enforcer", enforcer->ops->name);
    a->e->held |= bits[i];
    attempt->applied = true;
    attempt->image_digest = holding.image_digest;
    attempt->since_ns = a->now_ns;
    return 0;
}

static int commit_all(struct application *a, struct error **reterr)
{
    int outcome = STORE_APPLIED;

    for (size_t i = 0; i < STORE_ENFORCERS; i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        int r;

        if (!a->e->attempts[i].tried)
            continue;
        r = commit_one(a, i, &problem);
        if (r == 0)
            continue;
        if (note_failure(&a->e->attempts[i], error_message(problem)) < 0)
            return -ENOMEM;
        if (outcome == STORE_APPLIED)
            error_set(reterr, r, "%s", error_message(problem));
        outcome = STORE_REFUSED;
    }
    return outcome;
}

/* Takes the profile out of enforcers that the version no longer names. */
static int leave_enforcers(struct application *a, struct error **reterr)
{
    unsigned left = a->e->held & ~a->p->enforcers;

    for (size_t i = 0; i < STORE_ENFORCERS; i++) {
        const struct store_enforcer *se = left & bits[i] ? find_enforcer(a->s, bits[i]) : NULL;
        int r = se ? se->enforcer->ops->remove(se->enforcer, a->e->name, reterr) : 0;

        if (r < 0)
            return error_wrap(reterr, r, "%s enforcer", se->enforcer->ops->name);
        a->e->held &= ~(left & bits[i]);
    }
    return 0;
}

static void set_in_force(struct store *s, struct entry *e, struct profile *p)
{
    profile_ref(p);
    profile_unref(e->in_force);
    e->in_force = p;
    e->refused = profile_unref(e->refused);
    list_profiles(s);
}

/* True if every enforcer of the profile holds this digest, as the kernel says now. */
static bool is_held(const struct store *s, const struct profile *p)
{
    for (size_t i = 0; i < STORE_ENFORCERS; i++) {
        const struct store_enforcer *se;
        struct enforcer_holding holding;

        if (!(p->enforcers & bits[i]))
            continue;
        se = find_enforcer(s, bits[i]);
        if (!se || !se->facts->usable ||
            se->enforcer->ops->describe(se->enforcer, p->name, &holding, NULL) < 0 ||
            !digest_equal(&holding.digest, &p->digest))
            return false;
    }
    return p->enforcers != 0;
}

/* The steps of an application, once its attempts are set up. */
static int run_application(struct application *a, struct error **reterr)
{
    CLEANUP(error_free) struct error *unsaved = NULL;
    struct state_dir *dir = a->s->dir;
    int outcome = prepare_all(a, reterr);

    if (outcome != STORE_APPLIED)
        return outcome;
    if (dir && state_dir_stage(dir, a->p, &unsaved) < 0)
        dir = NULL; /* in force all the same; the owner is told */
    outcome = commit_all(a, reterr);
    if (outcome == STORE_APPLIED && leave_enforcers(a, reterr) < 0)
        outcome = STORE_REFUSED;
    if (outcome != STORE_APPLIED) {
        if (dir)
            state_dir_unstage(dir, a->p->name, NULL);
        return outcome;
    }
    set_in_force(a->s, a->e, a->p);
    if (dir && state_dir_publish(dir, a->p->name, &unsaved) < 0)
        state_dir_unstage(dir, a->p->name, NULL);
    if (unsaved)
        error_set(reterr, error_code(unsaved), "%s", error_message(unsaved));
    return STORE_APPLIED;
}

int store_apply(struct store *s, struct profile *p, int64_t now_ns, struct error **reterr)
{
    struct application a = {.s = s, .p = p, .now_ns = now_ns};
    int r = obtain(s, &a.e, p->name);

    if (r < 0)
        return error_wrap(reterr, r, "profile '%s'", error_quote(p->name));
    a.e->wanted = true;
    a.e->leaving = false;
    if (a.e->in_force && digest_equal(&a.e->in_force->digest, &p->digest) &&
        digest_equal(&a.e->tried_digest, &p->digest) && is_held(s, p))
        return STORE_UNCHANGED;

    forget_attempts(a.e);
    a.e->tried_digest = p->digest;
    for (size_t i = 0; i < STORE_ENFORCERS; i++)
        a.e->attempts[i].tried = (p->enforcers & bits[i]) != 0;
    r = run_application(&a, reterr);
    discard_all(&a);
    if (r == STORE_REFUSED && !a.e->in_force) {
        profile_unref(a.e->refused);
        a.e->refused = profile_ref(p);
        list_profiles(s);
    }
    return r;
}

/* ---- taking over ---- */

struct restore {
    struct store *s;
    int64_t now_ns;
    enum enforcer_bit bit; /* of the enforcer that is asked now */
    void (*trouble)(const char *message, void *data);
    void *data;
    int result;
};

static void on_adopted(const struct enforcer_holding *h, void *data)
{
    struct restore *restore = data;
    struct entry *e;
    int r = obtain(restore->s, &e, h->profile);

    if (r < 0) {
        restore->result = r;
        return;
    }
    e->held |= restore->bit;
    e->kernel_digest = h->digest;
    e->kernel_image = h->image_digest;
}

/* The kernel holds this very version: nothing is to be done but to know it. */
static void take_over(struct store *s, struct entry *e, struct profile *p, int64_t now_ns)
{
    forget_attempts(e);
    e->tried_digest = p->digest;
    for (size_t i = 0; i < STORE_ENFORCERS; i++) {
        if (p->enforcers & bits[i])
            e->attempts[i] = (struct attempt){.tried = true,
                                              .applied = true,
                                              .image_digest = e->kernel_image,
                                              .since_ns = now_ns};
    }
    set_in_force(s, e, p);
}

static void on_loaded(struct profile *p, bool staged, void *data)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct restore *restore = data;
    struct store *s = restore->s;
    struct entry *e;
    int r = obtain(s, &e, p->name);

    if (r < 0) {
        restore->result = r;
        return;
    }
    if (is_held(s, p)) {
        take_over(s, e, p, restore->now_ns);
        if (staged && state_dir_publish(s->dir, p->name, &problem) < 0)
            restore->trouble(error_message(problem), restore->data);
        return;
    }
    if (staged) /* its commit did not happen: the published version is the true one */
        state_dir_unstage(s->dir, p->name, NULL);
}

/* Published profiles that the kernel lacks after all files are read: a reboot, or a version that
 * was rolled back. They are applied now. */
static void on_loaded_again(struct profile *p, bool staged, void *data)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct restore *restore = data;
    int r;

    if (staged || store_find(restore->s, p->name))
        return;
    r = store_apply(restore->s, p, restore->now_ns, &problem);
    if (r < 0)
        restore->result = r;
    else if (problem)
        restore->trouble(error_message(problem), restore->data);
}

int store_restore(struct store *s, int64_t now_ns, void (*trouble)(const char *message, void *data),
                  void *data, struct error **reterr)
{
    struct restore restore = {.s = s, .now_ns = now_ns, .trouble = trouble, .data = data};
    struct state_dir_visitor first = {.found = on_loaded, .trouble = trouble, .data = &restore};
    struct state_dir_visitor second = {
        .found = on_loaded_again, .trouble = trouble, .data = &restore};
    int r = 0;

    for (size_t i = 0; i < s->n_enforcers && r == 0; i++) {
        struct enforcer *e = s->enforcers[i].enforcer;

        restore.bit = e->ops->bit;
        if (s->enforcers[i].facts->usable)
            r = e->ops->adopt(e, on_adopted, &restore, reterr);
    }
    if (r == 0 && s->dir)
        r = state_dir_load(s->dir, &first, reterr);
    if (r == 0 && s->dir)
        r = state_dir_load(s->dir, &second, reterr);
    return r < 0 ? r : restore.result;
}

/* ---- removing ---- */

void store_begin_remove(struct store *s, const char *profile)
{
    struct entry *e = map_find(s->entries, profile);

    if (!e)
        return;
    e->leaving = true;
    list_profiles(s);
}

int store_remove(struct store *s, const char *profile, struct error **reterr)
{
    struct entry *e = map_find(s->entries, profile);
    int result = 0;

    if (!e)
        return 0;
    for (size_t i = 0; i < STORE_ENFORCERS; i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        const struct store_enforcer *se = e->held & bits[i] ? find_enforcer(s, bits[i]) : NULL;
        int r = se ? se->enforcer->ops->remove(se->enforcer, profile, &problem) : 0;

        if (r == 0) {
            e->held &= ~(unsigned)bits[i];
            continue;
        }
        if (note_failure(&e->attempts[i], error_message(problem)) < 0)
            return -ENOMEM;
        e->attempts[i].tried = true;
        result = result ? result
                        : error_set(reterr, r, "%s enforcer: %s", se->enforcer->ops->name,
                                    error_message(problem));
    }
    if (result == 0 && s->dir)
        result = state_dir_drop(s->dir, profile, reterr);
    if (result < 0)
        return result;
    map_drop(s->entries, profile);
    list_profiles(s);
    return 0;
}

/* ---- questions ---- */

const struct profile *store_find(const struct store *s, const char *profile)
{
    const struct entry *e = map_find(s->entries, profile);

    return e && !e->leaving ? e->in_force : NULL;
}

bool store_is_opaque(const struct store *s, const char *profile)
{
    const struct entry *e = map_find(s->entries, profile);

    return e && !e->in_force && !e->leaving && e->held != 0;
}

size_t store_size(const struct store *s)
{
    return map_size(s->entries);
}

const struct profile *const *store_profiles(const struct store *s, size_t *ret_n)
{
    *ret_n = s->n_in_force;
    return s->in_force;
}

const struct profile *const *store_refused(const struct store *s, size_t *ret_n)
{
    *ret_n = s->n_refused;
    return s->refused;
}

void store_each(const struct store *s, void (*found)(const char *profile, void *data), void *data)
{
    MAP_FOREACH (m, s->entries)
        found(map_key(m), data);
}

size_t store_fill_held(const struct store *s, struct msg_held *items, size_t n)
{
    size_t used = MIN(n, s->n_in_force);

    for (size_t i = 0; i < used; i++)
        items[i] =
            (struct msg_held){.name = s->in_force[i]->name, .digest = s->in_force[i]->digest};
    return used;
}

bool store_fill_result(struct store *s, const char *profile, struct msg_result *ret)
{
    const struct entry *e = map_find(s->entries, profile);
    size_t n = 0;

    if (!e)
        return false;
    for (size_t i = 0; i < STORE_ENFORCERS; i++) {
        const struct attempt *a = &e->attempts[i];

        if (a->tried)
            s->results[n++] = (struct msg_enforcer_result){
                .enforcer = bits[i],
                .applied = a->applied,
                .reason = a->reason ? a->reason : "",
                .image_digest = a->image_digest,
                .since_ns = a->since_ns,
            };
    }
    *ret = (struct msg_result){
        .name = e->name, .digest = e->tried_digest, .enforcers = s->results, .n_enforcers = n};
    return n > 0;
}

void store_begin_sync(struct store *s)
{
    MAP_FOREACH (m, s->entries) {
        struct entry *e = map_value(m);

        e->wanted = e->in_force != NULL;
    }
}

const char *store_find_unwanted(const struct store *s)
{
    MAP_FOREACH (m, s->entries) {
        const struct entry *e = map_value(m);

        if (!e->wanted)
            return e->name;
    }
    return NULL;
}
