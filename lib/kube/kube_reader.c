/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_reader.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "lib/json_value.h"
#include "lib/kube/json_cutter.h"
#include "lib/kube/kube_envelope.h"
#include "lib/kube/kube_frames.h"
#include "lib/kube/kube_list_protobuf.h"

/* What stands around an object in a frame: a type, two envelopes, lengths. */
#define FRAME_OVERHEAD_MAX 4096

struct kube_reader {
    enum kube_reader_mode mode;
    bool is_protobuf;
    size_t max_object_bytes;
    int (*event)(const struct kube_event *e, void *data);
    void *data;

    struct json_cutter
        json; /* what is used of these says mode and is_protobuf; the others stay zero */
    struct json_cutter_member members[2];
    struct kube_list_protobuf list;
    struct kube_frames frames;

    bool has_meta; /* a list's own metadata has been read */
    char version[KUBE_VERSION_MAX + 1];
    char next[KUBE_CONTINUE_MAX + 1]; /* the continue token */
    enum kube_event_type type;        /* of a watch's event in JSON, until it is complete */
    bool has_type, has_object, is_cut;
    struct buf object; /* owned; the same */
};

/* ---- Both ---- */

static enum kube_event_type event_type(const void *word, size_t len)
{
    static const struct {
        const char *word;
        enum kube_event_type type;
    } types[] = {
        {"ADDED", KUBE_EVENT_PUT},       {"MODIFIED", KUBE_EVENT_PUT},
        {"DELETED", KUBE_EVENT_DROPPED}, {"BOOKMARK", KUBE_EVENT_BOOKMARK},
        {"ERROR", KUBE_EVENT_ERROR},
    };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (strlen(types[i].word) == len && memcmp(types[i].word, word, len) == 0)
            return types[i].type;
    return KUBE_EVENT_OTHER;
}

/* Reads whose object it is, and tells. */
static int tell_object(struct kube_reader *r, enum kube_event_type type, const uint8_t *object,
                       size_t len, bool is_cut)
{
    struct kube_metadata metadata = {0};
    const struct kube_event e = {
        .type = type, .metadata = &metadata, .object = object, .len = len, .is_cut = is_cut};
    int result;

    if (r->is_protobuf)
        result = kube_metadata_protobuf(&metadata, object, len, is_cut);
    else
        result = kube_metadata_json(&metadata, object, len, is_cut);
    if (result == -EBADMSG && is_cut)
        result = 0;
    if (result == 0 && !is_cut && *metadata.name == '\0' && type != KUBE_EVENT_BOOKMARK)
        result = -EBADMSG;
    return result < 0 ? result : r->event(&e, r->data);
}

static int tell_status(struct kube_reader *r, const uint8_t *object, size_t len)
{
    const struct kube_metadata none = {0};
    struct kube_status status;
    const struct kube_event e = {.type = KUBE_EVENT_ERROR, .metadata = &none, .status = &status};

    kube_status_parse(&status, object, len);
    return r->event(&e, r->data);
}

/* ---- JSON ---- */

static int read_list_meta_json(struct kube_reader *r, const uint8_t *json, size_t len)
{
    json_t *root = json_value_read(json, len, 0, NULL);
    const json_t *version = json_object_get(root, "resourceVersion");
    const json_t *next = json_object_get(root, "continue");
    int result = json_is_object(root) ? 0 : -EBADMSG;

    if (result == 0 && version)
        result = json_is_string(version)
                     ? kube_metadata_text(r->version, KUBE_VERSION_MAX, json_string_value(version),
                                          json_string_length(version))
                     : -EBADMSG;
    if (result == 0 && next)
        result = json_is_string(next)
                     ? kube_metadata_text(r->next, KUBE_CONTINUE_MAX, json_string_value(next),
                                          json_string_length(next))
                     : -EBADMSG;
    json_decref(root);
    r->has_meta = result == 0;
    return result;
}

static int on_list_value(size_t member, const uint8_t *json, size_t len, bool is_cut, void *data)
{
    struct kube_reader *r = data;

    if (member == 1)
        return tell_object(r, KUBE_EVENT_PUT, json, len, is_cut);
    return is_cut ? -EBADMSG : read_list_meta_json(r, json, len);
}

static int on_list_ended(void *data)
{
    struct kube_reader *r = data;

    return r->has_meta
               ? 0
               : -EBADMSG; /* and nothing may follow, which is_complete() does not need to know */
}

static int on_watch_value(size_t member, const uint8_t *json, size_t len, bool is_cut, void *data)
{
    struct kube_reader *r = data;

    if (member == 0) {
        if (len < 2 || json[0] != '"' || is_cut)
            return -EBADMSG;
        /* Blanks may stand behind it. */
        while (json[len - 1] != '"')
            len--;
        r->has_type = len >= 2;
        r->type = event_type(json + 1, len - (len >= 2 ? 2 : 1));
        return 0;
    }
    buf_clear(&r->object);
    r->has_object = true;
    r->is_cut = is_cut;
    return buf_add(&r->object, json, len);
}

static int on_watch_ended(void *data)
{
    struct kube_reader *r = data;
    const bool is_whole = r->has_type && r->has_object;

    r->has_type = r->has_object = false;
    if (!is_whole)
        return -EBADMSG;
    if (r->type == KUBE_EVENT_ERROR)
        return tell_status(r, r->object.data, r->object.len);
    if (r->type == KUBE_EVENT_OTHER)
        return 0;
    return tell_object(r, r->type, r->object.data, r->object.len, r->is_cut);
}

static void init_json(struct kube_reader *r)
{
    const bool is_list = r->mode == KUBE_READER_LIST;
    const struct json_cutter_events events = {is_list ? on_list_value : on_watch_value,
                                              is_list ? on_list_ended : on_watch_ended, r};

    r->members[0] = (struct json_cutter_member){.name = is_list ? "metadata" : "type",
                                                .max_bytes = KUBE_LIST_META_MAX_BYTES};
    r->members[1] = (struct json_cutter_member){
        .name = is_list ? "items" : "object", .is_list = is_list, .max_bytes = r->max_object_bytes};
    r->object = BUF_INIT(r->max_object_bytes);
    json_cutter_init(&r->json, r->members, ARRAY_SIZE(r->members), &events);
}

/* ---- protobuf ---- */

/* Of ListMeta, WatchEvent and RawExtension (k8s.io/apimachinery's generated.proto). */
enum {
    LIST_META_VERSION = 2,
    LIST_META_CONTINUE = 3,
    EVENT_TYPE = 1,
    EVENT_OBJECT = 2,
    EXTENSION_RAW = 1
};

static int on_list_meta(const uint8_t *data, size_t len, void *data_of_reader)
{
    struct kube_reader *r = data_of_reader;
    struct pb_bytes rest = {data, len};
    struct pb_field f;
    int result;

    while ((result = pb_fields_next(&rest, &f)) == PB_FIELDS_ONE) {
        if (f.number == LIST_META_VERSION && f.is_bytes)
            result = kube_metadata_text(r->version, KUBE_VERSION_MAX, f.bytes.data, f.bytes.len);
        else if (f.number == LIST_META_CONTINUE && f.is_bytes)
            result = kube_metadata_text(r->next, KUBE_CONTINUE_MAX, f.bytes.data, f.bytes.len);
        if (result < 0)
            return result;
    }
    r->has_meta = result == 0;
    return result;
}

static int on_list_item(const uint8_t *data, size_t len, bool is_cut, void *data_of_reader)
{
    return tell_object(data_of_reader, KUBE_EVENT_PUT, data, len, is_cut);
}

/* WatchEvent's object is a RawExtension, whose bytes are an envelope. */
static int read_event_protobuf(const uint8_t *frame, size_t len, enum kube_event_type *ret_type,
                               struct pb_bytes *ret_envelope)
{
    struct pb_bytes rest = {frame, len};
    struct pb_bytes extension = {0};
    struct pb_field f;
    int result;

    while ((result = pb_fields_next(&rest, &f)) == PB_FIELDS_ONE) {
        if (f.number == EVENT_TYPE && f.is_bytes)
            *ret_type = event_type(f.bytes.data, f.bytes.len);
        else if (f.number == EVENT_OBJECT && f.is_bytes)
            extension = f.bytes;
    }
    if (result < 0)
        return result;
    while ((result = pb_fields_next(&extension, &f)) == PB_FIELDS_ONE)
        if (f.number == EXTENSION_RAW && f.is_bytes)
            *ret_envelope = f.bytes;
    return result;
}

static int on_frame(const uint8_t *frame, size_t len, bool is_cut, void *data)
{
    struct kube_reader *r = data;
    const struct kube_metadata unknown = {0};
    const struct kube_event cut = {.type = KUBE_EVENT_OTHER, .metadata = &unknown, .is_cut = true};
    enum kube_event_type type = KUBE_EVENT_OTHER;
    struct pb_bytes bytes = {0};
    struct kube_envelope envelope;
    int result;

    if (is_cut)
        return r->event(&cut, r->data);
    result = read_event_protobuf(frame, len, &type, &bytes);
    if (result < 0 || type == KUBE_EVENT_OTHER)
        return result;
    if (type == KUBE_EVENT_ERROR)
        return tell_status(r, bytes.data, bytes.len);
    result = kube_envelope_parse(&envelope, bytes.data, bytes.len);
    return result < 0 ? result
                      : tell_object(r, type, envelope.object.data, envelope.object.len, false);
}

static void init_protobuf(struct kube_reader *r)
{
    const struct kube_list_protobuf_events events = {on_list_meta, on_list_item, r};

    if (r->mode == KUBE_READER_LIST)
        kube_list_protobuf_init(&r->list, r->max_object_bytes, &events);
    else
        kube_frames_init(&r->frames, r->max_object_bytes + FRAME_OVERHEAD_MAX, on_frame, r);
}

/* ---- Public ---- */

int kube_reader_new(struct kube_reader **ret, enum kube_reader_mode mode, bool is_protobuf,
                    size_t max_object_bytes, int (*event)(const struct kube_event *e, void *data),
                    void *data)
{
    struct kube_reader *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->mode = mode;
    r->is_protobuf = is_protobuf;
    r->max_object_bytes = max_object_bytes;
    r->event = event;
    r->data = data;
    if (is_protobuf)
        init_protobuf(r);
    else
        init_json(r);
    *ret = r;
    return 0;
}

struct kube_reader *kube_reader_free(struct kube_reader *r)
{
    if (!r)
        return NULL;
    json_cutter_done(&r->json);
    kube_list_protobuf_done(&r->list);
    kube_frames_done(&r->frames);
    buf_done(&r->object);
    free(r);
    return NULL;
}

int kube_reader_feed(struct kube_reader *r, const uint8_t *data, size_t len)
{
    if (!r->is_protobuf)
        return json_cutter_feed(&r->json, data, len);
    if (r->mode == KUBE_READER_LIST)
        return kube_list_protobuf_feed(&r->list, data, len);
    return kube_frames_feed(&r->frames, data, len);
}

bool kube_reader_is_complete(const struct kube_reader *r)
{
    if (r->mode == KUBE_READER_LIST && !r->has_meta)
        return false;
    if (!r->is_protobuf)
        return json_cutter_is_between(&r->json);
    if (r->mode == KUBE_READER_LIST)
        return kube_list_protobuf_is_complete(&r->list);
    return kube_frames_is_between(&r->frames);
}

const char *kube_reader_version(const struct kube_reader *r)
{
    return r->version;
}

const char *kube_reader_continue(const struct kube_reader *r)
{
    return r->next;
}
