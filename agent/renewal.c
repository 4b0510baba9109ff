/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/renewal.h"

#include <errno.h>
#include <string.h>

#include "agent/state_dir.h"
#include "agent/store.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/ruleset/disk_list.h"

#define DISKS_MAX_BYTES (DISK_LIST_MAX * (DISK_PATH_MAX + 1))

struct renewal {
    const struct store *store;
    struct state_dir *dir;
    void (*apply)(const char *profile, void *data);
    void *data;
    struct map *names; /* of profiles that wait for their turn -> nothing */
    struct loop_timer *timer;
    struct buf disks; /* to be kept once all is done; empty: they are */
};

void renewal_check(struct renewal *r)
{
    CLEANUP(error_free) struct error *problem = NULL;

    if (r->disks.len == 0 || map_size(r->names) > 0 || store_is_pending(r->store) ||
        store_is_stale(r->store))
        return;
    if (r->dir && state_dir_save_note(r->dir, STATE_NOTE_DISKS, &r->disks, &problem) < 0)
        LOG(WARNING, "disks-not-kept", "the next start applies anew what concerns them",
            LOG_STR("reason", error_message(problem)));
    buf_clear(&r->disks);
}

static void on_timer(void *data)
{
    struct renewal *r = data;
    struct map_entry *first = map_first(r->names);
    CLEANUP_FREE char *name = first ? strdup(map_key(first)) : NULL;

    if (name) {
        map_drop(r->names, name);
        r->apply(name, r->data);
    }
    if (map_size(r->names) > 0)
        loop_timer_set(r->timer, name ? 0 : NS_PER_SEC); /* without memory: later */
    renewal_check(r);
}

int renewal_new(struct renewal **ret, struct loop *loop, const struct store *store,
                struct state_dir *dir, void (*apply)(const char *profile, void *data), void *data)
{
    CLEANUP(renewal_free) struct renewal *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->store = store;
    r->dir = dir;
    r->apply = apply;
    r->data = data;
    r->disks = BUF_INIT(DISKS_MAX_BYTES);
    r->names = map_new(NULL, STORE_MAX_PROFILES);
    if (!r->names || loop_timer_new(loop, &r->timer, on_timer, r) < 0)
        return -ENOMEM;
    *ret = TAKE(r);
    return 0;
}

struct renewal *renewal_free(struct renewal *r)
{
    if (!r)
        return NULL;
    loop_timer_free(r->timer);
    map_free(r->names);
    buf_done(&r->disks);
    free(r);
    return NULL;
}

void renewal_put(struct renewal *r, const char *profile)
{
    if (map_put(r->names, profile, r) < 0)
        LOG(WARNING, "profile-not-renewed", "no memory; it stays as it is",
            LOG_STR("profile", profile));
    loop_timer_set(r->timer, 0);
}

static void put_if_concerned(const char *profile, void *data)
{
    struct renewal *r = data;
    const struct profile *p = store_find_newest(r->store, profile);

    if (p && disk_list_concerns(p))
        renewal_put(r, profile);
}

/* A line each; a node without disks has one empty line. 0, -E2BIG or -ENOMEM. */
static int write_disks(const char *const *paths, size_t n, struct buf *out)
{
    int r = n == 0 ? buf_add_text(out, "\n") : 0;

    for (size_t i = 0; i < n && r == 0; i++)
        r = buf_format(out, "%s\n", paths[i]);
    return r;
}

/* Are these the disks that all profiles in force were made for? */
static bool are_kept(const struct renewal *r, const struct buf *disks)
{
    CLEANUP_BUF struct buf kept = BUF_INIT(DISKS_MAX_BYTES);

    return r->disks.len == 0 && r->dir &&
           state_dir_load_note(r->dir, STATE_NOTE_DISKS, &kept, NULL) == 0 &&
           kept.len == disks->len && memcmp(kept.data, disks->data, disks->len) == 0;
}

/* From now on some profiles are made for other disks than others. No list is empty, so none is like
 * this one. */
static void forget_kept(const struct renewal *r)
{
    CLEANUP(error_free) struct error *problem = NULL;

    if (r->dir && state_dir_save_note(r->dir, STATE_NOTE_DISKS, &BUF_INIT(0), &problem) < 0)
        LOG(WARNING, "disks-not-forgotten", "a start among the disks of before finds nothing to do",
            LOG_STR("reason", error_message(problem)));
}

void renewal_set_disks(struct renewal *r, const char *const *paths, size_t n)
{
    CLEANUP_BUF struct buf disks = BUF_INIT(DISKS_MAX_BYTES);
    bool is_written = write_disks(paths, n, &disks) == 0;

    if (is_written && are_kept(r, &disks))
        return;
    LOG(INFO, "disks-changed", "profiles that concern them are applied anew", LOG_INT("disks", n));
    buf_clear(&r->disks);
    forget_kept(r);
    if (!is_written || buf_add(&r->disks, disks.data, disks.len) < 0)
        LOG(WARNING, "disks-not-kept", "no memory; the next start applies anew what concerns them");
    store_each(r->store, put_if_concerned, r);
    renewal_check(r);
}
