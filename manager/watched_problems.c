/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/watched_problems.h"

#include <errno.h>
#include <string.h>

#include "lib/map.h"
#include "lib/policy/findings.h"

int watched_problems_init(struct watched_problems *p)
{
    p->of_key = map_new(free, WATCHED_PROBLEMS_MAX);
    return p->of_key ? 0 : -ENOMEM;
}

void watched_problems_done(struct watched_problems *p)
{
    map_free(p->of_key);
    free(p->trouble);
    *p = (struct watched_problems){0};
}

void watched_problems_set_trouble(struct watched_problems *p, const char *reason)
{
    if (!reason && !p->trouble)
        return;
    if (reason && p->trouble && strcmp(reason, p->trouble) == 0)
        return;
    free(p->trouble);
    p->trouble = reason ? strdup(reason) : NULL;
    p->changed = true;
}

void watched_problems_put(struct watched_problems *p, const char *key, const char *text)
{
    const char *before = map_find(p->of_key, key);
    char *copy;

    if (before && strcmp(before, text) == 0)
        return;
    p->changed = true;
    copy = strdup(text);
    if (!copy || map_put(p->of_key, key, copy) < 0) {
        free(copy);
        p->n_more += !before;
    }
}

void watched_problems_drop(struct watched_problems *p, const char *key)
{
    if (map_size(p->of_key) == 0 || !map_drop(p->of_key, key))
        return;
    if (map_size(p->of_key) == 0)
        p->n_more = 0; /* those that had no room are not known by name */
    p->changed = true;
}

void watched_problems_tell(struct watched_problems *p, struct findings *findings)
{
    if (p->trouble)
        findings_add(findings, FINDING_ERROR, 0, 0, "%s", p->trouble);
    MAP_FOREACH (e, p->of_key)
        findings_add(findings, FINDING_ERROR, 0, 0, "'%s': %s", error_quote(map_key(e)),
                     (const char *)map_value(e));
    if (p->n_more > 0)
        findings_add(findings, FINDING_ERROR, 0, 0, "and %zu more objects", p->n_more);
    p->changed = false;
}
