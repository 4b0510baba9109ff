/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Profiles whose texts are kept as golden files (golden/NAME.profile), and which apparmor_parser must accept. */
#include "lib/apparmor/apparmor.h"

#define PROFILE_CASE_MAX_BYTES (1024 * 1024)

extern const size_t profile_n_cases;
const char *profile_case_name(size_t i);
/* Writes the profile of case i, whose name is "varmor-test-" and the case's. Ends the process where a case is wrong. */
void profile_case_write(size_t i, struct buf *out);

/* Reads n texts as rules; origins are "ORIGIN[i]". Ends the process where one is wrong. */
void profile_case_rules(struct aa_rules *ret, const char *const *texts, size_t n,
                        const char *origin);
