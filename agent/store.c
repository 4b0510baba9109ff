/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/store.h"

#include <errno.h>
#include <string.h>

#include "agent/application.h"
#include "agent/state_dir.h"
#include "lib/map.h"
#include "lib/counted_text.h"

struct entry {
    char name[PROFILE_NAME_MAX + 1];
    struct profile *refused;    /* one reference; while none is in force; NULL: none */
    struct profile *in_force;   /* one reference; NULL: none, or opaque */
    struct profile *pending;    /* one reference: the newest version, while an enforcer prepares it;
                                   may be the one in force, which is applied anew */
    unsigned preparing;         /* enforcers (bits) that may work on a pending version */
    unsigned held;              /* enforcers (bits) that hold some version of it */
    struct digest tried_digest; /* what the attempts below are about */
    struct attempts attempts;
    bool wanted, leaving;
};

struct store {
    const struct enforcers *enforcers; /* borrowed */
    struct state_dir *dir;             /* borrowed; may be NULL */
    struct map *entries;               /* name -> struct entry */
    const struct profile **in_force;   /* owned array; the pointers are the entries' */
    size_t n_in_force;
    const struct profile **refused; /* the same */
    size_t n_refused;
    struct msg_enforcer_result
        results[ENFORCERS_KINDS]; /* the last answer of store_fill_result() */
};

static void entry_free(void *data)
{
    struct entry *e = data;

    attempts_done(&e->attempts);
    profile_unref(e->pending);
    profile_unref(e->refused);
    profile_unref(e->in_force);
    free(e);
}

int store_new(struct store **ret, const struct enforcers *enforcers, struct state_dir *dir)
{
    CLEANUP(store_free) struct store *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->enforcers = enforcers;
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

/* ---- applying a version ---- */

/* Many policies choose the same rules: the same seccomp profile is kept once. */
static void share_texts(const struct store *s, struct profile *p)
{
    MAP_FOREACH (m, s->entries) {
        const struct entry *e = map_value(m);

        if ((e->in_force && counted_text_share(&p->seccomp_json, e->in_force->seccomp_json)) ||
            (e->pending && counted_text_share(&p->seccomp_json, e->pending->seccomp_json)))
            return;
    }
}

static void set_in_force(struct store *s, struct entry *e, struct profile *p)
{
    profile_ref(p);
    profile_unref(e->in_force);
    e->in_force = p;
    e->refused = profile_unref(e->refused);
    list_profiles(s);
}

static void set_refused(struct store *s, struct entry *e, struct profile *p)
{
    profile_ref(p);
    profile_unref(e->refused);
    e->refused = p;
    list_profiles(s);
}

/* Prepares, stages the file, commits, publishes the file. */
static int run_application(struct store *s, struct entry *e, struct application *a,
                           struct error **reterr)
{
    CLEANUP(error_free) struct error *unsaved = NULL;
    struct state_dir *dir = s->dir;
    int outcome = application_prepare(a, reterr);

    if (outcome < 0)
        return outcome;
    if (outcome != APPLICATION_DONE)
        return outcome == APPLICATION_PENDING ? STORE_PENDING : STORE_REFUSED;
    if (dir && state_dir_stage(dir, a->profile, &unsaved) < 0)
        dir = NULL; /* in force all the same; the owner is told */
    outcome = application_commit(a, reterr);
    if (outcome != APPLICATION_DONE) {
        if (dir)
            state_dir_unstage(dir, a->profile->name, NULL);
        return outcome < 0 ? outcome : STORE_REFUSED;
    }
    set_in_force(s, e, a->profile);
    if (dir && state_dir_publish(dir, a->profile->name, &unsaved) < 0)
        state_dir_unstage(dir, a->profile->name, NULL);
    if (unsaved)
        error_set(reterr, error_code(unsaved),
                  "it will be missing after a restart without the manager: %s",
                  error_message(unsaved));
    return STORE_APPLIED;
}

static void set_pending(struct entry *e, struct profile *p)
{
    if (p)
        profile_ref(p);
    profile_unref(e->pending);
    e->pending = p;
}

/* What the attempts of an entry say from now on. */
static void keep_attempts(struct entry *e, struct application *a)
{
    attempts_done(&e->attempts);
    e->attempts = a->attempts;
    a->attempts = (struct attempts){0};
    e->tried_digest = a->profile->digest;
}

static bool is_version(const struct profile *p, const struct profile *other)
{
    return p && digest_equal(&p->digest, &other->digest);
}

static int attempt(struct store *s, struct entry *e, struct profile *p, int64_t now_ns,
                   struct error **reterr)
{
    struct application a = {
        .enforcers = s->enforcers, .profile = p, .held = &e->held, .now_ns = now_ns};
    int outcome;

    share_texts(s, p);
    profile_ref(p); /* it may be the pending one, which gives way */
    outcome = run_application(s, e, &a, reterr);
    if (outcome == STORE_PENDING) {
        set_pending(e, p);
        e->preparing |= p->enforcers;
    } else {
        set_pending(e, NULL);
        e->preparing = 0;
        keep_attempts(e, &a);
    }
    if (outcome == STORE_REFUSED && !e->in_force)
        set_refused(s, e, p);
    application_done(&a);
    profile_unref(p);
    return outcome;
}

/* True if the kernel holds what is to be applied, in the enforcers that it names and no other. */
static bool is_in_force(struct store *s, struct entry *e, struct profile *p)
{
    struct application a = {.enforcers = s->enforcers, .profile = p, .held = &e->held};
    bool held = is_version(e->in_force, p) && digest_equal(&e->tried_digest, &p->digest) &&
                !(e->held & ~p->enforcers) && application_is_held(&a);

    application_done(&a);
    return held;
}

int store_apply(struct store *s, struct profile *p, int64_t now_ns, struct error **reterr)
{
    struct entry *e;
    int r = obtain(s, &e, p->name);

    if (r < 0)
        return error_wrap(reterr, r, "profile '%s'", error_quote(p->name));
    e->wanted = true;
    e->leaving = false;
    if (is_in_force(s, e, p)) {
        if (!is_version(e->pending, p)) /* a newer one was withdrawn before it was ready */
            set_pending(e, NULL);
        return STORE_UNCHANGED;
    }
    return attempt(s, e, p, now_ns, reterr);
}

int store_resume(struct store *s, const char *profile, int64_t now_ns, struct error **reterr)
{
    struct entry *e = map_find(s->entries, profile);

    if (!e || !e->pending)
        return STORE_UNCHANGED;
    return attempt(s, e, e->pending, now_ns, reterr);
}

int store_apply_anew(struct store *s, const char *profile, int64_t now_ns, struct error **reterr)
{
    struct entry *e = map_find(s->entries, profile);
    struct profile *p = store_find_newest(s, profile);

    if (!p)
        return STORE_UNCHANGED;
    return attempt(s, e, p, now_ns, reterr);
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
}

/* Where the kernel holds this very version, nothing is to be done but to know it, and to leave the
 * enforcers that it does not name. */
static bool take_over(struct restore *restore, struct entry *e, struct profile *p)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct store *s = restore->s;
    struct application a = {
        .enforcers = s->enforcers, .profile = p, .held = &e->held, .now_ns = restore->now_ns};
    bool held = application_is_held(&a);

    if (held) {
        if (application_leave(&a, &problem) < 0)
            restore->trouble(error_message(problem), restore->data);
        keep_attempts(e, &a);
        set_in_force(s, e, p);
    }
    application_done(&a);
    return held;
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
    if (take_over(restore, e, p)) {
        if (staged && state_dir_publish(s->dir, p->name, &problem) < 0)
            restore->trouble(error_message(problem), restore->data);
        return;
    }
    if (staged) /* its commit did not happen: the published version is the true one */
        state_dir_unstage(s->dir, p->name, NULL);
}

/* Published profiles that the kernel lacks after all files are read: a reboot, or a version that
 * was rolled back. They are applied now, or as soon as their enforcers are ready. */
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

    for (size_t i = 0; i < s->enforcers->n && r == 0; i++) {
        const struct node_enforcer *ne = &s->enforcers->items[i];

        restore.bit = ne->enforcer->ops->bit;
        if (ne->facts->usable)
            r = ne->enforcer->ops->adopt(ne->enforcer, on_adopted, &restore, reterr);
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
    set_pending(e, NULL);
    list_profiles(s);
}

int store_remove(struct store *s, const char *profile, struct error **reterr)
{
    struct entry *e = map_find(s->entries, profile);
    int result = 0;

    if (!e)
        return 0;
    for (size_t i = 0; i < s->enforcers->n; i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        struct enforcer *enforcer = s->enforcers->items[i].enforcer;
        enum enforcer_bit kind = enforcer->ops->bit;
        int r = (e->held | e->preparing) & kind ? enforcer->ops->remove(enforcer, profile, &problem)
                                                : 0;

        if (r == 0) {
            e->held &= ~(unsigned)kind;
            continue;
        }
        if (attempts_note_failure(&e->attempts, kind, error_message(problem)) < 0)
            return -ENOMEM;
        result = result ? result
                        : error_set(reterr, r, "%s enforcer: %s", enforcer->ops->name,
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

struct profile *store_find_newest(const struct store *s, const char *profile)
{
    const struct entry *e = map_find(s->entries, profile);

    if (!e || e->leaving)
        return NULL;
    return e->pending ? e->pending : e->in_force;
}

bool store_is_opaque(const struct store *s, const char *profile)
{
    const struct entry *e = map_find(s->entries, profile);

    return e && !e->in_force && !e->leaving && e->held != 0;
}

bool store_is_pending(const struct store *s)
{
    MAP_FOREACH (m, s->entries) {
        const struct entry *e = map_value(m);

        if (e->pending)
            return true;
    }
    return false;
}

bool store_is_stale(const struct store *s)
{
    MAP_FOREACH (m, s->entries) {
        const struct entry *e = map_value(m);

        if (e->in_force && digest_equal(&e->tried_digest, &e->in_force->digest) &&
            attempts_are_refused(&e->attempts))
            return true;
    }
    return false;
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
    size_t n;

    if (!e || e->pending)
        return false;
    n = attempts_fill(&e->attempts, s->results);
    *ret = (struct msg_result){
        .name = e->name, .digest = e->tried_digest, .enforcers = s->results, .n_enforcers = n};
    return n > 0;
}

void store_begin_sync(struct store *s)
{
    MAP_FOREACH (m, s->entries) {
        struct entry *e = map_value(m);

        e->wanted = e->in_force && !e->leaving; /* what could not be removed is tried again */
        /* What is told as held may be what the manager wants: only it can say that it is not. */
        if (e->in_force && !is_version(e->pending, e->in_force))
            set_pending(e, NULL);
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
