/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of compiling a profile fails once: nothing leaks, no error is forgotten, and what
 * is built in spite of it is what is built without. */
#include "test/unit/unit.h"

#include <string.h>

#include "lib/ruleset/ruleset.h"
#include "test/unit/alloc_failure.h"

static void add_path(struct profile *p, enum rule_kind kind, const char *pattern)
{
    struct rule *r = profile_add_rule(p, kind, RULE_DENY | RULE_AUDIT, "files[0]");

    r->path.permissions = kind == RULE_EXEC ? PATH_EXEC : PATH_WRITE;
    r->path.pattern = strdup(pattern);
}

/* A rule of each kind, and patterns of each form. */
static struct profile *make_profile(void)
{
    struct profile *p = profile_new();
    struct rule *r;

    add_path(p, RULE_FILE, "/etc/{passwd,shadow}*");
    add_path(p, RULE_FILE, "**/secret/**");
    add_path(p, RULE_FILE, "/x/[^a]?");
    add_path(p, RULE_EXEC, "/bin/*sh");
    add_path(p, RULE_EXEC, "nc");
    r = profile_add_rule(p, RULE_CAPABILITY, RULE_DENY, "base");
    r->capability.mask = 1 << 13;
    r = profile_add_rule(p, RULE_SOCKET, RULE_DENY, "sockets[0]");
    r->socket.protocols = SOCKET_UDP;
    for (unsigned i = 0; i < 40; i++) {
        r = profile_add_rule(p, RULE_EGRESS, RULE_DENY, "toDestinations[0]");
        r->egress.block =
            (struct addr){ADDR_IPV4, {10, (uint8_t)(i / 2), (uint8_t)i}, i % 2 ? 24 : 16};
    }
    r = profile_add_rule(p, RULE_MOUNT, RULE_DENY, "mounts[0]");
    r->mount.pattern = strdup("/dev/**");
    r->mount.fstype = strdup("ext4");
    r->mount.flags = 1;
    return p;
}

static struct digest expected;

/* One run; true if an allocation failed in it. */
static bool run_with_failure(const struct profile *p, unsigned n)
{
    CLEANUP(ruleset_free) struct ruleset *r = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    bool failed;
    int result;

    alloc_failure_arm(n);
    result = ruleset_build(&r, p, &e);
    failed = alloc_failure_disarm();
    if (result == 0) {
        ck_assert(digest_equal(&r->digest, &expected));
    } else {
        ck_assert_int_eq(result, -ENOMEM);
        ck_assert(failed);
        ck_assert_ptr_null(r);
        ck_assert_str_eq(error_message(e), "out of memory");
    }
    return failed;
}

START_TEST(each_allocation_may_fail)
{
    CLEANUP(profile_unref) struct profile *p = make_profile();
    CLEANUP(ruleset_free) struct ruleset *r = NULL;
    unsigned n = 1;

    ck_assert_int_eq(ruleset_build(&r, p, NULL), 0);
    expected = r->digest;
    while (run_with_failure(p, n))
        n++;
    ck_assert_uint_gt(n, 100); /* it did allocate, and did fail */
}
END_TEST

static const struct {
    const char *pattern;
    int result;
} refused_cases[] = {{"/etc/[ab", -EINVAL}, {"/{a", -EINVAL}};

START_TEST(a_refusal_survives_a_failed_allocation)
{
    CLEANUP(profile_unref) struct profile *p = make_profile();
    unsigned n = 1;
    bool failed;

    add_path(p, RULE_FILE, refused_cases[_i].pattern);
    do {
        CLEANUP(ruleset_free) struct ruleset *r = NULL;
        CLEANUP(error_free) struct error *e = NULL;
        int result;

        alloc_failure_arm(n++);
        result = ruleset_build(&r, p, &e);
        failed = alloc_failure_disarm();
        ck_assert(result == refused_cases[_i].result || (failed && result == -ENOMEM));
        ck_assert_ptr_null(r);
        ck_assert_ptr_nonnull(e);
    } while (failed);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("ruleset_memory");
    TCase *t = tcase_create("ruleset_memory");

    tcase_add_test(t, each_allocation_may_fail);
    tcase_add_loop_test(t, a_refusal_survives_a_failed_allocation, 0,
                        (int)ARRAY_SIZE(refused_cases));
    suite_add_tcase(s, t);
    return s;
}
