/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_armor_profiles.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/json_value.h"
#include "lib/kube/kube_watch.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "manager/clock.h"
#include "manager/kube_profile_json.h"
#include "manager/kube_writer.h"
#include "manager/nodes.h"
#include "manager/object_key.h"
#include "manager/policy_status.h"
#include "manager/profile_store.h"
#include "manager/status.h"

#define COLLECTION       "/apis/" KUBE_GROUP_VERSION "/armorprofiles"
#define PROFILE_KEY_SIZE 384 /* "namespace/name" */
#define WRITER_KEY_SIZE  (OBJECT_KEY_SIZE + 1)
#define VERSION_MAX      63
#define MAX_OBJECT_BYTES (4u << 20)
#define PAGE_SIZE        50 /* objects may be large */
#define NO_FINALIZER     (-1)

/* An ArmorProfile as it stands at the server. */
struct profile_object {
    char *uid;       /* owned, like the texts below */
    char *owner_uid; /* of its only owner; "": none, or several */
    bool is_labelled;
    int finalizer;       /* place of the incumbent's; NO_FINALIZER */
    struct digest spec;  /* of its canonical JSON */
    struct digest state; /* of status, the same way */
    bool has_status;
    char *status; /* JSON; NULL: none, or too long to be kept */
    char version[VERSION_MAX + 1];
};

/* What has been made of a policy's profile: what is under way, and what the server thought of it. */
struct profile_draft {
    struct digest spec, state; /* of what was sent last */
    char *status;              /* owned; the same, if it is short enough */
    bool without_texts;        /* with them the object was too large */
    char *warning;             /* owned; NULL: none */
};

struct kube_armor_profiles {
    struct kube_armor_profiles_parts parts;
    struct map *objects; /* "namespace/name" -> struct profile_object, owned */
    struct map *drafts;  /* key of the store -> struct profile_draft, owned */
    struct kube_watch *watch;
    bool is_listed;
};

static void profile_object_free(void *value)
{
    struct profile_object *o = value;

    free(o->status);
    free(o->owner_uid);
    free(o->uid);
    free(o);
}

static void profile_draft_free(void *value)
{
    struct profile_draft *d = value;

    free(d->status);
    free(d->warning);
    free(d);
}

static void touch(struct kube_armor_profiles *a, char letter, const char *key)
{
    char text[WRITER_KEY_SIZE];

    snprintf(text, sizeof(text), "%c%s", letter, key);
    kube_writer_touch(a->parts.writer, text);
}

static const struct stored_policy *find_policy(const struct kube_armor_profiles *a, const char *key)
{
    const struct stored_policy *p = map_find(profile_store_policies(a->parts.store), key);

    return p && p->profile && p->policy->uid ? p : NULL;
}

static struct profile_object *find_object(const struct kube_armor_profiles *a,
                                          const struct stored_policy *p)
{
    char key[PROFILE_KEY_SIZE];

    snprintf(key, sizeof(key), "%s/%s", p->profile->name_space, p->profile->name);
    return map_find(a->objects, key);
}

/* ---- What stands there ---- */

/* The digest of a value, whatever the order of its members. 0 or -ENOMEM. */
static int digest_of_json(const json_t *value, struct digest *ret)
{
    CLEANUP_FREE char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

    return text ? digest_of(ret, text, strlen(text)) : -ENOMEM;
}

static const char *only_owner(const json_t *metadata)
{
    const json_t *owners = json_object_get(metadata, "ownerReferences");
    const json_t *owner = json_array_get(owners, 0);

    if (json_array_size(owners) != 1 || !json_is_true(json_object_get(owner, "controller")))
        return "";
    return kube_get_text(owner, "uid");
}

static int find_finalizer(const json_t *metadata)
{
    const json_t *finalizers = json_object_get(metadata, "finalizers");

    for (size_t i = 0; i < json_array_size(finalizers); i++) {
        const char *text = json_string_value(json_array_get(finalizers, i));

        if (text && strcmp(text, KUBE_PROFILES_FINALIZER) == 0)
            return (int)i;
    }
    return NO_FINALIZER;
}

static int keep_status(struct profile_object *o, const json_t *status)
{
    CLEANUP_FREE char *text = status ? json_dumps(status, JSON_COMPACT) : NULL;

    if (status && !text)
        return -ENOMEM;
    free(o->status);
    o->has_status = status != NULL;
    o->status = text && strlen(text) <= KUBE_PROFILES_KEPT_STATUS ? TAKE(text) : NULL;
    return digest_of_json(status ? status : json_null(), &o->state);
}

static int object_read(struct profile_object *o, const json_t *root)
{
    const json_t *metadata = json_object_get(root, "metadata");
    const json_t *labels = json_object_get(metadata, "labels");

    o->uid = strdup(kube_get_text(metadata, "uid"));
    o->owner_uid = strdup(only_owner(metadata));
    o->is_labelled = strcmp(kube_get_text(labels, KUBE_MANAGED_BY_LABEL), KUBE_MANAGED_BY) == 0;
    o->finalizer = find_finalizer(metadata);
    snprintf(o->version, sizeof(o->version), "%s", kube_get_text(metadata, "resourceVersion"));
    if (!o->uid || !o->owner_uid || digest_of_json(json_object_get(root, "spec"), &o->spec) < 0)
        return -ENOMEM;
    return keep_status(o, json_object_get(root, "status"));
}

/* Takes in an object as the server has it. draft: what was sent, if this is the answer to it; what the server made of
 * that (a field that its schema lacks) is then no difference. */
static int see(struct kube_armor_profiles *a, const char *key, const uint8_t *object, size_t len)
{
    CLEANUP(json_decref) json_t *root = json_value_read(object, len, 0, NULL);
    const struct profile_object *old = map_find(a->objects, key);
    struct profile_object *o;
    int r;

    if (!root)
        return -EBADMSG;
    if (old &&
        !kube_version_is_newer(kube_get_text(json_object_get(root, "metadata"), "resourceVersion"),
                               old->version))
        return 0; /* the echo of what was answered */
    o = calloc(1, sizeof(*o));
    if (!o)
        return -ENOMEM;
    r = object_read(o, root);
    if (r == 0)
        r = map_put(a->objects, key, o);
    if (r < 0)
        profile_object_free(o);
    return r;
}

/* The policy whose object this is, touched as it may have to be put right. */
static void touch_policy_of(struct kube_armor_profiles *a, const char *object_key_text)
{
    const char *slash = strchr(object_key_text, '/');
    const struct profile_slot *slot;
    unsigned number;

    slot = slash ? profile_store_slot_of(a->parts.store, slash + 1, &number) : NULL;
    if (!slot)
        return;
    touch(a, 'p', slot->owner->key);
    touch(a, 't', slot->owner->key);
}

static void on_put(const char *key, const uint8_t *object, size_t len, void *data)
{
    struct kube_armor_profiles *a = data;

    if (see(a, key, object, len) < 0)
        map_drop(a->objects, key); /* it is written anew, which tells more */
    if (a->is_listed)
        touch_policy_of(a, key);
}

static void on_dropped(const char *key, void *data)
{
    struct kube_armor_profiles *a = data;

    map_drop(a->objects, key);
    touch_policy_of(a, key);
}

static void touch_all(struct kube_armor_profiles *a)
{
    MAP_FOREACH (e, profile_store_policies(a->parts.store)) {
        const struct stored_policy *p = map_value(e);

        touch(a, 'p', p->key);
        touch(a, 't', p->key);
    }
}

static void on_listed(void *data)
{
    struct kube_armor_profiles *a = data;

    a->is_listed = true;
    touch_all(a);
}

static void on_trouble(const char *why, void *data)
{
    struct kube_armor_profiles *a = data;

    a->parts.trouble(why, a->parts.data);
}

/* ---- The object ---- */

static struct profile_draft *draft_get(struct kube_armor_profiles *a, const char *key)
{
    struct profile_draft *d = map_find(a->drafts, key);

    if (d)
        return d;
    d = calloc(1, sizeof(*d));
    if (!d || map_put(a->drafts, key, d) < 0) {
        free(d);
        return NULL;
    }
    return d;
}

static struct kube_profile_facts facts_of(const struct kube_armor_profiles *a,
                                          const struct stored_policy *p,
                                          const struct profile_draft *d)
{
    return (struct kube_profile_facts){.policy = p,
                                       .status = status_of_policy(a->parts.status, p->key),
                                       .nodes = a->parts.nodes,
                                       .without_texts = d->without_texts,
                                       .now_ns = clock_real_ns()};
}

static void set_warning(struct kube_armor_profiles *a, const char *key, struct profile_draft *d,
                        char *warning)
{
    bool is_same = !warning == !d->warning && (!warning || strcmp(warning, d->warning) == 0);

    free(d->warning);
    d->warning = warning;
    if (!is_same)
        a->parts.warning_changed(key, a->parts.data);
}

static int add_operation(json_t *patch, const char *op, const char *path, json_t *value)
{
    json_t *step = json_pack("{s:s, s:s}", "op", op, "path", path);

    if (value && kube_set(step, "value", value) < 0) {
        json_decref(step);
        return -ENOMEM;
    }
    return kube_append(patch, step);
}

/* The steps that make of what stands there what should. NULL: no memory. */
static json_t *object_patch(const struct profile_object *o, const struct kube_profile_facts *f,
                            json_t *spec)
{
    CLEANUP(json_decref) json_t *patch = json_array();
    char path[64];
    int r = add_operation(patch, "test", "/metadata/uid", json_string(o->uid));

    if (o->finalizer != NO_FINALIZER) {
        snprintf(path, sizeof(path), "/metadata/finalizers/%d", o->finalizer);
        r |= add_operation(patch, "test", path, json_string(KUBE_PROFILES_FINALIZER));
        r |= add_operation(patch, "remove", path, NULL);
    }
    if (!o->is_labelled)
        r |= add_operation(patch, "add", "/metadata/labels", kube_profile_labels_json(f));
    r |= add_operation(patch, "add", "/metadata/ownerReferences", kube_profile_owners_json(f));
    r |= add_operation(patch, "add", "/spec", json_incref(spec));
    return r < 0 ? NULL : TAKE(patch);
}

static char *object_path(const struct profile *p, const char *name, const char *subresource)
{
    char *path = NULL;

    if (asprintf(&path,
                 "/apis/" KUBE_GROUP_VERSION "/namespaces/%s/armorprofiles%s%s%s"
                 "?fieldManager=" KUBE_FIELD_MANAGER,
                 p->name_space, *name ? "/" : "", name, subresource) < 0)
        return NULL;
    return path;
}

static enum write_outcome fill_write(struct kube_write *ret, const struct profile *p, bool exists,
                                     const char *subresource, const json_t *body)
{
    ret->method = exists ? "PATCH" : "POST";
    ret->content_type = exists ? KUBE_JSON_PATCH : NULL;
    ret->path = object_path(p, exists ? p->name : "", subresource);
    ret->body = body ? json_dumps(body, JSON_COMPACT) : NULL;
    return ret->path && ret->body ? WRITE_DONE : WRITE_AGAIN;
}

static enum write_outcome object_make(const char *writer_text, struct kube_write *ret,
                                      uint64_t *ret_delay_ns, void *data)
{
    struct kube_armor_profiles *a = data;
    const char *key = writer_text + 1;
    const struct stored_policy *p = find_policy(a, key);
    struct profile_draft *d = p ? draft_get(a, key) : NULL;
    const struct profile_object *o = p ? find_object(a, p) : NULL;
    CLEANUP(json_decref) json_t *spec = NULL;
    CLEANUP(json_decref) json_t *body = NULL;
    struct kube_profile_facts facts;
    char *warning = NULL;

    (void)ret_delay_ns;
    if (!p || !a->is_listed)
        return WRITE_NOTHING; /* all are touched when they are listed */
    if (!d)
        return WRITE_AGAIN;
    facts = facts_of(a, p, d);
    spec = kube_profile_spec_json(&facts, &warning);
    if (!spec || digest_of_json(spec, &d->spec) < 0) {
        free(warning);
        return WRITE_AGAIN;
    }
    set_warning(a, key, d, warning);
    if (o && digest_equal(&o->spec, &d->spec) && strcmp(o->owner_uid, p->policy->uid) == 0 &&
        o->is_labelled && o->finalizer == NO_FINALIZER)
        return WRITE_NOTHING;
    body = o ? object_patch(o, &facts, spec) : kube_profile_object_json(&facts, json_incref(spec));
    return fill_write(ret, p->profile, o != NULL, "", body);
}

static bool is_too_large(const struct kube_answer *a)
{
    return a->status == 413 || (a->status >= 500 && (strstr(a->problem, "too large") ||
                                                     strstr(a->problem, "larger than max")));
}

/* Takes the answer's object in, with what was sent in the place of what the server has made of it. */
static struct profile_object *take_answer(struct kube_armor_profiles *a,
                                          const struct stored_policy *p,
                                          const struct kube_answer *answer)
{
    char key[PROFILE_KEY_SIZE];

    snprintf(key, sizeof(key), "%s/%s", p->profile->name_space, p->profile->name);
    return see(a, key, answer->body, answer->len) < 0 ? NULL : map_find(a->objects, key);
}

static enum write_outcome object_answered(const char *writer_text, const struct kube_answer *answer,
                                          void *data)
{
    struct kube_armor_profiles *a = data;
    const char *key = writer_text + 1;
    const struct stored_policy *p = find_policy(a, key);
    struct profile_draft *d = p ? map_find(a->drafts, key) : NULL;
    struct profile_object *o;

    if (!p || !d)
        return WRITE_DONE; /* gone meanwhile */
    if (is_too_large(answer) && !d->without_texts) {
        d->without_texts = true;
        return WRITE_AGAIN;
    }
    if (answer->status < 200 || answer->status > 299)
        return WRITE_AGAIN;
    o = take_answer(a, p, answer);
    if (!o)
        return WRITE_AGAIN;
    o->spec = d->spec;
    touch(a, 't', key);
    return WRITE_DONE;
}

/* ---- Its status ---- */

static bool is_unchanged(const struct profile_object *o, const json_t *stands, const json_t *wanted,
                         const struct digest *state)
{
    return stands ? json_equal(stands, wanted) : digest_equal(&o->state, state);
}

/* Says the status that stands there more of the same profile, only because agents have not come back yet? */
static bool wants_agents(const json_t *stands, const struct kube_profile_facts *f)
{
    const json_t *nodes = json_object_get(stands, "nodes");
    json_int_t desired = json_integer_value(json_object_get(stands, "desiredNumberLoaded"));
    json_int_t current = json_integer_value(json_object_get(stands, "currentNumberLoaded"));
    char digest[KUBE_DIGEST_TEXT_SIZE];

    kube_digest_format(&f->policy->profile->digest, digest);
    return strcmp(kube_get_text(json_array_get(nodes, 0), "digest"), digest) == 0 &&
           (!f->status || (nodes_expected(f->nodes) == 0 && f->status->nodes_desired < desired) ||
            (f->status->nodes_ready < current && f->status->nodes_failed == 0));
}

static enum write_outcome status_make(const char *writer_text, struct kube_write *ret,
                                      uint64_t *ret_delay_ns, void *data)
{
    struct kube_armor_profiles *a = data;
    const char *key = writer_text + 1;
    const struct stored_policy *p = find_policy(a, key);
    const struct profile_object *o = p ? find_object(a, p) : NULL;
    struct profile_draft *d = o ? draft_get(a, key) : NULL;
    CLEANUP(json_decref) json_t *stands = NULL;
    CLEANUP(json_decref) json_t *wanted = NULL;
    CLEANUP(json_decref) json_t *patch = NULL;
    struct kube_profile_facts facts;

    if (!o || !a->is_listed)
        return WRITE_NOTHING; /* it is touched when the object is there */
    if (!d)
        return WRITE_AGAIN;
    facts = facts_of(a, p, d);
    if (!o->has_status && (!facts.status || facts.status->nodes_desired == 0))
        return WRITE_NOTHING; /* there is no node to tell of, and never was */
    stands = o->status ? json_loads(o->status, 0, NULL) : NULL;
    wanted = kube_profile_status_json(&facts, stands);
    if (!wanted || digest_of_json(wanted, &d->state) < 0)
        return WRITE_AGAIN;
    if (is_unchanged(o, stands, wanted, &d->state))
        return WRITE_NOTHING;
    if (stands && wants_agents(stands, &facts) && a->parts.in_grace(ret_delay_ns, a->parts.data))
        return WRITE_LATER;
    free(d->status);
    d->status = json_dumps(wanted, JSON_COMPACT);
    patch = json_array();
    if (!d->status || add_operation(patch, "test", "/metadata/uid", json_string(o->uid)) < 0 ||
        add_operation(patch, "add", "/status", json_incref(wanted)) < 0)
        return WRITE_AGAIN;
    return fill_write(ret, p->profile, true, "/status", patch);
}

static enum write_outcome status_answered(const char *writer_text, const struct kube_answer *answer,
                                          void *data)
{
    struct kube_armor_profiles *a = data;
    const struct stored_policy *p = find_policy(a, writer_text + 1);
    struct profile_draft *d = p ? map_find(a->drafts, writer_text + 1) : NULL;
    struct profile_object *o;
    struct digest spec;

    if (!p || !d || answer->status == 404)
        return WRITE_DONE; /* gone meanwhile: the watch tells */
    if (answer->status < 200 || answer->status > 299)
        return WRITE_AGAIN;
    o = find_object(a, p);
    spec = o ? o->spec : (struct digest){0};
    o = take_answer(a, p, answer);
    if (!o)
        return WRITE_AGAIN;
    if (!digest_is_zero(&spec))
        o->spec = spec; /* not touched by this write */
    o->state = d->state;
    o->has_status = true;
    free(o->status);
    o->status = NULL;
    if (d->status && strlen(d->status) <= KUBE_PROFILES_KEPT_STATUS)
        o->status = TAKE(d->status);
    free(TAKE(d->status));
    return WRITE_DONE;
}

/* ---- Changes ---- */

void kube_armor_profiles_touch(struct kube_armor_profiles *a, const char *key)
{
    if (a->watch)
        touch(a, 'p', key);
}

void kube_armor_profiles_touch_status(struct kube_armor_profiles *a, const char *key)
{
    if (a->watch)
        touch(a, 't', key);
}

void kube_armor_profiles_forget(struct kube_armor_profiles *a, const char *key)
{
    char text[WRITER_KEY_SIZE];

    snprintf(text, sizeof(text), "p%s", key);
    kube_writer_drop(a->parts.writer, text);
    text[0] = 't';
    kube_writer_drop(a->parts.writer, text);
    map_drop(a->drafts, key);
}

const char *kube_armor_profiles_warning(const struct kube_armor_profiles *a, const char *key)
{
    const struct profile_draft *d = map_find(a->drafts, key);

    return d ? d->warning : NULL;
}

int kube_armor_profiles_lead(struct kube_armor_profiles *a, bool leads)
{
    const struct kube_watch_settings settings = {.path = COLLECTION,
                                                 .page_size = PAGE_SIZE,
                                                 .max_object_bytes = MAX_OBJECT_BYTES,
                                                 .max_objects = KUBE_PROFILES_MAX_OBJECTS};
    const struct kube_watch_events events = {.put = on_put,
                                             .dropped = on_dropped,
                                             .listed = on_listed,
                                             .trouble = on_trouble,
                                             .data = a};

    a->watch = kube_watch_free(a->watch);
    a->is_listed = false;
    MAP_FOREACH (e, a->objects)
        map_drop(a->objects, map_key(e));
    if (!leads)
        return 0;
    return kube_watch_new(&a->watch, a->parts.loop, a->parts.client, &settings, &events);
}

/* ---- Life ---- */

int kube_armor_profiles_new(struct kube_armor_profiles **ret,
                            const struct kube_armor_profiles_parts *parts)
{
    CLEANUP(kube_armor_profiles_free) struct kube_armor_profiles *a = calloc(1, sizeof(*a));

    if (!a)
        return -ENOMEM;
    a->parts = *parts;
    a->objects = map_new(profile_object_free, KUBE_PROFILES_MAX_OBJECTS);
    a->drafts = map_new(profile_draft_free, 0); /* bounded by the store */
    if (!a->objects || !a->drafts)
        return -ENOMEM;
    kube_writer_add_kind(
        parts->writer, 'p',
        &(struct kube_writer_kind){.make = object_make, .answered = object_answered, .data = a});
    kube_writer_add_kind(
        parts->writer, 't',
        &(struct kube_writer_kind){.make = status_make, .answered = status_answered, .data = a});
    *ret = TAKE(a);
    return 0;
}

struct kube_armor_profiles *kube_armor_profiles_free(struct kube_armor_profiles *a)
{
    if (!a)
        return NULL;
    kube_watch_free(a->watch);
    map_free(a->drafts);
    map_free(a->objects);
    free(a);
    return NULL;
}
