/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How far an agent has told the kernel's audit records: the highest serial, kept in a small file for
 * the agent that comes after it.
 *
 * Each record is noted by one pwrite(2) into the page cache, so the file is right after kill -9; it
 * is never synced, as serials begin anew with each boot, and what another boot left counts for
 * nothing. No logging.
 */
#include "lib/error.h"

struct audit_position; /* opaque */

/* Opens or makes the file, mode 0600; no link is followed. 0, -ENOMEM, or an errno of the file
 * system with *reterr. */
int audit_position_new(struct audit_position **ret, const char *path, struct error **reterr);
struct audit_position *audit_position_free(struct audit_position *p); /* accepts NULL */
DEFINE_CLEANUP(struct audit_position *, audit_position_free)

/* What an agent before us told last in this boot; false: there was none. */
bool audit_position_left(const struct audit_position *p, uint64_t *ret);
/* A record has been told. A serial that is not the highest changes nothing. */
void audit_position_put(struct audit_position *p, uint64_t serial);
