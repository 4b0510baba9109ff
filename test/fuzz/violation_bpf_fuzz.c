/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as a record of the ring: what passes the check becomes one JSON object on one line. */
#include <jansson.h>
#include <string.h>

#include "agent/violation_bpf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t record[(sizeof(struct varmor_event) + VARMOR_EVENT_TEXT) / sizeof(uint64_t)];
    struct buf b CLEANUP_BUF = BUF_INIT(VIOLATION_BPF_JSON_MAX);
    const struct varmor_event *e;
    json_t *json;

    if (size > sizeof(record))
        return 0;
    memcpy(record, data, size); /* aligned, as the ring's records are */
    e = violation_bpf_check(record, size);
    if (!e)
        return 0;
    if (violation_bpf_format(&b, e) < 0 || memchr(b.data, '\n', b.len))
        abort();
    json = json_loadb((const char *)b.data, b.len, JSON_ALLOW_NUL, NULL);
    if (!json_is_object(json) || !json_object_get(json, "operation"))
        abort();
    json_decref(json);
    return 0;
}
