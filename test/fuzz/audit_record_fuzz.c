/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as what a source of audit records brings, the first of them choosing the source: whatever is
 * read becomes one JSON object on one line. */
#include <jansson.h>
#include <string.h>

#include "agent/violation_apparmor.h"
#include "agent/violation_seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_record(struct audit_record *r, uint8_t source, const char *text, size_t len)
{
    switch (source % 4) {
    case 0:
        return audit_record_read_line(r, text, len);
    case 1:
        return audit_record_read_kmsg(r, text, len);
    case 2:
        return audit_record_read_message(r, AUDIT_RECORD_APPARMOR, text, len);
    default:
        return audit_record_read_message(r, AUDIT_RECORD_SECCOMP, text, len);
    }
}

static int format(struct buf *b, const struct audit_record *r, bool kind)
{
    struct violation_seccomp what;

    if (r->type == AUDIT_RECORD_APPARMOR)
        return violation_apparmor_format(b, r, kind);
    return violation_seccomp_read(r, &what) < 0 ? 1 : violation_seccomp_format(b, r, &what, kind);
}

static void check_json(const struct audit_record *r, bool kind)
{
    struct buf b CLEANUP_BUF = BUF_INIT(VIOLATION_AUDIT_JSON_MAX);
    int rc = format(&b, r, kind);
    json_t *json;

    if (rc == 1)
        return;
    if (rc < 0 || memchr(b.data, '\n', b.len))
        abort();
    json = json_loadb((const char *)b.data, b.len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(json))
        abort();
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct audit_record record;
    static struct violation_apparmor_access access;
    int outcome;

    if (size == 0)
        return 0;
    outcome = read_record(&record, data[0], (const char *)data + 1, size - 1);
    if (outcome != AUDIT_READ)
        return 0;
    check_json(&record, false);
    check_json(&record, true);
    if (record.type == AUDIT_RECORD_APPARMOR)
        violation_apparmor_access(&record, &access);
    return 0;
}
