/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/admission_policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/json_value.h"
#include "lib/policy/object.h"
#include "manager/profile_store.h"
#include "profiles/builder.h"
#include "profiles/rules.h"

#define POLICY_MAX_BYTES  ((size_t)OBJECT_FILE_MAX_BYTES)
#define MESSAGE_MAX_BYTES (16u << 10) /* of a denial; what has no room is left out */

/* What is being found out about a policy. */
struct judgement {
    const struct profile_store *store;
    const char *install_namespace;
    struct buf reasons;
    size_t n_reasons, n_warnings; /* met, those that are not told included */
    bool is_forbidden;
    json_t *warnings; /* owned */
};

void admission_verdict_done(struct admission_verdict *v)
{
    json_decref(v->warnings);
    free(v->message);
    *v = (struct admission_verdict){0};
}

/* ---- Collecting ---- */

static int add_reason(struct judgement *j, const char *prefix, const char *text)
{
    int r = 0;

    if (j->n_reasons < ADMISSION_MAX_REASONS)
        r = buf_format(&j->reasons, "%s%s%s", j->n_reasons ? "; " : "", prefix, text);
    j->n_reasons++;
    return r == -ENOMEM ? r : 0;
}

static int add_warning(struct judgement *j, const char *text)
{
    if (j->n_warnings++ >= ADMISSION_MAX_REASONS)
        return 0;
    return json_array_append_new(j->warnings, json_string(text)) == 0 ? 0 : -ENOMEM;
}

/* ---- What there is to find ---- */

static int take_findings(struct judgement *j, const struct findings *findings)
{
    int r = 0;

    for (size_t i = 0; i < findings->n && r == 0; i++) {
        const struct finding *f = &findings->items[i];

        if (f->severity == FINDING_WARNING)
            r = add_warning(j, f->message);
        else
            r = add_reason(j, "", f->message);
    }
    return r;
}

static int take_notes(struct judgement *j, const struct builder_notes *notes)
{
    int r = 0;

    for (size_t i = 0; i < notes->n && r == 0; i++) {
        const struct builder_note *note = &notes->items[i];

        if (note->kind == BUILDER_WARNING)
            r = add_warning(j, note->text);
        else
            r = add_reason(
                j, note->kind == BUILDER_UNSUPPORTED ? "not supported by this version: " : "",
                note->text);
    }
    return r;
}

/* "a" in "b-c" and "b-a" in "c" ask for one profile name. */
static int check_name(struct judgement *j, const struct policy *policy, const char *name)
{
    CLEANUP_FREE char *text = NULL;
    unsigned slot;
    const struct profile_slot *s = profile_store_slot_of(j->store, name, &slot);
    const struct policy *other = s ? s->owner->policy : NULL;

    if (!other || (other->cluster == policy->cluster && strcmp(other->name, policy->name) == 0 &&
                   strcmp(other->name_space, policy->name_space) == 0))
        return 0;
    if (asprintf(&text, "its profile would be called '%s', as that of %s", name, s->owner->key) <
        0) {
        text = NULL;
        return -ENOMEM;
    }
    j->is_forbidden = true;
    return add_reason(j, "", text);
}

static int build(struct judgement *j, const struct policy *policy)
{
    const struct builder_facts facts = {.install_namespace = j->install_namespace,
                                        .peers_unknown = true};
    CLEANUP(profile_unref) struct profile *profile = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    struct builder_notes notes = {0};
    int r = builder_build(&profile, policy, &facts, &notes, &e), added = 0;

    if (r != -ENOMEM)
        added = take_notes(j, &notes);
    if (r < 0 && r != -ENOMEM && added == 0)
        added = add_reason(j, "", error_message(e));
    builder_notes_done(&notes);
    if (r == -ENOMEM || added < 0)
        return -ENOMEM;
    return profile ? check_name(j, policy, profile->name) : 0;
}

static int check_policy(struct judgement *j, const struct policy *policy)
{
    CLEANUP(error_free) struct error *e = NULL;
    int r = build(j, policy);

    if (r < 0 || j->n_reasons > 0 || profile_store_check_update(j->store, policy, &e) == 0)
        return r;
    j->is_forbidden = true;
    return add_reason(j, "", error_message(e));
}

static int judge_text(struct judgement *j, const struct buf *text)
{
    static const struct object_checks checks = {.builtin_rule = builtin_rule_check,
                                                .without_positions = true};
    struct findings findings;
    struct objects objects;
    int r = objects_parse_checked(&objects, buf_text(text), text->len, &checks, &findings);

    if (r == 0)
        r = take_findings(j, &findings);
    for (size_t i = 0; i < objects.n && r == 0; i++)
        if (objects.items[i].policy)
            r = check_policy(j, objects.items[i].policy);
    findings_done(&findings);
    objects_done(&objects);
    return r;
}

/* ---- The verdict ---- */

static int close_judgement(struct judgement *j, struct admission_verdict *ret)
{
    size_t more = j->n_reasons - MIN(j->n_reasons, (size_t)ADMISSION_MAX_REASONS);

    if (more > 0 && buf_format(&j->reasons, "; and %zu more", more) == -ENOMEM)
        return -ENOMEM;
    *ret = (struct admission_verdict){.denied = j->n_reasons > 0, .is_forbidden = j->is_forbidden};
    if (ret->denied) {
        ret->message = strdup(buf_text(&j->reasons));
        if (!ret->message)
            return -ENOMEM;
    }
    ret->warnings = TAKE(j->warnings);
    return 0;
}

int admission_judge_policy(struct admission_verdict *ret, const struct profile_store *store,
                           const char *install_namespace, const json_t *object)
{
    struct judgement j = {.store = store,
                          .install_namespace = install_namespace,
                          .reasons = BUF_INIT(MESSAGE_MAX_BYTES),
                          .warnings = json_array()};
    CLEANUP_BUF struct buf text = BUF_INIT(POLICY_MAX_BYTES);
    int r = j.warnings ? json_value_add(&text, object, 0) : -ENOMEM;

    if (r == 0)
        r = judge_text(&j, &text);
    else if (r == -E2BIG)
        r = add_reason(&j, "", "the policy is larger than a file of policies may be");
    if (r == 0)
        r = close_judgement(&j, ret);
    json_decref(j.warnings);
    buf_done(&j.reasons);
    return r;
}
