/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/resolver.h"

#include <errno.h>
#include <string.h>

#include "lib/map.h"
#include "manager/object_key.h"

struct resolver {
    struct map *workloads; /* kind/namespace/name -> const struct object, borrowed */
};

static const enum target_kind kind_of_object[OBJECT_KINDS] = {
    [OBJECT_DEPLOYMENT] = TARGET_DEPLOYMENT,
    [OBJECT_STATEFULSET] = TARGET_STATEFULSET,
    [OBJECT_DAEMONSET] = TARGET_DAEMONSET,
};

struct resolver *resolver_new(void)
{
    CLEANUP(resolver_free) struct resolver *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->workloads = map_new(NULL, 0); /* bounded by the source */
    return r->workloads ? TAKE(r) : NULL;
}

struct resolver *resolver_free(struct resolver *r)
{
    if (!r)
        return NULL;
    map_free(r->workloads);
    free(r);
    return NULL;
}

bool resolver_wants(enum object_kind kind)
{
    return kind < OBJECT_KINDS && kind_of_object[kind] != TARGET_NONE;
}

static const char *workload_key(const struct object *o, char key[static OBJECT_KEY_SIZE])
{
    return object_key(key, object_kind_name(o->kind), o->name_space, o->name);
}

const struct object *resolver_find(const struct resolver *r, const struct object *o)
{
    char key[OBJECT_KEY_SIZE];

    return map_find(r->workloads, workload_key(o, key));
}

int resolver_put(struct resolver *r, const struct object *o)
{
    char key[OBJECT_KEY_SIZE];

    return map_put(r->workloads, workload_key(o, key), (void *)o);
}

void resolver_drop(struct resolver *r, const struct object *o)
{
    char key[OBJECT_KEY_SIZE];

    map_drop(r->workloads, workload_key(o, key));
}

/* Does the policy's target mean this workload? A target without name and selector means all of its
 * kind. */
static bool target_means(const struct profile_target *target, const struct object *workload)
{
    if (kind_of_object[workload->kind] != target->kind || !workload->manifest->selector)
        return false;
    if (target->name_space && strcmp(target->name_space, workload->name_space) != 0)
        return false;
    if (target->name && strcmp(target->name, workload->name) != 0)
        return false;
    return selector_match(target->selector, workload->manifest->labels);
}

bool resolver_means(const struct policy *policy, const struct object *workload)
{
    return target_means(&policy->target, workload);
}

static int add_target(struct resolved_targets *to, const struct profile_target *target,
                      struct error **reterr)
{
    struct profile_target *items;

    if (to->n == PROFILE_MAX_TARGETS)
        return error_set(reterr, -E2BIG, "spec.target: more than %d workloads match",
                         PROFILE_MAX_TARGETS - 1);
    items = reallocarray(to->items, to->n + 1, sizeof(*items));
    if (!items)
        return error_oom(reterr);
    to->items = items;
    items[to->n++] = *target;
    return 0;
}

/* By namespace, then selector: the order of files must not change a profile's digest. */
static int by_meaning(const void *a, const void *b)
{
    const struct profile_target *x = a, *y = b;
    int order = strcmp(x->name_space, y->name_space);

    return order ? order : strcmp(selector_text(x->selector), selector_text(y->selector));
}

int resolver_targets(const struct resolver *r, const struct policy *policy,
                     struct resolved_targets *ret, struct error **reterr)
{
    const struct profile_target *own = &policy->target;
    struct resolved_targets targets = {0};
    int code = add_target(&targets, own, reterr);

    if (own->kind != TARGET_POD)
        MAP_FOREACH (e, r->workloads) {
            const struct object *workload = map_value(e);
            const struct profile_target pods = {.kind = TARGET_POD,
                                                .name_space = workload->name_space,
                                                .selector = workload->manifest->selector,
                                                .containers = own->containers,
                                                .n_containers = own->n_containers};

            if (code == 0 && target_means(own, workload))
                code = add_target(&targets, &pods, reterr);
        }
    if (code < 0) {
        resolved_targets_done(&targets);
        return code;
    }
    qsort(targets.items + 1, targets.n - 1, sizeof(*targets.items), by_meaning);
    *ret = targets;
    return 0;
}

void resolved_targets_done(struct resolved_targets *t)
{
    free(t->items);
    *t = (struct resolved_targets){0};
}
