/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A profile store with policies that differ by mode alone, for tests of what comes after it. */
#include <stdio.h>

#include "manager/profile_store.h"
#include "profiles/builder.h"
#include "test/unit/policy_text.h"

/* Puts policy shop/NAME in a mode; its profile is "varmor-shop-NAME". */
static inline void store_put(struct profile_store *store, const char *name, const char *mode)
{
    char yaml[512];
    struct objects objects;
    struct builder_facts facts = {0};

    snprintf(yaml, sizeof(yaml),
             "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
             "metadata: {name: %s, namespace: shop}\n"
             "spec:\n  target: {kind: Pod, name: p}\n  policy: {enforcer: BPF, mode: %s}\n",
             name, mode);
    objects = objects_of(yaml);
    facts.targets = &objects.items[0].policy->target;
    facts.n_targets = 1;
    ck_assert_int_eq(
        profile_store_put(store, objects.items[0].policy, "f.yaml", &facts, NULL, 1, NULL), 0);
    objects_done(&objects);
}

static inline const struct stored_policy *store_find(const struct profile_store *store,
                                                     const char *name)
{
    return profile_store_find(store, false, "shop", name);
}
