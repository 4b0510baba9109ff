/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/rpc/grpc_header.h"
#include "lib/rpc/header_list.h"
#include "lib/rpc/token_bucket.h"

static const struct {
    const char *text;
    bool is_valid;
    uint64_t ns;
} timeout_cases[] = {
    {"1n", true, 1},
    {"20S", true, 20 * NS_PER_SEC},
    {"100m", true, 100 * NS_PER_MSEC},
    {"7u", true, 7000},
    {"2M", true, 120 * NS_PER_SEC},
    {"1H", true, 3600 * NS_PER_SEC},
    {"0m", true, 0},
    {"99999999S", true, 99999999 * NS_PER_SEC},
    {"99999999H", true, UINT64_MAX}, /* does not fit into 64 bits of nanoseconds */
    {"100000000S", false, 0},        /* nine digits */
    {"", false, 0},
    {"S", false, 0},
    {"5", false, 0},
    {"5s", false, 0},
    {"5SS", false, 0},
    {"-5S", false, 0},
    {" 5S", false, 0},
    {"5 S", false, 0},
};

START_TEST(a_timeout_is_read_whole_or_not_at_all)
{
    uint64_t ns = 4711;

    ck_assert_int_eq(grpc_timeout_parse(&ns, timeout_cases[_i].text),
                     timeout_cases[_i].is_valid ? 0 : -EINVAL);
    ck_assert_uint_eq(ns, timeout_cases[_i].is_valid ? timeout_cases[_i].ns : 4711);
}
END_TEST

static const struct {
    uint64_t ns;
    const char *text;
} timeout_texts[] = {
    {1, "1n"},
    {99999999, "99999999n"},
    {100000000, "100000u"},
    {99999999001, "99999999001n"},
    {30 * NS_PER_SEC, "30000000u"},
    {99999999ULL * NS_PER_MSEC + 1, "100000S"},
    {UINT64_MAX, "5124096H"},
};

START_TEST(a_timeout_is_written_in_eight_digits_and_never_too_short)
{
    char text[GRPC_TIMEOUT_TEXT_SIZE];
    uint64_t back = 0;

    grpc_timeout_format(timeout_texts[_i].ns, text);
    ck_assert_uint_le(strlen(text), GRPC_TIMEOUT_TEXT_SIZE - 1);
    ck_assert_int_eq(grpc_timeout_parse(&back, text), 0);
    ck_assert_uint_ge(back, timeout_texts[_i].ns);
    if (strlen(timeout_texts[_i].text) < GRPC_TIMEOUT_TEXT_SIZE)
        ck_assert_str_eq(text, timeout_texts[_i].text);
}
END_TEST

static const struct {
    const char *plain, *encoded;
} message_cases[] = {
    {"", ""},
    {"not found", "not found"},
    {"100%", "100%25"},
    {"a\nb\x7f", "a%0Ab%7F"},
    {"\xc3\xa9", "%C3%A9"},
};

START_TEST(a_status_message_survives_its_encoding)
{
    char encoded[GRPC_MESSAGE_TEXT_SIZE], decoded[GRPC_MESSAGE_MAX_BYTES + 1];

    ck_assert_str_eq(grpc_message_encode(message_cases[_i].plain, encoded),
                     message_cases[_i].encoded);
    ck_assert_str_eq(grpc_message_decode(encoded, decoded), message_cases[_i].plain);
}
END_TEST

START_TEST(wrong_escapes_stay_and_long_messages_are_cut)
{
    char longer[3 * GRPC_MESSAGE_MAX_BYTES];
    char encoded[GRPC_MESSAGE_TEXT_SIZE], decoded[GRPC_MESSAGE_MAX_BYTES + 1];

    ck_assert_str_eq(grpc_message_decode("%", decoded), "%");
    ck_assert_str_eq(grpc_message_decode("%4", decoded), "%4");
    ck_assert_str_eq(grpc_message_decode("%zz%41", decoded), "%zzA");
    ck_assert_str_eq(grpc_message_decode("a%00b", decoded), "a%00b"); /* no hidden end */
    memset(longer, '\n', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    ck_assert_uint_eq(strlen(grpc_message_encode(longer, encoded)), GRPC_MESSAGE_TEXT_SIZE - 1);
    ck_assert_uint_eq(strlen(grpc_message_decode(longer, decoded)), GRPC_MESSAGE_MAX_BYTES);
}
END_TEST

START_TEST(a_status_that_nobody_knows_is_unknown)
{
    ck_assert_int_eq(grpc_status_parse("0"), GRPC_OK);
    ck_assert_int_eq(grpc_status_parse("16"), GRPC_UNAUTHENTICATED);
    ck_assert_int_eq(grpc_status_parse("17"), GRPC_UNKNOWN);
    ck_assert_int_eq(grpc_status_parse("099"), GRPC_UNKNOWN);
    ck_assert_int_eq(grpc_status_parse(""), GRPC_UNKNOWN);
    ck_assert_int_eq(grpc_status_parse("-1"), GRPC_UNKNOWN);
    ck_assert_int_eq(grpc_status_of_http("503"), GRPC_UNAVAILABLE);
    ck_assert_int_eq(grpc_status_of_http("404"), GRPC_UNIMPLEMENTED);
    ck_assert_int_eq(grpc_status_of_http("302"), GRPC_UNKNOWN);
    ck_assert_str_eq(grpc_status_name(GRPC_NOT_FOUND), "NOT_FOUND");
    ck_assert_str_eq(grpc_status_name((enum grpc_status)99), "UNKNOWN");
}
END_TEST

START_TEST(only_grpc_is_grpc)
{
    ck_assert(grpc_content_type_is_ours("application/grpc"));
    ck_assert(grpc_content_type_is_ours("application/grpc+proto"));
    ck_assert(grpc_content_type_is_ours("application/grpc;charset=utf-8"));
    ck_assert(!grpc_content_type_is_ours("application/grpc-web"));
    ck_assert(!grpc_content_type_is_ours("application/json"));
    ck_assert(!grpc_content_type_is_ours(""));
}
END_TEST

static const struct {
    const char *text, *host; /* host NULL: refused */
    int kind;
    unsigned port;
    const char *reason; /* a part of it */
} address_cases[] = {
    {"unix:/run/varmor/agent.sock", "/run/varmor/agent.sock", GRPC_UNIX, 0, NULL},
    {"tls://manager.varmor:8443", "manager.varmor", GRPC_TLS, 8443, NULL},
    {"tls://[fd00::1]:1", "fd00::1", GRPC_TLS, 1, NULL},
    {"tcp://127.0.0.1:0", "127.0.0.1", GRPC_TCP, 0, NULL},
    {"tcp://localhost:80", "127.0.0.1", GRPC_TCP, 80, NULL},
    {"tcp://[::1]:80", "::1", GRPC_TCP, 80, NULL},
    {"tcp://10.0.0.1:80", NULL, 0, 0, "loopback addresses only"},
    {"tcp://localhost.evil.test:80", NULL, 0, 0, "loopback addresses only"},
    {"tls://host", NULL, 0, 0, "no port"},
    {"tls://host:", NULL, 0, 0, "no port"},
    {"tls://host:65536", NULL, 0, 0, "no port"},
    {"tls://host:8443x", NULL, 0, 0, "no port"},
    {"tls://fd00::1:80", NULL, 0, 0, "in brackets"},
    {"tls://:80", NULL, 0, 0, "1 to 253 characters"},
    {"tls://[]:80", NULL, 0, 0, "1 to 253 characters"},
    {"unix:relative", NULL, 0, 0, "absolute"},
    {"unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaa",
     NULL, 0, 0, "at most 107 bytes"},
    {"http://host:80", NULL, 0, 0, "none of"},
    {"", NULL, 0, 0, "none of"},
};

START_TEST(an_address_is_one_of_three_forms)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct grpc_address a = {};
    int r = grpc_address_parse(&a, address_cases[_i].text, &e);

    if (!address_cases[_i].host) {
        ck_assert_int_eq(r, -EINVAL);
        ck_assert_msg(strstr(error_message(e), address_cases[_i].reason) != NULL, "%s",
                      error_message(e));
        return;
    }
    ck_assert_msg(r == 0, "%s", error_message(e));
    ck_assert_int_eq(a.kind, address_cases[_i].kind);
    ck_assert_str_eq(a.host, address_cases[_i].host);
    ck_assert_uint_eq(a.port, address_cases[_i].port);
    grpc_address_done(&a);
}
END_TEST

static int add(struct header_list *l, const char *name, const char *value)
{
    return header_list_add(l, (const uint8_t *)name, strlen(name), (const uint8_t *)value,
                           strlen(value));
}

START_TEST(a_header_list_has_the_ceiling_that_http2_counts)
{
    struct header_list l;

    header_list_init(&l, 100);
    ck_assert_ptr_null(header_list_find(&l, "a"));
    ck_assert_int_eq(add(&l, "a", "1"), 0);     /* 34 */
    ck_assert_int_eq(add(&l, "bb", ""), 0);     /* 68 */
    ck_assert_int_eq(add(&l, "c", ""), -E2BIG); /* 101 */
    ck_assert_int_eq(add(&l, "", ""), 0);       /* 100 */
    ck_assert_str_eq(header_list_find(&l, "a"), "1");
    ck_assert_str_eq(header_list_find(&l, "bb"), "");
    ck_assert_ptr_null(header_list_find(&l, "b"));
    ck_assert_ptr_null(header_list_find(&l, "1")); /* values are no names */
    header_list_clear(&l);
    ck_assert_ptr_null(header_list_find(&l, "a"));
    ck_assert_int_eq(add(&l, "a", "2"), 0);
    ck_assert_str_eq(header_list_find(&l, "a"), "2");
    header_list_done(&l);
}
END_TEST

START_TEST(a_bucket_gives_a_burst_and_then_a_rate)
{
    struct token_bucket b = token_bucket_full(3, 2);
    uint64_t now = 5 * NS_PER_SEC;

    for (unsigned i = 0; i < 3; i++)
        ck_assert(token_bucket_take(&b, now));
    ck_assert(!token_bucket_take(&b, now));
    ck_assert(!token_bucket_take(&b, now + 400 * NS_PER_MSEC));
    ck_assert(token_bucket_take(&b, now + 600 * NS_PER_MSEC));
    ck_assert(!token_bucket_take(&b, now)); /* a clock that runs back gives nothing */
    for (unsigned i = 0; i < 3; i++)
        ck_assert(token_bucket_take(&b, now + 1000 * NS_PER_SEC));
    ck_assert(!token_bucket_take(&b, now + 1000 * NS_PER_SEC));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("grpc_header");
    TCase *t = tcase_create("grpc_header");

    tcase_add_loop_test(t, a_timeout_is_read_whole_or_not_at_all, 0,
                        (int)ARRAY_SIZE(timeout_cases));
    tcase_add_loop_test(t, a_timeout_is_written_in_eight_digits_and_never_too_short, 0,
                        (int)ARRAY_SIZE(timeout_texts));
    tcase_add_loop_test(t, a_status_message_survives_its_encoding, 0,
                        (int)ARRAY_SIZE(message_cases));
    tcase_add_test(t, wrong_escapes_stay_and_long_messages_are_cut);
    tcase_add_test(t, a_status_that_nobody_knows_is_unknown);
    tcase_add_test(t, only_grpc_is_grpc);
    tcase_add_loop_test(t, an_address_is_one_of_three_forms, 0, (int)ARRAY_SIZE(address_cases));
    tcase_add_test(t, a_header_list_has_the_ceiling_that_http2_counts);
    tcase_add_test(t, a_bucket_gives_a_burst_and_then_a_rate);
    suite_add_tcase(s, t);
    return s;
}
