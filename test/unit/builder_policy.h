/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Profiles of policies given as YAML, for tests of the builder. */
#include "lib/buf.h"
#include "profiles/builder.h"
#include "test/unit/policy_text.h"

#define CLEANUP_NOTES __attribute__((cleanup(builder_notes_done)))

/* A policy of mode EnhanceProtect; rest is what stands below enhanceProtect, indented by six. */
#define ENHANCE_WITH(enforcer, rest)                                                               \
    "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"                                     \
    "metadata: {name: web, namespace: shop}\n"                                                     \
    "spec:\n  target: {kind: Pod, name: p}\n  policy:\n    enforcer: " enforcer                    \
    "\n    mode: EnhanceProtect\n    enhanceProtect:\n" rest
#define MODE_WITH(enforcer, mode)                                                                  \
    "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"                                     \
    "metadata: {name: web, namespace: shop}\n"                                                     \
    "spec:\n  target: {kind: Pod, name: p}\n  policy: {enforcer: " enforcer ", mode: " mode "}\n"

/* The profile of a policy that must become one, with one reference. */
static inline struct profile *profile_of(const char *yaml)
{
    struct objects objects = objects_of(yaml);
    const struct builder_facts facts = {.install_namespace = "varmor"};
    CLEANUP_NOTES struct builder_notes notes = {0};
    CLEANUP(error_free) struct error *e = NULL;
    struct profile *p = NULL;
    int r = builder_build(&p, objects.items[0].policy, &facts, &notes, &e);

    ck_assert_msg(r == 0, "%d: %s%s", r, error_message(e), notes.n ? notes.items[0].text : "");
    objects_done(&objects);
    return p;
}
