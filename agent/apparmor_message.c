/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/apparmor_message.h"

#include <errno.h>
#include <string.h>

#include "lib/apparmor/apparmor.h"

#define LINE_WORD   "line "
#define ERROR_WORD  "error"
#define MAX_LINE    10000000u
#define ORIGIN_BASE "base" /* as lib/apparmor says it */

struct span {
    const char *text;
    size_t len;
};

static const char *origin_of(const struct aa_rule *rule)
{
    return rule->origin ? rule->origin : ORIGIN_BASE;
}

static bool is_of_base(const struct aa_rule *rule)
{
    return strcmp(origin_of(rule), ORIGIN_BASE) == 0;
}

/* The first line that speaks of an error, else the first. */
static struct span find_error(const char *said)
{
    struct span first = {.text = said, .len = strcspn(said, "\n")};

    while (*said) {
        struct span s = {.text = said, .len = strcspn(said, "\n")};

        if (memmem(s.text, s.len, ERROR_WORD, strlen(ERROR_WORD)))
            return s;
        said += s.len + (said[s.len] == '\n');
    }
    return first;
}

/* "... at line 12: words": the number, and what comes behind it in *s. 0: it tells no line. */
static unsigned cut_line(struct span *s)
{
    const char *at = memmem(s->text, s->len, LINE_WORD, strlen(LINE_WORD));
    const char *end = s->text + s->len;
    unsigned line = 0;

    if (!at)
        return 0;
    for (at += strlen(LINE_WORD); at < end && *at >= '0' && *at <= '9' && line < MAX_LINE; at++)
        line = line * 10 + (unsigned)(*at - '0');
    while (at < end && (*at == ':' || *at == ' ' || *at == ')'))
        at++;
    if (line > 0 && at < end)
        *s = (struct span){.text = at, .len = (size_t)(end - at)};
    return line;
}

static const struct aa_rule *find_line(const struct aa_rules *rules, unsigned line)
{
    for (size_t i = 0; i < rules->n; i++)
        if (rules->items[i].line == line)
            return &rules->items[i];
    return NULL;
}

/* The base speaks of newer classes only where a rule of the policy does: that one is to blame. */
static const struct aa_rule *find_culprit(const struct aa_rules *rules, const struct aa_rule *rule)
{
    if (!aa_class_is_newer(rule->kind) || !is_of_base(rule))
        return rule;
    for (size_t i = 0; i < rules->n; i++)
        if (aa_class_is_newer(rules->items[i].kind) && !is_of_base(&rules->items[i]))
            return &rules->items[i];
    return rule;
}

int apparmor_message_explain(const char *said, unsigned n_preamble_lines,
                             const struct aa_rules *rules, struct error **reterr)
{
    struct span s = find_error(said);
    unsigned line = cut_line(&s);
    const char *words = error_quote_n(s.text, s.len);
    const struct aa_rule *rule;

    if (line == 0)
        return error_set(reterr, -EINVAL, "apparmor_parser: %s", words);
    if (line <= n_preamble_lines)
        return error_set(reterr, -EINVAL, "apparmor_parser, at the disks of this node: %s", words);
    line -= n_preamble_lines;
    rule = find_line(rules, line);
    if (!rule)
        return error_set(reterr, -EINVAL, "line %u of the profile: apparmor_parser: %s", line,
                         words);
    rule = find_culprit(rules, rule);
    return error_set(reterr, -EINVAL, "%s: rule '%s': apparmor_parser: %s", origin_of(rule),
                     error_quote(rule->text), words);
}
