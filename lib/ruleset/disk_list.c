/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ruleset/disk_list.h"

#include "lib/buf.h"
#include "lib/match/pattern.h"
#include "lib/profile.h"

#include <errno.h>
#include <string.h>

#define FOLDER         "/dev/"
#define APPARMOR_DISKS "@{varmor_disks}" /* lib/apparmor/apparmor.h */
#define N_COLUMNS      4                 /* major, minor, blocks, name */
#define COLUMN_BLANKS  " \t"

void disk_list_done(struct disk_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->paths[i]);
    free(l->paths);
    *l = (struct disk_list){};
}

/* ---- reading ---- */

struct slice {
    const char *text;
    size_t len;
};

/* The next line of *rest, which becomes what follows it. False at the end. */
static bool next_line(struct slice *rest, struct slice *ret)
{
    const char *end = rest->len ? memchr(rest->text, '\n', rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->text) : rest->len;

    if (rest->len == 0)
        return false;
    *ret = (struct slice){rest->text, len};
    rest->text += len + (end != NULL);
    rest->len -= len + (end != NULL);
    return true;
}

static size_t blanks_at(const struct slice *s)
{
    size_t n = 0;

    while (n < s->len && s->text[n] && strchr(COLUMN_BLANKS, s->text[n]))
        n++;
    return n;
}

/* Splits a line; how many columns it has, one more than N_COLUMNS if there are more than those. */
static size_t split(struct slice line, struct slice columns[static N_COLUMNS])
{
    for (size_t n = 0;; n++) {
        size_t blanks = blanks_at(&line), len = 0;

        line.text += blanks;
        line.len -= blanks;
        while (len < line.len && !(line.text[len] && strchr(COLUMN_BLANKS, line.text[len])))
            len++;
        if (len == 0 || n == N_COLUMNS)
            return n + (len > 0);
        columns[n] = (struct slice){line.text, len};
        line.text += len;
        line.len -= len;
    }
}

static bool is_number(const struct slice *s)
{
    for (size_t i = 0; i < s->len; i++)
        if (s->text[i] < '0' || s->text[i] > '9')
            return false;
    return s->len > 0;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("._-+:", c));
}

/* Writes the path of a name. False: it is none that can be told. */
static bool path_of(const struct slice *name, char path[static DISK_PATH_MAX + 1])
{
    size_t at = strlen(FOLDER);

    if (name->len == 0 || at + name->len > DISK_PATH_MAX)
        return false;
    memcpy(path, FOLDER, at);
    for (size_t i = 0; i < name->len; i++) {
        char c = name->text[i] == '!' ? '/' : name->text[i];

        if (c != '/' && !is_plain(c))
            return false;
        if (c == '.' && path[at - 1] == '/') /* nor "..", nor a hidden file: not a device's */
            return false;
        if (c == '/' && path[at - 1] == '/')
            return false;
        path[at++] = c;
    }
    path[at] = '\0';
    return path[at - 1] != '/';
}

static int append(struct disk_list *l, const char *path, struct error **reterr)
{
    if (l->n == DISK_LIST_MAX)
        return error_set(reterr, -E2BIG, "more than %d disks and partitions", DISK_LIST_MAX);
    if ((l->n & (l->n - 1)) == 0) { /* the room doubles whenever n is a power of two */
        char **paths = reallocarray(l->paths, l->n ? 2 * l->n : 1, sizeof(*paths));

        if (!paths)
            return error_oom(reterr);
        l->paths = paths;
    }
    l->paths[l->n] = strdup(path);
    if (!l->paths[l->n])
        return error_oom(reterr);
    l->n++;
    return 0;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_and_deduplicate(struct disk_list *l)
{
    size_t n = 0;

    if (l->n)
        qsort(l->paths, l->n, sizeof(l->paths[0]), compare_paths);
    for (size_t i = 0; i < l->n; i++) {
        if (n && strcmp(l->paths[n - 1], l->paths[i]) == 0)
            free(l->paths[i]);
        else
            l->paths[n++] = l->paths[i];
    }
    l->n = n;
}

int disk_list_parse(struct disk_list *ret, const char *text, size_t len, struct error **reterr)
{
    CLEANUP_DISK_LIST struct disk_list l = {};
    struct slice rest = {text, len}, line;

    while (next_line(&rest, &line)) {
        struct slice columns[N_COLUMNS] = {};
        char path[DISK_PATH_MAX + 1];
        size_t n = split(line, columns);
        int r;

        if (n == 0 || !is_number(&columns[0])) /* the heading, or the empty line below it */
            continue;
        if (n != N_COLUMNS || !is_number(&columns[1]) || !path_of(&columns[N_COLUMNS - 1], path)) {
            l.n_refused++;
            continue;
        }
        r = append(&l, path, reterr);
        if (r < 0)
            return r;
    }
    sort_and_deduplicate(&l);
    *ret = l;
    l = (struct disk_list){};
    return 0;
}

bool disk_list_equal(const struct disk_list *a, const struct disk_list *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->paths[i], b->paths[i]) != 0)
            return false;
    return true;
}

/* ---- in profiles ---- */

/* Where a rule's pattern stands; NULL: it has none. */
static char **pattern_of(struct rule *rule)
{
    switch (rule->kind) {
    case RULE_FILE:
    case RULE_EXEC:
        return &rule->path.pattern;
    case RULE_MOUNT:
        return &rule->mount.pattern;
    default:
        return NULL;
    }
}

static bool has_placeholder(struct rule *rule)
{
    char **pattern = pattern_of(rule);

    return pattern && strcmp(*pattern, DISK_PLACEHOLDER) == 0;
}

static bool any_placeholder(const struct profile *p)
{
    for (size_t i = 0; i < p->n_rules; i++)
        if (has_placeholder(&p->rules[i]))
            return true;
    return false;
}

bool disk_list_concerns(const struct profile *p)
{
    return any_placeholder(p) || (p->apparmor_text && strstr(p->apparmor_text, APPARMOR_DISKS));
}

/* Writes a pattern of as many disks from the first on as it holds, and how many those are. */
static int write_pattern(const struct disk_list *l, size_t first, struct buf *out, size_t *ret_n)
{
    size_t n = 0;
    int r = buf_add_text(out, FOLDER "{");

    while (r == 0 && first + n < l->n && n < PATTERN_MAX_BRANCHES) {
        const char *name = l->paths[first + n] + strlen(FOLDER);

        if (out->len + strlen(name) + 2 > PATTERN_MAX_BYTES)
            break;
        r = buf_format(out, "%s%s", n ? "," : "", name);
        n++;
    }
    if (r == 0)
        r = buf_add_text(out, "}");
    *ret_n = n;
    return r;
}

static int add_rule(struct profile *p, const struct rule *from, const char *pattern,
                    struct error **reterr)
{
    char *copy, **place;
    struct rule *to;

    if (p->n_rules == PROFILE_MAX_RULES)
        return error_set(reterr, -E2BIG, "%s: more than %d rules with this node's disks",
                         from->origin, PROFILE_MAX_RULES);
    to = profile_copy_rule(p, from);
    copy = pattern ? strdup(pattern) : NULL;
    if (!to || (pattern && !copy)) {
        free(copy);
        return error_oom(reterr);
    }
    place = pattern_of(to);
    if (copy && place) {
        free(*place);
        *place = copy;
    }
    return 0;
}

/* The rule once for each pattern that it takes to name all disks. */
static int add_expanded(struct profile *p, const struct rule *from, const struct disk_list *l,
                        struct error **reterr)
{
    if (l->n == 0)
        return add_rule(p, from, DISK_NONE, reterr);
    for (size_t i = 0, n = 0; i < l->n; i += n) {
        CLEANUP_BUF struct buf pattern = BUF_INIT(PATTERN_MAX_BYTES);
        int r = write_pattern(l, i, &pattern, &n);

        if (r < 0)
            return error_oom(reterr); /* the ceiling was looked after */
        r = add_rule(p, from, buf_text(&pattern), reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

int disk_list_expand(const struct disk_list *l, struct profile *p, struct profile **ret,
                     struct error **reterr)
{
    CLEANUP(profile_unref) struct profile *expanded = NULL;

    if (!any_placeholder(p)) {
        *ret = profile_ref(p);
        return 0;
    }
    expanded = profile_new();
    if (!expanded)
        return error_oom(reterr);
    expanded->name = strdup(p->name);
    if (!expanded->name)
        return error_oom(reterr);
    expanded->complain = p->complain;
    expanded->enforcers = p->enforcers;
    expanded->digest = p->digest;
    for (size_t i = 0; i < p->n_rules; i++) {
        int r = has_placeholder(&p->rules[i]) ? add_expanded(expanded, &p->rules[i], l, reterr)
                                              : add_rule(expanded, &p->rules[i], NULL, reterr);

        if (r < 0)
            return r;
    }
    *ret = TAKE(expanded);
    return 0;
}
