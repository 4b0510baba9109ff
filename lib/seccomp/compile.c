/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles as programs, by libseccomp, in the way that runtimes (runc, crun) use it: the same rules
 * in the same order, so that what compiles here starts there.
 */
#include "lib/seccomp/multiplexer.h"
#include "lib/seccomp/program.h"
#include "lib/seccomp/rule.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* libseccomp keeps the conditions of a call as a tree, into which a rule is laid by comparing it with
 * all that is there: more than quadratic in rules, worse in their conditions. So a rule weighs the
 * cube of its number of conditions, for each of its names, and this bounds the time of a hostile
 * profile to some 200 ms, of which sc_program_check() takes up to half; what the built-in rules need
 * together is half of it, and takes 5. */
#define MAX_WEIGHT 1280
#define MAX_NAMES  2048 /* of all rules together: each is compared with each */
#define API_LEVEL  6    /* all actions of libseccomp 2.5: the program may be for another kernel */

struct sc_program *sc_program_free(struct sc_program *p)
{
    if (p)
        free(p->code);
    free(p);
    return NULL;
}

size_t sc_program_length(const struct sc_program *p)
{
    return p->n;
}

static uint32_t arch_token(enum sc_arch a)
{
    static const uint32_t tokens[] = {
        [SC_X86_64] = SCMP_ARCH_X86_64,   [SC_X86] = SCMP_ARCH_X86, [SC_X32] = SCMP_ARCH_X32,
        [SC_AARCH64] = SCMP_ARCH_AARCH64, [SC_ARM] = SCMP_ARCH_ARM,
    };
    _Static_assert(ARRAY_SIZE(tokens) == SC_ARCHES, "a token for each architecture");

    return tokens[a];
}

static uint32_t action_code(enum sc_action a, unsigned number)
{
    switch (a) {
    case SC_ALLOW:
        return SCMP_ACT_ALLOW;
    case SC_LOG:
        return SCMP_ACT_LOG;
    case SC_TRACE:
        return SCMP_ACT_TRACE(number);
    case SC_NOTIFY:
        return SCMP_ACT_NOTIFY;
    case SC_ERRNO:
        return SCMP_ACT_ERRNO(number);
    case SC_TRAP:
        return SCMP_ACT_TRAP;
    case SC_KILL_THREAD:
        return SCMP_ACT_KILL_THREAD;
    default:
        return SCMP_ACT_KILL_PROCESS;
    }
}

static enum scmp_compare comparison(enum sc_compare c)
{
    static const enum scmp_compare comparisons[] = {
        [SC_NE] = SCMP_CMP_NE,
        [SC_LT] = SCMP_CMP_LT,
        [SC_LE] = SCMP_CMP_LE,
        [SC_EQ] = SCMP_CMP_EQ,
        [SC_GE] = SCMP_CMP_GE,
        [SC_GT] = SCMP_CMP_GT,
        [SC_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
    };
    _Static_assert(ARRAY_SIZE(comparisons) == SC_COMPARES, "one for each comparison");

    return comparisons[c];
}

static void context_release(scmp_filter_ctx c)
{
    seccomp_release(c);
}
DEFINE_CLEANUP(scmp_filter_ctx, context_release)

static int set_arches(scmp_filter_ctx c, const enum sc_arch *arches, size_t n_arches)
{
    uint32_t native = seccomp_arch_native();
    int r = seccomp_arch_remove(c, native);

    for (size_t i = 0; i < n_arches && (r == 0 || r == -EEXIST); i++)
        r = seccomp_arch_add(c, arch_token(arches[i]));
    return r == -EEXIST ? 0 : r;
}

static int add_rule(scmp_filter_ctx c, const struct sc_rule *rule,
                    void (*unknown)(const char *name, void *data), void *data,
                    struct error **reterr)
{
    struct scmp_arg_cmp conditions[SC_MAX_ARGS];

    for (size_t i = 0; i < rule->n_args; i++)
        conditions[i] = (struct scmp_arg_cmp){.arg = rule->args[i].index,
                                              .op = comparison(rule->args[i].op),
                                              .datum_a = rule->args[i].value,
                                              .datum_b = rule->args[i].value_two};
    for (size_t i = 0; i < rule->n_names; i++) {
        int number = seccomp_syscall_resolve_name(rule->names[i]);
        int r;

        if (number == __NR_SCMP_ERROR) {
            if (unknown)
                unknown(rule->names[i], data);
            continue;
        }
        r = seccomp_rule_add_array(c, action_code(rule->action, rule->errno_ret), number,
                                   (unsigned)rule->n_args, conditions);
        if (r == -ENOMEM)
            return error_oom(reterr);
        if (r < 0)
            return error_set(reterr, -EINVAL, "system call '%s': libseccomp does not take it: %s",
                             error_quote(rule->names[i]), strerror(-r));
    }
    return 0;
}

static int check_weight(const struct sc_profile *p, struct error **reterr)
{
    size_t weight = 0, n_names = 0;

    for (size_t i = 0; i < p->n_rules; i++) {
        const struct sc_rule *r = &p->rules[i];

        if (!sc_rule_is_default(p, r))
            weight += r->n_args * r->n_args * r->n_args * r->n_names;
        n_names += r->n_names;
    }
    if (n_names > MAX_NAMES)
        return error_set(reterr, -EINVAL, "its rules name %zu system calls; the limit is %d",
                         n_names, MAX_NAMES);
    if (weight > MAX_WEIGHT)
        return error_set(reterr, -EINVAL,
                         "its conditions weigh %zu (the cube of their number, for each rule and "
                         "name); the limit is %d",
                         weight, MAX_WEIGHT);
    return 0;
}

/* libseccomp writes programs to descriptors only. */
static int export_program(struct sc_program **ret, scmp_filter_ctx c, struct error **reterr)
{
    CLEANUP(sc_program_free) struct sc_program *p = calloc(1, sizeof(*p));
    CLEANUP_CLOSE int fd = memfd_create("seccomp", MFD_CLOEXEC);
    ssize_t size;
    int r;

    if (!p)
        return error_oom(reterr);
    if (fd < 0)
        return error_errno(reterr, errno, "a file in memory");
    r = seccomp_export_bpf(c, fd);
    if (r < 0)
        return error_errno(reterr, r, "libseccomp makes no program of it");
    size = lseek(fd, 0, SEEK_END);
    if (size <= 0 || (size_t)size > BPF_MAXINSNS * sizeof(*p->code))
        return error_set(reterr, -EINVAL, "%zd instructions; the kernel takes at most %d",
                         size / (ssize_t)sizeof(*p->code), BPF_MAXINSNS);
    p->code = malloc((size_t)size);
    if (!p->code)
        return error_oom(reterr);
    if (pread(fd, p->code, (size_t)size, 0) != size)
        return error_set(reterr, -EINVAL, "the program is shorter than it was");
    p->n = (size_t)size / sizeof(*p->code);
    *ret = TAKE(p);
    return 0;
}

int sc_compile(struct sc_program **ret, const struct sc_profile *p, const enum sc_arch *arches,
               size_t n_arches, void (*unknown)(const char *name, void *data), void *data,
               struct error **reterr)
{
    CLEANUP(context_release) scmp_filter_ctx c = NULL;
    CLEANUP(sc_program_free) struct sc_program *program = NULL;
    int r = check_weight(p, reterr);

    if (r < 0)
        return r;
    seccomp_api_set(API_LEVEL); /* else it asks this kernel what it may take */
    c = seccomp_init(action_code(p->default_action, p->default_errno));
    if (!c)
        return error_oom(reterr);
    r = set_arches(c, arches, n_arches);
    if (r == 0 && p->n_rules > SC_TREE_THRESHOLD)
        r = seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (r < 0)
        return error_errno(reterr, r, "libseccomp");
    for (size_t i = 0; i < p->n_rules && r == 0; i++)
        if (!sc_rule_is_default(p, &p->rules[i]))
            r = add_rule(c, &p->rules[i], unknown, data, reterr);
    if (r == 0)
        r = export_program(&program, c, reterr);
    if (r == 0)
        r = sc_program_check(program, p, arches, n_arches, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(program);
    return 0;
}

int sc_syscall_number(enum sc_arch arch, const char *name)
{
    const struct sc_multiplexed *m = arch == SC_X86 ? sc_multiplexed_find(name) : NULL;
    /* libseccomp answers with a made-up number for what 32-bit x86 has twice */
    int number = m ? m->direct : seccomp_syscall_resolve_name_arch(arch_token(arch), name);

    return number < 0 ? -ENOSYS : number;
}

void sc_syscall_name(uint32_t audit_arch, int nr, char ret[static 64])
{
    bool x32 = audit_arch == SCMP_ARCH_X86_64 && nr >= 0 && nr & SC_X32_BIT;
    char *name = NULL;

    /* libseccomp has negative numbers of its own, for calls that an architecture lacks */
    if (nr >= 0)
        name = seccomp_syscall_resolve_num_arch(x32 ? SCMP_ARCH_X32 : audit_arch, nr);
    if (name)
        snprintf(ret, 64, "%s", name);
    else
        snprintf(ret, 64, "%d", nr);
    free(name);
}
