/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that need no table of their own: capabilities and ptrace. */
#include "lib/ruleset/image.h"

#include <errno.h>
#include <string.h>

#define CAPABILITIES 64 /* bits of the front's masks */

_Static_assert(PTRACE_TRACE == VARMOR_PTRACE_TRACE && PTRACE_READ == VARMOR_PTRACE_READ &&
                   PTRACE_TRACEBY == VARMOR_PTRACE_TRACEBY && PTRACE_READBY == VARMOR_PTRACE_READBY,
               "a profile's permissions are the image's");

int image_add_capabilities(struct image *im, struct error **reterr)
{
    varmor_u16 rules[CAPABILITIES];
    struct varmor_front *front = image_front(im);
    uint32_t line;
    int r;

    memset(rules, 0xff, sizeof(rules));
    for (size_t i = 0; i < im->profile->n_rules; i++) {
        const struct rule *rule = &im->profile->rules[i];
        unsigned mode = image_rule_mode(im, i);

        if (rule->kind != RULE_CAPABILITY)
            continue;
        for (unsigned c = 0; mode && c < CAPABILITIES; c++) {
            uint64_t bit = 1ULL << c;

            if (!(rule->capability.mask & bit))
                continue;
            if (rules[c] == VARMOR_NO_RULE || (mode & RULE_DENY && !(front->cap_deny & bit)))
                rules[c] = (varmor_u16)i;
            front->cap_deny |= mode & RULE_DENY ? bit : 0;
            front->cap_audit |= mode & RULE_AUDIT ? bit : 0;
        }
    }
    if (!(front->cap_deny | front->cap_audit))
        return 0;
    r = image_add(im, sizeof(rules) / (sizeof(struct varmor_line)), &line, reterr);
    if (r < 0)
        return r;
    memcpy(im->lines + line, rules, sizeof(rules));
    image_front(im)->cap_rules_line = line;
    return 0;
}

int image_add_ptrace(struct image *im, struct error **reterr)
{
    struct varmor_front *front = image_front(im);

    (void)reterr;
    memset(front->ptrace_rule, 0xff, sizeof(front->ptrace_rule));
    for (size_t i = 0; i < im->profile->n_rules; i++) {
        const struct rule *rule = &im->profile->rules[i];
        unsigned mode = image_rule_mode(im, i);

        if (rule->kind != RULE_PTRACE || !mode)
            continue;
        for (unsigned b = 0; b < ARRAY_SIZE(front->ptrace_rule); b++) {
            unsigned bit = 1u << b,
                     bits = bit | (rule->ptrace.strict ? VARMOR_PTRACE_STRICT(bit) : 0);

            if (!(rule->ptrace.permissions & bit))
                continue;
            if (front->ptrace_rule[b] == VARMOR_NO_RULE ||
                (mode & RULE_DENY && !(front->ptrace_deny & bit)))
                front->ptrace_rule[b] = (varmor_u16)i;
            front->ptrace_deny |= mode & RULE_DENY ? bits : 0;
            front->ptrace_audit |= mode & RULE_AUDIT ? bits : 0;
            front->concern |= VARMOR_CONCERN_PTRACE;
        }
    }
    return 0;
}
