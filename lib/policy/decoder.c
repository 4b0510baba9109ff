/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/decoder.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "lib/policy/findings.h"
#include "lib/policy/policy.h"

static_assert(sizeof(enum policy_mode) == sizeof(unsigned), "decode_word() writes an unsigned");

void decoder_done(struct decoder *d)
{
    buf_done(&d->path);
}

void decoder_error(struct decoder *d, const struct node *at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    findings_vadd_at(d->findings, FINDING_ERROR, at->line, at->column, buf_text(&d->path), format,
                     args);
    va_end(args);
}

void decoder_warning(struct decoder *d, const struct node *at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    findings_vadd_at(d->findings, FINDING_WARNING, at->line, at->column, buf_text(&d->path), format,
                     args);
    va_end(args);
}

void decoder_error_in(struct decoder *d, const struct node *child, const char *format, ...)
{
    va_list args;
    size_t mark;

    if (decoder_enter(d, child->key->text, &mark) < 0)
        mark = d->path.len; /* the object's path has to do */
    va_start(args, format);
    findings_vadd_at(d->findings, FINDING_ERROR, child->line, child->column, buf_text(&d->path),
                     format, args);
    va_end(args);
    decoder_leave(d, mark);
}

void decoder_mismatch(struct decoder *d, const struct node *at, const char *expected)
{
    char text[NODE_DESCRIPTION_SIZE];

    if (at->kind != NODE_REFUSED)
        decoder_error(d, at, "%s where %s is expected", node_describe(at, text), expected);
}

/* ---- The path ---- */

int decoder_enter(struct decoder *d, const char *name, size_t *ret_mark)
{
    *ret_mark = d->path.len;
    return buf_format(&d->path, "%s%s", d->path.len ? "." : "", name) < 0 ? -ENOMEM : 0;
}

int decoder_enter_index(struct decoder *d, size_t i, size_t *ret_mark)
{
    *ret_mark = d->path.len;
    return buf_format(&d->path, "[%zu]", i) < 0 ? -ENOMEM : 0;
}

int decoder_enter_key(struct decoder *d, const char *key, size_t *ret_mark)
{
    *ret_mark = d->path.len;
    return buf_format(&d->path, "['%s']", error_quote(key)) < 0 ? -ENOMEM : 0;
}

void decoder_leave(struct decoder *d, size_t mark)
{
    d->path.len = mark;
    if (d->path.data)
        d->path.data[mark] = '\0';
}

/* ---- Objects ---- */

static const struct field *schema_find(const struct schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->n_fields; i++)
        if (strcmp(schema->fields[i].name, name) == 0)
            return &schema->fields[i];
    return NULL;
}

/* Every known name, and the nearest one. */
static int explain_fields(const struct schema *schema, const char *name, struct buf *ret)
{
    const char *nearest =
        words_nearest(name, &schema->fields[0].name, schema->n_fields, sizeof(schema->fields[0]));

    for (size_t i = 0; i < schema->n_fields; i++)
        if (buf_format(ret, "%s%s", i ? ", " : "", schema->fields[i].name) < 0)
            return -ENOMEM;
    return nearest && buf_format(ret, "; did you mean '%s'?", nearest) < 0 ? -ENOMEM : 0;
}

static int unknown_field(struct decoder *d, const struct schema *schema, const struct node *key)
{
    CLEANUP_BUF struct buf known = BUF_INIT(DECODER_PATH_MAX);

    if (!findings_full(d->findings) && explain_fields(schema, key->text, &known) < 0)
        return -ENOMEM;
    decoder_error(d, key, "unknown field '%s': known here are %s", error_quote(key->text),
                  buf_text(&known));
    return 0;
}

static int decode_field(struct decoder *d, const struct node *value, const struct schema *schema,
                        void *object)
{
    const struct field *f;
    size_t mark;
    int r;

    if (value->key->kind != NODE_SCALAR || value->key->repeated)
        return 0; /* reported by the reader */
    f = schema_find(schema, value->key->text);
    if (!f)
        return schema->lenient ? 0 : unknown_field(d, schema, value->key);
    r = decoder_enter(d, f->name, &mark);
    if (r == 0)
        r = f->type->decode(d, value, f, object);
    decoder_leave(d, mark);
    return r;
}

int decoder_struct(struct decoder *d, const struct node *value, const struct schema *schema,
                   void *object)
{
    if (value->kind != NODE_MAP) {
        decoder_mismatch(d, value, "an object");
        return 0;
    }
    if (schema->has_at)
        *(struct policy_position *)field_member(object, schema->at_offset) =
            (struct policy_position){value->line, value->column};
    NODE_FOREACH(child, value)
    {
        int r = decode_field(d, child, schema, object);

        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < schema->n_fields; i++)
        if (schema->fields[i].required && !node_find(value, schema->fields[i].name))
            decoder_error(d, value, "field '%s' is missing", schema->fields[i].name);
    return schema->check ? schema->check(d, value, object) : 0;
}

static int decode_object(struct decoder *d, const struct node *value, const struct field *f,
                         void *object)
{
    return decoder_struct(d, value, f->param, field_member(object, f->offset));
}
const struct value_type object_type = {.decode = decode_object, .shape = SHAPE_OBJECT};

unsigned field_max_items(const struct field *f)
{
    return f->max_items || !f->type ? f->max_items : f->type->max_items;
}

const void *field_param(const struct field *f)
{
    return f->param ? f->param : f->type->param;
}

bool decoder_list(struct decoder *d, const struct node *value, const struct field *f,
                  const char *expected)
{
    unsigned max = field_max_items(f);

    if (value->kind != NODE_LIST) {
        decoder_mismatch(d, value, expected);
        return false;
    }
    if (!max || value->n_children <= max)
        return true;
    decoder_error(d, value, "a list of %zu: at most %u are taken", value->n_children, max);
    return false;
}

static int decode_list(struct decoder *d, const struct node *value, const struct field *f,
                       void *object)
{
    const struct schema *schema = f->param;
    void **items = field_member(object, f->offset);
    size_t *count = field_member(object, f->also);

    if (!decoder_list(d, value, f, "a list of objects") || value->n_children == 0)
        return 0;
    *items = calloc(value->n_children, schema->size);
    if (!*items)
        return -ENOMEM;
    NODE_FOREACH(child, value)
    {
        size_t i = (*count)++, mark;
        int r = decoder_enter_index(d, i, &mark);

        if (r == 0)
            r = decoder_struct(d, child, schema, (char *)*items + i * schema->size);
        if (r < 0)
            return r;
        decoder_leave(d, mark);
    }
    return 0;
}

const struct value_type list_type = {
    .decode = decode_list, .shape = SHAPE_OBJECT, .list = true, .max_items = DECODER_MAX_ITEMS};

static int decode_ignored(struct decoder *d UNUSED, const struct node *value UNUSED,
                          const struct field *f UNUSED, void *object UNUSED)
{
    return 0;
}
const struct value_type ignored_type = {.decode = decode_ignored, .shape = SHAPE_NONE};

/* ---- Texts ---- */

const char *decoder_text(struct decoder *d, const struct node *value)
{
    if (value->kind != NODE_SCALAR) {
        decoder_mismatch(d, value, "a text");
        return NULL;
    }
    switch (node_scalar_type(value)) {
    case SCALAR_TEXT:
        return value->text;
    case SCALAR_NULL:
        decoder_mismatch(d, value, "a text");
        return NULL;
    default:
        decoder_error(d, value, "%s is %s, not a text: put it in quotes", error_quote(value->text),
                      node_scalar_type(value) == SCALAR_NUMBER ? "a number" : "a boolean");
        return NULL;
    }
}

int decode_text(struct decoder *d, const struct node *value, const struct field *f, void *object)
{
    char **slot = field_member(object, f->offset);
    const char *text = decoder_text(d, value);

    if (!text)
        return 0;
    *slot = strdup(text);
    return *slot ? 0 : -ENOMEM;
}
const struct value_type text_type = {.decode = decode_text, .shape = SHAPE_TEXT};

int decode_filled_text(struct decoder *d, const struct node *value, const struct field *f,
                       void *object)
{
    if (value->kind == NODE_SCALAR && node_scalar_type(value) == SCALAR_TEXT && !*value->text) {
        decoder_error(d, value, "the text is empty");
        return 0;
    }
    return decode_text(d, value, f, object);
}
const struct value_type filled_text_type = {
    .decode = decode_filled_text, .shape = SHAPE_TEXT, .min_length = 1};

/* One of a list of texts. */
static int decode_item(struct decoder *d, const struct node *value, void *object)
{
    static const struct field item = {.offset = offsetof(struct policy_text, text)};

    if (value->kind == NODE_SCALAR && strlen(value->text) > DECODER_MAX_TEXT) {
        decoder_error(d, value, "a text of %zu bytes: at most %d are taken", strlen(value->text),
                      DECODER_MAX_TEXT);
        return 0;
    }
    return decode_filled_text(d, value, &item, object);
}

int decode_texts(struct decoder *d, const struct node *value, const struct field *f, void *object)
{
    struct policy_texts *texts = field_member(object, f->offset);

    if (!decoder_list(d, value, f, "a list of texts") || value->n_children == 0)
        return 0;
    texts->items = calloc(value->n_children, sizeof(*texts->items));
    if (!texts->items)
        return -ENOMEM;
    NODE_FOREACH(child, value)
    {
        struct policy_text *text = &texts->items[texts->n];
        size_t mark;
        int r = decoder_enter_index(d, texts->n++, &mark);

        text->at = (struct policy_position){child->line, child->column};
        if (r == 0)
            r = decode_item(d, child, text);
        if (r < 0)
            return r;
        decoder_leave(d, mark);
    }
    return 0;
}

const struct value_type texts_type = {
    .decode = decode_texts,
    .shape = SHAPE_TEXT,
    .list = true,
    .max_items = DECODER_MAX_ITEMS,
    .min_length = 1,
    .max_length = DECODER_MAX_TEXT,
};

static int decode_filled_texts(struct decoder *d, const struct node *value, const struct field *f,
                               void *object)
{
    if (value->kind == NODE_LIST && value->n_children == 0)
        decoder_error(d, value, "the list is empty: at least one is needed");
    return decode_texts(d, value, f, object);
}
const struct value_type filled_texts_type = {
    .decode = decode_filled_texts,
    .shape = SHAPE_TEXT,
    .list = true,
    .min_items = 1,
    .max_items = DECODER_MAX_ITEMS,
    .min_length = 1,
    .max_length = DECODER_MAX_TEXT,
};

/* ---- Booleans, numbers, words ---- */

static int decode_flag(struct decoder *d, const struct node *value, const struct field *f,
                       void *object)
{
    bool *slot = field_member(object, f->offset);

    if (value->kind == NODE_SCALAR && node_scalar_type(value) == SCALAR_BOOLEAN)
        *slot = value->text[0] == 't' || value->text[0] == 'T';
    else
        decoder_mismatch(d, value, "a boolean, true or false,");
    return 0;
}
const struct value_type flag_type = {.decode = decode_flag, .shape = SHAPE_FLAG};

/* A whole decimal number without leading zeros, of up to 64 bits and a sign. False: it is none. */
static bool parse_whole(const char *text, bool *ret_negative, uint64_t *ret_size, bool *ret_huge)
{
    const char *digits = text + (*text == '-');
    char *end;

    *ret_negative = digits != text;
    if (!*digits || digits[strspn(digits, "0123456789")] || (*digits == '0' && digits[1]))
        return false;
    errno = 0;
    *ret_size = strtoull(digits, &end, 10);
    *ret_huge = errno == ERANGE;
    return true;
}

void decoder_number(struct decoder *d, const struct node *value, const struct number *number,
                    uint64_t *ret, bool *ret_given)
{
    bool negative, huge, fits;
    uint64_t size;

    *ret_given = false;
    if (value->kind == NODE_SCALAR && !value->plain &&
        parse_whole(value->text, &negative, &size, &huge)) {
        decoder_error(d, value, "'%s' in quotes is a text, not a number: take the quotes away",
                      error_quote(value->text));
        return;
    }
    if (value->kind != NODE_SCALAR || node_scalar_type(value) != SCALAR_NUMBER) {
        decoder_mismatch(d, value, "a number");
        return;
    }
    if (!parse_whole(value->text, &negative, &size, &huge)) {
        decoder_error(d, value, "%s is not a whole decimal number without leading zeros",
                      error_quote(value->text));
        return;
    }
    fits = !huge &&
           (negative ? number->min < 0 && size <= -(uint64_t)number->min
                     : size <= number->max && (number->min < 0 || size >= (uint64_t)number->min));
    if (!fits) {
        decoder_error(d, value, "%s is not %s: %" PRId64 " to %" PRIu64, error_quote(value->text),
                      number->what, number->min, number->max);
        return;
    }
    *ret = negative ? -size : size;
    *ret_given = true;
}

static void store(void *slot, size_t size, uint64_t value)
{
    if (size == 2)
        *(uint16_t *)slot = (uint16_t)value;
    else if (size == 4)
        *(uint32_t *)slot = (uint32_t)value;
    else
        *(uint64_t *)slot = value;
}

static int decode_number(struct decoder *d, const struct node *value, const struct field *f,
                         void *object)
{
    const struct number *number = f->param;
    uint64_t parsed;
    bool given;

    decoder_number(d, value, number, &parsed, &given);
    if (given)
        store(field_member(object, f->offset), number->size, parsed);
    if (f->also)
        *(bool *)field_member(object, f->also) = given;
    return 0;
}
const struct value_type number_type = {.decode = decode_number, .shape = SHAPE_NUMBER};

const char *decoder_word_text(struct decoder *d, const struct node *value)
{
    if (value->kind == NODE_SCALAR && node_scalar_type(value) != SCALAR_NULL)
        return value->text;
    decoder_mismatch(d, value, "a word");
    return NULL;
}

/* The word that a scalar holds; *ret NULL with a finding if it is none of them. */
static int decoder_word(struct decoder *d, const struct node *value, const struct words *words,
                        const struct word **ret)
{
    CLEANUP_BUF struct buf allowed = BUF_INIT(DECODER_PATH_MAX);
    const char *text = decoder_word_text(d, value);

    *ret = text ? words_find(words, text) : NULL;
    if (!text || *ret)
        return 0;
    if (!findings_full(d->findings) && words_explain(words, text, &allowed) < 0)
        return -ENOMEM;
    decoder_error(d, value, "'%s' is not %s: %s", error_quote(text), words->what,
                  buf_text(&allowed));
    return 0;
}

int decode_word(struct decoder *d, const struct node *value, const struct field *f, void *object)
{
    const struct word *word;
    int r = decoder_word(d, value, f->param, &word);

    if (word)
        *(unsigned *)field_member(object, f->offset) = (unsigned)word->value;
    return r;
}
const struct value_type word_type = {.decode = decode_word, .shape = SHAPE_WORD};

int decoder_words(struct decoder *d, const struct node *value, const struct words *words,
                  bool may_be_empty, uint64_t *ret_value, uint64_t *ret_reverse)
{
    static const struct field list = {.max_items = DECODER_MAX_WORDS};
    size_t i = 0;

    *ret_value = *ret_reverse = 0;
    if (!decoder_list(d, value, &list, "a list of words"))
        return 0;
    if (value->n_children == 0 && !may_be_empty)
        decoder_error(d, value, "the list is empty: at least one is needed");
    NODE_FOREACH(child, value)
    {
        const struct word *word;
        size_t mark;
        int r = decoder_enter_index(d, i++, &mark);

        if (r == 0)
            r = decoder_word(d, child, words, &word);
        if (r < 0)
            return r;
        decoder_leave(d, mark);
        *ret_value |= word ? word->value : 0;
        *ret_reverse |= word ? word->reverse : 0;
    }
    return 0;
}
