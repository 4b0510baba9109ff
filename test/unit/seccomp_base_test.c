/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/socket.h>

#include "profiles/seccomp_base.h"

#define HIGH_BIT (1ULL << 32)

static const enum sc_arch arches[] = {SC_X86_64, SC_X86, SC_X32, SC_AARCH64, SC_ARM};

/* What the base says of a call; the call is one of every architecture unless arch says otherwise. */
static const struct {
    const char *name;
    uint64_t args[2];
    enum sc_action action;
    unsigned number;
} calls[] = {
    {"read", {0}, SC_ALLOW, 0},
    {"mprotect", {0}, SC_ALLOW, 0},
    {"chmod", {0, 06777}, SC_ALLOW, 0},
    {"splice", {0}, SC_ALLOW, 0},
    {"setsockopt", {0, 1}, SC_ALLOW, 0},
    {"clone", {CLONE_VM | CLONE_THREAD}, SC_ALLOW, 0},
    {"clone", {CLONE_NEWUSER}, SC_ERRNO, EPERM},
    {"clone", {CLONE_NEWNS | CLONE_VM}, SC_ERRNO, EPERM},
    {"clone3", {0}, SC_ERRNO, ENOSYS},
    {"unshare", {0}, SC_ERRNO, EPERM},
    {"setns", {0}, SC_ERRNO, EPERM},
    {"mount", {0}, SC_ERRNO, EPERM},
    {"move_mount", {0}, SC_ERRNO, EPERM},
    {"bpf", {0}, SC_ERRNO, EPERM},
    {"userfaultfd", {0}, SC_ERRNO, EPERM},
    {"io_uring_setup", {0}, SC_ERRNO, EPERM},
    {"perf_event_open", {0}, SC_ERRNO, EPERM},
    {"keyctl", {0}, SC_ERRNO, EPERM},
    {"open_by_handle_at", {0}, SC_ERRNO, EPERM},
    {"init_module", {0}, SC_ERRNO, EPERM},
    {"personality", {0}, SC_ALLOW, 0},
    {"personality", {UINT32_MAX}, SC_ALLOW, 0},
    {"personality", {0x0040000}, SC_ERRNO, EPERM}, /* ADDR_NO_RANDOMIZE */
    {"socket", {AF_INET}, SC_ALLOW, 0},
    {"socket", {AF_UNIX}, SC_ALLOW, 0},
    {"socket", {AF_PACKET}, SC_ALLOW, 0},
    {"socket", {AF_KCM}, SC_ALLOW, 0},
    {"socket", {AF_ALG}, SC_ERRNO, EPERM},
    {"socket", {AF_VSOCK}, SC_ERRNO, EPERM},
    {"socket", {AF_VSOCK | HIGH_BIT}, SC_ERRNO, EPERM},
    {"clone", {CLONE_NEWUSER | HIGH_BIT}, SC_ERRNO, EPERM},
};

static void fill(struct sc_profile *ret)
{
    CLEANUP(error_free) struct error *e = NULL;
    int r = seccomp_base_fill(ret, &e);

    ck_assert_msg(r == 0, "%s", error_message(e));
}

START_TEST(it_allows_what_runtimes_allow)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0};
    CLEANUP(sc_program_free) struct sc_program *program = NULL;
    unsigned n = 0;

    fill(&p);
    ck_assert_int_eq(sc_compile(&program, &p, arches, ARRAY_SIZE(arches), NULL, NULL, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        for (size_t a = 0; a < ARRAY_SIZE(arches); a++) {
            int nr = sc_syscall_number(arches[a], calls[i].name);
            uint64_t args[6] = {calls[i].args[0], calls[i].args[1]};
            struct sc_verdict v;

            if (nr < 0)
                continue;
            ck_assert_int_eq(sc_simulate(program, arches[a], nr, args, &v), 0);
            ck_assert_msg(v.action == calls[i].action && v.data == calls[i].number,
                          "%s of %s: %s %u", calls[i].name, sc_arch_name(arches[a]),
                          sc_action_name(v.action), v.data);
            n++;
        }
    ck_assert_uint_gt(n, 4 * ARRAY_SIZE(calls));
}
END_TEST

START_TEST(it_survives_a_file_and_back)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0}, back = {0};
    CLEANUP_BUF struct buf json = BUF_INIT(SC_MAX_JSON);
    struct digest a, b;

    fill(&p);
    ck_assert_int_eq(sc_profile_write_json(&p, NULL, 0, &json), 0);
    ck_assert_int_eq(sc_profile_read_json(&back, buf_text(&json), json.len, NULL), 0);
    ck_assert_int_eq(sc_profile_digest(&p, &a), 0);
    ck_assert_int_eq(sc_profile_digest(&back, &b), 0);
    ck_assert(digest_equal(&a, &b));
    ck_assert_uint_eq(p.n_rules, back.n_rules);
}
END_TEST

#define FILE_OF(where, block)                                                                      \
    "allow: [read]\nallow_where:\n" where "\nblock:\n" block "\nanswer_enosys: [clone3]\n"
#define WHERE "- syscalls: [clone]\n  args: [{index: 0, mask: 0x1, value: 0x0}]"
static const struct {
    const char *text, *message;
} refused[] = {
    {"allow: [read]\n", "x:1:1: allow, allow_where, block and answer_enosys are wanted"},
    {"[]", "x:1:1: a map is wanted"},
    {"allow: [read]\nallowed: [write]\n", "x:2:1: this key is not known"},
    {FILE_OF(WHERE, "- syscalls: []"), "x:6:13: a list of system calls is wanted"},
    {FILE_OF(WHERE, "- syscalls: [Read]"), "x:6:14: the name of a system call is wanted"},
    {FILE_OF(WHERE, "- syscall: [read]"), "x:6:3: this key is not known"},
    {FILE_OF("- syscalls: [clone]\n  args: [{index: 6, mask: 1, value: 1}]", " []"),
     "x:4:18: this number is out of range"},
    {FILE_OF("- syscalls: [clone]\n  args: [{index: 0, mask: 0x100000000, value: 1}]", " []"),
     "x:4:27: this number is out of range"},
    {FILE_OF("- syscalls: [clone]\n  args: [{index: 0, mask: 1, value: 3}]", " []"),
     "x:4:10: the value has bits that the mask has not"},
    {FILE_OF("- syscalls: [clone]\n  args: [{index: 0, mask: 1}]", " []"),
     "x:4:10: index, mask and value are wanted, as numbers"},
    {FILE_OF(
         "- syscalls: [clone]\n  args: [{index: 0, mask: 1, value: 1}, {index: 0, mask: 2, value: 2}]",
         " []"),
     "x:4:41: this argument has a condition already"},
};

START_TEST(a_typo_is_refused_with_its_place)
{
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        CLEANUP(error_free) struct error *e = NULL;
        CLEANUP_SC_PROFILE struct sc_profile p = {0};
        const char *text = refused[i].text;

        ck_assert_int_eq(seccomp_base_parse(&p, "x", text, strlen(text), &e), -EINVAL);
        ck_assert_str_eq(error_message(e), refused[i].message);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("seccomp_base");
    TCase *t = tcase_create("base");

    tcase_add_test(t, it_allows_what_runtimes_allow);
    tcase_add_test(t, it_survives_a_file_and_back);
    tcase_add_test(t, a_typo_is_refused_with_its_place);
    suite_add_tcase(s, t);
    return s;
}
