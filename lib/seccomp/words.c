/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the OCI specification. */
#include "lib/seccomp/seccomp.h"

#include <errno.h>
#include <string.h>

static const char *const action_names[] = {
    [SC_ALLOW] = "SCMP_ACT_ALLOW",
    [SC_LOG] = "SCMP_ACT_LOG",
    [SC_TRACE] = "SCMP_ACT_TRACE",
    [SC_NOTIFY] = "SCMP_ACT_NOTIFY",
    [SC_ERRNO] = "SCMP_ACT_ERRNO",
    [SC_TRAP] = "SCMP_ACT_TRAP",
    [SC_KILL_THREAD] = "SCMP_ACT_KILL_THREAD",
    [SC_KILL_PROCESS] = "SCMP_ACT_KILL_PROCESS",
};
_Static_assert(ARRAY_SIZE(action_names) == SC_ACTIONS, "a name for each action");

static const char *const compare_names[] = {
    [SC_NE] = "SCMP_CMP_NE",
    [SC_LT] = "SCMP_CMP_LT",
    [SC_LE] = "SCMP_CMP_LE",
    [SC_EQ] = "SCMP_CMP_EQ",
    [SC_GE] = "SCMP_CMP_GE",
    [SC_GT] = "SCMP_CMP_GT",
    [SC_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
};
_Static_assert(ARRAY_SIZE(compare_names) == SC_COMPARES, "a name for each comparison");

static const char *const arch_names[] = {
    [SC_X86_64] = "SCMP_ARCH_X86_64",   [SC_X86] = "SCMP_ARCH_X86", [SC_X32] = "SCMP_ARCH_X32",
    [SC_AARCH64] = "SCMP_ARCH_AARCH64", [SC_ARM] = "SCMP_ARCH_ARM",
};
_Static_assert(ARRAY_SIZE(arch_names) == SC_ARCHES, "a name for each architecture");

const char *sc_action_name(enum sc_action a)
{
    return action_names[a];
}

int sc_action_parse(enum sc_action *ret, const char *word)
{
    if (strcmp(word, "SCMP_ACT_KILL") == 0) {
        *ret = SC_KILL_THREAD;
        return 0;
    }
    for (size_t i = 0; i < SC_ACTIONS; i++)
        if (strcmp(word, action_names[i]) == 0) {
            *ret = (enum sc_action)i;
            return 0;
        }
    return -EINVAL;
}

const char *sc_compare_name(enum sc_compare c)
{
    return compare_names[c];
}

int sc_compare_parse(enum sc_compare *ret, const char *word)
{
    for (size_t i = 0; i < SC_COMPARES; i++)
        if (strcmp(word, compare_names[i]) == 0) {
            *ret = (enum sc_compare)i;
            return 0;
        }
    return -EINVAL;
}

const char *sc_arch_name(enum sc_arch a)
{
    return arch_names[a];
}

const enum sc_arch *sc_arches_of(const char *machine, size_t *ret_n)
{
    static const enum sc_arch x86[] = {SC_X86_64, SC_X86, SC_X32};
    static const enum sc_arch arm[] = {SC_AARCH64, SC_ARM};

    if (strcmp(machine, "x86_64") == 0) {
        *ret_n = ARRAY_SIZE(x86);
        return x86;
    }
    if (strcmp(machine, "aarch64") == 0) {
        *ret_n = ARRAY_SIZE(arm);
        return arm;
    }
    *ret_n = 0;
    return NULL;
}
