/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Numbers of 64 bits without a sign in JSON, as Go writes them: jansson's integers have a sign, and
 * it refuses what does not fit. So those with the highest bit set are given to it as the negative
 * numbers of the same bits; json_integer_value() cast to uint64_t is then what was written. Pure.
 */
#include "lib/buf.h"

/* Appends JSON, with such numbers put so. What is larger than 64 bits stays, for jansson to refuse.
 * *ret_negative (may be NULL): a number was negative before. 0, -E2BIG or -ENOMEM. */
int json_number_wrap(struct buf *out, const char *json, size_t len, bool *ret_negative) MUST_CHECK;
