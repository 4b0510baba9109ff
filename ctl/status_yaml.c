/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/status_json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

static int document_emit(yaml_emitter_t *emitter, const json_t *value);

/* True if some reader of YAML 1.1 or 1.2 would take the plain text for something else than a text.
 */
static bool document_needs_quotes(const char *text)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return !*text || strchr("0123456789+-.~!&*{}[]|>@`\"'%#?:,=<", *text) ||
           strpbrk(text, ":#\n\t\"");
}

static int document_emit_scalar(yaml_emitter_t *emitter, const char *text, bool is_string)
{
    yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;
    yaml_event_t event;

    if (is_string && document_needs_quotes(text))
        style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (!yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, -1,
                                      style == YAML_PLAIN_SCALAR_STYLE, 1, style))
        return -ENOMEM;
    return yaml_emitter_emit(emitter, &event) ? 0 : -EIO;
}

static int document_emit_object(yaml_emitter_t *emitter, const json_t *object)
{
    yaml_event_t event;
    const char *key;
    json_t *value;
    int r;

    if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE))
        return -ENOMEM;
    r = yaml_emitter_emit(emitter, &event) ? 0 : -EIO;
    json_object_foreach((json_t *)object, key, value)
    {
        if (r == 0)
            r = document_emit_scalar(emitter, key, true);
        if (r == 0)
            r = document_emit(emitter, value);
    }
    if (r < 0)
        return r;
    if (!yaml_mapping_end_event_initialize(&event))
        return -ENOMEM;
    return yaml_emitter_emit(emitter, &event) ? 0 : -EIO;
}

static int document_emit_array(yaml_emitter_t *emitter, const json_t *array)
{
    yaml_sequence_style_t style =
        json_array_size(array) ? YAML_BLOCK_SEQUENCE_STYLE : YAML_FLOW_SEQUENCE_STYLE;
    yaml_event_t event;
    int r;

    if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style))
        return -ENOMEM;
    r = yaml_emitter_emit(emitter, &event) ? 0 : -EIO;
    for (size_t i = 0; i < json_array_size(array) && r == 0; i++)
        r = document_emit(emitter, json_array_get(array, i));
    if (r < 0)
        return r;
    if (!yaml_sequence_end_event_initialize(&event))
        return -ENOMEM;
    return yaml_emitter_emit(emitter, &event) ? 0 : -EIO;
}

static int document_emit(yaml_emitter_t *emitter, const json_t *value)
{
    char number[32];

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return document_emit_object(emitter, value);
    case JSON_ARRAY:
        return document_emit_array(emitter, value);
    case JSON_STRING:
        return document_emit_scalar(emitter, json_string_value(value), true);
    case JSON_INTEGER:
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return document_emit_scalar(emitter, number, false);
    case JSON_REAL:
        snprintf(number, sizeof(number), "%g", json_real_value(value));
        return document_emit_scalar(emitter, number, false);
    case JSON_TRUE:
        return document_emit_scalar(emitter, "true", false);
    case JSON_FALSE:
        return document_emit_scalar(emitter, "false", false);
    case JSON_NULL:
        break;
    }
    return document_emit_scalar(emitter, "null", false);
}

/* The four events around the document itself. */
static int document_emit_stream(yaml_emitter_t *emitter, const json_t *document)
{
    yaml_event_t event;
    int r;

    if (!yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING))
        return -ENOMEM;
    if (!yaml_emitter_emit(emitter, &event))
        return -EIO;
    if (!yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1))
        return -ENOMEM;
    if (!yaml_emitter_emit(emitter, &event))
        return -EIO;
    r = document_emit(emitter, document);
    if (r < 0)
        return r;
    if (!yaml_document_end_event_initialize(&event, 1))
        return -ENOMEM;
    if (!yaml_emitter_emit(emitter, &event))
        return -EIO;
    if (!yaml_stream_end_event_initialize(&event))
        return -ENOMEM;
    return yaml_emitter_emit(emitter, &event) ? 0 : -EIO;
}

int status_json_print_yaml(const json_t *document, FILE *out, struct error **reterr)
{
    yaml_emitter_t emitter;
    int r;

    if (!document || !yaml_emitter_initialize(&emitter))
        return error_oom(reterr);
    yaml_emitter_set_output_file(&emitter, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    r = document_emit_stream(&emitter, document);
    yaml_emitter_delete(&emitter);
    if (r == -ENOMEM)
        return error_oom(reterr);
    if (r < 0 || fflush(out) == EOF)
        return error_set(reterr, -EIO, "the YAML cannot be written");
    return 0;
}
