/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seccomp profile: a base, what raw rules allow beyond it, and blocks laid over both. A block
 * never makes another one narrower (W39), and never loosens the base (W38).
 *
 *     mode, switches                   base                       a block's verdict
 *     AlwaysAllow                      allow everything           (none)
 *     RuntimeDefault                   the runtime's default      (none)
 *     EnhanceProtect                   the runtime's default      ERRNO
 *       privileged                     allow everything           ERRNO
 *       allowViolations, audited       the same, ERRNO is LOG     LOG
 *       allowViolations                allow everything           none: it does not block
 *
 * Raw rules carry their own verdicts, whatever the switches.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/policy/policy_words.h"
#include "profiles/builder_state.h"
#include "profiles/seccomp_base.h"
#include "lib/counted_text.h"

#define RAW_RULES ENHANCE ".syscallRawRules"

#if SC_MAX_JSON > PROFILE_MAX_SECCOMP_JSON
#error "what is written could not be sent"
#endif

static int block_failed(struct builder *b, int r)
{
    return r == -E2BIG
               ? error_set(b->reterr, r, ENHANCE ": more than %d system call rules", SC_MAX_RULES)
               : error_oom(b->reterr);
}

/* ---- Raw rules ---- */

/* Copies names and conditions; origin is of the rule. */
static int copy_raw(struct builder *b, size_t entry, enum sc_action action, const char *origin,
                    struct sc_profile *to)
{
    const struct policy_syscall_rule *raw = &b->policy->enhance.syscalls[entry];
    struct sc_arg args[SC_MAX_ENTRY_ARGS];
    CLEANUP_SC_PROFILE struct sc_profile scratch = {0};
    struct sc_rule *like;
    int r = 0;

    for (size_t i = 0; i < raw->n_args; i++) {
        args[i] = (struct sc_arg){.index = raw->args[i].index,
                                  .value = raw->args[i].value,
                                  .value_two = raw->args[i].value_two};
        r = sc_compare_parse(&args[i].op, raw->args[i].op);
        if (r < 0)
            return error_set(b->reterr, r, "%s: '%s' is no operator", origin, raw->args[i].op);
    }
    like = sc_profile_add(&scratch, action, raw->has_errno ? raw->errno_ret : SC_DEFAULT_ERRNO,
                          origin);
    if (!like)
        return error_oom(b->reterr);
    for (size_t i = 0; r == 0 && i < raw->names.n; i++)
        r = sc_rule_add_name(like, raw->names.items[i].text);
    if (r == 0)
        r = sc_profile_add_entry(to, like, args, raw->n_args);
    return r < 0 ? block_failed(b, r) : 0;
}

/* What the file format allows and no filter can hold. */
static int check_raw(struct builder *b, size_t entry)
{
    const struct policy_syscall_rule *raw = &b->policy->enhance.syscalls[entry];
    int r = 0;

    if (raw->n_args > SC_MAX_ENTRY_ARGS)
        r = builder_note(b, BUILDER_WRONG, raw->at, RAW_RULES "[%zu].args: more than %d conditions",
                         entry, SC_MAX_ENTRY_ARGS);
    if (r == 0 && raw->names.n > SC_MAX_NAMES)
        r = builder_note(b, BUILDER_WRONG, raw->at, RAW_RULES "[%zu].names: more than %d names",
                         entry, SC_MAX_NAMES);
    for (size_t i = 0; r == 0 && i < raw->names.n; i++)
        if (!sc_is_call_name(raw->names.items[i].text))
            r = builder_note(b, BUILDER_WRONG, raw->names.items[i].at,
                             RAW_RULES
                             "[%zu].names[%zu]: '%s' is not the name of a system call (lower-case "
                             "letters, digits, '_'; at most %d bytes)",
                             entry, i, error_quote(raw->names.items[i].text), SC_MAX_NAME);
    if (r == 0 && strcmp(raw->action, sc_action_name(SC_NOTIFY)) == 0)
        r = builder_note(
            b, BUILDER_WRONG, raw->at,
            RAW_RULES "[%zu].action: SCMP_ACT_NOTIFY needs a listener, which nobody starts", entry);
    return r;
}

static int raw_action(struct builder *b, size_t entry, enum sc_action *ret)
{
    const char *word = b->policy->enhance.syscalls[entry].action;

    if (sc_action_parse(ret, word) < 0)
        return error_set(b->reterr, -EINVAL, RAW_RULES "[%zu]: '%s' is no action", entry, word);
    return 0;
}

/* ---- The base ---- */

/* Raw rules that allow (or only log) make the base wider. */
static int widen(struct builder *b, struct sc_profile *base)
{
    const struct policy_enhance_protect *e = &b->policy->enhance;
    char origin[SC_MAX_ORIGIN + 1];
    enum sc_action action;
    int r = 0;

    for (size_t i = 0; i < e->n_syscalls; i++) {
        r = raw_action(b, i, &action);
        if (r < 0)
            return r;
        if (!sc_action_allows(action) || base->default_action == SC_ALLOW)
            continue;
        for (size_t k = 0; k < e->syscalls[i].names.n; k++)
            sc_profile_drop_denials(base, e->syscalls[i].names.items[k].text);
        snprintf(origin, sizeof(origin), "syscallRawRules[%zu]", i);
        r = copy_raw(b, i, SC_ALLOW, origin, base);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Everything that would be denied is logged. */
static void only_log(struct sc_profile *base)
{
    base->default_action = SC_LOG;
    for (size_t i = 0; i < base->n_rules; i++)
        if (!sc_action_allows(base->rules[i].action))
            base->rules[i].action = SC_LOG;
}

static int make_base(struct builder *b, struct sc_profile *base)
{
    const struct policy *p = b->policy;
    int r;

    if (p->mode == POLICY_ALWAYS_ALLOW ||
        (p->mode == POLICY_ENHANCE_PROTECT && (p->enhance.privileged || b->mode == 0)))
        return 0;
    r = seccomp_base_fill(base, b->reterr);
    if (r == 0 && !(b->mode & RULE_DENY))
        only_log(base);
    return r;
}

/* ---- Blocks ---- */

static int collect_blocks(struct builder *b, struct sc_profile *blocks)
{
    enum sc_action verdict = b->mode & RULE_DENY ? SC_ERRNO : SC_LOG;
    const struct policy_enhance_protect *e = &b->policy->enhance;
    int r = 0;

    for (size_t i = 0; r == 0 && b->mode && i < b->n_chosen; i++)
        if (b->chosen[i].entry == BUILDER_WHOLE_PROFILE)
            r = builtin_rule_append_seccomp(b->chosen[i].rule, blocks, verdict, b->chosen[i].origin,
                                            b->reterr);
    for (size_t i = 0; r == 0 && i < e->n_syscalls; i++) {
        char origin[SC_MAX_ORIGIN + 1];
        enum sc_action action = SC_ALLOW;

        snprintf(origin, sizeof(origin), "syscallRawRules[%zu]", i);
        r = raw_action(b, i, &action);
        if (r == 0 && action != SC_ALLOW)
            r = copy_raw(b, i, action, origin, blocks);
    }
    return r;
}

static int lay_blocks(struct builder *b, struct sc_profile *base)
{
    CLEANUP_SC_PROFILE struct sc_profile blocks = {0};
    int r = widen(b, base);

    if (r == 0)
        r = collect_blocks(b, &blocks);
    if (r == 0)
        r = sc_profile_block(base, blocks.rules, blocks.n_rules, b->reterr);
    if (r == -ENOMEM)
        return error_oom(b->reterr);
    return r;
}

static int write_json(struct builder *b, const struct sc_profile *profile)
{
    CLEANUP_BUF struct buf json = BUF_INIT(SC_MAX_JSON);
    int r = sc_profile_write_json(profile, NULL, 0, &json);

    if (r == -E2BIG)
        return error_set(b->reterr, r, "the seccomp profile has more than %d bytes", SC_MAX_JSON);
    if (r < 0)
        return error_oom(b->reterr);
    b->profile->seccomp_json = counted_text_new(buf_text(&json), strlen(buf_text(&json)));
    return b->profile->seccomp_json ? 0 : error_oom(b->reterr);
}

int builder_write_seccomp(struct builder *b)
{
    CLEANUP_SC_PROFILE struct sc_profile profile = {.default_action = SC_ALLOW};
    int r = 0;

    if (b->policy->mode == POLICY_ENHANCE_PROTECT)
        for (size_t i = 0; r == 0 && i < b->policy->enhance.n_syscalls; i++)
            r = check_raw(b, i);
    if (r < 0 || b->notes->refused)
        return r;
    r = make_base(b, &profile);
    if (r == 0 && b->policy->mode == POLICY_ENHANCE_PROTECT)
        r = lay_blocks(b, &profile);
    if (r < 0)
        return r;
    profile.log = b->mode & RULE_AUDIT;
    return write_json(b, &profile);
}
