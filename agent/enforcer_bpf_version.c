/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_bpf.h"

#include "agent/rule_names.h"
#include "lib/ruleset/ruleset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES sizeof(struct varmor_line)
/* Lines of an image map: what the programs walk, and behind it, for agents alone, the seal and the
 * names. */
#define IMAGE_LINES_MAX (VARMOR_MAX_LINES + 1 + RULE_NAMES_MAX_LINES)

#define SEAL_MAGIC      0x4c535256u /* "VRSL" */
/* What the image was when it was put in, so that an agent that adopts it can tell whether it still
 * is. */
struct image_seal { /* one line */
    uint32_t magic;
    uint32_t reserved[7];
    struct digest digest; /* of image and trie */
};
_Static_assert(sizeof(struct image_seal) == sizeof(struct varmor_line), "the seal is one line");

DEFINE_CLEANUP(struct ruleset_prefix *, free)

void version_facts_done(struct version_facts *facts)
{
    rule_names_unref(facts->names);
    *facts = (struct version_facts){};
}

/* The inner map of a version: 0 with *ret_fd, or -1 there if may_lack and there is none. */
static int inner_open(const int *maps, enum kernel_map outer, uint32_t number, bool may_lack,
                      int *ret_fd, struct error **reterr)
{
    int r = kernel_map_open_inner(maps[outer], number, ret_fd);

    if (r < 0)
        return error_errno(reterr, r, "version %u", number);
    if (r == 0 && !may_lack)
        return error_set(reterr, -ENOENT, "the kernel holds no version %u", number);
    return 0;
}

/* ---- into the kernel ---- */

size_t version_n_lines(const struct enforcer_version *v)
{
    return v->ruleset->n_lines + 1 + rule_names_lines(v->names);
}

static int inner_put(const int *maps, enum kernel_map outer, uint32_t number, int inner_fd,
                     struct error **reterr)
{
    int r = kernel_map_put_inner(maps[outer], number, inner_fd);

    if (r == -E2BIG)
        return error_set(reterr, r, "the kernel holds %d versions of profiles, which is the limit",
                         VARMOR_MAX_VERSIONS);
    return r < 0 ? error_errno(reterr, r, "version %u", number) : 0;
}

int version_reserve(const int maps[static KERNEL_MAPS], uint32_t number, size_t n_lines,
                    size_t n_rules, struct error **reterr)
{
    CLEANUP_CLOSE int image_fd = -1;
    CLEANUP_CLOSE int counts_fd = -1;
    int r;

    r = kernel_map_new_array(&image_fd, "varmor_image", LINE_BYTES, (uint32_t)n_lines, reterr);
    if (r == 0)
        r = kernel_map_new_array(&counts_fd, "varmor_count", sizeof(uint64_t), (uint32_t)n_rules,
                                 reterr);
    if (r == 0)
        r = inner_put(maps, KERNEL_MAP_COUNTS, number, counts_fd, reterr);
    if (r < 0)
        return r;
    r = inner_put(maps, KERNEL_MAP_IMAGES, number, image_fd, reterr);
    if (r < 0)
        kernel_map_drop_inner(maps[KERNEL_MAP_COUNTS], number);
    return r;
}

/* A version without addresses has no trie: the programs look only where its front sends them. */
static int trie_put(const int *maps, uint32_t number, const struct ruleset *ruleset,
                    struct error **reterr)
{
    CLEANUP_CLOSE int fd = -1;
    int r;

    if (ruleset->n_prefixes == 0)
        return 0;
    r = kernel_map_new_trie(&fd, "varmor_trie", (uint32_t)ruleset->n_prefixes, reterr);
    if (r < 0)
        return r;
    r = kernel_map_fill_trie(fd, ruleset->prefixes, ruleset->n_prefixes);
    if (r < 0)
        return error_errno(reterr, r, "trie of %zu prefixes", ruleset->n_prefixes);
    return inner_put(maps, KERNEL_MAP_EGRESS, number, fd, reterr);
}

int version_fill(const int maps[static KERNEL_MAPS], uint32_t number,
                 const struct enforcer_version *v, struct error **reterr)
{
    const struct image_seal seal = {.magic = SEAL_MAGIC, .digest = v->ruleset->digest};
    CLEANUP_WINDOW struct kernel_window window = {};
    CLEANUP_CLOSE int fd = -1;
    struct varmor_line *lines;
    int r;

    r = inner_open(maps, KERNEL_MAP_IMAGES, number, false, &fd, reterr);
    if (r < 0)
        return r;
    r = kernel_window_open(&window, fd, version_n_lines(v) * LINE_BYTES);
    if (!window.data)
        return error_errno(reterr, r, "window on the image's %zu lines", version_n_lines(v));
    lines = window.data;
    memcpy(lines, v->ruleset->lines, v->ruleset->n_lines * LINE_BYTES);
    memcpy(lines + v->ruleset->n_lines, &seal, sizeof(seal));
    rule_names_encode(v->names, lines + v->ruleset->n_lines + 1);
    return trie_put(maps, number, v->ruleset, reterr);
}

void version_drop(const int maps[static KERNEL_MAPS], uint32_t number)
{
    kernel_map_drop_inner(maps[KERNEL_MAP_IMAGES], number);
    kernel_map_drop_inner(maps[KERNEL_MAP_COUNTS], number);
    kernel_map_drop_inner(maps[KERNEL_MAP_EGRESS], number);
}

/* ---- back from the kernel ---- */

/* Everything that an image tells, its seal among it; nothing is digested yet. */
static int image_read(const struct varmor_line *lines, size_t n, size_t *ret_n_lines,
                      struct image_seal *ret_seal, struct version_facts *facts,
                      struct error **reterr)
{
    struct varmor_front front;
    struct varmor_name name;
    int r;

    if (n < 2 + (sizeof(struct varmor_index) + sizeof(name)) / LINE_BYTES)
        return error_set(reterr, -EINVAL, "an image of %zu lines is too short", n);
    memcpy(&front, lines, sizeof(front));
    if (front.magic != VARMOR_MAGIC || front.n_lines >= n)
        return error_set(reterr, -EINVAL, "the front of the image is damaged");
    r = ruleset_check_image(lines, front.n_lines, reterr);
    if (r < 0)
        return r;
    memcpy(ret_seal, lines + front.n_lines, sizeof(*ret_seal));
    if (ret_seal->magic != SEAL_MAGIC)
        return error_set(reterr, -EINVAL, "the image has no seal");
    r = rule_names_decode(&facts->names, lines + front.n_lines + 1, n - front.n_lines - 1, reterr);
    if (r < 0)
        return r;
    memcpy(&name, lines + 1 + sizeof(struct varmor_index) / LINE_BYTES, sizeof(name));
    memcpy(facts->profile, name.profile, strnlen(name.profile, sizeof(facts->profile) - 1));
    _Static_assert(sizeof(name.digest) == sizeof(facts->digest.bytes), "one digest");
    memcpy(facts->digest.bytes, name.digest, sizeof(name.digest));
    *ret_n_lines = front.n_lines;
    return 0;
}

/* Reads the image through a window of its own, and digests it together with the prefixes. */
static int image_read_and_digest(int fd, const struct ruleset_prefix *prefixes, size_t n_prefixes,
                                 struct version_facts *facts, struct error **reterr)
{
    CLEANUP_WINDOW struct kernel_window window = {};
    struct image_seal seal;
    size_t n_lines = 0;
    uint32_t n = 0;
    int r;

    r = kernel_map_size(fd, &n);
    if (r == 0 && (n == 0 || n > IMAGE_LINES_MAX))
        return error_set(reterr, -EINVAL, "an image of %u lines is none of ours", n);
    if (r == 0)
        r = kernel_window_open(&window, fd, n * LINE_BYTES);
    if (!window.data)
        return error_errno(reterr, r, "image");
    r = image_read(window.data, n, &n_lines, &seal, facts, reterr);
    if (r < 0)
        return r;
    r = ruleset_digest(&facts->image_digest, window.data, n_lines, prefixes, n_prefixes);
    if (r < 0)
        return error_oom(reterr);
    if (!digest_equal(&facts->image_digest, &seal.digest))
        return error_set(reterr, -EINVAL, "the image is not what was put in: its seal is broken");
    return 0;
}

int version_read(const int maps[static KERNEL_MAPS], uint32_t number, struct version_facts *ret,
                 struct error **reterr)
{
    __attribute__((cleanup(version_facts_done))) struct version_facts facts = {};
    CLEANUP(free) struct ruleset_prefix *prefixes = NULL;
    CLEANUP_CLOSE int image_fd = -1;
    CLEANUP_CLOSE int counts_fd = -1;
    CLEANUP_CLOSE int trie_fd = -1;
    size_t n_prefixes = 0;
    int r;

    r = inner_open(maps, KERNEL_MAP_IMAGES, number, false, &image_fd, reterr);
    if (r == 0)
        r = inner_open(maps, KERNEL_MAP_COUNTS, number, false, &counts_fd, reterr);
    if (r == 0)
        r = inner_open(maps, KERNEL_MAP_EGRESS, number, true, &trie_fd, reterr);
    if (r < 0)
        return r;
    r = kernel_map_size(counts_fd, &facts.n_counts);
    if (r == 0 && trie_fd >= 0)
        r = kernel_map_read_trie(trie_fd, &prefixes, &n_prefixes, VARMOR_MAX_PREFIXES);
    if (r < 0)
        return error_errno(reterr, r, "version %u", number);
    r = image_read_and_digest(image_fd, prefixes, n_prefixes, &facts, reterr);
    if (r < 0)
        return error_wrap(reterr, r, "version %u", number);
    *ret = facts;
    facts.names = NULL; /* now the caller's */
    return 0;
}

int version_open_counts(const int maps[static KERNEL_MAPS], uint32_t number,
                        struct kernel_window *ret, uint32_t *ret_n, struct error **reterr)
{
    CLEANUP_CLOSE int fd = -1;
    uint32_t n = 0;
    int r;

    r = inner_open(maps, KERNEL_MAP_COUNTS, number, false, &fd, reterr);
    if (r < 0)
        return r;
    r = kernel_map_size(fd, &n);
    if (r == 0 && n > VARMOR_MAX_RULES)
        r = -E2BIG;
    if (r == 0)
        r = kernel_window_open(ret, fd, n * sizeof(uint64_t));
    if (r < 0)
        return error_errno(reterr, r, "counters of version %u", number);
    *ret_n = n;
    return 0;
}
