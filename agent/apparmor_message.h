/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What apparmor_parser says, told in terms of what a user wrote: the parser knows lines of the text
 * that was made for it, and each of these lines came from a rule with an origin. Pure.
 */
#include "lib/error.h"

struct aa_rules;

/*
 * said is the parser's standard error; its line numbers count from the preamble's first line, and
 * rules have theirs from the profile's first. Sets *reterr and returns -EINVAL:
 * "appArmorRawRules[0] (line 3, column 5): rule 'deny /x r': syntax error, unexpected TOK_ID".
 */
int apparmor_message_explain(const char *said, unsigned n_preamble_lines,
                             const struct aa_rules *rules, struct error **reterr);
