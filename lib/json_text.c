/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json_text.h"

/* The length in bytes of the valid UTF-8 sequence at s (RFC 3629: no surrogates, no overlong forms), or 0. */
static size_t utf8_sequence(const uint8_t *s, size_t len)
{
    uint8_t low = 0x80, high = 0xbf;
    size_t n;

    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        n = 2;
    else if (s[0] >= 0xe0 && s[0] <= 0xef)
        n = 3;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        n = 4;
    else
        return 0;
    if (n > len)
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0;
    else if (s[0] == 0xed)
        high = 0x9f;
    else if (s[0] == 0xf0)
        low = 0x90;
    else if (s[0] == 0xf4)
        high = 0x8f;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

int json_text_add(struct buf *b, const char *text, size_t len)
{
    const uint8_t *s = (const uint8_t *)text;
    int r = buf_add(b, "\"", 1);

    for (size_t i = 0; i < len && r >= 0;) {
        size_t n = utf8_sequence(s + i, len - i);

        if (n == 0) {
            r = buf_add_text(b, "\xef\xbf\xbd");
            n = 1;
        } else if (s[i] == '"' || s[i] == '\\') {
            r = buf_format(b, "\\%c", s[i]);
        } else if (s[i] < 0x20 || s[i] == 0x7f) {
            r = buf_format(b, "\\u%04x", s[i]);
        } else {
            r = buf_add(b, s + i, n);
        }
        i += n;
    }
    return r < 0 ? r : buf_add(b, "\"", 1);
}
