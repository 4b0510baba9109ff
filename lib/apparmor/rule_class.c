/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/rule_class.h"

#include <errno.h>
#include <string.h>

#include "lib/apparmor/glob.h"
#include "lib/apparmor/plain_class.h"
#include "lib/apparmor/said_check.h"

#define MAX_LIST  64 /* values of one list */
#define EXPLAINED 1536

/* Appends to the canonical text; a rule that is too long is a problem of the rule. */
static int note(struct rule_text *t, struct buf *text, const char *before, const char *word)
{
    int r = buf_add_text(text, before);

    if (r == 0)
        r = rule_text_write_word(text, word);
    if (r == -E2BIG)
        return rule_text_problem(t, "the rule is longer than %d bytes", AA_MAX_RULE_BYTES);
    return r;
}

static int note_sign(struct rule_text *t, struct buf *text, const char *sign)
{
    int r = buf_add_text(text, sign);

    if (r == -E2BIG)
        return rule_text_problem(t, "the rule is longer than %d bytes", AA_MAX_RULE_BYTES);
    return r;
}

static int refuse_word(struct rule_text *t, const struct words *words)
{
    CLEANUP_BUF struct buf explained = BUF_INIT(EXPLAINED);
    int r = words_explain(words, buf_text(&t->value), &explained);

    if (r == -ENOMEM)
        return r;
    return rule_text_problem(t, "%s is not %s: %s", rule_text_shown(t), words->what,
                             buf_text(&explained));
}

/* rtmin+0 to rtmin+32 */
static bool is_realtime_signal(const char *word)
{
    const char *number = word + strlen("rtmin+");
    unsigned long n;
    char *end;

    if (strncmp(word, "rtmin+", strlen("rtmin+")) != 0 || number[0] < '0' || number[0] > '9')
        return false;
    n = strtoul(number, &end, 10);
    return *end == '\0' && n <= 32 && (number[0] != '0' || number[1] == '\0');
}

static int check_word(struct rule_text *t, const struct words *words, enum aa_class kind)
{
    if (t->kind != TOKEN_WORD)
        return rule_text_problem(t, "%s stands where %s belongs", rule_text_shown(t), words->what);
    if (words_find(words, buf_text(&t->value)) ||
        (kind == AA_SIGNAL && is_realtime_signal(buf_text(&t->value))))
        return 0;
    return refuse_word(t, words);
}

static int check_glob(struct rule_text *t, const char *what)
{
    CLEANUP(error_free) struct error *e = NULL;
    int r;

    if (t->kind != TOKEN_WORD)
        return rule_text_problem(t, "%s stands where %s belongs", rule_text_shown(t), what);
    if (t->value.len == 0)
        return rule_text_problem(t, "%s is empty", what);
    r = glob_check(buf_text(&t->value), t->author, &e);
    if (r == -EINVAL)
        return rule_text_problem(t, "%s: %s", rule_text_shown(t), error_message(e));
    return r;
}

/* ---- accesses ---- */

bool rule_said_access(const struct rule_said *said, const struct rule_class *class,
                      const char *word)
{
    const struct word *w = words_find(class->access, word);

    return w && (said->access & (1u << (w - class->access->items)));
}

/* The access on which t stands, the n-th from 1. A class of one access writes it without parentheses: apparmor_parser
 * knows them not there. */
static int note_access(struct rule_text *t, const struct rule_class *class, unsigned n,
                       struct rule_said *said, struct buf *text)
{
    const char *first = class->access->n > 1 ? " (" : " ";
    int r = check_word(t, class->access, AA_CLASSES);

    if (r < 0)
        return r;
    if (n > MAX_LIST || (n > 1 && class->access->n == 1))
        return rule_text_problem(t, "more than %u accesses", n - 1);
    said->access |= 1u << (words_find(class->access, buf_text(&t->value)) - class->access->items);
    r = note(t, text, n == 1 ? first : ", ", buf_text(&t->value));
    rule_text_next(t);
    return r;
}

/* ACCESS or (ACCESS, ...), or none. */
static int parse_access(struct rule_text *t, const struct rule_class *class, struct rule_said *said,
                        struct buf *text)
{
    unsigned n = 0;
    int r = 0;

    if (t->kind == TOKEN_OPEN) {
        rule_text_next(t);
        if (t->kind == TOKEN_CLOSE)
            return rule_text_problem(t, "() holds no access");
        while (r == 0 && t->kind != TOKEN_CLOSE) {
            r = note_access(t, class, ++n, said, text);
            if (r == 0 && t->kind == TOKEN_COMMA)
                rule_text_next(t);
        }
        if (r == 0)
            rule_text_next(t);
    } else if (t->kind == TOKEN_WORD && !t->quoted) {
        r = note_access(t, class, ++n, said, text);
    }
    return r == 0 && n > 0 && class->access->n > 1 ? note_sign(t, text, ")") : r;
}

/* ---- conditions ---- */

static const struct rule_condition *find_condition(const struct rule_condition *conditions,
                                                   size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(conditions[i].name, name) == 0)
            return &conditions[i];
    return NULL;
}

bool rule_said_condition(const struct rule_said *said, const struct rule_class *class,
                         const char *name)
{
    const struct rule_condition *c = find_condition(class->conditions, class->n_conditions, name);

    return c && (said->conditions & (1u << (c - class->conditions)));
}

static int refuse_condition(struct rule_text *t, const struct rule_condition *conditions, size_t n)
{
    CLEANUP_BUF struct buf known = BUF_INIT(EXPLAINED);
    const char *near = NULL;
    int r = 0;

    if (n == 0)
        return rule_text_problem(t, "%s: this rule takes no conditions", rule_text_shown(t));
    for (size_t i = 0; i < n && r == 0; i++)
        r = buf_format(&known, "%s%s=", i > 0 ? ", " : "", conditions[i].name);
    if (r < 0)
        return r;
    near = words_nearest(buf_text(&t->value), &conditions[0].name, n, sizeof(conditions[0]));
    if (near)
        return rule_text_problem(t, "%s is no condition of this rule: %s; did you mean '%s='?",
                                 rule_text_shown(t), buf_text(&known), near);
    return rule_text_problem(t, "%s is no condition of this rule: %s", rule_text_shown(t),
                             buf_text(&known));
}

static int check_value(struct rule_text *t, const struct rule_condition *condition,
                       enum aa_class kind)
{
    if (condition->words)
        return check_word(t, condition->words, kind);
    return check_glob(t, "a value");
}

/* Notes a value of a mount's file system type where comparisons find it. */
static int keep_fstype(const struct rule_text *t, const struct rule_condition *condition,
                       struct aa_rule *rule)
{
    CLEANUP_BUF struct buf joined = BUF_INIT(AA_MAX_RULE_BYTES);
    int r;

    if (condition->form != CONDITION_LIST)
        return 0;
    r = buf_format(&joined, "%s%s%s", rule->mount.fstypes ? rule->mount.fstypes : "",
                   rule->mount.fstypes ? "\n" : "", buf_text(&t->value));
    if (r < 0)
        return r;
    free(rule->mount.fstypes);
    rule->mount.fstypes = strdup(buf_text(&joined));
    return rule->mount.fstypes ? 0 : -ENOMEM;
}

/* How many values a condition takes. */
static unsigned max_values(const struct rule_condition *condition)
{
    return condition->form == CONDITION_LIST || condition->form == CONDITION_WORDS ? MAX_LIST : 1;
}

/* VALUE or (VALUE, ...); t stands on what follows "=" or "in". */
static int parse_values(struct rule_text *t, const struct rule_condition *condition, bool in,
                        struct rule_said *said, struct aa_rule *rule, struct buf *text)
{
    bool listed = t->kind == TOKEN_OPEN, bracketed = in || (listed && max_values(condition) > 1);
    struct rule_said list = {0};
    unsigned n = 0;
    int r;

    if (listed)
        rule_text_next(t);
    do {
        r = check_value(t, condition, rule->kind);
        if (r == 0 && ++n > max_values(condition))
            r = rule_text_problem(t, "'%s=' takes at most %u", condition->name,
                                  max_values(condition));
        if (r == 0)
            r = said_check_option(t, condition, in, &list);
        if (r == 0)
            r = keep_fstype(t, condition, rule);
        if (r == 0)
            r = note(t, text, n > 1 ? "," : bracketed ? "(" : "", buf_text(&t->value));
        if (r < 0)
            return r;
        rule_text_next(t);
        if (listed && t->kind == TOKEN_COMMA)
            rule_text_next(t);
    } while (listed && t->kind != TOKEN_CLOSE);
    if (listed)
        rule_text_next(t);
    said->set |= list.set;
    said->taken |= list.taken;
    return bracketed ? note_sign(t, text, ")") : 0;
}

/* (name=GLOB, ...) behind "peer=" */
static int parse_nested(struct rule_text *t, const struct rule_class *class, struct buf *text)
{
    unsigned seen = 0;
    int r;

    if (t->kind != TOKEN_OPEN)
        return rule_text_problem(t, "%s stands where '(' belongs: peer=(%s=...)",
                                 rule_text_shown(t), class->nested[0].name);
    r = note_sign(t, text, "(");
    rule_text_next(t);
    while (r == 0 && t->kind != TOKEN_CLOSE) {
        const struct rule_condition *c =
            t->kind == TOKEN_CONDITION
                ? find_condition(class->nested, class->n_nested, buf_text(&t->value))
                : NULL;
        unsigned bit = c ? 1u << (c - class->nested) : 0;

        if (!c)
            return refuse_condition(t, class->nested, class->n_nested);
        if (seen & bit)
            return rule_text_problem(t, "%s stands here a second time", rule_text_shown(t));
        r = note_sign(t, text, seen ? ", " : "");
        if (r == 0)
            r = note_sign(t, text, c->name);
        if (r == 0)
            r = note_sign(t, text, "=");
        seen |= bit;
        rule_text_next(t);
        if (r == 0)
            r = check_glob(t, "a value");
        if (r == 0)
            r = note(t, text, "", buf_text(&t->value));
        if (r < 0)
            return r;
        rule_text_next(t);
        if (t->kind == TOKEN_COMMA)
            rule_text_next(t);
    }
    if (r == 0 && !seen)
        r = rule_text_problem(t, "peer=() says nothing");
    rule_text_next(t);
    return r < 0 ? r : note_sign(t, text, ")");
}

/* "name=..." or "name in (...)"; t stands on the name. */
static int parse_condition(struct rule_text *t, const struct rule_class *class,
                           struct rule_said *said, struct aa_rule *rule, struct buf *text)
{
    bool in = t->kind == TOKEN_WORD;
    const struct rule_condition *c =
        find_condition(class->conditions, class->n_conditions, buf_text(&t->value));
    unsigned bit;
    int r;

    if (!c)
        return refuse_condition(t, class->conditions, class->n_conditions);
    bit = 1u << (c - class->conditions);
    if ((said->conditions & bit) && !c->may_repeat)
        return rule_text_problem(t, "%s stands here a second time", rule_text_shown(t));
    said->conditions |= bit;
    rule_text_next(t);
    if (in) {
        if (!rule_text_is(t, "in") || !c->may_repeat)
            return rule_text_problem(t, "%s stands where '=' belongs", rule_text_shown(t));
        rule_text_next(t);
    }
    r = note_sign(t, text, " ");
    if (r == 0)
        r = note_sign(t, text, c->name);
    if (r == 0)
        r = note_sign(t, text, in ? " in " : "=");
    if (r < 0)
        return r;
    return c->form == CONDITION_NESTED ? parse_nested(t, class, text)
                                       : parse_values(t, c, in, said, rule, text);
}

/* ---- names ---- */

static int keep_place(const struct rule_class *class, const char *name, bool is_target,
                      struct aa_rule *rule)
{
    bool is_source = class->kind == AA_MOUNT && !is_target;
    char **place = is_source ? &rule->mount.source : &rule->mount.point;

    free(*place);
    *place = strdup(name);
    return *place ? 0 : -ENOMEM;
}

/* The name at hand: quoted unless it is a path, so that it is never taken for a word of the language. */
static int parse_name(struct rule_text *t, const struct rule_class *class, bool is_target,
                      struct aa_rule *rule, struct buf *text)
{
    const char *name = buf_text(&t->value);
    bool absolute = glob_is_absolute(name);
    int r = check_glob(t, "a path");

    if (r == 0 && !absolute && (class->kind != AA_MOUNT || is_target) && class->kind != AA_MQUEUE)
        r = rule_text_problem(t, "%s is no absolute path", rule_text_shown(t));
    if (r == 0)
        r = note_sign(t, text, is_target ? " -> " : " ");
    if (r == 0 && !absolute)
        r = note_sign(t, text, "\"");
    if (r == 0 && !absolute && strchr(name, '"'))
        r = rule_text_problem(t, "%s: a quote in a name", rule_text_shown(t));
    if (r == 0)
        r = absolute ? note(t, text, "", name) : note_sign(t, text, name);
    if (r == 0 && !absolute)
        r = note_sign(t, text, "\"");
    if (r == 0)
        r = keep_place(class, name, is_target, rule);
    rule_text_next(t);
    return r;
}

static int parse_target(struct rule_text *t, const struct rule_class *class, struct aa_rule *rule,
                        struct buf *text)
{
    if (!class->takes_target)
        return rule_text_problem(
            t, "'->' is refused here: the rule would lead to another profile, or nowhere");
    rule_text_next(t);
    return parse_name(t, class, true, rule, text);
}

/* One condition or the name; t stands on it. */
static int parse_part(struct rule_text *t, const struct rule_class *class, struct rule_said *said,
                      struct aa_rule *rule, struct buf *text)
{
    bool word = t->kind == TOKEN_WORD && !t->quoted;

    if (t->kind == TOKEN_CONDITION ||
        (word && find_condition(class->conditions, class->n_conditions, buf_text(&t->value))))
        return parse_condition(t, class, said, rule, text);
    if (t->kind != TOKEN_WORD || !class->takes_name || said->name)
        return rule_text_problem(t, "%s stands where a comma belongs", rule_text_shown(t));
    said->name = true;
    return parse_name(t, class, false, rule, text);
}

int rule_class_parse(struct rule_text *t, const struct rule_class *class, struct aa_rule *rule,
                     struct buf *text)
{
    struct rule_said said = {0};
    int r = note_sign(t, text, class->kind == AA_UMOUNT ? "umount" : class->keyword);

    rule->kind = class->kind;
    rule_text_next(t);
    if (r < 0)
        return r;
    if (plain_class_is(class->kind))
        return plain_class_parse(t, rule, text);
    if (class->access)
        r = parse_access(t, class, &said, text);
    while (r == 0 && t->kind != TOKEN_COMMA && t->kind != TOKEN_END && t->kind != TOKEN_ARROW)
        r = parse_part(t, class, &said, rule, text);
    if (r == 0 && t->kind == TOKEN_ARROW)
        r = parse_target(t, class, rule, text);
    return r < 0 ? r : said_check(t, class, &said);
}
