/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of client, server and loop fails in turn while calls are made. Nothing may crash
 * or leak, and each call that was started is closed once. Linked with --wrap for the functions
 * below, so what libraries allocate inside does not count.
 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/loop.h"
#include "lib/rpc/grpc_client.h"
#include "lib/rpc/grpc_server.h"

/* ---- The allocator that fails once ---- */

static unsigned n_allocations,
    fail_at; /* fail_at 0: never. Check allocates too: no assertions meanwhile */

static bool is_to_fail(void)
{
    return fail_at > 0 && ++n_allocations == fail_at;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);

void *__wrap_malloc(size_t size)
{
    return is_to_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return is_to_fail() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return is_to_fail() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *text)
{
    return is_to_fail() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
    return is_to_fail() ? NULL : __real_strndup(text, len);
}

/* ---- What is tried with it ---- */

#define WATCHDOG_NS (3 * NS_PER_SEC)
#define BIG_BYTES   100000

struct trial {
    struct loop *loop;
    struct grpc_server *server;
    struct grpc_channel *channel;
    struct loop_timer *watchdog;
    unsigned n_started, n_closed, n_open, n_ok;
    bool is_stuck;
};

static void echo_open(struct grpc_call *call, void *service)
{
    struct trial *t = service;

    t->n_open++;
    grpc_call_set_data(call, t);
}

static void echo_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    if (grpc_call_send(call, data, len) < 0)
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, "no room");
}

static void echo_half_close(struct grpc_call *call)
{
    grpc_call_finish(call, GRPC_OK, "done");
}

static void echo_closed(struct grpc_call *call)
{
    struct trial *t = grpc_call_data(call);

    t->n_open--;
}

static const struct grpc_method echo = {"/e",        echo_open, echo_message, echo_half_close, NULL,
                                        echo_closed, 0};

static void on_message(struct grpc_client_call *call UNUSED, const uint8_t *data UNUSED,
                       size_t len UNUSED, void *arg UNUSED)
{
}

static void on_closed(struct grpc_client_call *call UNUSED, enum grpc_status status,
                      const char *text, void *arg)
{
    struct trial *t = arg;

    t->n_ok += status == GRPC_OK && text;
    if (++t->n_closed == t->n_started)
        loop_stop(t->loop);
}

static const struct grpc_client_handler handler = {.message = on_message, .closed = on_closed};

static void on_watchdog(void *data)
{
    struct trial *t = data;

    t->is_stuck = true;
    loop_stop(t->loop);
}

static int start_call(struct trial *t, const char *path, size_t len, bool is_cancelled)
{
    static const uint8_t data[BIG_BYTES];
    struct grpc_metadata metadata = {"x-name", "value"};
    struct grpc_client_call *call = NULL;
    int r = grpc_channel_call(t->channel, &call, path, &metadata, 1, 60 * NS_PER_SEC, &handler, t);

    if (r < 0)
        return r;
    t->n_started++;
    if (grpc_client_call_send(call, data, len) < 0 || is_cancelled)
        grpc_client_call_cancel(call);
    else
        grpc_client_call_half_close(call);
    return 0;
}

/* Everything up to the calls. 0 or a negative errno, which must be -ENOMEM. */
static int prepare(struct trial *t, const char *path, struct error **reterr)
{
    struct grpc_address address = {};
    int r = loop_new(&t->loop, reterr);

    if (r == 0)
        r = loop_timer_new(t->loop, &t->watchdog, on_watchdog, t);
    if (r == 0)
        r = grpc_server_new(&t->server, t->loop, NULL, reterr);
    if (r == 0)
        r = grpc_server_add(t->server, &echo, 1, t, reterr);
    if (r == 0)
        r = grpc_server_set_health(t->server, "", GRPC_HEALTH_SERVING);
    if (r == 0)
        r = grpc_server_set_reflection(t->server, NULL, 0, reterr);
    if (r == 0)
        r = grpc_address_parse(&address, path, reterr);
    if (r == 0)
        r = grpc_server_listen(t->server, &address, NULL, 0600, reterr);
    if (r == 0)
        r = grpc_channel_new(&t->channel, t->loop, &address, NULL, NULL, reterr);
    grpc_address_done(&address);
    return r;
}

static int try_calls(struct trial *t)
{
    int r = start_call(t, "/e", 10, false);

    if (r == 0)
        r = start_call(t, "/e", BIG_BYTES, false);
    if (r == 0)
        r = start_call(t, "/e", 10, true);
    if (r == 0)
        r = start_call(t, "/grpc.health.v1.Health/Check", 0, false);
    if (r == 0)
        r = start_call(t, "/nobody", 0, false);
    if (t->n_started > 0) {
        loop_timer_set(t->watchdog, WATCHDOG_NS);
        if (loop_run(t->loop) < 0)
            t->is_stuck = true;
    }
    return r;
}

static void trial_done(struct trial *t)
{
    grpc_channel_free(t->channel);
    grpc_server_free(t->server);
    loop_timer_free(t->watchdog);
    loop_free(t->loop);
}

START_TEST(an_allocation_that_fails_ends_calls_and_nothing_else)
{
    char path[64];
    unsigned n_failed = 0;
    struct trial t;
    int r;

    snprintf(path, sizeof(path), "unix:/tmp/grpc_memory_test.%d", getpid());
    do {
        CLEANUP(error_free) struct error *e = NULL;

        t = (struct trial){};
        n_allocations = 0;
        fail_at = ++n_failed;
        r = prepare(&t, path, &e);
        if (r == 0)
            r = try_calls(&t);
        fail_at = 0;
        ck_assert_msg(r == 0 || r == -ENOMEM, "allocation %u: %s", n_failed, error_message(e));
        ck_assert_msg(!t.is_stuck, "allocation %u: a call was never closed", n_failed);
        trial_done(&t);
        ck_assert_msg(t.n_started == t.n_closed, "allocation %u", n_failed);
        ck_assert_msg(t.n_open == 0, "allocation %u", n_failed);
    } while (n_allocations >= n_failed);
    ck_assert_uint_eq(t.n_ok, 3); /* the last round, in which nothing failed */
    ck_assert_uint_gt(n_failed, 100);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("grpc_memory");
    TCase *t = tcase_create("grpc_memory");

    tcase_add_test(t, an_allocation_that_fails_ends_calls_and_nothing_else);
    suite_add_tcase(s, t);
    return s;
}
