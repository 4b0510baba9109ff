/* SPDX-License-Identifier: Apache-2.0 */
/* A Lease as a server may send it: what is read is written and read again as the same. */
#include <assert.h>
#include <string.h>

#include "lib/kube/lease_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_BUF struct buf text = BUF_INIT(LEASE_MAX_BYTES);
    const struct lease_place place = {"n", "l", "[]"};
    struct lease_record r, again;

    if (lease_record_parse(&r, data, size, NULL) < 0)
        return 0;
    assert(lease_record_format(&r, &place, &text) == 0);
    assert(lease_record_parse(&again, text.data, text.len, NULL) == 0);
    assert(strcmp(r.holder, again.holder) == 0 && strcmp(r.version, again.version) == 0);
    assert(r.duration_s == again.duration_s && r.transitions == again.transitions);
    return 0;
}
