/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * AppArmor's globs and variables (apparmor.d(5), "Globbing"): checked, and compared with names.
 *
 * They differ from varmor's own patterns (lib/match/pattern.h): a star behind '/' at the end of a component needs at
 * least one character ("/a/XX" is not "/a/", "/XX/sh" is not "/sh"; XX being two stars), a set may match '/', and '!'
 * in a set is itself. Comparing turns a glob into such a pattern, variables replaced by their values.
 */
#include "lib/apparmor/rule_text.h"
#include "lib/error.h"

#define GLOB_MAX_NESTING 8 /* of {} */

/* A variable that rules may use, as the tunables of AppArmor define it. */
struct glob_variable {
    const char *name;
    const char *
        values; /* separated by blanks, of other variables too; NULL: the parser or the node knows it */
};
extern const struct glob_variable glob_variables[];
extern const size_t glob_n_variables;

/* 0, or -EINVAL with *reterr: what apparmor_parser would not compile, or a variable that is not there. */
int glob_check(const char *glob, enum rule_author author, struct error **reterr);
/* True if it can only mean absolute paths: it begins with '/', itself or in its variable. */
bool glob_is_absolute(const char *glob);
/* The length of "@{NAME}" if text begins with it, else 0. */
size_t glob_variable_len(const char *text);

/* Writes the glob as a pattern of lib/match. 0, -E2BIG or -ENOMEM. */
int glob_to_pattern(const char *glob, struct buf *out);
/* False also for a glob too large to be compared. */
bool glob_matches(const char *glob, const char *name);
