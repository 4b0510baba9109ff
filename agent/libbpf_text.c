/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/libbpf_text.h"

#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char kept[LIBBPF_TEXT_MAX + 1]; /* the end of all that was said */
static char joined[2 * LIBBPF_TEXT_MAX + 3];

static int PRINTF_FORMAT(2, 0)
    on_print(enum libbpf_print_level level, const char *format, va_list args)
{
    CLEANUP_FREE char *message = NULL;

    if (level == LIBBPF_DEBUG)
        return 0;
    if (vasprintf(&message, format, args) < 0) {
        message = NULL;
        return 0;
    }
    libbpf_text_add(message);
    return 0;
}

void libbpf_text_begin(void)
{
    kept[0] = '\0';
    libbpf_set_print(on_print);
}

void libbpf_text_end(void)
{
    libbpf_set_print(NULL);
}

void libbpf_text_add(const char *message)
{
    size_t had = strlen(kept), len = strlen(message), out;

    if (len > LIBBPF_TEXT_MAX) {
        message += len - LIBBPF_TEXT_MAX;
        len = LIBBPF_TEXT_MAX;
    }
    out = had + len > LIBBPF_TEXT_MAX ? had + len - LIBBPF_TEXT_MAX : 0;
    memmove(kept, kept + out, had - out);
    memcpy(kept + had - out, message, len);
    kept[had - out + len] = '\0';
}

const char *libbpf_text_last(void)
{
    size_t n = 0;

    joined[0] = '\0';
    for (const char *line = kept; *line;) {
        size_t len = strcspn(line, "\n");

        if (len > 0) {
            n += (size_t)snprintf(joined + n, sizeof(joined) - n, "%s%.*s", n ? "; " : ": ",
                                  (int)len, line);
        }
        line += len + (line[len] == '\n');
    }
    return joined;
}
