/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The main function of each unit test: a test file defines unit_suite() and is linked with unit.c. */
#include <check.h>

/* The suite of this test file; owned by the runner. */
Suite *unit_suite(void);
