/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Errors that a person will read.
 *
 * A function that can fail returns 0 or a negative errno; where a person will want to know more it
 * takes `struct error **reterr` last (may be NULL). The function that notices the failure calls
 * error_set(); each caller that knows something more puts it in front with error_wrap(). A finished
 * message reads from the outside in: "profile 'x': rule 3: pattern 'a**b**c': ...". No function
 * both logs and returns.
 *
 * *reterr must be NULL on entry of a call that may set it; the holder frees it with error_free().
 * Out of memory needs no memory: error_oom() hands out a static object.
 */
#include "lib/base.h"

struct error;

/* Sets *reterr (if reterr is not NULL) to a new error and returns code, which must be negative. */
int error_set(struct error **reterr, int code, const char *format, ...) PRINTF_FORMAT(3, 4);

/* Puts "text: " in front of *reterr, if there is one; makes one from strerror(-code) if there is
 * none. The error keeps its code. Returns code. */
int error_wrap(struct error **reterr, int code, const char *format, ...) PRINTF_FORMAT(3, 4);

/* error_set() with the text of errno_code (positive or negative) behind the message. Returns
 * -|errno_code|. */
int error_errno(struct error **reterr, int errno_code, const char *format, ...) PRINTF_FORMAT(3, 4);

/* Out of memory. Returns -ENOMEM. Never allocates. */
int error_oom(struct error **reterr);

struct error *error_free(struct error *e); /* accepts NULL, returns NULL */
int error_code(const struct error *e);     /* 0 for NULL */

/* The message; never NULL ("no error" for NULL). Borrowed. */
const char *error_message(const struct error *e);

/* Quotes text from outside for use in a message: its first characters (then "..."), with control
 * bytes and quotes escaped. Returns a buffer of the calling thread, reused after eight calls. */
const char *error_quote(const char *text);
const char *error_quote_n(const char *text, size_t len);

DEFINE_CLEANUP(struct error *, error_free)

#ifdef __clang_analyzer__
/* The analyzer sees one file at a time; this tells it what these calls return. */
#define error_set(reterr, code, ...)   ((void)(error_set)(reterr, code, __VA_ARGS__), (code))
#define error_wrap(reterr, code, ...)  ((void)(error_wrap)(reterr, code, __VA_ARGS__), (code))
#define error_errno(reterr, code, ...) ((void)(error_errno)(reterr, code, __VA_ARGS__), -1)
#define error_oom(reterr)              ((void)(error_oom)(reterr), -12)
#endif
