/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/binding.h"

#include <string.h>

#include "agent/container.h"
#include "lib/policy/target.h"

static bool is_better(const struct profile *a, const struct profile *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return strcmp(a->name, b->name) < 0;
}

static const char *text_or_null(const char *text)
{
    return text && text[0] ? text : NULL;
}

const struct profile *binding_choose(const struct profile *const *profiles, size_t n_profiles,
                                     const struct container *c)
{
    const struct target_subject subject = {
        .name_space = c->pod_namespace,
        .pod_name = text_or_null(c->pod_name),
        .container_name = text_or_null(c->name),
        .workload_kind = target_kind_parse(text_or_null(c->workload_kind)),
        .workload_name = text_or_null(c->workload_name),
        .labels = c->labels,
    };
    const struct profile *best = NULL;

    for (size_t i = 0; i < n_profiles; i++) {
        if (target_any_matches(profiles[i], &subject) && (!best || is_better(profiles[i], best)))
            best = profiles[i];
    }
    return best;
}

enum binding_action binding_decide(const struct binding_state *s)
{
    bool is_bound = s->bound[0] != '\0';

    if (is_bound && s->bound_is_opaque)
        return BINDING_KEEP;
    if (!s->wanted)
        return is_bound ? BINDING_UNBIND : BINDING_KEEP;
    if (s->wanted_binders && s->cgroup_id == 0)
        return BINDING_BLOCKED;
    if (strcmp(s->bound, s->wanted) == 0 && s->bound_binders == s->wanted_binders &&
        (!s->wanted_binders || s->bound_cgroup_id == s->cgroup_id))
        return BINDING_KEEP;
    return BINDING_BIND;
}
