/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/watched_objects.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/policy/manifest.h"
#include "lib/policy/metadata.h"
#include "manager/source.h"
#include "proto/kubernetes_codec.h"

static void free_object(struct watched_objects *os, struct object *o)
{
    if (!o)
        return;
    labels_pool_release(&os->labels, TAKE(o->manifest->labels));
    object_done(o);
    free(o);
}

void watched_objects_done(struct watched_objects *os)
{
    struct object *o;

    for (size_t at = 0; (o = object_table_next(&os->table, &at));)
        free_object(os, o);
    object_table_done(&os->table);
    labels_pool_done(&os->labels);
}

/* Puts a decoded object into the table; takes what it holds on success. 0 or -ENOMEM. */
static int keep(struct watched_objects *os, struct object *decoded, struct object **ret_kept,
                struct object **ret_before)
{
    CLEANUP_FREE struct object *o = malloc(sizeof(*o));

    if (!o || labels_pool_share(&os->labels, &decoded->manifest->labels) < 0)
        return -ENOMEM;
    *o = *decoded;
    if (object_table_put(&os->table, o, ret_before) < 0) {
        labels_pool_release(&os->labels, TAKE(decoded->manifest->labels));
        return -ENOMEM;
    }
    *decoded = (struct object){0};
    *ret_kept = TAKE(o);
    return 0;
}

bool watched_objects_put(struct watched_objects *os, const uint8_t *data, size_t len,
                         struct error **reterr)
{
    struct object decoded = {0}, *o, *before;
    int r = kubernetes_decode(&decoded, os->kind, data, len, reterr);

    if (r < 0)
        return false;
    before = object_table_find(&os->table, decoded.name_space, decoded.name);
    if (before && manifest_equal(before->manifest, decoded.manifest)) {
        object_done(&decoded);
        return false;
    }
    if (keep(os, &decoded, &o, &before) < 0) {
        object_done(&decoded);
        error_oom(reterr);
        return false;
    }
    os->handler->put(o, os->file, os->data);
    free_object(os, before);
    return true;
}

bool watched_objects_drop(struct watched_objects *os, const char *watch_key)
{
    const char *slash = strchr(watch_key, '/');
    char name_space[OBJECT_NAME_MAX + 1];
    struct object *o;

    snprintf(name_space, sizeof(name_space), "%.*s", slash ? (int)(slash - watch_key) : 0,
             watch_key);
    o = object_table_take(&os->table, name_space, slash ? slash + 1 : watch_key);
    if (!o)
        return false;
    os->handler->dropped(o, os->data);
    free_object(os, o);
    return true;
}
