/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/admission_match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/policy/policy.h"
#include "lib/policy/target.h"
#include "manager/profile_store.h"

#define LABEL_WORKLOAD    "varmor.org/workload" /* docs/targets.md: "Deployment/web" */
#define WORKLOAD_NAME_MAX 253

void admission_candidates_done(struct admission_candidates *c)
{
    free(c->items);
    *c = (struct admission_candidates){0};
}

static bool container_is_meant(const struct profile_target *target, const char *container)
{
    if (target->n_containers == 0 || !container)
        return true;
    for (size_t i = 0; i < target->n_containers; i++)
        if (strcmp(target->containers[i], container) == 0)
            return true;
    return false;
}

/* Does a target mean a pod, or one container of it (NULL: any)? */
static bool pod_is_meant(const struct profile_target *target, const struct admission_subject *s,
                         const char *container)
{
    const char *label = labels_get(s->labels, LABEL_WORKLOAD);
    const char *slash = label ? strchr(label, '/') : NULL;
    char kind[WORKLOAD_NAME_MAX + 1] = "";
    struct target_subject subject = {
        .name_space = s->name_space, .pod_name = s->name, .labels = s->labels};

    subject.container_name = container;
    if (!container && target->n_containers > 0)
        subject.container_name = target->containers[0];
    if (slash && (size_t)(slash - label) < sizeof(kind)) {
        memcpy(kind, label, (size_t)(slash - label));
        subject.workload_kind = target_kind_parse(kind);
        subject.workload_name = slash + 1;
    }
    return target_matches(target, &subject);
}

static bool workload_is_meant(const struct profile_target *target,
                              const struct admission_subject *s, const char *container)
{
    return target->kind == s->kind &&
           (!target->name_space || strcmp(target->name_space, s->name_space) == 0) &&
           (!target->name || (s->name && strcmp(target->name, s->name) == 0)) &&
           selector_match(target->selector, s->labels) && container_is_meant(target, container);
}

bool admission_means_workload(const struct profile_target *target,
                              const struct admission_subject *subject)
{
    return workload_is_meant(target, subject, NULL);
}

static bool policy_means(const struct stored_policy *p, const struct admission_subject *s,
                         const char *container)
{
    if (!p->profile)
        return false;
    if (s->kind != TARGET_POD)
        return workload_is_meant(&p->in_force->target, s, container);
    for (size_t i = 0; i < p->profile->n_targets; i++)
        if (pod_is_meant(&p->profile->targets[i], s, container))
            return true;
    return false;
}

static int compare_candidates(const void *a, const void *b)
{
    const struct profile *pa = (*(const struct stored_policy *const *)a)->profile;
    const struct profile *pb = (*(const struct stored_policy *const *)b)->profile;

    if (pa->priority != pb->priority)
        return pa->priority > pb->priority ? -1 : 1;
    return strcmp(pa->name, pb->name);
}

int admission_match(struct admission_candidates *ret, const struct profile_store *store,
                    const struct admission_subject *subject)
{
    unsigned n_slots = profile_store_n_slots(store);
    const struct stored_policy **items = NULL;
    size_t n = 0, cap = 0;

    for (unsigned i = 0; i < n_slots; i++) {
        const struct stored_policy *p = profile_store_slot(store, i)->owner;
        const struct stored_policy **more;

        if (!p || !policy_means(p, subject, NULL))
            continue;
        if (n == cap) {
            cap = cap ? 2 * cap : 4;
            more = reallocarray(items, cap, sizeof(*items));
            if (!more) {
                free(items);
                return -ENOMEM;
            }
            items = more;
        }
        items[n++] = p;
    }
    if (n > 1)
        qsort(items, n, sizeof(*items), compare_candidates);
    *ret = (struct admission_candidates){.items = items, .n = n};
    return 0;
}

const struct stored_policy *admission_choose(const struct admission_candidates *candidates,
                                             const struct admission_subject *subject,
                                             const char *container)
{
    for (size_t i = 0; i < candidates->n; i++)
        if (policy_means(candidates->items[i], subject, container))
            return candidates->items[i];
    return NULL;
}
