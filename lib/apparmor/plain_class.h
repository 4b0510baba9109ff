/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The classes whose rules are plain lists of words: capability, network, set rlimit. */
#include "lib/apparmor/apparmor.h"
#include "lib/apparmor/rule_text.h"

bool plain_class_is(enum aa_class kind);
/* Reads what follows the class's word, up to the comma, into rule and text. 0, -EINVAL (told) or -ENOMEM. */
int plain_class_parse(struct rule_text *t, struct aa_rule *rule, struct buf *text);
