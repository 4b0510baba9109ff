/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * VarmorPolicy and VarmorClusterPolicy in memory: every field of contract.md 1.3, as written. Words
 * with a fixed set of values are numbers here; what is free text stays text. A policy exists only
 * if it has been read without an error; positions are kept where a later step may still have to
 * complain.
 *
 * A struct policy is immutable and counted. Lists that were left out are empty, texts NULL.
 */
#include "lib/profile.h"
#include "lib/policy/selector.h"

struct policy_position {
    unsigned line, column; /* in the file it came from; 0: unknown */
};

enum policy_mode {
    POLICY_MODE_NONE,
    POLICY_ALWAYS_ALLOW,
    POLICY_RUNTIME_DEFAULT,
    POLICY_ENHANCE_PROTECT,
    POLICY_BEHAVIOR_MODELING,
    POLICY_DEFENSE_IN_DEPTH,
    POLICY_MODES,
};
const char *policy_mode_name(enum policy_mode mode); /* "EnhanceProtect"; static */

struct policy_text { /* a text and where it stood */
    char *text;
    struct policy_position at;
    struct policy_position text_at; /* as node.text_line, node.text_column; of raw rules only */
};
struct policy_texts {
    struct policy_text *items;
    size_t n;
};

struct policy_attack_rules { /* attackProtectionRules[] */
    struct policy_texts rules, targets;
    struct policy_position at;
};
struct policy_raw_rules { /* appArmorRawRules[] */
    struct policy_text rules;
    struct policy_texts targets;
    struct policy_position at;
};
struct policy_path_rule { /* bpfRawRules.files[], .processes[] */
    char *pattern;        /* checked by pattern_check() */
    unsigned permissions; /* enum path_permission_bit; never 0 */
    unsigned qualifiers;  /* enum rule_mode_bit, of the later 'qualifiers' */
    bool has_qualifiers;
    struct policy_position at;
};
struct policy_socket_rule {
    uint64_t domains;
    uint32_t types, protocols; /* as struct rule; all = every bit of the field's words */
    unsigned qualifiers;
    bool has_qualifiers;
    struct policy_position at;
};
enum policy_entity { POLICY_ENTITY_NONE, POLICY_POD_SELF, POLICY_UNSPECIFIED, POLICY_LOCALHOST };
struct policy_ports {
    struct port_range *items;
    size_t n;
};
struct policy_destination { /* toDestinations[] */
    enum policy_entity entity;
    struct addr block; /* of ip or cidr; ADDR_NONE: every address (then there are ports) */
    struct policy_ports ports;
    unsigned qualifiers;
    bool has_qualifiers;
    struct policy_position at;
};
struct policy_to_pods {
    struct selector *pod_selector;
    char *name_space; /* NULL: all */
    struct policy_ports ports;
    unsigned qualifiers;
    bool has_qualifiers;
    struct policy_position at;
};
struct policy_to_service {
    char *name_space, *name;
    struct selector *service_selector;
    unsigned qualifiers;
    bool has_qualifiers;
    struct policy_position at;
};
struct policy_ptrace {
    bool present, strict;
    unsigned permissions; /* enum ptrace_permission_bit */
    unsigned qualifiers;
    bool has_qualifiers;
    struct policy_position at;
};
struct policy_mount_rule {
    char *source_pattern, *fstype;
    uint32_t flags, reverse_flags; /* rules.md 4.10 */
    unsigned qualifiers;
    bool has_qualifiers;
    struct policy_position at;
};
struct policy_syscall_arg {
    unsigned index;
    char *op; /* SCMP_CMP_* */
    uint64_t value, value_two;
};
struct policy_syscall_rule {
    struct policy_texts names;
    char *action; /* SCMP_ACT_* */
    bool has_errno;
    unsigned errno_ret;
    struct policy_syscall_arg *args;
    size_t n_args;
    struct policy_position at;
};

struct policy_bpf_rules { /* bpfRawRules */
    bool present;
    struct policy_path_rule *files, *processes;
    size_t n_files, n_processes;
    struct policy_socket_rule *sockets;
    size_t n_sockets;
    struct policy_destination *destinations;
    size_t n_destinations;
    struct policy_to_pods *pods;
    size_t n_pods;
    struct policy_to_service *services;
    size_t n_services;
    struct policy_ptrace ptrace;
    struct policy_mount_rule *mounts;
    size_t n_mounts;
    struct policy_position at;
};

struct policy_enhance_protect {
    bool present;
    struct policy_texts hardening_rules;
    struct policy_attack_rules *attack_rules;
    size_t n_attack_rules;
    struct policy_texts mitigation_rules;
    struct policy_raw_rules *apparmor_raw;
    size_t n_apparmor_raw;
    struct policy_bpf_rules bpf;
    struct policy_syscall_rule *syscalls;
    size_t n_syscalls;
    bool privileged, audit_violations, allow_violations;
    struct policy_position at;
};

struct policy_custom { /* defenseInDepth.appArmor, .seccomp */
    bool present;
    bool from_model;      /* profileType BehaviorModel; else Custom */
    char *custom_profile; /* NULL if not given */
    struct policy_raw_rules *apparmor_raw;
    size_t n_apparmor_raw;
    struct policy_syscall_rule *syscalls;
    size_t n_syscalls;
    struct policy_position at;
};

struct policy {
    unsigned n_refs;
    bool cluster;     /* VarmorClusterPolicy */
    char *name_space; /* "default" if the file gives none; "" for cluster policies */
    char *name;
    struct labels *labels;        /* metadata.labels */
    char *uid;                    /* owned; metadata.uid of an API server's object; NULL: none */
    int64_t generation;           /* metadata.generation of such an object; 0: none */
    struct profile_target target; /* name_space is NULL for cluster policies, else the policy's */
    struct policy_position target_at;
    unsigned enforcers; /* enum enforcer_bit */
    char *enforcer_text;
    struct policy_position enforcer_at;
    enum policy_mode mode;
    struct policy_position mode_at;
    struct policy_enhance_protect enhance;
    bool has_modeling;
    int64_t modeling_minutes;
    bool has_defense;
    bool defense_allow_violations;
    struct policy_custom defense_apparmor, defense_seccomp;
    bool update_existing_workloads;
    struct policy_position at; /* of the document */
};

struct policy *policy_new(void); /* one reference, all empty; NULL: no memory */
struct policy *policy_ref(struct policy *p);
struct policy *policy_unref(struct policy *p); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct policy *, policy_unref)

/* The profile name of contract.md 2.1 ("varmor-shop-web", "varmor-cluster-varmor-x"), lower-cased;
 * owned by the caller. 0, -ENOMEM, or -ENAMETOOLONG with *reterr naming the limit. */
int policy_profile_name(const struct policy *p, const char *install_namespace, char **ret,
                        struct error **reterr);
