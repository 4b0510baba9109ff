/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Rules one by one, for those in this folder who read more than a list of them. */
#include "lib/apparmor/apparmor.h"
#include "lib/apparmor/rule_text.h"

/* Reads one rule, on whose first token t stands; t then stands on its comma or on the text's end. 0, -EINVAL (told;
 * rule_text_skip_rule() finds the next) or -ENOMEM. The origin is NULL. */
int rule_reader_next(struct rule_text *t, struct aa_rule *ret);
/* Appends; takes *rule on success. 0 or -ENOMEM. */
int rule_reader_add(struct aa_rules *rules, struct aa_rule *rule);
/* A text of one rule, with or without its comma. 0, -EINVAL with *reterr, or -ENOMEM. */
int rule_reader_one(struct aa_rule *ret, const char *text, enum rule_author author,
                    struct error **reterr);
