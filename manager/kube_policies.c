/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_policies.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/json_value.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "manager/clock.h"
#include "manager/file_problems.h"
#include "manager/kube_armor_profiles.h"
#include "manager/kube_events.h"
#include "manager/kube_profile_json.h"
#include "manager/kube_status_json.h"
#include "manager/kube_writer.h"
#include "manager/object_key.h"
#include "manager/nodes.h"
#include "manager/profile_store.h"
#include "manager/kube_policy.h"
#include "manager/status.h"

#define WRITER_KEY_SIZE (OBJECT_KEY_SIZE + 1)
#define VERSION_MAX     63

/* A policy object of the API server. */
struct status_object {
    char *uid, *reference; /* owned; reference: the name of its findings */
    char *name_space, *name;
    bool cluster;
    int64_t generation;
    char *stands;                          /* owned; the status there, as JSON; NULL: none */
    char written_version[VERSION_MAX + 1]; /* of our last write: what it answered is in stands */
    json_t *sent,
        *base; /* owned; what is under way, and what stood there when it was made (NULL: nothing) */
};

struct kube_policies {
    struct kube_policies_parts parts;
    struct map *objects; /* key of the store -> struct status_object, owned */
    uint64_t leads_since_ns;
};

static void status_object_free(void *value)
{
    struct status_object *o = value;

    json_decref(o->base);
    json_decref(o->sent);
    free(o->stands);
    free(o->name);
    free(o->name_space);
    free(o->reference);
    free(o->uid);
    free(o);
}

static const char *writer_key(char to[static WRITER_KEY_SIZE], const char *key)
{
    snprintf(to, WRITER_KEY_SIZE, "s%s", key);
    return to;
}

/* ---- What stands there ---- */

static json_t *stands_json(const struct status_object *o)
{
    return o->stands ? json_loads(o->stands, 0, NULL) : NULL;
}

/* The member status of an object, as compact JSON. 0 (*ret may be NULL: it has none), -EBADMSG or -ENOMEM. */
static int read_status(const uint8_t *object, size_t len, char **ret)
{
    CLEANUP(json_decref) json_t *root = json_value_read(object, len, 0, NULL);
    const json_t *status = json_object_get(root, "status");

    if (!root)
        return -EBADMSG;
    *ret = NULL;
    if (json_object_size(status) == 0)
        return 0;
    *ret = json_dumps(status, JSON_COMPACT);
    return *ret ? 0 : -ENOMEM;
}

static int object_fill(struct status_object *o, const struct kube_policy *policy)
{
    o->uid = strdup(policy->uid ? policy->uid : "");
    o->reference = strdup(policy->reference);
    o->name_space = strdup(policy->name_space);
    o->name = strdup(policy->name);
    o->cluster = policy->cluster;
    return o->uid && o->reference && o->name_space && o->name ? 0 : -ENOMEM;
}

/* The object of the key, made anew if it is new or another of the same name. NULL: no memory, or too many. */
static struct status_object *object_get(struct kube_policies *s, const char *key,
                                        const struct kube_policy *policy)
{
    struct status_object *o = map_find(s->objects, key);

    if (o && strcmp(o->uid, policy->uid ? policy->uid : "") == 0)
        return o;
    o = calloc(1, sizeof(*o));
    if (!o || object_fill(o, policy) < 0 || map_put(s->objects, key, o) < 0) {
        if (o)
            status_object_free(o);
        return NULL;
    }
    return o;
}

int kube_policies_seen(struct kube_policies *s, const char *key, const struct kube_policy *policy,
                       const uint8_t *object, size_t len)
{
    struct status_object *o = object_get(s, key, policy);
    CLEANUP_FREE char *stands = NULL;
    int r;

    if (!o)
        return map_size(s->objects) >= KUBE_POLICIES_MAX_OBJECTS ? -E2BIG : -ENOMEM;
    if (o->generation != policy->generation)
        kube_policies_touch(s, key);
    o->generation = policy->generation;
    if (!kube_version_is_newer(policy->resource_version, o->written_version))
        return 0; /* the echo of our own write, or of one before it */
    r = read_status(object, len, &stands);
    if (r < 0)
        return r;
    if (stands && strlen(stands) > KUBE_POLICIES_MAX_STATUS)
        free(TAKE(stands)); /* nothing of ours: it is written anew */
    free(o->stands);
    o->stands = TAKE(stands);
    kube_policies_touch(s, key);
    return 0;
}

void kube_policies_gone(struct kube_policies *s, const char *key)
{
    char text[WRITER_KEY_SIZE];

    kube_writer_drop(s->parts.writer, writer_key(text, key));
    map_drop(s->objects, key);
}

/* ---- What should stand there ---- */

static unsigned count_of(const json_t *status, const char *member)
{
    return (unsigned)json_integer_value(json_object_get(json_object_get(status, "nodes"), member));
}

bool kube_policies_in_grace(const struct kube_policies *s, uint64_t *ret_delay_ns)
{
    uint64_t now_ns = loop_now_ns(s->parts.loop),
             end_ns = s->leads_since_ns + KUBE_POLICIES_GRACE_NS;

    if (now_ns >= end_ns)
        return false;
    *ret_delay_ns = end_ns - now_ns;
    return true;
}

/* Is the difference only that agents have not come back yet, or not told of all their containers? */
static bool wants_agents(const struct nodes *nodes, const json_t *stands, const json_t *wanted)
{
    bool knows_all = nodes_expected(nodes) > 0;
    const json_t *bound = json_object_get(stands, "boundContainers");

    if (!json_equal(json_object_get(stands, "digest"), json_object_get(wanted, "digest")) ||
        !json_equal(json_object_get(stands, "observedGeneration"),
                    json_object_get(wanted, "observedGeneration")))
        return false;
    return (!knows_all && count_of(wanted, "desired") < count_of(stands, "desired")) ||
           (count_of(wanted, "ready") < count_of(stands, "ready") &&
            count_of(wanted, "failed") <= count_of(stands, "failed")) ||
           json_integer_value(json_object_get(wanted, "boundContainers")) <
               json_integer_value(bound);
}

/* What is known of the object's newest text. False: it has not been judged yet. */
static bool gather(const struct kube_policies *s, const char *key, const struct status_object *o,
                   struct kube_status_facts *ret)
{
    const struct file_problem *problem = file_problems_find(s->parts.problems, o->reference);
    const struct stored_policy *p = map_find(profile_store_policies(s->parts.store), key);

    if (p && (!p->policy->uid || strcmp(p->policy->uid, o->uid) != 0))
        p = NULL; /* of another object of the same name */
    *ret = (struct kube_status_facts){
        .policy = p,
        .status = p ? status_of_policy(s->parts.status, key) : NULL,
        .nodes = s->parts.nodes,
        .warning = p ? kube_armor_profiles_warning(s->parts.profiles, key) : NULL,
        .now_ns = clock_real_ns(),
    };
    if (problem && problem->n_errors) {
        ret->problem = problem->lines[0];
        ret->problem_generation = o->generation;
    }
    return p || ret->problem;
}

static char *status_path(const struct status_object *o)
{
    char *path = NULL;
    int n;

    if (o->cluster)
        n = asprintf(&path,
                     "/apis/" KUBE_GROUP_VERSION "/varmorclusterpolicies/%s/status"
                     "?fieldManager=" KUBE_FIELD_MANAGER,
                     o->name);
    else
        n = asprintf(&path,
                     "/apis/" KUBE_GROUP_VERSION "/namespaces/%s/varmorpolicies/%s/status"
                     "?fieldManager=" KUBE_FIELD_MANAGER,
                     o->name_space, o->name);
    return n < 0 ? NULL : path;
}

static enum write_outcome fill_write(struct kube_write *ret, struct status_object *o,
                                     json_t *stands, json_t *wanted)
{
    CLEANUP(json_decref)
    json_t *patch =
        json_pack("[{s:s, s:s, s:s}, {s:s, s:s, s:O}]", "op", "test", "path", "/metadata/uid",
                  "value", o->uid, "op", "add", "path", "/status", "value", wanted);

    ret->method = "PATCH";
    ret->content_type = KUBE_JSON_PATCH;
    ret->path = status_path(o);
    ret->body = patch ? json_dumps(patch, JSON_COMPACT) : NULL;
    if (!ret->path || !ret->body)
        return WRITE_AGAIN;
    json_decref(o->sent);
    json_decref(o->base);
    o->sent = json_incref(wanted);
    o->base = json_incref(stands);
    return WRITE_DONE;
}

static enum write_outcome status_make(const char *writer_text, struct kube_write *ret,
                                      uint64_t *ret_delay_ns, void *data)
{
    struct kube_policies *s = data;
    struct status_object *o = map_find(s->objects, writer_text + 1);
    CLEANUP(json_decref) json_t *stands = NULL;
    CLEANUP(json_decref) json_t *wanted = NULL;
    struct kube_status_facts facts;

    if (!o || !gather(s, writer_text + 1, o, &facts))
        return WRITE_NOTHING; /* it is touched when it has been judged */
    stands = stands_json(o);
    wanted = kube_status_json(&facts, stands);
    if (!wanted)
        return WRITE_AGAIN;
    if (stands && json_equal(stands, wanted))
        return WRITE_NOTHING;
    if (stands && wants_agents(s->parts.nodes, stands, wanted) &&
        kube_policies_in_grace(s, ret_delay_ns))
        return WRITE_LATER;
    return fill_write(ret, o, stands, wanted);
}

/* ---- Answers ---- */

static void note_version(struct status_object *o, const struct kube_answer *a)
{
    CLEANUP(json_decref) json_t *root = json_value_read(a->body, a->len, 0, NULL);

    snprintf(o->written_version, sizeof(o->written_version), "%s",
             kube_get_text(json_object_get(root, "metadata"), "resourceVersion"));
}

static enum write_outcome status_answered(const char *writer_text, const struct kube_answer *a,
                                          void *data)
{
    struct kube_policies *s = data;
    struct status_object *o = map_find(s->objects, writer_text + 1);
    CLEANUP(json_decref) json_t *before = NULL;
    CLEANUP(json_decref) json_t *sent = NULL;
    char *stands;

    if (!o || !o->sent || a->status == 404)
        return WRITE_DONE; /* gone, or another object meanwhile: the watch has told or will tell */
    if (a->status < 200 || a->status > 299)
        return WRITE_AGAIN;
    sent = TAKE(o->sent);
    before = TAKE(o->base); /* the watch may have told of this very write already */
    stands = json_dumps(sent, JSON_COMPACT);
    if (!stands)
        return WRITE_AGAIN;
    free(o->stands);
    o->stands = stands;
    note_version(o, a);
    kube_events_tell(
        s->parts.events,
        &(struct kube_event_subject){.kind = o->cluster ? "VarmorClusterPolicy" : "VarmorPolicy",
                                     .name_space = o->name_space,
                                     .name = o->name,
                                     .uid = o->uid},
        before, sent);
    return WRITE_DONE;
}

/* ---- Changes ---- */

void kube_policies_touch(struct kube_policies *s, const char *key)
{
    char text[WRITER_KEY_SIZE];

    if (map_find(s->objects, key))
        kube_writer_touch(s->parts.writer, writer_key(text, key));
}

void kube_policies_touch_reference(struct kube_policies *s, const char *reference)
{
    MAP_FOREACH (e, s->objects) {
        const struct status_object *o = map_value(e);

        if (strcmp(o->reference, reference) == 0)
            kube_policies_touch(s, map_key(e));
    }
}

void kube_policies_touch_all(struct kube_policies *s)
{
    MAP_FOREACH (e, s->objects)
        kube_policies_touch(s, map_key(e));
}

void kube_policies_lead(struct kube_policies *s)
{
    s->leads_since_ns = loop_now_ns(s->parts.loop);
    kube_policies_touch_all(s);
}

/* ---- Life ---- */

int kube_policies_new(struct kube_policies **ret, const struct kube_policies_parts *parts)
{
    CLEANUP(kube_policies_free) struct kube_policies *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->parts = *parts;
    s->objects = map_new(status_object_free, KUBE_POLICIES_MAX_OBJECTS);
    if (!s->objects)
        return -ENOMEM;
    kube_writer_add_kind(
        parts->writer, 's',
        &(struct kube_writer_kind){.make = status_make, .answered = status_answered, .data = s});
    *ret = TAKE(s);
    return 0;
}

struct kube_policies *kube_policies_free(struct kube_policies *s)
{
    if (!s)
        return NULL;
    map_free(s->objects);
    free(s);
    return NULL;
}
