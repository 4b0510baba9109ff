/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * struct profile <-> the ArmorProfile message (varmor/v1/profile.proto). The encoding is canonical:
 * equal profiles give equal bytes, whoever made them. No I/O, no logging.
 */
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/profile.h"

/* A message may be this large at most; a larger profile is refused with this number. */
#define PROFILE_MAX_ENCODED_BYTES (32u << 20)

/* Computes p->digest over the canonical encoding without digest and policy generation. 0, -ENOMEM,
 * or -E2BIG with *reterr. */
int profile_seal(struct profile *p, struct error **reterr);

/* Appends the encoded message (with the digest) to out. 0, -ENOMEM or -E2BIG. */
int profile_encode(const struct profile *p, struct buf *out);

/* Decodes, checks every value (enumerations, ranges, patterns' size, counts; patterns are parsed by
 * the ruleset) and that the digest is that of the content. *ret: one reference. 0, -ENOMEM, or
 * -EBADMSG with *reterr. */
int profile_decode(struct profile **ret, const uint8_t *data, size_t len, struct error **reterr);
