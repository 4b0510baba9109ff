/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>

#include "agent/apparmor_binary.h"
#include "test/unit/apparmor_parser_run.h"

#define NAME "varmor-shop-web"

static const struct {
    const char *text;
    int r;
    unsigned n_children;
    bool complain;
    const char *message; /* NULL: none */
} cases[] = {
    {"profile " NAME " { file, network, capability, }", 0, 0, false, NULL},
    {"profile " NAME " flags=(attach_disconnected,complain) { deny /etc/shadow r, }", 0, 0, true,
     NULL},
    {"profile " NAME " { file, /bin/a cx -> child_0, /bin/b cx -> child_1,\n"
     "profile child_0 { file, } profile child_1 { deny mount, } }",
     0, 2, false, NULL},
    {"profile " NAME " { file, mount, signal, ptrace, unix, dbus, pivot_root, }", 0, 0, false,
     NULL},
    {"profile " NAME " { file, } profile other { file, }", -EBADMSG, 0, false,
     "the compiled policy holds profile 'other' too"},
    {"profile " NAME "2 { file, }", -EBADMSG, 0, false,
     "the compiled policy holds profile '" NAME "2' too"},
    {"profile other { profile " NAME " { file, } }", -EBADMSG, 0, false,
     "the compiled policy holds profile 'other' too"},
    {"profile " NAME " { profile a { file, } ^hat { file, } }", 0, 2, false, NULL},
    {"profile :ns:" NAME " { file, }", -EBADMSG, 0, false,
     "the compiled profile is not in the form that is known here"},
    {"profile " NAME " { file, profile child_0 flags=(complain) { file, } }", -EBADMSG, 0, false,
     "profile '" NAME "//child_0' has another mode than its relatives"},
    {"profile " NAME " flags=(kill) { file, }", -EBADMSG, 0, false,
     "profile '" NAME "' is in neither enforce nor complain mode"},
    {"profile " NAME " flags=(unconfined) { file, }", -EBADMSG, 0, false,
     "profile '" NAME "' is in neither enforce nor complain mode"},
};

START_TEST(a_policy_holds_its_profile_and_its_children_alone)
{
    struct buf data CLEANUP_BUF = BUF_INIT(APPARMOR_BINARY_MAX);
    CLEANUP(apparmor_binary_unref) struct apparmor_binary *b = NULL;
    CLEANUP(error_free) struct error *problem = NULL;
    size_t len;

    parser_run(cases[_i].text, &data);
    len = data.len;
    ck_assert_uint_gt(len, 0);
    ck_assert_int_eq(apparmor_binary_new(&b, NAME, &data, &problem), cases[_i].r);
    if (cases[_i].r < 0) {
        ck_assert_str_eq(error_message(problem), cases[_i].message);
        ck_assert_uint_eq(data.len, len); /* still ours */
        return;
    }
    ck_assert_ptr_null(data.data);
    ck_assert_uint_eq(b->len, len);
    ck_assert_uint_eq(b->n_children, cases[_i].n_children);
    ck_assert_int_eq(b->complain, cases[_i].complain);
    ck_assert(!digest_is_zero(&b->digest));
}
END_TEST

static void copy_of(const struct buf *data, size_t len, struct buf *ret)
{
    buf_clear(ret);
    ck_assert_int_eq(buf_add(ret, data->data, len), 0);
}

START_TEST(a_policy_that_is_cut_short_is_refused_wherever_the_cut_is)
{
    struct buf data CLEANUP_BUF = BUF_INIT(APPARMOR_BINARY_MAX);
    struct buf part CLEANUP_BUF = BUF_INIT(APPARMOR_BINARY_MAX);

    parser_run("profile " NAME " { /etc/** r, profile child_0 { deny mount, } }", &data);
    for (size_t len = 0, n_whole = 0; len < data.len; len++) {
        CLEANUP(apparmor_binary_unref) struct apparmor_binary *b = NULL;
        int r;

        copy_of(&data, len, &part);
        r = apparmor_binary_new(&b, NAME, &part, NULL);
        ck_assert(r == -EBADMSG || r == 0);
        n_whole += r == 0; /* between the profile and its child */
        ck_assert_uint_le(n_whole, 1);
    }
}
END_TEST

START_TEST(a_changed_byte_never_lets_a_stranger_in)
{
    struct buf data CLEANUP_BUF = BUF_INIT(APPARMOR_BINARY_MAX);
    struct buf part CLEANUP_BUF = BUF_INIT(APPARMOR_BINARY_MAX);

    parser_run("profile " NAME " { /etc/** r, profile child_0 { deny mount, } }", &data);
    for (size_t i = 0; i < data.len; i++) {
        CLEANUP(apparmor_binary_unref) struct apparmor_binary *b = NULL;
        int r;

        copy_of(&data, data.len, &part);
        part.data[i] ^= (uint8_t)(1u << (i % 8));
        r = apparmor_binary_new(&b, NAME, &part, NULL);
        ck_assert(r == -EBADMSG || r == 0);
        if (r == 0) {
            ck_assert_uint_le(b->n_children, 1);
            ck_assert_ptr_nonnull(memmem(b->data, 64, NAME, sizeof(NAME)));
        }
    }
}
END_TEST

START_TEST(what_is_no_policy_is_refused)
{
    static const char *const texts[] = {
        "", "\x04", "\x04\x08\x00version", "profile x { }", "\xff", "\x04\x00\x00"};
    CLEANUP(apparmor_binary_unref) struct apparmor_binary *b = NULL;
    struct buf data CLEANUP_BUF = BUF_INIT(64);

    ck_assert_int_eq(buf_add(&data, texts[_i], strlen(texts[_i])), 0);
    ck_assert_int_eq(apparmor_binary_new(&b, NAME, &data, NULL), -EBADMSG);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("apparmor_binary");
    TCase *tcase = tcase_create("apparmor_binary");

    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, a_policy_holds_its_profile_and_its_children_alone, 0,
                        ARRAY_SIZE(cases));
    tcase_add_test(tcase, a_policy_that_is_cut_short_is_refused_wherever_the_cut_is);
    tcase_add_test(tcase, a_changed_byte_never_lets_a_stranger_in);
    tcase_add_loop_test(tcase, what_is_no_policy_is_refused, 0, 6);
    suite_add_tcase(suite, tcase);
    return suite;
}
