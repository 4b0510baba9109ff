/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/field_path.h"

#include <errno.h>
#include <string.h>

#include "lib/error.h"

const struct schema *field_place_schema(const struct field_place *place)
{
    if (!place->field)
        return place->resource->root;
    return place->field->type->shape == SHAPE_OBJECT ? field_param(place->field) : NULL;
}

/* The next word of a path, without what stands in brackets behind it. Returns the rest. */
static const char *next_word(const char *path, char word[static FIELD_PATH_SIZE])
{
    size_t n = strcspn(path, ".["), end = strcspn(path, ".");

    snprintf(word, FIELD_PATH_SIZE, "%.*s", (int)MIN(n, (size_t)FIELD_PATH_SIZE - 1), path);
    return path + end + (path[end] == '.');
}

static int enter(struct field_place *place, const char *word, struct error **reterr)
{
    const struct schema *schema = field_place_schema(place);
    const char *where = place->field ? place->field->name : place->resource->kind;
    const char *nearest;

    if (!schema || !schema->n_fields)
        return error_set(reterr, -ENOENT, "'%s' has no fields, so no '%s'", where,
                         error_quote(word));
    for (size_t i = 0; i < schema->n_fields; i++)
        if (strcmp(schema->fields[i].name, word) == 0) {
            place->field = &schema->fields[i];
            return 0;
        }
    nearest =
        words_nearest(word, &schema->fields[0].name, schema->n_fields, sizeof(schema->fields[0]));
    return error_set(reterr, -ENOENT, "'%s' has no field '%s'%s%s%s", where, error_quote(word),
                     nearest ? "; did you mean '" : "", nearest ? nearest : "",
                     nearest ? "'?" : "");
}

int field_path_find(struct field_place *ret, const char *path, struct error **reterr)
{
    struct field_place place = {.resource = &custom_resources[0]};
    char word[FIELD_PATH_SIZE];
    const char *rest = next_word(path, word);
    const struct custom_resource *named = custom_resource_find(word);

    if (named) {
        place.resource = named;
        path = rest;
    }
    while (*path) {
        int r;

        path = next_word(path, word);
        r = enter(&place, word, reterr);
        if (r < 0)
            return r;
    }
    *ret = place;
    return 0;
}

int field_path_each(const struct schema *schema, const char *prefix,
                    int (*visit)(const char *path, const struct field *f, void *data), void *data)
{
    for (size_t i = 0; i < schema->n_fields; i++) {
        const struct field *f = &schema->fields[i];
        char path[FIELD_PATH_SIZE];
        int n = snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", f->name);
        int r = n < 0 || (size_t)n >= sizeof(path) ? -ENAMETOOLONG : visit(path, f, data);

        if (r == 0 && f->type->shape == SHAPE_OBJECT)
            r = field_path_each(field_param(f), path, visit, data);
        if (r != 0)
            return r;
    }
    return 0;
}
