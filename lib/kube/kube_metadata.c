/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_metadata.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "lib/json_value.h"
#include "lib/kube/json_cutter.h"
#include "lib/rpc/pb_fields.h"

int kube_metadata_text(char *ret, size_t max, const void *text, size_t len)
{
    if (len > max || (len > 0 && memchr(text, '\0', len)))
        return -EBADMSG;
    if (len > 0)
        memcpy(ret, text, len);
    ret[len] = '\0';
    return 0;
}

static int set_json_text(char *ret, size_t max, const json_t *text)
{
    if (!text || json_is_null(text))
        return 0;
    if (!json_is_string(text))
        return -EBADMSG;
    return kube_metadata_text(ret, max, json_string_value(text), json_string_length(text));
}

struct json_reading {
    struct kube_metadata *metadata;
    bool has_metadata;
};

static int on_metadata(size_t member UNUSED, const uint8_t *json, size_t len, bool is_cut,
                       void *data)
{
    struct json_reading *reading = data;
    struct kube_metadata *m = reading->metadata;
    json_t *root = is_cut ? NULL : json_value_read(json, len, 0, NULL);
    int r = json_is_object(root) ? 0 : -EBADMSG;

    if (r == 0)
        r = set_json_text(m->name_space, KUBE_NAME_MAX, json_object_get(root, "namespace"));
    if (r == 0)
        r = set_json_text(m->name, KUBE_NAME_MAX, json_object_get(root, "name"));
    if (r == 0)
        r = set_json_text(m->version, KUBE_VERSION_MAX, json_object_get(root, "resourceVersion"));
    json_decref(root);
    reading->has_metadata = r == 0;
    return r;
}

static int on_object(void *data UNUSED)
{
    return 0;
}

int kube_metadata_json(struct kube_metadata *ret, const uint8_t *data, size_t len, bool is_cut)
{
    static const struct json_cutter_member members[] = {
        {.name = "metadata", .max_bytes = KUBE_METADATA_MAX_BYTES},
    };
    struct kube_metadata metadata = {0};
    struct json_reading reading = {.metadata = &metadata};
    const struct json_cutter_events events = {on_metadata, on_object, &reading};
    struct json_cutter cutter;
    int r;

    json_cutter_init(&cutter, members, ARRAY_SIZE(members), &events);
    r = json_cutter_feed(&cutter, data, len);
    if (r == 0 && (!reading.has_metadata || (!is_cut && !json_cutter_is_between(&cutter))))
        r = -EBADMSG;
    json_cutter_done(&cutter);
    if (r == 0)
        *ret = metadata;
    return r;
}

/* Numbers of ObjectMeta (k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto); it is field 1 of every object. */
enum { OBJECT_METADATA = 1, META_NAME = 1, META_NAMESPACE = 3, META_RESOURCE_VERSION = 6 };

static int parse_object_meta(struct kube_metadata *ret, struct pb_bytes rest)
{
    struct pb_field f;
    int r;

    while ((r = pb_fields_next(&rest, &f)) == PB_FIELDS_ONE) {
        if (!f.is_bytes)
            continue;
        if (f.number == META_NAME)
            r = kube_metadata_text(ret->name, KUBE_NAME_MAX, f.bytes.data, f.bytes.len);
        else if (f.number == META_NAMESPACE)
            r = kube_metadata_text(ret->name_space, KUBE_NAME_MAX, f.bytes.data, f.bytes.len);
        else if (f.number == META_RESOURCE_VERSION)
            r = kube_metadata_text(ret->version, KUBE_VERSION_MAX, f.bytes.data, f.bytes.len);
        if (r < 0)
            return r;
    }
    return r;
}

int kube_metadata_protobuf(struct kube_metadata *ret, const uint8_t *data, size_t len, bool is_cut)
{
    struct kube_metadata metadata = {0};
    struct pb_bytes rest = {data, len};
    bool has_metadata = false;
    struct pb_field f;
    int r;

    while ((r = pb_fields_next(&rest, &f)) == PB_FIELDS_ONE) {
        if (f.number != OBJECT_METADATA || !f.is_bytes)
            continue;
        if (parse_object_meta(&metadata, f.bytes) < 0)
            return -EBADMSG;
        has_metadata = true;
        if (is_cut)
            break; /* behind it the bytes break off somewhere */
    }
    if (r < 0 || !has_metadata)
        return -EBADMSG;
    *ret = metadata;
    return 0;
}

void kube_metadata_key(char key[static KUBE_KEY_MAX + 1], const struct kube_metadata *m)
{
    if (*m->name_space)
        snprintf(key, KUBE_KEY_MAX + 1, "%s/%s", m->name_space, m->name);
    else
        snprintf(key, KUBE_KEY_MAX + 1, "%s", m->name);
}
