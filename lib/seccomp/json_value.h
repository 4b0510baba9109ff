/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Profiles that are a part of a larger document, which jansson has read. */
#include "lib/seccomp/seccomp.h"

struct json_t;

/* As sc_profile_read_json(), of a value whose numbers were wrapped (lib/json_number.h). */
int sc_profile_read_value(struct sc_profile *ret, struct json_t *value, struct error **reterr);
