/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/file_rule.h"

#include <errno.h>
#include <string.h>

#include "lib/apparmor/glob.h"

/* In the order in which they are written; x comes last, with its qualifier. */
static const struct {
    char letter;
    unsigned bit;
} permission_letters[] = {
    {'r', AA_READ}, {'w', AA_WRITE}, {'a', AA_APPEND},
    {'k', AA_LOCK}, {'l', AA_LINK},  {'m', AA_MMAP},
};

static bool is_permissions(const struct rule_text *t)
{
    const char *word = buf_text(&t->value);

    return t->kind == TOKEN_WORD && !t->quoted && word[0] != '\0' &&
           word[strspn(word, "rwaklmxiupcUPC")] == '\0';
}

static bool is_path(const struct rule_text *t)
{
    const char *word = buf_text(&t->value);

    return t->kind == TOKEN_WORD && (t->quoted || word[0] == '/' || word[0] == '@');
}

bool file_rule_begins(const struct rule_text *t)
{
    return rule_text_is(t, "file") || rule_text_is(t, "link") || is_path(t) ||
           (is_permissions(t) && !rule_text_is(t, "all"));
}

/* ---- letters ---- */

static int check_exec(struct rule_text *t, const struct aa_rule *rule)
{
    const char *exec = rule->file.exec;
    bool deny = rule->qualifiers & AA_DENY;

    if (!(rule->file.permissions & AA_EXEC))
        return 0;
    if (strcmp(exec, "cx") == 0 && t->author == AUTHOR_WRITER)
        return 0;
    if (strcmp(exec, "x") != 0 && strcmp(exec, "ix") != 0)
        return rule_text_problem(t,
                                 "'%s' would lead to another profile, which a rule may not do: "
                                 "write 'ix' to run under this one, or 'deny ... x'",
                                 buf_text(&t->value));
    if (deny && exec[0] != 'x')
        return rule_text_problem(t, "a rule with 'deny' says 'x', not 'ix'");
    if (!deny && exec[0] == 'x' && t->author != AUTHOR_BUILT_IN)
        return rule_text_problem(
            t,
            "'x' wants 'deny' in front of the rule; write 'ix' to run the file under this profile");
    return 0;
}

/* "rwklx": t stands on it. */
static int parse_permissions(struct rule_text *t, struct aa_rule *rule)
{
    const char *word = buf_text(&t->value);
    size_t exec_len = 0;

    if (!is_permissions(t))
        return rule_text_problem(t, "%s is no access to a file: letters of r, w, a, k, l, m, ix",
                                 rule_text_shown(t));
    for (const char *s = word; *s != '\0'; s++) {
        unsigned bit = 0;

        for (size_t i = 0; i < ARRAY_SIZE(permission_letters); i++)
            if (permission_letters[i].letter == *s)
                bit = permission_letters[i].bit;
        if (bit == 0) { /* a transition: all of its letters, up to x */
            exec_len = strcspn(s, "x") + 1;
            if (s[exec_len - 1] == '\0' || (rule->file.permissions & AA_EXEC) ||
                exec_len > sizeof(rule->file.exec) - 1)
                return rule_text_problem(t, "%s is no access to a file: x or ix, once",
                                         rule_text_shown(t));
            memcpy(rule->file.exec, s, exec_len);
            rule->file.exec[exec_len] = '\0';
            rule->file.permissions |= AA_EXEC;
            s += exec_len - 1;
            continue;
        }
        rule->file.permissions |= bit;
    }
    if ((rule->file.permissions & AA_WRITE) && (rule->file.permissions & AA_APPEND))
        return rule_text_problem(t, "%s: 'w' holds 'a'; write one of them", rule_text_shown(t));
    return check_exec(t, rule);
}

/* ---- paths ---- */

static int parse_path(struct rule_text *t, char **ret)
{
    CLEANUP(error_free) struct error *e = NULL;
    const char *path = buf_text(&t->value);
    int r;

    if (t->kind != TOKEN_WORD)
        return rule_text_problem(t, "%s stands where a path belongs", rule_text_shown(t));
    r = glob_check(path, t->author, &e);
    if (r == -EINVAL)
        return rule_text_problem(t, "%s: %s", rule_text_shown(t), error_message(e));
    if (r < 0)
        return r;
    if (!glob_is_absolute(path))
        return rule_text_problem(t, "%s is no absolute path", rule_text_shown(t));
    *ret = strdup(path);
    if (!*ret)
        return -ENOMEM;
    rule_text_next(t);
    return 0;
}

/* "link [subset] PATH -> PATH"; t stands behind "link". */
static int parse_link(struct rule_text *t, struct aa_rule *rule)
{
    int r;

    rule->file.permissions = AA_LINK;
    if (rule_text_is(t, "subset")) {
        rule->file.subset = true;
        rule_text_next(t);
    }
    r = parse_path(t, &rule->file.path);
    if (r < 0)
        return r;
    if (t->kind != TOKEN_ARROW)
        return rule_text_problem(t, "%s stands where '->' and the link's target belong",
                                 rule_text_shown(t));
    rule_text_next(t);
    return parse_path(t, &rule->file.link_target);
}

/* "-> NAME" behind the letters. */
static int parse_target(struct rule_text *t, struct aa_rule *rule, bool letters_first)
{
    if (letters_first && rule->file.permissions == AA_LINK) {
        rule_text_next(t);
        return parse_path(t, &rule->file.link_target);
    }
    if (strcmp(rule->file.exec, "cx") != 0 || t->author != AUTHOR_WRITER)
        return rule_text_problem(
            t, "'->' is refused here: the rule would lead to another profile, or nowhere");
    rule_text_next(t);
    if (t->kind != TOKEN_WORD || t->quoted || strncmp(buf_text(&t->value), "child_", 6) != 0)
        return rule_text_problem(t, "%s is no child profile", rule_text_shown(t));
    rule->file.link_target = strdup(buf_text(&t->value));
    if (!rule->file.link_target)
        return -ENOMEM;
    rule_text_next(t);
    return 0;
}

/* "file" alone: t stands behind it. */
static int check_every_file(struct rule_text *t, const struct aa_rule *rule)
{
    if (rule->qualifiers & AA_DENY)
        return rule_text_problem(
            t, "'deny file' is nothing that AppArmor knows: write 'deny /** rwklmx'");
    if (t->author == AUTHOR_BUILT_IN)
        return rule_text_problem(t, "'file' alone is every access: write a path and letters");
    return 0;
}

int file_rule_parse(struct rule_text *t, struct aa_rule *rule)
{
    bool letters_first;
    int r;

    rule->kind = AA_FILE;
    if (rule_text_is(t, "link")) {
        rule_text_next(t);
        return parse_link(t, rule);
    }
    if (rule_text_is(t, "file")) {
        rule_text_next(t);
        if (t->kind == TOKEN_COMMA || t->kind == TOKEN_END)
            return check_every_file(t, rule);
    }
    letters_first = is_permissions(t);
    r = letters_first ? parse_permissions(t, rule) : parse_path(t, &rule->file.path);
    if (r < 0)
        return r;
    if (letters_first)
        rule_text_next(t);
    r = letters_first ? parse_path(t, &rule->file.path) : parse_permissions(t, rule);
    if (r < 0)
        return r;
    if (!letters_first)
        rule_text_next(t);
    if (t->kind == TOKEN_ARROW)
        return parse_target(t, rule, letters_first);
    return 0;
}

/* ---- writing ---- */

static int write_letters(const struct aa_rule *rule, const char *exec, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(permission_letters) && r == 0; i++)
        if (rule->file.permissions & permission_letters[i].bit)
            r = buf_add(out, &permission_letters[i].letter, 1);
    if (r == 0 && (rule->file.permissions & AA_EXEC))
        r = buf_add_text(out, exec);
    return r;
}

int file_rule_write(const struct aa_rule *rule, const char *exec, struct buf *out)
{
    bool link = rule->file.link_target && !(rule->file.permissions & AA_EXEC);
    int r = 0;

    if (!rule->file.path)
        return buf_add_text(out, "file");
    if (link)
        r = buf_add_text(out, rule->file.subset ? "link subset " : "link ");
    if (r == 0)
        r = rule_text_write_word(out, rule->file.path);
    if (r == 0 && !link)
        r = buf_add_text(out, " ");
    if (r == 0 && !link)
        r = write_letters(rule, exec, out);
    if (r < 0 || !rule->file.link_target)
        return r;
    r = buf_add_text(out, " -> ");
    return r < 0 ? r : rule_text_write_word(out, rule->file.link_target);
}
