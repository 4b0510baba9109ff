/* SPDX-License-Identifier: Apache-2.0 */
/* Mount rules: an automaton over the source text, whose states name lists of rules. */
#include "lib/ruleset/image.h"

#include <errno.h>
#include <string.h>

#include "lib/match/automaton.h"
#include "lib/match/id_list.h"
#include "lib/match/id_table.h"
#include "lib/match/pattern.h"

_Static_assert(sizeof(((struct varmor_mount_rule *)NULL)->fstype) == PROFILE_FSTYPE_MAX + 1,
               "a type of file system has room for its NUL");

struct mounts {
    struct image *im;
    struct automaton_input *inputs; /* owned, the patterns too */
    size_t n_inputs;
    struct id_table lists; /* of the lists in the image */
    struct id_list lines;  /* by list: its line */
    bool blamed;           /* *reterr names the rules already */
    struct error **reterr;
};

static void mounts_done(struct mounts *m)
{
    for (size_t i = 0; i < m->n_inputs; i++)
        pattern_free((struct pattern *)m->inputs[i].pattern);
    free(m->inputs);
    id_table_done(&m->lists);
    id_list_done(&m->lines);
}

struct mount_list_key {
    const struct mounts *m;
    const uint32_t *rules;
    size_t n_rules;
};

static const struct varmor_mount_rule *mount_list_rules(const struct mounts *m, uint32_t id)
{
    return (const struct varmor_mount_rule *)(m->im->lines + m->lines.items[id] + 1);
}

static bool mount_list_same(const void *data, uint32_t id)
{
    const struct mount_list_key *key = data;
    const struct varmor_line *header = &key->m->im->lines[key->m->lines.items[id]];

    if (((const struct varmor_mount_list *)header)->n_rules != key->n_rules)
        return false;
    for (size_t i = 0; i < key->n_rules; i++)
        if (mount_list_rules(key->m, id)[i].rule != key->rules[i])
            return false;
    return true;
}

static void mount_rule_fill(const struct image *im, uint32_t number, struct varmor_mount_rule *out)
{
    const struct rule *rule = &im->profile->rules[number];
    unsigned mode = image_rule_mode(im, number);

    out->set = rule->mount.flags;
    out->clear = rule->mount.reverse_flags;
    memcpy(out->fstype, rule->mount.fstype, strnlen(rule->mount.fstype, sizeof(out->fstype) - 1));
    out->mode = (varmor_u16)((mode & RULE_DENY ? VARMOR_PORT_DENY : 0) |
                             (mode & RULE_AUDIT ? VARMOR_PORT_AUDIT : 0));
    out->rule = (varmor_u16)number;
}

static int mount_verdict(void *data, const uint32_t *rules, size_t n_rules, uint32_t *ret)
{
    struct mounts *m = data;
    struct mount_list_key key = {.m = m, .rules = rules, .n_rules = n_rules};
    uint32_t hash = id_table_hash(rules, n_rules * sizeof(*rules));
    uint32_t id = id_table_find(&m->lists, hash, mount_list_same, &key), line;
    int r;

    if (id == ID_TABLE_NONE) {
        if (n_rules > VARMOR_MAX_MOUNTRULES) {
            r = error_set(m->reterr, -E2BIG, "more than %d mount rules can apply to one source",
                          VARMOR_MAX_MOUNTRULES);
            m->blamed = true;
            return image_blame(m->im, rules, AUTOMATON_MAX_BLAMED, r, m->reterr);
        }
        r = image_add(m->im, 1 + n_rules, &line, m->reterr);
        if (r < 0)
            return r;
        ((struct varmor_mount_list *)(m->im->lines + line))->n_rules = (uint32_t)n_rules;
        for (size_t i = 0; i < n_rules; i++)
            mount_rule_fill(m->im, rules[i],
                            (struct varmor_mount_rule *)(m->im->lines + line + 1 + i));
        if (id_table_reserve(&m->lists, 1) < 0 || id_list_reserve(&m->lines, 1) < 0)
            return -ENOMEM;
        id = (uint32_t)m->lines.n;
        id_table_put(&m->lists, hash, id);
        m->lines.items[m->lines.n++] = line;
    }
    *ret = id + 1;
    return 0;
}

static int mounts_collect(struct mounts *m)
{
    const struct profile *p = m->im->profile;
    int r;

    m->inputs = calloc(p->n_rules + 1, sizeof(*m->inputs));
    if (!m->inputs)
        return error_oom(m->reterr);
    for (size_t i = 0; i < p->n_rules; i++) {
        CLEANUP(pattern_free) struct pattern *pattern = NULL;
        const struct rule *rule = &p->rules[i];
        uint32_t number = (uint32_t)i;

        if (rule->kind != RULE_MOUNT)
            continue;
        if (strlen(rule->mount.fstype) > PROFILE_FSTYPE_MAX)
            return error_set(m->reterr, -EINVAL, "%s: '%s' is too long for a file system type",
                             rule->origin, error_quote(rule->mount.fstype));
        r = pattern_parse(&pattern, rule->mount.pattern, m->reterr);
        if (r < 0)
            return r == -ENOMEM ? r : image_blame(m->im, &number, 1, r, m->reterr);
        if (image_rule_mode(m->im, i))
            m->inputs[m->n_inputs++] = (struct automaton_input){TAKE(pattern), number};
    }
    return 0;
}

static int mounts_run(struct mounts *m)
{
    struct automaton_meaning meaning = {.verdict = mount_verdict, .data = m};
    CLEANUP(automaton_free) struct automaton *a = NULL;
    struct automaton_blame blame;
    int r = mounts_collect(m);

    if (r < 0 || m->n_inputs == 0)
        return r;
    image_front(m->im)->concern |= VARMOR_CONCERN_MOUNT;
    r = automaton_build(&a, m->inputs, m->n_inputs, false, &meaning, &blame, m->reterr);
    if (r == -E2BIG && !m->blamed)
        return image_blame(m->im, blame.rules, blame.n_rules, r, m->reterr);
    if (r < 0)
        return r;
    return image_add_automaton(m->im, VARMOR_MOUNT_SOURCE, a, m->lines.items, m->reterr);
}

int image_add_mounts(struct image *im, struct error **reterr)
{
    struct mounts m = {.im = im, .reterr = reterr};
    int r = mounts_run(&m);

    mounts_done(&m);
    return r;
}
