/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The words of the rule files and the bits that they stand for. Pure; no allocation. */
#include "lib/base.h"

enum rule_word_set {
    RULE_WORDS_CAPABILITIES, /* 1 << capability number; "all": every one */
    RULE_WORDS_PATH,         /* enum path_permission_bit */
    RULE_WORDS_PTRACE,       /* enum ptrace_permission_bit */
    RULE_WORDS_DOMAINS,      /* 1 << address family; "all": 0 to 45 */
    RULE_WORDS_PROTOCOLS,    /* enum socket_protocol_bit */
};

/* The bits of a word; 0: the set has no such word. */
uint64_t rule_word_bits(enum rule_word_set set, const char *word);
