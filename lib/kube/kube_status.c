/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_status.h"

#include <string.h>

#include <jansson.h>

#include "lib/json_value.h"
#include "lib/kube/kube_envelope.h"
#include "lib/rpc/pb_fields.h"

/* Cuts at a character of UTF-8; control characters become blanks, so that it stays one line. */
static void set_text(char *ret, size_t max, const char *text, size_t len)
{
    size_t n = MIN(len, max);

    if (n < len)
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    for (size_t i = 0; i < n; i++)
        ret[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
    ret[n] = '\0';
}

static void set_json_text(char *ret, size_t max, const json_t *text)
{
    if (json_is_string(text))
        set_text(ret, max, json_string_value(text), json_string_length(text));
}

static unsigned bounded_seconds(int64_t seconds)
{
    return seconds <= 0 ? 0 : (unsigned)MIN(seconds, (int64_t)KUBE_RETRY_AFTER_MAX_S);
}

static int http_code(int64_t code)
{
    return code >= 100 && code <= 599 ? (int)code : 0;
}

static bool parse_json(struct kube_status *ret, const uint8_t *data, size_t len)
{
    json_t *root = json_value_read(data, len, 0, NULL);
    const char *kind = json_string_value(json_object_get(root, "kind"));
    const json_t *details = json_object_get(root, "details");
    const bool is_status = kind && strcmp(kind, "Status") == 0;

    if (is_status) {
        set_json_text(ret->message, KUBE_STATUS_MESSAGE_MAX, json_object_get(root, "message"));
        set_json_text(ret->reason, KUBE_STATUS_REASON_MAX, json_object_get(root, "reason"));
        ret->code = http_code(json_integer_value(json_object_get(root, "code")));
        ret->retry_after_s =
            bounded_seconds(json_integer_value(json_object_get(details, "retryAfterSeconds")));
    }
    json_decref(root);
    return is_status;
}

/* Numbers of Status and StatusDetails (k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto). */
enum {
    STATUS_MESSAGE = 3,
    STATUS_REASON = 4,
    STATUS_DETAILS = 5,
    STATUS_CODE = 6,
    DETAILS_RETRY_AFTER = 5
};

static bool parse_details(struct kube_status *ret, struct pb_bytes rest)
{
    struct pb_field f;
    int r;

    while ((r = pb_fields_next(&rest, &f)) == PB_FIELDS_ONE)
        if (f.number == DETAILS_RETRY_AFTER && !f.is_bytes)
            ret->retry_after_s = bounded_seconds((int32_t)f.value);
    return r == PB_FIELDS_END;
}

static bool parse_protobuf(struct kube_status *ret, const uint8_t *data, size_t len)
{
    struct kube_envelope envelope;
    struct pb_bytes rest;
    struct pb_field f;
    int r;

    if (kube_envelope_parse(&envelope, data, len) < 0 ||
        !pb_bytes_equal(envelope.kind, "Status", 6))
        return false;
    rest = envelope.object;
    while ((r = pb_fields_next(&rest, &f)) == PB_FIELDS_ONE) {
        if (f.number == STATUS_MESSAGE && f.is_bytes)
            set_text(ret->message, KUBE_STATUS_MESSAGE_MAX, (const char *)f.bytes.data,
                     f.bytes.len);
        else if (f.number == STATUS_REASON && f.is_bytes)
            set_text(ret->reason, KUBE_STATUS_REASON_MAX, (const char *)f.bytes.data, f.bytes.len);
        else if (f.number == STATUS_CODE && !f.is_bytes)
            ret->code = http_code((int32_t)f.value);
        else if (f.number == STATUS_DETAILS && f.is_bytes && !parse_details(ret, f.bytes))
            return false;
    }
    return r == PB_FIELDS_END;
}

bool kube_status_parse(struct kube_status *ret, const uint8_t *data, size_t len)
{
    struct kube_status status = {0};
    bool good;

    len = MIN(len, (size_t)KUBE_STATUS_MAX_BYTES);
    good = kube_envelope_is(data, len) ? parse_protobuf(&status, data, len)
                                       : parse_json(&status, data, len);
    if (!good) {
        status = (struct kube_status){0};
        if (!kube_envelope_is(data, len))
            set_text(status.message, KUBE_STATUS_MESSAGE_MAX, (const char *)data, len);
    }
    *ret = status;
    return good;
}
