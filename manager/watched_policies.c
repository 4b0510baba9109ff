/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/watched_policies.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/map.h"
#include "manager/kube_policy.h"
#include "manager/object_key.h"
#include "manager/source.h"
#include "profiles/builder.h"

/* Each holds one object, or none. */
struct known_policy {
    struct kube_policy shown; /* first: the map's values are read as these */
    struct objects in_force;  /* that was told */
    struct objects next;      /* that waits to be told */
    unsigned needs;           /* of the newest text that could be read */
};
static_assert(offsetof(struct known_policy, shown) == 0, "watched_policies_all() says so");

struct watched_policies {
    const struct source_handler *source;
    void *source_data;
    const struct watched_policies_handler *handler;
    void *data;
    struct map *by_key; /* owned; bounded by the watches */
    size_t n_cluster;
    size_t n_waiting;
};

static void known_policy_free(void *value)
{
    struct known_policy *k = value;

    objects_done(&k->next);
    objects_done(&k->in_force);
    kube_policy_done(&k->shown);
    free(k);
}

struct watched_policies *watched_policies_new(const struct source_handler *source,
                                              void *source_data,
                                              const struct watched_policies_handler *handler,
                                              void *data)
{
    CLEANUP(watched_policies_free) struct watched_policies *ps = calloc(1, sizeof(*ps));

    if (!ps)
        return NULL;
    ps->source = source;
    ps->source_data = source_data;
    ps->handler = handler;
    ps->data = data;
    ps->by_key = map_new(known_policy_free, 0);
    return ps->by_key ? TAKE(ps) : NULL;
}

struct watched_policies *watched_policies_free(struct watched_policies *ps)
{
    if (!ps)
        return NULL;
    map_free(ps->by_key);
    free(ps);
    return NULL;
}

static const char *key_of(char key[static OBJECT_KEY_SIZE], bool cluster, const char *watch_key)
{
    if (cluster)
        return object_key(key, object_kind_name(OBJECT_VARMOR_CLUSTER_POLICY), "", watch_key);
    snprintf(key, OBJECT_KEY_SIZE, "%s/%s", object_kind_name(OBJECT_VARMOR_POLICY), watch_key);
    return key;
}

/* ---- A new text ---- */

/* The policy of a key, made if it is new. NULL: no memory. */
static struct known_policy *known_policy_get(struct watched_policies *ps, const char *key,
                                             bool cluster, const char *watch_key)
{
    struct known_policy *k = map_find(ps->by_key, key);

    if (k)
        return k;
    k = calloc(1, sizeof(*k));
    if (!k)
        return NULL;
    if (kube_policy_init(&k->shown, cluster, watch_key) < 0 || map_put(ps->by_key, key, k) < 0) {
        known_policy_free(k);
        return NULL;
    }
    ps->n_cluster += cluster;
    return k;
}

static void forget_waiting(struct watched_policies *ps, struct known_policy *k)
{
    objects_done(&k->next);
    ps->n_waiting -= k->shown.waiting;
    k->shown.waiting = false;
}

static void withdraw(struct watched_policies *ps, struct known_policy *k)
{
    forget_waiting(ps, k);
    if (k->in_force.n > 0)
        ps->source->dropped(&k->in_force.items[0], ps->source_data);
    objects_done(&k->in_force);
}

static unsigned needs_of(const struct policy *policy)
{
    if (!builder_names_peers(policy))
        return 0;
    return WATCHED_NEEDS_SERVICES | (policy->enhance.bpf.n_pods > 0 ? WATCHED_NEEDS_PODS : 0);
}

/* The server counts the changes of spec. */
static bool is_same_text(const struct objects *a, const struct objects *b)
{
    const struct policy *x, *y;

    if (a->n == 0 || b->n == 0)
        return false;
    x = a->items[0].policy;
    y = b->items[0].policy;
    return x->generation > 0 && x->generation == y->generation && x->uid && y->uid &&
           strcmp(x->uid, y->uid) == 0 && labels_equal(x->labels, y->labels);
}

/* Lets a text that was read wait to be told. Takes it. */
static void accept(struct watched_policies *ps, struct known_policy *k, struct objects *text)
{
    k->needs = needs_of(text->items[0].policy);
    if (is_same_text(&k->in_force, text)) {
        forget_waiting(ps, k);
        objects_done(text);
        return;
    }
    forget_waiting(ps, k);
    k->next = *text;
    *text = (struct objects){0};
    k->shown.waiting = true;
    ps->n_waiting++;
}

static void tell_findings(struct watched_policies *ps, const struct known_policy *k,
                          const struct findings *findings)
{
    const struct source_file file = {.name = k->shown.reference,
                                     .findings = findings,
                                     .n_in_force = k->in_force.n + k->next.n > 0,
                                     .is_known = true};

    ps->source->file(&file, ps->source_data);
}

/* True if the text holds the very policy that the server keeps under this name. */
static bool is_the_policy(const struct known_policy *k, const struct objects *text)
{
    const struct object *o = text->items;

    return text->n == 1 && o->policy && o->policy->cluster == k->shown.cluster &&
           strcmp(o->name, k->shown.name) == 0 && strcmp(o->name_space, k->shown.name_space) == 0;
}

/* Reads the text. 0 or -ENOMEM. */
static int read_text(struct watched_policies *ps, struct known_policy *k, const uint8_t *json,
                     size_t len)
{
    static const struct object_checks checks = {.without_positions = true};
    struct objects text = {0};
    struct findings findings = {0};
    int r = objects_parse_checked(&text, json, len, &checks, &findings);

    if (r == 0 && findings.n_errors == 0 && !is_the_policy(k, &text))
        findings_add(&findings, FINDING_ERROR, 0, 0, "the API server sent another object");
    if (r == 0) {
        k->shown.refused = findings.n_errors > 0;
        if (!k->shown.refused)
            accept(ps, k, &text);
        tell_findings(ps, k, &findings);
    }
    findings_done(&findings);
    objects_done(&text);
    return r;
}

int watched_policies_put(struct watched_policies *ps, bool cluster, const char *watch_key,
                         const uint8_t *json, size_t len, struct error **reterr)
{
    char key[OBJECT_KEY_SIZE];
    struct known_policy *k =
        known_policy_get(ps, key_of(key, cluster, watch_key), cluster, watch_key);
    bool recreated;
    int r;

    if (!k)
        return error_oom(reterr);
    r = kube_policy_read(&k->shown, json, len, &recreated, reterr);
    if (r < 0)
        return r;
    if (recreated)
        withdraw(ps, k);
    if (read_text(ps, k, json, len) < 0)
        return error_oom(reterr);
    if (ps->handler)
        ps->handler->seen(key, &k->shown, json, len, ps->data);
    return 0;
}

bool watched_policies_drop(struct watched_policies *ps, bool cluster, const char *watch_key)
{
    const struct findings none = {0};
    char key[OBJECT_KEY_SIZE];
    struct known_policy *k = map_find(ps->by_key, key_of(key, cluster, watch_key));

    if (!k)
        return false;
    withdraw(ps, k);
    tell_findings(ps, k, &none);
    if (ps->handler)
        ps->handler->gone(key, &k->shown, ps->data);
    ps->n_cluster -= cluster;
    map_drop(ps->by_key, key);
    return true;
}

/* ---- Telling ---- */

unsigned watched_policies_needs(const struct watched_policies *ps)
{
    unsigned needs = 0;

    MAP_FOREACH (e, ps->by_key) {
        const struct known_policy *k = map_value(e);

        needs |= k->needs;
    }
    return needs;
}

void watched_policies_tell(struct watched_policies *ps, unsigned lists)
{
    if (ps->n_waiting == 0)
        return;
    MAP_FOREACH (e, ps->by_key) {
        struct known_policy *k = map_value(e);
        struct objects before = k->in_force;

        if (!k->shown.waiting || (k->needs & ~lists))
            continue;
        k->in_force = k->next;
        k->next = (struct objects){0};
        forget_waiting(ps, k);
        ps->source->put(&k->in_force.items[0], k->shown.reference, ps->source_data);
        objects_done(&before);
    }
}

size_t watched_policies_count(const struct watched_policies *ps, bool cluster)
{
    return cluster ? ps->n_cluster : map_size(ps->by_key) - ps->n_cluster;
}

const struct map *watched_policies_all(const struct watched_policies *ps)
{
    return ps->by_key;
}
