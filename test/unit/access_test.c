/* SPDX-License-Identifier: Apache-2.0 */
/* What a real API server cannot be made to do (test/cluster/identity has one): answer with garbage, keep answers back,
 * and end in between. */
#include "test/unit/unit.h"

#include <arpa/inet.h>

#include <event2/buffer.h>
#include <event2/http.h>

#include "lib/kube/kube_client.h"
#include "manager/access.h"
#include "test/unit/grpc_bed.h"

#define MAX_CALLS 300

/* An API server that answers each request the same, or keeps the answers back until it is told to give them. */
struct api {
    struct evhttp *http;
    unsigned n_requests, n_kept;
    struct evhttp_request *kept[MAX_CALLS];
    bool keeps;
    int code;
    const char *body;
    char url[64];
};

#define REVIEW(name, extra)                                                                                               \
    "{\"kind\":\"TokenReview\",\"status\":{\"authenticated\":true,\"audiences\":[\"aud\"],\"user\":{\"username\":\"" name \
    "\",\"extra\":{" extra "}}}}"
#define AGENT REVIEW("agent", "\"authentication.kubernetes.io/node-name\":[\"n1\"]")

static void api_answer(struct api *api, struct evhttp_request *request)
{
    struct evbuffer *body = evbuffer_new();

    evbuffer_add(body, api->body, strlen(api->body));
    evhttp_send_reply(request, api->code, "said", body);
    evbuffer_free(body);
}

static void api_on_request(struct evhttp_request *request, void *data)
{
    struct api *api = data;

    api->n_requests++;
    if (!api->keeps) {
        api_answer(api, request);
        return;
    }
    ck_assert_uint_lt(api->n_kept, MAX_CALLS);
    api->kept[api->n_kept++] = request;
}

static void api_new(struct api *api, struct loop *loop)
{
    struct evhttp_bound_socket *bound;
    struct sockaddr_in address;
    socklen_t len = sizeof(address);

    *api = (struct api){.code = 201, .body = AGENT};
    api->http = evhttp_new(loop_base(loop));
    bound = evhttp_bind_socket_with_handle(api->http, "127.0.0.1", 0);
    ck_assert_ptr_nonnull(bound);
    ck_assert_int_eq(
        getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &len), 0);
    snprintf(api->url, sizeof(api->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    evhttp_set_gencb(api->http, api_on_request, api);
}

/* ---- A gRPC server with that API server behind its gate ---- */

static const struct grpc_method agent_methods[] = {{.path = "/varmor.v1.AgentService/Sync",
                                                    .open = echo_open,
                                                    .message = echo_message,
                                                    .half_close = echo_half_close,
                                                    .closed = echo_closed}};

struct access_bed {
    struct bed bed;
    struct api api;
    struct kube_client *client;
    struct access *access;
};

static void access_bed_new(struct access_bed *a, size_t max_tokens)
{
    static const struct grpc_limits limits = {.calls = MAX_CALLS};
    const struct access_settings settings = {"aud", "agent", max_tokens};
    struct bed_tls server, client;
    struct kube_config config;

    bed_new(&a->bed, GRPC_TLS, &limits, NULL);
    bed_tls_make(&server, "server", "ca", NULL);
    server.tls.is_client_free = true;
    ck_assert_int_eq(grpc_server_set_tls(a->bed.server, &server.tls, NULL), 0);
    bed_tls_make(&client, "node", "ca", NULL);
    client.tls.certificate_file = client.tls.key_file = NULL;
    a->bed.channel = grpc_channel_free(a->bed.channel);
    ck_assert_int_eq(
        grpc_channel_new(&a->bed.channel, a->bed.loop, &a->bed.address, &client.tls, &limits, NULL),
        0);
    ck_assert_int_eq(grpc_server_add(a->bed.server, agent_methods, 1, &a->bed.echo, NULL), 0);
    api_new(&a->api, a->bed.loop);
    config = (struct kube_config){.server = a->api.url};
    ck_assert_int_eq(kube_client_new(&a->client, a->bed.loop, &config, "test", NULL), 0);
    ck_assert_int_eq(access_new(&a->access, a->bed.loop, a->client, a->bed.server, &settings), 0);
}

static void access_bed_done(struct access_bed *a)
{
    a->bed.channel = grpc_channel_free(a->bed.channel);
    a->bed.server = grpc_server_free(a->bed.server);
    access_free(a->access);
    kube_client_free(a->client);
    evhttp_free(a->api.http);
    bed_done(&a->bed);
}

/* Answers the last request that is kept back. How many there are is libcurl's choice; at least one. */
static void api_answer_next(struct access_bed *a)
{
    while (a->api.n_kept == 0)
        bed_let_pass(&a->bed, NS_PER_MSEC);
    api_answer(&a->api, a->api.kept[--a->api.n_kept]);
}

/* Starts a call of the agents' service with this token. */
static void call_with(struct probe *p, struct access_bed *a, const char *token)
{
    char value[128];
    struct grpc_metadata metadata = {"authorization", value};

    snprintf(value, sizeof(value), "Bearer %s", token);
    *p = (struct probe){.bed = &a->bed, .received = BUF_INIT(4096)};
    ck_assert_int_eq(grpc_channel_call(a->bed.channel, &p->call, "/varmor.v1.AgentService/Sync",
                                       &metadata, 1, 0, &probe_handler, p),
                     0);
    grpc_client_call_half_close(p->call);
}

static enum grpc_status call_once(struct access_bed *a, const char *token)
{
    struct probe p;

    call_with(&p, a, token);
    probe_wait(&p);
    return p.status;
}

static const struct {
    int code;
    const char *body, *reason; /* a part of it */
} answer_cases[] = {
    {201, "", "the answer cannot be read as JSON"},
    {201, "<html>", "the answer cannot be read as JSON"},
    {200, "{\"kind\":\"Status\"}", "no TokenReview"},
    {403,
     "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"tokenreviews is forbidden\",\"reason\":\"Forbidden\",\"code\":403}",
     "HTTP status 403: tokenreviews is forbidden"},
    {500, "oops", "HTTP status 500"},
};

START_TEST(what_is_no_answer_sends_the_caller_away_and_is_asked_again)
{
    struct access_bed a;
    struct probe p;

    access_bed_new(&a, 0);
    a.api.code = answer_cases[_i].code;
    a.api.body = answer_cases[_i].body;
    call_with(&p, &a, "token");
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_UNAVAILABLE);
    ck_assert_msg(strstr(p.text, "the token cannot be checked at present: ") == p.text, "%s",
                  p.text);
    ck_assert_msg(strstr(p.text, answer_cases[_i].reason) != NULL, "%s", p.text);
    a.api.code = 201;
    a.api.body = AGENT;
    ck_assert_int_eq(call_once(&a, "token"), GRPC_OK);
    ck_assert_uint_eq(a.api.n_requests, 2);
    access_bed_done(&a);
}
END_TEST

START_TEST(an_answer_that_is_too_large_is_none)
{
    CLEANUP_FREE char *large = calloc(1, 100001);
    struct access_bed a;
    struct probe p;

    memset(large, ' ', 100000);
    access_bed_new(&a, 0);
    a.api.body = large;
    call_with(&p, &a, "token");
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_UNAVAILABLE);
    access_bed_done(&a);
}
END_TEST

START_TEST(calls_with_one_token_share_one_review)
{
    struct probe probes[20];
    struct access_bed a;

    access_bed_new(&a, 0);
    a.api.keeps = true;
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
        call_with(&probes[i], &a, "token");
    while (a.api.n_kept == 0)
        bed_let_pass(&a.bed, NS_PER_MSEC);
    bed_let_pass(&a.bed, 30 * NS_PER_MSEC);
    ck_assert_uint_eq(a.api.n_requests, 1);
    ck_assert_uint_eq(a.bed.echo.n_open, 0);
    api_answer_next(&a);
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        probe_wait(&probes[i]);
        ck_assert_int_eq(probes[i].status, GRPC_OK);
    }
    ck_assert_int_eq(call_once(&a, "token"), GRPC_OK);
    ck_assert_uint_eq(a.api.n_requests, 1);
    access_bed_done(&a);
}
END_TEST

START_TEST(many_tokens_wait_in_line)
{
    static struct probe probes[ACCESS_MAX_REVIEWS * 3];
    struct access_bed a;
    char token[32];

    access_bed_new(&a, 0);
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        snprintf(token, sizeof(token), "token%zu", i);
        call_with(&probes[i], &a, token);
    }
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        probe_wait(&probes[i]);
        ck_assert_int_eq(probes[i].status, GRPC_OK);
    }
    ck_assert_uint_eq(a.api.n_requests, ARRAY_SIZE(probes));
    access_bed_done(&a);
}
END_TEST

START_TEST(the_oldest_token_makes_room_for_a_new_one)
{
    static const struct {
        const char *token;
        unsigned n_requests; /* until then */
    } steps[] = {{"t1", 1}, {"t2", 2}, {"t1", 2}, {"t3", 3}, {"t2", 3}, {"t1", 4}, {"t3", 4}};
    struct access_bed a;

    access_bed_new(&a, 2);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        ck_assert_int_eq(call_once(&a, steps[i].token), GRPC_OK);
        ck_assert_msg(a.api.n_requests == steps[i].n_requests, "step %zu: %u", i, a.api.n_requests);
    }
    access_bed_done(&a);
}
END_TEST

START_TEST(tokens_that_wait_are_not_pushed_out)
{
    struct probe first, second, third;
    struct access_bed a;

    access_bed_new(&a, 2);
    a.api.keeps = true;
    call_with(&first, &a, "t1");
    call_with(&second, &a, "t2");
    call_with(&third, &a, "t3");
    probe_wait(&third);
    ck_assert_int_eq(third.status, GRPC_UNAVAILABLE);
    ck_assert_str_eq(third.text, "too many tokens are being checked");
    api_answer_next(&a);
    api_answer_next(&a);
    probe_wait(&first);
    probe_wait(&second);
    ck_assert_int_eq(first.status, GRPC_OK);
    ck_assert_int_eq(second.status, GRPC_OK);
    access_bed_done(&a);
}
END_TEST

START_TEST(who_does_not_wait_leaves_the_answer_to_others)
{
    struct access_bed a;
    struct probe p;

    access_bed_new(&a, 0);
    a.api.keeps = true;
    call_with(&p, &a, "token");
    while (a.api.n_kept == 0)
        bed_let_pass(&a.bed, NS_PER_MSEC);
    grpc_client_call_cancel(p.call);
    probe_wait(&p);
    bed_let_pass(&a.bed, 20 * NS_PER_MSEC);
    api_answer_next(&a);
    bed_let_pass(&a.bed, 20 * NS_PER_MSEC);
    ck_assert_uint_eq(a.bed.echo.n_open, 0);
    ck_assert_int_eq(call_once(&a, "token"), GRPC_OK);
    ck_assert_uint_eq(a.api.n_requests, 1);
    access_bed_done(&a);
}
END_TEST

START_TEST(who_leaves_the_line_takes_no_place_in_it)
{
    static struct probe probes[ACCESS_MAX_REVIEWS];
    struct probe leaves, comes;
    struct access_bed a;
    char token[32];

    access_bed_new(&a, ACCESS_MAX_REVIEWS + 1);
    a.api.keeps = true;
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        snprintf(token, sizeof(token), "token%zu", i);
        call_with(&probes[i], &a, token);
    }
    call_with(&leaves, &a, "leaves");
    bed_let_pass(&a.bed, 50 * NS_PER_MSEC);
    grpc_client_call_cancel(leaves.call);
    probe_wait(&leaves);
    bed_let_pass(&a.bed, 20 * NS_PER_MSEC);
    call_with(&comes, &a, "comes"); /* the table has room again */
    bed_let_pass(&a.bed, 20 * NS_PER_MSEC);
    a.api.keeps = false;
    while (a.api.n_kept > 0)
        api_answer_next(&a);
    probe_wait(&comes);
    ck_assert_int_eq(comes.status, GRPC_OK);
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
        probe_wait(&probes[i]);
    ck_assert_uint_eq(a.api.n_requests, ARRAY_SIZE(probes) + 1); /* not about who has left */
    access_bed_done(&a);
}
END_TEST

/* {"exp":9223372036854775807}: nobody has looked yet whether it is genuine. */
START_TEST(a_token_may_say_any_time)
{
    struct access_bed a;

    access_bed_new(&a, 0);
    ck_assert_int_eq(call_once(&a, "e30.eyJleHAiOjkyMjMzNzIwMzY4NTQ3NzU4MDd9.c2ln"), GRPC_OK);
    access_bed_done(&a);
}
END_TEST

START_TEST(it_ends_while_callers_wait)
{
    static struct probe probes[ACCESS_MAX_REVIEWS + 5];
    struct access_bed a;
    char token[32];

    access_bed_new(&a, 0);
    a.api.keeps = true;
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        snprintf(token, sizeof(token), "token%zu", i);
        call_with(&probes[i], &a, token);
    }
    while (a.api.n_kept == 0)
        bed_let_pass(&a.bed, NS_PER_MSEC);
    access_bed_done(&a);
    ck_assert(probes[0].is_closed);
}
END_TEST

START_TEST(a_manager_that_follows_sends_everybody_away_without_asking)
{
    struct access_bed a;
    struct probe p;

    access_bed_new(&a, 0);
    access_set_elsewhere(a.access, "another manager leads");
    call_with(&p, &a, "token");
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_UNAVAILABLE);
    ck_assert_str_eq(p.text, "another manager leads");
    ck_assert_uint_eq(a.api.n_requests, 0);
    access_set_elsewhere(a.access, NULL);
    a.api.code = 500;
    a.api.body = "oops";
    call_with(&p, &a, "token");
    probe_wait(&p);
    ck_assert_ptr_nonnull(strstr(p.text, "the token cannot be checked"));
    access_bed_done(&a);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("access");
    TCase *t = tcase_create("access");

    tcase_set_timeout(t, 30);
    tcase_add_unchecked_fixture(t, bed_make_keys, bed_drop_keys);
    tcase_add_loop_test(t, what_is_no_answer_sends_the_caller_away_and_is_asked_again, 0,
                        (int)ARRAY_SIZE(answer_cases));
    tcase_add_test(t, an_answer_that_is_too_large_is_none);
    tcase_add_test(t, calls_with_one_token_share_one_review);
    tcase_add_test(t, many_tokens_wait_in_line);
    tcase_add_test(t, the_oldest_token_makes_room_for_a_new_one);
    tcase_add_test(t, tokens_that_wait_are_not_pushed_out);
    tcase_add_test(t, who_does_not_wait_leaves_the_answer_to_others);
    tcase_add_test(t, who_leaves_the_line_takes_no_place_in_it);
    tcase_add_test(t, a_token_may_say_any_time);
    tcase_add_test(t, it_ends_while_callers_wait);
    tcase_add_test(t, a_manager_that_follows_sends_everybody_away_without_asking);
    suite_add_tcase(s, t);
    return s;
}
