/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For which architectures a profile can be written. libseccomp makes one program of a profile for
 * all of them, from conditions that do not mean the same on each: it cuts numbers to 32 bits for
 * architectures whose arguments have so many, and reads the conditions of a call that 32-bit x86
 * makes through socketcall as if the arguments stood in socketcall's own.
 */
#include "lib/seccomp/multiplexer.h"
#include "lib/seccomp/program.h"
#include "lib/seccomp/region.h"
#include "lib/seccomp/rule.h"

#include <errno.h>
#include <string.h>

/* Does libseccomp compare on this architecture what the condition says? Where arguments have 32 bits
 * it cuts off the rest of numbers; a longer mask is right there if it says that upper bits are zero.
 * For x32 it does the same, though its arguments have 64 bits. */
static bool arg_fits(const struct sc_arg *a, enum sc_arch arch)
{
    if (arch == SC_X32)
        return a->op == SC_MASKED_EQ && a->value <= UINT32_MAX;
    if (arch == SC_X86 || arch == SC_ARM)
        return (a->op == SC_MASKED_EQ ? a->value_two : a->value) <= UINT32_MAX;
    return true;
}

static bool rules_fit(const struct sc_profile *p, enum sc_arch arch)
{
    for (size_t i = 0; i < p->n_rules; i++)
        for (size_t k = 0; k < p->rules[i].n_args; k++)
            if (!sc_rule_is_default(p, &p->rules[i]) && !arg_fits(&p->rules[i].args[k], arch))
                return false;
    return true;
}

/* Does the profile let the call through its multiplexer, whatever its arguments, get a verdict at
 * least as lenient as the rule's? Then it does not matter that libseccomp adds such a way. 1, 0 or
 * a negative errno. */
static int way_is_open(const struct sc_profile *p, const struct sc_rule *rule,
                       const struct sc_multiplexed *m)
{
    CLEANUP_REGION struct sc_region way = {0};
    struct sc_arg number = {
        .op = SC_MASKED_EQ, .value = SC_MULTIPLEXER_MASK, .value_two = m->number};
    int r = 0;

    if (p->default_action <= rule->action)
        return 1;
    r = sc_region_of(&way, &number, 1);
    for (size_t i = 0; i < p->n_rules && r == 0; i++) {
        const struct sc_rule *other = &p->rules[i];
        CLEANUP_REGION struct sc_region theirs = {0};

        if (other->action > rule->action || sc_rule_is_default(p, other) ||
            !sc_rule_has_name(other, m->through))
            continue;
        r = sc_region_of(&theirs, other->args, other->n_args);
        if (r == 0)
            r = sc_region_subtract(&way, &theirs);
    }
    return r < 0 ? r : way.n == 0;
}

/* Would a way through a multiplexer be opened that the profile does not want? */
static int hides_arguments(const struct sc_profile *p, bool *ret)
{
    *ret = false;
    for (size_t i = 0; i < p->n_rules && !*ret; i++) {
        const struct sc_rule *rule = &p->rules[i];

        if (rule->n_args == 0 || sc_rule_is_default(p, rule))
            continue;
        for (size_t k = 0; k < rule->n_names && !*ret; k++) {
            const struct sc_multiplexed *m = sc_multiplexed_find(rule->names[k]);
            int r = m ? way_is_open(p, rule, m) : 1;

            if (r < 0)
                return r;
            *ret = r == 0;
        }
    }
    return 0;
}

/* Where a rule names a call that x86-64 has not, another has several conditions, and x32 is there
 * too, libseccomp 2.5 compares the number of the architecture with that of a call, unless it makes a
 * tree. sc_compile() would refuse the program. */
static bool confuses_x32(const struct sc_profile *p)
{
    bool foreign = false, several = false;

    for (size_t i = 0; i < p->n_rules; i++) {
        const struct sc_rule *rule = &p->rules[i];

        if (sc_rule_is_default(p, rule))
            continue;
        several |= rule->n_args > 1;
        for (size_t k = 0; k < rule->n_names && !foreign; k++)
            foreign = sc_syscall_number(SC_X86_64, rule->names[k]) < 0;
    }
    return foreign && several && p->n_rules <= SC_TREE_THRESHOLD;
}

int sc_profile_arches(const struct sc_profile *p, const char *machine,
                      enum sc_arch ret[static SC_ARCHES], size_t *ret_n)
{
    bool hidden = false;
    size_t n_machine, n = 0;
    const enum sc_arch *arches = sc_arches_of(machine, &n_machine);
    int r = hides_arguments(p, &hidden);

    if (r < 0)
        return r;
    for (size_t i = 0; i < n_machine; i++)
        if (rules_fit(p, arches[i]) && !(arches[i] == SC_X86 && hidden) &&
            !(arches[i] == SC_X32 && confuses_x32(p)))
            ret[n++] = arches[i];
    *ret_n = n;
    return 0;
}
