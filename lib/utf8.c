/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/utf8.h"

/* A sequence's length by its first byte, and the range of its second byte (RFC 3629, section 4). */
static size_t utf8_sequence_length(uint8_t first, uint8_t *ret_low, uint8_t *ret_high)
{
    *ret_low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *ret_high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    if (first >= 0xf0 && first <= 0xf4)
        return 4;
    return 0;
}

size_t utf8_decode(const uint8_t *s, size_t len, uint32_t *ret_code_point)
{
    uint8_t low, high;
    size_t n = utf8_sequence_length(s[0], &low, &high);
    uint32_t code_point;

    if (n == 0 || n > len)
        return 0;
    if (n > 1 && (s[1] < low || s[1] > high))
        return 0;
    code_point = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code_point = code_point << 6 | (s[i] & 0x3fu);
    }
    if (ret_code_point)
        *ret_code_point = code_point;
    return n;
}

size_t utf8_printable(const uint8_t *s, size_t len)
{
    uint32_t c;
    size_t n = utf8_decode(s, len, &c);

    return n > 0 && (c < 0x20 || (c >= 0x7f && c < 0xa0)) ? 0 : n;
}
