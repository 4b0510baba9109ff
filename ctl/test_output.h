/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What `varmorctl test` prints on standard output. */
#include "ctl/test_case.h"

enum test_format { TEST_TEXT, TEST_JSON, TEST_JUNIT };

/* Text: a table of the answers to what was asked without an expectation, and a line for each
 * difference ("FILE:LINE:COLUMN: error: ..."). JSON: one object with all. JUnit: a test suite of the
 * expectations. 0 or -ENOMEM. */
int test_print(const struct test_cases *cases, enum test_format format) MUST_CHECK;
/* "12 expectations, 1 difference" on standard error; nothing if there was no expectation. */
void test_print_summary(const struct test_cases *cases);
