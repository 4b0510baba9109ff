/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A field of our kinds by its path: "spec.policy.mode", "vpol.spec", "armorprofile.status.nodes", or
 * as a finding writes it: "spec.policy.enhanceProtect.bpfRawRules.files[0].pattern". Without a kind
 * in front it is VarmorPolicy.
 */
#include "lib/policy/custom_resource.h"

#include <stdio.h>

struct error;

struct field_place {
    const struct custom_resource *resource;
    const struct field *field; /* NULL: the whole object */
};

/* 0, or -ENOENT with *reterr: there is no such field, and which is near. */
int field_path_find(struct field_place *ret, const char *path, struct error **reterr);

/* The fields of the object, or of the objects in the list; NULL: it has none. */
const struct schema *field_place_schema(const struct field_place *place);

/* Calls visit for each field below schema, in order, with its path below prefix. Stops at a result
 * other than 0 and returns it; -ENAMETOOLONG for a path that does not fit, which no table has. */
#define FIELD_PATH_SIZE 256
int field_path_each(const struct schema *schema, const char *prefix,
                    int (*visit)(const char *path, const struct field *f, void *data), void *data);
