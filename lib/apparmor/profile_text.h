/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A whole profile as text, from its rules: the one form that we write and that we accept.
 *
 *   # varmor: ...
 *   @{PROC}=/proc/                          the variables that the rules use
 *   profile NAME flags=(...) {
 *       RULE, # ORIGIN
 *       profile child_0 flags=(...) {       in the order of their numbers
 *           RULE, # ORIGIN
 *       }
 *   }
 *
 * There is no abi line: "abi <abi/3.0>," is a file of the node. Without one apparmor_parser takes the features that
 * its caller names (--policy-features), so the agent decides which classes are mediated. There is no include either:
 * what tunables/global and abstractions/base would bring is written out.
 */
#include "lib/apparmor/apparmor.h"

#define PROFILE_TEXT_FLAGS "flags=(attach_disconnected,mediate_deleted)"

/* True for a name that needs no quotes anywhere: letters, digits, '-', '_' and '.', a letter or digit first. */
bool profile_text_is_name(const char *name);
/* Writes the profile; rules in their order, those of a child (aa_rule.child) in its block. 0, -E2BIG or -ENOMEM. */
int profile_text_write(const char *name, const struct aa_rules *rules, struct buf *out);
