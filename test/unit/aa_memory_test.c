/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation on a rule's way fails once: read, copied, written, read again, found. Nothing leaks, and want of
 * memory is told as such: a good rule is never refused, a bad one never accepted. */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/apparmor/apparmor.h"
#include "lib/policy/findings.h"
#include "test/unit/alloc_failure.h"

#define NAME      "varmor-memory"
#define MAX_BYTES (1024 * 1024)
#define GOOD                                                                                       \
    "deny \"/a b/{c,d}[^x]*\" rwklx, owner @{HOME}/** r, link /a -> /b, capability bpf,\n"         \
    "network inet tcp, mount fstype=(proc,sysfs) options in (ro,nosuid) x -> /y,\n"                \
    "signal (send) set=(kill,rtmin+1) peer=x, dbus (send) peer=(name=a, label=b),\n"               \
    "unix (create) addr=@x, set rlimit nofile <= 10,\n"
#define BAD                                                                                        \
    "capability sys_admn, /{a r, @{FOO}/x r, mount fstyp=x, network ine, moutn, signal (sned),\n"  \
    "set rlimit x <= 1, /x rz, ptrace peer=[,\n"

/* Reads the text; 0, -EINVAL or -ENOMEM. Nothing is asserted on the way: that would allocate as well. */
static int parse(const char *text)
{
    struct findings findings = {0};
    struct aa_rules rules = {0};
    int r = aa_rules_parse(&rules, text, strlen(text), 1, 1, &findings);

    if (r == 0 && (findings.n_errors > 0 || rules.n == 0))
        r = 1;
    aa_rules_done(&rules);
    findings_done(&findings);
    return r;
}

START_TEST(a_good_text_is_read_or_there_is_no_memory)
{
    int r;

    for (unsigned n = 1; alloc_failure_arm(n), r = parse(GOOD), alloc_failure_disarm(); n++)
        ck_assert_msg(r == -ENOMEM, "allocation %u: %d", n, r);
    ck_assert_int_eq(r, 0);
}
END_TEST

START_TEST(a_bad_text_is_never_accepted)
{
    int r;

    for (unsigned n = 1; alloc_failure_arm(n), r = parse(BAD), alloc_failure_disarm(); n++)
        ck_assert_msg(r == -EINVAL || r == -ENOMEM, "allocation %u: %d", n, r);
    ck_assert_int_eq(r, -EINVAL);
}
END_TEST

/* What a profile is made of: made once, without failures. */
static struct aa_rules raw;

static void make_rules(void)
{
    struct findings findings = {0};

    ck_assert_int_eq(aa_rules_parse(&raw, GOOD, strlen(GOOD), 1, 1, &findings), 0);
    for (size_t i = 0; i < raw.n; i++)
        raw.items[i].origin = strdup("raw");
}

static void drop_rules(void)
{
    aa_rules_done(&raw);
}

static int write_profile(struct buf *out)
{
    static const char *const targets[] = {"/bin/a b"};
    struct aa_child child = {targets, 1, NULL, &raw};
    struct aa_profile p = {.name = NAME,
                           .base = AA_TEMPLATE_RUNTIME_DEFAULT,
                           .qualifiers = 0,
                           .rules = &raw,
                           .raw = &raw,
                           .children = &child,
                           .n_children = 1};

    return aa_profile_write(&p, out);
}

static int write_and_drop(void)
{
    CLEANUP_BUF struct buf out = BUF_INIT(MAX_BYTES);

    return write_profile(&out);
}

START_TEST(a_profile_is_written_or_there_is_no_memory)
{
    int r;

    for (unsigned n = 1; alloc_failure_arm(n), r = write_and_drop(), alloc_failure_disarm(); n++)
        ck_assert_msg(r == -ENOMEM, "allocation %u: %d", n, r);
    ck_assert_int_eq(r, 0);
}
END_TEST

static int read_profile(const struct buf *text)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct aa_rules rules = {0};
    int r = aa_profile_read(&rules, buf_text(text), text->len, NAME, &e);

    aa_rules_done(&rules);
    return r;
}

START_TEST(a_profile_is_read_or_there_is_no_memory)
{
    CLEANUP_BUF struct buf text = BUF_INIT(MAX_BYTES);
    int r;

    ck_assert_int_eq(write_profile(&text), 0);
    for (unsigned n = 1; alloc_failure_arm(n), r = read_profile(&text), alloc_failure_disarm(); n++)
        ck_assert_msg(r == -ENOMEM, "allocation %u: %d", n, r);
    ck_assert_int_eq(r, 0);
}
END_TEST

static int copy_rule(const struct aa_rule *rule)
{
    struct aa_rule copy = {0};
    int r = aa_rule_copy(&copy, rule);

    aa_rule_done(&copy);
    return r;
}

START_TEST(a_rule_is_copied_or_there_is_no_memory)
{
    int r;

    for (size_t i = 0; i < raw.n; i++) {
        for (unsigned n = 1;
             alloc_failure_arm(n), r = copy_rule(&raw.items[i]), alloc_failure_disarm(); n++)
            ck_assert_int_eq(r, -ENOMEM);
        ck_assert_int_eq(r, 0);
    }
}
END_TEST

START_TEST(without_memory_no_rule_is_found_in_error)
{
    const struct aa_access access = {.kind = AA_FILE, .name = "/a b/cyz", .permissions = AA_WRITE};
    const struct aa_rule *found;

    for (unsigned n = 1;
         alloc_failure_arm(n), found = aa_rules_find(&raw, &access), alloc_failure_disarm(); n++)
        ck_assert(!found || found == &raw.items[0]);
    ck_assert_ptr_eq(found, &raw.items[0]);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("aa_memory");
    TCase *c = tcase_create("aa_memory");

    tcase_add_checked_fixture(c, make_rules, drop_rules);
    tcase_add_test(c, a_good_text_is_read_or_there_is_no_memory);
    tcase_add_test(c, a_bad_text_is_never_accepted);
    tcase_add_test(c, a_profile_is_written_or_there_is_no_memory);
    tcase_add_test(c, a_profile_is_read_or_there_is_no_memory);
    tcase_add_test(c, a_rule_is_copied_or_there_is_no_memory);
    tcase_add_test(c, without_memory_no_rule_is_found_in_error);
    suite_add_tcase(s, c);
    return s;
}
