/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a compiled AppArmor profile: refused, or whole and without a stranger. */
#include <string.h>

#include "agent/apparmor_binary.h"

#define NAME "varmor-shop-web"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(apparmor_binary_unref) struct apparmor_binary *b = NULL;
    struct buf copy CLEANUP_BUF = BUF_INIT(APPARMOR_BINARY_MAX);

    if (buf_add(&copy, data, size) < 0)
        return 0;
    if (apparmor_binary_new(&b, NAME, &copy, NULL) == 0 &&
        (b->len != size || !memmem(data, size, NAME, sizeof(NAME))))
        abort();
    return 0;
}
