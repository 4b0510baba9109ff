/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/syscall_check.h"

#include <errno.h>
#include <linux/audit.h>

#include "lib/policy/words.h"
#include "lib/seccomp/seccomp.h"

#define NUMBERS   600 /* of x86-64 that are looked at for a near name; more than there are */
#define NAME_SIZE 64  /* of sc_syscall_name() */

static bool is_known(const char *name)
{
    for (unsigned arch = 0; arch < SC_ARCHES; arch++)
        if (sc_syscall_number((enum sc_arch)arch, name) >= 0)
            return true;
    return false;
}

/* Writes the nearest name of x86-64's, "" if there is none. 0 or -ENOMEM. */
static int find_nearest(const char *name, char ret[static NAME_SIZE])
{
    CLEANUP_FREE char(*names)[NAME_SIZE] = calloc(NUMBERS, sizeof(*names));
    CLEANUP_FREE const char **list = calloc(NUMBERS, sizeof(*list));
    const char *nearest;

    if (!names || !list)
        return -ENOMEM;
    for (int nr = 0; nr < NUMBERS; nr++) {
        sc_syscall_name(AUDIT_ARCH_X86_64, nr, names[nr]);
        list[nr] = names[nr];
    }
    nearest = words_nearest(name, list, NUMBERS, sizeof(*list));
    snprintf(ret, NAME_SIZE, "%s", nearest ? nearest : "");
    return 0;
}

static int check_name(struct report *report, const char *file, const struct policy_text *name)
{
    char nearest[NAME_SIZE];

    if (is_known(name->text))
        return 0;
    if (find_nearest(name->text, nearest) < 0)
        return -ENOMEM;
    return report_add(report, FINDING_WARNING, file, name->at,
                      "no architecture has a system call '%s': runtimes pass it over%s%s%s",
                      error_quote(name->text), *nearest ? "; did you mean '" : "", nearest,
                      *nearest ? "'?" : "");
}

static int check_rules(struct report *report, const char *file,
                       const struct policy_syscall_rule *rules, size_t n)
{
    int r = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < rules[i].names.n && r == 0; k++)
            r = check_name(report, file, &rules[i].names.items[k]);
    return r;
}

int syscall_check(struct report *report, const char *file, const struct policy *policy)
{
    int r = check_rules(report, file, policy->enhance.syscalls, policy->enhance.n_syscalls);

    return r < 0 ? r
                 : check_rules(report, file, policy->defense_seccomp.syscalls,
                               policy->defense_seccomp.n_syscalls);
}
