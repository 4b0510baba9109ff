/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/scalar_place.h"

#include <string.h>

static bool cursor_next_line(struct line_cursor *c)
{
    const uint8_t *end = memchr(c->data + c->offset, '\n', c->len - c->offset);

    if (!end)
        return false;
    c->offset = (size_t)(end - c->data) + 1;
    c->line++;
    return true;
}

/* A byte that no other character of UTF-8 begins with. */
static bool begins_character(uint8_t byte)
{
    return (byte & 0xc0) != 0x80;
}

static size_t count_characters(const uint8_t *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += begins_character(text[i]);
    return n;
}

/* The offset of a column (from 0) of the cursor's line. */
static size_t offset_of_column(const struct line_cursor *c, size_t column)
{
    size_t i = c->offset;

    for (; i < c->len && column > 0; column--)
        do
            i++;
        while (i < c->len && !begins_character(c->data[i]));
    return i;
}

/* True if the header of a block ("|", "|-") gives no indentation of its own ("|2"). */
static bool header_is_plain(const struct line_cursor *c, size_t column)
{
    size_t i = offset_of_column(c, column) + 1;

    for (; i < c->len && (c->data[i] == '-' || c->data[i] == '+'); i++)
        ;
    return i < c->len && (c->data[i] < '0' || c->data[i] > '9');
}

/* A block is indented as its first line that is not empty. */
static void place_literal(struct line_cursor *c, const yaml_event_t *scalar, unsigned *ret_line,
                          unsigned *ret_column)
{
    struct line_cursor ahead;

    while (c->line < scalar->start_mark.line)
        if (!cursor_next_line(c))
            return;
    if (!header_is_plain(c, scalar->start_mark.column))
        return;
    ahead = *c;
    while (cursor_next_line(&ahead)) {
        size_t i = ahead.offset;

        while (i < ahead.len && ahead.data[i] == ' ')
            i++;
        if (i == ahead.len)
            return;
        if (ahead.data[i] == '\n' || ahead.data[i] == '\r')
            continue;
        *ret_line = (unsigned)scalar->start_mark.line + 2;
        *ret_column = (unsigned)(i - ahead.offset) + 1;
        return;
    }
}

void scalar_place(struct line_cursor *c, const yaml_event_t *scalar, unsigned *ret_line,
                  unsigned *ret_column)
{
    yaml_scalar_style_t style = scalar->data.scalar.style;
    size_t quotes = style == YAML_PLAIN_SCALAR_STYLE ? 0 : 1;
    size_t width = scalar->end_mark.column - scalar->start_mark.column;

    *ret_line = *ret_column = 0;
    if (style == YAML_LITERAL_SCALAR_STYLE) {
        place_literal(c, scalar, ret_line, ret_column);
        return;
    }
    if (style == YAML_FOLDED_SCALAR_STYLE || scalar->start_mark.line != scalar->end_mark.line)
        return;
    if (width !=
        count_characters(scalar->data.scalar.value, scalar->data.scalar.length) + 2 * quotes)
        return;
    *ret_line = (unsigned)scalar->start_mark.line + 1;
    *ret_column = (unsigned)(scalar->start_mark.column + quotes) + 1;
}
