/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AppArmor texts. The first byte says what the rest is:
 *
 *   even  raw rules: what is accepted is written, read again and written again: the same text; a profile of it is
 *         read by the reader of profiles, has one head, and gives the same rules back
 *   odd   a whole profile from a manager: what is accepted is, byte for byte, what we would write
 */
#include <stdlib.h>
#include <string.h>

#include "lib/apparmor/apparmor.h"
#include "lib/apparmor/profile_text.h"
#include "lib/policy/findings.h"

#define NAME      "varmor-fuzz"
#define HEAD      "profile " NAME " "
#define MAX_BYTES (8 * 1024 * 1024)

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void write_rules(const struct aa_rules *rules, struct buf *out)
{
    for (size_t i = 0; i < rules->n; i++)
        demand(aa_rule_write(&rules->items[i], false, 0, 0, out) == 0);
}

static size_t count(const struct buf *text, const char *what)
{
    size_t n = 0;

    for (const char *s = buf_text(text); (s = strstr(s, what)); s += strlen(what))
        n++;
    return n;
}

/* The rules as the raw rules of a profile with a child. */
static void judge_profile(const struct aa_rules *rules)
{
    static const char *const targets[] = {"/bin/sh"};
    struct aa_child child = {targets, 1, NULL, rules};
    struct aa_profile p = {.name = NAME,
                           .base = AA_TEMPLATE_ALLOW_ALL,
                           .qualifiers = AA_DENY,
                           .raw = rules,
                           .children = &child,
                           .n_children = 1};
    CLEANUP_BUF struct buf text = BUF_INIT(MAX_BYTES);
    struct aa_rules again = {0};
    size_t n_lines = 0;

    demand(aa_profile_write(&p, &text) == 0);
    demand(aa_profile_read(&again, buf_text(&text), text.len, NAME, NULL) == 0);
    for (size_t i = 0; i < again.n; i++) {
        demand(again.items[i].line > n_lines); /* one rule a line, in order */
        n_lines = again.items[i].line;
    }
    demand(again.n >= 2 * rules->n);
    demand(count(&text, "\nprofile ") == 1 && count(&text, "\n    profile ") == 1);
    demand(count(&text, "\n" HEAD) == 1);
    aa_rules_done(&again);
}

static void judge_rules(const char *text, size_t len)
{
    CLEANUP_BUF struct buf once = BUF_INIT(MAX_BYTES), twice = BUF_INIT(MAX_BYTES);
    struct findings findings = {0}, none = {0};
    struct aa_rules rules = {0}, again = {0};
    int r = aa_rules_parse(&rules, text, len, 1, 1, &findings);

    demand(r == 0 ? findings.n_errors == 0 : findings.n_errors > 0 && rules.n == 0);
    if (r == 0) {
        write_rules(&rules, &once);
        demand(aa_rules_parse(&again, buf_text(&once), once.len, 1, 1, &none) == 0);
        demand(again.n == rules.n);
        write_rules(&again, &twice);
        demand(strcmp(buf_text(&once), buf_text(&twice)) == 0);
        judge_profile(&rules);
    }
    for (size_t i = 0; i < rules.n && i < 8; i++) { /* an access that the rule may mean */
        struct aa_access access = {.kind = rules.items[i].kind,
                                   .name = "/etc/x",
                                   .permissions = AA_READ | AA_WRITE,
                                   .fstype = "proc"};

        aa_rules_find(&rules, &access);
    }
    aa_rules_done(&rules);
    aa_rules_done(&again);
    findings_done(&findings);
    findings_done(&none);
}

static void judge_text(const char *text, size_t len)
{
    CLEANUP_BUF struct buf again = BUF_INIT(MAX_BYTES);
    struct aa_rules rules = {0};

    if (aa_profile_read(&rules, text, len, NAME, NULL) < 0)
        return;
    demand(profile_text_write(NAME, &rules, &again) == 0);
    demand(again.len == len && memcmp(again.data, text, len) == 0);
    aa_rules_done(&rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;

    if (size == 0)
        return 0;
    if (data[0] % 2 == 0)
        judge_rules(text + 1, size - 1);
    else
        judge_text(text + 1, size - 1);
    return 0;
}
