/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/text.h"

#include <string.h>

#include "lib/base.h"
#include "lib/utf8.h"

#define ESCAPE_BYTES 4 /* of \xNN, with which a byte is shown */

/* Writes what stands for the first character of text, and moves behind that. Returns its length. */
static size_t text_step(const char **text, char shown[static ESCAPE_BYTES + 1])
{
    const uint8_t *s = (const uint8_t *)*text;
    size_t n = utf8_printable(s, strnlen(*text, ESCAPE_BYTES));

    if (n == 0) {
        *text += 1;
        return (size_t)snprintf(shown, ESCAPE_BYTES + 1, "\\x%02x", s[0]);
    }
    memcpy(shown, s, n);
    *text += n;
    return n;
}

char *text_escape(const char *text)
{
    char *copy = malloc(strlen(text) * ESCAPE_BYTES + 1);
    size_t n = 0;

    if (!copy)
        return NULL;
    while (*text) {
        char shown[ESCAPE_BYTES + 1];
        size_t n_shown = text_step(&text, shown);

        memcpy(copy + n, shown, n_shown);
        n += n_shown;
    }
    copy[n] = '\0';
    return copy;
}

void text_print(const char *text, FILE *out)
{
    while (*text) {
        char shown[ESCAPE_BYTES + 1];
        size_t n_shown = text_step(&text, shown);

        fwrite(shown, 1, n_shown, out);
    }
}

json_t *text_json(const char *text)
{
    CLEANUP_FREE char *copy = NULL;
    json_t *json = json_string(text ? text : "");
    size_t len;

    if (json || !text)
        return json;
    copy = strdup(text);
    if (!copy)
        return NULL;
    len = strlen(copy);
    for (size_t i = 0; i < len;) {
        size_t n = utf8_decode((const uint8_t *)copy + i, len - i, NULL);

        if (n == 0)
            copy[i] = '?';
        i += MAX(n, (size_t)1);
    }
    return json_string(copy);
}
