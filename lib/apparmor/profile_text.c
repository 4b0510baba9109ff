/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/profile_text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/apparmor/glob.h"

#define TITLE "# varmor: made from a policy; whatever is changed here is lost\n"

bool profile_text_is_name(const char *name)
{
    for (const char *s = name; *s != '\0'; s++) {
        bool letter =
            (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9');

        if (!letter && (s == name || !strchr("-_.", *s)))
            return false;
    }
    return name[0] != '\0';
}

/* text may be NULL: the values of a variable that has none here. */
static bool uses(const char *text, const char *variable)
{
    char wanted[64];

    snprintf(wanted, sizeof(wanted), "@{%s}", variable);
    return text && strstr(text, wanted);
}

/* Defines the variables that the body uses, and those that these use. */
static int write_variables(const char *body, struct buf *out)
{
    uint64_t used = 0;
    int r = 0;

    assert(glob_n_variables <= 64); /* a bit for each */
    for (size_t i = glob_n_variables; i-- > 0;) {
        bool used_by_other = false;

        for (size_t j = i + 1; j < glob_n_variables; j++)
            used_by_other |=
                (used & (1ULL << j)) && uses(glob_variables[j].values, glob_variables[i].name);
        if (glob_variables[i].values && (used_by_other || uses(body, glob_variables[i].name)))
            used |= 1ULL << i;
    }
    for (size_t i = 0; i < glob_n_variables && r == 0; i++)
        if (used & (1ULL << i))
            r = buf_format(out, "@{%s}=%s\n", glob_variables[i].name, glob_variables[i].values);
    return r;
}

static int write_rules(const struct aa_rules *rules, unsigned child, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; i < rules->n && r == 0; i++)
        if (rules->items[i].child == child)
            r = aa_rule_write(&rules->items[i], false, 0, child > 0 ? 2 : 1, out);
    return r;
}

static int write_body(const char *name, const struct aa_rules *rules, struct buf *out)
{
    unsigned n_children = 0;
    int r;

    for (size_t i = 0; i < rules->n; i++)
        n_children = MAX(n_children, rules->items[i].child);
    r = buf_format(out, "profile %s %s {\n", name, PROFILE_TEXT_FLAGS);
    if (r == 0)
        r = write_rules(rules, 0, out);
    for (unsigned child = 1; child <= n_children && r == 0; child++) {
        r = buf_format(out, "    profile child_%u %s {\n", child - 1, PROFILE_TEXT_FLAGS);
        if (r == 0)
            r = write_rules(rules, child, out);
        if (r == 0)
            r = buf_add_text(out, "    }\n");
    }
    return r < 0 ? r : buf_add_text(out, "}\n");
}

int profile_text_write(const char *name, const struct aa_rules *rules, struct buf *out)
{
    CLEANUP_BUF struct buf body = BUF_INIT(out->max);
    int r = write_body(name, rules, &body);

    if (r == 0)
        r = buf_add_text(out, TITLE);
    if (r == 0)
        r = write_variables(buf_text(&body), out);
    return r < 0 ? r : buf_add(out, body.data, body.len);
}
