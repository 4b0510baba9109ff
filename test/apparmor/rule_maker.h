/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Rules at random, each one that a user may write: what lib/apparmor accepts, apparmor_parser must accept as well.
 * The same seed makes the same rules.
 */
#include "lib/buf.h"

struct rule_maker {
    uint64_t state;
};

struct rule_maker rule_maker_new(uint64_t seed);
unsigned rule_maker_below(struct rule_maker *m, unsigned n); /* a number from 0 to n - 1 */
/* Appends one rule with its comma and a line end. newer: also classes that apparmor_parser 3 does not know. 0 or
 * negative errno. */
int rule_maker_add(struct rule_maker *m, bool newer, struct buf *out);
