/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ruleset/ruleset.h"

#include <errno.h>
#include <string.h>

#include "lib/ruleset/image.h"

struct ruleset *ruleset_free(struct ruleset *r)
{
    if (r) {
        free(r->prefixes);
        free(r->lines);
        free(r);
    }
    return NULL;
}

static int ruleset_compare_prefixes(const void *a, const void *b)
{
    const struct ruleset_prefix *x = a, *y = b;

    return memcmp(&x->key, &y->key, sizeof(x->key));
}

void ruleset_sort_prefixes(struct ruleset_prefix *prefixes, size_t n)
{
    if (n > 1)
        qsort(prefixes, n, sizeof(*prefixes), ruleset_compare_prefixes);
}

int ruleset_digest(struct digest *ret, const struct varmor_line *lines, size_t n_lines,
                   const struct ruleset_prefix *prefixes, size_t n_prefixes)
{
    struct digest parts[2];

    if (digest_of(&parts[0], lines, n_lines * sizeof(*lines)) < 0 ||
        digest_of(&parts[1], prefixes, n_prefixes * sizeof(*prefixes)) < 0)
        return -ENOMEM;
    return digest_of(ret, parts, sizeof(parts));
}

/* The lines that every image has: front, index, name. */
static int ruleset_add_head(struct image *im, struct error **reterr)
{
    const struct profile *p = im->profile;
    struct varmor_front *front;
    struct varmor_name *name;
    uint32_t line;
    int r;

    if (p->n_rules > VARMOR_MAX_RULES)
        return error_set(reterr, -E2BIG, "the profile has more than %d rules", VARMOR_MAX_RULES);
    if (p->name && strlen(p->name) >= VARMOR_NAME_BYTES)
        return error_set(reterr, -E2BIG, "the profile's name '%s' has more than %d bytes",
                         error_quote(p->name), VARMOR_NAME_BYTES - 1);
    r = image_add(im, 1 + sizeof(struct varmor_index) / sizeof(struct varmor_line), &line, reterr);
    if (r == 0)
        r = image_add(im, sizeof(*name) / sizeof(struct varmor_line), &line, reterr);
    if (r < 0)
        return r;
    name = (struct varmor_name *)(im->lines + line);
    if (p->name)
        memcpy(name->profile, p->name, strlen(p->name));
    memcpy(name->digest, p->digest.bytes, sizeof(name->digest));
    front = image_front(im);
    front->magic = VARMOR_MAGIC;
    front->n_rules = (varmor_u32)MAX(p->n_rules, (size_t)1);
    for (size_t i = 0; i < p->n_rules; i++) {
        if (p->rules[i].kind <= RULE_NONE || p->rules[i].kind >= RULE_KINDS)
            return error_set(reterr, -EINVAL, "%s: a rule of no known kind", p->rules[i].origin);
        front->any_deny |= image_rule_mode(im, i) & RULE_DENY ? 1 : 0;
    }
    return 0;
}

static int ruleset_fill(struct image *im, struct error **reterr)
{
    int r = ruleset_add_head(im, reterr);

    if (r == 0)
        r = image_add_paths(im, RULE_FILE, reterr);
    if (r == 0)
        r = image_add_paths(im, RULE_EXEC, reterr);
    if (r == 0)
        r = image_add_capabilities(im, reterr);
    if (r == 0)
        r = image_add_sockets(im, reterr);
    if (r == 0)
        r = image_add_egress(im, reterr);
    if (r == 0)
        r = image_add_ptrace(im, reterr);
    if (r == 0)
        r = image_add_mounts(im, reterr);
    return r == -ENOMEM ? error_oom(reterr) : r;
}

int ruleset_build(struct ruleset **ret, const struct profile *profile, struct error **reterr)
{
    CLEANUP(ruleset_free) struct ruleset *rs = calloc(1, sizeof(*rs));
    struct image im = {.profile = profile};
    int r;

    if (!rs)
        return error_oom(reterr);
    r = ruleset_fill(&im, reterr);
    rs->lines = im.lines;
    rs->n_lines = im.n_lines;
    rs->prefixes = im.prefixes;
    rs->n_prefixes = im.n_prefixes;
    if (r < 0)
        return r;
    image_front(&im)->n_lines = (varmor_u32)im.n_lines;
    rs->n_rules = image_front(&im)->n_rules;
    ruleset_sort_prefixes(rs->prefixes, rs->n_prefixes);
    r = ruleset_digest(&rs->digest, rs->lines, rs->n_lines, rs->prefixes, rs->n_prefixes);
    if (r < 0)
        return error_oom(reterr);
    *ret = TAKE(rs);
    return 0;
}
