/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One rule file: what a built-in rule is called, and what it means for each enforcer.
 *
 *     name: disallow-access-kallsyms
 *     category: hardening            # attack-protection, vulnerability-mitigation, base
 *     aliases: [other-name]          # may be left out
 *     description: no reading of kernel addresses
 *     bpf:                           # in this order; each entry is one rule of the profile
 *       - file: "/proc/kallsyms"     # with permissions: [read, write, append]
 *         permissions: [read]
 *       - exec: "/XX/sh"             # XX being **
 *       - capabilities: [all]        # with except: [...]
 *       - socket_domains: [inet]
 *       - socket_protocols: [icmp]
 *       - egress: "169.254.169.254"  # an address or a block, every port
 *       - ptrace: [trace, read]      # towards other containers
 *       - mount: "XX"                # source pattern
 *         fstype: "proc"
 *         flags: 0xFFE1CDDF          # and perhaps reverse_flags, and privileged_only: true
 *
 * Instead of bpf a file may say `unsupported: why`: the name is known, and refused with the reason.
 * The reader is strict (an unknown key or word is an error), though the files are our own: a typo
 * must not weaken a rule. Pure: no I/O, no logging.
 */
#include "lib/error.h"
#include "lib/profile.h"
#include "profiles/rules.h"

#define BUILTIN_RULE_MAX_ENTRIES 64 /* of one file: privileged_only is one word */
#define BUILTIN_RULE_MAX_ALIASES 8

struct builtin_rule {
    char *name;
    enum builtin_category category; /* BUILTIN_CATEGORIES for base content */
    char *description;
    char *aliases[BUILTIN_RULE_MAX_ALIASES];
    size_t n_aliases;
    char *unsupported; /* why no enforcer of this version carries it out; NULL: content has rules */
    struct profile *content;  /* owned; only its rules are used; their mode is 0 */
    uint64_t privileged_only; /* bit i: rule i is left out of unprivileged policies */
};

/* Reads one file; file is its name for messages. 0, -ENOMEM, or -EINVAL with *reterr, which begins
 * with file and line. */
int builtin_rule_parse(struct builtin_rule **ret, const char *file, const char *text, size_t len,
                       struct error **reterr);
struct builtin_rule *builtin_rule_free(struct builtin_rule *d); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct builtin_rule *, builtin_rule_free)

/* Appends the rules to a profile with the given mode and origin. 0, -ENOMEM, or -E2BIG with *reterr
 * (PROFILE_MAX_RULES). */
int builtin_rule_append(const struct builtin_rule *d, struct profile *p, unsigned mode,
                        const char *origin, bool privileged, struct error **reterr);
