/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/field_text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define WIDTH  80 /* columns of a description */
#define INDENT 4

/* ---- Types and limits ---- */

int field_text_type(const struct field *f, struct buf *ret)
{
    static const char *const names[] = {
        [SHAPE_NONE] = "any",      [SHAPE_TEXT] = "string",        [SHAPE_TIME] = "time",
        [SHAPE_FLAG] = "boolean",  [SHAPE_NUMBER] = "integer",     [SHAPE_WORD] = "string",
        [SHAPE_OBJECT] = "object", [SHAPE_MAP] = "map of strings",
    };

    return buf_format(ret, "%s%s", f->type->list ? "[]" : "", names[f->type->shape]) < 0 ? -ENOMEM
                                                                                         : 0;
}

static int add_words(const struct words *words, bool list, struct buf *ret)
{
    int r = buf_add_text(ret, list ? "each of " : "one of ");

    for (size_t i = 0; i < words->n && r == 0; i++)
        r = buf_format(ret, "%s%s", i ? ", " : "", words->items[i].text);
    return r < 0 ? -ENOMEM : 0;
}

/* "", or "; " where something stands before. */
static const char *joint(const struct buf *ret, size_t start)
{
    return ret->len > start ? "; " : "";
}

static int add_length(const struct field *f, struct buf *ret, size_t start)
{
    const struct value_type *type = f->type;

    if (type->shape != SHAPE_TEXT || !type->max_length)
        return 0;
    return buf_format(ret, "%s%s%u to %u bytes", joint(ret, start), type->list ? "each " : "",
                      type->min_length, type->max_length) < 0
               ? -ENOMEM
               : 0;
}

int field_text_limits(const struct field *f, struct buf *ret)
{
    const struct number *number = field_param(f);
    size_t start = ret->len;
    unsigned max = field_max_items(f);
    int r = 0;

    if (f->type->shape == SHAPE_WORD)
        r = add_words(field_param(f), f->type->list, ret);
    if (f->type->shape == SHAPE_NUMBER)
        r = buf_format(ret, "%" PRId64 " to %" PRIu64, number->min, number->max);
    if (r == 0)
        r = add_length(f, ret, start);
    if (r == 0 && max)
        r = buf_format(ret, "%s%s %u", joint(ret, start), f->type->min_items ? "1 to" : "at most",
                       max);
    return r < 0 ? -ENOMEM : 0;
}

/* ---- Explaining ---- */

/* A text in lines of WIDTH columns at most, each behind indent blanks. */
static int add_wrapped(const char *text, int indent, struct buf *ret)
{
    while (*text) {
        size_t room = (size_t)(WIDTH - indent), n = strlen(text);

        if (n > room) {
            const char *blank = memrchr(text, ' ', room + 1);

            if (!blank)
                blank = strchr(text, ' ');
            n = blank ? (size_t)(blank - text) : n;
        }
        if (buf_format(ret, "%*s%.*s\n", indent, "", (int)n, text) < 0)
            return -ENOMEM;
        text += n + (text[n] == ' ');
    }
    return 0;
}

/* "  name <type> required" */
static int add_heading(const struct field *f, int indent, struct buf *ret)
{
    int r = buf_format(ret, "%*s%s <", indent, "", f->name);

    if (r == 0)
        r = field_text_type(f, ret);
    if (r == 0)
        r = buf_format(ret, ">%s\n", f->required ? " required" : "");
    return r < 0 ? -ENOMEM : 0;
}

static int add_fields(const struct schema *schema, int indent, struct buf *ret)
{
    for (size_t i = 0; i < schema->n_fields; i++) {
        const struct field *f = &schema->fields[i];
        int r = add_heading(f, indent, ret);

        if (r == 0)
            r = add_wrapped(f->help, indent + INDENT, ret);
        if (r == 0 && i + 1 < schema->n_fields)
            r = buf_add_text(ret, "\n");
        if (r < 0)
            return -ENOMEM;
    }
    return 0;
}

/* Only names and types, as deep as they go. */
static int add_tree(const struct schema *schema, int indent, struct buf *ret)
{
    for (size_t i = 0; i < schema->n_fields; i++) {
        const struct field *f = &schema->fields[i];
        int r = add_heading(f, indent, ret);

        if (r == 0 && f->type->shape == SHAPE_OBJECT)
            r = add_tree(field_param(f), indent + 2, ret);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_limits(const struct field *f, struct buf *ret)
{
    CLEANUP_BUF struct buf limits = BUF_INIT(DECODER_PATH_MAX);

    if (field_text_limits(f, &limits) < 0)
        return -ENOMEM;
    if (!limits.len)
        return 0;
    return buf_add_text(ret, "\nVALUES:\n") < 0 ? -ENOMEM
                                                : add_wrapped(buf_text(&limits), INDENT, ret);
}

/* What must hold between the fields; rules that make their message of values are left out. */
static int add_rules(const struct schema *schema, struct buf *ret)
{
    bool first = true;

    for (size_t i = 0; i < schema->n_rules; i++) {
        if (!schema->rules[i].message)
            continue;
        if ((first && buf_add_text(ret, "\nREFUSED:\n") < 0) ||
            add_wrapped(schema->rules[i].message, INDENT, ret) < 0)
            return -ENOMEM;
        first = false;
    }
    return 0;
}

int field_text_explain(const struct field_place *place, bool recursive, struct buf *ret)
{
    const struct schema *schema = field_place_schema(place);
    const struct field *f = place->field;
    int r = buf_format(ret, "KIND:       %s\nVERSION:    %s/%s\n\n", place->resource->kind,
                       CUSTOM_RESOURCE_GROUP, CUSTOM_RESOURCE_VERSION);

    if (r == 0 && f)
        r = buf_add_text(ret, "FIELD: ");
    if (r == 0 && f)
        r = add_heading(f, 0, ret);
    if (r == 0)
        r = buf_add_text(ret, f ? "\nDESCRIPTION:\n" : "DESCRIPTION:\n");
    if (r == 0)
        r = add_wrapped(f ? f->help : place->resource->help, INDENT, ret);
    if (r == 0 && f)
        r = add_limits(f, ret);
    if (r < 0 || !schema)
        return r < 0 ? -ENOMEM : 0;
    r = add_rules(schema, ret);
    if (r == 0 && schema->n_fields)
        r = buf_add_text(ret, "\nFIELDS:\n");
    if (r == 0)
        r = recursive ? add_tree(schema, 2, ret) : add_fields(schema, 2, ret);
    return r < 0 ? -ENOMEM : 0;
}
