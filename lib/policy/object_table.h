/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A set of objects by namespace and name, for kinds of which there may be 100,000: it borrows the objects and their
 * texts, and takes 8 to 22 bytes for each. One kind a table; an object that is in one must not move or be renamed.
 */
#include "lib/base.h"

struct object;

struct object_table {
    struct object **slots; /* owned; the objects are not */
    size_t n, n_slots;
};

void object_table_done(struct object_table *t);

/* NULL: it has none. */
struct object *object_table_find(const struct object_table *t, const char *name_space,
                                 const char *name);
/* Puts o in the place of the one of the same name, which is returned through *ret_before (NULL: there was none).
 * 0, or -ENOMEM, if there was none: as before. */
int object_table_put(struct object_table *t, struct object *o,
                     struct object **ret_before) MUST_CHECK;
/* Takes it out; NULL: it was not in. */
struct object *object_table_take(struct object_table *t, const char *name_space, const char *name);

/* The objects, in no order: begin with *at 0; NULL: no more. The table must not change in between. */
struct object *object_table_next(const struct object_table *t, size_t *at);
