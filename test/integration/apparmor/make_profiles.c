/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_profiles DIR FIRST COUNT [newer|pairs]: writes COUNT profiles of rules at random, DIR/SEED.profile for the seeds from
 * FIRST on. Each is read again before it is written. With "newer" they hold classes that apparmor_parser 3 does not
 * know.
 *
 * With "pairs" DIR/SEED.user has the rules as a user wrote them, pasted between the braces of a profile, and
 * DIR/SEED.own the same rules as we write them: apparmor_parser must make the same of both.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/apparmor/apparmor.h"
#include "lib/apparmor/glob.h"
#include "lib/policy/findings.h"
#include "test/apparmor/rule_maker.h"

#define MAX_RULES 20
#define MAX_BYTES (1024 * 1024)

static const unsigned switches[] = {AA_DENY, AA_DENY | AA_AUDIT, AA_AUDIT, 0};

/* Rules at random as text and as raw rules. 0 or -1 after a message. */
static int make_rules(struct rule_maker *m, bool newer, const char *origin, struct buf *text,
                      struct aa_rules *ret)
{
    struct findings findings = {0};
    int r = 0;

    for (unsigned n = 1 + rule_maker_below(m, MAX_RULES); n > 0 && r == 0; n--)
        r = rule_maker_add(m, newer, text);
    if (r == 0)
        r = aa_rules_parse(ret, buf_text(text), text->len, 1, 1, &findings);
    if (r < 0)
        fprintf(stderr, "refused: %s\n%s\n", findings.n > 0 ? findings.items[0].message : "",
                buf_text(text));
    for (size_t i = 0; i < ret->n; i++)
        ret->items[i].origin = strdup(origin);
    findings_done(&findings);
    return r < 0 ? -1 : 0;
}

static int save(const char *dir, unsigned long seed, const char *ending, const struct buf *text)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%lu.%s", dir, seed, ending);
    f = fopen(path, "w");
    if (!f || fwrite(text->data, 1, text->len, f) != text->len || fclose(f) != 0) {
        perror(path);
        return -1;
    }
    return 0;
}

/* Writes the profile, and reads it again as the agent does. */
static int write_profile(const struct aa_profile *p, const char *dir, unsigned long seed)
{
    CLEANUP_BUF struct buf text = BUF_INIT(MAX_BYTES), whole = BUF_INIT(MAX_BYTES);
    CLEANUP(error_free) struct error *e = NULL;
    struct aa_rules again = {0};
    const char *disks[] = {"/dev/sda", "/dev/sda1"};
    int r = aa_profile_write(p, &text);

    if (r == 0)
        r = aa_profile_read(&again, buf_text(&text), text.len, p->name, &e);
    aa_rules_done(&again);
    if (r == 0)
        r = aa_write_preamble(disks, seed % 2 == 0 ? ARRAY_SIZE(disks) : 0, &whole, &e);
    if (r == 0)
        r = buf_add(&whole, text.data, text.len);
    if (r < 0) {
        fprintf(stderr, "seed %lu: %s: %s\n%s\n", seed, strerror(-r), error_message(e),
                buf_text(&text));
        return -1;
    }
    return save(dir, seed, "profile", &whole);
}

static int make_profile(const char *dir, unsigned long seed, bool newer)
{
    static const char *const targets[] = {"/usr/bin/a program", "/bin/varmor-target"};
    CLEANUP_BUF struct buf text = BUF_INIT(AA_MAX_TEXT), child_text = BUF_INIT(AA_MAX_TEXT);
    struct rule_maker m = rule_maker_new(seed);
    struct aa_rules raw = {0}, child_raw = {0};
    struct aa_child child = {targets, ARRAY_SIZE(targets), NULL, &child_raw};
    char name[64];
    struct aa_profile p = {
        .name = name,
        .base = rule_maker_below(&m, 2) == 0 ? AA_TEMPLATE_ALLOW_ALL : AA_TEMPLATE_RUNTIME_DEFAULT,
        .qualifiers = switches[rule_maker_below(&m, ARRAY_SIZE(switches))],
        .raw = &raw,
        .children = &child,
        .n_children = rule_maker_below(&m, 4) == 0,
    };
    int r;

    snprintf(name, sizeof(name), "varmor-random-%lu", seed);
    r = make_rules(&m, newer, "appArmorRawRules[0]", &text, &raw);
    if (r == 0 && p.n_children > 0)
        r = make_rules(&m, newer, "appArmorRawRules[1]", &child_text, &child_raw);
    if (r == 0)
        r = write_profile(&p, dir, seed);
    aa_rules_done(&raw);
    aa_rules_done(&child_raw);
    return r;
}

/* What stands before and behind the rules of a pair. */
static int open_profile(struct buf *out)
{
    int r = 0;

    for (size_t i = 0; i < glob_n_variables && r == 0; i++)
        if (glob_variables[i].values)
            r = buf_format(out, "@{%s}=%s\n", glob_variables[i].name, glob_variables[i].values);
    /* Version 4.1.0 of the parser dies of a profile without files. */
    return r < 0 ? r : buf_add_text(out, "profile varmor-pair {\n    /varmor-pair r,\n");
}

static int make_pair(const char *dir, unsigned long seed)
{
    CLEANUP_BUF struct buf text = BUF_INIT(AA_MAX_TEXT), user = BUF_INIT(MAX_BYTES),
                           own = BUF_INIT(MAX_BYTES);
    struct rule_maker m = rule_maker_new(seed);
    struct aa_rules rules = {0};
    int r = make_rules(&m, false, "pair", &text, &rules);

    if (r == 0)
        r = open_profile(&user);
    if (r == 0)
        r = buf_format(&user, "%s}\n", buf_text(&text));
    if (r == 0)
        r = open_profile(&own);
    for (size_t i = 0; i < rules.n && r == 0; i++)
        r = aa_rule_write(&rules.items[i], false, 0, 1, &own);
    if (r == 0)
        r = buf_add_text(&own, "}\n");
    aa_rules_done(&rules);
    if (r == 0)
        r = save(dir, seed, "user", &user);
    return r < 0 ? r : save(dir, seed, "own", &own);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 4 ? argv[4] : "";
    unsigned long first, count;

    if (argc < 4) {
        fprintf(stderr, "use: make_profiles DIR FIRST COUNT [newer|pairs]\n");
        return 2;
    }
    first = strtoul(argv[2], NULL, 10);
    count = strtoul(argv[3], NULL, 10);
    for (unsigned long seed = first; seed < first + count; seed++) {
        int r = strcmp(mode, "pairs") == 0
                    ? make_pair(argv[1], seed)
                    : make_profile(argv[1], seed, strcmp(mode, "newer") == 0);

        if (r < 0)
            return 1;
    }
    return 0;
}
