/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/target.h"

#include <string.h>

#include "lib/policy/selector.h"

/* A part of a target that is NULL asks for nothing; a fact that is NULL fits no part that asks. */
static bool text_fits(const char *wanted, const char *fact)
{
    return !wanted || (fact && strcmp(wanted, fact) == 0);
}

static bool container_fits(const struct profile_target *target, const char *name)
{
    if (target->n_containers == 0)
        return true;
    for (size_t i = 0; name && i < target->n_containers; i++)
        if (strcmp(target->containers[i], name) == 0)
            return true;
    return false;
}

bool target_matches(const struct profile_target *target, const struct target_subject *subject)
{
    const char *name = subject->pod_name;

    if (target->kind == TARGET_NONE || target->kind >= TARGET_KINDS)
        return false;
    if (target->kind != TARGET_POD) {
        if (subject->workload_kind != target->kind)
            return false;
        name = subject->workload_name;
    }
    return text_fits(target->name_space, subject->name_space) && text_fits(target->name, name) &&
           container_fits(target, subject->container_name) &&
           selector_match(target->selector, subject->labels);
}

bool target_any_matches(const struct profile *profile, const struct target_subject *subject)
{
    for (size_t i = 0; i < profile->n_targets; i++)
        if (target_matches(&profile->targets[i], subject))
            return true;
    return false;
}

enum target_kind target_kind_parse(const char *text)
{
    for (enum target_kind k = TARGET_NONE + 1; text && k < TARGET_KINDS; k++)
        if (strcmp(text, target_kind_name(k)) == 0)
            return k;
    return TARGET_NONE;
}
