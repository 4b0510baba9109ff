/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The built-in rules, shown: one with all that its file says (varmorctl explain rule), or all of
 * them as a list (varmorctl get rules). They are data of this very program; no manager is asked.
 */
#include <jansson.h>

#include "ctl/status_options.h"
#include "lib/buf.h"

struct builtin_rule;

/* Appends all about a rule, for people. 0, -E2BIG (out's ceiling) or -ENOMEM. */
int builtin_view_text(const struct builtin_rule *rule, struct buf *out) MUST_CHECK;
/* The same as JSON (a new reference). NULL: no memory. */
json_t *builtin_view_json(const struct builtin_rule *rule);

/* get rules: prints the list that the options ask for. name: one rule; "" for all. 0, or with
 * *reterr: -ENOENT (no such rule), -EINVAL (no such category), -EIO, -ENOMEM. */
int builtin_view_list(const struct status_options *o, const char *name, struct error **reterr);

/* Finds a rule of any category by any spelling. NULL with *reterr, which names the nearest. */
const struct builtin_rule *builtin_view_find(const char *name, struct error **reterr);
