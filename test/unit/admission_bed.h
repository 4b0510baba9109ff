/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A profile store with policies from YAML, and objects from JSON, for tests of admission. */
#include <jansson.h>

#include "manager/admission_match.h"
#include "manager/profile_store.h"
#include "manager/resolver.h"
#include "profiles/builder.h"
#include "test/unit/policy_text.h"

static void ignore_profile_changed(unsigned slot UNUSED, void *data UNUSED)
{
}
static void ignore_profile_removed(unsigned slot UNUSED, const char *name UNUSED, void *data UNUSED)
{
}
static void ignore_policy_changed(const struct stored_policy *p UNUSED, bool removed UNUSED,
                                  void *data UNUSED)
{
}
static const struct profile_store_handler ignoring_store_handler = {
    .profile_changed = ignore_profile_changed,
    .profile_removed = ignore_profile_removed,
    .policy_changed = ignore_policy_changed,
};

static inline struct profile_store *admission_store_new(void)
{
    return profile_store_new("varmor", &ignoring_store_handler, NULL);
}

/* Puts a policy; workloads (may be NULL) is what its target is resolved with. */
static inline void admission_store_put(struct profile_store *store, const char *yaml,
                                       const struct resolver *workloads)
{
    struct objects objects = objects_of(yaml);
    struct resolved_targets targets = {0};
    struct builder_facts facts = {0};

    facts.targets = &objects.items[0].policy->target;
    facts.n_targets = 1;
    if (workloads) {
        ck_assert_int_eq(resolver_targets(workloads, objects.items[0].policy, &targets, NULL), 0);
        facts.targets = targets.items;
        facts.n_targets = targets.n;
    }
    ck_assert_int_eq(
        profile_store_put(store, objects.items[0].policy, "f.yaml", &facts, NULL, 1, NULL), 0);
    resolved_targets_done(&targets);
    objects_done(&objects);
}

/* JSON whose quotation marks are written as apostrophes. Owned by the caller. */
static inline json_t *admission_json(const char *text)
{
    char *copy = strdup(text);
    json_error_t e;
    json_t *json;

    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    json = json_loads(copy, JSON_REJECT_DUPLICATES, &e);
    ck_assert_msg(json != NULL, "%s at %d of %s", e.text, e.position, copy);
    free(copy);
    return json;
}

/* metadata.labels of an object. */
static inline struct labels *admission_labels(const json_t *object)
{
    struct labels *labels = labels_new();
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(json_object_get(object, "metadata"), "labels"), key, value)
        ck_assert_int_eq(labels_put(labels, key, json_string_value(value)), 0);
    return labels;
}
