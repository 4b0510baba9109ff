/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of what everything stands on fails once. */
#include "test/unit/unit.h"

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/map.h"
#include "lib/options.h"
#include "lib/profile.h"
#include "test/unit/alloc_failure.h"

#define MAP_ENTRIES 400 /* enough for the table to grow */

static bool fill_map(unsigned fail_at)
{
    CLEANUP(map_free) struct map *m = NULL;
    unsigned n_missing = 0;
    bool failed;

    alloc_failure_arm(fail_at);
    m = map_new(free, 0);
    for (unsigned i = 0; m && i < MAP_ENTRIES; i++) {
        char key[16], *value = strdup("x");

        snprintf(key, sizeof(key), "%u", i);
        if (!value || map_put(m, key, value) < 0) {
            free(value);
            ck_assert_ptr_null(map_find(m, key));
            n_missing++;
        }
    }
    failed = alloc_failure_disarm();
    if (m)
        ck_assert_uint_eq(map_size(m), MAP_ENTRIES - n_missing);
    ck_assert_uint_le(n_missing, failed ? 1 : 0);
    return failed;
}

START_TEST(a_map_stays_whole_without_memory)
{
    unsigned n = 1;

    while (fill_map(n))
        n++;
    ck_assert_uint_gt(n, MAP_ENTRIES);
}
END_TEST

START_TEST(a_buffer_stays_as_it_was_without_memory)
{
    CLEANUP_BUF struct buf b = BUF_INIT(4096);

    ck_assert_int_eq(buf_add_text(&b, "abc"), 0);
    alloc_failure_arm(1);
    ck_assert_int_eq(buf_format(&b, "%200s", "x"), -ENOMEM);
    ck_assert(alloc_failure_disarm());
    ck_assert_str_eq(buf_text(&b), "abc");
}
END_TEST

/* What holds after a failure: the code always, the message as far as there was memory for it. */
START_TEST(an_error_keeps_its_code_without_memory)
{
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        CLEANUP(error_free) struct error *e = NULL;
        int set, wrapped, with_errno;

        alloc_failure_arm(n);
        set = error_set(&e, -EINVAL, "rule %d", 3);
        wrapped = error_wrap(&e, -EINVAL, "profile '%s'", "x");
        with_errno = error_errno(&e, EPERM, "open");
        failed = alloc_failure_disarm();
        ck_assert_int_eq(set, -EINVAL);
        ck_assert_int_eq(wrapped, -EINVAL);
        ck_assert_int_eq(with_errno, -EPERM);
        ck_assert_ptr_nonnull(e);
        ck_assert_uint_gt(strlen(error_message(e)), 0);
    }
}
END_TEST

struct settings {
    char *folder;
    struct option_list listen;
};

static const struct option_spec specs[] = {
    {.name = "folder",
     .type = OPTION_TEXT,
     .field = offsetof(struct settings, folder),
     .default_text = "/etc/x"},
    {.name = "listen", .type = OPTION_LIST, .field = offsetof(struct settings, listen)},
};

START_TEST(options_are_given_back_without_memory)
{
    char *argv[] = {(char *)"x", (char *)"--listen=a", (char *)"--listen", (char *)"b", NULL};
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        CLEANUP(error_free) struct error *e = NULL;
        struct settings s = {0};
        int r;

        alloc_failure_arm(n);
        r = options_parse(specs, ARRAY_SIZE(specs), &s, 4, argv, &e);
        failed = alloc_failure_disarm();
        ck_assert_int_eq(r, failed ? -ENOMEM : OPTIONS_RUN);
        options_done(specs, ARRAY_SIZE(specs), &s);
    }
}
END_TEST

START_TEST(a_profile_stays_whole_without_memory)
{
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        CLEANUP(profile_unref) struct profile *p = NULL;
        size_t n_added = 0;

        alloc_failure_arm(n);
        p = profile_new();
        for (unsigned i = 0; p && i < 5; i++)
            n_added += profile_add_rule(p, RULE_PTRACE, RULE_DENY, "base") != NULL;
        failed = alloc_failure_disarm();
        if (p)
            ck_assert_uint_eq(p->n_rules, n_added);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("base_memory");
    TCase *t = tcase_create("base_memory");

    tcase_add_test(t, a_map_stays_whole_without_memory);
    tcase_add_test(t, a_buffer_stays_as_it_was_without_memory);
    tcase_add_test(t, an_error_keeps_its_code_without_memory);
    tcase_add_test(t, options_are_given_back_without_memory);
    tcase_add_test(t, a_profile_stays_whole_without_memory);
    suite_add_tcase(s, t);
    return s;
}
