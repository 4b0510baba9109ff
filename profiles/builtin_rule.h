/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One rule file: what a built-in rule is called, what it is for, and what it means for each
 * enforcer.
 *
 *     name: disallow-access-kallsyms
 *     category: hardening            # attack-protection, vulnerability-mitigation, base
 *     aliases: [other-name]          # may be left out
 *     since: "0.8.0"                 # the incumbent's release by which it exists
 *     description: no reading of kernel addresses
 *     references: [CVE-2022-0847, "capabilities(7)"]    # may be left out
 *     gaps:                          # what it is known not to cover; may be left out
 *       - enforcers: [AppArmor, BPF]
 *         technique: F23             # rules.md 10.2; may be left out
 *         text: a second procfs at another place
 *     supplements: [AppArmor]        # whose content closes a gap of another's, and is not the rule
 *                                    # by itself; may be left out
 *     apparmor:                      # apparmor.d(5) without qualifiers and commas
 *       - "/proc/kallsyms r"
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
 *     seccomp:                       # each entry blocks the calls for which all its args hold
 *       - syscalls: [bpf]
 *         errno: ENOSYS              # what the caller is told; EPERM if left out
 *         args:                      # (arg & mask) == value, of 32-bit arguments
 *           - {index: 0, mask: 0xFFFFFFFF, value: 0x5}
 *     services:                      # BPF: no connection to them; the manager knows the addresses
 *       - {namespace: default, name: kubernetes}
 *
 * Where a path pattern or mount source is {{.DiskDevices}} (BPF) or @{varmor_disks} (AppArmor), the
 * agent puts the disks of its node. The reader is strict (an unknown key or word is an error),
 * though the files are our own: a typo must not weaken a rule. Pure: no I/O, no logging.
 */
#include "lib/apparmor/apparmor.h"
#include "lib/error.h"
#include "lib/profile.h"
#include "lib/seccomp/seccomp.h"
#include "profiles/rules.h"

/* Of one file. */
#define BUILTIN_RULE_MAX_ENTRIES    64 /* privileged_only is one word */
#define BUILTIN_RULE_MAX_ALIASES    8
#define BUILTIN_RULE_MAX_REFERENCES 16
#define BUILTIN_RULE_MAX_GAPS       32
#define BUILTIN_RULE_MAX_SERVICES   8

struct builtin_gap {
    unsigned enforcers; /* enum enforcer_bit; never 0 */
    char *technique;    /* owned; "F23", rules.md 10.2; NULL: none of them */
    char *text;         /* owned */
};

struct builtin_service {
    char *name_space, *name; /* owned */
};

/* Everything that the file says; immutable once read. */
struct builtin_rule {
    char *name;
    enum builtin_category category; /* BUILTIN_CATEGORIES for base content */
    char *since, *description;
    char *aliases[BUILTIN_RULE_MAX_ALIASES];
    size_t n_aliases;
    char *references[BUILTIN_RULE_MAX_REFERENCES];
    size_t n_references;
    struct builtin_gap gaps[BUILTIN_RULE_MAX_GAPS];
    size_t n_gaps;
    unsigned supplements; /* enum enforcer_bit: content, but not the rule by itself */

    struct aa_rules apparmor;
    struct profile *bpf;       /* owned; only its rules are used; their mode is 0 */
    uint64_t privileged_only;  /* bit i: BPF rule i is left out of unprivileged policies */
    struct sc_profile seccomp; /* only its rules are used: blocks, each an SC_ERRNO */
    struct builtin_service services[BUILTIN_RULE_MAX_SERVICES];
    size_t n_services;
};

/* Reads one file; file is its name for messages. 0, -ENOMEM, or -EINVAL with *reterr, which begins
 * with file and line. */
int builtin_rule_parse(struct builtin_rule **ret, const char *file, const char *text, size_t len,
                       struct error **reterr);
struct builtin_rule *builtin_rule_free(struct builtin_rule *d); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct builtin_rule *, builtin_rule_free)

/* The enforcers that carry the rule out by themselves, and those that have any content for it
 * (services are BPF's). enum enforcer_bit. */
unsigned builtin_rule_enforcers(const struct builtin_rule *d);
unsigned builtin_rule_contents(const struct builtin_rule *d);

/* Each of these appends what one enforcer has to do, with the given origin. 0, -ENOMEM, or -E2BIG
 * with *reterr (PROFILE_MAX_RULES, AA_MAX_RULES, SC_MAX_RULES). */
int builtin_rule_append(const struct builtin_rule *d, struct profile *p, unsigned mode,
                        const char *origin, bool privileged, struct error **reterr);
int builtin_rule_append_apparmor(const struct builtin_rule *d, struct aa_rules *rules,
                                 const char *origin, struct error **reterr);
int builtin_rule_append_seccomp(const struct builtin_rule *d, struct sc_profile *blocks,
                                enum sc_action action, const char *origin, struct error **reterr);
