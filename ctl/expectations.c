/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/expectations.h"

#include <errno.h>
#include <string.h>

#include "lib/policy/document.h"
#include "lib/policy/policy_words.h"

/* One file being read. */
struct reading {
    struct expectations *x;
    struct test_cases *cases;
    const char *file;
    struct findings *findings;
    enum sc_arch arch; /* of the document */
};

void expectations_done(struct expectations *x)
{
    for (size_t i = 0; i < x->n_policies; i++)
        free(x->policies[i].policy);
    free(x->policies);
    *x = (struct expectations){0};
}

static void PRINTF_FORMAT(3, 4)
    wrong(struct reading *rd, const struct node *at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    findings_vadd_at(rd->findings, FINDING_ERROR, at->line, at->column, "", format, args);
    va_end(args);
}

static void wrong_kind(struct reading *rd, const struct node *at, const char *expected)
{
    char text[NODE_DESCRIPTION_SIZE];

    if (at->kind != NODE_REFUSED)
        wrong(rd, at, "%s where %s is expected", node_describe(at, text), expected);
}

static void wrong_error(struct reading *rd, const struct node *at, const struct error *e)
{
    wrong(rd, at, "%s", error_message(e));
}

/* The text of a scalar; NULL with a finding. */
static const char *scalar(struct reading *rd, const struct node *value)
{
    if (value->kind == NODE_SCALAR)
        return value->text;
    wrong_kind(rd, value, "a text");
    return NULL;
}

/* ---- The fields of an item ---- */

static int read_verdict(struct reading *rd, struct test_case *c, const struct node *value,
                        const char *text)
{
    c->expected.deny = strcmp(text, "deny") == 0;
    c->expected.given = true;
    if (!c->expected.deny && strcmp(text, "allow") != 0)
        wrong(rd, value, "'%s' is not a verdict: allow, deny", error_quote(text));
    return 0;
}

static int read_audited(struct reading *rd, struct test_case *c, const struct node *value,
                        const char *text)
{
    c->expected.says_audit = true;
    c->expected.audit = strcmp(text, "true") == 0;
    if (!c->expected.audit && strcmp(text, "false") != 0)
        wrong(rd, value, "audited is true or false");
    return 0;
}

static int read_enforcer(struct reading *rd, struct test_case *c, const struct node *value,
                         const char *text)
{
    const struct word *word = words_find(&enforcer_words, text);

    if (word && !(word->value & (word->value - 1)))
        c->expected.enforcer = (unsigned)word->value;
    else
        wrong(rd, value, "'%s' is not an enforcer: AppArmor, BPF, Seccomp", error_quote(text));
    return 0;
}

static int read_rule(struct reading *rd UNUSED, struct test_case *c,
                     const struct node *value UNUSED, const char *text)
{
    free(c->expected.rule); /* of a key that stands twice: the second is a finding */
    c->expected.rule = strdup(text);
    return c->expected.rule ? 0 : -ENOMEM;
}

static int read_program(struct reading *rd, struct test_case *c, const struct node *value,
                        const char *text)
{
    if (*text != '/')
        wrong(rd, value, "'%s' is not an absolute path", error_quote(text));
    free(c->program); /* as above */
    c->program = strdup(text);
    return c->program ? 0 : -ENOMEM;
}

static int read_arch(struct reading *rd, enum sc_arch *ret, const struct node *value,
                     const char *text)
{
    CLEANUP(error_free) struct error *e = NULL;

    if (arch_parse(ret, text, &e) < 0)
        wrong_error(rd, value, e);
    return 0;
}

static int read_item_arch(struct reading *rd, struct test_case *c, const struct node *value,
                          const char *text)
{
    return read_arch(rd, &c->arch, value, text);
}

static int read_question(struct reading *rd, struct test_case *c, const struct node *value,
                         const char *text)
{
    CLEANUP(error_free) struct error *e = NULL;
    int r;

    if (c->question.text) {
        wrong(rd, value->key, "a second question");
        return 0;
    }
    r = question_parse(&c->question, value->key->text, text, &e);
    if (r == -EINVAL)
        wrong_error(rd, value, e);
    return r == -ENOMEM ? r : 0;
}

static const struct {
    const char *name;
    int (*read)(struct reading *rd, struct test_case *c, const struct node *value,
                const char *text);
} item_fields[] = {
    {"verdict", read_verdict}, {"audited", read_audited}, {"enforcer", read_enforcer},
    {"rule", read_rule},       {"arch", read_item_arch},  {"program", read_program},
};

static bool is_question(const char *word)
{
    for (size_t i = 0; i < n_question_words; i++)
        if (strcmp(question_words[i], word) == 0)
            return true;
    return false;
}

static int read_field(struct reading *rd, struct test_case *c, const struct node *value)
{
    const char *text;

    for (size_t i = 0; i < ARRAY_SIZE(item_fields); i++)
        if (strcmp(item_fields[i].name, value->key->text) == 0) {
            text = scalar(rd, value);
            return text ? item_fields[i].read(rd, c, value, text) : 0;
        }
    if (!is_question(value->key->text)) {
        const char *nearest = words_nearest(value->key->text, question_words, n_question_words,
                                            sizeof(*question_words));

        wrong(rd, value->key,
              "'%s' is not a question, nor verdict, audited, rule, enforcer, arch, program%s%s%s",
              error_quote(value->key->text), nearest ? "; did you mean '" : "",
              nearest ? nearest : "", nearest ? "'?" : "");
        return 0;
    }
    text = scalar(rd, value);
    return text ? read_question(rd, c, value, text) : 0;
}

static int read_item(struct reading *rd, const struct node *item)
{
    struct test_case *c;
    size_t n_errors = rd->findings->n_errors;

    if (item->kind != NODE_MAP) {
        wrong_kind(rd, item, "a question with its verdict");
        return 0;
    }
    if (rd->cases->n == TEST_MAX_CASES) {
        wrong(rd, item, "more than %d expectations", TEST_MAX_CASES);
        return 0;
    }
    c = test_cases_add(rd->cases);
    if (!c)
        return -ENOMEM;
    c->arch = rd->arch;
    c->expected.file = rd->file;
    c->expected.at = (struct policy_position){item->line, item->column};
    NODE_FOREACH(value, item)
    {
        int r = read_field(rd, c, value);

        if (r < 0)
            return r;
    }
    if (rd->findings->n_errors == n_errors && !c->question.text)
        wrong(rd, item, "a question is missing");
    else if (rd->findings->n_errors == n_errors && !c->expected.given)
        wrong(rd, item, "verdict is missing: allow, deny");
    return 0;
}

/* ---- Documents ---- */

static int add_policy(struct reading *rd, struct expected_policy **ret)
{
    struct expectations *x = rd->x;
    struct expected_policy *grown;

    grown = reallocarray(x->policies, x->n_policies + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    x->policies = grown;
    *ret = &grown[x->n_policies++];
    **ret = (struct expected_policy){.first = rd->cases->n};
    return 0;
}

static int read_items(struct reading *rd, const struct node *list)
{
    if (list->kind != NODE_LIST) {
        wrong_kind(rd, list, "a list of questions with their verdicts");
        return 0;
    }
    NODE_FOREACH(item, list)
    {
        int r = read_item(rd, item);

        if (r < 0)
            return r;
    }
    return 0;
}

/* The fields that the items depend on come first, wherever they stand. */
static int read_head(struct reading *rd, const struct node *root, struct expected_policy *p)
{
    int r = 0;

    NODE_FOREACH(value, root)
    {
        const char *text;

        if (strcmp(value->key->text, "expect") == 0)
            continue;
        if (strcmp(value->key->text, "policy") != 0 && strcmp(value->key->text, "arch") != 0) {
            wrong(rd, value->key, "'%s' is not a field: policy, arch, expect",
                  error_quote(value->key->text));
            continue;
        }
        text = scalar(rd, value);
        if (!text)
            continue;
        if (strcmp(value->key->text, "arch") == 0) {
            r = read_arch(rd, &rd->arch, value, text);
        } else if (!p->policy) {
            p->policy = strdup(text);
            r = p->policy ? 0 : -ENOMEM;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_document(struct reading *rd, const struct node *root)
{
    const struct node *list = node_find(root, "expect");
    struct expected_policy *p;
    int r;

    rd->arch = SC_X86_64;
    if (root->kind != NODE_MAP) {
        wrong_kind(rd, root, "an object with policy and expect");
        return 0;
    }
    if (rd->x->n_policies == EXPECTATIONS_MAX_POLICIES) {
        wrong(rd, root, "more than %d policies", EXPECTATIONS_MAX_POLICIES);
        return 0;
    }
    r = add_policy(rd, &p);
    if (r == 0)
        r = read_head(rd, root, p);
    if (r < 0)
        return r;
    if (!list) {
        wrong(rd, root, "field 'expect' is missing");
        return 0;
    }
    return read_items(rd, list);
}

int expectations_read(struct expectations *ret, struct test_cases *cases, const char *file,
                      const void *data, size_t len, struct findings *findings)
{
    CLEANUP_DOCUMENTS struct documents documents = DOCUMENTS_INIT;
    struct reading rd = {.x = ret, .cases = cases, .file = file, .findings = findings};
    int r = documents_read(&documents, data, len, findings);

    for (size_t i = 0; i < documents.n && r == 0; i++)
        r = read_document(&rd, documents.items[i].root);
    findings_close(findings);
    return r;
}
