/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/builder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/profile_codec.h"
#include "profiles/builder_state.h"

/* A cluster policy wins over a namespaced one (contract.md 3.9). */
enum { BUILDER_PRIORITY_NAMESPACED = 0, BUILDER_PRIORITY_CLUSTER = 1 };

/* ---- Notes, and what the other sources use ---- */

void builder_notes_done(struct builder_notes *n)
{
    for (size_t i = 0; i < n->n; i++)
        free(n->items[i].text);
    free(n->items);
    *n = (struct builder_notes){0};
}

/* Takes *text on success. 0 or -ENOMEM. */
static int notes_add(struct builder_notes *n, enum builder_note_kind kind,
                     struct policy_position at, char **text)
{
    struct builder_note *items = reallocarray(n->items, n->n + 1, sizeof(*items));

    if (!items)
        return -ENOMEM;
    n->items = items;
    items[n->n++] = (struct builder_note){.kind = kind, .at = at, .text = TAKE(*text)};
    return 0;
}

int builder_note(struct builder *b, enum builder_note_kind kind, struct policy_position at,
                 const char *format, ...)
{
    CLEANUP_FREE char *what = NULL, *text = NULL;
    struct builder_notes *n = b->notes;
    va_list args;
    int length;

    n->refused |= kind != BUILDER_WARNING;
    n->wrong |= kind == BUILDER_WRONG;
    if (n->n == BUILDER_MAX_NOTES) {
        n->n_dropped++;
        return 0;
    }
    va_start(args, format);
    length = vasprintf(&what, format, args);
    va_end(args);
    if (length < 0) {
        what = NULL;
        return error_oom(b->reterr);
    }
    if (at.line)
        length = asprintf(&text, "%s (line %u, column %u)", what, at.line, at.column);
    else
        length = asprintf(&text, "%s", what);
    if (length < 0) {
        text = NULL;
        return error_oom(b->reterr);
    }
    return notes_add(n, kind, at, &text) < 0 ? error_oom(b->reterr) : 0;
}

/* Says how many notes there were no room for. */
static int close_notes(struct builder *b)
{
    struct builder_notes *n = b->notes;
    char *text;

    if (n->n_dropped == 0)
        return 0;
    if (asprintf(&text, "%zu more are not listed", n->n_dropped) < 0)
        return error_oom(b->reterr);
    if (notes_add(n, BUILDER_WARNING, (struct policy_position){0, 0}, &text) == 0)
        return 0;
    free(text);
    return error_oom(b->reterr);
}

int builder_wrong_at(struct builder *b, int r, struct policy_position at, const char *path)
{
    if (at.line)
        return error_wrap(b->reterr, r, "%s (line %u, column %u)", path, at.line, at.column);
    return error_wrap(b->reterr, r, "%s", path);
}

int builder_copy_text(struct builder *b, char **ret, const char *text)
{
    *ret = strdup(text);
    return *ret ? 0 : error_oom(b->reterr);
}

bool builder_has(const struct builder *b, enum enforcer_bit enforcer)
{
    return b->policy->enforcers & enforcer;
}

/* ---- Modes ---- */

static int begin_enhance_protect(struct builder *b)
{
    const struct policy_enhance_protect *e = &b->policy->enhance;

    if (!e->present) {
        error_set(b->reterr, -EINVAL, "mode EnhanceProtect needs " ENHANCE);
        return builder_wrong_at(b, -EINVAL, b->policy->mode_at, "spec.policy.mode");
    }
    b->mode = (e->allow_violations ? 0 : RULE_DENY) | (e->audit_violations ? RULE_AUDIT : 0);
    return builder_choose(b);
}

static int build_content(struct builder *b)
{
    const struct policy *p = b->policy;
    int r = 0;

    switch (p->mode) {
    case POLICY_ENHANCE_PROTECT:
        r = begin_enhance_protect(b);
        break;
    case POLICY_ALWAYS_ALLOW:
    case POLICY_RUNTIME_DEFAULT:
        b->mode = RULE_DENY;
        break;
    case POLICY_BEHAVIOR_MODELING:
    case POLICY_DEFENSE_IN_DEPTH:
    case POLICY_MODE_NONE:
    case POLICY_MODES:
        return builder_note(b, BUILDER_UNSUPPORTED, p->mode_at, "spec.policy.mode '%s'",
                            policy_mode_name(p->mode));
    }
    if (r == 0 && builder_has(b, ENFORCER_BPF))
        r = builder_add_bpf(b);
    if (r == 0 && builder_has(b, ENFORCER_APPARMOR))
        r = builder_write_apparmor(b);
    if (r == 0 && builder_has(b, ENFORCER_SECCOMP))
        r = builder_write_seccomp(b);
    return r;
}

/* ---- Names and targets ---- */

static int copy_target(struct builder *b, const struct profile_target *from)
{
    struct profile_target *to;
    int r = 0;

    if (b->profile->n_targets == PROFILE_MAX_TARGETS)
        return error_set(b->reterr, -E2BIG, "more than %d targets", PROFILE_MAX_TARGETS);
    to = profile_add_target(b->profile, from->kind);
    if (!to)
        return error_oom(b->reterr);
    if (from->name_space)
        r = builder_copy_text(b, &to->name_space, from->name_space);
    if (r == 0 && from->name)
        r = builder_copy_text(b, &to->name, from->name);
    if (r < 0)
        return r;
    if (from->selector) {
        to->selector = selector_copy(from->selector);
        if (!to->selector)
            return error_oom(b->reterr);
    }
    if (from->n_containers == 0)
        return 0;
    to->containers = calloc(from->n_containers, sizeof(*to->containers));
    if (!to->containers)
        return error_oom(b->reterr);
    for (; r == 0 && to->n_containers < from->n_containers; to->n_containers++)
        r = builder_copy_text(b, &to->containers[to->n_containers],
                              from->containers[to->n_containers]);
    return r;
}

static int describe(struct builder *b, const struct builder_facts *facts)
{
    const struct policy *policy = b->policy;
    struct profile *p = b->profile;
    int r;

    r = policy_profile_name(policy, facts->install_namespace, &p->name, b->reterr);
    if (r < 0)
        return r;
    r = builder_copy_text(b, &p->name_space,
                          policy->cluster ? facts->install_namespace : policy->name_space);
    if (r == 0)
        r = builder_copy_text(b, &p->policy_kind,
                              policy->cluster ? "VarmorClusterPolicy" : "VarmorPolicy");
    if (r == 0)
        r = builder_copy_text(b, &p->policy_namespace, policy->cluster ? "" : policy->name_space);
    if (r == 0)
        r = builder_copy_text(b, &p->policy_name, policy->name);
    if (r < 0)
        return r;
    p->policy_generation = facts->generation;
    p->enforcers = policy->enforcers;
    p->priority = policy->cluster ? BUILDER_PRIORITY_CLUSTER : BUILDER_PRIORITY_NAMESPACED;
    if (facts->n_targets == 0)
        return copy_target(b, &policy->target);
    for (size_t i = 0; r == 0 && i < facts->n_targets; i++)
        r = copy_target(b, &facts->targets[i]);
    return r;
}

int builder_build(struct profile **ret, const struct policy *policy,
                  const struct builder_facts *facts, struct builder_notes *ret_notes,
                  struct error **reterr)
{
    CLEANUP(profile_unref) struct profile *profile = profile_new();
    struct builder b = {
        .policy = policy, .facts = facts, .profile = profile, .notes = ret_notes, .reterr = reterr};
    int r;

    *ret_notes = (struct builder_notes){0};
    if (!profile)
        return error_oom(reterr);
    r = describe(&b, facts);
    if (r == 0)
        r = build_content(&b);
    if (r == 0)
        r = close_notes(&b);
    builder_choice_done(&b);
    if (r == 0 && ret_notes->refused)
        return BUILDER_REFUSED;
    if (r == 0)
        r = profile_seal(profile, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(profile);
    return 0;
}
