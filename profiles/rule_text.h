/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Rules of a profile in the words of policies: "read,write /etc/shadow". */
#include "lib/buf.h"
#include "lib/profile.h"

/* Appends what a rule is about, without its kind and mode. 0, -E2BIG (out's ceiling) or -ENOMEM. */
int rule_text_add(struct buf *out, const struct rule *r) MUST_CHECK;

/* "deny", "deny,audit", "audit" or "none"; static. */
const char *rule_text_mode(unsigned mode);
