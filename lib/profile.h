/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A profile: what one policy becomes for every node. Immutable once built, shared by reference
 * count (plain integers: one loop, one thread).
 *
 * The rules stand in one list in the order of rules.md 2.0 (base, hardening, vulnerability
 * mitigation, attack protection, raw); a rule's number is its place in the list, and counters,
 * records and status use it. proto/profile_codec.h turns a profile into the ArmorProfile message
 * and back. The digest is over the canonical encoding of that message without its digest and policy
 * generation.
 */
#include "lib/addr.h"
#include "lib/digest.h"

struct selector;

#define PROFILE_NAME_MAX   63 /* bytes; contract.md 2.1 */
#define PROFILE_FSTYPE_MAX 15 /* bytes; the kernel side compares 16 with the NUL */

/* Bytes of what a profile says for AppArmor and for seccomp; their writers have the same ceilings. */
#define PROFILE_MAX_APPARMOR_TEXT (4 * 1024 * 1024)
#define PROFILE_MAX_SECCOMP_JSON  (1024 * 1024)

/* Which mechanisms carry a profile out: a set of bits. */
enum enforcer_bit { ENFORCER_APPARMOR = 1, ENFORCER_BPF = 2, ENFORCER_SECCOMP = 4 };

enum rule_kind {
    RULE_NONE,
    RULE_FILE,
    RULE_EXEC,
    RULE_CAPABILITY,
    RULE_SOCKET,
    RULE_EGRESS,
    RULE_PTRACE,
    RULE_MOUNT,
    RULE_KINDS,
};

/* rules.md 1.3: both bits may be set; none: the rule is present and never acts. */
enum rule_mode_bit { RULE_DENY = 1, RULE_AUDIT = 2 };

/* A policy's words for paths. Write stands for append as well, and for all that changes a file or
 * its name. */
enum path_permission_bit { PATH_EXEC = 1, PATH_WRITE = 2, PATH_READ = 4, PATH_APPEND = 8 };

/* rules.md 4.9 */
enum ptrace_permission_bit {
    PTRACE_TRACE = 1,
    PTRACE_READ = 2,
    PTRACE_TRACEBY = 4,
    PTRACE_READBY = 8
};

struct port_range {
    uint16_t first, last; /* inclusive; first <= last */
};

/* rules.md 4.7; a rule has domains with types or protocols; 0 means "not given: any". */
enum socket_protocol_bit { SOCKET_ICMP = 1, SOCKET_TCP = 2, SOCKET_UDP = 4 };

struct rule {
    enum rule_kind kind;
    unsigned mode; /* enum rule_mode_bit */
    char *origin;  /* owned: where it comes from, as users will read it:
                      "bpfRawRules.files[2]", "hardeningRules: disable-cap-net-raw", "base" */
    union {
        struct {
            char *pattern;        /* owned; lib/match/pattern.h says what it means */
            unsigned permissions; /* enum path_permission_bit: EXEC alone for RULE_EXEC, never for
                                     RULE_FILE */
        } path;
        struct {
            uint64_t mask; /* 1 << capability number */
        } capability;
        struct {
            uint64_t domains;   /* 1 << address family; 0: any */
            uint32_t types;     /* 1 << socket type; 0: any */
            uint32_t protocols; /* enum socket_protocol_bit; 0: any */
        } socket;
        struct {
            struct addr block;        /* family ADDR_NONE: every address of both families */
            struct port_range *ports; /* owned; none: every port */
            size_t n_ports;
        } egress;
        struct {
            unsigned permissions; /* enum ptrace_permission_bit */
            bool strict;          /* towards the own container too */
        } ptrace;
        struct {
            char *pattern;                 /* owned: of the source */
            char *fstype;                  /* owned, at most PROFILE_FSTYPE_MAX; "*" any */
            uint32_t flags, reverse_flags; /* rules.md 4.10; umount is 0x200 */
        } mount;
    };
};

/* Which containers a profile is for: all given parts must agree. A profile has one target or
 * several (a Deployment that the manager resolved to a pod selector, for example). */
enum target_kind {
    TARGET_NONE,
    TARGET_POD,
    TARGET_DEPLOYMENT,
    TARGET_STATEFULSET,
    TARGET_DAEMONSET,
    TARGET_KINDS
};
struct profile_target {
    enum target_kind kind;
    char *name_space; /* owned; NULL: every namespace */
    char *name;       /* owned; NULL: any; of the pod, or of the workload for the other kinds */
    struct selector
        *selector;     /* owned; NULL: any; over the labels of the pod, or of the workload */
    char **containers; /* owned; none: every container */
    size_t n_containers;
};
void profile_target_done(struct profile_target *t);

struct profile {
    unsigned n_refs;
    char *name;             /* "varmor-shop-web" */
    char *name_space;       /* of the ArmorProfile object */
    char *policy_kind;      /* "VarmorPolicy" or "VarmorClusterPolicy" */
    char *policy_namespace; /* "" for cluster policies */
    char *policy_name;
    uint64_t policy_generation; /* counts the changes of the policy that its source has seen */
    unsigned enforcers;         /* enum enforcer_bit */
    bool complain; /* the profile's mode is complain: nothing is denied, all is logged */
    int priority; /* where several profiles fit a container the highest wins, then the first name */
    struct profile_target *targets; /* owned */
    size_t n_targets;
    struct rule *rules; /* owned; what the BPF enforcer carries out */
    size_t n_rules;
    char *apparmor_text; /* owned, at most PROFILE_MAX_APPARMOR_TEXT bytes; NULL: none */
    char *seccomp_json; /* owned reference (counted_text.h), at most PROFILE_MAX_SECCOMP_JSON bytes;
                            NULL: none */
    struct digest digest;
};

/* An empty profile with one reference and all text NULL; the builder fills it. NULL: no memory. */
struct profile *profile_new(void);
struct profile *profile_ref(struct profile *p);
/* Gives a reference up; frees with the last. Accepts NULL, returns NULL. */
struct profile *profile_unref(struct profile *p);
DEFINE_CLEANUP(struct profile *, profile_unref)

/* Append a zeroed rule (copies origin) or target, borrowed until the next such call. NULL: no
 * memory, or the profile is full. */
#define PROFILE_MAX_RULES   65535 /* a rule's number fits 16 bits in the kernel's records */
#define PROFILE_MAX_TARGETS 4096  /* a policy names one workload or a selector */
struct rule *profile_add_rule(struct profile *p, enum rule_kind kind, unsigned mode,
                              const char *origin);
struct profile_target *profile_add_target(struct profile *p, enum target_kind kind);
/* Appends a copy of a rule, of another profile or not of one at all. NULL as above; the profile may
 * then hold one rule more that is fit for nothing but to be freed. */
struct rule *profile_copy_rule(struct profile *p, const struct rule *from);

const char *rule_kind_name(enum rule_kind kind);     /* "file" ...; static */
const char *target_kind_name(enum target_kind kind); /* "Deployment" ...; static */
/* "AppArmorBPFSeccomp" for a set of bits; "" for none; static. */
const char *enforcer_set_name(unsigned enforcers);
