/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of reading a kubeconfig, an answer and a list of versions fails once: nothing leaks, no failure is
 * forgotten, and what could be done without it is as it would have been. */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "lib/kube/kube_client.h"
#include "lib/kube/kube_config.h"
#include "lib/kube/kube_credentials.h"
#include "lib/kube/kube_path.h"
#include "lib/kube/kube_reader.h"
#include "lib/kube/kube_versions.h"
#include "lib/kube/kube_watch.h"
#include "lib/loop.h"
#include "test/unit/alloc_failure.h"

static void check_failure(int r, bool failed)
{
    if (failed)
        ck_assert_int_eq(r, -ENOMEM);
    else
        ck_assert_int_eq(r, 0);
}

static const char kubeconfig[] = "test/fuzz/corpus/kube_config_fuzz/complete";

START_TEST(a_kubeconfig_without_memory_is_no_kubeconfig)
{
    CLEANUP_FREE char *path = realpath(kubeconfig, NULL);
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        struct kube_config config = {0};
        struct error *error = NULL;
        int r;

        alloc_failure_arm(n);
        r = kube_config_load(&config, path, NULL, &error);
        failed = alloc_failure_disarm();
        check_failure(r, failed);
        kube_config_done(&config);
        error_free(error);
    }
}
END_TEST

START_TEST(a_pod_without_memory_is_told)
{
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        struct kube_config config = {0};
        struct error *error = NULL;
        int r;

        alloc_failure_arm(n);
        r = kube_config_in_cluster(&config, "10.96.0.1", "443", "test/unit", &error);
        failed = alloc_failure_disarm() && r == -ENOMEM;
        if (!failed)
            ck_assert_int_eq(r, -ENOENT); /* no token is there */
        kube_config_done(&config);
        error_free(error);
    }
}
END_TEST

static int on_event(const struct kube_event *e, void *data)
{
    unsigned *count = data;

    *count += e->len > 0;
    return 0;
}

static const struct {
    enum kube_reader_mode mode;
    bool is_protobuf;
    const char *file;
} answers[] = {
    {KUBE_READER_LIST, false, "test/fuzz/corpus/kube_reader_fuzz/list-json"},
    {KUBE_READER_WATCH, false, "test/fuzz/corpus/kube_reader_fuzz/watch-json"},
    {KUBE_READER_LIST, true, "test/fuzz/corpus/kube_reader_fuzz/list-protobuf"},
    {KUBE_READER_WATCH, true, "test/fuzz/corpus/kube_reader_fuzz/watch-protobuf"},
};

/* jansson tells a text that it cannot parse and memory that it cannot get in the same way. */
static bool is_told(int r)
{
    return r == -ENOMEM || r == -EBADMSG;
}

START_TEST(an_answer_without_memory_is_told)
{
    uint8_t bytes[4096];
    FILE *f = fopen(answers[_i].file, "re");
    const size_t len = fread(bytes, 1, sizeof(bytes), f);
    bool failed = true;

    fclose(f);
    for (unsigned n = 1; failed; n++) {
        struct kube_reader *reader = NULL;
        unsigned count = 0;
        int r;

        alloc_failure_arm(n);
        r = kube_reader_new(&reader, answers[_i].mode, answers[_i].is_protobuf, 1000, on_event,
                            &count);
        if (r == 0)
            r = kube_reader_feed(reader, bytes + 1, len - 1);
        failed = alloc_failure_disarm();
        /* jansson goes on when its buffer for a long text cannot grow. */
        if (failed && r == 0)
            ck_assert(!answers[_i].is_protobuf);
        else if (failed)
            ck_assert(is_told(r));
        else
            ck_assert_int_eq(r, 0);
        kube_reader_free(reader);
    }
}
END_TEST

static void on_dropped(const char *key UNUSED, void *data)
{
    ++*(unsigned *)data;
}

static int use_versions(struct kube_versions *v, unsigned *ret_dropped)
{
    int r = kube_versions_put(v, "a", "1");

    if (r >= 0)
        r = kube_versions_put(v, "b", "1");
    if (r >= 0) {
        kube_versions_list_begin(v);
        r = kube_versions_put(v, "b", "2");
    }
    return r < 0 ? r : kube_versions_list_end(v, on_dropped, ret_dropped);
}

START_TEST(versions_without_memory_drop_nothing)
{
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        struct kube_versions *v;
        unsigned n_dropped = 0;
        int r = -ENOMEM;

        alloc_failure_arm(n);
        v = kube_versions_new(10);
        if (v)
            r = use_versions(v, &n_dropped);
        failed = alloc_failure_disarm();
        check_failure(r, failed);
        ck_assert_uint_eq(n_dropped, failed ? 0 : 1);
        kube_versions_free(v);
    }
}
END_TEST

static void on_done(const struct kube_answer *a UNUSED, void *data UNUSED)
{
}

static void on_put(const char *key UNUSED, const uint8_t *o UNUSED, size_t n UNUSED, void *d UNUSED)
{
}

static void on_text(const char *text UNUSED, void *data UNUSED)
{
}

static void on_listed(void *data UNUSED)
{
}

/* A client with a request in line and a watch. */
static int use_client(struct loop *loop, struct kube_config *config, struct error **reterr)
{
    static const struct kube_watch_settings settings = {.path = "/x", .query = "q", .accept = "a"};
    static const struct kube_watch_events events = {on_put, on_text, on_listed, on_text, NULL};
    CLEANUP(kube_client_free) struct kube_client *client = NULL;
    CLEANUP(kube_watch_free) struct kube_watch *watch = NULL;
    const struct kube_call call = {.method = "PUT",
                                   .path = "/",
                                   .content_type = "t",
                                   .accept = "a",
                                   .body = "b",
                                   .len = 1,
                                   .deadline_ns = 1,
                                   .done = on_done};
    int r = kube_client_new(&client, loop, config, "test", reterr);

    if (r == 0)
        r = kube_client_call(client, NULL, &call);
    return r < 0 ? r : kube_watch_new(&watch, loop, client, &settings, &events);
}

START_TEST(a_client_without_memory_is_no_client)
{
    struct kube_config config = {.server = (char[]){"https://h:1"},
                                 .tls_server_name = (char[]){"n"},
                                 .name_space = (char[]){"d"},
                                 .token = {.data = (char[]){"t"}}};
    struct loop *loop = NULL;
    bool failed = true;

    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_int_eq(use_client(loop, &config, NULL), 0); /* what libraries make once and keep */
    for (unsigned n = 1; failed; n++) {
        struct error *error = NULL;
        int r;

        alloc_failure_arm(n);
        r = use_client(loop, &config, &error);
        failed = alloc_failure_disarm();
        check_failure(r, failed);
        error_free(error);
    }
    loop_free(loop);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_memory");
    TCase *t = tcase_create("kube_memory");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_kubeconfig_without_memory_is_no_kubeconfig);
    tcase_add_test(t, a_pod_without_memory_is_told);
    tcase_add_loop_test(t, an_answer_without_memory_is_told, 0, ARRAY_SIZE(answers));
    tcase_add_test(t, versions_without_memory_drop_nothing);
    tcase_add_test(t, a_client_without_memory_is_no_client);
    suite_add_tcase(s, t);
    return s;
}
