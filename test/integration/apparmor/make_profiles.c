/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_profiles DIR FIRST COUNT [newer]: writes COUNT profiles of rules at random, DIR/SEED.profile for the seeds from
 * FIRST on. Each is read again before it is written. With "newer" they hold classes that apparmor_parser 3 does not
 * know.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/apparmor/apparmor.h"
#include "lib/policy/findings.h"
#include "test/apparmor/rule_maker.h"

#define MAX_RULES 20
#define MAX_BYTES (1024 * 1024)

static const unsigned switches[] = {AA_DENY, AA_DENY | AA_AUDIT, AA_AUDIT, 0};

/* Rules at random as raw rules. 0 or -1 after a message. */
static int make_rules(struct rule_maker *m, bool newer, const char *origin, struct aa_rules *ret)
{
    CLEANUP_BUF struct buf text = BUF_INIT(AA_MAX_TEXT);
    struct findings findings = {0};
    int r = 0;

    for (unsigned n = 1 + rule_maker_below(m, MAX_RULES); n > 0 && r == 0; n--)
        r = rule_maker_add(m, newer, &text);
    if (r == 0)
        r = aa_rules_parse(ret, buf_text(&text), text.len, 1, 1, &findings);
    if (r < 0)
        fprintf(stderr, "refused: %s\n%s\n", findings.n > 0 ? findings.items[0].message : "",
                buf_text(&text));
    for (size_t i = 0; i < ret->n; i++)
        ret->items[i].origin = strdup(origin);
    findings_done(&findings);
    return r < 0 ? -1 : 0;
}

static int save(const char *dir, unsigned long seed, const struct buf *text)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%lu.profile", dir, seed);
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
    return save(dir, seed, &whole);
}

static int make_profile(const char *dir, unsigned long seed, bool newer)
{
    static const char *const targets[] = {"/usr/bin/a program", "/bin/varmor-target"};
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
    r = make_rules(&m, newer, "appArmorRawRules[0]", &raw);
    if (r == 0 && p.n_children > 0)
        r = make_rules(&m, newer, "appArmorRawRules[1]", &child_raw);
    if (r == 0)
        r = write_profile(&p, dir, seed);
    aa_rules_done(&raw);
    aa_rules_done(&child_raw);
    return r;
}

int main(int argc, char **argv)
{
    unsigned long first, count;

    if (argc < 4) {
        fprintf(stderr, "use: make_profiles DIR FIRST COUNT [newer]\n");
        return 2;
    }
    first = strtoul(argv[2], NULL, 10);
    count = strtoul(argv[3], NULL, 10);
    for (unsigned long seed = first; seed < first + count; seed++)
        if (make_profile(argv[1], seed, argc > 4) < 0)
            return 1;
    return 0;
}
