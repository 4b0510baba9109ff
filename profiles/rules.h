/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The built-in rules: one YAML file a rule under profiles/rules/, compiled into the binary as data
 * and read once.
 */
#include "lib/error.h"
#include "lib/policy/object.h"
#include "lib/profile.h"

enum builtin_category {
    BUILTIN_HARDENING,
    BUILTIN_ATTACK_PROTECTION,
    BUILTIN_MITIGATION,
    BUILTIN_CATEGORIES
};

/* As rule files have it ("attack-protection"; "base" for BUILTIN_CATEGORIES); static. */
const char *builtin_category_name(enum builtin_category category);
/* The policy's list in which the rules of a category stand ("hardeningRules"); static. */
const char *builtin_category_list(enum builtin_category category);

struct builtin_rule; /* profiles/builtin_rule.h; static until builtin_rules_unload() */

/* Reads the files. The other functions do it when they are first called; who calls it before them
 * learns what is wrong. 0, -ENOMEM, or -EINVAL with *reterr. unload() gives the memory back. */
int builtin_rules_load(struct error **reterr);
void builtin_rules_unload(void);

/* Finds by any spelling (lower-cased, '_' is '-'; aliases). NULL: unknown in this category or at
 * all. */
const struct builtin_rule *builtin_rule_find(enum builtin_category category, const char *name);
/* Says why a name is not in a category: "'x' is not a hardening rule (hardeningRules); it is ...",
 * or "...; did you mean 'y'?". Returns -EINVAL, or -ENOMEM. */
int builtin_rule_unknown(enum builtin_category category, const char *name, struct error **reterr);
/* The same question as object_checks.builtin_rule asks it: is there such a rule for a policy's list? 0,
 * -EINVAL with *reterr, or -ENOMEM. */
int builtin_rule_check(enum policy_rule_list list, const char *name, struct error **reterr);
/* The rules in the order of their names, the base ones left out. NULL: no more (or they cannot be
 * read: builtin_rules_load() says why). */
const struct builtin_rule *builtin_rule_at(size_t i);
const char *builtin_rule_name(const struct builtin_rule *r);
const char *builtin_rule_description(const struct builtin_rule *r);

/* The rules of mode RuntimeDefault, with which EnhanceProtect begins too; NULL: they cannot be read
 * (builtin_rules_load() says why). */
const struct builtin_rule *builtin_rule_base(void);
