/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Seccomp profiles as values: built from rules, written and read as OCI JSON (runtime-spec,
 * "linux.seccomp"), compiled by libseccomp, and asked what a system call would get.
 *
 * Invariants
 * 1. A value's architectures are not in it: the node adds its own when the file is written.
 * 2. Arguments that the kernel takes as 32-bit integers are compared as such (W36): whoever builds a
 * condition says its width, and a 32-bit equality becomes a masked one. A filter sees 64 bits, the
 * kernel ignores the upper ones, so an equality of all 64 is passed by a call that sets one of them.
 * 3. A rule whose verdict is the profile's default one changes nothing and is skipped by runtimes
 * and by sc_compile(). sc_profile_block() leaves such rules behind, so that a denial can be told the
 * rule that wanted it.
 *
 * Pure: no I/O, no logging, allocates.
 */
#include "lib/buf.h"
#include "lib/digest.h"
#include "lib/error.h"

enum sc_action { /* SCMP_ACT_* of the OCI specification, the more lenient first */
                 SC_ALLOW,
                 SC_LOG,
                 SC_TRACE,
                 SC_NOTIFY,
                 SC_ERRNO,
                 SC_TRAP,
                 SC_KILL_THREAD, /* SCMP_ACT_KILL too */
                 SC_KILL_PROCESS,
                 SC_ACTIONS,
};
const char *sc_action_name(enum sc_action a);               /* "SCMP_ACT_ERRNO"; static */
int sc_action_parse(enum sc_action *ret, const char *word); /* 0 or -EINVAL */
/* Does a call with this verdict go on, logged or not? */
static inline bool sc_action_allows(enum sc_action a)
{
    return a == SC_ALLOW || a == SC_LOG;
}

enum sc_compare { SC_NE, SC_LT, SC_LE, SC_EQ, SC_GE, SC_GT, SC_MASKED_EQ, SC_COMPARES };
const char *sc_compare_name(enum sc_compare c); /* "SCMP_CMP_EQ"; static */
int sc_compare_parse(enum sc_compare *ret, const char *word);

#define SC_MAX_ARGS      6
#define SC_MAX_NAMES     1024 /* of one rule */
#define SC_MAX_NAME      63   /* bytes of a system call's name */
#define SC_MAX_ORIGIN    255  /* bytes */
#define SC_MAX_RULES     4096
#define SC_MAX_CUBES     1024 /* rules that one system call's conditions may become by blocks */
#define SC_MAX_JSON      (1024 * 1024)
#define SC_MAX_ERRNO     4095 /* the kernel's MAX_ERRNO */
#define SC_DEFAULT_ERRNO 1    /* EPERM: the OCI specification on an action without a number */

struct sc_arg {
    unsigned index;
    enum sc_compare op;
    uint64_t value, value_two; /* MASKED_EQ: (arg & value) == value_two */
};
/* Conditions are and-ed. */
struct sc_rule {
    char **names; /* owned; system call names */
    size_t n_names;
    enum sc_action action;
    unsigned errno_ret; /* of SC_ERRNO, SC_TRACE */
    struct sc_arg args[SC_MAX_ARGS];
    size_t n_args;
    char *origin; /* owned; travels as "comment", which runtimes skip; NULL: none */
};
struct sc_profile {
    enum sc_action default_action;
    unsigned default_errno;
    bool log;              /* SECCOMP_FILTER_FLAG_LOG: denials are audited */
    struct sc_rule *rules; /* owned */
    size_t n_rules;
};
/* Can it be the name of a system call? Lower-case letters, digits, '_', at most SC_MAX_NAME bytes. */
bool sc_is_call_name(const char *text);
void sc_profile_done(struct sc_profile *p); /* leaves an empty profile that allows everything */
#define CLEANUP_SC_PROFILE __attribute__((cleanup(sc_profile_done)))

/* Appends a rule for one or more names; borrowed until the next call. NULL: no memory or SC_MAX_RULES. */
struct sc_rule *sc_profile_add(struct sc_profile *p, enum sc_action action, unsigned errno_ret,
                               const char *origin);
int sc_rule_add_name(struct sc_rule *r, const char *name); /* 0, -E2BIG or -ENOMEM */
/* (arg & mask) == value, of a 32-bit argument. index is below SC_MAX_ARGS and new to the rule. */
void sc_rule_add_arg32(struct sc_rule *r, unsigned index, uint32_t mask, uint32_t value);

/* An entry as the OCI specification means it: where an index occurs twice, its conditions are
 * alternatives, a rule each; else they are and-ed, one rule. n_args is at most SC_MAX_ENTRY_ARGS,
 * indexes are below SC_MAX_ARGS. like (names, verdict, origin) is copied and is not a rule of p. 0,
 * -E2BIG or -ENOMEM; on failure the profile is to be thrown away. */
#define SC_MAX_ENTRY_ARGS 64
int sc_profile_add_entry(struct sc_profile *p, const struct sc_rule *like,
                         const struct sc_arg *args, size_t n_args);

/* Takes a call out of the rules whose verdict is neither SC_ALLOW nor SC_LOG: what they denied gets
 * the default verdict. */
void sc_profile_drop_denials(struct sc_profile *p, const char *name);

/* Lays blocks over a profile: whatever the profile (its rules, or its default) lets a call do that
 * is more lenient than a block whose conditions hold, the block's verdict takes its place; nothing
 * else changes. So in a profile that denies by default the calls in question stay allowed only where
 * no block's condition holds; in one that allows by default the blocks are rules. A block that
 * changes nothing leaves no trace; an action SC_ALLOW never changes anything. blocks are not rules
 * of p.
 *
 * What is left of a rule's conditions is written as masked equalities that do not overlap, neither
 * with each other nor with other rules of the call: so their order does not matter, and libseccomp,
 * which forgets conditions of some rules that contain each other, has none of those.
 *
 * What a block wants of a call that 32-bit x86 can make through socketcall or ipc, it wants of all
 * such calls there, as their arguments cannot be seen.
 *
 * 0, -ENOMEM, or -E2BIG with *reterr (SC_MAX_RULES; SC_MAX_CUBES for one call); on failure the
 * profile is to be thrown away. */
int sc_profile_block(struct sc_profile *p, const struct sc_rule *blocks, size_t n_blocks,
                     struct error **reterr);

/* ---- OCI JSON ---- */
enum sc_arch { SC_X86_64, SC_X86, SC_X32, SC_AARCH64, SC_ARM, SC_ARCHES };
const char *sc_arch_name(enum sc_arch a); /* "SCMP_ARCH_X86_64"; static */
/* The architectures of a machine (uname: "x86_64", "aarch64"), the native one first; n is set. NULL
 * and 0 for another machine. */
const enum sc_arch *sc_arches_of(const char *machine, size_t *ret_n);

/* Those of a machine for which a filter can do what the profile says, the native one first; none for
 * a machine that is not known. Left out: 32-bit ones where a condition is about more than 32 bits,
 * and 32-bit x86 where it is about an argument that socketcall or ipc keep in memory and the profile
 * does not let such calls pass anyway. Calls by an architecture that is not named kill the caller.
 * 0, -E2BIG or -ENOMEM. */
int sc_profile_arches(const struct sc_profile *p, const char *machine,
                      enum sc_arch ret[static SC_ARCHES], size_t *ret_n);

/* Canonical: keys in a fixed order, rules in order, a rule a line. arches may be NULL: none are
 * named. 0, -E2BIG or -ENOMEM. */
int sc_profile_write_json(const struct sc_profile *p, const enum sc_arch *arches, size_t n_arches,
                          struct buf *out) MUST_CHECK;
/* Strict about what it knows; unknown members are refused with their name, as what they ask for
 * would be lost. Architectures are checked and forgotten. 0, -EINVAL with *reterr, -E2BIG or
 * -ENOMEM; *ret is written on success only. */
int sc_profile_read_json(struct sc_profile *ret, const char *json, size_t len,
                         struct error **reterr) MUST_CHECK;
/* Digest of what a profile means (without origins, architectures, rules that change nothing, and
 * the order of rules and names), so that a container's own copy can be compared with ours. 0, -E2BIG or -ENOMEM. */
int sc_profile_digest(const struct sc_profile *p, struct digest *ret) MUST_CHECK;

/* ---- compiled ---- */
struct sc_program; /* a classic BPF program, as the kernel would get it */
/* By libseccomp, for the architectures given (sc_profile_arches()). Names that libseccomp does not
 * know are left out, as runtimes do, and told by unknown() (may be NULL). The program is then asked
 * about calls on both sides of each condition: libseccomp forgets some conditions, and a profile of
 * which it makes another one is refused. Where rules of different verdicts overlap, the strictest is
 * what is expected. 0, -EINVAL with *reterr or -ENOMEM. */
int sc_compile(struct sc_program **ret, const struct sc_profile *p, const enum sc_arch *arches,
               size_t n_arches, void (*unknown)(const char *name, void *data), void *data,
               struct error **reterr);
struct sc_program *sc_program_free(struct sc_program *p);
DEFINE_CLEANUP(struct sc_program *, sc_program_free)
size_t sc_program_length(const struct sc_program *p); /* instructions */

struct sc_verdict {
    enum sc_action action;
    unsigned data; /* errno */
};
/* What the kernel would answer, by running the program (linux/filter.h). nr < 0: the name is not one
 * of the architecture's. 0, or -EINVAL (a malformed program). */
int sc_simulate(const struct sc_program *p, enum sc_arch arch, int nr, const uint64_t args[6],
                struct sc_verdict *ret);
int sc_syscall_number(enum sc_arch arch, const char *name); /* negative: unknown */
/* By libseccomp, into ret ("unshare"); the number as text if unknown. audit_arch as audit records have it. */
void sc_syscall_name(uint32_t audit_arch, int nr, char ret[static 64]);
/* The rule that a call meets (for the origin of an event), by its name and the action; arguments are
 * not known to audit records. Rules with an origin go first. NULL: none. */
const struct sc_rule *sc_profile_find(const struct sc_profile *p, const char *syscall,
                                      enum sc_action action);
