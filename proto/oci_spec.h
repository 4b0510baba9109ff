/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The OCI runtime specification of a container (config.json), of which we read the annotations
 * only. By jansson; depth and size are bounded by it and by the caller. No I/O, no logging. */
#include "lib/error.h"

struct labels;

/* *ret: a new set, empty if there are none. 0, -EBADMSG with *reterr (not JSON, not an object, an
 * annotation that is not text, more than LABELS_MAX of them), or -ENOMEM. */
int oci_spec_annotations(struct labels **ret, const char *json, size_t len, struct error **reterr);
