/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/seccomp/program.h"
#include "test/unit/seccomp_rules.h"

static const enum sc_arch wide[] = {SC_X86_64, SC_AARCH64};
static const enum sc_arch all[] = {SC_X86_64, SC_X86, SC_X32, SC_AARCH64, SC_ARM};

static struct sc_rule *add(struct sc_profile *p, enum sc_action action, unsigned number,
                           const char *name)
{
    struct sc_rule *r = sc_profile_add(p, action, number, NULL);

    ck_assert_ptr_nonnull(r);
    ck_assert_int_eq(sc_rule_add_name(r, name), 0);
    return r;
}

static struct sc_program *compile(const struct sc_profile *p, const enum sc_arch *arches, size_t n)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct sc_program *program = NULL;
    int r = sc_compile(&program, p, arches, n, NULL, NULL, &e);

    ck_assert_msg(r == 0, "%s", error_message(e));
    return program;
}

static struct sc_verdict ask(const struct sc_program *program, enum sc_arch arch, const char *name,
                             const uint64_t args[6])
{
    struct sc_verdict v;

    ck_assert_int_eq(sc_simulate(program, arch, sc_syscall_number(arch, name), args, &v), 0);
    return v;
}

/* ---- what is compiled is what the rules say ---- */

/* Rules of the kind that built-in rules and their complements are of: masked, under blocks. */
START_TEST(a_program_does_what_random_rules_say)
{
    unsigned seed = 3, n_allowed = 0, n_denied = 0, n_refused = 0;

    for (unsigned round = 0; round < 300; round++) {
        CLEANUP_SC_PROFILE struct sc_profile p = {.default_action = SC_ERRNO, .default_errno = 1};
        CLEANUP_SC_PROFILE struct sc_profile blocks = {0};
        CLEANUP(sc_program_free) struct sc_program *program = NULL;

        random_rule(&p, SC_ALLOW, true, &seed);
        random_rule(&blocks, SC_ERRNO, true, &seed);
        if (round % 2)
            random_rule(&blocks, SC_KILL_PROCESS, true, &seed);
        if (sc_profile_block(&p, blocks.rules, blocks.n_rules, NULL) < 0 ||
            sc_compile(&program, &p, wide, ARRAY_SIZE(wide), NULL, NULL, NULL) < 0) {
            n_refused++; /* its conditions weigh too much */
            continue;
        }
        for (unsigned call = 0; call < 100; call++) {
            enum sc_arch arch = wide[call % 2];
            uint64_t args[6];
            struct sc_verdict is, should;

            for (unsigned i = 0; i < 6; i++)
                args[i] = random_value(&seed);
            is = ask(program, arch, "ioctl", args);
            should = direct(&p, "ioctl", args);
            ck_assert_msg(is.action == should.action && is.data == should.data,
                          "round %u: %s %u instead of %s %u", round, sc_action_name(is.action),
                          is.data, sc_action_name(should.action), should.data);
            n_allowed += is.action == SC_ALLOW;
            n_denied += is.action == SC_ERRNO;
        }
    }
    ck_assert_uint_gt(n_allowed, 1000);
    ck_assert_uint_gt(n_denied, 1000);
    ck_assert_uint_lt(n_refused, 100);
}
END_TEST

/* libseccomp is not right about every rule; what it compiles to something else must be refused, not
 * written. All comparisons, overlapping, in any order. */
START_TEST(a_program_that_does_something_else_is_refused)
{
    unsigned seed = 5, n_wrong = 0, n_compiled = 0, n_refused = 0;

    for (unsigned round = 0; round < 1000; round++) {
        CLEANUP_SC_PROFILE struct sc_profile p = {.default_action = SC_ERRNO, .default_errno = 1};
        CLEANUP(sc_program_free) struct sc_program *program = NULL;

        for (unsigned i = 0; i < 3; i++)
            random_rule(&p, SC_ALLOW, false, &seed);
        if (sc_compile(&program, &p, wide, ARRAY_SIZE(wide), NULL, NULL, NULL) < 0) {
            n_refused++;
            continue;
        }
        n_compiled++;
        for (unsigned call = 0; call < 100; call++) {
            uint64_t args[6];

            for (unsigned i = 0; i < 6; i++)
                args[i] = random_value(&seed);
            n_wrong +=
                ask(program, SC_X86_64, "ioctl", args).action != direct(&p, "ioctl", args).action;
        }
    }
    ck_assert_uint_eq(n_wrong, 0);
    ck_assert_uint_gt(n_compiled, 200);
    ck_assert_uint_gt(n_refused, 0);
}
END_TEST

/* In a profile that denies by default, what a block by order leaves is masked, and compiles. */
START_TEST(a_block_by_order_compiles)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {.default_action = SC_ERRNO, .default_errno = 1};
    CLEANUP_SC_PROFILE struct sc_profile blocks = {0};
    CLEANUP(sc_program_free) struct sc_program *program = NULL;
    static const struct {
        uint64_t value;
        enum sc_action action;
    } calls[] = {{0, SC_ERRNO},         {9, SC_ERRNO},  {10, SC_ALLOW},
                 {20, SC_ALLOW},        {21, SC_ERRNO}, {10 | 1ULL << 32, SC_ERRNO},
                 {UINT64_MAX, SC_ERRNO}};
    struct sc_rule *r;

    add(&p, SC_ALLOW, 0, "ioctl");
    r = add(&blocks, SC_ERRNO, 1, "ioctl");
    r->args[r->n_args++] = (struct sc_arg){.index = 1, .op = SC_LT, .value = 10};
    r = add(&blocks, SC_ERRNO, 1, "ioctl");
    r->args[r->n_args++] = (struct sc_arg){.index = 1, .op = SC_GT, .value = 20};
    ck_assert_int_eq(sc_profile_block(&p, blocks.rules, blocks.n_rules, NULL), 0);
    program = compile(&p, wide, ARRAY_SIZE(wide));
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        ck_assert_int_eq(ask(program, SC_AARCH64, "ioctl", (uint64_t[6]){0, calls[i].value}).action,
                         calls[i].action);
}
END_TEST

/* ---- architectures ---- */
#define HIGH (1ULL << 40)

static void allow_sockets(struct sc_profile *p)
{
    static const char *const names[] = {"socket",     "setsockopt", "shmget",
                                        "socketcall", "ipc",        "read"};
    struct sc_rule *r;

    *p = (struct sc_profile){.default_action = SC_ERRNO, .default_errno = 1};
    r = add(p, SC_ALLOW, 0, names[0]);
    for (size_t i = 1; i < ARRAY_SIZE(names); i++)
        ck_assert_int_eq(sc_rule_add_name(r, names[i]), 0);
}

static void block_one(struct sc_profile *p, const char *name, unsigned index, uint64_t mask,
                      uint64_t value)
{
    CLEANUP_SC_PROFILE struct sc_profile blocks = {0};
    struct sc_rule *r = add(&blocks, SC_ERRNO, 1, name);

    if (mask) {
        r->args[0] =
            (struct sc_arg){.index = index, .op = SC_MASKED_EQ, .value = mask, .value_two = value};
        r->n_args = 1;
    }
    ck_assert_int_eq(sc_profile_block(p, blocks.rules, 1, NULL), 0);
}

static const struct {
    const char *name; /* what is blocked */
    unsigned index;
    uint64_t mask, value;
    const char *arches;
} blocked[] = {
    {"read", 0, 0xff, 1, "x86_64 x86 x32"},
    {"read", 0, HIGH, HIGH, "x86_64 x86"},     /* about more than 32 bits */
    {"read", 0, HIGH | 1, 1, "x86_64"},        /* what is left of it is too */
    {"setsockopt", 0, 0, 0, "x86_64 x86 x32"}, /* all of them, socketcall's too */
    {"setsockopt", 1, 0xff, 1, "x86_64 x32"},  /* an argument that socketcall hides */
    {"shmget", 2, 0xff, 1, "x86_64 x32"},
};

START_TEST(an_architecture_that_cannot_be_done_is_left_out)
{
    for (size_t i = 0; i < ARRAY_SIZE(blocked); i++) {
        CLEANUP_SC_PROFILE struct sc_profile p = {0};
        CLEANUP(sc_program_free) struct sc_program *program = NULL;
        enum sc_arch arches[SC_ARCHES];
        char text[64] = "";
        size_t n;

        allow_sockets(&p);
        block_one(&p, blocked[i].name, blocked[i].index, blocked[i].mask, blocked[i].value);
        ck_assert_int_eq(sc_profile_arches(&p, "x86_64", arches, &n), 0);
        for (size_t a = 0; a < n; a++)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", a ? " " : "",
                     arches[a] == SC_X86_64 ? "x86_64"
                     : arches[a] == SC_X86  ? "x86"
                                            : "x32");
        ck_assert_msg(strcmp(text, blocked[i].arches) == 0, "%s: %s", blocked[i].name, text);
        program = compile(&p, arches, n);
        ck_assert_uint_gt(sc_program_length(program), 0);
    }
}
END_TEST

START_TEST(an_unknown_machine_has_no_architecture)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0};
    enum sc_arch arches[SC_ARCHES];
    size_t n = 7;

    ck_assert_int_eq(sc_profile_arches(&p, "riscv64", arches, &n), 0);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(sc_profile_arches(&p, "aarch64", arches, &n), 0);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(arches[0], SC_AARCH64);
}
END_TEST

/* In a profile that allows by default, too: the call through socketcall is blocked whole. */
START_TEST(a_blocked_call_is_blocked_through_its_multiplexer)
{
    static const uint64_t setsockopt_call[6] = {14, 0xbfff0000}, other[6] = {13, 0xbfff0000};

    for (int deny = 0; deny < 2; deny++) {
        CLEANUP_SC_PROFILE struct sc_profile p = {0};
        CLEANUP(sc_program_free) struct sc_program *program = NULL;

        if (deny)
            allow_sockets(&p);
        block_one(&p, "setsockopt", 1, deny ? 0 : 0xff, 1);
        program = compile(&p, all, ARRAY_SIZE(all));
        ck_assert_int_eq(ask(program, SC_X86, "socketcall", setsockopt_call).action, SC_ERRNO);
        ck_assert_int_eq(ask(program, SC_X86, "socketcall", other).action, SC_ALLOW);
        ck_assert_int_eq(ask(program, SC_X86, "setsockopt", (uint64_t[6]){3, 1}).action, SC_ERRNO);
    }
}
END_TEST

/* ---- names and numbers ---- */
static const struct {
    enum sc_arch arch;
    uint32_t audit_arch;
    const char *name;
    int number;
} numbers[] = {
    {SC_X86_64, AUDIT_ARCH_X86_64, "fcntl", 72},
    {SC_X86_64, AUDIT_ARCH_X86_64, "unshare", 272},
    {SC_X86_64, AUDIT_ARCH_X86_64, "userfaultfd", 323},
    {SC_X86_64, AUDIT_ARCH_X86_64, "socketcall", -1},
    {SC_X86, AUDIT_ARCH_I386, "socketcall", 102},
    {SC_X86, AUDIT_ARCH_I386, "setsockopt", 366},
    {SC_X86, AUDIT_ARCH_I386, "recv", -1}, /* through socketcall only */
    {SC_X86, AUDIT_ARCH_I386, "shmget", 395},
    {SC_X32, AUDIT_ARCH_X86_64, "read", 0x40000000},
    {SC_X32, AUDIT_ARCH_X86_64, "setsockopt", 0x40000000 + 541},
    {SC_AARCH64, AUDIT_ARCH_AARCH64, "unshare", 97},
    {SC_AARCH64, AUDIT_ARCH_AARCH64, "chmod", -1},
    {SC_ARM, AUDIT_ARCH_ARM, "chmod", 15},
};

START_TEST(calls_have_names_and_numbers)
{
    char name[64];

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        int nr = sc_syscall_number(numbers[i].arch, numbers[i].name);

        if (numbers[i].number < 0) {
            ck_assert_int_lt(nr, 0);
            continue;
        }
        ck_assert_int_eq(nr, numbers[i].number);
        sc_syscall_name(numbers[i].audit_arch, nr, name);
        ck_assert_str_eq(name, numbers[i].name);
    }
    ck_assert_int_lt(sc_syscall_number(SC_X86_64, "no_such_call"), 0);
    sc_syscall_name(AUDIT_ARCH_X86_64, 9999, name);
    ck_assert_str_eq(name, "9999");
    sc_syscall_name(7, 1, name);
    ck_assert_str_eq(name, "1");
}
END_TEST

static void on_unknown(const char *name, void *data)
{
    ck_assert_str_eq(name, "no_such_call");
    *(unsigned *)data += 1;
}

START_TEST(an_unknown_name_is_told_and_left_out)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0};
    CLEANUP(sc_program_free) struct sc_program *program = NULL;
    unsigned n = 0;

    add(&p, SC_ERRNO, 1, "no_such_call");
    add(&p, SC_ERRNO, 5, "read");
    ck_assert_int_eq(sc_compile(&program, &p, all, ARRAY_SIZE(all), on_unknown, &n, NULL), 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(ask(program, SC_ARM, "read", (uint64_t[6]){0}).data, 5);
}
END_TEST

/* ---- hostile profiles and programs ---- */
START_TEST(a_profile_that_would_take_long_is_refused)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {.default_action = SC_ERRNO, .default_errno = 1};
    CLEANUP_SC_PROFILE struct sc_profile many = {0};
    CLEANUP(error_free) struct error *e = NULL, *f = NULL;
    struct sc_program *program = NULL;

    for (unsigned i = 0; i < 6; i++) {
        struct sc_rule *r = add(&p, SC_ALLOW, 0, "ioctl");

        for (unsigned k = 0; k < SC_MAX_ARGS; k++)
            r->args[r->n_args++] =
                (struct sc_arg){.index = (i + k) % SC_MAX_ARGS, .op = SC_GT, .value = i * k};
    }
    ck_assert_int_eq(sc_compile(&program, &p, all, ARRAY_SIZE(all), NULL, NULL, &e), -EINVAL);
    ck_assert_str_eq(error_message(e), "its conditions weigh 1296 (the cube of their number, for "
                                       "each rule and name); the limit is 1280");
    for (unsigned i = 0; i < 2049; i++)
        add(&many, SC_ERRNO, 1, "read");
    ck_assert_int_eq(sc_compile(&program, &many, all, ARRAY_SIZE(all), NULL, NULL, &f), -EINVAL);
    ck_assert_str_eq(error_message(f), "its rules name 2049 system calls; the limit is 2048");
}
END_TEST

static const struct {
    struct sock_filter code[2];
    size_t n;
} malformed[] = {
    {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)}, 1}, /* no end */
    {{BPF_JUMP(BPF_JMP | BPF_JA, 7, 0, 0)}, 1},   /* leads out */
    {{BPF_JUMP(BPF_JMP | BPF_JA, UINT32_MAX, 0, 0)}, 1},
    {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), BPF_STMT(BPF_RET | BPF_K, 0)}, 2}, /* beyond data */
    {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), BPF_STMT(BPF_RET | BPF_K, 0)}, 2},  /* not aligned */
    {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, UINT32_MAX), BPF_STMT(BPF_RET | BPF_K, 0)}, 2},
    {{BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_K, 0)}, 2}, /* a byte */
    {{BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), BPF_STMT(BPF_RET | BPF_K, 0)}, 2},
    {{BPF_STMT(BPF_LD | BPF_W | BPF_MEM, 16), BPF_STMT(BPF_RET | BPF_K, 0)}, 2},
    {{BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET | BPF_K, 0)}, 2},
    {{BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 0)}, 2},
    {{BPF_STMT(BPF_ALU | 0xf0, 0), BPF_STMT(BPF_RET | BPF_K, 0)}, 2},
    {{BPF_STMT(BPF_MISC | 0x40, 0), BPF_STMT(BPF_RET | BPF_K, 0)}, 2},
    {{BPF_STMT(BPF_RET | 0x18, 0)}, 1},
};

START_TEST(a_malformed_program_is_no_verdict)
{
    static const uint64_t args[6] = {0};
    struct sc_verdict v;

    for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
        struct sock_filter code[2];
        const struct sc_program p = {.code = code, .n = malformed[i].n};

        memcpy(code, malformed[i].code, sizeof(code));
        ck_assert_msg(sc_simulate(&p, SC_X86_64, 0, args, &v) == -EINVAL, "%zu", i);
    }
}
END_TEST

START_TEST(every_instruction_calculates_as_the_kernel_does)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), /* 64 */
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
        BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 28), /* 100 */
        BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 6),
        BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 4), /* 150 */
        BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 4),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 2), /* 600 */
        BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 0x3),
        BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 0x1000),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff),
        BPF_STMT(BPF_ST, 3),
        BPF_STMT(BPF_LDX | BPF_W | BPF_MEM, 3),
        BPF_STMT(BPF_MISC | BPF_TXA, 0),
        BPF_STMT(BPF_ALU | BPF_NEG, 0),
        BPF_STMT(BPF_ALU | BPF_NEG, 0),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3, 0, 1),
        BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    const struct sc_program p = {.code = code, .n = ARRAY_SIZE(code)};
    struct sc_verdict v;

    ck_assert_int_eq(sc_simulate(&p, SC_X86_64, 0, (uint64_t[6]){0}, &v), 0);
    ck_assert_int_eq(v.action, SC_ERRNO);
    ck_assert_uint_eq(v.data, 600 ^ 3);
}
END_TEST

/* ---- the kernel ---- */
#define DENIED 299 /* no call answers with this by itself */

/* Calls that do nothing, with arguments on both sides of the conditions below. */
static const struct {
    const char *name;
    uint64_t args[6];
} tried[] = {
    {"setsockopt", {UINT32_MAX, 1, 26}},
    {"setsockopt", {UINT32_MAX, 1 | 1ULL << 32, 26}},
    {"setsockopt", {UINT32_MAX, 1, 26 | 1ULL << 63}},
    {"setsockopt", {UINT32_MAX, 1, 51}},
    {"setsockopt", {UINT32_MAX, 1, 25}},
    {"setsockopt", {UINT32_MAX, 6, 26}},
    {"setsockopt", {UINT32_MAX, 0, 0}},
    {"fchmod", {UINT32_MAX, 0100}},
    {"fchmod", {UINT32_MAX, 010}},
    {"fchmod", {UINT32_MAX, 01}},
    {"fchmod", {UINT32_MAX, 0644}},
    {"fchmod", {UINT32_MAX, 0644 | 1ULL << 35}},
    {"fchmod", {UINT32_MAX, 0755 | 1ULL << 35}},
    {"splice", {UINT32_MAX}},
    {"tee", {UINT32_MAX}},
    {"ioctl", {UINT32_MAX, 0x5412}},
    {"ioctl", {UINT32_MAX, 0x5412 | 1ULL << 32}},
    {"ioctl", {UINT32_MAX, 0x5413}},
};

static void make_kernel_profile(struct sc_profile *p)
{
    static const char *const allowed[] = {"setsockopt", "fchmod", "splice",    "tee",
                                          "ioctl",      "write",  "exit_group"};
    static const uint32_t masks[] = {0x40, 0x8, 0x1}, options[] = {26, 51};
    CLEANUP_SC_PROFILE struct sc_profile blocks = {0};

    *p = (struct sc_profile){.default_action = SC_ERRNO, .default_errno = DENIED};
    for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
        add(p, SC_ALLOW, 0, allowed[i]);
    for (size_t i = 0; i < ARRAY_SIZE(masks); i++)
        sc_rule_add_arg32(add(&blocks, SC_ERRNO, DENIED, "fchmod"), 1, masks[i], masks[i]);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        struct sc_rule *r = add(&blocks, SC_ERRNO, DENIED, "setsockopt");

        sc_rule_add_arg32(r, 1, UINT32_MAX, 1);
        sc_rule_add_arg32(r, 2, UINT32_MAX, options[i]);
    }
    sc_rule_add_arg32(add(&blocks, SC_ERRNO, DENIED, "ioctl"), 1, UINT32_MAX, 0x5412);
    add(&blocks, SC_ERRNO, DENIED, "splice");
    ck_assert_int_eq(sc_profile_block(p, blocks.rules, blocks.n_rules, NULL), 0);
}

static enum sc_arch native(void)
{
#ifdef __x86_64__
    return SC_X86_64;
#else
    return SC_AARCH64;
#endif
}

static bool load(const struct sc_program *program)
{
    const struct sock_fprog f = {.len = (unsigned short)program->n, .filter = program->code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &f) == 0;
}

static int run_child(const struct sc_program *program, const bool denied[static ARRAY_SIZE(tried)],
                     const int numbers_of[static ARRAY_SIZE(tried)])
{
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (!load(program))
            syscall(SYS_exit_group, 200);
        for (size_t i = 0; i < ARRAY_SIZE(tried); i++) {
            const uint64_t *a = tried[i].args;
            long r = syscall(numbers_of[i], a[0], a[1], a[2], a[3], a[4], a[5]);

            if ((r < 0 && errno == DENIED) != denied[i])
                syscall(SYS_exit_group, 1 + i);
        }
        syscall(SYS_exit_group, 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

START_TEST(the_kernel_says_what_the_simulator_says)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0};
    CLEANUP(sc_program_free) struct sc_program *program = NULL;
    bool denied[ARRAY_SIZE(tried)];
    int numbers_of[ARRAY_SIZE(tried)];
    enum sc_arch arches[SC_ARCHES];
    unsigned n_denied = 0;
    size_t n;
    int status;

    make_kernel_profile(&p);
    ck_assert_int_eq(
        sc_profile_arches(&p, native() == SC_X86_64 ? "x86_64" : "aarch64", arches, &n), 0);
    program = compile(&p, arches, n);
    for (size_t i = 0; i < ARRAY_SIZE(tried); i++) {
        numbers_of[i] = sc_syscall_number(native(), tried[i].name);
        denied[i] = ask(program, native(), tried[i].name, tried[i].args).action == SC_ERRNO;
        n_denied += denied[i];
    }
    ck_assert_uint_eq(n_denied, 11);
    status = run_child(program, denied, numbers_of);
    ck_assert_msg(status == 0, "%s",
                  status > (int)ARRAY_SIZE(tried) ? "the filter does not load"
                                                  : tried[status - 1].name);
}
END_TEST

/* getppid() under each action: how the child ends. */
static const struct {
    enum sc_action action;
    int status, signal;
} ends[] = {
    {SC_ALLOW, 1, 0},
    {SC_LOG, 1, 0},
    {SC_ERRNO, 2, 0},
    {SC_TRAP, 0, SIGSYS},
    {SC_KILL_PROCESS, 0, SIGSYS},
};

START_TEST(each_action_does_in_the_kernel_what_its_name_says)
{
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        CLEANUP_SC_PROFILE struct sc_profile p = {0};
        CLEANUP(sc_program_free) struct sc_program *program = NULL;
        const enum sc_arch arch = native();
        int status;
        pid_t pid;

        add(&p, ends[i].action, DENIED, "getppid");
        program = compile(&p, &arch, 1);
        pid = fork();
        if (pid == 0) {
            signal(SIGSYS, SIG_DFL);
            if (!load(program))
                syscall(SYS_exit_group, 200);
            syscall(SYS_exit_group, syscall(SYS_getppid) < 0 && errno == DENIED ? 2 : 1);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(WIFSIGNALED(status) ? WTERMSIG(status) : 0, ends[i].signal);
        ck_assert_int_eq(WIFEXITED(status) ? WEXITSTATUS(status) : 0, ends[i].status);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("seccomp_compile");
    TCase *t = tcase_create("compile"), *k = tcase_create("kernel");

    tcase_set_timeout(t, 30);
    tcase_add_test(t, a_program_does_what_random_rules_say);
    tcase_add_test(t, a_program_that_does_something_else_is_refused);
    tcase_add_test(t, a_block_by_order_compiles);
    tcase_add_test(t, an_architecture_that_cannot_be_done_is_left_out);
    tcase_add_test(t, an_unknown_machine_has_no_architecture);
    tcase_add_test(t, a_blocked_call_is_blocked_through_its_multiplexer);
    tcase_add_test(t, calls_have_names_and_numbers);
    tcase_add_test(t, an_unknown_name_is_told_and_left_out);
    tcase_add_test(t, a_profile_that_would_take_long_is_refused);
    tcase_add_test(t, a_malformed_program_is_no_verdict);
    tcase_add_test(t, every_instruction_calculates_as_the_kernel_does);
    suite_add_tcase(s, t);
    tcase_add_test(k, the_kernel_says_what_the_simulator_says);
    tcase_add_test(k, each_action_does_in_the_kernel_what_its_name_says);
    suite_add_tcase(s, k);
    return s;
}
