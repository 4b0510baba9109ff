/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define READ_CHUNK 65536

void inputs_done(struct inputs *in)
{
    for (size_t i = 0; i < in->n; i++) {
        free(in->items[i].path);
        error_free(in->items[i].error);
    }
    free(in->items);
    *in = (struct inputs){0};
}

/* Adds one entry; takes *error, which may hold NULL. */
static int inputs_put(struct inputs *in, const char *path, struct error **error,
                      struct error **reterr)
{
    struct input *items;
    char *copy;

    if (in->n == INPUTS_MAX)
        return error_set(reterr, -E2BIG, "more than %d files", INPUTS_MAX);
    items = in->n & (in->n - 1) ? in->items /* grows at each power of two */
                                : reallocarray(in->items, in->n ? in->n * 2 : 1, sizeof(*items));
    if (!items)
        return error_oom(reterr);
    in->items = items;
    copy = strdup(path);
    if (!copy)
        return error_oom(reterr);
    in->items[in->n++] = (struct input){.path = copy, .error = TAKE(*error)};
    return 0;
}

static int inputs_put_errno(struct inputs *in, const char *path, int errno_code,
                            struct error **reterr)
{
    CLEANUP(error_free) struct error *error = NULL;

    error_set(&error, -errno_code, "%s", strerror(errno_code));
    return inputs_put(in, path, &error, reterr);
}

/* ---- Folders ---- */

/* The folders that lie above: a link back to one of them would never end. */
struct chain {
    const struct chain *above;
    dev_t device;
    ino_t inode;
    unsigned depth;
};

static bool chain_holds(const struct chain *chain, const struct stat *st)
{
    for (; chain; chain = chain->above)
        if (chain->device == st->st_dev && chain->inode == st->st_ino)
            return true;
    return false;
}

static bool is_object_file(const char *name)
{
    static const char *const endings[] = {".yaml", ".yml", ".json"};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < ARRAY_SIZE(endings); i++)
        if (strcmp(dot, endings[i]) == 0)
            return true;
    return false;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int add_folder(struct inputs *in, const char *path, const struct stat *st,
                      const struct chain *above, struct error **reterr);

static int add_entry(struct inputs *in, const char *folder, const char *name,
                     const struct chain *chain, struct error **reterr)
{
    CLEANUP(error_free) struct error *none = NULL;
    CLEANUP_FREE char *path = NULL;
    size_t len = strlen(folder);
    struct stat st;

    if (asprintf(&path, "%s%s%s", folder, len && folder[len - 1] == '/' ? "" : "/", name) < 0) {
        path = NULL;
        return error_oom(reterr);
    }
    if (stat(path, &st) < 0)
        return is_object_file(name) ? inputs_put_errno(in, path, errno, reterr) : 0;
    if (S_ISDIR(st.st_mode))
        return add_folder(in, path, &st, chain, reterr);
    if (S_ISREG(st.st_mode) && is_object_file(name))
        return inputs_put(in, path, &none, reterr);
    return 0;
}

static int add_folder(struct inputs *in, const char *path, const struct stat *st,
                      const struct chain *above, struct error **reterr)
{
    const struct chain chain = {above, st->st_dev, st->st_ino, above ? above->depth + 1 : 0};
    struct dirent **names = NULL;
    int n, r = 0;

    if (chain_holds(above, st))
        return inputs_put_errno(in, path, ELOOP, reterr);
    if (chain.depth > INPUTS_MAX_DEPTH) {
        CLEANUP(error_free) struct error *error = NULL;

        error_set(&error, -ELOOP, "more than %d folders deep", INPUTS_MAX_DEPTH);
        return inputs_put(in, path, &error, reterr);
    }
    n = scandir(path, &names, is_visible, alphasort);
    if (n < 0)
        return errno == ENOMEM ? error_oom(reterr) : inputs_put_errno(in, path, errno, reterr);
    for (int i = 0; i < n; i++) {
        if (r == 0)
            r = add_entry(in, path, names[i]->d_name, &chain, reterr);
        free(names[i]);
    }
    free(names);
    return r;
}

int inputs_add(struct inputs *in, const char *path, struct error **reterr)
{
    CLEANUP(error_free) struct error *error = NULL;
    size_t before = in->n;
    struct stat st;
    int r;

    if (strcmp(path, "-") == 0)
        return inputs_put(in, path, &error, reterr);
    if (stat(path, &st) < 0)
        return inputs_put_errno(in, path, errno, reterr);
    if (!S_ISDIR(st.st_mode))
        return inputs_put(in, path, &error, reterr);
    r = add_folder(in, path, &st, NULL, reterr);
    if (r < 0 || in->n > before)
        return r;
    error_set(&error, -ENOENT, "no file in it ends in .yaml, .yml or .json");
    return inputs_put(in, path, &error, reterr);
}

/* ---- Content ---- */

int input_read(const struct input *input, struct buf *ret, struct error **reterr)
{
    CLEANUP_CLOSE int opened = -1;
    CLEANUP_FREE char *chunk = malloc(READ_CHUNK);
    int fd = STDIN_FILENO;

    if (!chunk)
        return error_oom(reterr);
    if (strcmp(input->path, "-") != 0) {
        opened = open(input->path, O_RDONLY | O_CLOEXEC);
        if (opened < 0)
            return error_set(reterr, -errno, "%s", strerror(errno));
        fd = opened;
    }
    while (ret->len < ret->max) {
        ssize_t n = read(fd, chunk, READ_CHUNK);

        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(reterr, -errno, "%s", strerror(errno));
        if (buf_add(ret, chunk, MIN((size_t)n, ret->max - ret->len)) < 0)
            return error_oom(reterr);
    }
    return 0;
}
