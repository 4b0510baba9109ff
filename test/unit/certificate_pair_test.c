/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "manager/certificate_pair.h"

#define NOW 1795597200LL /* 2026-11-25 09:00:00 UTC */
#define DAY 86400LL

static const char *const all_names[] = {"varmor-webhook-svc", "varmor-webhook-svc.varmor",
                                        "varmor-webhook-svc.varmor.svc", "127.0.0.1", "fd00::1"};
static const struct certificate_names names = {all_names, ARRAY_SIZE(all_names)};
static const struct certificate_names no_names = {NULL, 0};

static struct certificate_pair pair_of(int64_t now_s)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct certificate_pair pair;

    ck_assert_msg(certificate_pair_make(&pair, &names, now_s, &e) == 0, "%s", error_message(e));
    return pair;
}

static size_t n_certificates(const char *text)
{
    size_t n = 0;

    for (const char *p = text; (p = strstr(p, "BEGIN CERTIFICATE")); p++)
        n++;
    return n;
}

/* Hands text to openssl's own tool and returns what it says. */
static const char *ask_openssl(const char *arguments, const char *input)
{
    static char answer[65536];
    char path[] = "/tmp/certificate-XXXXXX", command[512];
    int fd = mkstemp(path);
    FILE *pipe;
    size_t n;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, input, strlen(input)), (int)strlen(input));
    close(fd);
    snprintf(command, sizeof(command), "openssl %s -in %s 2>&1", arguments, path);
    pipe = popen(command, "r");
    n = fread(answer, 1, sizeof(answer) - 1, pipe);
    answer[n] = '\0';
    pclose(pipe);
    unlink(path);
    return answer;
}

static const char *const said_of_certificate[] = {
    "DNS:varmor-webhook-svc, DNS:varmor-webhook-svc.varmor, DNS:varmor-webhook-svc.varmor.svc, "
    "IP Address:127.0.0.1, IP Address:FD00:0:0:0:0:0:0:1",
    "TLS Web Server Authentication",
    "CA:FALSE",
    "Issuer: CN = *.varmor.svc",
    "Subject: CN = varmor-webhook-svc",
    "Not Before: Nov 25 08:00:00 2026 GMT",
    "Not After : Nov 25 09:00:00 2027 GMT",
    "NIST CURVE: P-256",
};

START_TEST(openssl_reads_what_was_asked_for)
{
    struct certificate_pair pair = pair_of(NOW);
    const char *text = ask_openssl("x509 -noout -text", pair.certificate);

    for (size_t i = 0; i < ARRAY_SIZE(said_of_certificate); i++)
        ck_assert_msg(strstr(text, said_of_certificate[i]) != NULL, "%s not in %s",
                      said_of_certificate[i], text);
    text = ask_openssl("x509 -noout -text", pair.authority);
    ck_assert_ptr_nonnull(strstr(text, "CA:TRUE, pathlen:0"));
    ck_assert_ptr_nonnull(strstr(text, "Certificate Sign, CRL Sign"));
    ck_assert_ptr_nonnull(strstr(ask_openssl("pkey -noout -text", pair.key), "Private-Key"));
    ck_assert_int_eq(strncmp(pair.key, "-----BEGIN PRIVATE KEY-----", 27), 0);
    certificate_pair_done(&pair);
}
END_TEST

static const struct {
    int64_t after_s;
    const char *message; /* NULL: it is accepted */
} times[] = {
    {-CERTIFICATE_EARLY_S - 1, "certificate is not yet valid"},
    {-CERTIFICATE_EARLY_S, NULL},
    {0, NULL},
    {CERTIFICATE_LIFE_S - 1, NULL},
    {CERTIFICATE_LIFE_S + 1, "certificate has expired"},
};

START_TEST(a_pair_is_good_for_a_year_and_an_hour_before)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct certificate_pair pair = pair_of(NOW);
    int r = certificate_pair_check(&pair, &names, NOW + times[_i].after_s, &e);

    ck_assert_int_eq(r, times[_i].message ? -EINVAL : 0);
    if (times[_i].message)
        ck_assert_str_eq(error_message(e), times[_i].message);
    certificate_pair_done(&pair);
}
END_TEST

START_TEST(a_third_of_the_life_is_left_for_the_renewal)
{
    struct certificate_pair pair = pair_of(NOW);
    int64_t at;

    ck_assert_int_eq(certificate_renew_at(pair.certificate, &at), 0);
    ck_assert_int_ge(at, NOW + 243 * DAY);
    ck_assert_int_le(at, NOW + 244 * DAY);
    ck_assert_int_eq(certificate_renew_at("nonsense", &at), -EINVAL);
    ck_assert_int_eq(certificate_renew_at("", &at), -EINVAL);
    certificate_pair_done(&pair);
}
END_TEST

START_TEST(what_does_not_belong_together_is_told)
{
    struct certificate_pair a = pair_of(NOW), b = pair_of(NOW);
    static char none[] = "";
    static const char *const another[] = {"varmor-webhook-svc.other"};
    const struct certificate_names other = {another, 1};
    const struct {
        struct certificate_pair pair;
        const struct certificate_names *names;
        const char *message;
    } cases[] = {
        {{b.authority, a.certificate, a.key}, &names, "unable to get local issuer certificate"},
        {{none, a.certificate, a.key}, &names, "unable to get local issuer certificate"},
        {{a.authority, a.certificate, b.key}, &names, "the key is not the certificate's"},
        {{a.authority, a.certificate, none}, &names, "the key cannot be read"},
        {{a.authority, none, a.key}, &names, "the certificate cannot be read"},
        {{a.authority, a.key, a.key}, &names, "the certificate cannot be read"},
        {{a.authority, a.certificate, a.key},
         &other,
         "the certificate is not for 'varmor-webhook-svc.other'"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(error_free) struct error *e = NULL;

        ck_assert_int_eq(certificate_pair_check(&cases[i].pair, cases[i].names, NOW, &e), -EINVAL);
        ck_assert_str_eq(error_message(e), cases[i].message);
    }
    certificate_pair_done(&a);
    certificate_pair_done(&b);
}
END_TEST

static const char *const bad_names[] = {"", "a,DNS:evil", "a b", "A", "a:1", "*.x", "a\nb"};

START_TEST(a_name_that_is_none_is_refused)
{
    CLEANUP(error_free) struct error *e = NULL;
    const struct certificate_names bad = {&bad_names[_i], 1};
    struct certificate_pair pair;

    ck_assert_int_eq(certificate_pair_make(&pair, &bad, NOW, &e), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error_message(e), "is not a name for a certificate"));
}
END_TEST

START_TEST(during_a_change_both_authorities_are_believed)
{
    struct certificate_pair old = pair_of(NOW), new = pair_of(NOW + DAY);
    CLEANUP_FREE char *bundle = NULL, *again = NULL, *late = NULL;

    ck_assert_int_eq(certificate_bundle_join(&bundle, new.authority, old.authority, NOW), 0);
    ck_assert_uint_eq(n_certificates(bundle), 2);
    ck_assert_int_eq(
        certificate_pair_check(&(struct certificate_pair){bundle, old.certificate, old.key}, &names,
                               NOW + DAY, NULL),
        0);
    ck_assert_int_eq(
        certificate_pair_check(&(struct certificate_pair){bundle, new.certificate, new.key}, &names,
                               NOW + DAY, NULL),
        0);
    ck_assert(certificate_bundle_holds(bundle, old.authority, NOW));
    ck_assert(certificate_bundle_holds(bundle, new.authority, NOW));
    ck_assert(certificate_bundle_holds(old.authority, "", NOW));
    ck_assert(!certificate_bundle_holds(old.authority, new.authority, NOW));
    ck_assert(!certificate_bundle_holds(old.authority, bundle, NOW));

    /* joined again it is the same; what has expired leaves */
    ck_assert_int_eq(certificate_bundle_join(&again, bundle, bundle, NOW), 0);
    ck_assert_str_eq(again, bundle);
    ck_assert_int_eq(certificate_bundle_join(&late, bundle, NULL, NOW + CERTIFICATE_LIFE_S), 0);
    ck_assert_uint_eq(n_certificates(late), 1);
    ck_assert(certificate_bundle_holds(late, new.authority, NOW));
    certificate_pair_done(&old);
    certificate_pair_done(&new);
}
END_TEST

START_TEST(a_bundle_has_a_ceiling_and_takes_no_rubbish)
{
    CLEANUP_FREE char *bundle = strdup(""), *none = NULL;

    for (size_t i = 0; i <= CERTIFICATE_BUNDLE_MAX; i++) {
        struct certificate_pair pair = pair_of(NOW);
        char *more;

        ck_assert_int_eq(certificate_bundle_join(&more, pair.authority, bundle, NOW), 0);
        ck_assert(
            certificate_bundle_holds(more, pair.authority, NOW)); /* the newest always has room */
        free(bundle);
        bundle = more;
        certificate_pair_done(&pair);
    }
    ck_assert_uint_eq(n_certificates(bundle), CERTIFICATE_BUNDLE_MAX);
    ck_assert_int_eq(certificate_bundle_join(&none, "rubbish", NULL, NOW), 0);
    ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(a_copy_is_as_good)
{
    struct certificate_pair pair = pair_of(NOW), copy;

    ck_assert_int_eq(certificate_pair_copy(&copy, &pair), 0);
    certificate_pair_done(&pair);
    ck_assert_int_eq(certificate_pair_check(&copy, &no_names, NOW, NULL), 0);
    certificate_pair_done(&copy);
    ck_assert_ptr_null(copy.key);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("certificate_pair");
    TCase *t = tcase_create("certificate_pair");

    tcase_add_test(t, openssl_reads_what_was_asked_for);
    tcase_add_loop_test(t, a_pair_is_good_for_a_year_and_an_hour_before, 0, ARRAY_SIZE(times));
    tcase_add_test(t, a_third_of_the_life_is_left_for_the_renewal);
    tcase_add_test(t, what_does_not_belong_together_is_told);
    tcase_add_loop_test(t, a_name_that_is_none_is_refused, 0, ARRAY_SIZE(bad_names));
    tcase_add_test(t, during_a_change_both_authorities_are_believed);
    tcase_add_test(t, a_bundle_has_a_ceiling_and_takes_no_rubbish);
    tcase_add_test(t, a_copy_is_as_good);
    suite_add_tcase(s, t);
    return s;
}
