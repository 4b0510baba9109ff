/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * File rules: a path and letters, in either order, with "file" in front or not; links; "file" alone.
 */
#include "lib/apparmor/apparmor.h"
#include "lib/apparmor/rule_text.h"

/* True if t stands on what begins a file rule. */
bool file_rule_begins(const struct rule_text *t);
/* Reads one, up to the comma; rule->qualifiers are set already. 0, -EINVAL (told) or -ENOMEM. */
int file_rule_parse(struct rule_text *t, struct aa_rule *rule);
/* Writes it in its canonical form. exec: "x", "ix" or "cx", for AA_EXEC. 0, -E2BIG or -ENOMEM. */
int file_rule_write(const struct aa_rule *rule, const char *exec, struct buf *out);
