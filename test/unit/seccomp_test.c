/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "test/unit/seccomp_rules.h"

/* ---- reading and writing ---- */
static const char canonical[] =
    "{\n  \"defaultAction\": \"SCMP_ACT_ERRNO\",\n  \"defaultErrnoRet\": 38,\n"
    "  \"architectures\": [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\"],\n"
    "  \"flags\": [\"SECCOMP_FILTER_FLAG_LOG\"],\n"
    "  \"syscalls\": [\n"
    "    {\"names\": [\"read\", \"write\"], \"action\": \"SCMP_ACT_ALLOW\"},\n"
    "    {\"names\": [\"chmod\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": "
    "[{\"index\": 1, \"value\": 64, \"valueTwo\": 0, \"op\": \"SCMP_CMP_MASKED_EQ\"}, "
    "{\"index\": 0, \"value\": 18446744073709551615, \"op\": \"SCMP_CMP_NE\"}], "
    "\"comment\": \"disable-chmod-x-bit\"},\n"
    "    {\"names\": [\"clone3\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1000}\n"
    "  ]\n}\n";

static void check_writes(const struct sc_profile *p, const enum sc_arch *arches, size_t n,
                         const char *expected)
{
    CLEANUP_BUF struct buf out = BUF_INIT(SC_MAX_JSON);

    ck_assert_int_eq(sc_profile_write_json(p, arches, n, &out), 0);
    ck_assert_str_eq(buf_text(&out), expected);
}

static void read_text(struct sc_profile *ret, const char *json)
{
    CLEANUP(error_free) struct error *e = NULL;
    int r = sc_profile_read_json(ret, json, strlen(json), &e);

    ck_assert_msg(r == 0, "%s: %s", json, error_message(e));
}

START_TEST(what_is_written_reads_back_the_same)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0};

    read_text(&p, canonical);
    ck_assert_uint_eq(p.n_rules, 3);
    ck_assert_uint_eq(p.rules[1].args[1].value, UINT64_MAX);
    ck_assert_str_eq(p.rules[1].origin, "disable-chmod-x-bit");
    ck_assert_uint_eq(p.default_errno, 38);
    ck_assert(p.log);
    check_writes(&p, (enum sc_arch[]){SC_X86_64, SC_X86}, 2, canonical);
}
END_TEST

START_TEST(a_profile_without_rules_is_its_default)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0};

    check_writes(&p, NULL, 0, "{\n  \"defaultAction\": \"SCMP_ACT_ALLOW\"\n}\n");
    read_text(&p, "{\"defaultAction\": \"SCMP_ACT_KILL\", \"syscalls\": null}");
    ck_assert_int_eq(p.default_action, SC_KILL_THREAD);
}
END_TEST

START_TEST(conditions_on_one_index_are_alternatives)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0};

    read_text(&p,
              "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"personality\"],"
              "\"action\":\"SCMP_ACT_ALLOW\",\"comment\":\"x\",\"args\":["
              "{\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_EQ\"},"
              "{\"index\":1,\"value\":5,\"op\":\"SCMP_CMP_GT\"},"
              "{\"index\":0,\"value\":8,\"op\":\"SCMP_CMP_EQ\"}]}]}");
    ck_assert_uint_eq(p.n_rules, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(p.rules[i].n_args, 1);
        ck_assert_uint_eq(p.rules[i].n_names, 1);
        ck_assert_str_eq(p.rules[i].origin, "x");
    }
    ck_assert_int_eq(p.rules[1].args[0].op, SC_GT);
}
END_TEST

#define ONE(text)  "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{" text "}]}"
#define CALL(text) ONE("\"names\":[\"read\"],\"action\":\"SCMP_ACT_LOG\"" text)
static const struct {
    const char *json, *message;
} refused[] = {
    {"[]", "it is not an object"},
    {"{", "line 1, column 1: string or '}' expected near end of file"},
    {"{}", "defaultAction: it is missing"},
    {"{\"defaultAction\":7}", "defaultAction: not a text"},
    {"{\"defaultAction\":\"ALLOW\"}",
     "defaultAction: 'ALLOW' is not an action (SCMP_ACT_ALLOW, SCMP_ACT_ERRNO, ...)"},
    {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}",
     "'listenerPath' is not known here, and what it asks for would be lost"},
    {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultAction\":\"SCMP_ACT_LOG\"}",
     "line 1, column 49: duplicate object key near '\"defaultAction\"'"},
    {"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
     "defaultAction: SCMP_ACT_NOTIFY needs a listener, which nobody starts"},
    {"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096}",
     "defaultErrnoRet: 4096 is more than 4095"},
    {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_TSYNC\"]}",
     "flags: 'SECCOMP_FILTER_FLAG_TSYNC' is not supported, only SECCOMP_FILTER_FLAG_LOG is"},
    {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86_6\"]}",
     "architectures: 'SCMP_ARCH_X86_6' is not an architecture that is known here"},
    {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":{}}", "syscalls: not a list"},
    {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[7]}", "syscalls[0]: not an object"},
    {ONE("\"action\":\"SCMP_ACT_LOG\""), "syscalls[0].names: it names no system call"},
    {ONE("\"action\":\"SCMP_ACT_LOG\",\"names\":[]"), "syscalls[0].names: it names no system call"},
    {ONE("\"action\":\"SCMP_ACT_LOG\",\"names\":[\"rm -rf\"]"),
     "syscalls[0].names: 'rm -rf' is not the name of a system call"},
    {ONE("\"action\":\"SCMP_ACT_LOG\",\"name\":\"read\""),
     "syscalls[0]: 'name' is not known here, and what it asks for would be lost"},
    {CALL(",\"errnoRet\":1.5"), "syscalls[0].errnoRet: not a whole number"},
    {CALL(",\"errnoRet\":18446744073709551615"),
     "syscalls[0].errnoRet: 18446744073709551615 is more than 4095"},
    {CALL(",\"errnoRet\":18446744073709551616"),
     "line 1, column 119: too big integer near '18446744073709551616'"},
    {CALL(",\"errnoRet\":-1"), "a number is negative"},
    {CALL(",\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]"),
     "syscalls[0].args[0].index: 6 is more than 5"},
    {CALL(",\"args\":[{\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]"),
     "syscalls[0].args[0].index: it is missing"},
    {CALL(",\"args\":[{\"index\":0,\"value\":0}]"),
     "syscalls[0].args[0].op: '' is not a comparison (SCMP_CMP_EQ, SCMP_CMP_MASKED_EQ, ...)"},
    {CALL(",\"includes\":{}"),
     "syscalls[0]: 'includes' is not known here, and what it asks for would be lost"},
};

START_TEST(what_is_not_understood_is_refused_by_name)
{
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        CLEANUP(error_free) struct error *e = NULL;
        CLEANUP_SC_PROFILE struct sc_profile p = {0};
        int r = sc_profile_read_json(&p, refused[i].json, strlen(refused[i].json), &e);

        ck_assert_msg(r == -EINVAL, "%s: %d", refused[i].json, r);
        ck_assert_str_eq(error_message(e), refused[i].message);
        ck_assert_uint_eq(p.n_rules, 0);
    }
}
END_TEST

START_TEST(a_minus_sign_within_a_text_is_no_number)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0};

    read_text(&p, CALL(",\"comment\":\"a \\\"-1\\\" \\\\\""));
    ck_assert_str_eq(p.rules[0].origin, "a \"-1\" \\");
}
END_TEST

START_TEST(every_word_is_its_own_back)
{
    for (int a = 0; a < SC_ACTIONS; a++) {
        enum sc_action back = SC_ACTIONS;

        ck_assert_int_eq(sc_action_parse(&back, sc_action_name((enum sc_action)a)), 0);
        ck_assert_int_eq((int)back, a);
    }
    for (int c = 0; c < SC_COMPARES; c++) {
        enum sc_compare back = SC_COMPARES;

        ck_assert_int_eq(sc_compare_parse(&back, sc_compare_name((enum sc_compare)c)), 0);
        ck_assert_int_eq((int)back, c);
    }
    ck_assert_int_eq(sc_action_parse(&(enum sc_action){0}, "SCMP_ACT_ALLOWED"), -EINVAL);
    ck_assert_int_eq(sc_compare_parse(&(enum sc_compare){0}, "EQ"), -EINVAL);
}
END_TEST

/* ---- the digest of meaning ---- */
#define DENY          "{\"defaultAction\":\"SCMP_ACT_ERRNO\""
#define ALLOWS(names) "{\"names\":[" names "],\"action\":\"SCMP_ACT_ALLOW\"}"
#define MASKED(i)     "{\"index\":" i ",\"value\":64,\"valueTwo\":64,\"op\":\"SCMP_CMP_MASKED_EQ\"}"
#define COND(args)    "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[" args "]}"
static const struct {
    const char *a, *b;
    bool same;
} meanings[] = {
    {DENY "}", DENY ",\"defaultErrnoRet\":1,\"architectures\":[\"SCMP_ARCH_ARM\"]}", true},
    {DENY "}", DENY ",\"defaultErrnoRet\":2}", false},
    {DENY "}", DENY ",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]}", false},
    {DENY "}", "{\"defaultAction\":\"SCMP_ACT_KILL\"}", false},
    {DENY ",\"syscalls\":[" ALLOWS("\"read\",\"write\"") "]}",
     DENY ",\"syscalls\":[" ALLOWS("\"write\"") "," ALLOWS("\"read\"") "," ALLOWS("\"read\"") "]}",
     true},
    {DENY ",\"syscalls\":[" ALLOWS("\"read\"") "]}",
     DENY ",\"syscalls\":[" ALLOWS("\"write\"") "]}", false},
    {DENY "}",
     DENY ",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1}]}",
     true},
    {DENY "}",
     DENY ",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":2}]}",
     false},
    {DENY ",\"syscalls\":[" COND(MASKED("0") "," MASKED("3")) "]}",
     DENY ",\"syscalls\":[" COND(MASKED("3") "," MASKED("0")) "]}", true},
    {DENY ",\"syscalls\":[" COND(MASKED("0")) "]}", DENY ",\"syscalls\":[" COND(MASKED("1")) "]}",
     false},
    {DENY ",\"syscalls\":[" COND(MASKED("0") "," MASKED("0")) "]}",
     DENY ",\"syscalls\":[" COND(MASKED("0")) "]}", true},
};

START_TEST(the_digest_is_of_what_a_profile_means)
{
    for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
        CLEANUP_SC_PROFILE struct sc_profile a = {0}, b = {0};
        struct digest da, db;

        read_text(&a, meanings[i].a);
        read_text(&b, meanings[i].b);
        ck_assert_int_eq(sc_profile_digest(&a, &da), 0);
        ck_assert_int_eq(sc_profile_digest(&b, &db), 0);
        ck_assert_msg(digest_equal(&da, &db) == meanings[i].same, "%s\n%s", meanings[i].a,
                      meanings[i].b);
    }
}
END_TEST

/* ---- blocks ---- */
static struct sc_rule *add(struct sc_profile *p, enum sc_action action, unsigned number,
                           const char *origin, const char *name)
{
    struct sc_rule *r = sc_profile_add(p, action, number, origin);

    ck_assert_ptr_nonnull(r);
    ck_assert_int_eq(sc_rule_add_name(r, name), 0);
    return r;
}

static void add_modes(struct sc_profile *blocks, const char *name, unsigned index)
{
    static const uint32_t masks[] = {0x40, 0x8, 0x1};

    for (size_t i = 0; i < ARRAY_SIZE(masks); i++)
        sc_rule_add_arg32(add(blocks, SC_ERRNO, 1, "disable-chmod-x-bit", name), index, masks[i],
                          masks[i]);
}

static void block(struct sc_profile *p, const struct sc_profile *blocks)
{
    CLEANUP(error_free) struct error *e = NULL;
    int r = sc_profile_block(p, blocks->rules, blocks->n_rules, &e);

    ck_assert_msg(r == 0, "%s", error_message(e));
}

START_TEST(an_allow_list_keeps_what_no_block_wants)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {.default_action = SC_ERRNO, .default_errno = 1};
    CLEANUP_SC_PROFILE struct sc_profile blocks = {0};
    struct sc_rule *allow = add(&p, SC_ALLOW, 0, NULL, "chmod");

    ck_assert_int_eq(sc_rule_add_name(allow, "fchmod"), 0);
    ck_assert_int_eq(sc_rule_add_name(allow, "splice"), 0);
    ck_assert_int_eq(sc_rule_add_name(allow, "read"), 0);
    add_modes(&blocks, "chmod", 1);
    add(&blocks, SC_ERRNO, 1, "dirty-pipe-mitigation", "splice");
    add(&blocks, SC_ERRNO, 1, "not-allowed-anyway", "bpf");
    block(&p, &blocks);
    check_writes(
        &p, NULL, 0,
        "{\n  \"defaultAction\": \"SCMP_ACT_ERRNO\",\n  \"syscalls\": [\n"
        "    {\"names\": [\"fchmod\", \"read\"], \"action\": \"SCMP_ACT_ALLOW\"},\n"
        "    {\"names\": [\"chmod\"], \"action\": \"SCMP_ACT_ERRNO\", \"args\": [{\"index\": "
        "1, \"value\": 64, \"valueTwo\": 64, \"op\": \"SCMP_CMP_MASKED_EQ\"}], \"comment\": "
        "\"disable-chmod-x-bit\"},\n"
        "    {\"names\": [\"chmod\"], \"action\": \"SCMP_ACT_ERRNO\", \"args\": [{\"index\": "
        "1, \"value\": 8, \"valueTwo\": 8, \"op\": \"SCMP_CMP_MASKED_EQ\"}], \"comment\": "
        "\"disable-chmod-x-bit\"},\n"
        "    {\"names\": [\"chmod\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": "
        "1, \"value\": 73, \"valueTwo\": 0, \"op\": \"SCMP_CMP_MASKED_EQ\"}]},\n"
        "    {\"names\": [\"chmod\"], \"action\": \"SCMP_ACT_ERRNO\", \"args\": [{\"index\": "
        "1, \"value\": 1, \"valueTwo\": 1, \"op\": \"SCMP_CMP_MASKED_EQ\"}], \"comment\": "
        "\"disable-chmod-x-bit\"},\n"
        "    {\"names\": [\"splice\"], \"action\": \"SCMP_ACT_ERRNO\", \"comment\": "
        "\"dirty-pipe-mitigation\"}\n  ]\n}\n");
    ck_assert_str_eq(sc_profile_find(&p, "splice", SC_ERRNO)->origin, "dirty-pipe-mitigation");
    ck_assert_str_eq(sc_profile_find(&p, "chmod", SC_ERRNO)->origin, "disable-chmod-x-bit");
    ck_assert_ptr_null(sc_profile_find(&p, "bpf", SC_ERRNO));
    ck_assert_ptr_nonnull(sc_profile_find(&p, "read", SC_ALLOW));
}
END_TEST

START_TEST(in_a_block_list_blocks_are_rules)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0}, blocks = {0};
    struct sc_rule *r;

    sc_rule_add_arg32(add(&blocks, SC_ERRNO, 1, "a", "unshare"), 0, 0x10000000, 0x10000000);
    r = add(&blocks, SC_ERRNO, 1, "b", "splice");
    ck_assert_int_eq(sc_rule_add_name(r, "tee"), 0);
    add(&blocks, SC_ERRNO, 1, "again", "splice");
    add(&blocks, SC_ALLOW, 0, "loosens nothing", "splice");
    block(&p, &blocks);
    check_writes(
        &p, NULL, 0,
        "{\n  \"defaultAction\": \"SCMP_ACT_ALLOW\",\n  \"syscalls\": [\n"
        "    {\"names\": [\"unshare\"], \"action\": \"SCMP_ACT_ERRNO\", \"args\": "
        "[{\"index\": 0, \"value\": 268435456, \"valueTwo\": 268435456, \"op\": "
        "\"SCMP_CMP_MASKED_EQ\"}], \"comment\": \"a\"},\n"
        "    {\"names\": [\"splice\", \"tee\"], \"action\": \"SCMP_ACT_ERRNO\", \"comment\": "
        "\"b\"}\n  ]\n}\n");
}
END_TEST

START_TEST(conditions_that_become_too_many_are_refused)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {.default_action = SC_ERRNO, .default_errno = 1};
    CLEANUP_SC_PROFILE struct sc_profile blocks = {0};
    CLEANUP(error_free) struct error *e = NULL;
    struct sc_rule *r;

    add(&p, SC_ALLOW, 0, NULL, "ioctl");
    r = add(&blocks, SC_ERRNO, 1, "x", "ioctl");
    r->n_args = 2;
    r->args[0] = (struct sc_arg){.index = 0, .op = SC_NE, .value = 5};
    r->args[1] = (struct sc_arg){.index = 1, .op = SC_NE, .value = 5};
    ck_assert_int_eq(sc_profile_block(&p, blocks.rules, blocks.n_rules, &e), -E2BIG);
    ck_assert_str_eq(error_message(e), "system call 'ioctl': what its conditions leave are more "
                                       "than 1024 rules, or more than 4096 of the whole profile");
}
END_TEST

static void random_profile(struct sc_profile *ret, enum sc_action one, enum sc_action other,
                           unsigned *seed)
{
    for (unsigned n = 1 + (unsigned)rand_r(seed) % 2; n > 0; n--)
        random_rule(ret, rand_r(seed) % 3 ? one : other, false, seed);
}

/* What a call gets of a profile under blocks: whatever is strictest; of two errors, the first. */
static struct sc_verdict expected(const struct sc_profile *p, const struct sc_profile *blocks,
                                  const uint64_t args[6])
{
    struct sc_verdict v = direct(p, "ioctl", args);

    for (size_t i = 0; i < blocks->n_rules; i++)
        if (rule_holds(&blocks->rules[i], "ioctl", args) && blocks->rules[i].action > v.action)
            v = (struct sc_verdict){blocks->rules[i].action, blocks->rules[i].errno_ret};
    return v;
}

START_TEST(a_block_takes_exactly_what_it_names)
{
    unsigned seed = 1, n_blocked = 0, n_allowed = 0;

    for (unsigned round = 0; round < 400; round++) {
        CLEANUP_SC_PROFILE struct sc_profile p = {.default_action = SC_ERRNO, .default_errno = 1};
        CLEANUP_SC_PROFILE struct sc_profile before = {0}, blocks = {0};
        unsigned before_seed;

        before.default_action = p.default_action = round % 2 ? SC_ERRNO : SC_ALLOW;
        before.default_errno = p.default_errno = 1;
        before_seed = seed;
        random_profile(&p, SC_ALLOW, SC_LOG, &seed);
        random_profile(&before, SC_ALLOW, SC_LOG, &before_seed);
        random_profile(&blocks, SC_ERRNO, SC_KILL_PROCESS, &seed);
        if (sc_profile_block(&p, blocks.rules, blocks.n_rules, NULL) == -E2BIG)
            continue;
        for (unsigned call = 0; call < 200; call++) {
            uint64_t args[6] = {0};
            struct sc_verdict is, should;

            for (unsigned i = 0; i < 6; i++)
                args[i] = random_value(&seed);
            is = direct(&p, "ioctl", args);
            should = expected(&before, &blocks, args);
            ck_assert_msg(is.action == should.action, "round %u: %s instead of %s", round,
                          sc_action_name(is.action), sc_action_name(should.action));
            n_blocked += should.action == SC_ERRNO;
            n_allowed += should.action == SC_ALLOW;
        }
    }
    ck_assert_uint_gt(n_blocked, 10000);
    ck_assert_uint_gt(n_allowed, 5000);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("seccomp");
    TCase *t = tcase_create("json"), *b = tcase_create("block");

    tcase_add_test(t, what_is_written_reads_back_the_same);
    tcase_add_test(t, a_profile_without_rules_is_its_default);
    tcase_add_test(t, conditions_on_one_index_are_alternatives);
    tcase_add_test(t, what_is_not_understood_is_refused_by_name);
    tcase_add_test(t, a_minus_sign_within_a_text_is_no_number);
    tcase_add_test(t, every_word_is_its_own_back);
    tcase_add_test(t, the_digest_is_of_what_a_profile_means);
    suite_add_tcase(s, t);
    tcase_add_test(b, an_allow_list_keeps_what_no_block_wants);
    tcase_add_test(b, in_a_block_list_blocks_are_rules);
    tcase_add_test(b, conditions_that_become_too_many_are_refused);
    tcase_add_test(b, a_block_takes_exactly_what_it_names);
    suite_add_tcase(s, b);
    return s;
}
