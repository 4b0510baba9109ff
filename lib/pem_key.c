/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pem_key.h"

#include <openssl/pem.h>

static int no_pass_phrase(char *text UNUSED, int size UNUSED, int writing UNUSED, void *data UNUSED)
{
    return -1;
}

EVP_PKEY *pem_key_read(BIO *bio)
{
    return PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
}
