/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "lib/map.h"
#include "lib/rpc/descriptor_files.h"
#include "lib/rpc/reflection.h"
#include "lib/rpc/standard_descriptors.h"
#include "test/unit/grpc_bed.h"

#define HEALTH_CHECK "/grpc.health.v1.Health/Check"
#define HEALTH_WATCH "/grpc.health.v1.Health/Watch"

/* Sends one message and waits until so many have come back or the call is closed. */
static void probe_ask(struct probe *p, const char *data, size_t len, size_t n_wanted)
{
    ck_assert_int_eq(grpc_client_call_send(p->call, (const uint8_t *)data, len), 0);
    p->n_wanted = n_wanted;
    while (!p->is_closed && p->n_messages < n_wanted)
        ck_assert_int_eq(loop_run(p->bed->loop), 0);
}

static const struct {
    const char *request;
    size_t len;
    enum grpc_status status;
    const char *received;
} check_cases[] = {
    {"", 0, GRPC_OK, "\x08\x01|"},
    {"\x0a\x01"
     "a",
     3, GRPC_OK, "\x08\x02|"},
    {"\x10\x05\x0a\x01"
     "a",
     5, GRPC_OK, "\x08\x02|"}, /* fields of a later version are skipped */
    {"\x0a\x01"
     "b",
     3, GRPC_NOT_FOUND, ""},
    {"\x0a\x02"
     "a",
     3, GRPC_INVALID_ARGUMENT, ""},
    {"\x0a\x02"
     "a\0",
     4, GRPC_INVALID_ARGUMENT, ""},
};

START_TEST(health_is_told_for_each_service)
{
    struct bed b;
    struct probe p;

    bed_new(&b, GRPC_UNIX, NULL, NULL);
    ck_assert_int_eq(grpc_server_set_health(b.server, "", GRPC_HEALTH_SERVING), 0);
    ck_assert_int_eq(grpc_server_set_health(b.server, "a", GRPC_HEALTH_NOT_SERVING), 0);
    probe_start(&p, &b, HEALTH_CHECK, 0);
    probe_ask(&p, check_cases[_i].request, check_cases[_i].len, 1);
    probe_wait(&p);
    ck_assert_str_eq(grpc_status_name(p.status), grpc_status_name(check_cases[_i].status));
    ck_assert_str_eq(buf_text(&p.received), check_cases[_i].received);
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

START_TEST(who_watches_health_is_told_of_changes_only)
{
    struct bed b;
    struct probe p;

    bed_new(&b, GRPC_UNIX, NULL, NULL);
    ck_assert_int_eq(grpc_server_set_health(b.server, "", GRPC_HEALTH_SERVING), 0);
    probe_start(&p, &b, HEALTH_WATCH, 0);
    probe_ask(&p,
              "\x0a\x01"
              "a",
              3, 1);
    ck_assert_str_eq(buf_text(&p.received), "\x08\x03|"); /* not known yet: no error */
    ck_assert_int_eq(grpc_server_set_health(b.server, "a", GRPC_HEALTH_NOT_SERVING), 0);
    ck_assert_int_eq(grpc_server_set_health(b.server, "", GRPC_HEALTH_NOT_SERVING), 0);
    ck_assert_int_eq(grpc_server_set_health(b.server, "a", GRPC_HEALTH_NOT_SERVING), 0);
    ck_assert_int_eq(grpc_server_set_health(b.server, "a", GRPC_HEALTH_SERVING), 0);
    p.n_wanted = 3;
    ck_assert_int_eq(loop_run(b.loop), 0);
    bed_let_pass(&b, 10 * NS_PER_MSEC);
    ck_assert_str_eq(buf_text(&p.received), "\x08\x03|\x08\x02|\x08\x01|");
    probe_ask(&p, "", 0, 99);
    ck_assert_int_eq(p.status, GRPC_INVALID_ARGUMENT);
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

START_TEST(health_calls_without_a_request_are_refused)
{
    static const char *const paths[] = {HEALTH_CHECK, HEALTH_WATCH};

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct bed b;
        struct probe p;

        bed_new(&b, GRPC_UNIX, NULL, NULL);
        ck_assert_int_eq(grpc_server_set_health(b.server, "", GRPC_HEALTH_SERVING), 0);
        probe_start(&p, &b, paths[i], 0);
        grpc_client_call_half_close(p.call);
        probe_wait(&p);
        ck_assert_int_eq(p.status, GRPC_INVALID_ARGUMENT);
        bed_done(&b);
    }
}
END_TEST

/* ---- Reflection ---- */

static const struct pb_bytes no_set;

static struct pb_bytes standard_set(void)
{
    return (struct pb_bytes){standard_descriptors_bytes, standard_descriptors_size};
}

static struct pb_bytes text_bytes(const char *text)
{
    return (struct pb_bytes){(const uint8_t *)text, strlen(text)};
}

static const struct {
    const char *symbol;
    const char *file; /* NULL: nowhere */
} symbol_cases[] = {
    {"grpc.health.v1.Health", "grpc/health/v1/health.proto"},
    {".grpc.health.v1.Health", "grpc/health/v1/health.proto"},
    {"grpc.health.v1.Health.Check", "grpc/health/v1/health.proto"},
    {"grpc.health.v1.Health.Check.x", NULL},
    {"grpc.health.v1.Health.Chec", NULL},
    {"grpc.health.v1.HealthCheckRequest", "grpc/health/v1/health.proto"},
    {"grpc.health.v1.HealthCheckRequest.service", "grpc/health/v1/health.proto"},
    {"grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto"},
    {"grpc.health.v1.HealthCheckResponse.SERVING", "grpc/health/v1/health.proto"},
    {"grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING", NULL}, /* values are siblings */
    {"grpc.reflection.v1.ServerReflectionRequest.message_request",
     "grpc/reflection/v1/reflection.proto"},
    {"grpc.health.v1", NULL},
    {"grpc.health.v1.", NULL},
    {"grpc.health.v11.Health", NULL},
    {"", NULL},
    {".", NULL},
};

START_TEST(a_symbol_is_found_in_the_file_that_defines_it)
{
    struct pb_bytes by_symbol = {}, by_name = {};
    bool is_found =
        descriptor_files_by_symbol(standard_set(), text_bytes(symbol_cases[_i].symbol), &by_symbol);

    ck_assert_int_eq(is_found, symbol_cases[_i].file != NULL);
    if (!is_found)
        return;
    ck_assert(
        descriptor_files_by_name(standard_set(), text_bytes(symbol_cases[_i].file), &by_name));
    ck_assert_ptr_eq(by_symbol.data, by_name.data);
    ck_assert_uint_eq(by_symbol.len, by_name.len);
}
END_TEST

START_TEST(nested_messages_are_found_at_any_depth)
{
    /* message a { message b { message c { field d } } message b2 {} }, without a package */
    static const char set[] = "\x0a\x1f"
                              "\x0a\x01"
                              "f"
                              "\x22\x1a"
                              "\x0a\x01"
                              "a"
                              "\x1a\x0f"
                              "\x0a\x01"
                              "b"
                              "\x1a\x0a"
                              "\x0a\x01"
                              "c"
                              "\x12\x03\x0a\x01"
                              "d"
                              "\x42\x00"
                              "\x1a\x04"
                              "\x0a\x02"
                              "b2";
    struct pb_bytes s = {(const uint8_t *)set, sizeof(set) - 1}, file;

    ck_assert_int_eq(descriptor_files_check(s), 0);
    ck_assert(descriptor_files_by_symbol(s, text_bytes("a.b.c.d"), &file));
    ck_assert(descriptor_files_by_symbol(s, text_bytes("a.b.c"), &file));
    ck_assert(descriptor_files_by_symbol(s, text_bytes("a.b2"), &file));
    ck_assert(!descriptor_files_by_symbol(s, text_bytes("a.c"), &file));
    ck_assert(!descriptor_files_by_symbol(s, text_bytes("a.b.c.e"), &file));
    ck_assert(!descriptor_files_by_symbol(s, text_bytes("b"), &file));
}
END_TEST

START_TEST(a_descriptor_set_that_is_none_is_refused)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct bed b;

    bed_new(&b, GRPC_UNIX, NULL, NULL);
    ck_assert_int_eq(grpc_server_set_reflection(b.server, (const uint8_t *)"\x0a\x05xx", 4, &e),
                     -EINVAL);
    ck_assert_str_eq(error_message(e), "the descriptor set is not an encoded FileDescriptorSet");
    ck_assert_int_eq(
        grpc_server_set_reflection(b.server, (const uint8_t *)"\x0a\x02\x0a\x05", 4, NULL),
        -EINVAL);
    ck_assert_int_eq(grpc_server_set_reflection(b.server, NULL, 0, NULL), 0);
    bed_done(&b);
}
END_TEST

/* The answer's fields without host and question: the number of the last one, and its bytes. */
static struct pb_field answer_to(const struct reflection *r, const char *request, size_t len,
                                 struct buf *answer)
{
    struct pb_field f = {}, last = {};
    struct pb_bytes rest;

    ck_assert_int_eq(reflection_answer(r, (struct pb_bytes){(const uint8_t *)request, len}, answer),
                     0);
    rest = (struct pb_bytes){answer->data, answer->len};
    while (pb_fields_next(&rest, &f) == PB_FIELDS_ONE) {
        last = f;
        if (f.number == 2)
            ck_assert(pb_bytes_equal(f.bytes, request, len));
    }
    return last;
}

static const struct {
    const char *request;
    size_t len;
    unsigned number;     /* of the answer's field */
    const char *content; /* a part of it */
} reflection_cases[] = {
    {"\x1a\x1bgrpc/health/v1/health.proto", 29, 4, "HealthCheckRequest"},
    {"\x22\x15grpc.health.v1.Health", 23, 4, "HealthCheckRequest"},
    {"\x0a\x01h\x22\x15grpc.health.v1.Health", 26, 4, "HealthCheckRequest"},
    {"\x1a\x01x", 3, 7, "\x08\x05\x12\x0cno such file"},
    {"\x22\x01x", 3, 7, "no such symbol"},
    {"\x2a\x04\x0a\x01x\x10", 6, 7, "no extensions"},
    {"\x32\x01x", 3, 7, "no extensions"},
    {"\x3a\x00", 2, 6, "\x0a\x09test.Echo"},
    {"\x3a\x00", 2, 6, "grpc.health.v1.Health"},
    {"", 0, 7, "asks for nothing"},
};

START_TEST(each_question_of_reflection_has_its_answer)
{
    CLEANUP(map_free) struct map *methods = map_new(NULL, 0);
    CLEANUP(reflection_free) struct reflection *r = NULL;
    CLEANUP_BUF struct buf answer = BUF_INIT(1 << 20);
    struct pb_field f;

    ck_assert_int_eq(map_put(methods, "/test.Echo/Echo", (void *)1), 0);
    ck_assert_int_eq(map_put(methods, "/test.Echo/Hang", (void *)1), 0);
    ck_assert_int_eq(map_put(methods, HEALTH_CHECK, (void *)1), 0);
    ck_assert_int_eq(reflection_new(&r, no_set, methods, NULL), 0);
    f = answer_to(r, reflection_cases[_i].request, reflection_cases[_i].len, &answer);
    ck_assert_uint_eq(f.number, reflection_cases[_i].number);
    ck_assert_ptr_nonnull(memmem(f.bytes.data, f.bytes.len, reflection_cases[_i].content,
                                 strlen(reflection_cases[_i].content)));
    if (f.number == 6) /* each service once */
        ck_assert_uint_eq(f.bytes.len, 2 + 2 + 9 + 2 + 2 + 21);
}
END_TEST

START_TEST(reflection_is_a_stream_of_questions)
{
    struct bed b;
    struct probe p;

    bed_new(&b, GRPC_UNIX, NULL, NULL);
    ck_assert_int_eq(grpc_server_set_reflection(b.server, NULL, 0, NULL), 0);
    probe_start(&p, &b, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", 0);
    probe_ask(&p, "\x3a\x00", 2, 1);
    probe_ask(&p, "\x1a\x01x", 3, 2);
    ck_assert_ptr_nonnull(memmem(p.received.data, p.received.len, "test.Echo", 9));
    ck_assert_ptr_nonnull(memmem(p.received.data, p.received.len, "no such file", 12));
    probe_ask(&p, "\x1a\x05x", 3, 3);
    ck_assert_int_eq(p.status, GRPC_INVALID_ARGUMENT);
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("grpc_service");
    TCase *t = tcase_create("grpc_service");

    tcase_add_loop_test(t, health_is_told_for_each_service, 0, (int)ARRAY_SIZE(check_cases));
    tcase_add_test(t, who_watches_health_is_told_of_changes_only);
    tcase_add_test(t, health_calls_without_a_request_are_refused);
    tcase_add_loop_test(t, a_symbol_is_found_in_the_file_that_defines_it, 0,
                        (int)ARRAY_SIZE(symbol_cases));
    tcase_add_test(t, nested_messages_are_found_at_any_depth);
    tcase_add_test(t, a_descriptor_set_that_is_none_is_refused);
    tcase_add_loop_test(t, each_question_of_reflection_has_its_answer, 0,
                        (int)ARRAY_SIZE(reflection_cases));
    tcase_add_test(t, reflection_is_a_stream_of_questions);
    suite_add_tcase(s, t);
    return s;
}
