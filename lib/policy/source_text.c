/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/source_text.h"

#include "lib/policy/findings.h"
#include "lib/utf8.h"

#define NEXT_LINE           0x85
#define LINE_SEPARATOR      0x2028
#define PARAGRAPH_SEPARATOR 0x2029
#define BYTE_ORDER_MARK     0xfeff

size_t source_text_mark(const uint8_t *data, size_t len)
{
    uint32_t c;

    return len && utf8_decode(data, len, &c) && c == BYTE_ORDER_MARK ? 3 : 0;
}

/* Why the character is refused; NULL if it is not. next is the byte behind it, 0 at the end. */
static const char *refusal(uint32_t c, uint8_t next)
{
    if (c == 0)
        return "a NUL is no text";
    if (c == '\r' && next != '\n')
        return "a carriage return without a line feed is a line break to some readers only";
    if (c == NEXT_LINE || c == LINE_SEPARATOR || c == PARAGRAPH_SEPARATOR)
        return "this character is a line break to some readers only: write it as an escape in double quotes";
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7f && c < 0xa0))
        return "control characters are refused: write it as an escape in double quotes";
    if (c == BYTE_ORDER_MARK)
        return "a byte order mark may stand at the beginning of a file only";
    if (c == 0xfffe || c == 0xffff)
        return "this is not a character";
    return NULL;
}

bool source_text_check(const uint8_t *data, size_t len, struct findings *findings)
{
    unsigned line = 1, column = 1;

    for (size_t i = source_text_mark(data, len); i < len;) {
        uint32_t c;
        size_t n = utf8_decode(data + i, len - i, &c);
        const char *reason;

        if (n == 0) {
            findings_add(findings, FINDING_ERROR, line, column,
                         "byte 0x%02x is not UTF-8: the file must be UTF-8", data[i]);
            return false;
        }
        reason = refusal(c, i + n < len ? data[i + n] : 0);
        if (reason) {
            findings_add(findings, FINDING_ERROR, line, column, "U+%04X: %s", c, reason);
            return false;
        }
        column++;
        if (c == '\n') {
            line++;
            column = 1;
        }
        i += n;
    }
    return true;
}

uint32_t source_text_at(const uint8_t *data, size_t len, size_t line, size_t column)
{
    size_t at_line = 1, at_column = 1;

    for (size_t i = source_text_mark(data, len); i < len;) {
        uint32_t c = 0;
        size_t n = utf8_decode(data + i, len - i, &c);

        if (n == 0)
            return 0;
        if (at_line == line && at_column == column)
            return c;
        at_column++;
        if (c == '\n') {
            at_line++;
            at_column = 1;
        }
        i += n;
    }
    return 0;
}
