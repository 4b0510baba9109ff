/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Attacks that a rule must hold against, as data: what is there before, the rules, and what a
 * program in the container does, step by step. Each case runs twice: without its rules every step
 * must get past (a test that cannot fail shows nothing), with them as it says.
 */
#include "lib/base.h"

#define CASE_MAX_STEPS 12
#define CASE_MAX_RULES 4
#define CASE_MAX_FILES 6

enum case_result {
    STEP_DONE,    /* the call succeeds */
    STEP_DENIED,  /* EPERM */
    STEP_GOES_ON, /* any result but EPERM: what comes behind the hook may fail */
};

struct case_step {
    const char *command; /* of inside.c; words apart by tabs; %pid of the other task stands for its
                            number */
    enum case_result with_rules;
};

struct vm_case {
    const char *name;
    const char *rules[CASE_MAX_RULES]; /* as in test/verdicts, without the word "rule" */
    const char *files[CASE_MAX_FILES]; /* made before */
    struct case_step steps[CASE_MAX_STEPS];
    bool without_hook_on_5_10; /* what the kernel's hooks cannot tell there; see bpf/README.md */
};

extern const struct vm_case vm_cases[];
extern const size_t n_vm_cases;
