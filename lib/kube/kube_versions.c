/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_versions.h"

#include <errno.h>
#include <search.h>
#include <string.h>

/* The tree knows the keys only, so that a lookup needs no entry. */
struct version_entry {
    uint64_t version; /* a hash */
    uint32_t round;   /* the list that it was put in last */
    char key[];
};

struct kube_versions {
    void *tree; /* of the keys of struct version_entry; tsearch's */
    size_t n, max;
    uint32_t round; /* the present list */
};

static struct version_entry *entry_of(const void *key)
{
    return (struct version_entry *)((char *)key - offsetof(struct version_entry, key));
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void entry_free(void *key)
{
    free(entry_of(key));
}

/* FNV-1a (Fowler, Noll, Vo). Nobody but the API server chooses versions. */
static uint64_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325ULL;

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3ULL;
    return h;
}

struct kube_versions *kube_versions_new(size_t max_objects)
{
    struct kube_versions *v = calloc(1, sizeof(*v));

    if (v)
        v->max = max_objects;
    return v;
}

struct kube_versions *kube_versions_free(struct kube_versions *v)
{
    if (!v)
        return NULL;
    tdestroy(v->tree, entry_free);
    free(v);
    return NULL;
}

static int add(struct kube_versions *v, const char *key, uint64_t version)
{
    const size_t size = strlen(key) + 1;
    CLEANUP_FREE struct version_entry *e = NULL;

    if (v->n >= v->max)
        return -E2BIG;
    e = malloc(sizeof(*e) + size);
    if (!e)
        return -ENOMEM;
    e->version = version;
    e->round = v->round;
    memcpy(e->key, key, size);
    if (!tsearch(e->key, &v->tree, compare))
        return -ENOMEM;
    (void)TAKE(e);
    v->n++;
    return KUBE_VERSION_NEW;
}

int kube_versions_put(struct kube_versions *v, const char *key, const char *version)
{
    const uint64_t version_hash = hash(version);
    char **place = tfind(key, &v->tree, compare);
    struct version_entry *e;

    if (!place)
        return add(v, key, version_hash);
    e = entry_of(*place);
    e->round = v->round;
    if (e->version == version_hash)
        return KUBE_VERSION_SAME;
    e->version = version_hash;
    return KUBE_VERSION_CHANGED;
}

bool kube_versions_drop(struct kube_versions *v, const char *key)
{
    char **place = tfind(key, &v->tree, compare);
    struct version_entry *e;

    if (!place)
        return false;
    e = entry_of(*place);
    tdelete(key, &v->tree, compare);
    free(e);
    v->n--;
    return true;
}

size_t kube_versions_size(const struct kube_versions *v)
{
    return v->n;
}

void kube_versions_list_begin(struct kube_versions *v)
{
    v->round++;
}

/* Those that were not put in this round. */
struct gone {
    uint32_t round;
    char **keys; /* NULL: only to be counted */
    size_t n;
};

static void on_node(const void *node, VISIT visit, void *data)
{
    char *key = *(char *const *)node;
    struct gone *gone = data;

    /* Each node is seen once as postorder or leaf. */
    if ((visit != postorder && visit != leaf) || entry_of(key)->round == gone->round)
        return;
    if (gone->keys)
        gone->keys[gone->n] = key;
    gone->n++;
}

int kube_versions_list_end(struct kube_versions *v, void (*dropped)(const char *key, void *data),
                           void *data)
{
    CLEANUP_FREE char **keys = NULL;
    struct gone gone = {.round = v->round};

    twalk_r(v->tree, on_node, &gone);
    if (gone.n == 0)
        return 0;
    keys = calloc(gone.n, sizeof(*keys));
    if (!keys)
        return -ENOMEM;
    gone.keys = keys;
    gone.n = 0;
    twalk_r(v->tree, on_node, &gone);
    for (size_t i = 0; i < gone.n; i++) {
        dropped(keys[i], data);
        kube_versions_drop(v, keys[i]);
    }
    return 0;
}
