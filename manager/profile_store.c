/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/profile_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/map.h"
#include "lib/policy/object.h"
#include "manager/object_key.h"
#include "profiles/builder.h"
#include "proto/messages.h"
#include "proto/profile_codec.h"

#define MESSAGE_MAX_BYTES (PROFILE_MAX_ENCODED_BYTES + 64) /* the profile and its envelope */
#define PLACE_TEXT_SIZE   48
#define NOTES_MAX_BYTES   (1 << 20) /* of why a policy is refused */

struct profile_store {
    const struct profile_store_handler *handler;
    void *data;
    char *install_namespace; /* owned */
    struct map *policies;    /* key -> struct stored_policy, owned */
    struct map *spared;      /* policy's key -> its profile's name, owned; bounded by the source */
    struct map *by_name;     /* profile name -> struct stored_policy, borrowed */
    struct profile_slot *slots; /* owned */
    unsigned n_slots;
    uint64_t last_version;
    bool is_partial;
};

/* ---- Conditions ---- */

static bool text_differs(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") != 0;
}

bool condition_set(struct condition *c, enum condition_status status, const char *reason,
                   const char *message, int64_t now_ns)
{
    if (c->status == status && !text_differs(c->reason, reason) &&
        !text_differs(c->message, message))
        return false;
    free(c->message);
    c->message = message ? strdup(message) : NULL;
    c->status = status;
    c->reason = reason;
    c->since_ns = now_ns;
    return true;
}

void condition_done(struct condition *c)
{
    free(c->message);
    *c = (struct condition){0};
}

/* ---- Policies ---- */

static const char *policy_key(bool cluster, const char *name_space, const char *name,
                              char key[static OBJECT_KEY_SIZE])
{
    return object_key(
        key, object_kind_name(cluster ? OBJECT_VARMOR_CLUSTER_POLICY : OBJECT_VARMOR_POLICY),
        cluster ? "" : name_space, name);
}

static void forget_warnings(struct stored_policy *p)
{
    for (size_t i = 0; i < p->n_warnings; i++)
        free(p->warnings[i]);
    free(p->warnings);
    p->warnings = NULL;
    p->n_warnings = 0;
}

static void stored_policy_free(void *value)
{
    struct stored_policy *p = value;

    profile_unref(p->profile);
    forget_warnings(p);
    condition_done(&p->complete);
    condition_done(&p->updated);
    condition_done(&p->created);
    free(p->file);
    policy_unref(p->in_force);
    policy_unref(p->policy);
    free(p->key);
    free(p);
}

/* The policy of a key, made if it is new. */
static int stored_policy_get(struct profile_store *s, const char *key, int64_t now_ns,
                             struct stored_policy **ret, struct error **reterr)
{
    struct stored_policy *p = map_find(s->policies, key);

    if (!p) {
        if (map_size(s->policies) >= PROFILE_STORE_MAX_POLICIES)
            return error_set(reterr, -E2BIG, "more than %d policies", PROFILE_STORE_MAX_POLICIES);
        p = calloc(1, sizeof(*p));
        if (!p)
            return error_oom(reterr);
        p->key = strdup(key);
        p->created_ns = now_ns;
        if (!p->key || map_put(s->policies, key, p) < 0) {
            stored_policy_free(p);
            return error_oom(reterr);
        }
    }
    *ret = p;
    return 0;
}

/* ---- Slots ---- */

/* A free slot. PROFILE_STORE_MAX_SLOTS: there is none, or no memory. */
static unsigned slot_find_free(struct profile_store *s)
{
    struct profile_slot *slots;

    for (unsigned i = 0; i < s->n_slots; i++)
        if (!s->slots[i].owner)
            return i;
    if (s->n_slots == PROFILE_STORE_MAX_SLOTS)
        return PROFILE_STORE_MAX_SLOTS;
    slots = reallocarray(s->slots, s->n_slots + 1, sizeof(*slots));
    if (!slots)
        return PROFILE_STORE_MAX_SLOTS;
    s->slots = slots;
    slots[s->n_slots] = (struct profile_slot){.encoded = BUF_INIT(MESSAGE_MAX_BYTES)};
    return s->n_slots++;
}

static int encode_profile(struct profile *profile, struct buf *out, struct error **reterr)
{
    const struct manager_message message = {.kind = MANAGER_PROFILE, .profile = profile};
    int r = manager_message_encode(&message, out);

    if (r == -E2BIG)
        return error_set(reterr, r, "the profile is larger than %u bytes",
                         PROFILE_MAX_ENCODED_BYTES);
    return r < 0 ? error_oom(reterr) : 0;
}

/* Makes a profile the policy's; takes it on success. 0, or a negative errno with *reterr. */
static int set_profile(struct profile_store *s, struct stored_policy *p, struct profile **profile,
                       struct error **reterr)
{
    CLEANUP_BUF struct buf encoded = BUF_INIT(MESSAGE_MAX_BYTES);
    unsigned slot = p->profile ? p->slot : slot_find_free(s);
    int r;

    if (slot == PROFILE_STORE_MAX_SLOTS)
        return error_set(reterr, -E2BIG, "more than %d profiles", PROFILE_STORE_MAX_SLOTS);
    r = encode_profile(*profile, &encoded, reterr);
    if (r < 0)
        return r;
    if (!p->profile && map_put(s->by_name, (*profile)->name, p) < 0)
        return error_oom(reterr);
    profile_unref(p->profile);
    p->profile = TAKE(*profile);
    p->slot = slot;
    policy_unref(p->in_force);
    p->in_force = policy_ref(p->policy);
    s->slots[slot].owner = p;
    s->slots[slot].version = ++s->last_version;
    buf_done(&s->slots[slot].encoded);
    s->slots[slot].encoded = encoded;
    encoded = BUF_INIT(0);
    s->handler->profile_changed(slot, s->data);
    return 0;
}

static void unset_profile(struct profile_store *s, struct stored_policy *p)
{
    struct profile_slot *slot;

    if (!p->profile)
        return;
    slot = &s->slots[p->slot];
    buf_done(&slot->encoded);
    slot->owner = NULL;
    slot->version = 0;
    map_drop(s->by_name, p->profile->name);
    s->handler->profile_removed(p->slot, p->profile->name, s->data);
    p->profile = profile_unref(p->profile);
}

/* ---- Checks of an update (contract.md 3.5) ---- */

static bool same_target(const struct profile_target *a, const struct profile_target *b)
{
    if (a->kind != b->kind || a->n_containers != b->n_containers ||
        text_differs(a->name_space, b->name_space) || text_differs(a->name, b->name) ||
        !a->selector != !b->selector ||
        (a->selector && strcmp(selector_text(a->selector), selector_text(b->selector)) != 0))
        return false;
    for (size_t i = 0; i < a->n_containers; i++)
        if (strcmp(a->containers[i], b->containers[i]) != 0)
            return false;
    return true;
}

/* " (line 3, column 9)"; nothing for a place that nobody knows. text is of the caller. */
static const char *place_text(struct policy_position at, char text[static PLACE_TEXT_SIZE])
{
    text[0] = '\0';
    if (at.line)
        snprintf(text, PLACE_TEXT_SIZE, " (line %u, column %u)", at.line, at.column);
    return text;
}

static int check_update(const struct policy *before, const struct policy *now,
                        struct error **reterr)
{
    char place[PLACE_TEXT_SIZE];

    if (!same_target(&before->target, &now->target))
        return error_set(reterr, -EPERM,
                         "spec.target%s may not change; remove the policy and create it anew",
                         place_text(now->target_at, place));
    if ((before->enforcers & ~now->enforcers) &&
        (now->enforcers | ENFORCER_BPF) != before->enforcers)
        return error_set(reterr, -EPERM,
                         "spec.policy.enforcer%s: of enforcers only BPF may be removed, without "
                         "adding another one; remove the policy and create it anew",
                         place_text(now->enforcer_at, place));
    return 0;
}

/* ---- Putting ---- */

/* What became of a policy's newest text. */
struct outcome {
    struct profile *profile; /* owned; NULL: refused */
    struct builder_notes notes;
    const char *reason;  /* static; of the refusal */
    struct error *error; /* owned; why */
    bool keeps_phase;    /* refused without having been built */
};

static void outcome_done(struct outcome *o)
{
    profile_unref(o->profile);
    builder_notes_done(&o->notes);
    error_free(o->error);
}

/* Appends "a; b": the notes that refuse. A text that is full is cut. 0 or -ENOMEM. */
static int join_refusals(const struct builder_notes *notes, struct buf *out)
{
    size_t n = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < notes->n; i++) {
        const struct builder_note *note = &notes->items[i];

        if (note->kind != BUILDER_WARNING)
            r = buf_format(out, "%s%s%s", n++ ? "; " : "",
                           note->kind == BUILDER_UNSUPPORTED ? "not supported by this version: "
                                                             : "",
                           note->text);
    }
    return r == -ENOMEM ? r : 0;
}

/* The builder has refused the policy: its notes say why. */
static int outcome_refused(struct outcome *o)
{
    CLEANUP_BUF struct buf text = BUF_INIT(NOTES_MAX_BYTES);
    int r = join_refusals(&o->notes, &text);

    if (r < 0)
        return r;
    o->reason = o->notes.wrong ? "Error" : "NotSupported";
    error_set(&o->error, -EOPNOTSUPP, "%s", buf_text(&text));
    return 0;
}

/* Refuses a profile whose name another policy's profile has: "a" in "b-c" and "b-a" in "c" are
 * alike. */
static void check_name(struct profile_store *s, const struct stored_policy *p, struct outcome *o)
{
    const struct stored_policy *other = map_find(s->by_name, o->profile->name);

    if (!other || other == p)
        return;
    error_set(&o->error, -EEXIST, "the profile name '%s' is already that of %s '%s%s%s'",
              o->profile->name, other->profile->policy_kind, other->profile->policy_namespace,
              *other->profile->policy_namespace ? "/" : "", other->profile->policy_name);
    o->reason = "Forbidden";
    o->profile = profile_unref(o->profile);
}

/* Judges and builds. 0 (outcome is set) or -ENOMEM. */
static int judge(struct profile_store *s, const struct stored_policy *p,
                 const struct policy *policy, const struct builder_facts *facts,
                 const struct error *facts_error, struct outcome *o)
{
    struct builder_facts all;
    int r;

    if (p->in_force && check_update(p->in_force, policy, &o->error) < 0) {
        o->reason = "Forbidden";
        o->keeps_phase = true;
        return 0;
    }
    o->reason = "Error";
    if (facts_error) {
        error_set(&o->error, error_code(facts_error), "%s", error_message(facts_error));
        return 0;
    }
    all = *facts;
    all.install_namespace = s->install_namespace;
    r = builder_build(&o->profile, policy, &all, &o->notes, &o->error);
    if (r == BUILDER_REFUSED)
        return outcome_refused(o);
    if (r == -ENAMETOOLONG)
        o->reason = "Forbidden";
    if (r == 0)
        check_name(s, p, o);
    return r == -ENOMEM ? r : 0;
}

/* Says in the conditions what became of the policy. True if that is news. */
static bool set_conditions(struct stored_policy *p, const struct outcome *o, bool existed,
                           bool profile_changed, int64_t now_ns)
{
    bool accepted = !o->error;
    struct condition *c = existed ? &p->updated : &p->created;
    bool changed;

    if (existed && accepted && !profile_changed && c->status != CONDITION_FALSE)
        return false; /* nothing was updated */
    changed =
        condition_set(c, accepted ? CONDITION_TRUE : CONDITION_FALSE, accepted ? "" : o->reason,
                      accepted ? NULL : error_message(o->error), now_ns);
    if (accepted && profile_changed && existed)
        c->since_ns = now_ns; /* one accepted update follows another */
    return changed || profile_changed;
}

static int keep_warnings(struct stored_policy *p, const struct builder_notes *notes)
{
    forget_warnings(p);
    p->warnings = calloc(notes->n, sizeof(*p->warnings));
    if (notes->n && !p->warnings)
        return -ENOMEM;
    for (size_t i = 0; i < notes->n; i++) {
        if (notes->items[i].kind != BUILDER_WARNING)
            continue;
        p->warnings[p->n_warnings] = strdup(notes->items[i].text);
        if (!p->warnings[p->n_warnings])
            return -ENOMEM;
        p->n_warnings++;
    }
    return 0;
}

/* Says what is left out of what is in force now: the first of it, and how much more. 1 if that is
 * news, 0, or -ENOMEM. */
static int set_complete(struct stored_policy *p, const struct builder_notes *notes, int64_t now_ns)
{
    CLEANUP_FREE char *message = NULL;
    int r = keep_warnings(p, notes);

    if (r < 0)
        return r;
    if (p->n_warnings == 0)
        return condition_set(&p->complete, CONDITION_ABSENT, "", NULL, now_ns);
    if (p->n_warnings == 1)
        return condition_set(&p->complete, CONDITION_FALSE, "Warnings", p->warnings[0], now_ns);
    if (asprintf(&message, "%s (and %zu more)", p->warnings[0], p->n_warnings - 1) < 0) {
        message = NULL;
        return -ENOMEM;
    }
    return condition_set(&p->complete, CONDITION_FALSE, "Warnings", message, now_ns);
}

/* Applies the outcome to a policy that has its newest text. */
static int apply(struct profile_store *s, struct stored_policy *p, struct outcome *o,
                 int64_t now_ns)
{
    bool existed = p->profile != NULL, profile_changed = false, in_error = p->in_error;
    int news = 0;

    if (o->profile && (!existed || !digest_equal(&o->profile->digest, &p->profile->digest))) {
        int r = set_profile(s, p, &o->profile, &o->error);

        if (r == -ENOMEM)
            return r;
        profile_changed = r == 0;
    } else if (o->profile) {
        policy_unref(p->in_force);
        p->in_force = policy_ref(p->policy);
    }
    if (!o->error)
        news = set_complete(p, &o->notes, now_ns);
    if (news < 0)
        return news;
    if (!o->error)
        p->in_error = false;
    else if (!o->keeps_phase)
        p->in_error = true;
    if (set_conditions(p, o, existed, profile_changed, now_ns) || news || in_error != p->in_error) {
        p->generation++;
        s->handler->policy_changed(p, false, s->data);
    }
    return 0;
}

int profile_store_put(struct profile_store *s, struct policy *policy, const char *file,
                      const struct builder_facts *facts, const struct error *facts_error,
                      int64_t now_ns, struct error **reterr)
{
    CLEANUP_FREE char *file_copy = strdup(file);
    struct stored_policy *p = NULL;
    struct outcome outcome = {0};
    char key[OBJECT_KEY_SIZE];
    int r;

    if (!file_copy)
        return error_oom(reterr);
    r = stored_policy_get(s, policy_key(policy->cluster, policy->name_space, policy->name, key),
                          now_ns, &p, reterr);
    if (r < 0)
        return r;
    r = judge(s, p, policy, facts, facts_error, &outcome);
    if (r == 0) {
        policy_ref(policy);
        policy_unref(p->policy);
        p->policy = policy;
        free(p->file);
        p->file = TAKE(file_copy);
        r = apply(s, p, &outcome, now_ns);
    }
    outcome_done(&outcome);
    if (r < 0 && !p->policy)
        map_drop(s->policies, key);
    return r < 0 ? error_oom(reterr) : 0;
}

void profile_store_drop(struct profile_store *s, bool cluster, const char *name_space,
                        const char *name)
{
    char key[OBJECT_KEY_SIZE];
    struct stored_policy *p = map_find(s->policies, policy_key(cluster, name_space, name, key));

    if (!p)
        return;
    s->handler->policy_changed(p, true, s->data);
    unset_profile(s, p);
    map_drop(s->policies, key);
}

/* ---- Queries ---- */

int profile_store_check_update(const struct profile_store *s, const struct policy *policy,
                               struct error **reterr)
{
    const struct stored_policy *p =
        profile_store_find(s, policy->cluster, policy->name_space, policy->name);

    return p && p->in_force ? check_update(p->in_force, policy, reterr) : 0;
}

const struct map *profile_store_policies(const struct profile_store *s)
{
    return s->policies;
}

const struct stored_policy *profile_store_find(const struct profile_store *s, bool cluster,
                                               const char *name_space, const char *name)
{
    char key[OBJECT_KEY_SIZE];

    return map_find(s->policies, policy_key(cluster, name_space, name, key));
}

unsigned profile_store_n_slots(const struct profile_store *s)
{
    return s->n_slots;
}

unsigned profile_store_n_profiles(const struct profile_store *s)
{
    return (unsigned)map_size(s->by_name);
}

const struct profile_slot *profile_store_slot(const struct profile_store *s, unsigned slot)
{
    return &s->slots[slot];
}

void profile_store_set_partial(struct profile_store *s, bool partial)
{
    s->is_partial = partial;
}

bool profile_store_is_partial(const struct profile_store *s)
{
    return s->is_partial;
}

int profile_store_spare(struct profile_store *s, bool cluster, const char *name_space,
                        const char *name, bool spared)
{
    const struct policy policy = {
        .cluster = cluster, .name_space = (char *)name_space, .name = (char *)name};
    CLEANUP_FREE char *profile_name = NULL;
    char key[OBJECT_KEY_SIZE];
    int r;

    policy_key(cluster, name_space, name, key);
    if (!spared) {
        map_drop(s->spared, key);
        return 0;
    }
    r = policy_profile_name(&policy, s->install_namespace, &profile_name, NULL);
    if (r == -ENAMETOOLONG)
        return 0; /* no agent can hold anything of it */
    if (r < 0 || map_put(s->spared, key, profile_name) < 0)
        return -ENOMEM;
    (void)TAKE(profile_name);
    return 0;
}

bool profile_store_spares(const struct profile_store *s, const char *profile_name)
{
    if (s->is_partial)
        return true;
    MAP_FOREACH (e, s->spared)
        if (strcmp(map_value(e), profile_name) == 0)
            return true;
    MAP_FOREACH (e, s->policies) {
        const struct stored_policy *p = map_value(e);
        CLEANUP_FREE char *name = NULL;

        if (p->profile)
            continue;
        if (policy_profile_name(p->policy, s->install_namespace, &name, NULL) == 0 &&
            strcmp(name, profile_name) == 0)
            return true;
    }
    return false;
}

const struct profile_slot *profile_store_slot_of(const struct profile_store *s,
                                                 const char *profile_name, unsigned *ret_slot)
{
    const struct stored_policy *p = map_find(s->by_name, profile_name);

    if (!p)
        return NULL;
    *ret_slot = p->slot;
    return &s->slots[p->slot];
}

/* ---- Life ---- */

struct profile_store *profile_store_new(const char *install_namespace,
                                        const struct profile_store_handler *handler, void *data)
{
    CLEANUP(profile_store_free) struct profile_store *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->handler = handler;
    s->data = data;
    s->install_namespace = strdup(install_namespace);
    s->policies = map_new(stored_policy_free, 0);
    s->by_name = map_new(NULL, 0);
    s->spared = map_new(free, 0);
    return s->install_namespace && s->policies && s->by_name && s->spared ? TAKE(s) : NULL;
}

struct profile_store *profile_store_free(struct profile_store *s)
{
    if (!s)
        return NULL;
    for (unsigned i = 0; i < s->n_slots; i++)
        buf_done(&s->slots[i].encoded);
    free(s->slots);
    map_free(s->spared);
    map_free(s->by_name);
    map_free(s->policies);
    free(s->install_namespace);
    free(s);
    return NULL;
}
