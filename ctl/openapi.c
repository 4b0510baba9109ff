/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/openapi.h"

#include <string.h>

#include "lib/json_value.h"
#include "lib/error.h"

/* An API server keeps a maximum as a double, and refuses values if that is not an integer of 64 bits. */
#define EXACT_MAX     (1ULL << 53)

#define PATTERN_BYTES 8192 /* of a pattern of words: our longest list has some 60 */

/* Building goes on after a failure, and whoever returns looks at it. */
struct builder {
    bool has_failed;
};

static void put(struct builder *b, json_t *to, const char *key, json_t *value)
{
    if (json_object_set_new(to, key, value) < 0)
        b->has_failed = true;
}

static void put_text(struct builder *b, json_t *to, const char *key, const char *text)
{
    if (text)
        put(b, to, key, json_string(text));
}

/* 0 stands for no limit. */
static void put_limit(struct builder *b, json_t *to, const char *key, uint64_t limit)
{
    if (limit)
        put(b, to, key, json_integer((json_int_t)limit));
}

static void append(struct builder *b, json_t *to, json_t *value)
{
    if (json_array_append_new(to, value) < 0)
        b->has_failed = true;
}

static json_t *schema_json(struct builder *b, const struct schema *schema, const char *help);

/* ---- Values ---- */

/* "(?i)^(all|\*|read)$" */
static void put_words_pattern(struct builder *b, json_t *to, const struct words *words)
{
    CLEANUP_BUF struct buf text = BUF_INIT(PATTERN_BYTES);
    int r = buf_add_text(&text, "(?i)^(");

    for (size_t i = 0; i < words->n && r == 0; i++)
        r = buf_format(&text, "%s%s%s", i ? "|" : "",
                       strcmp(words->items[i].text, "*") == 0 ? "\\" : "", words->items[i].text);
    if (r < 0 || buf_add_text(&text, ")$") < 0)
        b->has_failed = true;
    put_text(b, to, "pattern", buf_text(&text));
}

static void describe_word(struct builder *b, json_t *to, const struct words *words)
{
    json_t *list;

    put_text(b, to, "type", "string");
    if (words->any_case) {
        put_words_pattern(b, to, words);
        return;
    }
    list = json_array();
    for (size_t i = 0; i < words->n; i++)
        append(b, list, json_string(words->items[i].text));
    put(b, to, "enum", list);
}

static void describe_number(struct builder *b, json_t *to, const struct number *number)
{
    put_text(b, to, "type", "integer");
    put_text(b, to, "format", number->max > INT32_MAX ? "int64" : "int32");
    put(b, to, "minimum", json_integer(number->min));
    if (number->max <= EXACT_MAX)
        put(b, to, "maximum", json_integer((json_int_t)number->max));
}

static void describe_text(struct builder *b, json_t *to, const struct value_type *type)
{
    put_text(b, to, "type", "string");
    put_limit(b, to, "minLength", type->min_length);
    put_limit(b, to, "maxLength", type->max_length);
    put_text(b, to, "pattern", type->pattern);
}

static void describe_map(struct builder *b, json_t *to, const struct value_type *type)
{
    json_t *value = json_object();

    describe_text(b, value, type);
    put_text(b, to, "type", "object");
    put_limit(b, to, "maxProperties", type->max_items);
    put(b, to, "additionalProperties", value);
}

/* One value of a field, whether the field is a list of them or not. */
static json_t *value_json(struct builder *b, const struct field *f, const char *help)
{
    json_t *to;

    if (f->type->shape == SHAPE_OBJECT) {
        to = schema_json(b, field_param(f), help);
        if (f->type->atomic)
            put_text(b, to, "x-kubernetes-map-type", "atomic");
        return to;
    }
    to = json_object();
    put_text(b, to, "description", help);
    switch (f->type->shape) {
    case SHAPE_TEXT:
        describe_text(b, to, f->type);
        break;
    case SHAPE_TIME:
        put_text(b, to, "type", "string");
        put_text(b, to, "format", "date-time");
        break;
    case SHAPE_FLAG:
        put_text(b, to, "type", "boolean");
        break;
    case SHAPE_NUMBER:
        describe_number(b, to, field_param(f));
        break;
    case SHAPE_WORD:
        describe_word(b, to, field_param(f));
        break;
    case SHAPE_MAP:
        describe_map(b, to, f->type);
        break;
    case SHAPE_NONE:
    case SHAPE_OBJECT:
        break;
    }
    return to;
}

/* "a,b" as a list. */
static json_t *keys_json(struct builder *b, const char *keys)
{
    json_t *list = json_array();

    while (*keys) {
        size_t n = strcspn(keys, ",");

        append(b, list, json_stringn(keys, n));
        keys += n + (keys[n] == ',');
    }
    return list;
}

static json_t *field_json(struct builder *b, const struct field *f)
{
    json_t *to;

    if (!f->type->list)
        return value_json(b, f, f->help);
    to = json_object();
    put_text(b, to, "description", f->help);
    put_text(b, to, "type", "array");
    put_limit(b, to, "minItems", f->type->min_items);
    put_limit(b, to, "maxItems", field_max_items(f));
    put_text(b, to, "x-kubernetes-list-type", f->list_keys ? "map" : "atomic");
    if (f->list_keys)
        put(b, to, "x-kubernetes-list-map-keys", keys_json(b, f->list_keys));
    put(b, to, "items", value_json(b, f, NULL));
    return to;
}

/* ---- Objects ---- */

static json_t *rules_json(struct builder *b, const struct schema *schema)
{
    json_t *list = json_array();

    for (size_t i = 0; i < schema->n_rules; i++) {
        const struct schema_rule *rule = &schema->rules[i];
        json_t *to = json_object();

        put_text(b, to, "rule", rule->rule);
        put_text(b, to, "message", rule->message);
        put_text(b, to, "messageExpression", rule->expression);
        put_text(b, to, "fieldPath", rule->field);
        append(b, list, to);
    }
    return list;
}

static void put_fields(struct builder *b, json_t *properties, json_t *required,
                       const struct schema *schema)
{
    for (size_t i = 0; i < schema->n_fields; i++) {
        const struct field *f = &schema->fields[i];

        if (f->required)
            append(b, required, json_string(f->name));
        put(b, properties, f->name, field_json(b, f));
    }
}

static json_t *schema_json(struct builder *b, const struct schema *schema, const char *help)
{
    json_t *to = json_object(), *required = json_array(), *properties = json_object();

    put_text(b, to, "description", help);
    put_text(b, to, "type", "object");
    put_fields(b, properties, required, schema);
    if (json_array_size(required) > 0)
        put(b, to, "required", required);
    else
        json_decref(required);
    if (schema->n_rules)
        put(b, to, "x-kubernetes-validations", rules_json(b, schema));
    if (schema->n_fields)
        put(b, to, "properties", properties);
    else
        json_decref(properties);
    return to;
}

/* The three fields that every object has. The API server describes metadata itself, and refuses a
 * description of ours. */
static const struct value_type metadata_type = {.shape = SHAPE_OBJECT};
static const struct schema metadata_json_schema = {0};
static const struct field object_fields[] = {
    {.name = "apiVersion",
     .type = &text_type,
     .help = "The version of this kind of object: " CUSTOM_RESOURCE_GROUP
             "/" CUSTOM_RESOURCE_VERSION "."},
    {.name = "kind", .type = &text_type, .help = "The kind of object."},
    {.name = "metadata", .type = &metadata_type, .param = &metadata_json_schema},
};
static const struct schema object_schema = {.fields = object_fields,
                                            .n_fields = ARRAY_SIZE(object_fields)};

json_t *openapi_field_json(const struct field *f)
{
    struct builder b = {0};
    CLEANUP(json_decref) json_t *to = field_json(&b, f);

    return b.has_failed ? NULL : TAKE(to);
}

json_t *openapi_resource_json(const struct custom_resource *resource)
{
    struct builder b = {0};
    CLEANUP(json_decref) json_t *to = schema_json(&b, &object_schema, resource->help);
    CLEANUP(json_decref) json_t *own = schema_json(&b, resource->root, NULL);

    if (json_object_update(json_object_get(to, "properties"), json_object_get(own, "properties")) <
            0 ||
        json_object_set(to, "required", json_object_get(own, "required")) < 0 ||
        (resource->root->n_rules &&
         json_object_set(to, "x-kubernetes-validations",
                         json_object_get(own, "x-kubernetes-validations")) < 0))
        b.has_failed = true;
    return b.has_failed ? NULL : TAKE(to);
}
