/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/lease_record.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/json_value.h"

/* Copies a member that is a text, if it is there. 0, or -EBADMSG with *reterr. */
static int read_text(char *to, size_t max, const json_t *object, const char *member,
                     struct error **reterr)
{
    const json_t *value = json_object_get(object, member);
    size_t len;

    to[0] = '\0';
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value))
        return error_set(reterr, -EBADMSG, "lease: '%s' is not a text", member);
    len = json_string_length(value);
    if (len > max)
        return error_set(reterr, -EBADMSG, "lease: '%s' has %zu bytes, more than %zu", member, len,
                         max);
    memcpy(to, json_string_value(value), len + 1);
    return 0;
}

static int read_number(int64_t *to, const json_t *object, const char *member, struct error **reterr)
{
    const json_t *value = json_object_get(object, member);

    *to = 0;
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return error_set(reterr, -EBADMSG, "lease: '%s' is not a count", member);
    *to = json_integer_value(value);
    return 0;
}

int lease_record_parse(struct lease_record *ret, const uint8_t *json, size_t len,
                       struct error **reterr)
{
    json_error_t problem;
    CLEANUP(json_decref)
    json_t *root = json_value_read(json, len, JSON_REJECT_DUPLICATES, &problem);
    struct lease_record r = {0};
    const json_t *metadata, *spec;
    int e;

    if (!root)
        return error_set(reterr, -EBADMSG, "lease: not JSON: %s", error_quote(problem.text));
    metadata = json_object_get(root, "metadata");
    spec = json_object_get(root, "spec");
    if (!json_is_object(metadata))
        return error_set(reterr, -EBADMSG, "lease: no metadata");
    e = read_text(r.version, LEASE_VERSION_MAX, metadata, "resourceVersion", reterr);
    if (e == 0)
        e = read_text(r.holder, LEASE_HOLDER_MAX, spec, "holderIdentity", reterr);
    if (e == 0)
        e = read_text(r.acquired, LEASE_TIME_MAX, spec, "acquireTime", reterr);
    if (e == 0)
        e = read_text(r.renewed, LEASE_TIME_MAX, spec, "renewTime", reterr);
    if (e == 0)
        e = read_number(&r.duration_s, spec, "leaseDurationSeconds", reterr);
    if (e == 0)
        e = read_number(&r.transitions, spec, "leaseTransitions", reterr);
    if (e == 0 && !r.version[0])
        e = error_set(reterr, -EBADMSG, "lease: no resourceVersion");
    if (e < 0)
        return e;
    *ret = r;
    return 0;
}

/* A text, or null where there is none: a time may not be "". */
static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

int lease_record_format(const struct lease_record *r, const struct lease_place *place,
                        struct buf *out)
{
    CLEANUP(json_decref) json_t *owners = json_loads(place->owners, 0, NULL);
    CLEANUP(json_decref)
    json_t *root = json_pack(
        "{s:s, s:s, s:{s:s, s:s, s:o, s:O}, s:{s:o, s:o, s:o, s:I, s:I}}", "apiVersion",
        "coordination.k8s.io/v1", "kind", "Lease", "metadata", "namespace", place->name_space,
        "name", place->name, "resourceVersion", text_or_null(r->version), "ownerReferences", owners,
        "spec", "holderIdentity", text_or_null(r->holder), "acquireTime", text_or_null(r->acquired),
        "renewTime", text_or_null(r->renewed), "leaseDurationSeconds", (json_int_t)r->duration_s,
        "leaseTransitions", (json_int_t)r->transitions);
    CLEANUP_FREE char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

    if (!json_is_array(owners))
        return -EINVAL;
    return text ? buf_add_text(out, text) : -ENOMEM;
}

void lease_time_format(char text[static LEASE_TIME_MAX + 1], int64_t real_ns)
{
    time_t seconds = (time_t)(real_ns / (int64_t)NS_PER_SEC);
    unsigned microseconds = (unsigned)(real_ns % (int64_t)NS_PER_SEC / 1000);
    char day[32];
    struct tm parts;

    gmtime_r(&seconds, &parts);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, LEASE_TIME_MAX + 1, "%s.%06uZ", day, microseconds % 1000000);
}
