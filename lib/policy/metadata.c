/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/metadata.h"

#include <errno.h>
#include <string.h>

#include "lib/policy/object.h"
#include "lib/policy/policy.h"
#include "lib/policy/policy_words.h"

void metadata_done(struct metadata *m)
{
    free(m->uid);
    labels_free(m->labels);
    free(m->name_space);
    free(m->name);
    *m = (struct metadata){0};
}

/* ---- Names ---- */

/* The length of the RFC 1123 label that text begins with: lower-case letters, digits, and '-'
 * inside. */
static size_t dns_label_length(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

    if (n == 0 || n > OBJECT_LABEL_MAX || text[0] == '-' || text[n - 1] == '-')
        return 0;
    return n;
}

static bool is_dns_label(const char *text)
{
    size_t n = dns_label_length(text);

    return n && !text[n];
}

/* Labels joined by '.'. Kubernetes bounds the whole of a subdomain, not its labels. */
static bool is_subdomain(const char *text)
{
    if (strlen(text) > OBJECT_NAME_MAX)
        return false;
    for (;;) {
        size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

        if (n == 0 || text[0] == '-' || text[n - 1] == '-')
            return false;
        if (!text[n])
            return true;
        if (text[n] != '.')
            return false;
        text += n + 1;
    }
}

static void not_a_name(struct decoder *d, const struct node *value, const char *text, size_t max,
                       const char *dot)
{
    decoder_error(
        d, value,
        "'%s' is not a name: 1 to %zu lower-case letters, digits, '-'%s, with a letter or digit at both ends",
        error_quote(text), max, dot);
}

/* One label, of any length, as a regular expression. */
#define DNS_LABEL "[a-z0-9]([-a-z0-9]*[a-z0-9])?"

static int decode_subdomain(struct decoder *d, const struct node *value, const struct field *f,
                            void *object)
{
    const char *text = decoder_text(d, value);

    if (!text)
        return 0;
    if (!is_subdomain(text)) {
        not_a_name(d, value, text, OBJECT_NAME_MAX, ", '.'");
        return 0;
    }
    return decode_text(d, value, f, object);
}
const struct value_type subdomain_type = {
    .decode = decode_subdomain,
    .shape = SHAPE_TEXT,
    .min_length = 1,
    .max_length = OBJECT_NAME_MAX,
    .pattern = "^" DNS_LABEL "(\\." DNS_LABEL ")*$",
};

static int decode_dns_label(struct decoder *d, const struct node *value, const struct field *f,
                            void *object)
{
    const char *text = decoder_text(d, value);

    if (!text)
        return 0;
    if (!is_dns_label(text)) {
        not_a_name(d, value, text, OBJECT_LABEL_MAX, "");
        return 0;
    }
    return decode_text(d, value, f, object);
}
const struct value_type dns_label_type = {
    .decode = decode_dns_label,
    .shape = SHAPE_TEXT,
    .min_length = 1,
    .max_length = OBJECT_LABEL_MAX,
    .pattern = "^" DNS_LABEL "$",
};

static int decode_dns_labels(struct decoder *d, const struct node *value, const struct field *f,
                             void *object)
{
    static const struct field element = {0};
    char ***names = field_member(object, f->offset);
    size_t *count = field_member(object, f->also);

    if (!decoder_list(d, value, f, "a list of names") || value->n_children == 0)
        return 0;
    *names = calloc(value->n_children, sizeof(**names));
    if (!*names)
        return -ENOMEM;
    NODE_FOREACH(child, value)
    {
        size_t mark, i = (*count)++;
        int r = decoder_enter_index(d, i, &mark);

        if (r == 0)
            r = decode_dns_label(d, child, &element, &(*names)[i]);
        if (r < 0)
            return r;
        decoder_leave(d, mark);
    }
    return 0;
}
const struct value_type dns_labels_type = {
    .decode = decode_dns_labels,
    .shape = SHAPE_TEXT,
    .list = true,
    .max_items = OBJECT_CONTAINERS_MAX,
    .min_length = 1,
    .max_length = OBJECT_LABEL_MAX,
    .pattern = "^" DNS_LABEL "$",
};

/* ---- Labels and annotations ---- */

/* What to do with a pair of a map of texts. Returns 0 or an error with *reterr (-ENOMEM ends the
 * walk). */
typedef int (*pair_function)(void *target, const char *key, const char *value,
                             struct error **reterr);

static int decode_pair(struct decoder *d, const struct node *value, pair_function put, void *target)
{
    CLEANUP(error_free) struct error *e = NULL;
    const char *text;
    size_t mark;
    int r;

    if (value->key->kind != NODE_SCALAR || value->key->repeated)
        return 0;
    r = decoder_enter_key(d, value->key->text, &mark);
    if (r < 0)
        return r;
    text = decoder_text(d, value);
    r = text ? put(target, value->key->text, text, &e) : 0;
    if (r < 0 && r != -ENOMEM)
        decoder_error(d, value, "%s", error_message(e));
    decoder_leave(d, mark);
    return r == -ENOMEM ? r : 0;
}

static int decode_pairs(struct decoder *d, const struct node *value, pair_function put,
                        void *target)
{
    if (value->kind != NODE_MAP) {
        decoder_mismatch(d, value, "an object of texts");
        return 0;
    }
    NODE_FOREACH(child, value)
    {
        int r = decode_pair(d, child, put, target);

        if (r < 0)
            return r;
    }
    return 0;
}

static int put_label(void *target, const char *key, const char *value, struct error **reterr)
{
    int r = label_key_check(key, reterr);

    if (r == 0)
        r = label_value_check(value, reterr);
    if (r < 0)
        return r;
    r = labels_put(target, key, value);
    return r == -E2BIG ? error_set(reterr, r, "more than %d labels", LABELS_MAX) : r;
}

static int put_requirement(void *target, const char *key, const char *value, struct error **reterr)
{
    return selector_add(target, key, SELECTOR_IN, &value, 1, reterr);
}

static int check_annotation(void *target UNUSED, const char *key, const char *value UNUSED,
                            struct error **reterr)
{
    return label_key_check(key, reterr);
}

/* Templates and tools leave an empty map as nothing; the API server takes it so. */
static bool is_nothing(const struct node *value)
{
    return value->kind == NODE_SCALAR && node_scalar_type(value) == SCALAR_NULL;
}

static int decode_labels(struct decoder *d, const struct node *value, const struct field *f,
                         void *object)
{
    struct labels **labels = field_member(object, f->offset);

    if (!*labels)
        *labels = labels_new();
    if (!*labels)
        return -ENOMEM;
    return is_nothing(value) ? 0 : decode_pairs(d, value, put_label, *labels);
}
const struct value_type labels_type = {.decode = decode_labels, .shape = SHAPE_NONE};

static int decode_annotations(struct decoder *d, const struct node *value,
                              const struct field *f UNUSED, void *object UNUSED)
{
    return is_nothing(value) ? 0 : decode_pairs(d, value, check_annotation, NULL);
}
static const struct value_type annotations_type = {.decode = decode_annotations,
                                                   .shape = SHAPE_NONE};

/* An API server has made a name of it, and leaves it beside the name. */
static int decode_generate_name(struct decoder *d, const struct node *value,
                                const struct field *f UNUSED, void *object UNUSED)
{
    if (!d->checks || !d->checks->without_positions)
        decoder_error(d, value,
                      "a generated name cannot be kept from one reading to the next: give a name");
    return 0;
}
static const struct value_type generate_name_type = {.decode = decode_generate_name,
                                                     .shape = SHAPE_NONE};

/* ---- What an API server adds ---- */

/* Only an API server writes these two rightly. In a file they may be anything, and then say nothing. */
static int decode_uid(struct decoder *d UNUSED, const struct node *value,
                      const struct field *f UNUSED, void *object)
{
    struct metadata *m = object;

    if (m->uid || value->kind != NODE_SCALAR || node_scalar_type(value) != SCALAR_TEXT ||
        strlen(value->text) > OBJECT_UID_MAX)
        return 0;
    m->uid = strdup(value->text);
    return m->uid ? 0 : -ENOMEM;
}
static const struct value_type uid_type = {.decode = decode_uid, .shape = SHAPE_NONE};

static int decode_generation(struct decoder *d UNUSED, const struct node *value,
                             const struct field *f UNUSED, void *object)
{
    struct metadata *m = object;
    long long number;
    char *end;

    if (value->kind != NODE_SCALAR || node_scalar_type(value) != SCALAR_NUMBER)
        return 0;
    errno = 0;
    number = strtoll(value->text, &end, 10);
    if (errno == 0 && *end == '\0' && number > 0)
        m->generation = number;
    return 0;
}
static const struct value_type generation_type = {.decode = decode_generation, .shape = SHAPE_NONE};

/* ---- Selectors ---- */

struct expression {             /* one of matchExpressions, while it is decoded */
    struct selector *selector;  /* borrowed: what it is added to */
    char *key;                  /* owned */
    unsigned op;                /* enum selector_operator */
    struct policy_texts values; /* owned */
};

static void expression_done(struct expression *x)
{
    for (size_t i = 0; i < x->values.n; i++)
        free(x->values.items[i].text);
    free(x->values.items);
    free(x->key);
}

/* A list of label values, which may be empty texts. */
static int decode_values(struct decoder *d, const struct node *value, const struct field *f,
                         void *object)
{
    static const struct field element = {.offset = offsetof(struct policy_text, text)};
    struct expression *x = object;

    if (!decoder_list(d, value, f, "a list of texts"))
        return 0;
    x->values.items = calloc(MAX(value->n_children, (size_t)1), sizeof(*x->values.items));
    if (!x->values.items)
        return -ENOMEM;
    NODE_FOREACH(child, value)
    {
        size_t mark;
        int r = decoder_enter_index(d, x->values.n, &mark);

        if (r == 0)
            r = decode_text(d, child, &element, &x->values.items[x->values.n++]);
        if (r < 0)
            return r;
        decoder_leave(d, mark);
    }
    return 0;
}
static const struct value_type values_type = {
    .decode = decode_values,
    .shape = SHAPE_TEXT,
    .list = true,
    .max_items = SELECTOR_MAX_VALUES,
    .max_length = LABEL_NAME_MAX,
    .pattern = LABEL_VALUE_PATTERN,
};

/* Adds a whole expression to the selector; one that already has findings adds nothing. */
static int check_expression(struct decoder *d, const struct node *map, void *object)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_FREE const char **values = NULL;
    struct expression *x = object;
    const struct node *op = node_find(map, "operator"), *list = node_find(map, "values");
    int r;

    if (list && list->kind == NODE_LIST && list->n_children != x->values.n)
        return 0;
    if (!x->key || !op || op->kind != NODE_SCALAR ||
        !words_find(&selector_operator_words, op->text))
        return 0;
    values = calloc(MAX(x->values.n, (size_t)1), sizeof(*values));
    if (!values)
        return -ENOMEM;
    for (size_t i = 0; i < x->values.n; i++) {
        values[i] = x->values.items[i].text;
        if (!values[i])
            return 0;
    }
    r = selector_add(x->selector, x->key, (enum selector_operator)x->op, values, x->values.n, &e);
    if (r < 0 && r != -ENOMEM)
        decoder_error(d, map, "%s", error_message(e));
    return r == -ENOMEM ? r : 0;
}

static const struct value_type label_key_type = {
    .decode = decode_text,
    .shape = SHAPE_TEXT,
    .min_length = 1,
    .max_length = LABEL_PREFIX_MAX + 1 + LABEL_NAME_MAX,
    .pattern = LABEL_KEY_PATTERN,
};
static const struct field expression_fields[] = {
    {.name = "key",
     .type = &label_key_type,
     .offset = offsetof(struct expression, key),
     .required = true,
     .help = "The key of the label that is looked at."},
    {.name = "operator",
     .type = &word_type,
     .offset = offsetof(struct expression, op),
     .param = &selector_operator_words,
     .required = true,
     .help =
         "What the label must be: one of the values (In), none of them or absent (NotIn), there with any "
         "value (Exists), or absent (DoesNotExist)."},
    {.name = "values",
     .type = &values_type,
     .help = "The values of In and NotIn; the other operators take none."},
};
static const struct schema_rule expression_rules[] = {
    {.rule = "!(self.operator in ['In', 'NotIn']) || (has(self.values) && size(self.values) > 0)",
     .expression = "\"key '\" + self.key + \"': \" + self.operator + \" needs values\""},
    {.rule = "self.operator in ['In', 'NotIn'] || !has(self.values) || size(self.values) == 0",
     .expression = "\"key '\" + self.key + \"': \" + self.operator + \" takes no values\""},
};
static const struct schema expression_schema = {
    .fields = expression_fields,
    .n_fields = ARRAY_SIZE(expression_fields),
    .rules = expression_rules,
    .n_rules = ARRAY_SIZE(expression_rules),
    .size = sizeof(struct expression),
    .check = check_expression,
};

struct selector_parts {        /* while a selector is decoded */
    struct selector *selector; /* borrowed */
};

static int decode_match_labels(struct decoder *d, const struct node *value,
                               const struct field *f UNUSED, void *object)
{
    struct selector_parts *parts = object;

    return decode_pairs(d, value, put_requirement, parts->selector);
}
static const struct value_type match_labels_type = {
    .decode = decode_match_labels,
    .shape = SHAPE_MAP,
    .max_items = SELECTOR_MAX_REQUIREMENTS,
    .max_length = LABEL_NAME_MAX,
    .pattern = LABEL_VALUE_PATTERN,
};

static int decode_expressions(struct decoder *d, const struct node *value, const struct field *f,
                              void *object)
{
    struct selector_parts *parts = object;
    size_t i = 0;

    if (!decoder_list(d, value, f, "a list of objects"))
        return 0;
    NODE_FOREACH(child, value)
    {
        struct expression x = {.selector = parts->selector};
        size_t mark;
        int r = decoder_enter_index(d, i++, &mark);

        if (r == 0)
            r = decoder_struct(d, child, &expression_schema, &x);
        expression_done(&x);
        if (r < 0)
            return r;
        decoder_leave(d, mark);
    }
    return 0;
}
static const struct value_type expressions_type = {
    .decode = decode_expressions,
    .shape = SHAPE_OBJECT,
    .list = true,
    .max_items = SELECTOR_MAX_EXPRESSIONS,
    .param = &expression_schema,
};

static const struct field selector_fields[] = {
    {.name = "matchLabels",
     .type = &match_labels_type,
     .help = "Labels that must all be there with just these values."},
    {.name = "matchExpressions",
     .type = &expressions_type,
     .help = "Conditions on labels that must all hold, beside matchLabels."},
};
static const struct schema selector_schema = {
    .fields = selector_fields,
    .n_fields = ARRAY_SIZE(selector_fields),
    .size = sizeof(struct selector_parts),
};

static int decode_selector(struct decoder *d, const struct node *value, const struct field *f,
                           void *object)
{
    struct selector **selector = field_member(object, f->offset);
    struct selector_parts parts;

    *selector = selector_new();
    if (!*selector)
        return -ENOMEM;
    parts.selector = *selector;
    return decoder_struct(d, value, &selector_schema, &parts);
}
const struct value_type selector_type = {
    .decode = decode_selector, .shape = SHAPE_OBJECT, .atomic = true, .param = &selector_schema};

static int decode_label_map_selector(struct decoder *d, const struct node *value,
                                     const struct field *f, void *object)
{
    struct selector **selector = field_member(object, f->offset);

    *selector = selector_new();
    return *selector ? decode_pairs(d, value, put_requirement, *selector) : -ENOMEM;
}
const struct value_type label_map_selector_type = {.decode = decode_label_map_selector,
                                                   .shape = SHAPE_NONE};

/* ---- The schema ---- */

#define NAME_ROWS                                                                                  \
    {.name = "name",                                                                               \
     .type = &subdomain_type,                                                                      \
     .offset = offsetof(struct metadata, name),                                                    \
     .required = true},                                                                            \
    {                                                                                              \
        .name = "namespace", .type = &dns_label_type,                                              \
        .offset = offsetof(struct metadata, name_space)                                            \
    }

static const struct field metadata_fields[] = {
    NAME_ROWS,
    {.name = "labels", .type = &labels_type, .offset = offsetof(struct metadata, labels)},
    {.name = "annotations", .type = &annotations_type},
    {.name = "generateName", .type = &generate_name_type},
    {.name = "uid", .type = &uid_type},
    {.name = "resourceVersion", .type = &ignored_type},
    {.name = "generation", .type = &generation_type},
    {.name = "creationTimestamp", .type = &ignored_type},
    {.name = "deletionTimestamp", .type = &ignored_type},
    {.name = "deletionGracePeriodSeconds", .type = &ignored_type},
    {.name = "managedFields", .type = &ignored_type},
    {.name = "ownerReferences", .type = &ignored_type},
    {.name = "finalizers", .type = &ignored_type},
    {.name = "selfLink", .type = &ignored_type},
};
const struct schema metadata_schema = {
    .fields = metadata_fields,
    .n_fields = ARRAY_SIZE(metadata_fields),
    .size = sizeof(struct metadata),
};

static const struct field identity_fields[] = {NAME_ROWS};
const struct schema identity_schema = {
    .fields = identity_fields,
    .n_fields = ARRAY_SIZE(identity_fields),
    .size = sizeof(struct metadata),
    .lenient = true,
};
