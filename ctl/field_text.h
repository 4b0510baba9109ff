/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Fields of our kinds in words: for `varmorctl explain` and for docs/fields.md. All return 0 or
 * -ENOMEM. */
#include "ctl/field_path.h"
#include "lib/buf.h"

/* "string", "[]object", "map of strings" */
int field_text_type(const struct field *f, struct buf *ret) MUST_CHECK;
/* "one of In, NotIn; at most 64"; nothing where any value is taken. */
int field_text_limits(const struct field *f, struct buf *ret) MUST_CHECK;
/* Everything about a place, as kubectl explain has it; with the fields below it to any depth if
 * recursive. */
int field_text_explain(const struct field_place *place, bool recursive, struct buf *ret) MUST_CHECK;
