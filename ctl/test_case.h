/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One question of `varmorctl test`, what each enforcer of the policy answers, and whether that is
 * what was expected. An action is denied if any enforcer denies it.
 */
#include "ctl/judges.h"
#include "lib/policy/policy.h"

enum {
    TEST_APPARMOR,
    TEST_BPF,
    TEST_SECCOMP,
    TEST_ENFORCERS
}; /* the order in which they are shown */
extern const enum enforcer_bit test_enforcers[TEST_ENFORCERS];

struct expectation {
    bool given;        /* false: the question is just asked */
    bool deny;         /* else it must not be denied */
    bool says_audit;   /* whether it is logged counts too: */
    bool audit;        /* it must be, else it must not */
    unsigned enforcer; /* enum enforcer_bit: of that one's answer; 0: of all together */
    char *rule;        /* owned; origin of a rule that decides; NULL: any */
    const char *file;  /* of the file that says so */
    struct policy_position at;
};

struct test_case {
    struct question question;
    enum sc_arch arch;
    char *program; /* owned; as struct asker has it */
    struct expectation expected;
    struct answer answers[TEST_ENFORCERS];
    bool deny, audit; /* of the answers that count, together */
    char *difference; /* owned; what is other than expected; NULL: nothing */
};

#define TEST_MAX_CASES 100000
struct test_cases {
    struct test_case *items; /* owned */
    size_t n;
    size_t n_expected, n_different; /* after test_cases_run() */
};
void test_cases_done(struct test_cases *cases);
#define CLEANUP_TEST_CASES __attribute__((cleanup(test_cases_done)))

/* Appends a zeroed case, borrowed until the next call. NULL: no memory, or TEST_MAX_CASES. */
struct test_case *test_cases_add(struct test_cases *cases);

/* Asks the judges about the cases from the one with the number first on, and compares. A question
 * that cannot be asked (a call that the architecture does not have) is a difference if something is
 * expected, else an error. 0, -ENOMEM, or -EINVAL with *reterr. */
int test_cases_run(struct test_cases *cases, size_t first, struct judges *j, struct error **reterr);

/* "allow", "deny", "deny,audit" or "audit"; static. */
const char *test_verdict(bool deny, bool audit);
