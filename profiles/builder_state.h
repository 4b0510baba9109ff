/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the sources of the builder share: one build under way. builder.c puts it together,
 * builder_choice.c finds the built-in rules, and one source an enforcer makes of them and of the raw
 * rules what the enforcer has to do: builder_bpf.c (with builder_egress.c), builder_apparmor.c (with
 * builder_children.c), builder_seccomp.c.
 *
 * The functions return 0 or a negative errno as builder_build() does. What refuses the policy as a
 * note is no failure: the build goes on, so that everything is told at once.
 */
#include "profiles/builder.h"
#include "profiles/builtin_rule.h"

#define ENHANCE               "spec.policy.enhanceProtect"
#define BUILDER_PATH_SIZE     128 /* of "spec.policy....rules[7]", with its NUL */
#define BUILDER_WHOLE_PROFILE SIZE_MAX

/* A built-in rule that the policy names. */
struct chosen_rule {
    const struct builtin_rule *rule;
    struct policy_position at;
    char *origin; /* owned; "hardeningRules: disallow-mount" */
    char *path;   /* owned; "spec.policy.enhanceProtect.hardeningRules[2]" */
    size_t entry; /* of attackProtectionRules, if that has targets; else BUILDER_WHOLE_PROFILE */
};

struct builder {
    const struct policy *policy;
    const struct builder_facts *facts;
    struct profile *profile;
    unsigned mode; /* enum rule_mode_bit, of all rules without qualifiers of their own */
    struct chosen_rule *chosen; /* owned; hardening, mitigation, attack protection */
    size_t n_chosen;
    struct builder_notes *notes;
    struct error **reterr;
};

/* Adds a note; its text gets the position behind it. 0 or -ENOMEM. */
int builder_note(struct builder *b, enum builder_note_kind kind, struct policy_position at,
                 const char *format, ...) PRINTF_FORMAT(4, 5);
/* Puts the place of what is wrong in front of *reterr. */
int builder_wrong_at(struct builder *b, int r, struct policy_position at, const char *path);
int builder_copy_text(struct builder *b, char **ret, const char *text);
bool builder_has(const struct builder *b, enum enforcer_bit enforcer);

/* Fills b->chosen; unknown names are refused. Each rule must be one that an enforcer of the policy
 * carries out. */
int builder_choose(struct builder *b);
void builder_choice_done(struct builder *b);

/* A new rule for BPF, borrowed. */
int builder_new_rule(struct builder *b, struct rule **ret, enum rule_kind kind, unsigned mode,
                     const char *origin);
/* Qualifiers of its own win over the policy's switches. */
unsigned builder_raw_mode(const struct builder *b, bool has_qualifiers, unsigned qualifiers);

int builder_add_bpf(struct builder *b);
int builder_add_egress(struct builder *b);
/* The services of a built-in rule; a warning if none of them is known. */
int builder_add_services(struct builder *b, const struct chosen_rule *c);
int builder_write_apparmor(struct builder *b);
int builder_write_seccomp(struct builder *b);

/* ---- for builder_apparmor.c: rules for single executables (rules.md 2.9) ---- */
struct builder_child {
    const char **targets; /* owned, borrowed texts */
    size_t n_targets;
    struct aa_rules rules, raw;
};
struct builder_children {
    struct builder_child *items; /* owned */
    size_t n;
};
/* raw[i]: what appArmorRawRules[i] was read as. On failure *ret is to be given back too. */
int builder_children_group(struct builder *b, const struct aa_rules *raw,
                           struct builder_children *ret);
void builder_children_done(struct builder_children *c);
/* Appends copies. */
int builder_append_aa(struct builder *b, struct aa_rules *to, const struct aa_rules *from);
