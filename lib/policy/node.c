/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/node.h"

#include <stdio.h>
#include <string.h>

#include "lib/error.h"

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static size_t span_digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* [-+]? ( digits [. digits*] | . digits ) [ [eE] [-+]? digits ], or .inf and .nan in their
 * spellings */
static bool is_decimal(const char *text)
{
    static const char *const special[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
    size_t before, after = 0;

    if (*text == '-' || *text == '+')
        text++;
    if (is_one_of(text, special, ARRAY_SIZE(special)))
        return true;
    before = span_digits(text);
    text += before;
    if (*text == '.') {
        text++;
        after = span_digits(text);
        text += after;
    }
    if (before + after == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        if (*text == '-' || *text == '+')
            text++;
        if (span_digits(text) == 0)
            return false;
        text += span_digits(text);
    }
    return *text == '\0';
}

static bool is_octal_or_hex(const char *text)
{
    const char *digits = strncmp(text, "0o", 2) == 0   ? "01234567"
                         : strncmp(text, "0x", 2) == 0 ? "0123456789abcdefABCDEF"
                                                       : NULL;

    return digits && text[2] && text[2 + strspn(text + 2, digits)] == '\0';
}

enum scalar_type node_scalar_type(const struct node *scalar)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const booleans[] = {"true", "True", "TRUE", "false", "False", "FALSE"};

    if (!scalar->plain)
        return SCALAR_TEXT;
    if (is_one_of(scalar->text, nulls, ARRAY_SIZE(nulls)))
        return SCALAR_NULL;
    if (is_one_of(scalar->text, booleans, ARRAY_SIZE(booleans)))
        return SCALAR_BOOLEAN;
    if (is_decimal(scalar->text) || is_octal_or_hex(scalar->text))
        return SCALAR_NUMBER;
    return SCALAR_TEXT;
}

const struct node *node_find(const struct node *map, const char *key)
{
    if (!map || map->kind != NODE_MAP)
        return NULL;
    NODE_FOREACH(child, map)
    if (child->key->kind == NODE_SCALAR && strcmp(child->key->text, key) == 0)
        return child;
    return NULL;
}

const char *node_describe(const struct node *n, char text[static NODE_DESCRIPTION_SIZE])
{
    if (n->kind == NODE_LIST)
        return "a list";
    if (n->kind == NODE_MAP)
        return "an object";
    if (n->kind == NODE_REFUSED || node_scalar_type(n) == SCALAR_NULL)
        return "nothing";
    switch (node_scalar_type(n)) {
    case SCALAR_BOOLEAN:
        snprintf(text, NODE_DESCRIPTION_SIZE, "the boolean %s", error_quote(n->text));
        break;
    case SCALAR_NUMBER:
        snprintf(text, NODE_DESCRIPTION_SIZE, "the number %s", error_quote(n->text));
        break;
    default:
        snprintf(text, NODE_DESCRIPTION_SIZE, "the text '%s'", error_quote(n->text));
    }
    return text;
}
