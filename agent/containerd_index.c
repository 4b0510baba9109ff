/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/containerd_index.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/container_identity.h"
#include "lib/map.h"

#define KEY_SIZE (2 * CONTAINERD_ID_SIZE) /* "namespace/id" */

struct entry {
    char key[KEY_SIZE];
    struct container *c; /* owned */
    /* Owned; of a sandbox for ever, of another container until it has been told. */
    struct containerd_container details;
    char *sandbox_id;   /* owned; NULL: it belongs to none */
    char *cgroups_path; /* owned; NULL: its spec has none */
    bool detailed, is_sandbox, sandbox_missing;
    bool told;
    int place_pid; /* the process whose cgroup was looked up; 0: none */
    unsigned container_listing,
        task_listing; /* number of the last listing that they were named in */
};

struct containerd_index {
    const struct cgroup_root *root;      /* borrowed */
    const struct runtime_events *events; /* borrowed */
    struct map *entries;                 /* key -> struct entry */
    struct map *wanted;                  /* key -> struct entry, borrowed: details to ask for */
    uint64_t host_mnt_ns, own_mnt_ns;    /* 0: not known */
    unsigned listing;                    /* counts listings */
};

static void entry_free(void *data)
{
    struct entry *e = data;

    container_free(e->c);
    containerd_container_done(&e->details);
    free(e->sandbox_id);
    free(e->cgroups_path);
    free(e);
}

int containerd_index_new(struct containerd_index **ret, const struct cgroup_root *root,
                         const struct runtime_events *events)
{
    CLEANUP(containerd_index_free) struct containerd_index *x = calloc(1, sizeof(*x));

    if (!x)
        return -ENOMEM;
    x->root = root;
    x->events = events;
    x->listing = 1;
    x->entries = map_new(entry_free, RUNTIME_MAX_CONTAINERS);
    x->wanted = map_new(NULL, RUNTIME_MAX_CONTAINERS);
    if (!x->entries || !x->wanted)
        return -ENOMEM;
    if (cgroup_mount_namespace(1, &x->host_mnt_ns, NULL) < 0)
        x->host_mnt_ns = 0;
    if (cgroup_mount_namespace(getpid(), &x->own_mnt_ns, NULL) < 0)
        x->own_mnt_ns = 0;
    *ret = TAKE(x);
    return 0;
}

struct containerd_index *containerd_index_free(struct containerd_index *x)
{
    if (!x)
        return NULL;
    map_free(x->wanted);
    map_free(x->entries);
    free(x);
    return NULL;
}

static const char *make_key(char key[static KEY_SIZE], const char *name_space, const char *id)
{
    snprintf(key, KEY_SIZE, "%s/%s", name_space, id);
    return key;
}

static struct entry *find(const struct containerd_index *x, const char *name_space, const char *id)
{
    char key[KEY_SIZE];

    return map_find(x->entries, make_key(key, name_space, id));
}

static int want(struct containerd_index *x, struct entry *e)
{
    return map_put(x->wanted, e->key, e);
}

/* The entry, made if need be; one without details is wanted. */
static int obtain(struct containerd_index *x, struct entry **ret, const char *name_space,
                  const char *id)
{
    struct entry *e = find(x, name_space, id);
    char *ns_copy, *id_copy;
    int r;

    if (e) {
        *ret = e;
        return 0;
    }
    e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    make_key(e->key, name_space, id);
    e->c = container_new();
    ns_copy = strdup(name_space);
    id_copy = strdup(id);
    if (!e->c || !ns_copy || !id_copy) {
        free(ns_copy);
        free(id_copy);
        entry_free(e);
        return -ENOMEM;
    }
    free(e->c->runtime_namespace);
    free(e->c->id);
    e->c->runtime_namespace = ns_copy;
    e->c->id = id_copy;
    e->container_listing = x->listing;
    r = map_put(x->entries, e->key, e);
    if (r < 0) {
        entry_free(e);
        return r;
    }
    *ret = e;
    r = want(x, e);
    if (r < 0)
        map_drop(x->entries, e->key);
    return r;
}

static void tell_dropped(struct containerd_index *x, struct entry *e)
{
    if (!e->told)
        return;
    e->told = false;
    x->events->dropped(e->c, x->events->data);
}

/* The cgroup and mount namespace of the container's process. */
static int look_up_place(struct containerd_index *x, struct entry *e, struct error **reterr)
{
    CLEANUP_FREE char *path = NULL;
    uint64_t id, mnt_ns;
    int r = cgroup_mount_namespace(e->c->pid, &mnt_ns, reterr);

    if (r < 0)
        return r;
    if (mnt_ns == x->host_mnt_ns || mnt_ns == x->own_mnt_ns)
        return error_set(reterr, -EPERM,
                         "process %d is in the mount namespace of the host or the agent",
                         e->c->pid);
    r = cgroup_of_container(x->root, e->c->pid, e->cgroups_path, &path, &id, reterr);
    if (r < 0)
        return r;
    free(e->c->cgroup_path);
    e->c->cgroup_path = TAKE(path);
    e->c->cgroup_id = id;
    e->c->mnt_ns = mnt_ns;
    e->place_pid = e->c->pid;
    return 0;
}

static void forget_place(struct entry *e)
{
    free(e->c->cgroup_path);
    e->c->cgroup_path = NULL;
    e->c->cgroup_id = 0;
    e->c->mnt_ns = 0;
    e->place_pid = 0;
}

/* True once the sandbox's part is known: *ret is its details, NULL if it has none or it is gone. */
static bool sandbox_known(const struct containerd_index *x, const struct entry *e,
                          const struct containerd_container **ret)
{
    struct entry *sandbox;

    *ret = NULL;
    if (!e->sandbox_id || e->sandbox_missing)
        return true;
    sandbox = find(x, e->c->runtime_namespace, e->sandbox_id);
    if (!sandbox || !sandbox->detailed)
        return false;
    *ret = &sandbox->details;
    return true;
}

/* Tells the container if all is known. */
static int tell(struct containerd_index *x, struct entry *e)
{
    CLEANUP(error_free) struct error *problem = NULL;
    const struct containerd_container *sandbox;
    struct entry *missing;
    int r;

    if (!e->detailed || e->is_sandbox || e->c->pid == 0)
        return 0;
    if (!sandbox_known(x, e, &sandbox))
        return obtain(x, &missing, e->c->runtime_namespace, e->sandbox_id);
    if (e->details.labels) { /* not yet put into the container, or new */
        r = container_identity_fill(e->c, &e->details, sandbox);
        if (r < 0)
            return r;
        containerd_container_done(&e->details);
    }
    if (e->place_pid != e->c->pid) {
        forget_place(e);
        r = look_up_place(x, e, &problem);
        if (r == -ENOMEM)
            return r;
    }
    e->told = true;
    x->events->put(e->c, problem ? error_message(problem) : NULL, x->events->data);
    return 0;
}

/* A sandbox's details came, or it is gone: its containers may be told now. */
static int tell_of_sandbox(struct containerd_index *x, const struct entry *sandbox, bool missing)
{
    int result = 0;

    MAP_FOREACH (m, x->entries) {
        struct entry *e = map_value(m);
        int r;

        if (!e->sandbox_id || e->told || strcmp(e->sandbox_id, sandbox->c->id) != 0 ||
            strcmp(e->c->runtime_namespace, sandbox->c->runtime_namespace) != 0)
            continue;
        e->sandbox_missing = missing;
        r = tell(x, e);
        result = r < 0 ? r : result;
    }
    return result;
}

static int set_text(char **to, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        return -ENOMEM;
    free(*to);
    *to = copy;
    return 0;
}

int containerd_index_put_details(struct containerd_index *x, const char *name_space,
                                 struct containerd_container *cc)
{
    struct entry *e;
    int r = obtain(x, &e, name_space, cc->id);

    if (r == 0)
        r = set_text(&e->sandbox_id, container_identity_sandbox(cc));
    if (r == 0)
        r = set_text(&e->cgroups_path, cc->cgroups_path);
    if (r < 0) {
        containerd_container_done(cc);
        return r;
    }
    map_drop(x->wanted, e->key);
    containerd_container_done(&e->details);
    e->details = *cc;
    *cc = (struct containerd_container){0};
    e->detailed = true;
    e->is_sandbox = container_identity_is_sandbox(&e->details);
    e->container_listing = x->listing;
    return e->is_sandbox ? tell_of_sandbox(x, e, false) : tell(x, e);
}

int containerd_index_put_task(struct containerd_index *x, const char *name_space, const char *id,
                              int pid, enum container_state state)
{
    struct entry *e;
    int r = obtain(x, &e, name_space, id);

    if (r < 0)
        return r;
    e->container_listing = e->task_listing = x->listing;
    if (state == CONTAINER_STOPPED && !e->told)
        return 0; /* a task that ended before we saw it has nothing to bind */
    if (pid > 0)
        e->c->pid = pid;
    e->c->state = state;
    return tell(x, e);
}

int containerd_index_expect(struct containerd_index *x, const char *name_space, const char *id)
{
    struct entry *e;
    int r = obtain(x, &e, name_space, id);

    if (r == 0)
        e->container_listing = x->listing;
    return r;
}

void containerd_index_refresh(struct containerd_index *x, const char *name_space, const char *id)
{
    struct entry *e = find(x, name_space, id);

    if (e && want(x, e) < 0)
        return; /* the next listing brings the details as well */
}

static void drop_task(struct containerd_index *x, struct entry *e)
{
    tell_dropped(x, e);
    forget_place(e);
    e->c->pid = 0;
    e->c->state = CONTAINER_UNKNOWN;
}

void containerd_index_drop_task(struct containerd_index *x, const char *name_space, const char *id)
{
    struct entry *e = find(x, name_space, id);

    if (e)
        drop_task(x, e);
}

static void drop(struct containerd_index *x, struct entry *e)
{
    drop_task(x, e);
    map_drop(x->wanted, e->key);
    map_drop(x->entries, e->key);
}

void containerd_index_drop(struct containerd_index *x, const char *name_space, const char *id)
{
    struct entry *e = find(x, name_space, id);

    if (!e)
        return;
    if (!e->detailed && tell_of_sandbox(x, e, true) < 0)
        x->events->trouble("a container cannot be judged: no memory", x->events->data);
    drop(x, e);
}

void containerd_index_begin_listing(struct containerd_index *x)
{
    x->listing++;
}

void containerd_index_end_listing(struct containerd_index *x)
{
    MAP_FOREACH (m, x->entries) {
        struct entry *e = map_value(m);

        if (e->container_listing != x->listing)
            drop(x, e);
        else if (e->c->pid > 0 && e->task_listing != x->listing)
            drop_task(x, e);
    }
}

bool containerd_index_next_wanted(struct containerd_index *x, const char **ret_name_space,
                                  const char **ret_id)
{
    struct map_entry *first = map_first(x->wanted);
    struct entry *e;

    if (!first)
        return false;
    e = map_value(first);
    map_drop(x->wanted, e->key);
    *ret_name_space = e->c->runtime_namespace;
    *ret_id = e->c->id;
    return true;
}

const struct container *containerd_index_find(const struct containerd_index *x,
                                              const char *name_space, const char *id)
{
    const struct entry *e = find(x, name_space, id);

    return e && e->told ? e->c : NULL;
}

void containerd_index_set_state(struct containerd_index *x, const char *name_space, const char *id,
                                enum container_state state)
{
    struct entry *e = find(x, name_space, id);

    if (e)
        e->c->state = state;
}

void containerd_index_each(const struct containerd_index *x,
                           void (*found)(const struct container *c, void *data), void *data)
{
    MAP_FOREACH (m, x->entries) {
        const struct entry *e = map_value(m);

        if (e->told)
            found(e->c, data);
    }
}
