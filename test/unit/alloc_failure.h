/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Makes the n-th allocation of a test fail. Included by one source of a test program: the functions
 * below then stand before those of the C library and of the sanitizer, for the libraries too.
 *
 *     for (unsigned n = 1; alloc_failure_arm(n), run(), alloc_failure_disarm(); n++)
 *         ...
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What really allocates: the sanitizer where there is one, else the C library. */
extern void *__interceptor_malloc(size_t size) __attribute__((weak));
extern void *__interceptor_calloc(size_t n, size_t size) __attribute__((weak));
extern void *__interceptor_realloc(void *p, size_t size) __attribute__((weak));
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

static unsigned alloc_failure_countdown; /* 0: nothing fails */
static bool alloc_failure_happened;

/* The n-th allocation from now on fails, that one only. */
static inline void alloc_failure_arm(unsigned n)
{
    alloc_failure_happened = false;
    alloc_failure_countdown = n;
}

/* Nothing fails any more. True if one did. */
static inline bool alloc_failure_disarm(void)
{
    alloc_failure_countdown = 0;
    return alloc_failure_happened;
}

static bool alloc_failure_now(void)
{
    if (alloc_failure_countdown == 0 || --alloc_failure_countdown > 0)
        return false;
    alloc_failure_happened = true;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    if (alloc_failure_now())
        return NULL;
    return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    if (alloc_failure_now())
        return NULL;
    return __interceptor_calloc ? __interceptor_calloc(n, size) : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    if (alloc_failure_now())
        return NULL;
    return __interceptor_realloc ? __interceptor_realloc(p, size) : __libc_realloc(p, size);
}

void *reallocarray(void *p, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(p, bytes);
}

char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);

    return copy ? memcpy(copy, text, size) : NULL;
}

/* One allocation each, as opposed to glibc's several. */
__attribute__((format(printf, 2, 0))) int vasprintf(char **ret, const char *format, va_list args)
{
    va_list again;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0)
        return n;
    *ret = malloc((size_t)n + 1);
    return *ret ? vsnprintf(*ret, (size_t)n + 1, format, args) : -1;
}

__attribute__((format(printf, 2, 3))) int asprintf(char **ret, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(ret, format, args);
    va_end(args);
    return n;
}
