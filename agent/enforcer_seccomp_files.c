/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_seccomp_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/file_folder.h"
#include "lib/map.h"

#define FILE_MODE   0644 /* no secret: who may list the folder may know what is forbidden */
#define RECORD_MODE 0600

int enforcer_seccomp_folder(const char *state_folder, char ret[static PATH_MAX])
{
    return snprintf(ret, PATH_MAX, "%s/seccomp", state_folder) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

const struct seccomp_held *enforcer_seccomp_find(const struct enforcer_seccomp *e,
                                                 const char *profile)
{
    return map_find(e->held, profile);
}

/* ---- files and records ---- */

/* An enum file_presence, or a negative errno with *reterr. out is empty, digest of what was read. */
static int read_file(const struct enforcer_seccomp *e, const char *profile, struct buf *out,
                     struct digest *ret_digest, struct error **reterr)
{
    int r = file_folder_read(e->folder, profile, out, reterr);

    if (r == FILE_PRESENT && digest_of(ret_digest, out->data, out->len) < 0)
        return error_oom(reterr);
    return r;
}

/* The same of what stands where a file of ours was written. Somebody may have put there what is none
 * (a link, a folder, one that is too large): that has the digest of no file, and fails nobody. */
static int read_ours(const struct enforcer_seccomp *e, const char *profile, struct buf *out,
                     struct digest *ret_digest, struct error **reterr)
{
    CLEANUP(error_free) struct error *problem = NULL;
    int r = read_file(e, profile, out, ret_digest, &problem);

    if (r == -EINVAL || r == -ELOOP || r == -E2BIG) {
        buf_clear(out);
        *ret_digest = (struct digest){0};
        return FILE_PRESENT;
    }
    return r < 0 ? error_set(reterr, r, "%s", error_message(problem)) : r;
}

static int write_record(const struct enforcer_seccomp *e, const char *profile,
                        const struct seccomp_record *record, struct error **reterr)
{
    CLEANUP_BUF struct buf text = BUF_INIT(SECCOMP_RECORD_MAX_BYTES);

    if (!e->records)
        return 0;
    if (seccomp_record_format(record, &text) < 0)
        return error_oom(reterr);
    return file_folder_replace(e->records, profile, &text, RECORD_MODE, reterr);
}

static int drop_record(const struct enforcer_seccomp *e, const char *profile, struct error **reterr)
{
    return e->records ? file_folder_remove(e->records, profile, reterr) : 0;
}

static int hold(struct enforcer_seccomp *e, const char *profile, const struct seccomp_held *held,
                struct error **reterr)
{
    struct seccomp_held *copy = malloc(sizeof(*copy));

    if (copy)
        *copy = *held;
    if (copy && map_put(e->held, profile, copy) == 0)
        return 0;
    free(copy);
    return error_oom(reterr);
}

/* What a file means; zero where it cannot be read. */
static int read_meaning(const struct buf *text, struct digest *ret, struct error **reterr)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0};
    int r = sc_profile_read_json(&p, buf_text(text), text->len, NULL);

    *ret = (struct digest){0};
    if (r == 0)
        r = sc_profile_digest(&p, ret);
    return r == -ENOMEM ? error_oom(reterr) : 0;
}

/* ---- adopting ---- */

struct adoption {
    struct enforcer_seccomp *e;
    void (*found)(const struct enforcer_holding *h, void *data);
    void *data;
};

static void fill_holding(const char *profile, const struct seccomp_content *c,
                         const struct digest *file, struct enforcer_holding *ret)
{
    *ret = (struct enforcer_holding){.image_digest = *file};
    snprintf(ret->profile, sizeof(ret->profile), "%s", profile);
    ret->digest = digest_equal(&c->text, file) ? c->profile : *file;
}

/* The content of the record that the file has; the one that it should have if it has another. */
static const struct seccomp_content *match(const struct seccomp_record *record,
                                           const struct digest *file)
{
    if (record->next.present && digest_equal(&record->next.text, file))
        return &record->next;
    return record->now.present ? &record->now : &record->next;
}

static int adopt_one(const char *profile, void *data, struct error **reterr)
{
    CLEANUP_BUF struct buf text = BUF_INIT(SC_MAX_JSON), file = BUF_INIT(SC_MAX_JSON);
    struct adoption *a = data;
    struct seccomp_held held = {0};
    struct seccomp_record record;
    struct enforcer_holding h;
    struct digest digest;
    int r = file_folder_read(a->e->records, profile, &text, reterr);

    if (r != FILE_PRESENT)
        return r < 0 ? r : 0;
    if (strlen(profile) > PROFILE_NAME_MAX || seccomp_record_parse(&record, buf_text(&text)) < 0)
        return drop_record(a->e, profile, reterr); /* what it was about is not ours any more */
    r = read_ours(a->e, profile, &file, &digest, reterr);
    if (r == FILE_ABSENT)
        return drop_record(a->e, profile, reterr);
    if (r < 0)
        return r;
    held.content = *match(&record, &digest);
    held.content.present = true;
    r = read_meaning(&file, &held.meaning, reterr);
    if (r == 0)
        r = hold(a->e, profile, &held, reterr);
    if (r < 0)
        return r;
    fill_holding(profile, &held.content, &digest, &h);
    a->found(&h, a->data);
    return 0;
}

int enforcer_seccomp_adopt(struct enforcer_seccomp *e,
                           void (*found)(const struct enforcer_holding *h, void *data), void *data,
                           struct error **reterr)
{
    struct adoption a = {.e = e, .found = found, .data = data};

    file_folder_sweep(e->folder);
    if (!e->records)
        return 0;
    file_folder_sweep(e->records);
    return file_folder_each(e->records, adopt_one, &a, reterr);
}

/* ---- writing ---- */

static int refuse_foreign(const struct enforcer_seccomp *e, const char *profile,
                          struct error **reterr)
{
    return error_set(reterr, -EEXIST,
                     "the file '%s/%s' is not from this agent, and is left as it is; move it away "
                     "if nobody needs it",
                     file_folder_path(e->folder), error_quote(profile));
}

static int replace_and_read_back(const struct enforcer_seccomp *e, const struct enforcer_version *v,
                                 struct error **reterr)
{
    CLEANUP_BUF struct buf back = BUF_INIT(SC_MAX_JSON);
    const char *profile = v->profile->name;
    struct digest digest;
    int r = file_folder_replace(e->folder, profile, &v->text, FILE_MODE, reterr);

    if (r == 0)
        r = read_file(e, profile, &back, &digest, reterr);
    if (r < 0)
        return r;
    if (r == FILE_ABSENT || !digest_equal(&digest, &v->held.content.text))
        return error_set(reterr, -EIO, "the file '%s/%s' reads back differently",
                         file_folder_path(e->folder), error_quote(profile));
    return 0;
}

static void remember_undo(struct enforcer_seccomp *e, const char *profile, bool had_file,
                          struct buf *text, const struct seccomp_held *held)
{
    buf_done(&e->undo.text);
    e->undo = (struct seccomp_undo){.had_file = had_file, .text = *text};
    *text = BUF_INIT(SC_MAX_JSON);
    if (held)
        e->undo.held = *held;
    snprintf(e->undo.profile, sizeof(e->undo.profile), "%s", profile);
}

int enforcer_seccomp_write(struct enforcer_seccomp *e, const struct enforcer_version *v,
                           struct error **reterr)
{
    CLEANUP_BUF struct buf old = BUF_INIT(SC_MAX_JSON);
    const char *profile = v->profile->name;
    const struct seccomp_held *held = enforcer_seccomp_find(e, profile);
    struct seccomp_record record = {.next = v->held.content};
    struct digest digest;
    int r, presence = read_file(e, profile, &old, &digest, reterr);

    if (presence < 0)
        return presence;
    if (presence == FILE_PRESENT && !held && !digest_equal(&digest, &v->held.content.text))
        return refuse_foreign(e, profile, reterr);
    if (held)
        record.now = held->content;
    remember_undo(e, profile, presence == FILE_PRESENT, &old, held);
    r = write_record(e, profile, &record, reterr);
    if (r < 0) {
        e->undo.profile[0] = '\0';
        return r;
    }
    r = replace_and_read_back(e, v, reterr);
    if (r == 0)
        r = hold(e, profile, &v->held, reterr);
    if (r < 0) {
        CLEANUP(error_free) struct error *trouble = NULL;

        if (enforcer_seccomp_revert(e, profile, &trouble) < 0)
            error_wrap(reterr, r, "the content of before could not be put back (%s)",
                       error_message(trouble));
        return r;
    }
    record = (struct seccomp_record){.now = v->held.content};
    write_record(e, profile, &record, NULL); /* else the next of the record is what is there */
    return 0;
}

/* ---- going back ---- */

int enforcer_seccomp_revert(struct enforcer_seccomp *e, const char *profile, struct error **reterr)
{
    struct seccomp_record record = {.now = e->undo.held.content};
    int r;

    if (strcmp(e->undo.profile, profile) != 0)
        return error_set(reterr, -EINVAL, "profile '%s': there is nothing to go back to",
                         error_quote(profile));
    e->undo.profile[0] = '\0';
    if (!e->undo.had_file)
        r = file_folder_remove(e->folder, profile, reterr);
    else
        r = file_folder_replace(e->folder, profile, &e->undo.text, FILE_MODE, reterr);
    if (r < 0)
        return r;
    if (!e->undo.held.content.present) {
        map_drop(e->held, profile);
        return drop_record(e, profile, reterr);
    }
    r = hold(e, profile, &e->undo.held, reterr);
    return r < 0 ? r : write_record(e, profile, &record, reterr);
}

int enforcer_seccomp_remove(struct enforcer_seccomp *e, const char *profile, bool *ret_removed,
                            struct error **reterr)
{
    CLEANUP_BUF struct buf text = BUF_INIT(SC_MAX_JSON);
    const struct seccomp_held *held = enforcer_seccomp_find(e, profile);
    struct digest digest;
    bool ours;
    int r;

    if (ret_removed)
        *ret_removed = false;
    if (!held)
        return 0;
    r = read_ours(e, profile, &text, &digest, reterr);
    if (r < 0)
        return r;
    ours = r == FILE_PRESENT && digest_equal(&digest, &held->content.text);
    r = ours ? file_folder_remove(e->folder, profile, reterr) : 0;
    if (r < 0)
        return r;
    map_drop(e->held, profile);
    if (strcmp(e->undo.profile, profile) == 0)
        e->undo.profile[0] = '\0';
    if (ret_removed)
        *ret_removed = ours;
    return drop_record(e, profile, reterr);
}

int enforcer_seccomp_describe(const struct enforcer_seccomp *e, const char *profile,
                              struct enforcer_holding *ret, struct error **reterr)
{
    CLEANUP_BUF struct buf text = BUF_INIT(SC_MAX_JSON);
    const struct seccomp_held *held = enforcer_seccomp_find(e, profile);
    struct digest digest;
    int r = held ? read_ours(e, profile, &text, &digest, reterr) : FILE_ABSENT;

    if (r == FILE_ABSENT)
        return -ENOENT;
    if (r < 0)
        return r;
    fill_holding(profile, &held->content, &digest, ret);
    return 0;
}
