/* SPDX-License-Identifier: Apache-2.0 */
/* A program against the rules that it was made of. */
#include "lib/seccomp/program.h"
#include "lib/seccomp/rule.h"

#include <errno.h>
#include <string.h>

#define VARIATIONS 7 /* of one argument around a condition */

static bool condition_holds(const struct sc_arg *a, const uint64_t args[6])
{
    uint64_t value = args[a->index];

    switch (a->op) {
    case SC_NE:
        return value != a->value;
    case SC_LT:
        return value < a->value;
    case SC_LE:
        return value <= a->value;
    case SC_EQ:
        return value == a->value;
    case SC_GE:
        return value >= a->value;
    case SC_GT:
        return value > a->value;
    default:
        return (value & a->value) == a->value_two;
    }
}

static bool rule_holds(const struct sc_rule *r, const char *name, const uint64_t args[6])
{
    for (size_t i = 0; i < r->n_args; i++)
        if (!condition_holds(&r->args[i], args))
            return false;
    return sc_rule_has_name(r, name);
}

static struct sc_verdict expected(const struct sc_profile *p, const char *name,
                                  const uint64_t args[6])
{
    const struct sc_rule *strictest = NULL;

    for (size_t i = 0; i < p->n_rules; i++) {
        const struct sc_rule *r = &p->rules[i];

        if ((!strictest || r->action > strictest->action) && !sc_rule_is_default(p, r) &&
            rule_holds(r, name, args))
            strictest = r;
    }
    if (strictest)
        return (struct sc_verdict){strictest->action, strictest->errno_ret};
    return (struct sc_verdict){p->default_action,
                               sc_action_has_number(p->default_action) ? p->default_errno : 0};
}

/* A value for which a condition holds, if there is one. */
static uint64_t good_value(const struct sc_arg *a)
{
    switch (a->op) {
    case SC_NE:
        return a->value ^ 1;
    case SC_LT:
        return a->value - 1;
    case SC_GT:
        return a->value + 1;
    case SC_MASKED_EQ:
        return a->value_two;
    default:
        return a->value;
    }
}

static void variations(const struct sc_arg *a, uint64_t ret[static VARIATIONS])
{
    uint64_t good = good_value(a);
    uint64_t mask = a->op == SC_MASKED_EQ && a->value ? a->value : UINT64_MAX;
    uint64_t lowest = mask & -mask, highest = 1ULL << (63 - __builtin_clzll(mask));

    ret[0] = good;
    ret[1] = good ^ lowest;
    ret[2] = good ^ highest;
    ret[3] = good | ~mask; /* what the mask leaves open */
    ret[4] = good + 1;
    ret[5] = good - 1;
    ret[6] = good ^ (1ULL << 32);
}

struct check {
    const struct sc_program *program;
    const struct sc_profile *profile;
    enum sc_arch arch;
    const char *name;
    int nr;
};

/* An argument of a 32-bit architecture has no more. */
static bool is_narrow(enum sc_arch a)
{
    return a == SC_X86 || a == SC_ARM;
}

static bool call_is_right(const struct check *c, const uint64_t args[6])
{
    uint64_t passed[6];
    struct sc_verdict is, should;

    for (size_t i = 0; i < 6; i++)
        passed[i] = is_narrow(c->arch) ? (uint32_t)args[i] : args[i];
    should = expected(c->profile, c->name, passed);
    return sc_simulate(c->program, c->arch, c->nr, passed, &is) == 0 &&
           is.action == should.action && is.data == should.data;
}

static bool has_order(const struct sc_rule *r)
{
    for (size_t i = 0; i < r->n_args; i++)
        if (r->args[i].op != SC_EQ && r->args[i].op != SC_MASKED_EQ && r->args[i].op != SC_NE)
            return true;
    return false;
}

/* libseccomp compares the two halves of a number one by one, and some comparisons by order come out
 * wrong when they meet another rule of the call, for numbers that no short list of trials has. */
static bool order_meets_others(const struct sc_profile *p, const struct sc_rule *r,
                               const char *name)
{
    if (!has_order(r) || sc_rule_is_default(p, r))
        return false;
    for (size_t i = 0; i < p->n_rules; i++)
        if (&p->rules[i] != r && p->rules[i].n_args > 0 && !sc_rule_is_default(p, &p->rules[i]) &&
            sc_rule_has_name(&p->rules[i], name))
            return true;
    return false;
}

static bool rule_is_right(const struct check *c, const struct sc_rule *r)
{
    uint64_t args[6] = {0};

    if (!call_is_right(c, args))
        return false;
    for (size_t i = 0; i < r->n_args; i++)
        args[r->args[i].index] = good_value(&r->args[i]);
    for (size_t i = 0; i < r->n_args; i++) {
        const struct sc_arg *a = &r->args[i];
        uint64_t values[VARIATIONS];

        variations(a, values);
        for (size_t k = 0; k < VARIATIONS; k++) {
            args[a->index] = values[k];
            if (!call_is_right(c, args))
                return false;
        }
        args[a->index] = values[0];
    }
    return true;
}

int sc_program_check(const struct sc_program *program, const struct sc_profile *p,
                     const enum sc_arch *arches, size_t n_arches, struct error **reterr)
{
    struct check c = {.program = program, .profile = p};

    for (size_t a = 0; a < n_arches; a++)
        for (size_t i = 0; i < p->n_rules; i++)
            for (size_t k = 0; k < p->rules[i].n_names; k++) {
                c.arch = arches[a];
                c.name = p->rules[i].names[k];
                c.nr = sc_syscall_number(c.arch, c.name);
                if (order_meets_others(p, &p->rules[i], c.name))
                    return error_set(reterr, -EINVAL,
                                     "system call '%s': it has a comparison by order (SCMP_CMP_LT "
                                     "and the like) and further rules, which libseccomp does not "
                                     "do right; SCMP_CMP_MASKED_EQ says it safely",
                                     error_quote(c.name));
                if (c.nr >= 0 && !rule_is_right(&c, &p->rules[i]))
                    return error_set(reterr, -EINVAL,
                                     "system call '%s': the conditions of its rules contain each "
                                     "other in a way that libseccomp does not do right (%s)",
                                     error_quote(c.name), sc_arch_name(c.arch));
            }
    return 0;
}
