/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* UTF-8 as RFC 3629 defines it: no surrogates, no overlong forms, nothing above U+10FFFF. */
#include "lib/base.h"

/* The length in bytes of the valid sequence that s begins with, and its code point; 0 if there is
 * none. ret_code_point may be NULL. len is at least 1. */
size_t utf8_decode(const uint8_t *s, size_t len, uint32_t *ret_code_point);

/* The length of the sequence that s begins with if it may be shown on a terminal; 0 if it is not
 * valid, or a control character (of one byte or, as U+009B, of two). len is at least 1. */
size_t utf8_printable(const uint8_t *s, size_t len);
