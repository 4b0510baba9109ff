/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The OCI runtime specification of a container (config.json), of which we read two members. By
 * jansson; its depth is bounded by jansson, its size by the caller. No I/O, no logging. */
#include "lib/error.h"

struct labels;

struct oci_spec {
    struct labels *annotations; /* owned; never NULL after a parse */
    char *cgroups_path;         /* owned; linux.cgroupsPath as written: "/default/c1" or
                                   "slice:prefix:name"; NULL: none */
};
void oci_spec_done(struct oci_spec *s);

/* *ret is to be given back by oci_spec_done(). 0, -EBADMSG with *reterr (not JSON, not an object, a
 * member of another type, more than LABELS_MAX annotations), or -ENOMEM. */
int oci_spec_parse(struct oci_spec *ret, const char *json, size_t len, struct error **reterr);
