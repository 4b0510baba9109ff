/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The names of the capabilities as rule files write them ("net_raw"), with 1 << number; "all" is
 * every one. */
#include "lib/policy/words.h"

extern const struct words capability_words;
