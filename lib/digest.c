/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The plain functions, deprecated as they are in OpenSSL 3: EVP fetches a provider for one hash,
 * which costs each process 2 MiB of resident libcrypto. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

int digest_of(struct digest *ret, const void *data, size_t len)
{
    SHA256_CTX context;

    if (SHA256_Init(&context) != 1 || SHA256_Update(&context, data, len) != 1 ||
        SHA256_Final(ret->bytes, &context) != 1)
        return -ENOMEM;
    return 0;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_BYTES) == 0;
}

bool digest_is_zero(const struct digest *d)
{
    static const struct digest zero;

    return digest_equal(d, &zero);
}

const char *digest_format(const struct digest *d, char text[static DIGEST_TEXT_SIZE])
{
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", d->bytes[i]);
    return text;
}
