/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What each class of rules may say, as tables: its word, its accesses, its conditions, its names.
 *
 *   CLASS [ACCESS | (ACCESS, ...)] [CONDITION=VALUE | CONDITION in (VALUE, ...)]... [NAME] [-> NAME]
 *
 * rule_class.c reads every class but files (file_rule.h) by them, and notes what a rule says in its canonical form as
 * it goes.
 */
#include "lib/apparmor/apparmor.h"
#include "lib/apparmor/rule_text.h"
#include "lib/policy/words.h"

enum condition_form {
    CONDITION_GLOB,   /* name=GLOB */
    CONDITION_LIST,   /* name=GLOB, name=(GLOB, ...), name in (GLOB, ...) */
    CONDITION_WORDS,  /* the same with the words of a list only */
    CONDITION_WORD,   /* one of them */
    CONDITION_NESTED, /* name=(name=GLOB, ...) */
};

struct rule_condition {
    const char *name;
    enum condition_form form;
    const struct words *words; /* CONDITION_WORDS, CONDITION_WORD */
    bool may_repeat;
};

struct rule_class {
    const char *keyword;
    enum aa_class kind;
    const struct words *access;              /* NULL: none to choose */
    const struct rule_condition *conditions; /* borrowed, like the two below */
    size_t n_conditions;
    const struct rule_condition *nested; /* of the condition of CONDITION_NESTED */
    size_t n_nested;
    bool takes_name;   /* a path or a source */
    bool takes_target; /* -> NAME */
};

extern const struct words rule_capabilities; /* value: the number */
/* A class by its word; NULL: there is none. Files are not here. */
const struct rule_class *rule_class_find(const char *keyword);
/* Tells what a rule can begin with, and what is near to word. 0 or -ENOMEM. */
int rule_class_explain(const char *word, struct buf *out);

/* The flags of mount that are commands, in struct word.value of options; other flags are below. */
enum {
    RULE_MOUNT_BIND = 1 << 24,
    RULE_MOUNT_MOVE = 1 << 25,
    RULE_MOUNT_REMOUNT = 1 << 26,
    RULE_MOUNT_SHARING = 1 << 27, /* private, slave, ... */
};

/* What a rule has said. */
struct rule_said {
    uint32_t access, conditions; /* 1 << index in the tables */
    uint64_t set, taken;         /* flags of mount, of all lists */
    bool name;                   /* a path or a source */
};
bool rule_said_access(const struct rule_said *said, const struct rule_class *class,
                      const char *word);
bool rule_said_condition(const struct rule_said *said, const struct rule_class *class,
                         const char *name);

/* Reads what follows the class's word, on which t stands, up to the comma. 0, -EINVAL (told) or -ENOMEM; rule and
 * text may be half filled then. */
int rule_class_parse(struct rule_text *t, const struct rule_class *class, struct aa_rule *rule,
                     struct buf *text);
