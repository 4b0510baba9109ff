/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/policy_set.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/inputs.h"
#include "profiles/builder.h"
#include "profiles/peers.h"
#include "profiles/rules.h"

#define NAMES_SHOWN 512 /* bytes of the names in a message, about */

void policy_set_done(struct policy_set *s)
{
    peers_free(s->peers); /* points into the objects */
    for (size_t i = 0; i < s->n_files; i++) {
        objects_done(&s->files[i].objects);
        free(s->files[i].name);
    }
    free(s->files);
    report_done(&s->report);
    *s = (struct policy_set){0};
}

/* ---- Reading ---- */

/* Parses a file's text into the next place of s->files, for which there is room. */
static int add_text(struct policy_set *s, const char *name, const struct buf *text)
{
    static const struct object_checks checks = {.builtin_rule = builtin_rule_check};
    struct policy_file *file = &s->files[s->n_files];
    struct findings findings;
    int r, added;

    file->name = strdup(name);
    if (!file->name)
        return -ENOMEM;
    r = objects_parse_checked(&file->objects, buf_text(text), text->len, &checks, &findings);
    file->number = s->report.file_number;
    s->n_files++;
    s->report.n_files++;
    s->report.n_policies += file->objects.n_policies;
    added = report_add_findings(&s->report, name, &findings);
    return r < 0 ? r : added;
}

static int add_input(struct policy_set *s, const struct input *input)
{
    CLEANUP_BUF struct buf text = BUF_INIT((size_t)OBJECT_FILE_MAX_BYTES + 1);
    CLEANUP(error_free) struct error *e = NULL;
    const char *name = strcmp(input->path, "-") == 0 ? "<stdin>" : input->path;
    int r;

    if (input->error)
        return report_add_unreadable(&s->report, name, error_message(input->error));
    r = input_read(input, &text, &e);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return report_add_unreadable(&s->report, name, error_message(e));
    return add_text(s, name, &text);
}

static int add_peers(struct policy_set *s)
{
    s->peers = peers_new();
    if (!s->peers)
        return -ENOMEM;
    for (size_t i = 0; i < s->n_files; i++)
        for (size_t k = 0; k < s->files[i].objects.n; k++) {
            const struct object *o = &s->files[i].objects.items[k];

            if (!peers_wants(o->kind))
                continue;
            s->n_peers++;
            if (peers_put(s->peers, o) == -ENOMEM) /* what passes the ceiling is left out */
                return -ENOMEM;
        }
    return 0;
}

int policy_set_read(struct policy_set *s, char *const *paths, size_t n_paths, struct error **reterr)
{
    CLEANUP_INPUTS struct inputs inputs = {0};
    int r = 0;

    for (size_t i = 0; i < n_paths && r == 0; i++)
        r = inputs_add(&inputs, paths[i], reterr);
    if (r < 0)
        return r;
    s->files = calloc(inputs.n + 1, sizeof(*s->files));
    if (!s->files)
        return error_oom(reterr);
    for (size_t i = 0; i < inputs.n && r == 0; i++) {
        s->report.file_number = i;
        r = add_input(s, &inputs.items[i]);
    }
    if (r == 0)
        r = add_peers(s);
    return r < 0 ? error_oom(reterr) : 0;
}

/* ---- Choosing ---- */

/* NAME fits every namespace, "NAMESPACE/NAME" one. */
static bool is_named(const struct object *o, const char *name)
{
    const char *slash = strchr(name, '/');

    if (!slash)
        return strcmp(name, o->name) == 0;
    return strlen(o->name_space) == (size_t)(slash - name) &&
           strncmp(name, o->name_space, (size_t)(slash - name)) == 0 &&
           strcmp(slash + 1, o->name) == 0;
}

/* "a/b, c/d, ...": the policies there are, as far as a message has room for them. */
static const char *list_names(const struct policy_set *s, struct buf *out)
{
    const char *comma = "";

    for (size_t i = 0; i < s->n_files; i++)
        for (size_t k = 0; k < s->files[i].objects.n; k++) {
            const struct object *o = &s->files[i].objects.items[k];

            if (!o->policy)
                continue;
            if (out->len > NAMES_SHOWN ||
                buf_format(out, "%s%s/%s", comma, o->name_space, o->name) < 0) {
                (void)!buf_add_text(out, ", ..."); /* a shorter message is better than none */
                return buf_text(out);
            }
            comma = ", ";
        }
    return buf_text(out);
}

int policy_set_choose(const struct policy_set *s, const char *name, struct chosen_policy *ret,
                      struct error **reterr)
{
    CLEANUP_BUF struct buf names = BUF_INIT(2 * NAMES_SHOWN);
    struct chosen_policy found = {0};
    size_t n = 0, n_found = 0;

    for (size_t i = 0; i < s->n_files; i++)
        for (size_t k = 0; k < s->files[i].objects.n; k++) {
            const struct object *o = &s->files[i].objects.items[k];

            n += o->policy != NULL;
            if (!o->policy || (name && !is_named(o, name)))
                continue;
            found = (struct chosen_policy){.file = &s->files[i], .object = o};
            n_found++;
        }
    if (n == 0)
        return error_set(reterr, -ENOENT, "there is no policy in what was given");
    if (n_found == 0)
        return error_set(reterr, -ENOENT, "there is no policy '%s': %s", error_quote(name),
                         list_names(s, &names));
    if (n_found > 1)
        return error_set(reterr, -ENOENT, "%zu policies: choose one with --policy: %s", n_found,
                         list_names(s, &names));
    *ret = found;
    return 0;
}

/* ---- Building ---- */

static int report_notes(struct report *report, const char *file, const struct builder_notes *notes)
{
    int r = 0;

    for (size_t i = 0; i < notes->n && r == 0; i++) {
        const struct builder_note *note = &notes->items[i];
        bool warning = note->kind == BUILDER_WARNING;

        r = report_add(report, warning ? FINDING_WARNING : FINDING_ERROR, file, note->at, "%s%s",
                       note->kind == BUILDER_UNSUPPORTED ? "not supported by this version: " : "",
                       note->text);
    }
    return r;
}

int policy_set_build(struct policy_set *s, const struct chosen_policy *policy,
                     const char *install_namespace, bool warn_peers, struct profile **ret)
{
    struct builder_facts facts = {.install_namespace = install_namespace,
                                  .peers_unknown = !warn_peers};
    CLEANUP(profile_unref) struct profile *p = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    struct builder_notes notes = {0};
    int r = peers_tell(s->peers, &facts), reported = 0;

    if (r < 0)
        return r;
    r = builder_build(&p, policy->object->policy, &facts, &notes, &e);
    s->report.file_number = policy->file->number;
    if (r != -ENOMEM)
        reported = report_notes(&s->report, policy->file->name, &notes);
    if (r < 0 && r != -ENOMEM && reported == 0)
        reported = report_add(&s->report, FINDING_ERROR, policy->file->name, policy->object->at,
                              "%s", error_message(e));
    builder_notes_done(&notes);
    if (r == -ENOMEM || reported < 0)
        return -ENOMEM;
    if (r != 0)
        return 0;
    *ret = TAKE(p);
    return 1;
}
