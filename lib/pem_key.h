/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Private keys in PEM, without anybody there to type a pass phrase. */
#include <openssl/evp.h>

#include "lib/base.h"

/* The next private key that bio has. NULL: there is none, it cannot be read, or it is encrypted
 * (OpenSSL would ask at the terminal, and the loop would wait for who types); OpenSSL's queue of
 * errors says which. The caller's. */
EVP_PKEY *pem_key_read(BIO *bio);
