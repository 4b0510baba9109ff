/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/selector.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/buf.h"

#define SELECTOR_TEXT_MAX     (SIZE_MAX / 4) /* bounded by the requirements' own ceilings */
#define LABELS_FIRST_CAPACITY 8

struct label {
    char *key;   /* owned */
    char *value; /* owned */
};

struct labels {
    struct label *items; /* owned; sorted by key */
    unsigned n, cap;
    unsigned n_refs;
    bool packed; /* items and their texts stand behind this struct, in the same piece */
};

struct requirement {
    char *key; /* owned */
    enum selector_operator op;
    char **values; /* owned; sorted, each once */
    size_t n_values;
    char *text; /* owned; this requirement in kubectl's syntax */
};

struct selector {
    struct requirement *items; /* owned; sorted by key, then text */
    size_t n, cap;
    char *text; /* owned; all requirements; NULL until selector_text() made it */
};

/* ---- Labels ---- */

struct labels *labels_new(void)
{
    struct labels *l = calloc(1, sizeof(*l));

    if (l)
        l->n_refs = 1;
    return l;
}

struct labels *labels_ref(struct labels *l)
{
    l->n_refs++;
    return l;
}

unsigned labels_refs(const struct labels *l)
{
    return l->n_refs;
}

struct labels *labels_free(struct labels *l)
{
    if (!l || --l->n_refs > 0)
        return NULL;
    for (size_t i = 0; !l->packed && i < l->n; i++) {
        free(l->items[i].key);
        free(l->items[i].value);
    }
    if (!l->packed)
        free(l->items);
    free(l);
    return NULL;
}

/* The place of key: of the label itself if *ret_there, else of where it belongs. */
static size_t labels_place(const struct labels *l, const char *key, bool *ret_there)
{
    size_t low = 0, high = l->n;

    *ret_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(l->items[middle].key, key);

        if (order == 0) {
            *ret_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int labels_grow(struct labels *l)
{
    unsigned cap = MAX(l->cap * 2, (unsigned)LABELS_FIRST_CAPACITY);
    struct label *items;

    if (l->n < l->cap)
        return 0;
    items = reallocarray(l->items, cap, sizeof(*items));
    if (!items)
        return -ENOMEM;
    l->items = items;
    l->cap = cap;
    return 0;
}

int labels_put(struct labels *l, const char *key, const char *value)
{
    CLEANUP_FREE char *key_copy = NULL;
    CLEANUP_FREE char *value_copy = strdup(value);
    bool there;
    size_t place = labels_place(l, key, &there);

    assert(!l->packed && l->n_refs == 1);
    if (!value_copy)
        return -ENOMEM;
    if (there) {
        free(l->items[place].value);
        l->items[place].value = TAKE(value_copy);
        return 0;
    }
    if (l->n == LABELS_MAX)
        return -E2BIG;
    key_copy = strdup(key);
    if (!key_copy || labels_grow(l) < 0)
        return -ENOMEM;
    memmove(l->items + place + 1, l->items + place, (l->n - place) * sizeof(*l->items));
    l->items[place] = (struct label){.key = TAKE(key_copy), .value = TAKE(value_copy)};
    l->n++;
    return 0;
}

const char *labels_get(const struct labels *l, const char *key)
{
    bool there;
    size_t place = labels_place(l, key, &there);

    return there ? l->items[place].value : NULL;
}

size_t labels_size(const struct labels *l)
{
    return l->n;
}

const char *labels_key(const struct labels *l, size_t i)
{
    return l->items[i].key;
}

const char *labels_value(const struct labels *l, size_t i)
{
    return l->items[i].value;
}

bool labels_equal(const struct labels *a, const struct labels *b)
{
    size_t n = a ? a->n : 0;

    if (n != (b ? b->n : 0))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(a->items[i].key, b->items[i].key) != 0 ||
            strcmp(a->items[i].value, b->items[i].value) != 0)
            return false;
    return true;
}

struct labels *labels_copy(const struct labels *l)
{
    CLEANUP(labels_free) struct labels *copy = labels_new();

    if (!copy || l->n == 0)
        return TAKE(copy);
    copy->items = calloc(l->n, sizeof(*copy->items));
    if (!copy->items)
        return NULL;
    copy->cap = l->n;
    for (; copy->n < l->n; copy->n++) {
        const struct label *from = &l->items[copy->n];
        CLEANUP_FREE char *key = strdup(from->key);
        CLEANUP_FREE char *value = strdup(from->value);

        if (!key || !value)
            return NULL;
        copy->items[copy->n] = (struct label){.key = TAKE(key), .value = TAKE(value)};
    }
    return TAKE(copy);
}

/* Copies text to *to and moves that behind it. */
static char *put_text(char **to, const char *text)
{
    char *copy = *to;

    *to = stpcpy(copy, text) + 1;
    return copy;
}

struct labels *labels_pack(const struct labels *l)
{
    size_t size = sizeof(*l) + l->n * sizeof(*l->items);
    struct labels *packed;
    char *texts;

    for (size_t i = 0; i < l->n; i++)
        size += strlen(l->items[i].key) + strlen(l->items[i].value) + 2;
    packed = malloc(size);
    if (!packed)
        return NULL;
    *packed = (struct labels){
        .items = (struct label *)(packed + 1), .n = l->n, .n_refs = 1, .packed = true};
    texts = (char *)(packed->items + l->n);
    for (size_t i = 0; i < l->n; i++) {
        packed->items[i].key = put_text(&texts, l->items[i].key);
        packed->items[i].value = put_text(&texts, l->items[i].value);
    }
    return packed;
}

/* ---- Syntax ---- */

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A name as in keys and values: letters, digits, '-', '_', '.', with a letter or digit at both
 * ends. */
static bool is_label_name(const char *text, size_t len)
{
    if (len == 0 || len > LABEL_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_alphanumeric(text[i]) && !strchr("-_.", text[i]))
            return false;
    return is_alphanumeric(text[0]) && is_alphanumeric(text[len - 1]);
}

/* A DNS name: lower-case labels of letters, digits and '-', joined by '.'. */
static bool is_label_prefix(const char *text, size_t len)
{
    char before = '.';

    if (len == 0 || len > LABEL_PREFIX_MAX)
        return false;
    for (size_t i = 0; i <= len; i++) {
        char c = i < len ? text[i] : '.';

        if (c == '.') {
            if (before == '.' || before == '-')
                return false;
        } else if (c == '-') {
            if (before == '.')
                return false;
        } else if (!is_alphanumeric(c) || (c >= 'A' && c <= 'Z')) {
            return false;
        }
        before = c;
    }
    return true;
}

int label_key_check(const char *key, struct error **reterr)
{
    const char *slash = strchr(key, '/');
    const char *name = slash ? slash + 1 : key;

    if (slash && !is_label_prefix(key, (size_t)(slash - key)))
        return error_set(
            reterr, -EINVAL,
            "'%s' is not a label key: what stands before the '/' must be a DNS name of at most %d bytes",
            error_quote(key), LABEL_PREFIX_MAX);
    if (!is_label_name(name, strlen(name)))
        return error_set(
            reterr, -EINVAL,
            "'%s' is not a label key: 1 to %d letters, digits, '-', '_', '.', with a letter or digit at both ends, and before it perhaps a DNS name and '/'",
            error_quote(key), LABEL_NAME_MAX);
    return 0;
}

int label_value_check(const char *value, struct error **reterr)
{
    if (*value && !is_label_name(value, strlen(value)))
        return error_set(
            reterr, -EINVAL,
            "'%s' is not a label value: at most %d letters, digits, '-', '_', '.', with a letter or digit at both ends",
            error_quote(value), LABEL_NAME_MAX);
    return 0;
}

/* ---- Selectors ---- */

static void requirement_done(struct requirement *q)
{
    for (size_t i = 0; i < q->n_values; i++)
        free(q->values[i]);
    free(q->values);
    free(q->key);
    free(q->text);
    *q = (struct requirement){0};
}

#define CLEANUP_REQUIREMENT __attribute__((cleanup(requirement_done)))

struct selector *selector_new(void)
{
    return calloc(1, sizeof(struct selector));
}

struct selector *selector_free(struct selector *s)
{
    if (!s)
        return NULL;
    for (size_t i = 0; i < s->n; i++)
        requirement_done(&s->items[i]);
    free(s->items);
    free(s->text);
    free(s);
    return NULL;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Copies the values, sorted and each once. */
static int requirement_take_values(struct requirement *q, const char *const *values, size_t n)
{
    size_t kept = 0;

    q->values = calloc(MAX(n, (size_t)1), sizeof(*q->values));
    if (!q->values)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        q->values[i] = strdup(values[i]);
        if (!q->values[i])
            return -ENOMEM;
        q->n_values = i + 1;
    }
    if (n)
        qsort(q->values, n, sizeof(*q->values), compare_texts);
    for (size_t i = 0; i < n; i++) {
        if (kept && strcmp(q->values[kept - 1], q->values[i]) == 0)
            free(q->values[i]);
        else
            q->values[kept++] = q->values[i];
    }
    q->n_values = kept;
    return 0;
}

/* "key in (a,b)" */
static int requirement_format_list(const struct requirement *q, struct buf *b)
{
    int r = buf_format(b, "%s %s (", q->key, q->op == SELECTOR_IN ? "in" : "notin");

    for (size_t i = 0; r == 0 && i < q->n_values; i++)
        r = buf_format(b, "%s%s", i ? "," : "", q->values[i]);
    return r < 0 ? r : buf_add_text(b, ")");
}

static int requirement_format(struct requirement *q)
{
    CLEANUP_BUF struct buf b = BUF_INIT(SELECTOR_TEXT_MAX);
    int r;

    if (q->op == SELECTOR_EXISTS)
        r = buf_add_text(&b, q->key);
    else if (q->op == SELECTOR_DOES_NOT_EXIST)
        r = buf_format(&b, "!%s", q->key);
    else if (q->op == SELECTOR_IN && q->n_values == 1)
        r = buf_format(&b, "%s=%s", q->key, q->values[0]);
    else
        r = requirement_format_list(q, &b);
    if (r < 0)
        return -ENOMEM;
    q->text = (char *)TAKE(b.data);
    return 0;
}

/* All requirements, joined. NULL: no memory. */
static char *selector_join(const struct selector *s)
{
    CLEANUP_BUF struct buf b = BUF_INIT(SELECTOR_TEXT_MAX);

    for (size_t i = 0; i < s->n; i++)
        if ((i && buf_add(&b, ",", 1) < 0) || buf_add_text(&b, s->items[i].text) < 0)
            return NULL;
    return (char *)TAKE(b.data);
}

static int selector_check(const char *key, enum selector_operator op, const char *const *values,
                          size_t n_values, struct error **reterr)
{
    bool wants_values = op == SELECTOR_IN || op == SELECTOR_NOT_IN;
    int r = label_key_check(key, reterr);

    if (r < 0)
        return r;
    if (wants_values && n_values == 0)
        return error_set(reterr, -EINVAL, "key '%s': %s needs values", error_quote(key),
                         op == SELECTOR_IN ? "In" : "NotIn");
    if (!wants_values && n_values > 0)
        return error_set(reterr, -EINVAL, "key '%s': %s takes no values", error_quote(key),
                         op == SELECTOR_EXISTS ? "Exists" : "DoesNotExist");
    for (size_t i = 0; i < n_values; i++) {
        r = label_value_check(values[i], reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Where q belongs in the order by key, then text; *ret_there: an equal one is there already. */
static size_t selector_place(const struct selector *s, const struct requirement *q, bool *ret_there)
{
    size_t place = 0;

    *ret_there = false;
    for (; place < s->n; place++) {
        int order = strcmp(s->items[place].key, q->key);

        if (order == 0)
            order = strcmp(s->items[place].text, q->text);
        if (order == 0)
            *ret_there = true;
        if (order >= 0)
            break;
    }
    return place;
}

static int selector_grow(struct selector *s)
{
    size_t cap = MAX(s->cap * 2, (size_t)4);
    struct requirement *items;

    if (s->n < s->cap)
        return 0;
    items = reallocarray(s->items, cap, sizeof(*items));
    if (!items)
        return -ENOMEM;
    s->items = items;
    s->cap = cap;
    return 0;
}

int selector_add(struct selector *s, const char *key, enum selector_operator op,
                 const char *const *values, size_t n_values, struct error **reterr)
{
    CLEANUP_REQUIREMENT struct requirement q = {.op = op};
    size_t place;
    bool there;
    int r = selector_check(key, op, values, n_values, reterr);

    if (r < 0)
        return r;
    q.key = strdup(key);
    if (!q.key || requirement_take_values(&q, values, n_values) < 0 || requirement_format(&q) < 0)
        return error_oom(reterr);
    place = selector_place(s, &q, &there);
    if (there)
        return 0; /* the same demand twice is one */
    if (s->n == SELECTOR_MAX_REQUIREMENTS)
        return error_set(reterr, -E2BIG, "more than %d requirements in one selector",
                         SELECTOR_MAX_REQUIREMENTS);
    if (selector_grow(s) < 0)
        return error_oom(reterr);
    free(s->text);
    s->text = NULL;
    memmove(s->items + place + 1, s->items + place, (s->n - place) * sizeof(*s->items));
    s->items[place] = q;
    s->n++;
    q = (struct requirement){0};
    return 0;
}

struct selector *selector_copy(const struct selector *s)
{
    CLEANUP(selector_free) struct selector *copy = selector_new();

    if (!copy)
        return NULL;
    for (size_t i = 0; i < s->n; i++) {
        const struct requirement *q = &s->items[i];

        if (selector_add(copy, q->key, q->op, (const char *const *)q->values, q->n_values, NULL) <
            0)
            return NULL;
    }
    return TAKE(copy);
}

static bool requirement_has_value(const struct requirement *q, const char *value)
{
    return bsearch(&value, q->values, q->n_values, sizeof(*q->values), compare_texts) != NULL;
}

static bool requirement_match(const struct requirement *q, const struct labels *l)
{
    const char *value = labels_get(l, q->key);

    switch (q->op) {
    case SELECTOR_IN:
        return value && requirement_has_value(q, value);
    case SELECTOR_NOT_IN:
        return !value || !requirement_has_value(q, value);
    case SELECTOR_EXISTS:
        return value != NULL;
    case SELECTOR_DOES_NOT_EXIST:
        return value == NULL;
    }
    return false;
}

bool selector_match(const struct selector *s, const struct labels *l)
{
    if (!s)
        return true;
    for (size_t i = 0; i < s->n; i++)
        if (!requirement_match(&s->items[i], l))
            return false;
    return true;
}

size_t selector_size(const struct selector *s)
{
    return s->n;
}

void selector_get(const struct selector *s, size_t i, const char **ret_key,
                  enum selector_operator *ret_op, const char *const **ret_values,
                  size_t *ret_n_values)
{
    const struct requirement *q = &s->items[i];

    *ret_key = q->key;
    *ret_op = q->op;
    *ret_values = (const char *const *)q->values;
    *ret_n_values = q->n_values;
}

const char *selector_text(const struct selector *s)
{
    /* Made when somebody asks, so that adding n requirements does not cost n joins. */
    struct selector *cache = (struct selector *)s;

    if (s->n == 0)
        return "";
    if (!s->text)
        cache->text = selector_join(s);
    return s->text ? s->text : "(no memory for the selector's text)";
}
