/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The few words that every source of varmor speaks: ownership of locals, sizes of arrays, bounds.
 *
 * A local that owns something carries CLEANUP(...), CLEANUP_FREE or CLEANUP_CLOSE and is
 * initialised (NULL, -1) where it is declared; TAKE() and TAKE_FD() are the only ways out of it. A
 * local without one of these borrows.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a)            (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)                ((a) < (b) ? (a) : (b))
#define MAX(a, b)                ((a) > (b) ? (a) : (b))

#define PRINTF_FORMAT(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK               __attribute__((warn_unused_result))
#define UNUSED                   __attribute__((unused))

/* Defines what CLEANUP(func) runs on a local of the given type when it leaves its scope. */
#define DEFINE_CLEANUP(type, func)                                                                 \
    static inline void func##_cleanup(type *p)                                                     \
    {                                                                                              \
        if (*p)                                                                                    \
            func(*p);                                                                              \
    }
#define CLEANUP(func) __attribute__((cleanup(func##_cleanup)))

static inline void base_free_cleanup(void *p)
{
    free(*(void **)p);
}
#define CLEANUP_FREE __attribute__((cleanup(base_free_cleanup)))

static inline void base_close_cleanup(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define CLEANUP_CLOSE __attribute__((cleanup(base_close_cleanup)))

/* Moves ownership out of a local: the value is returned, the local becomes NULL or -1. */
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) take_ptr_ = (p);                                                             \
        (p) = NULL;                                                                                \
        take_ptr_;                                                                                 \
    })
#define TAKE_FD(fd)                                                                                \
    __extension__({                                                                                \
        int take_fd_ = (fd);                                                                       \
        (fd) = -1;                                                                                 \
        take_fd_;                                                                                  \
    })

/* Nanoseconds in the units that deadlines are written in. */
#define NS_PER_SEC  1000000000ULL
#define NS_PER_MSEC 1000000ULL
