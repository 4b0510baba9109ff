/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/kube/kube_envelope.h"
#include "lib/kube/kube_reader.h"

#define OBJECT_MAX 120

/* What came out, as text: "put a/b@7 14;" and so on. */
static int on_event(const struct kube_event *e, void *data)
{
    static const char *const words[] = {"other", "put", "dropped", "bookmark", "error"};
    char key[KUBE_KEY_MAX + 1];

    if (e->type == KUBE_EVENT_ERROR)
        return buf_format(data, "error %d %s;", e->status->code, e->status->message);
    kube_metadata_key(key, e->metadata);
    return buf_format(data, "%s %s@%s%s;", words[e->type], key, e->metadata->version,
                      e->is_cut ? " cut" : "");
}

static int read_pieces(struct buf *out, enum kube_reader_mode mode, bool is_protobuf,
                       const uint8_t *data, size_t len, size_t piece)
{
    CLEANUP(kube_reader_free) struct kube_reader *reader = NULL;
    int r = kube_reader_new(&reader, mode, is_protobuf, OBJECT_MAX, on_event, out);

    for (size_t i = 0; r == 0 && i < len; i += piece) {
        const size_t n = MIN(piece, len - i);
        CLEANUP_FREE uint8_t *copy = malloc(n); /* the sanitizer sees a step beyond it */

        memcpy(copy, data + i, n);
        r = kube_reader_feed(reader, copy, n);
    }
    if (r == 0 && !kube_reader_is_complete(reader))
        r = buf_add_text(out, "half;");
    else if (r == 0 && mode == KUBE_READER_LIST)
        r = buf_format(out, "version %s next %s;", kube_reader_version(reader),
                       kube_reader_continue(reader));
    return r;
}

static void check_all_pieces(enum kube_reader_mode mode, bool is_protobuf, const void *data,
                             size_t len, int result, const char *wanted)
{
    for (size_t piece = 1; piece <= len + 1; piece += piece < 20 ? 1 : 17) {
        CLEANUP_BUF struct buf out = BUF_INIT(10000);

        ck_assert_int_eq(read_pieces(&out, mode, is_protobuf, data, len, piece), result);
        ck_assert_str_eq(buf_text(&out), wanted);
    }
}

static const struct {
    enum kube_reader_mode mode;
    const char *text;
    int result;
    const char *out;
} json[] = {
    {KUBE_READER_LIST,
     "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[]}", 0,
     "version 7 next ;"},
    {KUBE_READER_LIST,
     "{\"items\":null,\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"abc\",\"remainingItemCount\":3}}",
     0, "version 7 next abc;"},
    {KUBE_READER_LIST,
     "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[{\"metadata\":{\"name\":\"b\",\"namespace\":\"a\",\"resourceVersion\":\"5\"},\"x\":[1]},"
     "{\"spec\":{\"metadata\":{\"name\":\"no\"}},\"metadata\":{\"name\":\"c\",\"resourceVersion\":\"6\"}}]}\n",
     0, "put a/b@5;put c@6;version 9 next ;"},
    /* Too long, with its metadata before the cut and behind it. */
    {KUBE_READER_LIST,
     "{\"metadata\":{},\"items\":[{\"metadata\":{\"name\":\"b\"},\"x\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"},"
     "{\"x\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\",\"metadata\":{\"name\":\"c\"}}]}",
     0, "put b@ cut;put @ cut;version  next ;"},
    {KUBE_READER_LIST, "{\"items\":[]}", -EBADMSG, ""},
    {KUBE_READER_LIST, "{\"metadata\":[],\"items\":[]}", -EBADMSG, ""},
    {KUBE_READER_LIST, "{\"metadata\":{\"resourceVersion\":7}}", -EBADMSG, ""},
    {KUBE_READER_LIST, "{\"metadata\":{},\"items\":[{}]}", -EBADMSG, ""},
    {KUBE_READER_LIST, "{\"metadata\":{},\"items\":[{\"metadata\":{}}]}", -EBADMSG, ""},
    {KUBE_READER_LIST, "{\"metadata\":{},\"items\":[{\"metadata\":{\"name\":7}}]}", -EBADMSG, ""},
    {KUBE_READER_LIST, "{\"metadata\":{},\"items\":[{\"metadata\":{\"name\":\"a\\u0000b\"}}]}",
     -EBADMSG, ""},
    {KUBE_READER_LIST, "{\"metadata\":{},\"items\":[7]}", -EBADMSG, ""},
    {KUBE_READER_LIST, "{\"metadata\":{},\"items\":[", 0, "half;"},
    {KUBE_READER_LIST, "", 0, "half;"},
    {KUBE_READER_WATCH,
     "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"b\",\"namespace\":\"a\",\"resourceVersion\":\"5\"}}}\n"
     "{\"object\":{\"metadata\":{\"name\":\"b\",\"resourceVersion\":\"6\"}},\"type\" : \"MODIFIED\" }\n"
     "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"b\",\"resourceVersion\":\"7\"}}}\n"
     "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"8\"}}}\n"
     "{\"type\":\"RENAMED\",\"object\":{}}\n"
     "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\"}}\n",
     0, "put a/b@5;put b@6;dropped b@7;bookmark @8;error 410 too old;"},
    {KUBE_READER_WATCH, "", 0, ""},
    {KUBE_READER_WATCH, "{\"type\":\"ADDED\",\"obj", 0, "half;"},
    {KUBE_READER_WATCH, "{\"type\":\"ADDED\"}", -EBADMSG, ""},
    {KUBE_READER_WATCH, "{\"object\":{\"metadata\":{\"name\":\"b\"}}}", -EBADMSG, ""},
    {KUBE_READER_WATCH, "{\"type\":7,\"object\":{\"metadata\":{\"name\":\"b\"}}}", -EBADMSG, ""},
    {KUBE_READER_WATCH, "{\"type\":\"ADDED\",\"object\":null}", -EBADMSG, ""},
    {KUBE_READER_WATCH, "HTTP/1.1", -EBADMSG, ""},
};

START_TEST(answers_in_json_become_events_however_the_bytes_come)
{
    check_all_pieces(json[_i].mode, false, json[_i].text, strlen(json[_i].text), json[_i].result,
                     json[_i].out);
}
END_TEST

/* ---- protobuf, made here field by field as the server's generated code does ---- */

static void add(struct buf *b, uint32_t number, const struct buf *inner)
{
    ck_assert_int_eq(pb_add_bytes(b, number, inner->data, inner->len), 0);
}

static void add_text(struct buf *b, uint32_t number, const char *text)
{
    ck_assert_int_eq(pb_add_bytes(b, number, text, strlen(text)), 0);
}

/* An object whose second field is n_data bytes long. */
static void add_object(struct buf *out, uint32_t number, const char *name_space, const char *name,
                       const char *version, size_t n_data)
{
    CLEANUP_BUF struct buf meta = BUF_INIT(1000), object = BUF_INIT(1000);
    CLEANUP_FREE uint8_t *data = calloc(1, n_data + 1);

    add_text(&meta, 1, name);
    add_text(&meta, 2, "");
    add_text(&meta, 3, name_space);
    add_text(&meta, 6, version);
    ck_assert_int_eq(pb_add_varint(&meta, 7, 300), 0);
    add(&object, 1, &meta);
    ck_assert_int_eq(pb_add_bytes(&object, 2, data, n_data), 0);
    if (number)
        add(out, number, &object);
    else
        ck_assert_int_eq(buf_add(out, object.data, object.len), 0);
}

static void add_envelope(struct buf *out, const char *kind, const struct buf *object)
{
    CLEANUP_BUF struct buf type = BUF_INIT(1000);

    add_text(&type, 1, "v1");
    add_text(&type, 2, kind);
    ck_assert_int_eq(buf_add(out, kube_envelope_magic, KUBE_ENVELOPE_MAGIC_LEN), 0);
    add(out, 1, &type);
    add(out, 2, object);
    add_text(out, 3, "");
    add_text(out, 4, "");
}

static void add_list_meta(struct buf *list, const char *version, const char *next)
{
    CLEANUP_BUF struct buf meta = BUF_INIT(1000);

    add_text(&meta, 1, "");
    add_text(&meta, 2, version);
    add_text(&meta, 3, next);
    ck_assert_int_eq(pb_add_varint(&meta, 4, 1234567), 0);
    add(list, 1, &meta);
}

static void make_list(struct buf *out)
{
    CLEANUP_BUF struct buf list = BUF_INIT(10000);

    add_list_meta(&list, "9", "token");
    add_object(&list, 2, "a", "b", "5", 3);
    add_object(&list, 2, "", "c", "6", OBJECT_MAX);
    /* Fields that newer servers may have: of each wire type. */
    ck_assert_int_eq(pb_add_varint(&list, 15, UINT64_MAX), 0);
    ck_assert_int_eq(buf_add(&list,
                             "\x19"
                             "12345678\x1d"
                             "1234",
                             14),
                     0);
    add_text(&list, 16, "skipped");
    add_object(&list, 2, "a", "d", "7", 0);
    add_envelope(out, "PodList", &list);
}

START_TEST(a_list_in_protobuf_becomes_events_however_the_bytes_come)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT(10000);

    make_list(&bytes);
    check_all_pieces(KUBE_READER_LIST, true, bytes.data, bytes.len, 0,
                     "put a/b@5;put c@6 cut;put a/d@7;version 9 next token;");
}
END_TEST

START_TEST(a_list_in_protobuf_that_breaks_off_is_never_complete)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT(10000);

    make_list(&bytes);
    /* Behind the list stand two empty fields of two bytes each; between fields it may end. */
    for (size_t len = 0; len < bytes.len - 4; len++) {
        CLEANUP_BUF struct buf out = BUF_INIT(10000);

        ck_assert_int_eq(read_pieces(&out, KUBE_READER_LIST, true, bytes.data, len, 64), 0);
        ck_assert_msg(strstr(buf_text(&out), "half;"), "of %zu bytes: %s", len, buf_text(&out));
    }
}
END_TEST

static const struct {
    const char *what, *bytes;
    size_t len;
} bad_lists[] = {
    {"other magic", "k8t\0", 4},
    {"JSON", "{\"items\"", 8},
    {"a field 0", "k8s\0\x12\x02\x02\x00", 8},
    {"a group", "k8s\0\x12\x02\x0b\x00", 8},
    {"an item beyond the list", "k8s\0\x12\x04\x12\x09xx", 10},
    {"a varint beyond the list", "k8s\0\x12\x02\x78\x80\x01", 9},
    {"a varint of eleven bytes", "k8s\0\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 16},
    {"a varint of 65 bits", "k8s\0\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 15},
    {"two lists", "k8s\0\x12\x00\x12\x00", 8},
    {"a list that is compressed", "k8s\0\x12\x00\x1a\x04gzip", 12},
    {"an item without metadata", "k8s\0\x12\x04\x12\x02\x12\x00", 10},
    {"an item without a name", "k8s\0\x12\x04\x12\x02\x0a\x00", 10},
    {"metadata that is no message", "k8s\0\x12\x04\x0a\x02\xff\xff", 10},
};

START_TEST(what_is_no_list_in_protobuf_is_refused)
{
    for (size_t piece = 1; piece <= bad_lists[_i].len; piece++) {
        CLEANUP_BUF struct buf out = BUF_INIT(10000);

        ck_assert_msg(read_pieces(&out, KUBE_READER_LIST, true,
                                  (const uint8_t *)bad_lists[_i].bytes, bad_lists[_i].len,
                                  piece) == -EBADMSG,
                      "%s: %s", bad_lists[_i].what, buf_text(&out));
    }
}
END_TEST

static void add_frame(struct buf *out, const struct buf *frame)
{
    const uint8_t header[] = {0, 0, (uint8_t)(frame->len >> 8), (uint8_t)frame->len};

    ck_assert_int_eq(buf_add(out, header, sizeof(header)), 0);
    ck_assert_int_eq(buf_add(out, frame->data, frame->len), 0);
}

/* A frame of a WatchEvent with an object in its envelope. */
static void add_event(struct buf *out, const char *type, const char *kind, const struct buf *object)
{
    CLEANUP_BUF struct buf envelope = BUF_INIT(10000), raw = BUF_INIT(10000),
                           event = BUF_INIT(10000);

    add_envelope(&envelope, kind, object);
    add(&raw, 1, &envelope);
    add_text(&event, 1, type);
    add(&event, 2, &raw);
    add_frame(out, &event);
}

START_TEST(a_watch_in_protobuf_becomes_events_however_the_bytes_come)
{
    static const char *const types[] = {"ADDED", "MODIFIED", "DELETED", "RENAMED"};
    CLEANUP_BUF struct buf bytes = BUF_INIT(100000), object = BUF_INIT(1000);
    CLEANUP_BUF struct buf status = BUF_INIT(1000), bookmark = BUF_INIT(1000),
                           large = BUF_INIT(10000);

    add_object(&object, 0, "a", "b", "5", 20);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        add_event(&bytes, types[i], "Pod", &object);
    add_object(&bookmark, 0, "", "", "8", 0);
    add_event(&bytes, "BOOKMARK", "Pod", &bookmark);
    add_object(&large, 0, "a", "large", "9", 900);
    for (unsigned i = 0; i < 5; i++)
        add_object(&large, 5, "a", "more", "9", 900); /* beyond what a frame may have */
    add_event(&bytes, "ADDED", "Pod", &large);
    add_text(&status, 3, "too old");
    ck_assert_int_eq(pb_add_varint(&status, 6, 410), 0);
    add_event(&bytes, "ERROR", "Status", &status);
    check_all_pieces(
        KUBE_READER_WATCH, true, bytes.data, bytes.len, 0,
        "put a/b@5;put a/b@5;dropped a/b@5;bookmark @8;other @ cut;error 410 too old;");
}
END_TEST

START_TEST(a_watch_in_protobuf_that_makes_no_sense_is_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\0\0\0\x02\xff\xff", 6}, /* no message */
        {"\0\0\0\x0d\x0a\x05"
         "ADDED\x12\x04\x0a\x02zz",
         17}, /* no envelope */
        {"\0\0\0\x07\x0a\x05"
         "ADDED",
         11}, /* no object */
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        check_all_pieces(KUBE_READER_WATCH, true, bad[i].bytes, bad[i].len, -EBADMSG, "");
    check_all_pieces(KUBE_READER_WATCH, true, "\0\0\0\x09\x0a", 5, 0, "half;");
    check_all_pieces(KUBE_READER_WATCH, true, "\0\0", 2, 0, "half;");
    check_all_pieces(KUBE_READER_WATCH, true, "", 0, 0, "");
    /* An empty event has no type that we know. */
    check_all_pieces(KUBE_READER_WATCH, true, "\0\0\0\0", 4, 0, "");
}
END_TEST

START_TEST(names_end_at_their_ceiling)
{
    CLEANUP_BUF struct buf text = BUF_INIT(10000);
    struct kube_metadata m;

    for (unsigned n = KUBE_NAME_MAX; n <= KUBE_NAME_MAX + 1; n++) {
        char name[KUBE_NAME_MAX + 2] = {0};
        CLEANUP_BUF struct buf object = BUF_INIT(1000);

        memset(name, 'n', n);
        buf_clear(&text);
        ck_assert_int_eq(buf_format(&text, "{\"metadata\":{\"name\":\"%s\"}}", name), 0);
        ck_assert_int_eq(kube_metadata_json(&m, text.data, text.len, false),
                         n > KUBE_NAME_MAX ? -EBADMSG : 0);
        add_object(&object, 0, "", name, "1", 0);
        ck_assert_int_eq(kube_metadata_protobuf(&m, object.data, object.len, false),
                         n > KUBE_NAME_MAX ? -EBADMSG : 0);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_reader");
    TCase *t = tcase_create("kube_reader");

    tcase_add_loop_test(t, answers_in_json_become_events_however_the_bytes_come, 0,
                        ARRAY_SIZE(json));
    tcase_add_test(t, a_list_in_protobuf_becomes_events_however_the_bytes_come);
    tcase_add_test(t, a_list_in_protobuf_that_breaks_off_is_never_complete);
    tcase_add_loop_test(t, what_is_no_list_in_protobuf_is_refused, 0, ARRAY_SIZE(bad_lists));
    tcase_add_test(t, a_watch_in_protobuf_becomes_events_however_the_bytes_come);
    tcase_add_test(t, a_watch_in_protobuf_that_makes_no_sense_is_refused);
    tcase_add_test(t, names_end_at_their_ceiling);
    suite_add_tcase(s, t);
    return s;
}
