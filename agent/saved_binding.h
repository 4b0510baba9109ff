/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A binding as one line of text, for what the kernel does not keep: since when it holds, and
 * whether it held before the container's first instruction. "44d 1795572752141847361 1
 * varmor-shop-web": the cgroup's id in hexadecimal, CLOCK_REALTIME in nanoseconds, 1 or 0, the
 * profile. Pure.
 */
#include "lib/buf.h"
#include "lib/profile.h"

struct saved_binding {
    uint64_t cgroup_id;
    int64_t since_ns;
    bool before_first_instruction;
    char profile[PROFILE_NAME_MAX + 1];
};

/* Appends the line. 0, -E2BIG or -ENOMEM. */
int saved_binding_format(const struct saved_binding *b, struct buf *out) MUST_CHECK;

/* Reads the line that *text begins with, and moves *text behind it. False if it is not one. */
bool saved_binding_parse(struct saved_binding *ret, const char **text);
