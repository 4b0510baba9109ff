/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json_text.h"

#include "lib/utf8.h"

int json_text_add(struct buf *b, const char *text, size_t len)
{
    const uint8_t *s = (const uint8_t *)text;
    int r = buf_add(b, "\"", 1);

    for (size_t i = 0; i < len && r >= 0;) {
        size_t n = utf8_decode(s + i, len - i, NULL);

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
