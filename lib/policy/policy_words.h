/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The words that a policy may write, with what they mean. contract.md 1.3 and rules.md 4 are the
 * source. */
#include "lib/policy/words.h"

extern const struct words target_kind_words; /* enum target_kind */
extern const struct words mode_words;        /* enum policy_mode */
extern const struct words
    enforcer_words; /* enum enforcer_bit; the documented spellings, for messages */
extern const struct words profile_type_words;      /* 1: BehaviorModel, 0: Custom */
extern const struct words selector_operator_words; /* enum selector_operator */
extern const struct words path_permission_words;   /* enum path_permission_bit */
extern const struct words ptrace_permission_words; /* enum ptrace_permission_bit */
extern const struct words socket_domain_words;     /* 1 << address family */
extern const struct words socket_type_words;       /* 1 << socket type */
extern const struct words socket_protocol_words;   /* enum socket_protocol_bit */
extern const struct words
    mount_flag_words; /* mount(2) flags and the umount bit; reverse: must be absent */
extern const struct words qualifier_words;      /* enum rule_mode_bit */
extern const struct words entity_words;         /* enum policy_entity */
extern const struct words syscall_action_words; /* no value: the word itself is kept */
extern const struct words syscall_operator_words;

/* mount(2) has no such flag: the bit that stands for umount in rules (rules.md 4.10). */
#define MOUNT_FLAG_UMOUNT 0x200u
