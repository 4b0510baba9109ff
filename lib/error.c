/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct error {
    int code;
    char *message; /* owned; NULL in the static out-of-memory error */
};

static struct error error_no_memory = {.code = -ENOMEM, .message = NULL};

#define QUOTE_MAX_CHARS 120 /* longer quotations make a message unreadable */
#define QUOTE_BUFFERS   8   /* arguments of one printf that may be quoted */

static int PRINTF_FORMAT(3, 0)
    error_vset(struct error **reterr, int code, const char *format, va_list args)
{
    struct error *e;
    char *message = NULL;

    if (!reterr)
        return code;
    if (vasprintf(&message, format, args) < 0)
        return error_oom(reterr), code;
    e = malloc(sizeof(*e));
    if (!e) {
        free(message);
        return error_oom(reterr), code;
    }
    e->code = code;
    e->message = message;
    error_free(*reterr);
    *reterr = e;
    return code;
}

int(error_set)(struct error **reterr, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    error_vset(reterr, code, format, args);
    va_end(args);
    return code;
}

int(error_wrap)(struct error **reterr, int code, const char *format, ...)
{
    CLEANUP_FREE char *front = NULL;
    char *message = NULL;
    va_list args;
    int n;

    if (!reterr || *reterr == &error_no_memory)
        return code;
    va_start(args, format);
    n = vasprintf(&front, format, args);
    va_end(args);
    if (n < 0) {
        front = NULL;
        error_oom(reterr);
        return code;
    }
    if (!*reterr)
        return error_set(reterr, code, "%s: %s", front, strerror(-code));
    if (asprintf(&message, "%s: %s", front, (*reterr)->message) < 0)
        return code; /* the inner message is worth more than none */
    free((*reterr)->message);
    (*reterr)->message = message;
    return code;
}

int(error_errno)(struct error **reterr, int errno_code, const char *format, ...)
{
    int code = errno_code > 0 ? -errno_code : errno_code;
    CLEANUP_FREE char *front = NULL;
    va_list args;
    int n;

    if (!reterr)
        return code;
    va_start(args, format);
    n = vasprintf(&front, format, args);
    va_end(args);
    if (n < 0) {
        front = NULL;
        error_oom(reterr);
        return code;
    }
    return error_set(reterr, code, "%s: %s", front, strerror(-code));
}

int(error_oom)(struct error **reterr)
{
    if (reterr) {
        error_free(*reterr);
        *reterr = &error_no_memory;
    }
    return -ENOMEM;
}

struct error *error_free(struct error *e)
{
    if (e && e != &error_no_memory) {
        free(e->message);
        free(e);
    }
    return NULL;
}

int error_code(const struct error *e)
{
    return e ? e->code : 0;
}

const char *error_message(const struct error *e)
{
    if (!e)
        return "no error";
    return e->message ? e->message : "out of memory";
}

const char *error_quote_n(const char *text, size_t len)
{
    static _Thread_local char buffers[QUOTE_BUFFERS][QUOTE_MAX_CHARS * 4 + 4];
    static _Thread_local unsigned next;
    char *out = buffers[next++ % QUOTE_BUFFERS];
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (i == QUOTE_MAX_CHARS) {
            memcpy(out + n, "...", 3);
            n += 3;
            break;
        }
        if (c < 0x20 || c == 0x7f || c == '\\' || c == '\'')
            n += (size_t)snprintf(out + n, 5, "\\x%02x", c);
        else
            out[n++] = (char)c;
    }
    out[n] = '\0';
    return out;
}

const char *error_quote(const char *text)
{
    return error_quote_n(text, strlen(text));
}
