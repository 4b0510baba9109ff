/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What apparmor_parser refuses although every word of it is right: accesses and conditions that exclude each other. */
#include "lib/apparmor/rule_class.h"

/* t stands behind the rule. 0, or -EINVAL (told at the rule's end). */
int said_check(struct rule_text *t, const struct rule_class *class, const struct rule_said *said);
