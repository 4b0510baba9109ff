/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* UTF-8 as RFC 3629 defines it: no surrogates, no overlong forms, nothing above U+10FFFF. */
#include "lib/base.h"

/* The length in bytes of the valid sequence that s begins with, and its code point; 0 if there is
 * none. ret_code_point may be NULL. len is at least 1. */
size_t utf8_decode(const uint8_t *s, size_t len, uint32_t *ret_code_point);
