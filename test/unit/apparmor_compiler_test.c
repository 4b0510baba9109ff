/* SPDX-License-Identifier: Apache-2.0 */
/* With the host's apparmor_parser, and with scripts in its place where it has to misbehave. */
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/apparmor_binary.h"
#include "agent/apparmor_compiler.h"
#include "agent/apparmor_features.h"
#include "agent/whole_file.h"
#include "lib/loop.h"
#include "test/unit/apparmor_parser_run.h"

#define FOLDER "/tmp/apparmor-compiler-test"
#define SCRIPT FOLDER "/parser"
#define NAME   "varmor-shop-web"
#define GOOD   "profile " NAME " { file, network, deny @{varmor_disks} rw, }\n"
#define DISKS  "@{varmor_disks}=/dev/sda\n"

struct bed {
    struct loop *loop;
    struct apparmor_compiler *compiler;
    unsigned n_told, n_wanted, most_running;
    char told[256]; /* the last part of each name */
};

static void on_done(const char *profile, void *data)
{
    struct bed *bed = data;

    bed->most_running = MAX(bed->most_running, apparmor_compiler_n_running(bed->compiler));
    snprintf(bed->told + strlen(bed->told), sizeof(bed->told) - strlen(bed->told), "%s ",
             strrchr(profile, '-') + 1);
    if (++bed->n_told == bed->n_wanted)
        loop_stop(bed->loop);
}

static void make_bed(struct bed *bed, const char *parser, uint64_t deadline_ns, size_t kept)
{
    struct buf features CLEANUP_BUF = BUF_INIT(APPARMOR_FEATURES_TEXT_MAX);
    struct apparmor_compiler_settings settings = {
        .parser = parser,
        .features_file = TEST_FEATURES,
        .max_children = 2,
        .deadline_ns = deadline_ns,
        .max_kept_bytes = kept,
        .done = on_done,
        .data = bed,
    };

    ck_assert_int_eq(whole_file_read_kernel(AT_FDCWD, TEST_FEATURES, &features), 0);
    settings.features_text = buf_text(&features);
    ck_assert_int_eq(loop_new(&bed->loop, NULL), 0);
    ck_assert_int_eq(apparmor_compiler_new(&bed->compiler, bed->loop, &settings, NULL), 0);
}

static void end_bed(struct bed *bed)
{
    apparmor_compiler_free(bed->compiler);
    loop_free(bed->loop);
    ck_assert_int_eq(system("rm -rf " FOLDER), 0);
}

static void write_script(const char *body)
{
    FILE *f;

    mkdir(FOLDER, 0700);
    f = fopen(SCRIPT, "we");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "#!/bin/sh\n%s\n", body);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(chmod(SCRIPT, 0700), 0);
}

static struct profile *profile_of(const char *name, const char *text)
{
    struct profile *p = profile_new();

    ck_assert_ptr_nonnull(p);
    p->name = strdup(name);
    p->apparmor_text = strdup(text);
    return p;
}

static int get(struct bed *bed, struct profile *p, struct apparmor_binary **ret,
               struct error **reterr)
{
    return apparmor_compiler_get(bed->compiler, p, DISKS, false, ret, reterr);
}

static void wait_for(struct bed *bed, unsigned n)
{
    bed->n_wanted = bed->n_told + n;
    ck_assert_int_eq(loop_run(bed->loop), 0);
}

/* Asks, waits and asks again. */
static int compile(struct bed *bed, struct profile *p, struct apparmor_binary **ret,
                   struct error **reterr)
{
    ck_assert_int_eq(get(bed, p, ret, NULL), -EINPROGRESS);
    wait_for(bed, 1);
    return get(bed, p, ret, reterr);
}

START_TEST(a_profile_is_compiled_once_and_then_kept)
{
    CLEANUP(profile_unref) struct profile *p = profile_of(NAME, GOOD);
    struct apparmor_binary *b = NULL, *again = NULL;
    struct bed bed = {0};

    make_bed(&bed, TEST_PARSER, 20 * NS_PER_SEC, 1u << 20);
    ck_assert_int_eq(get(&bed, p, &b, NULL), -EINPROGRESS);
    ck_assert_int_eq(get(&bed, p, &b, NULL), -EINPROGRESS); /* one question, one child */
    wait_for(&bed, 1);
    ck_assert_str_eq(bed.told, "web ");
    ck_assert_int_eq(get(&bed, p, &b, NULL), 0);
    ck_assert_int_eq(get(&bed, p, &again, NULL), 0);
    ck_assert_ptr_eq(b, again);
    ck_assert_uint_eq(apparmor_compiler_n_started(bed.compiler), 1);
    ck_assert_uint_eq(p->n_refs, 1);
    apparmor_binary_unref(again);
    end_bed(&bed);
    ck_assert_uint_gt(b->len, 1000); /* outlives the compiler */
    apparmor_binary_unref(b);
}
END_TEST

START_TEST(other_disks_are_another_binary)
{
    CLEANUP(profile_unref) struct profile *p = profile_of(NAME, GOOD);
    CLEANUP(apparmor_binary_unref) struct apparmor_binary *one = NULL, *other = NULL;
    struct bed bed = {0};

    make_bed(&bed, TEST_PARSER, 20 * NS_PER_SEC, 1u << 20);
    ck_assert_int_eq(compile(&bed, p, &one, NULL), 0);
    ck_assert_int_eq(
        apparmor_compiler_get(bed.compiler, p, "@{varmor_disks}=/dev/vdb\n", false, &other, NULL),
        -EINPROGRESS);
    wait_for(&bed, 1);
    ck_assert_int_eq(
        apparmor_compiler_get(bed.compiler, p, "@{varmor_disks}=/dev/vdb\n", false, &other, NULL),
        0);
    ck_assert(!digest_equal(&one->digest, &other->digest));
    end_bed(&bed);
}
END_TEST

START_TEST(a_syntax_error_is_told_with_its_line_and_kept)
{
    CLEANUP(profile_unref)
    struct profile *p = profile_of(NAME, "profile " NAME " {\n file,\n deny mounty,\n}\n");
    CLEANUP(error_free) struct error *problem = NULL;
    struct apparmor_binary *b = NULL;
    struct bed bed = {0};

    make_bed(&bed, TEST_PARSER, 20 * NS_PER_SEC, 1u << 20);
    ck_assert_int_eq(compile(&bed, p, &b, &problem), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error_message(problem), "line 4"));
    ck_assert_int_eq(get(&bed, p, &b, NULL), -EINVAL);
    ck_assert_uint_eq(apparmor_compiler_n_started(bed.compiler), 1);
    end_bed(&bed);
}
END_TEST

static const struct {
    const char *script; /* NULL: there is none */
    int r;
    bool passes; /* the next question starts a child again */
    const char *message;
} troubles[] = {
    {"sleep 100", -ETIMEDOUT, true, SCRIPT " took longer than 500 ms and was ended"},
    {"kill -SEGV $$", -EIO, true, SCRIPT " was ended by signal 11"},
    {NULL, -EIO, true, SCRIPT ": the program cannot be started: No such file or directory"},
    {"head -c 17000000 /dev/zero; sleep 100", -E2BIG, false,
     "the compiled profile is larger than 16777216 bytes"},
    {"exit 4", -EINVAL, false, SCRIPT " ended with status 4 and no word"},
    {"echo boo >&2; exit 1", -EINVAL, false, "boo\n"},
    {"echo rubbish", -EBADMSG, false, "the compiled profile is not in the form that is known here"},
    {"exit 0", -EBADMSG, false, "the compiled policy holds profile '" NAME "' 0 times"},
    {"cat " FOLDER "/other", -EBADMSG, false, "the compiled policy holds profile 'other' too"},
};

static void write_other(void)
{
    CLEANUP_BUF struct buf other = BUF_INIT(APPARMOR_BINARY_MAX);
    FILE *f = fopen(FOLDER "/other", "we");

    ck_assert_ptr_nonnull(f);
    parser_run("profile other { file, }", &other);
    ck_assert_uint_eq(fwrite(other.data, 1, other.len, f), other.len);
    fclose(f);
}

START_TEST(a_parser_that_misbehaves_is_an_error)
{
    CLEANUP(profile_unref) struct profile *p = profile_of(NAME, GOOD);
    CLEANUP(error_free) struct error *problem = NULL;
    struct apparmor_binary *b = NULL;
    struct bed bed = {0};

    write_script(troubles[_i].script ? troubles[_i].script : "");
    write_other();
    if (!troubles[_i].script)
        unlink(SCRIPT);
    make_bed(&bed, SCRIPT, troubles[_i].r == -ETIMEDOUT ? 500 * NS_PER_MSEC : 20 * NS_PER_SEC,
             1u << 20);
    ck_assert_int_eq(compile(&bed, p, &b, &problem), troubles[_i].r);
    ck_assert_str_eq(error_message(problem), troubles[_i].message);
    ck_assert_int_eq(get(&bed, p, &b, NULL), troubles[_i].passes ? -EINPROGRESS : troubles[_i].r);
    end_bed(&bed);
}
END_TEST

START_TEST(a_text_beyond_the_ceiling_starts_no_child)
{
    static char text[APPARMOR_COMPILER_MAX_TEXT + 1];
    CLEANUP(error_free) struct error *problem = NULL;
    CLEANUP(profile_unref) struct profile *p = NULL;
    struct apparmor_binary *b = NULL;
    struct bed bed = {0};

    memset(text, ' ', sizeof(text) - 1);
    p = profile_of(NAME, text);
    make_bed(&bed, TEST_PARSER, 20 * NS_PER_SEC, 1u << 20);
    ck_assert_int_eq(compile(&bed, p, &b, &problem), -E2BIG);
    ck_assert_str_eq(error_message(problem), "the profile's text is larger than 4456448 bytes");
    ck_assert_uint_eq(apparmor_compiler_n_started(bed.compiler), 0);
    end_bed(&bed);
}
END_TEST

START_TEST(no_more_children_run_than_allowed_and_the_rest_waits_in_order)
{
    struct apparmor_binary *b = NULL;
    struct bed bed = {0};

    write_script("exec " TEST_PARSER " \"$@\"");
    make_bed(&bed, SCRIPT, 20 * NS_PER_SEC, 1u << 20);
    for (int i = 0; i < 9; i++) {
        char name[32], text[128];
        struct profile *p;

        snprintf(name, sizeof(name), "varmor-shop-%d", i);
        snprintf(text, sizeof(text), "profile %s { file, }\n", name);
        p = profile_of(name, text);
        ck_assert_int_eq(get(&bed, p, &b, NULL), -EINPROGRESS);
        profile_unref(p);
    }
    ck_assert_uint_eq(apparmor_compiler_n_waiting(bed.compiler), 9);
    wait_for(&bed, 9);
    ck_assert_uint_le(bed.most_running, 2);
    ck_assert_uint_eq(apparmor_compiler_n_running(bed.compiler), 0);
    ck_assert_uint_eq(strlen(bed.told), strlen("0 1 2 3 4 5 6 7 8 "));
    ck_assert_ptr_nonnull(strchr(bed.told, '8'));
    end_bed(&bed);
}
END_TEST

START_TEST(a_newer_version_takes_the_place_of_one_that_waits)
{
    struct apparmor_binary *b = NULL;
    struct bed bed = {0};

    make_bed(&bed, TEST_PARSER, 20 * NS_PER_SEC, 1u << 20);
    for (int i = 0; i < 5; i++) {
        char text[128];
        struct profile *p;

        snprintf(text, sizeof(text), "profile " NAME " { /v%d r, }\n", i);
        p = profile_of(NAME, text);
        ck_assert_int_eq(get(&bed, p, &b, NULL), -EINPROGRESS);
        profile_unref(p);
        ck_assert_uint_eq(apparmor_compiler_n_waiting(bed.compiler), 1);
    }
    wait_for(&bed, 1);
    ck_assert_uint_eq(apparmor_compiler_n_started(bed.compiler), 1);
    end_bed(&bed);
}
END_TEST

START_TEST(what_is_kept_has_a_ceiling)
{
    unsigned again = 0;
    struct bed bed = {0};

    make_bed(&bed, TEST_PARSER, 20 * NS_PER_SEC, 1);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2 * APPARMOR_COMPILER_KEPT_AT_LEAST; i++) {
            CLEANUP(apparmor_binary_unref) struct apparmor_binary *b = NULL;
            CLEANUP(profile_unref) struct profile *p = NULL;
            char name[32], text[128];

            snprintf(name, sizeof(name), "varmor-shop-%d", i);
            snprintf(text, sizeof(text), "profile %s { file, }\n", name);
            p = profile_of(name, text);
            bed.told[0] = '\0';
            if (round == 0)
                ck_assert_int_eq(compile(&bed, p, &b, NULL), 0);
            else
                again += get(&bed, p, &b, NULL) == -EINPROGRESS;
        }
    }
    ck_assert_uint_eq(again, APPARMOR_COMPILER_KEPT_AT_LEAST);
    end_bed(&bed);
}
END_TEST

static void on_stop(void *data)
{
    loop_stop(data);
}

START_TEST(a_compiler_can_be_freed_while_it_works)
{
    CLEANUP(profile_unref) struct profile *p = profile_of(NAME, GOOD);
    struct apparmor_binary *b = NULL;
    struct bed bed = {0};

    write_script("sleep 100");
    make_bed(&bed, SCRIPT, 20 * NS_PER_SEC, 1u << 20);
    ck_assert_int_eq(get(&bed, p, &b, NULL), -EINPROGRESS);
    ck_assert_int_eq(loop_defer(bed.loop, on_stop, bed.loop), 0);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_uint_eq(apparmor_compiler_n_running(bed.compiler), 1);
    end_bed(&bed);
    ck_assert_uint_eq(p->n_refs, 1);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("apparmor_compiler");
    TCase *tcase = tcase_create("apparmor_compiler");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_profile_is_compiled_once_and_then_kept);
    tcase_add_test(tcase, other_disks_are_another_binary);
    tcase_add_test(tcase, a_syntax_error_is_told_with_its_line_and_kept);
    tcase_add_loop_test(tcase, a_parser_that_misbehaves_is_an_error, 0, ARRAY_SIZE(troubles));
    tcase_add_test(tcase, a_text_beyond_the_ceiling_starts_no_child);
    tcase_add_test(tcase, no_more_children_run_than_allowed_and_the_rest_waits_in_order);
    tcase_add_test(tcase, a_newer_version_takes_the_place_of_one_that_waits);
    tcase_add_test(tcase, what_is_kept_has_a_ceiling);
    tcase_add_test(tcase, a_compiler_can_be_freed_while_it_works);
    suite_add_tcase(suite, tcase);
    return suite;
}
