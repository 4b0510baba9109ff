/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/apparmor_features.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "agent/whole_file.h"
#include "lib/apparmor/apparmor.h"

/* What the templates of lib/apparmor speak of; the rest of a kernel's features is newer. */
static const char *const known_blocks[] = {"query",      "dbus",       "signal", "ptrace", "caps",
                                           "capability", "rlimit",     "mount",  "file",   "domain",
                                           "network",    "network_v8", "policy"};
/* Newer kernels tell here whether they mediate the making of user namespaces. */
#define NAMESPACES_BLOCK "namespaces"
#define NAMESPACES_KNOWN "namespaces {profile {yes\n}\npivot_root {no\n}\n}\n"

struct span {
    const char *text;
    size_t len;
};

/* Takes the next "NAME {...}" off the front. 1, 0 at the end, or -EBADMSG. */
static int next_block(const char **rest, struct span *ret_name, struct span *ret_block)
{
    const char *at = *rest + strspn(*rest, " \n");
    unsigned depth = 0;

    if (!*at)
        return 0;
    *ret_name = (struct span){.text = at, .len = strcspn(at, " {}\n")};
    ret_block->text = at;
    do {
        at += strcspn(at, "{}");
        if (!*at || (*at == '}' && depth == 0))
            return -EBADMSG;
        depth += *at == '{' ? 1 : -1u;
        at++;
    } while (depth > 0);
    ret_block->len = (size_t)(at - ret_block->text);
    *rest = at;
    return 1;
}

static bool span_is(struct span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.text, text, s.len) == 0;
}

static bool is_known(struct span name)
{
    for (size_t i = 0; i < ARRAY_SIZE(known_blocks); i++)
        if (span_is(name, known_blocks[i]))
            return true;
    return false;
}

int apparmor_features_select(const char *kernel, bool newer, struct buf *out)
{
    struct span name, block;
    int r, r_add = 0;

    while ((r = next_block(&kernel, &name, &block)) > 0 && r_add == 0) {
        if (newer || is_known(name))
            r_add = buf_format(out, "%.*s\n", (int)block.len, block.text);
        else if (span_is(name, NAMESPACES_BLOCK))
            r_add = buf_add_text(out, NAMESPACES_KNOWN);
    }
    return r < 0 ? r : r_add;
}

/* ---- newer classes ---- */

/* Where a kernel tells that it mediates a class: a block, and a word in it. */
static const struct newer_class {
    enum aa_class kind;
    const char *name, *block, *word;
} newer_classes[] = {
    {AA_USERNS, "userns", NAMESPACES_BLOCK, "userns_create"},
    {AA_IO_URING, "io_uring", "io_uring", ""},
    {AA_MQUEUE, "mqueue", "ipc", "mqueue"},
};

static const struct newer_class *find_newer(enum aa_class kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(newer_classes); i++)
        if (newer_classes[i].kind == kind)
            return &newer_classes[i];
    return NULL;
}

static bool is_mediated(const char *kernel, const struct newer_class *c)
{
    struct span name, block;

    while (next_block(&kernel, &name, &block) > 0)
        if (span_is(name, c->block))
            return memmem(block.text, block.len, c->word, strlen(c->word)) != NULL;
    return false;
}

bool apparmor_features_need_newer(const struct aa_rules *rules)
{
    for (size_t i = 0; i < rules->n; i++)
        if (aa_class_is_newer(rules->items[i].kind))
            return true;
    return false;
}

int apparmor_features_check(const char *kernel, const struct aa_rules *rules, struct error **reterr)
{
    for (size_t i = 0; i < rules->n; i++) {
        const struct aa_rule *rule = &rules->items[i];
        const struct newer_class *c = find_newer(rule->kind);

        if (!c || !(rule->qualifiers & (AA_DENY | AA_AUDIT)) || is_mediated(kernel, c))
            continue;
        return error_set(reterr, -EOPNOTSUPP,
                         "%s: rule '%s': this kernel's AppArmor does not mediate '%s'",
                         rule->origin ? rule->origin : "base", error_quote(rule->text), c->name);
    }
    return 0;
}

/* ---- the file ---- */

int apparmor_features_file(const struct buf *text)
{
    CLEANUP_CLOSE int fd = whole_file_in_memory("apparmor-features");
    int r = fd < 0 ? fd : whole_file_write(fd, text->data, text->len);

    if (r < 0)
        return r;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    return TAKE_FD(fd);
}
