/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "lib/kube/kube_client.h"
#include "test/unit/http_bed.h"

#define JSON_STATUS(code, words, body)                                                             \
    "HTTP/1.1 " code "\r\nContent-Type: application/json\r\n" words "Connection: close\r\n\r\n" body

/* A client, the server that it asks, and what it was told. */
struct bed {
    struct loop *loop;
    struct http_bed http;
    struct kube_config config;
    struct kube_client *client;
    struct kube_request *request; /* what a callback cancels */
    struct buf told;              /* "200 0 body;" for each answer */
    unsigned n_done, n_wanted;
    struct loop_timer *limit; /* no test hangs */
    uint64_t retry_after_ns;
    char token_file[PATH_MAX];
};

static struct bed bed;

static void on_limit(void *data UNUSED)
{
    ck_abort_msg("it takes too long; so far: %s", buf_text(&bed.told));
}

static void start_bed(const struct http_answer *answers, size_t n_answers)
{
    bed = (struct bed){.told = BUF_INIT(1u << 20), .n_wanted = 1};
    ck_assert_int_eq(loop_new(&bed.loop, NULL), 0);
    http_bed_init(&bed.http, bed.loop, answers, n_answers);
    ck_assert_int_gt(asprintf(&bed.config.server, "http://127.0.0.1:%u", bed.http.port), 0);
    ck_assert_int_eq(loop_timer_new(bed.loop, &bed.limit, on_limit, NULL), 0);
    loop_timer_set(bed.limit, 20 * NS_PER_SEC);
}

static void start_client(void)
{
    ck_assert_int_eq(kube_client_new(&bed.client, bed.loop, &bed.config, "test/1", NULL), 0);
}

static void end_bed(void)
{
    kube_client_free(bed.client);
    http_bed_done(&bed.http);
    loop_timer_free(bed.limit);
    loop_free(bed.loop);
    kube_config_done(&bed.config);
    buf_done(&bed.told);
    if (*bed.token_file)
        unlink(bed.token_file);
}

static void on_done(const struct kube_answer *a, void *data UNUSED)
{
    ck_assert_int_eq(buf_format(&bed.told, "%d %d %s|%s|%.*s;", a->status, a->error, a->reason,
                                a->problem, (int)a->len, a->body ? (const char *)a->body : ""),
                     0);
    bed.retry_after_ns = a->retry_after_ns;
    if (++bed.n_done == bed.n_wanted)
        loop_stop(bed.loop);
}

static struct kube_call get(void)
{
    return (struct kube_call){.method = "GET", .path = "/x", .max_bytes = 100, .done = on_done};
}

static void ask(const struct kube_call *call)
{
    ck_assert_int_eq(kube_client_call(bed.client, &bed.request, call), 0);
}

/* The answers, with the server's address written as S. */
static const char *told(void)
{
    static char text[65536];
    char *place;

    snprintf(text, sizeof(text), "%s", buf_text(&bed.told));
    while ((place = strstr(text, bed.config.server))) {
        *place = 'S';
        memmove(place + 1, place + strlen(bed.config.server),
                strlen(place + strlen(bed.config.server)) + 1);
    }
    return text;
}

static const struct {
    struct http_answer answer;
    const char *told;
} answers[] = {
    {{.text = JSON_STATUS("200 OK", "", "{}")}, "200 0 ||{};"},
    {{.text = JSON_STATUS("200 OK", "Content-Length: 0\r\n", "")}, "200 0 ||;"},
    {{.text =
          JSON_STATUS("409 Conflict", "",
                      "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":\"be quick\"}")},
     "409 0 Conflict|be quick|{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":\"be quick\"};"},
    {{.text = JSON_STATUS("502 Bad", "", "<p>no backend")},
     "502 0 |S answered 502: <p>no backend|<p>no backend;"},
    {{.text = JSON_STATUS("500 Bad", "", "")}, "500 0 |S answered 500|;"},
    /* No step is taken to where a server points. */
    {{.text = JSON_STATUS("302 Found", "Location: http://127.0.0.1:1/\r\n", "")},
     "302 0 |S answered 302|;"},
    {{.text = JSON_STATUS("200 OK", "Content-Length: 100\r\n", "half")},
     "0 -103 |S: transfer closed with 96 bytes remaining to read|;"},
    {{.text = ""}, "0 -103 |S: Empty reply from server|;"},
    {{.text = "\0\1\2garbage\r\n\r\n", .len = 14},
     "0 -103 |S: Received HTTP/0.9 when not allowed|;"},
    {{.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"},
     "0 -103 |S: Illegal or missing hexadecimal sequence in chunked-encoding|;"},
};

START_TEST(each_request_ends_once_whatever_the_server_does)
{
    const struct kube_call call = get();
    struct http_answer answer = answers[_i].answer;

    start_bed(&answer, 1);
    start_client();
    ask(&call);
    ck_assert_uint_eq(bed.n_done, 0); /* not inside */
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_str_eq(told(), answers[_i].told);
    end_bed();
}
END_TEST

START_TEST(nobody_there_is_said_with_the_server)
{
    static const char front[] = "0 -103 |S: Failed to connect to 127.0.0.1 port 1 after ";
    const struct kube_call call = get();

    start_bed(NULL, 0);
    free(bed.config.server);
    bed.config.server = strdup("http://127.0.0.1:1");
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_int_eq(strncmp(told(), front, strlen(front)), 0); /* how long it took follows */
    ck_assert_ptr_nonnull(strstr(told(), " ms: Couldn't connect to server|;"));
    end_bed();
}
END_TEST

/* A body of as many bytes as an answer may have, and one more. */
START_TEST(an_answer_ends_at_its_ceiling)
{
    struct http_answer two[] = {
        {.text = JSON_STATUS("200 OK", "", "12345678901234567890")},
        {.text = JSON_STATUS("200 OK", "", "123456789012345678901")},
    };
    struct kube_call call = get();

    call.max_bytes = 20;
    start_bed(two, 2);
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    bed.n_done = 0;
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_str_eq(told(),
                     "200 0 ||12345678901234567890;0 -7 |S: the answer has more than 20 bytes|;");
    end_bed();
}
END_TEST

START_TEST(a_request_is_sent_as_it_was_given)
{
    struct http_answer answer = {.text = JSON_STATUS("200 OK", "", "{}")};
    struct kube_call call = get();

    call.method = "PATCH";
    call.path = "/api/../x?a=b%20c";
    call.content_type = "application/merge-patch+json";
    call.accept = "application/vnd.kubernetes.protobuf";
    call.body = "{\"a\":1}";
    call.len = 7;
    start_bed(&answer, 1);
    bed.config.token.data = strdup("secret\n");
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    /* Neither is a path tidied up, nor does libcurl add what was not asked for. */
    ck_assert_ptr_nonnull(
        strstr(buf_text(&bed.http.requests), "PATCH /api/../x?a=b%20c HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&bed.http.requests), "\r\nUser-Agent: test/1\r\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&bed.http.requests),
                                 "\r\nAccept: application/vnd.kubernetes.protobuf\r\n"));
    ck_assert_ptr_nonnull(
        strstr(buf_text(&bed.http.requests), "\r\nContent-Type: application/merge-patch+json\r\n"));
    ck_assert_ptr_nonnull(
        strstr(buf_text(&bed.http.requests), "\r\nAuthorization: Bearer secret\r\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&bed.http.requests), "\r\n\r\n{\"a\":1}"));
    ck_assert_ptr_null(strstr(buf_text(&bed.http.requests), "Expect"));
    end_bed();
}
END_TEST

START_TEST(the_environment_names_no_proxy)
{
    struct http_answer answer = {.text = JSON_STATUS("200 OK", "", "{}")};
    const struct kube_call call = get();

    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    start_bed(&answer, 1);
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_str_eq(told(), "200 0 ||{};");
    end_bed();
}
END_TEST

static const struct {
    const char *headers, *body;
    uint64_t seconds;
} waits[] = {
    {"Retry-After: 7\r\n", "", 7},
    {"", "{\"kind\":\"Status\",\"message\":\"x\",\"details\":{\"retryAfterSeconds\":9}}", 9},
    {"Retry-After: 7\r\n",
     "{\"kind\":\"Status\",\"message\":\"x\",\"details\":{\"retryAfterSeconds\":9}}", 9},
    {"Retry-After: 999999\r\n", "", 3600},
    {"", "", 0},
};

START_TEST(how_long_to_wait_is_told)
{
    char text[1000];
    struct http_answer answer = {.text = text};
    const struct kube_call call = get();

    snprintf(text, sizeof(text), "HTTP/1.1 429 Too Many\r\n%sConnection: close\r\n\r\n%s",
             waits[_i].headers, waits[_i].body);
    start_bed(&answer, 1);
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_uint_eq(bed.retry_after_ns, waits[_i].seconds * NS_PER_SEC);
    end_bed();
}
END_TEST

/* ---- Tokens ---- */

static void write_token(const char *token)
{
    char path[PATH_MAX + 8];
    FILE *f;

    snprintf(path, sizeof(path), "%s.new", bed.token_file);
    f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "%s\n", token);
    fclose(f);
    ck_assert_int_eq(rename(path, bed.token_file), 0);
}

static void use_token_file(const char *token)
{
    snprintf(bed.token_file, sizeof(bed.token_file), "/tmp/varmor-token-%d", (int)getpid());
    bed.config.token.file = strdup(bed.token_file);
    write_token(token);
}

static void rotate(void *data UNUSED)
{
    write_token("second");
}

START_TEST(a_token_that_is_refused_is_read_again_and_sent_once_more)
{
    static const char refusal[] = JSON_STATUS("401 Unauthorized", "", "no");
    struct http_answer three[] = {
        {.text = refusal, .before = rotate},
        {.text = JSON_STATUS("200 OK", "", "{}")},
        {.text = refusal},
    };
    const struct kube_call call = get();
    const char *first;

    start_bed(three, 3);
    use_token_file("first");
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_str_eq(told(), "200 0 ||{};");
    first = strstr(buf_text(&bed.http.requests), "Bearer first\r\n");
    ck_assert(first && strstr(first, "Bearer second\r\n"));
    /* One that is refused twice is refused. */
    buf_clear(&bed.told);
    bed.n_done = 0;
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_str_eq(told(), "401 0 |S answered 401: no|no;");
    ck_assert_uint_eq(bed.http.n_requests, 4);
    end_bed();
}
END_TEST

START_TEST(another_token_in_the_file_is_used_from_the_next_request_on)
{
    struct http_answer answer = {.text = JSON_STATUS("200 OK", "", "{}")};
    const struct kube_call call = get();

    start_bed(&answer, 1);
    use_token_file("first");
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    write_token("second");
    bed.n_done = 0;
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&bed.http.requests), "Bearer second\r\n"));
    /* A file that is away for a moment changes nothing. */
    unlink(bed.token_file);
    buf_clear(&bed.http.requests);
    bed.n_done = 0;
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&bed.http.requests), "Bearer second\r\n"));
    end_bed();
}
END_TEST

static const struct {
    const char *token, *problem;
} bad_tokens[] = {
    {"", "it is not one token"},
    {"two words", "it is not one token"},
    {"a\r\nX-Header: b", "it is not one token"},
    {"a\x01"
     "b",
     "it holds characters that no token has"},
    {"caf\xc3\xa9", "it holds characters that no token has"},
};

START_TEST(what_is_no_token_is_not_sent)
{
    const struct kube_call call = get();

    start_bed(NULL, 0);
    use_token_file(bad_tokens[_i].token);
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_ptr_nonnull(strstr(told(), "0 -13 "));
    ck_assert_ptr_nonnull(strstr(told(), bad_tokens[_i].problem));
    ck_assert_uint_eq(bed.http.n_requests, 0);
    end_bed();
}
END_TEST

/* ---- Streams, deadlines, cancelling ---- */

static int on_received(const uint8_t *data, size_t len, void *data_of_caller UNUSED)
{
    return buf_format(&bed.told, "[%.*s]", (int)len, (const char *)data);
}

static void on_started(void *data UNUSED)
{
    ck_assert_int_eq(buf_add_text(&bed.told, "started;"), 0);
}

static int on_received_refuse(const uint8_t *data UNUSED, size_t len UNUSED, void *d UNUSED)
{
    return -EBADMSG;
}

START_TEST(a_stream_is_told_as_it_comes_and_ends_when_it_is_idle)
{
    struct http_answer answer = {.text = "HTTP/1.1 200 OK\r\n\r\nabc", .keeps = true};
    struct kube_call call = get();

    call.received = on_received;
    call.started = on_started;
    call.idle_ns = 50 * NS_PER_MSEC;
    start_bed(&answer, 1);
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_str_eq(told(), "started;[abc]0 -110 |S: nothing came within 0.1 s|;");
    end_bed();
}
END_TEST

START_TEST(a_stream_that_is_refused_tells_why_and_not_its_body)
{
    struct http_answer answer = {
        .text =
            JSON_STATUS("410 Gone", "",
                        "{\"kind\":\"Status\",\"reason\":\"Expired\",\"message\":\"too old\"}")};
    struct kube_call call = get();

    call.received = on_received;
    call.started = on_started;
    start_bed(&answer, 1);
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_str_eq(told(), "410 0 Expired|too old|;");
    end_bed();
}
END_TEST

START_TEST(who_receives_can_refuse)
{
    struct http_answer answer = {.text = "HTTP/1.1 200 OK\r\n\r\nabc", .keeps = true};
    struct kube_call call = get();

    call.received = on_received_refuse;
    start_bed(&answer, 1);
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_str_eq(told(), "0 -74 |S: the answer was not taken: Bad message|;");
    end_bed();
}
END_TEST

START_TEST(silence_ends_at_the_deadline)
{
    struct http_answer answer = {.text = NULL};
    struct kube_call call = get();

    call.deadline_ns = 100 * NS_PER_MSEC;
    start_bed(&answer, 1);
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_str_eq(told(), "0 -110 |S: no answer within 0.1 s|;");
    end_bed();
}
END_TEST

static void on_stop(void *data UNUSED)
{
    loop_stop(bed.loop);
}

static int on_received_cancel(const uint8_t *data UNUSED, size_t len UNUSED, void *d UNUSED)
{
    ck_assert_int_eq(buf_add_text(&bed.told, "cancelled;"), 0);
    bed.request = kube_request_cancel(bed.request);
    ck_assert_int_eq(loop_defer(bed.loop, on_stop, NULL), 0);
    return 0;
}

static void on_started_cancel(void *data)
{
    on_received_cancel(NULL, 0, data);
}

START_TEST(a_request_can_be_cancelled_inside_its_callbacks)
{
    struct http_answer answer = {.text = "HTTP/1.1 200 OK\r\n\r\nabc", .keeps = true};
    struct kube_call call = get();

    call.received = _i == 0 ? on_received_cancel : on_received;
    call.started = _i == 1 ? on_started_cancel : NULL;
    start_bed(&answer, 1);
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_str_eq(told(), "cancelled;");
    end_bed();
}
END_TEST

static void on_done_cancel(const struct kube_answer *a, void *data UNUSED)
{
    struct kube_call again = get();

    ck_assert_int_eq(a->status, 200);
    kube_request_cancel(bed.request); /* itself: without effect */
    ask(&again);                      /* and another one, from inside */
}

START_TEST(done_may_cancel_itself_and_ask_again)
{
    struct http_answer answer = {.text = JSON_STATUS("200 OK", "", "{}")};
    struct kube_call call = get();

    call.done = on_done_cancel;
    start_bed(&answer, 1);
    start_client();
    ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_str_eq(told(), "200 0 ||{};");
    end_bed();
}
END_TEST

START_TEST(requests_can_be_cancelled_in_every_state)
{
    struct http_answer answer = {.text = NULL};
    const struct kube_call call = get();
    struct kube_request *waiting, *active;

    start_bed(&answer, 1);
    start_client();
    ask(&call);
    active = bed.request;
    ck_assert_int_eq(loop_defer(bed.loop, on_stop, NULL), 0);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ask(&call);
    waiting = bed.request;
    kube_request_cancel(waiting);
    kube_request_cancel(active);
    kube_request_cancel(NULL);
    ask(&call); /* and one that goes with the client */
    ck_assert_int_eq(loop_defer(bed.loop, on_stop, NULL), 0);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_str_eq(told(), "");
    end_bed();
}
END_TEST

/* ---- The line ---- */

START_TEST(more_requests_than_may_be_under_way_wait_in_line)
{
    struct http_answer answer = {.text = NULL};
    struct kube_call call = get();

    call.deadline_ns = 1500 * NS_PER_MSEC;
    start_bed(&answer, 1);
    start_client();
    bed.n_wanted = KUBE_MAX_REQUESTS + 50;
    for (unsigned i = 0; i < bed.n_wanted; i++)
        ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    /* Those in line end at their deadline, too. */
    ck_assert_uint_eq(bed.http.n_requests, KUBE_MAX_REQUESTS);
    end_bed();
}
END_TEST

START_TEST(the_line_moves_on_in_its_order)
{
    struct http_answer answer = {.text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
                                 .keeps = true};
    struct kube_call call = get();

    start_bed(&answer, 1);
    start_client();
    bed.n_wanted = 2 * KUBE_MAX_REQUESTS;
    for (unsigned i = 0; i < bed.n_wanted; i++)
        ask(&call);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_uint_eq(bed.http.n_requests, 2 * KUBE_MAX_REQUESTS);
    end_bed();
}
END_TEST

START_TEST(the_line_has_a_ceiling)
{
    const struct kube_call call = get();

    start_bed(NULL, 0);
    start_client();
    for (unsigned i = 0; i < KUBE_MAX_WAITING; i++)
        ck_assert_int_eq(kube_client_call(bed.client, NULL, &call), 0);
    ck_assert_int_eq(kube_client_call(bed.client, NULL, &call), -EBUSY);
    end_bed();
}
END_TEST

/* ---- Material ---- */

static const struct {
    const char *authority, *certificate, *key, *message;
} materials[] = {
    {"no PEM", NULL, NULL, "certificate-authority: the data given is not a certificate in PEM"},
    {NULL, "no PEM", NULL, "client-certificate: the data given is not a certificate in PEM"},
    {NULL, NULL, "no PEM",
     "client-key: the data given is not a private key without a pass phrase in PEM"},
};

START_TEST(material_that_cannot_be_used_is_refused)
{
    CLEANUP(error_free) struct error *error = NULL;

    start_bed(NULL, 0);
    if (materials[_i].authority)
        bed.config.authority.data = strdup(materials[_i].authority);
    if (materials[_i].certificate)
        bed.config.certificate.data = strdup(materials[_i].certificate);
    if (materials[_i].key)
        bed.config.key.data = strdup(materials[_i].key);
    ck_assert_int_eq(kube_client_new(&bed.client, bed.loop, &bed.config, "test", &error), -EINVAL);
    ck_assert_str_eq(error_message(error), materials[_i].message);
    end_bed();
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_refused)
{
    CLEANUP(error_free) struct error *error = NULL;

    start_bed(NULL, 0);
    bed.config.authority.file = strdup("/nowhere/ca.crt");
    ck_assert_int_eq(kube_client_new(&bed.client, bed.loop, &bed.config, "test", &error), -EINVAL);
    ck_assert_str_eq(error_message(error),
                     "certificate-authority '/nowhere/ca.crt': it cannot be read");
    end_bed();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_client");
    TCase *t = tcase_create("kube_client");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, each_request_ends_once_whatever_the_server_does, 0, ARRAY_SIZE(answers));
    tcase_add_test(t, nobody_there_is_said_with_the_server);
    tcase_add_test(t, an_answer_ends_at_its_ceiling);
    tcase_add_test(t, a_request_is_sent_as_it_was_given);
    tcase_add_test(t, the_environment_names_no_proxy);
    tcase_add_loop_test(t, how_long_to_wait_is_told, 0, ARRAY_SIZE(waits));
    tcase_add_test(t, a_token_that_is_refused_is_read_again_and_sent_once_more);
    tcase_add_test(t, another_token_in_the_file_is_used_from_the_next_request_on);
    tcase_add_loop_test(t, what_is_no_token_is_not_sent, 0, ARRAY_SIZE(bad_tokens));
    tcase_add_test(t, a_stream_is_told_as_it_comes_and_ends_when_it_is_idle);
    tcase_add_test(t, a_stream_that_is_refused_tells_why_and_not_its_body);
    tcase_add_test(t, who_receives_can_refuse);
    tcase_add_test(t, silence_ends_at_the_deadline);
    tcase_add_loop_test(t, a_request_can_be_cancelled_inside_its_callbacks, 0, 2);
    tcase_add_test(t, done_may_cancel_itself_and_ask_again);
    tcase_add_test(t, requests_can_be_cancelled_in_every_state);
    tcase_add_test(t, more_requests_than_may_be_under_way_wait_in_line);
    tcase_add_test(t, the_line_moves_on_in_its_order);
    tcase_add_test(t, the_line_has_a_ceiling);
    tcase_add_loop_test(t, material_that_cannot_be_used_is_refused, 0, ARRAY_SIZE(materials));
    tcase_add_test(t, a_file_that_cannot_be_read_is_refused);
    suite_add_tcase(s, t);
    return s;
}
