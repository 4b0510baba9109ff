/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What apparmor_parser refuses although every word of it is right: accesses and conditions that exclude each other. */
#include "lib/apparmor/rule_class.h"

/* t stands behind the rule. 0, or -EINVAL (told at the rule's end). */
int said_check(struct rule_text *t, const struct rule_class *class, const struct rule_said *said);
/* A value of a mount's options, on which t stands, next to those before it in its list; other conditions pass. 0, or
 * -EINVAL (told): both of what exclude each other where all must hold. */
int said_check_option(struct rule_text *t, const struct rule_condition *condition, bool in,
                      struct rule_said *list);
