/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/match/pattern.h"
#include "lib/ruleset/ruleset.h"

/* A small generator of its own, so that a failure can be repeated from its seed. */
static uint64_t random_state;

static unsigned random_below(unsigned n)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(random_state >> 33) % n;
}

static struct rule *add_path(struct profile *p, enum rule_kind kind, unsigned mode,
                             unsigned permissions, const char *pattern)
{
    char origin[32];
    struct rule *r;

    snprintf(origin, sizeof(origin), "files[%zu]", p->n_rules);
    r = profile_add_rule(p, kind, mode, origin);
    ck_assert_ptr_nonnull(r);
    r->path.permissions = permissions;
    r->path.pattern = strdup(pattern);
    return r;
}

static struct rule *add_egress(struct profile *p, unsigned mode, const char *block, size_t n_ports)
{
    struct rule *r = profile_add_rule(p, RULE_EGRESS, mode, "toDestinations[0]");

    ck_assert_ptr_nonnull(r);
    if (block)
        ck_assert_int_eq(addr_parse_block(&r->egress.block, block), 0);
    r->egress.ports = calloc(n_ports + 1, sizeof(*r->egress.ports));
    r->egress.n_ports = n_ports;
    return r;
}

static struct rule *add_mount(struct profile *p, const char *pattern, const char *fstype)
{
    struct rule *r = profile_add_rule(p, RULE_MOUNT, RULE_DENY, "mounts[0]");

    ck_assert_ptr_nonnull(r);
    r->mount.pattern = strdup(pattern);
    r->mount.fstype = strdup(fstype);
    r->mount.flags = 1;
    return r;
}

static struct ruleset *build(const struct profile *p)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct ruleset *r = NULL;

    ck_assert_msg(ruleset_build(&r, p, &e) == 0, "%s", error_message(e));
    ck_assert_msg(ruleset_check_image(r->lines, r->n_lines, &e) == 0, "%s", error_message(e));
    return r;
}

static void expect_refusal(const struct profile *p, int code, const char *text)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP(ruleset_free) struct ruleset *r = NULL;

    ck_assert_int_eq(ruleset_build(&r, p, &e), code);
    ck_assert_ptr_null(r);
    ck_assert_msg(strstr(error_message(e), text) != NULL, "'%s' is not in '%s'", text,
                  error_message(e));
}

START_TEST(an_empty_profile_is_an_image_that_concerns_nothing)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP(ruleset_free) struct ruleset *r = build(p);
    const struct varmor_front *f = (const struct varmor_front *)r->lines;

    ck_assert_uint_eq(f->file_concern, 0);
    ck_assert_uint_eq(f->concern, 0);
    ck_assert_uint_eq(f->any_deny, 0);
    ck_assert_uint_eq(r->n_rules, 1);
    ck_assert_uint_eq(r->n_prefixes, 0);
    ck_assert_uint_eq(r->n_lines, 5);
}
END_TEST

START_TEST(the_front_tells_what_the_rules_can_concern)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP(ruleset_free) struct ruleset *r = NULL;
    const struct varmor_front *f;
    const struct varmor_index *index;
    const struct varmor_name *name;

    p->name = strdup("varmor-shop-web");
    p->digest.bytes[0] = 0xab;
    add_path(p, RULE_FILE, RULE_DENY, PATH_WRITE, "/etc/shadow");
    add_path(p, RULE_FILE, 0, PATH_READ, "/etc/**"); /* never acts */
    r = build(p);
    f = (const struct varmor_front *)r->lines;
    index = (const struct varmor_index *)(r->lines + 1);
    name = (const struct varmor_name *)(r->lines + 3);
    ck_assert_uint_eq(f->magic, VARMOR_MAGIC);
    ck_assert_uint_eq(f->n_lines, r->n_lines);
    ck_assert_uint_eq(f->n_rules, 2);
    ck_assert_uint_eq(f->file_concern, ruleset_expand_permissions(PATH_WRITE));
    ck_assert_uint_eq(f->concern, 0);
    ck_assert_uint_ne(f->any_deny, 0);
    ck_assert_uint_gt(index->automata[VARMOR_FILE_FORWARD].n_cells, 0);
    ck_assert_uint_eq(index->automata[VARMOR_FILE_BACKWARD].n_cells, 0);
    ck_assert_uint_eq(index->automata[VARMOR_EXEC_FORWARD].n_cells, 0);
    ck_assert_str_eq(name->profile, "varmor-shop-web");
    ck_assert_uint_eq(name->digest[0], 0xab);
}
END_TEST

START_TEST(equal_profiles_give_equal_bytes_and_digests)
{
    struct ruleset *sets[3] = {NULL};

    for (unsigned i = 0; i < ARRAY_SIZE(sets); i++) {
        CLEANUP(profile_unref) struct profile *p = profile_new();

        add_path(p, RULE_FILE, RULE_DENY, PATH_READ, "/proc/*/mem");
        add_path(p, RULE_EXEC, RULE_DENY, PATH_EXEC, "*sh");
        add_egress(p, i == 2 ? RULE_AUDIT : RULE_DENY, "10.0.0.0/8", 0);
        sets[i] = build(p);
    }
    ck_assert_uint_eq(sets[0]->n_lines, sets[1]->n_lines);
    ck_assert_mem_eq(sets[0]->lines, sets[1]->lines, sets[0]->n_lines * sizeof(*sets[0]->lines));
    ck_assert(digest_equal(&sets[0]->digest, &sets[1]->digest));
    ck_assert(!digest_equal(&sets[0]->digest, &sets[2]->digest));
    for (unsigned i = 0; i < ARRAY_SIZE(sets); i++)
        ruleset_free(sets[i]);
}
END_TEST

START_TEST(a_trie_that_is_read_back_in_another_order_has_the_same_digest)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP(ruleset_free) struct ruleset *r = NULL;
    struct ruleset_prefix last;
    struct digest d;

    add_egress(p, RULE_DENY, "10.0.0.0/8", 0);
    add_egress(p, RULE_DENY, "10.1.0.0/16", 0);
    add_egress(p, RULE_AUDIT, "fd00::/8", 0);
    r = build(p);
    ck_assert_uint_eq(r->n_prefixes, 2); /* 10.1/16 adds nothing to 10/8 */
    last = r->prefixes[1];
    r->prefixes[1] = r->prefixes[0];
    r->prefixes[0] = last;
    ck_assert_int_eq(ruleset_digest(&d, r->lines, r->n_lines, r->prefixes, r->n_prefixes), 0);
    ck_assert(!digest_equal(&d, &r->digest));
    ruleset_sort_prefixes(r->prefixes, r->n_prefixes);
    ck_assert_int_eq(ruleset_digest(&d, r->lines, r->n_lines, r->prefixes, r->n_prefixes), 0);
    ck_assert(digest_equal(&d, &r->digest));
}
END_TEST

START_TEST(a_bad_rule_is_refused_by_its_origin)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();

    add_path(p, RULE_FILE, RULE_DENY, PATH_READ, "/etc/**");
    add_path(p, RULE_FILE, RULE_DENY, PATH_READ, "/etc/[ab");
    expect_refusal(p, -EINVAL, "files[1] '/etc/[ab': byte 6: '[' is never closed");
}
END_TEST

START_TEST(a_rule_that_never_acts_is_checked_all_the_same)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();

    add_path(p, RULE_EXEC, 0, PATH_EXEC, "/bin/{a");
    expect_refusal(p, -EINVAL, "files[0] '/bin/{a': byte 6: '{' is never closed");
}
END_TEST

START_TEST(a_socket_rule_has_types_or_protocols)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    struct rule *r = profile_add_rule(p, RULE_SOCKET, RULE_DENY, "sockets[0]");

    r->socket.types = 2;
    r->socket.protocols = SOCKET_TCP;
    expect_refusal(p, -EINVAL, "sockets[0]: types and protocols exclude each other");
}
END_TEST

START_TEST(a_name_that_does_not_fit_is_refused)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();

    p->name = calloc(1, VARMOR_NAME_BYTES + 1);
    memset(p->name, 'n', VARMOR_NAME_BYTES - 1);
    ruleset_free(build(p));
    memset(p->name, 'n', VARMOR_NAME_BYTES);
    expect_refusal(p, -E2BIG, "has more than 63 bytes");
}
END_TEST

START_TEST(mount_rules_of_one_source_have_a_ceiling)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();

    for (unsigned i = 0; i < VARMOR_MAX_MOUNTRULES; i++)
        add_mount(p, "/dev/**", "*");
    add_mount(p, "/srv", "*"); /* another source */
    ruleset_free(build(p));
    add_mount(p, "/dev/**", "*");
    expect_refusal(p, -E2BIG, "more than 32 mount rules can apply to one source");
}
END_TEST

START_TEST(a_file_system_type_has_a_ceiling)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();

    add_mount(p, "**", "fifteen-letters");
    ruleset_free(build(p));
    add_mount(p, "**", "sixteen--letters");
    expect_refusal(p, -EINVAL, "'sixteen--letters' is too long for a file system type");
}
END_TEST

START_TEST(port_ranges_of_one_address_have_a_ceiling)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    struct rule *r = add_egress(p, RULE_DENY, "10.0.0.0/8", VARMOR_MAX_PORTRANGES);

    for (unsigned i = 0; i < VARMOR_MAX_PORTRANGES; i++)
        r->egress.ports[i] = (struct port_range){(uint16_t)(2 * i + 1), (uint16_t)(2 * i + 1)};
    ruleset_free(build(p));
    r = add_egress(p, RULE_DENY, "10.1.0.0/16", 1);
    r->egress.ports[0] = (struct port_range){60000, 60000};
    expect_refusal(p, -E2BIG, "more than 4096 port ranges apply to one address");
}
END_TEST

START_TEST(a_reversed_port_range_is_refused)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();

    add_egress(p, RULE_DENY, NULL, 1)->egress.ports[0] = (struct port_range){90, 80};
    expect_refusal(p, -EINVAL, "port 90 is above end port 80");
}
END_TEST

START_TEST(rules_that_explode_are_refused_by_name)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    char text[32];

    for (unsigned i = 0; i < 20; i++) {
        snprintf(text, sizeof(text), "/a/**/%c**/%c", 'a' + (char)i, 'A' + (char)i);
        add_path(p, RULE_FILE, RULE_DENY, PATH_READ, text);
    }
    expect_refusal(p, -E2BIG, " '/a/**/");
}
END_TEST

START_TEST(a_thousand_rules_fit_a_small_image)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP(ruleset_free) struct ruleset *r = NULL;
    char text[64];

    for (unsigned i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), i % 10 ? "/etc/app-%u/secret%u.conf" : "**/.cache-%u/%u/**", i,
                 i * 7);
        add_path(p, RULE_FILE, RULE_DENY | RULE_AUDIT, PATH_READ | PATH_WRITE, text);
    }
    r = build(p);
    ck_assert_uint_lt(r->n_lines * sizeof(*r->lines), 1024 * 1024);
}
END_TEST

/* So many rules between two stars that naming the first of them would need all combinations. */
START_TEST(overlapping_rules_in_great_numbers_are_still_judged)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP(ruleset_free) struct ruleset *r = NULL;
    struct ruleset_verdict v;
    char text[64];

    for (unsigned i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "**/.secret-%u/**", i);
        add_path(p, RULE_FILE, RULE_DENY, PATH_READ, text);
    }
    r = build(p);
    ck_assert_uint_lt(r->n_lines * sizeof(*r->lines), 256 * 1024);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "/a/.secret-%u/b/.secret-%u/x", i, 98);
        v = ruleset_judge_path(r, text, strlen(text), VARMOR_MAY_READ);
        ck_assert(v.deny && !v.audit);
        ck_assert(v.rule == i || v.rule == 98);
    }
    snprintf(text, sizeof(text), "/a/.secret-100/b");
    v = ruleset_judge_path(r, text, strlen(text), VARMOR_MAY_READ);
    ck_assert(!v.deny && !v.audit && v.rule == VARMOR_NO_RULE);
}
END_TEST

START_TEST(ten_thousand_addresses_have_one_entry_each)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP(ruleset_free) struct ruleset *r = NULL;
    struct ruleset_verdict v;
    struct addr a;
    char text[32];

    for (unsigned i = 0; i < 10000; i++) {
        snprintf(text, sizeof(text), "10.%u.%u.%u/32", i % 7, i / 256, i % 256);
        add_egress(p, RULE_DENY, text, 0);
    }
    r = build(p);
    ck_assert_uint_eq(r->n_prefixes, 10000);
    ck_assert_int_eq(addr_parse(&a, "10.3.39.14"), 0); /* 9998 */
    v = ruleset_judge_connect(r, &a, 80);
    ck_assert(!v.deny);
    ck_assert_int_eq(addr_parse(&a, "10.2.39.14"), 0);
    v = ruleset_judge_connect(r, &a, 80);
    ck_assert(v.deny);
    ck_assert_uint_eq(v.rule, 9998);
}
END_TEST

/* What the rules say when asked one by one. */
static void naive_add(struct ruleset_verdict *v, unsigned mode, unsigned rule)
{
    bool deny = mode & RULE_DENY;

    if (!mode)
        return;
    if ((deny && !v->deny) || (v->rule == VARMOR_NO_RULE))
        v->rule = rule;
    v->deny = v->deny || deny;
    v->audit = v->audit || (mode & RULE_AUDIT);
}

START_TEST(connects_are_judged_as_the_rules_say_one_by_one)
{
    static const char *const blocks[] = {"10.0.0.0/8", "10.0.0.0/30", "10.0.0.1/32", "10.0.0.2/31",
                                         "0.0.0.0/0",  "10.0.0.0/16", "fd00::/8",    "fd00::1/128",
                                         "fd00::/127", "::/0",        NULL};

    for (unsigned seed = 1; seed <= 200; seed++) {
        CLEANUP(profile_unref) struct profile *p = profile_new();
        CLEANUP(ruleset_free) struct ruleset *r = NULL;

        random_state = seed;
        for (unsigned i = 0, n = 1 + random_below(10); i < n; i++) {
            size_t n_ports = random_below(3);
            struct rule *rule =
                add_egress(p, random_below(4), blocks[random_below(ARRAY_SIZE(blocks))], n_ports);

            for (size_t k = 0; k < n_ports; k++) {
                uint16_t first = (uint16_t)(1 + random_below(12));

                rule->egress.ports[k] =
                    (struct port_range){first, (uint16_t)(first + random_below(6))};
            }
        }
        r = build(p);
        for (unsigned i = 0; i < 300; i++) {
            static const char *const addrs[] = {"10.0.0.0", "10.0.0.1", "10.0.0.3", "10.0.9.9",
                                                "11.0.0.1", "fd00::1",  "fd00::2",  "fe00::1"};
            struct ruleset_verdict wanted = {.rule = VARMOR_NO_RULE}, got;
            unsigned port = random_below(20);
            struct addr a;

            ck_assert_int_eq(addr_parse(&a, addrs[random_below(ARRAY_SIZE(addrs))]), 0);
            for (size_t k = 0; k < p->n_rules; k++) {
                const struct rule *rule = &p->rules[k];
                bool port_fits = rule->egress.n_ports == 0;

                for (size_t m = 0; m < rule->egress.n_ports; m++)
                    port_fits = port_fits || (port >= rule->egress.ports[m].first &&
                                              port <= rule->egress.ports[m].last);
                if (port_fits && (rule->egress.block.family == ADDR_NONE ||
                                  addr_in_block(&a, &rule->egress.block)))
                    naive_add(&wanted, rule->mode, (unsigned)k);
            }
            got = ruleset_judge_connect(r, &a, port);
            ck_assert_msg(got.deny == wanted.deny && got.audit == wanted.audit &&
                              got.rule == wanted.rule,
                          "seed %u, port %u: got %d %d %u, wanted %d %d %u", seed, port, got.deny,
                          got.audit, got.rule, wanted.deny, wanted.audit, wanted.rule);
        }
    }
}
END_TEST

START_TEST(paths_are_judged_as_the_rules_say_one_by_one)
{
    static const char *const patterns[] = {"/a/**", "/a/b", "**/b", "*b",       "/a/*",     "**",
                                           "/**/b", "b*",   "/a*",  "/a/**/b*", "/{a,b}/**"};
    static const char *const paths[] = {"/a", "/a/b", "/b", "/a/c/b", "/b/a", "/a/bb", "/ab", "/"};

    for (unsigned seed = 1; seed <= 300; seed++) {
        CLEANUP(profile_unref) struct profile *p = profile_new();
        CLEANUP(ruleset_free) struct ruleset *r = NULL;

        random_state = seed;
        for (unsigned i = 0, n = 1 + random_below(12); i < n; i++)
            add_path(p, RULE_FILE, random_below(4), PATH_WRITE << random_below(3),
                     patterns[random_below(ARRAY_SIZE(patterns))]);
        r = build(p);
        for (unsigned bit = 1; bit < VARMOR_MAY_BITS; bit++)
            for (unsigned i = 0; i < ARRAY_SIZE(paths); i++) {
                struct ruleset_verdict wanted = {.rule = VARMOR_NO_RULE}, got;

                for (size_t k = 0; k < p->n_rules; k++) {
                    CLEANUP(pattern_free) struct pattern *pattern = NULL;
                    unsigned may = ruleset_expand_permissions(p->rules[k].path.permissions);

                    ck_assert_int_eq(pattern_parse(&pattern, p->rules[k].path.pattern, NULL), 0);
                    if (may >> bit & 1 && pattern_matches(pattern, paths[i], strlen(paths[i])))
                        naive_add(&wanted, p->rules[k].mode, (unsigned)k);
                }
                got = ruleset_judge_path(r, paths[i], strlen(paths[i]), 1u << bit);
                ck_assert_msg(
                    got.deny == wanted.deny && got.audit == wanted.audit && got.rule == wanted.rule,
                    "seed %u, bit %u of '%s': got %d %d %u, wanted %d %d %u", seed, bit, paths[i],
                    got.deny, got.audit, got.rule, wanted.deny, wanted.audit, wanted.rule);
            }
    }
}
END_TEST

static struct ruleset *build_everything(void)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    struct rule *r;

    add_path(p, RULE_FILE, RULE_DENY, PATH_WRITE, "/etc/{passwd,shadow}*");
    add_path(p, RULE_FILE, RULE_AUDIT, PATH_READ, "**/secret/**");
    add_path(p, RULE_EXEC, RULE_DENY, PATH_EXEC, "/bin/*sh");
    add_path(p, RULE_EXEC, RULE_DENY, PATH_EXEC, "nc");
    r = profile_add_rule(p, RULE_CAPABILITY, RULE_DENY, "base");
    r->capability.mask = 1 << 13;
    r = profile_add_rule(p, RULE_SOCKET, RULE_DENY, "sockets[0]");
    r->socket.protocols = SOCKET_UDP;
    add_egress(p, RULE_DENY, "10.0.0.0/8", 0);
    add_egress(p, RULE_DENY, "10.1.0.0/16", 1)->egress.ports[0] = (struct port_range){80, 90};
    r = profile_add_rule(p, RULE_PTRACE, RULE_DENY, "ptrace");
    r->ptrace.permissions = PTRACE_TRACE;
    add_mount(p, "/dev/**", "ext4");
    return build(p);
}

/* Asks the judges about everything; only the sanitizers look. */
static void judge_everything(const struct ruleset *r)
{
    static const char *const paths[] = {"/etc/passwd", "/a/secret/b", "/bin/bash", "/usr/bin/nc",
                                        "/"};
    struct addr a;

    for (unsigned i = 0; i < ARRAY_SIZE(paths); i++)
        ruleset_judge_path(r, paths[i], strlen(paths[i]), 0xffff);
    for (unsigned i = 0; i < 70; i++) {
        ruleset_judge_capability(r, i);
        ruleset_judge_socket(r, i, i, i);
    }
    for (unsigned i = 0; i < 16; i++)
        ruleset_judge_ptrace(r, i, i % 2);
    ck_assert_int_eq(addr_parse(&a, "10.1.2.3"), 0);
    ruleset_judge_connect(r, &a, 85);
    ruleset_judge_mount(r, "/dev/sda", "ext4", 1);
}

START_TEST(an_image_that_passes_the_check_is_safe_to_judge_by)
{
    CLEANUP(ruleset_free) struct ruleset *r = build_everything();
    struct varmor_line *good = malloc(r->n_lines * sizeof(*good));
    unsigned n_passed = 0, n_refused = 0;

    judge_everything(r);
    memcpy(good, r->lines, r->n_lines * sizeof(*good));
    random_state = 1;
    for (unsigned i = 0; i < 20000; i++) {
        static const uint32_t values[] = {0, 1, 5, 0xff, 0xffff, 0x10000, 0x80000000, 0xffffffff};
        unsigned line = random_below(3) ? random_below((unsigned)r->n_lines) : random_below(3);
        uint32_t *word = &r->lines[line].w[random_below(VARMOR_LINE_WORDS)];

        *word = random_below(2) ? values[random_below(ARRAY_SIZE(values))]
                                : *word + 1 - random_below(3);
        if (ruleset_check_image(r->lines, r->n_lines, NULL) == 0) {
            judge_everything(r);
            n_passed++;
        } else {
            n_refused++;
        }
        if (random_below(3) == 0)
            memcpy(r->lines, good, r->n_lines * sizeof(*good));
    }
    ck_assert_uint_gt(n_passed, 100);
    ck_assert_uint_gt(n_refused, 100);
    free(good);
}
END_TEST

START_TEST(an_image_is_not_cut_short_unnoticed)
{
    CLEANUP(ruleset_free) struct ruleset *r = build_everything();
    CLEANUP(error_free) struct error *e = NULL;

    for (size_t n = 0; n < r->n_lines; n++)
        ck_assert_int_eq(ruleset_check_image(r->lines, n, NULL), -EINVAL);
    r->lines[0].w[0]++;
    ck_assert_int_eq(ruleset_check_image(r->lines, r->n_lines, &e), -EINVAL);
    ck_assert_str_eq(error_message(e), "no image: it begins with 524d5257");
}
END_TEST

static void add_refusals(TCase *t)
{
    tcase_add_test(t, a_bad_rule_is_refused_by_its_origin);
    tcase_add_test(t, a_rule_that_never_acts_is_checked_all_the_same);
    tcase_add_test(t, a_socket_rule_has_types_or_protocols);
    tcase_add_test(t, a_name_that_does_not_fit_is_refused);
    tcase_add_test(t, mount_rules_of_one_source_have_a_ceiling);
    tcase_add_test(t, a_file_system_type_has_a_ceiling);
    tcase_add_test(t, port_ranges_of_one_address_have_a_ceiling);
    tcase_add_test(t, a_reversed_port_range_is_refused);
    tcase_add_test(t, rules_that_explode_are_refused_by_name);
}

Suite *unit_suite(void)
{
    Suite *s = suite_create("ruleset");
    TCase *t = tcase_create("ruleset");

    tcase_add_test(t, an_empty_profile_is_an_image_that_concerns_nothing);
    tcase_add_test(t, the_front_tells_what_the_rules_can_concern);
    tcase_add_test(t, equal_profiles_give_equal_bytes_and_digests);
    tcase_add_test(t, a_trie_that_is_read_back_in_another_order_has_the_same_digest);
    add_refusals(t);
    tcase_add_test(t, a_thousand_rules_fit_a_small_image);
    tcase_add_test(t, overlapping_rules_in_great_numbers_are_still_judged);
    tcase_add_test(t, ten_thousand_addresses_have_one_entry_each);
    tcase_add_test(t, connects_are_judged_as_the_rules_say_one_by_one);
    tcase_add_test(t, paths_are_judged_as_the_rules_say_one_by_one);
    tcase_add_test(t, an_image_that_passes_the_check_is_safe_to_judge_by);
    tcase_add_test(t, an_image_is_not_cut_short_unnoticed);
    suite_add_tcase(s, t);
    return s;
}
