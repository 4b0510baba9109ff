/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "lib/ruleset/disk_list.h"
#include "agent/node_devices.h"
#include "lib/buf.h"
#include "lib/match/pattern.h"
#include "lib/profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEADING "major minor  #blocks  name\n\n"

static struct disk_list parsed(const char *text)
{
    struct disk_list l = {};

    ck_assert_int_eq(disk_list_parse(&l, text, strlen(text), NULL), 0);
    return l;
}

/* The paths, each with a blank behind it. */
static const char *joined(const struct disk_list *l)
{
    static char text[1024];
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < l->n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s ", l->paths[i]);
    return text;
}

static const struct {
    const char *text, *paths;
    size_t n_refused;
} readings[] = {
    {"", "", 0},
    {HEADING, "", 0},
    {HEADING " 254        0  264241152 vda\n", "/dev/vda ", 0},
    {HEADING "   8        0   10485760 sda\n   8        1   10484719 sda1\n", "/dev/sda /dev/sda1 ",
     0},
    /* sorted, each once, with or without a last line end */
    {HEADING " 7 1 1 loop1\n 7 0 1 loop0\n 7 1 1 loop1", "/dev/loop0 /dev/loop1 ", 0},
    {HEADING " 259 1 500 nvme0n1p1\n 253 0 20 dm-0\n 9 127 20 md127\n",
     "/dev/dm-0 /dev/md127 /dev/nvme0n1p1 ", 0},
    /* what the kernel writes as '!' is a folder below /dev */
    {HEADING " 104 0 20 cciss!c0d0\n", "/dev/cciss/c0d0 ", 0},
    {HEADING " 104 0 20 cciss/c0d0\n", "/dev/cciss/c0d0 ", 0},
    /* names that would mean more than themselves in a pattern, or lead elsewhere */
    {HEADING
     " 8 0 1 sd*\n 8 1 1 sd{a,b}\n 8 2 1 sd?\n 8 3 1 [a]\n 8 4 1 a\\b\n 8 5 1 \"a\"\n 8 6 1 "
     "a,b\n 8 7 1 @{x}\n 8 8 1 ok\n",
     "/dev/ok ", 8},
    {HEADING " 8 0 1 ..!etc\n 8 1 1 a!..!b\n 8 2 1 !a\n 8 3 1 a!\n 8 4 1 a!!b\n 8 5 1 .a\n", "", 6},
    {HEADING " 8 0 1 sda b\n 8 0 sda\n 8 x 1 sda\n", "", 3},
    {HEADING " 8 0 1 \xff\n 8 0 1 \xc3\xa4\n", "", 2},
    {HEADING " 8 0 1 a234567890123456789012345678901234567890123456789012345678\n",
     "/dev/a234567890123456789012345678901234567890123456789012345678 ", 0},
    {HEADING " 8 0 1 a2345678901234567890123456789012345678901234567890123456789\n", "", 1},
};

START_TEST(partitions_are_read_as_paths)
{
    CLEANUP_DISK_LIST struct disk_list l = parsed(readings[_i].text);

    ck_assert_str_eq(joined(&l), readings[_i].paths);
    ck_assert_uint_eq(l.n_refused, readings[_i].n_refused);
}
END_TEST

START_TEST(a_nul_in_a_name_is_refused)
{
    static const char text[] = " 8 0 1 sd\0a\n 8 0 1 sdb\n";
    CLEANUP_DISK_LIST struct disk_list l = {};

    ck_assert_int_eq(disk_list_parse(&l, text, sizeof(text) - 1, NULL), 0);
    ck_assert_str_eq(joined(&l), "/dev/sdb ");
    ck_assert_uint_eq(l.n_refused, 1);
}
END_TEST

/* A file of n disks. */
static void write_disks(struct buf *out, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(buf_format(out, " 8 %u 1 %s%u\n", i, name, i), 0);
}

START_TEST(more_disks_than_the_ceiling_are_an_error)
{
    CLEANUP_BUF struct buf text = BUF_INIT(DISK_LIST_MAX_TEXT);
    CLEANUP_DISK_LIST struct disk_list l = {};
    CLEANUP(error_free) struct error *why = NULL;

    write_disks(&text, DISK_LIST_MAX, "sd");
    ck_assert_int_eq(disk_list_parse(&l, buf_text(&text), text.len, NULL), 0);
    ck_assert_uint_eq(l.n, DISK_LIST_MAX);
    disk_list_done(&l);
    write_disks(&text, 1, "one_more");
    ck_assert_int_eq(disk_list_parse(&l, buf_text(&text), text.len, &why), -E2BIG);
    ck_assert_str_eq(error_message(why), "more than 4096 disks and partitions");
    ck_assert_uint_eq(l.n, 0);
}
END_TEST

START_TEST(lists_are_equal_whatever_the_order)
{
    CLEANUP_DISK_LIST struct disk_list a = parsed(" 8 0 1 sda\n 8 1 1 sda1\n");
    CLEANUP_DISK_LIST struct disk_list b = parsed(" 8 1 1 sda1\n 8 0 1 sda\n 8 9 1 *\n");
    CLEANUP_DISK_LIST struct disk_list c = parsed(" 8 0 1 sda\n");
    CLEANUP_DISK_LIST struct disk_list d = parsed(" 8 0 1 sda\n 8 1 1 sda2\n");

    ck_assert(disk_list_equal(&a, &b));
    ck_assert(!disk_list_equal(&a, &c));
    ck_assert(!disk_list_equal(&a, &d));
}
END_TEST

/* ---- in profiles ---- */

/* Three rules: one of every kind that can hold the placeholder, and one without. */
static struct profile *profile_with_disks(void)
{
    struct profile *p = profile_new();
    struct rule *r;

    ck_assert_ptr_nonnull(p);
    p->name = strdup("varmor-shop-web");
    p->complain = true;
    p->digest.bytes[0] = 7;
    r = profile_add_rule(p, RULE_FILE, RULE_DENY, "hardeningRules: disallow-debug-disk-device");
    r->path.pattern = strdup(DISK_PLACEHOLDER);
    r->path.permissions = PATH_READ | PATH_WRITE;
    r = profile_add_rule(p, RULE_CAPABILITY, RULE_AUDIT, "hardeningRules: disable-cap-mknod");
    r->capability.mask = 1u << 27;
    r = profile_add_rule(p, RULE_MOUNT, RULE_DENY, "hardeningRules: disallow-mount-disk-device");
    r->mount.pattern = strdup(DISK_PLACEHOLDER);
    r->mount.fstype = strdup("*");
    r->mount.flags = 5;
    return p;
}

static const struct {
    const char *text, *pattern;
} expansions[] = {
    {"", DISK_NONE},
    {" 8 0 1 sda\n", "/dev/{sda}"},
    {" 8 1 1 sda1\n 8 0 1 sda\n 104 0 1 cciss!c0d0\n", "/dev/{cciss/c0d0,sda,sda1}"},
};

START_TEST(the_placeholder_becomes_the_disks)
{
    CLEANUP_DISK_LIST struct disk_list l = parsed(expansions[_i].text);
    CLEANUP(profile_unref) struct profile *p = profile_with_disks();
    CLEANUP(profile_unref) struct profile *e = NULL;

    ck_assert_int_eq(disk_list_expand(&l, p, &e, NULL), 0);
    ck_assert_ptr_ne(e, p);
    ck_assert_str_eq(e->name, p->name);
    ck_assert(e->complain);
    ck_assert(digest_equal(&e->digest, &p->digest));
    ck_assert_uint_eq(e->n_rules, 3);
    ck_assert_str_eq(e->rules[0].path.pattern, expansions[_i].pattern);
    ck_assert_uint_eq(e->rules[0].path.permissions, PATH_READ | PATH_WRITE);
    ck_assert_str_eq(e->rules[0].origin, p->rules[0].origin);
    ck_assert_uint_eq(e->rules[1].mode, RULE_AUDIT);
    ck_assert_uint_eq(e->rules[1].capability.mask, 1u << 27);
    ck_assert_str_eq(e->rules[2].mount.pattern, expansions[_i].pattern);
    ck_assert_str_eq(e->rules[2].mount.fstype, "*");
    ck_assert_uint_eq(e->rules[2].mount.flags, 5);
    ck_assert_str_eq(p->rules[0].path.pattern, DISK_PLACEHOLDER);
}
END_TEST

START_TEST(a_profile_without_the_placeholder_is_handed_on)
{
    CLEANUP_DISK_LIST struct disk_list l = parsed(" 8 0 1 sda\n");
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP(profile_unref) struct profile *e = NULL;
    struct rule *r = profile_add_rule(p, RULE_FILE, RULE_DENY, "base");

    r->path.pattern =
        strdup("/x" DISK_PLACEHOLDER); /* not the whole pattern: the user's own text */
    ck_assert(!disk_list_concerns(p));
    ck_assert_int_eq(disk_list_expand(&l, p, &e, NULL), 0);
    ck_assert_ptr_eq(e, p);
    ck_assert_uint_eq(p->n_refs, 2);
}
END_TEST

START_TEST(a_profile_is_concerned_by_its_rules_or_its_text)
{
    CLEANUP(profile_unref) struct profile *rules = profile_with_disks();
    CLEANUP(profile_unref) struct profile *text = profile_new();

    ck_assert(disk_list_concerns(rules));
    ck_assert(!disk_list_concerns(text));
    text->apparmor_text = strdup("    deny @{varmor_disks} rw,\n");
    ck_assert(disk_list_concerns(text));
}
END_TEST

#define SAMPLE 127 /* of so many disks one is looked at: the reference matcher takes its time */

/* Each disk is matched by exactly one of the patterns, and each pattern is one that compiles. */
static void check_split(unsigned n, const char *name, size_t n_patterns)
{
    CLEANUP_BUF struct buf text = BUF_INIT(DISK_LIST_MAX_TEXT);
    CLEANUP_DISK_LIST struct disk_list l = {};
    CLEANUP(profile_unref) struct profile *p = profile_with_disks();
    CLEANUP(profile_unref) struct profile *e = NULL;
    size_t n_matches = 0;

    write_disks(&text, n, name);
    ck_assert_int_eq(disk_list_parse(&l, buf_text(&text), text.len, NULL), 0);
    ck_assert_int_eq(disk_list_expand(&l, p, &e, NULL), 0);
    ck_assert_uint_eq(e->n_rules, 1 + 2 * n_patterns);
    for (size_t i = 0; i < n_patterns; i++) {
        CLEANUP(pattern_free) struct pattern *pattern = NULL;

        ck_assert_int_eq(e->rules[i].kind, RULE_FILE);
        ck_assert_int_eq(pattern_parse(&pattern, e->rules[i].path.pattern, NULL), 0);
        for (size_t k = 0; k < l.n; k += SAMPLE)
            n_matches += pattern_matches(pattern, l.paths[k], strlen(l.paths[k]));
    }
    ck_assert_uint_eq(n_matches, (n + SAMPLE - 1) / SAMPLE);
}

START_TEST(more_disks_than_a_pattern_holds_become_several_rules)
{
    check_split(PATTERN_MAX_BRANCHES, "sd", 1);
    check_split(PATTERN_MAX_BRANCHES + 1, "sd", 2);
    check_split(DISK_LIST_MAX, "sd", DISK_LIST_MAX / PATTERN_MAX_BRANCHES);
    check_split(100, "a-name-that-is-rather-long-for-a-disk-of-a-node-", 2);
}
END_TEST

START_TEST(without_disks_the_pattern_matches_nothing_under_dev)
{
    CLEANUP(pattern_free) struct pattern *pattern = NULL;

    ck_assert_int_eq(pattern_parse(&pattern, DISK_NONE, NULL), 0);
    ck_assert(!pattern_matches(pattern, "/dev/sda", 8));
    ck_assert(!pattern_matches(pattern, "/dev/", 5));
    ck_assert(!pattern_matches(pattern, "/dev", 4));
}
END_TEST

START_TEST(too_many_rules_are_an_error_with_the_origin)
{
    CLEANUP_BUF struct buf text = BUF_INIT(DISK_LIST_MAX_TEXT);
    CLEANUP_DISK_LIST struct disk_list l = {};
    CLEANUP(profile_unref) struct profile *p = profile_with_disks();
    CLEANUP(profile_unref) struct profile *e = NULL;
    CLEANUP(error_free) struct error *why = NULL;

    while (p->n_rules < PROFILE_MAX_RULES)
        ck_assert_ptr_nonnull(profile_add_rule(p, RULE_CAPABILITY, RULE_DENY, "base"));
    write_disks(&text, PATTERN_MAX_BRANCHES + 1, "sd");
    ck_assert_int_eq(disk_list_parse(&l, buf_text(&text), text.len, NULL), 0);
    ck_assert_int_eq(disk_list_expand(&l, p, &e, &why), -E2BIG);
    ck_assert_ptr_null(e);
    ck_assert_str_eq(error_message(why), "base: more than 65535 rules with this node's disks");
}
END_TEST

/* ---- the kernel's events ---- */

static const struct {
    const char *bytes;
    size_t len;
    bool is_block;
} events[] = {
#define EVENT(text, yes)                                                                           \
    {                                                                                              \
        text, sizeof(text) - 1, yes                                                                \
    }
    EVENT("add@/devices/virtual/block/loop8\0ACTION=add\0SUBSYSTEM=block\0DEVNAME=loop8\0", true),
    EVENT("change@/x\0SUBSYSTEM=block", true), /* cut off behind the word */
    EVENT("add@/x\0SUBSYSTEM=blockade\0", false),
    EVENT("add@/x\0SUBSYSTEM=bloc\0", false),
    EVENT("add@/x\0XSUBSYSTEM=block\0", false),
    EVENT("add@/devices/virtual/net/veth0\0SUBSYSTEM=net\0", false),
    EVENT("", false),
    EVENT("\0\0\0", false),
#undef EVENT
};

START_TEST(only_events_of_block_devices_count)
{
    ck_assert_int_eq(node_devices_is_block_event(events[_i].bytes, events[_i].len),
                     events[_i].is_block);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("disk_list");
    TCase *reading = tcase_create("reading");
    TCase *expanding = tcase_create("expanding");

    tcase_add_loop_test(reading, partitions_are_read_as_paths, 0, (int)ARRAY_SIZE(readings));
    tcase_add_test(reading, a_nul_in_a_name_is_refused);
    tcase_add_test(reading, more_disks_than_the_ceiling_are_an_error);
    tcase_add_test(reading, lists_are_equal_whatever_the_order);
    tcase_add_loop_test(reading, only_events_of_block_devices_count, 0, (int)ARRAY_SIZE(events));
    tcase_add_loop_test(expanding, the_placeholder_becomes_the_disks, 0,
                        (int)ARRAY_SIZE(expansions));
    tcase_add_test(expanding, a_profile_without_the_placeholder_is_handed_on);
    tcase_add_test(expanding, a_profile_is_concerned_by_its_rules_or_its_text);
    tcase_add_test(expanding, more_disks_than_a_pattern_holds_become_several_rules);
    tcase_add_test(expanding, without_disks_the_pattern_matches_nothing_under_dev);
    tcase_add_test(expanding, too_many_rules_are_an_error_with_the_origin);
    suite_add_tcase(suite, reading);
    suite_add_tcase(suite, expanding);
    return suite;
}
