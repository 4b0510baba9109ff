/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/utf8.h"

struct error {
    int code;
    char *message; /* owned; NULL in the static out-of-memory error */
};

static struct error error_no_memory = {.code = -ENOMEM, .message = NULL};

#define QUOTE_MAX_CHARS 120 /* longer quotations make a message unreadable */
#define QUOTE_BUFFERS   8   /* arguments of one printf that may be quoted */

/* The text of a message; NULL with *reterr set: no memory. */
static char *PRINTF_FORMAT(2, 0) error_text(struct error **reterr, const char *format, va_list args)
{
    char *text;

    if (vasprintf(&text, format, args) >= 0)
        return text;
    error_oom(reterr);
    return NULL;
}

int(error_set)(struct error **reterr, int code, const char *format, ...)
{
    CLEANUP_FREE char *message = NULL;
    struct error *e;
    va_list args;

    if (!reterr)
        return code;
    va_start(args, format);
    message = error_text(reterr, format, args);
    va_end(args);
    if (!message)
        return code;
    e = malloc(sizeof(*e));
    if (!e) {
        error_oom(reterr);
        return code;
    }
    *e = (struct error){.code = code, .message = TAKE(message)};
    error_free(*reterr);
    *reterr = e;
    return code;
}

int(error_wrap)(struct error **reterr, int code, const char *format, ...)
{
    CLEANUP_FREE char *front = NULL;
    char *message;
    va_list args;

    if (!reterr || *reterr == &error_no_memory)
        return code;
    va_start(args, format);
    front = error_text(reterr, format, args);
    va_end(args);
    if (!front)
        return code;
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

    if (!reterr)
        return code;
    va_start(args, format);
    front = error_text(reterr, format, args);
    va_end(args);
    if (!front)
        return code;
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
    const uint8_t *in = (const uint8_t *)text;
    size_t n = 0;

    for (size_t i = 0, n_chars = 0; i < len; n_chars++) {
        size_t n_bytes = utf8_printable(in + i, len - i);

        if (n_chars == QUOTE_MAX_CHARS) {
            memcpy(out + n, "...", 3);
            n += 3;
            break;
        }
        if (n_bytes == 0 || in[i] == '\\' || in[i] == '\'') {
            n += (size_t)snprintf(out + n, 5, "\\x%02x", in[i++]);
        } else {
            memcpy(out + n, in + i, n_bytes);
            n += n_bytes;
            i += n_bytes;
        }
    }
    out[n] = '\0';
    return out;
}

const char *error_quote(const char *text)
{
    return error_quote_n(text, strlen(text));
}
