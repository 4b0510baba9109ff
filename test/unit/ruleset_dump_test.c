/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/ruleset/ruleset_dump.h"

static void add_path(struct profile *p, enum rule_kind kind, unsigned mode, unsigned permissions,
                     const char *pattern)
{
    struct rule *r = profile_add_rule(p, kind, mode, "files[0]");

    ck_assert_ptr_nonnull(r);
    r->path.permissions = permissions;
    r->path.pattern = strdup(pattern);
}

static void add_egress(struct profile *p, unsigned mode, const char *block, uint16_t first,
                       uint16_t last)
{
    struct rule *r = profile_add_rule(p, RULE_EGRESS, mode, "toDestinations[0]");

    ck_assert_ptr_nonnull(r);
    if (block)
        ck_assert_int_eq(addr_parse_block(&r->egress.block, block), 0);
    if (first) {
        r->egress.ports = calloc(1, sizeof(*r->egress.ports));
        r->egress.ports[0] = (struct port_range){first, last};
        r->egress.n_ports = 1;
    }
}

static void add_mount(struct profile *p, const char *pattern, const char *fstype, uint32_t flags)
{
    struct rule *r = profile_add_rule(p, RULE_MOUNT, RULE_DENY, "mounts[0]");

    ck_assert_ptr_nonnull(r);
    r->mount.pattern = strdup(pattern);
    r->mount.fstype = strdup(fstype);
    r->mount.flags = flags;
    r->mount.reverse_flags = 0xff;
}

static struct ruleset *build(const struct profile *p)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct ruleset *r = NULL;

    ck_assert_msg(ruleset_build(&r, p, &e) == 0, "%s", error_message(e));
    return r;
}

static const struct {
    enum varmor_automaton_id id;
    const char *states;
} cases[] = {
    /* /b denies all that changes; /[ab] audits reading; a walk ends with the last byte that can
       count */
    {VARMOR_FILE_FORWARD,
     "  state 1 (start)\n"
     "    by / to 2\n"
     "  state 2\n"
     "    by a to 7\n"
     "    by b to 4\n"
     "  state 7  says audit read #1\n"
     "  state 4  says deny write append create delete rename link truncate chmod chown setattr #0, audit read #1\n"},
    {VARMOR_FILE_BACKWARD, ""},
    {VARMOR_EXEC_FORWARD, ""},
    {VARMOR_EXEC_BACKWARD, "  state 1 (start)\n"
                           "    by c to 2\n"
                           "  state 2\n"
                           "    by n to 3\n"
                           "  state 3\n"
                           "    by / to 7, and ends\n"
                           "  state 7  says deny audit exec #2\n"
                           "    by the others, /, c, n to 7, and ends\n"},
    {VARMOR_MOUNT_SOURCE, "  state 1 (start)\n"
                          "    by / to 2, and ends\n"
                          "  state 2  says deny type proc flags 0x20 without 0xff #3\n"
                          "    by the others, / to 2, and ends\n"},
};

static struct profile *make_profile(void)
{
    struct profile *p = profile_new();

    add_path(p, RULE_FILE, RULE_DENY, PATH_WRITE, "/b");
    add_path(p, RULE_FILE, RULE_AUDIT, PATH_READ, "/[ab]");
    add_path(p, RULE_EXEC, RULE_DENY | RULE_AUDIT, PATH_EXEC, "**/nc");
    add_mount(p, "/**", "proc", 0x20);
    return p;
}

START_TEST(a_state_says_where_it_leads_and_what_it_means)
{
    CLEANUP(profile_unref) struct profile *p = make_profile();
    CLEANUP(ruleset_free) struct ruleset *r = build(p);
    CLEANUP_BUF struct buf out = BUF_INIT(4096);

    ck_assert_int_eq(ruleset_write_states(r, cases[_i].id, &out), 0);
    ck_assert_str_eq(buf_text(&out), cases[_i].states);
}
END_TEST

START_TEST(an_automaton_is_measured)
{
    CLEANUP(profile_unref) struct profile *p = make_profile();
    CLEANUP(ruleset_free) struct ruleset *r = build(p);
    struct ruleset_automaton m;

    ck_assert_int_eq(ruleset_measure(r, VARMOR_FILE_BACKWARD, &m), 0);
    ck_assert_int_eq(ruleset_measure(r, VARMOR_EXEC_BACKWARD, &m), 1);
    ck_assert_str_eq(m.name, "exec");
    ck_assert(m.backward);
    ck_assert_uint_eq(m.n_states, 4);
    ck_assert_uint_eq(m.n_classes, 4);
    ck_assert_uint_eq(m.n_transitions, 7);
    ck_assert_uint_eq(m.n_ends, 5);
    ck_assert_uint_eq(m.n_cells % VARMOR_CELLS_PER_LINE, 0);
    ck_assert_int_eq(ruleset_measure(r, VARMOR_FILE_FORWARD, &m), 1);
    ck_assert(!m.backward);
    ck_assert_uint_eq(m.n_states, 4);
    ck_assert_uint_eq(m.n_ends, 0);
}
END_TEST

static const struct {
    const char *block;
    uint16_t first, last;
    unsigned mode;
    const char *text;
} prefixes[] = {
    {"10.0.0.0/8", 0, 0, RULE_DENY, "10.0.0.0/8: every port deny #0"},
    {"10.0.0.1/32", 80, 80, RULE_AUDIT, "10.0.0.1: 80 audit #0"},
    {"fd00::/8", 1, 1023, RULE_DENY | RULE_AUDIT, "fd00::/8: 1-1023 deny audit #0"},
};

START_TEST(an_address_has_its_ports)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP(ruleset_free) struct ruleset *r = NULL;
    CLEANUP_BUF struct buf out = BUF_INIT(4096);

    add_egress(p, prefixes[_i].mode, prefixes[_i].block, prefixes[_i].first, prefixes[_i].last);
    r = build(p);
    ck_assert_uint_eq(r->n_prefixes, 1);
    ck_assert_int_eq(ruleset_write_prefix(r, &r->prefixes[0], &out), 0);
    ck_assert_str_eq(buf_text(&out), prefixes[_i].text);
}
END_TEST

START_TEST(what_does_not_fit_is_an_error)
{
    CLEANUP(profile_unref) struct profile *p = make_profile();
    CLEANUP(ruleset_free) struct ruleset *r = build(p);

    for (size_t max = 0; max < 180; max += 7) {
        CLEANUP_BUF struct buf out = BUF_INIT(max);

        ck_assert_int_eq(ruleset_write_states(r, VARMOR_FILE_FORWARD, &out), -E2BIG);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("ruleset_dump");
    TCase *t = tcase_create("ruleset_dump");

    tcase_add_loop_test(t, a_state_says_where_it_leads_and_what_it_means, 0, ARRAY_SIZE(cases));
    tcase_add_test(t, an_automaton_is_measured);
    tcase_add_loop_test(t, an_address_has_its_ports, 0, ARRAY_SIZE(prefixes));
    tcase_add_test(t, what_does_not_fit_is_an_error);
    suite_add_tcase(s, t);
    return s;
}
