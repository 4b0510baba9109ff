/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/adopted_bindings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/saved_binding.h"
#include "lib/map.h"

#define KEY_SIZE 17 /* 64 bits in hexadecimal */

struct adopted_bindings {
    struct map *by_cgroup; /* -> struct adopted_binding, owned */
};

struct adopted_bindings *adopted_bindings_new(void)
{
    CLEANUP(adopted_bindings_free) struct adopted_bindings *a = calloc(1, sizeof(*a));

    if (!a)
        return NULL;
    a->by_cgroup = map_new(free, ADOPTED_BINDINGS_MAX);
    return a->by_cgroup ? TAKE(a) : NULL;
}

struct adopted_bindings *adopted_bindings_free(struct adopted_bindings *a)
{
    if (!a)
        return NULL;
    map_free(a->by_cgroup);
    free(a);
    return NULL;
}

static const char *make_key(char key[static KEY_SIZE], uint64_t cgroup_id)
{
    snprintf(key, KEY_SIZE, "%" PRIx64, cgroup_id);
    return key;
}

int adopted_bindings_add(struct adopted_bindings *a, uint64_t cgroup_id, const char *profile,
                         enum enforcer_bit enforcer)
{
    char key[KEY_SIZE];
    struct adopted_binding *one = map_find(a->by_cgroup, make_key(key, cgroup_id));

    if (!one) {
        int r;

        one = calloc(1, sizeof(*one));
        r = one ? map_put(a->by_cgroup, key, one) : -ENOMEM;
        if (r < 0) {
            free(one);
            return r;
        }
    }
    one->cgroup_id = cgroup_id;
    one->enforcers |= enforcer;
    snprintf(one->profile, sizeof(one->profile), "%s", profile);
    return 0;
}

void adopted_bindings_read_saved(struct adopted_bindings *a, const char *saved)
{
    while (*saved) {
        struct saved_binding one;
        char key[KEY_SIZE];
        struct adopted_binding *found = NULL;

        if (saved_binding_parse(&one, &saved))
            found = map_find(a->by_cgroup, make_key(key, one.cgroup_id));
        if (!found || strcmp(found->profile, one.profile) != 0)
            continue;
        found->since_ns = one.since_ns;
        found->before_first_instruction = one.before_first_instruction;
    }
}

bool adopted_bindings_take(struct adopted_bindings *a, uint64_t cgroup_id,
                           struct adopted_binding *ret)
{
    char key[KEY_SIZE];
    CLEANUP_FREE struct adopted_binding *one = map_take(a->by_cgroup, make_key(key, cgroup_id));

    if (one)
        *ret = *one;
    return one != NULL;
}

bool adopted_bindings_take_any(struct adopted_bindings *a, struct adopted_binding *ret)
{
    struct map_entry *first = map_first(a->by_cgroup);

    if (!first)
        return false;
    *ret = *(const struct adopted_binding *)map_value(first);
    map_drop(a->by_cgroup, map_key(first));
    return true;
}
