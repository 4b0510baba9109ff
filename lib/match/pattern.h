/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Path patterns: what a policy writes in files[].pattern, processes[].pattern and
 * mounts[].sourcePattern.
 *
 *   *      any run of bytes without '/', also an empty one
 *   **     any run of bytes, '/' included, also an empty one (more than two stars are two)
 *   /XX/   (XX being **) also matches a single '/': "/tmp/XX/33" matches "/tmp/33"
 *   ?      one byte other than '/', or the bytes of one UTF-8 character
 *   [abc] [a-z]    one byte of the set, never '/'; the set is ASCII, ']' may stand first
 *   [^x] [!x]      one byte not of the set, or one UTF-8 character beyond ASCII; never '/'
 *   {a,b}  either; may be nested, may be empty ({,x}) and may hold the other forms
 *   \c     the character c itself
 *
 * A pattern without '/' whose first characters are not "**" is compared with the last component (of
 * a text without '/': with all of it), where "**" is "*": "*.log" is any file of that ending, in
 * whatever folder. "", "*" and "**" match every path. Everything else must match the whole path:
 * "/bin/sh" is just that file (the incumbent's prefix rule, W8, is gone), "/etc/XX" is everything
 * below /etc. A byte that is no UTF-8 is matched by '?' and the stars like any other, so that no
 * file name escapes a pattern.
 */
#include "lib/error.h"

/* Limits, refused with the number. */
#define PATTERN_MAX_BYTES    4096
#define PATTERN_MAX_NESTING  8    /* of {} */
#define PATTERN_MAX_BRANCHES 256  /* alternatives in one pattern, all {} multiplied out */
#define PATTERN_MAX_TEXT     4096 /* bytes of a text, for the reference matcher; longer: no match */

struct pattern; /* parsed; opaque to all but lib/match */

/* 0, -ENOMEM, or -EINVAL with *reterr: what is wrong at which byte ("byte 7: '[' is never closed").
 * *ret is written on success only. */
int pattern_parse(struct pattern **ret, const char *text, struct error **reterr);
struct pattern *pattern_free(struct pattern *p); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct pattern *, pattern_free)

/* Only checks. 0, -EINVAL with *reterr, or -ENOMEM. */
int pattern_check(const char *text, struct error **reterr);

/* Matches by the definition above, directly on the pattern (slow, the reference for tests and
 * fuzzing). */
bool pattern_matches(const struct pattern *p, const char *path, size_t len);
