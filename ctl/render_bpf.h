/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the BPF enforcer would load for a profile: its rules, and what they are compiled to. */
#include <jansson.h>

#include "lib/buf.h"
#include "lib/error.h"

struct profile;
struct ruleset;

/* Appends a readable dump; states: with each state of the automata. 0, -E2BIG (out's ceiling) or
 * -ENOMEM. */
int render_bpf_text(const struct profile *p, const struct ruleset *r, bool states,
                    struct buf *out) MUST_CHECK;
/* The same as one JSON object without the states (a new reference). NULL: no memory. */
json_t *render_bpf_json(const struct profile *p, const struct ruleset *r);
