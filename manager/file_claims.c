/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/file_claims.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/map.h"
#include "manager/object_key.h"

/* One file. */
struct claiming_file {
    char *name;               /* owned */
    struct objects objects;   /* of its last good content */
    struct findings findings; /* of its present content */
    struct findings disputes; /* objects that another file claims too */
    unsigned n_in_force;
    bool gone;    /* dropped: told and forgotten by the next settlement */
    bool changed; /* findings or disputes have to be told */
};

/* An object in force. */
struct claim {
    const struct object *object; /* of the file's objects or of the retired ones */
    const struct claiming_file *file;
};

/* Objects that a file no longer says but that may still be in force. */
struct retired {
    struct objects objects;
    struct retired *next;
};

struct file_claims {
    const struct source_handler *handler;
    void *data;
    struct map *files;       /* name -> struct claiming_file, owned */
    size_t n_folders;        /* of these */
    struct map *in_force;    /* identity -> struct claim, owned */
    struct retired *retired; /* owned */
};

static const char *identity_of(const struct object *o, char key[static OBJECT_KEY_SIZE])
{
    return object_key(key, object_kind_name(o->kind), o->name_space, o->name);
}

static void claiming_file_free(void *value)
{
    struct claiming_file *f = value;

    findings_done(&f->disputes);
    findings_done(&f->findings);
    objects_done(&f->objects);
    free(f->name);
    free(f);
}

struct file_claims *file_claims_new(const struct source_handler *handler, void *data)
{
    CLEANUP(file_claims_free) struct file_claims *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->handler = handler;
    c->data = data;
    c->files = map_new(claiming_file_free, 0);
    c->in_force = map_new(free, 0);
    return c->files && c->in_force ? TAKE(c) : NULL;
}

static void free_retired(struct file_claims *c)
{
    while (c->retired) {
        struct retired *next = c->retired->next;

        objects_done(&c->retired->objects);
        free(c->retired);
        c->retired = next;
    }
}

struct file_claims *file_claims_free(struct file_claims *c)
{
    if (!c)
        return NULL;
    map_free(c->in_force);
    map_free(c->files);
    free_retired(c);
    free(c);
    return NULL;
}

/* A folder is claimed for its findings alone; its name ends with a '/'. */
static bool is_folder(const char *name)
{
    return *name && name[strlen(name) - 1] == '/';
}

static bool is_full(const struct file_claims *c, const char *name)
{
    return is_folder(name) ? c->n_folders >= FILE_CLAIMS_MAX_FOLDERS
                           : map_size(c->files) - c->n_folders >= FILE_CLAIMS_MAX_FILES;
}

/* The file of a name, made if it is new. */
static int file_get(struct file_claims *c, const char *name, struct claiming_file **ret)
{
    struct claiming_file *f = map_find(c->files, name);

    if (!f) {
        if (is_full(c, name))
            return -E2BIG;
        f = calloc(1, sizeof(*f));
        if (!f)
            return -ENOMEM;
        f->name = strdup(name);
        if (!f->name || map_put(c->files, name, f) < 0) {
            claiming_file_free(f);
            return -ENOMEM;
        }
        c->n_folders += is_folder(name);
    }
    f->gone = false;
    *ret = f;
    return 0;
}

static void set_findings(struct claiming_file *f, const struct findings *findings)
{
    findings_done(&f->findings);
    f->findings = *findings;
    f->changed = true;
}

/* Puts *objects in the place of what the file said; takes them on success. 0 or -ENOMEM. */
static int replace_objects(struct file_claims *c, struct claiming_file *f, struct objects *objects)
{
    struct retired *old = calloc(1, sizeof(*old));

    if (!old)
        return -ENOMEM;
    old->objects = f->objects;
    old->next = c->retired;
    c->retired = old;
    f->objects = *objects;
    *objects = (struct objects){0};
    return 0;
}

int file_claims_put(struct file_claims *c, const char *file, const void *data, size_t len)
{
    struct objects objects = {0};
    struct findings findings = {0};
    struct claiming_file *f;
    int r;

    r = file_get(c, file, &f);
    if (r < 0)
        return r;
    r = objects_parse(&objects, data, len, &findings);
    if (r == 0 && findings.n_errors == 0)
        r = replace_objects(c, f, &objects);
    if (r == 0)
        set_findings(f, &findings);
    else
        findings_done(&findings);
    objects_done(&objects);
    return r;
}

int file_claims_refuse(struct file_claims *c, const char *file, const char *message)
{
    struct findings findings = {0};
    struct claiming_file *f;
    int r = file_get(c, file, &f);

    if (r < 0)
        return r;
    findings_add(&findings, FINDING_ERROR, 0, 0, "%s", message);
    set_findings(f, &findings);
    return 0;
}

bool file_claims_drop(struct file_claims *c, const char *file)
{
    struct claiming_file *f = map_find(c->files, file);

    if (!f || f->gone)
        return false;
    f->gone = true;
    return true;
}

/* ---- Settling ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct claiming_file *const *)a)->name,
                  (*(struct claiming_file *const *)b)->name);
}

/* The files, sorted by name; owned by the caller. NULL: no memory. */
static struct claiming_file **sorted_files(const struct file_claims *c, size_t *ret_n)
{
    struct claiming_file **files = calloc(map_size(c->files) + 1, sizeof(struct claiming_file *));
    size_t n = 0;

    if (!files)
        return NULL;
    MAP_FOREACH (e, c->files)
        files[n++] = map_value(e);
    qsort(files, n, sizeof(struct claiming_file *), by_name);
    *ret_n = n;
    return files;
}

static void add_dispute(struct claiming_file *f, const struct object *o,
                        const struct claiming_file *other, const struct object *others,
                        bool in_force)
{
    findings_add(&f->disputes, FINDING_ERROR, o->at.line, o->at.column,
                 "%s '%s%s%s' is defined in %s:%u:%u too; %s is in force",
                 object_kind_name(o->kind), o->name_space, *o->name_space ? "/" : "", o->name,
                 other->name, others->at.line, others->at.column,
                 in_force ? "this one" : "that one");
    f->changed = true;
}

/* Adds a file's claim of one object to next, or settles the dispute about it. 0 or -ENOMEM. */
static int add_claim(struct file_claims *c, struct map *next, struct claiming_file *f,
                     const struct object *o)
{
    char identity[OBJECT_KEY_SIZE];
    struct claim *claim = map_find(next, identity_of(o, identity));
    const struct claim *before = map_find(c->in_force, identity);
    struct claiming_file *first;

    if (!claim) {
        claim = malloc(sizeof(*claim));
        if (!claim || map_put(next, identity, claim) < 0) {
            free(claim);
            return -ENOMEM;
        }
        *claim = (struct claim){.object = o, .file = f};
        return 0;
    }
    first = map_find(c->files, claim->file->name);
    if (before && before->file == f) {
        add_dispute(f, o, first, claim->object, true);
        add_dispute(first, claim->object, f, o, false);
        *claim = (struct claim){.object = o, .file = f};
    } else {
        add_dispute(f, o, first, claim->object, false);
        add_dispute(first, claim->object, f, o, true);
    }
    return 0;
}

/* What should be in force: identity -> struct claim. NULL: no memory. */
static struct map *settle_claims(struct file_claims *c, struct claiming_file **files,
                                 size_t n_files)
{
    CLEANUP(map_free) struct map *next = map_new(free, 0);

    if (!next)
        return NULL;
    for (size_t i = 0; i < n_files; i++) {
        files[i]->changed |= files[i]->disputes.n > 0;
        findings_done(&files[i]->disputes);
        files[i]->disputes = (struct findings){0};
    }
    for (size_t i = 0; i < n_files; i++)
        for (size_t j = 0; !files[i]->gone && j < files[i]->objects.n; j++)
            if (add_claim(c, next, files[i], &files[i]->objects.items[j]) < 0)
                return NULL;
    return TAKE(next);
}

static void tell_objects(struct file_claims *c, const struct map *next)
{
    MAP_FOREACH (e, next) {
        const struct claim *now = map_value(e), *before = map_find(c->in_force, map_key(e));

        if (!before || before->object != now->object)
            c->handler->put(now->object, now->file->name, c->data);
    }
    MAP_FOREACH (e, c->in_force) {
        const struct claim *before = map_value(e);

        if (!map_find(next, map_key(e)))
            c->handler->dropped(before->object, c->data);
    }
}

static void count_in_force(struct file_claims *c)
{
    MAP_FOREACH (e, c->files) {
        struct claiming_file *f = map_value(e);

        f->n_in_force = 0;
    }
    MAP_FOREACH (e, c->in_force) {
        const struct claim *claim = map_value(e);
        struct claiming_file *f = map_find(c->files, claim->file->name);

        f->n_in_force++;
    }
}

/* Tells the findings of a file, its own and the disputes, in one list that is lent to the handler.
 */
static void tell_file(struct file_claims *c, struct claiming_file *f)
{
    struct findings all = {0};

    if (!f->gone) {
        for (size_t i = 0; i < f->findings.n; i++)
            findings_add(&all, f->findings.items[i].severity, f->findings.items[i].line,
                         f->findings.items[i].column, "%s", f->findings.items[i].message);
        for (size_t i = 0; i < f->disputes.n; i++)
            findings_add(&all, f->disputes.items[i].severity, f->disputes.items[i].line,
                         f->disputes.items[i].column, "%s", f->disputes.items[i].message);
        findings_sort(&all);
    }
    c->handler->file(
        &(struct source_file){.name = f->name, .findings = &all, .n_in_force = f->n_in_force},
        c->data);
    f->changed = false;
    findings_done(&all);
}

static void tell_files(struct file_claims *c, struct claiming_file **files, size_t n_files)
{
    for (size_t i = 0; i < n_files; i++) {
        if (files[i]->changed || files[i]->gone)
            tell_file(c, files[i]);
        if (files[i]->gone) {
            c->n_folders -= is_folder(files[i]->name);
            map_drop(c->files, files[i]->name);
        }
    }
}

int file_claims_settle(struct file_claims *c)
{
    size_t n_files = 0;
    CLEANUP_FREE struct claiming_file **files = sorted_files(c, &n_files);
    struct map *next = files ? settle_claims(c, files, n_files) : NULL;

    if (!next)
        return -ENOMEM;
    tell_objects(c, next);
    map_free(c->in_force);
    c->in_force = next;
    free_retired(c);
    count_in_force(c);
    tell_files(c, files, n_files);
    return 0;
}
