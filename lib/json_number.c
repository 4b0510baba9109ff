/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json_number.h"

#include <inttypes.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What an integer may go on with, and is none then: a fraction, an exponent. */
static bool is_of_fraction(char c)
{
    return c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-';
}

static int add_number(struct buf *out, const char *digits, size_t len, bool negative)
{
    uint64_t value = 0;
    bool fits = true;

    for (size_t i = 0; i < len && fits; i++)
        fits = is_digit(digits[i]) && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_add_overflow(value, (uint64_t)(digits[i] - '0'), &value);
    return fits && !negative && value > INT64_MAX ? buf_format(out, "%" PRId64, (int64_t)value)
                                                  : buf_add(out, digits, len);
}

/* How many bytes belong together at the beginning of json. */
static size_t token(const char *json, size_t len, bool in_text)
{
    size_t n = 1;

    if (in_text)
        return json[0] == '\\' && len > 1 ? 2 : 1;
    if (!is_digit(json[0]))
        return 1;
    while (n < len && (is_digit(json[n]) || is_of_fraction(json[n])))
        n++;
    return n;
}

int json_number_wrap(struct buf *out, const char *json, size_t len, bool *ret_negative)
{
    bool in_text = false, minus = false, negative = false;

    for (size_t i = 0; i < len;) {
        size_t n = token(json + i, len - i, in_text);
        bool number = !in_text && is_digit(json[i]);
        int r = number ? add_number(out, json + i, n, minus) : buf_add(out, json + i, n);

        if (r < 0)
            return r;
        if (json[i] == '"')
            in_text = !in_text;
        minus = !in_text && json[i] == '-';
        negative = negative || minus;
        i += n;
    }
    if (ret_negative)
        *ret_negative = negative;
    return 0;
}
