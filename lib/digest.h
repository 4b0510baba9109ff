/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* SHA-256 (FIPS 180-4), by OpenSSL: what a profile, a kernel image and a file are known by. */
#include "lib/base.h"

#define DIGEST_BYTES     32
#define DIGEST_TEXT_SIZE (2 * DIGEST_BYTES + 1)

struct digest {
    uint8_t bytes[DIGEST_BYTES];
};

/* The digest of len bytes. 0 or -ENOMEM. */
int digest_of(struct digest *ret, const void *data, size_t len) MUST_CHECK;
bool digest_equal(const struct digest *a, const struct digest *b);
bool digest_is_zero(const struct digest *d);
/* Lower-case hexadecimal, NUL-terminated; returns text. */
const char *digest_format(const struct digest *d, char text[static DIGEST_TEXT_SIZE]);
