/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of a connection to NRI fails once: the connection ends with -ENOMEM, and nothing leaks. */
#include "test/unit/unit.h"

#include <stdio.h>

#include "agent/nri_session.h"
#include "test/unit/alloc_failure.h"

static void on_ready(const char *runtime, void *data)
{
    (void)runtime;
    (void)data;
}

static void on_starting(const char *container_id, void *data)
{
    nri_session_let_start(*(struct nri_session **)data, container_id);
}

static void on_overdue(const char *container_id, void *data)
{
    (void)container_id;
    (void)data;
}

static const struct nri_session_owner owner = {
    .ready = on_ready, .starting = on_starting, .overdue = on_overdue};

static int run(const uint8_t *data, size_t len)
{
    CLEANUP(nri_session_free) struct nri_session *session = NULL;
    CLEANUP(error_free) struct error *problem = NULL;
    int r = nri_session_new(&session, &owner, &session);

    if (r == 0)
        r = nri_session_open(session, 1);
    if (r == 0)
        r = nri_session_feed(session, data, len, 1, &problem);
    if (r == 0)
        r = nri_session_expire(session, UINT64_MAX, &problem);
    return r;
}

START_TEST(each_allocation_of_a_connection_may_fail)
{
    uint8_t bytes[4096];
    FILE *f = fopen("test/fuzz/corpus/nri_session_fuzz/starts", "re");
    size_t len = f ? fread(bytes, 1, sizeof(bytes), f) : 0;
    bool failed = true;

    ck_assert_ptr_nonnull(f);
    fclose(f);
    ck_assert_uint_gt(len, 1);
    for (unsigned n = 1; failed; n++) {
        int r;

        alloc_failure_arm(n);
        r = run(bytes + 1, len - 1);
        failed = alloc_failure_disarm();
        /* An answer that could not be given is given when its time is up. */
        ck_assert_msg(r == 0 || (failed && (r == -ENOMEM || r == -ETIMEDOUT)), "%u: %d", n, r);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("nri_memory");
    TCase *t = tcase_create("nri_memory");

    tcase_add_test(t, each_allocation_of_a_connection_may_fail);
    suite_add_tcase(s, t);
    return s;
}
