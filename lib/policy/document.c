/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/document.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "lib/arena.h"
#include "lib/policy/object.h"
#include "lib/policy/scalar_place.h"
#include "lib/policy/source_text.h"

/* More than the nodes and texts of a file within its ceilings can take: an escape of two bytes
 * becomes at most three, and each allocation is rounded up. */
#define DOCUMENTS_MAX_BYTES                                                                        \
    ((size_t)OBJECT_MAX_NODES * (sizeof(struct node) + 64) + 2 * (size_t)OBJECT_FILE_MAX_BYTES +   \
     4 * OBJECT_FILE_MAX_DOCUMENTS * sizeof(struct document))

#define CORE_TAG_PREFIX "tag:yaml.org,2002:"
#define CORE_TAGS       "!!str, !!int, !!bool, !!null, !!float, !!map, !!seq"

enum { READ_ON, READ_END }; /* what a step of the reader says beside -ENOMEM */

struct level {
    struct node *container;
    struct node *key; /* maps: the key whose value comes next; NULL: a key comes next */
};

struct reader {
    yaml_parser_t parser;
    const uint8_t *data; /* borrowed */
    size_t len;
    struct documents *ret;
    struct findings *findings;
    size_t cap; /* of ret->items */
    size_t n_nodes;
    size_t n_documents; /* empty ones included */
    struct node *root;  /* of the document that is being read */
    struct level levels[OBJECT_MAX_DEPTH];
    size_t depth;
    struct line_cursor lines;
};

void documents_done(struct documents *ds)
{
    arena_free(ds->arena);
    *ds = DOCUMENTS_INIT;
}

static unsigned mark_line(yaml_mark_t mark)
{
    return (unsigned)mark.line + 1;
}

static unsigned mark_column(yaml_mark_t mark)
{
    return (unsigned)mark.column + 1;
}

/* ---- Nodes ---- */

/* A new node at the event's position. *ret NULL and READ_END: the ceiling is reached. */
static int reader_node(struct reader *rd, enum node_kind kind, const yaml_event_t *event,
                       struct node **ret)
{
    struct node *n;

    *ret = NULL;
    if (rd->n_nodes == OBJECT_MAX_NODES) {
        findings_add(rd->findings, FINDING_ERROR, mark_line(event->start_mark),
                     mark_column(event->start_mark),
                     "more than %d values in one file: the rest is not read", OBJECT_MAX_NODES);
        return READ_END;
    }
    n = arena_alloc(rd->ret->arena, sizeof(*n));
    if (!n)
        return -ENOMEM;
    rd->n_nodes++;
    *n = (struct node){.kind = kind,
                       .line = mark_line(event->start_mark),
                       .column = mark_column(event->start_mark),
                       .text = ""};
    *ret = n;
    return READ_ON;
}

/* A scalar key that is empty, or asks for a merge, is refused together with its value. */
static void reader_check_key(struct reader *rd, struct node *key)
{
    const char *problem = NULL;

    if (key->kind == NODE_SCALAR && key->plain && strcmp(key->text, "<<") == 0)
        problem = "merge keys are refused: write the fields out";
    else if (key->kind == NODE_SCALAR && node_scalar_type(key) == SCALAR_NULL)
        problem = "a value without a key";
    if (!problem)
        return;
    findings_add(rd->findings, FINDING_ERROR, key->line, key->column, "%s", problem);
    key->kind = NODE_REFUSED;
}

/* Puts a node where the reading stands: root, element, key, or value of the key before. */
static void reader_place(struct reader *rd, struct node *n)
{
    struct level *level = rd->depth ? &rd->levels[rd->depth - 1] : NULL;
    struct node *container;

    if (!level) {
        rd->root = n;
        return;
    }
    container = level->container;
    if (container->kind == NODE_MAP && !level->key) {
        level->key = n;
        return;
    }
    n->key = level->key;
    level->key = NULL;
    if (container->last)
        container->last->next = n;
    else
        container->first = n;
    container->last = n;
    container->n_children++;
}

static bool reader_at_key(const struct reader *rd)
{
    const struct level *level = rd->depth ? &rd->levels[rd->depth - 1] : NULL;

    return level && level->container->kind == NODE_MAP && !level->key;
}

/* Anchors and tags. True if the tag says that a plain scalar is a text; a scalar with an unknown
 * one is refused. */
static bool reader_check_properties(struct reader *rd, struct node *n, const char *anchor,
                                    const char *tag)
{
    static const char *const scalar_tags[] = {"str", "int", "bool", "null", "float"};
    const char *name;

    if (anchor)
        findings_add(rd->findings, FINDING_ERROR, n->line, n->column,
                     "anchor '&%s': anchors and aliases are refused", error_quote(anchor));
    if (!tag || strcmp(tag, "!") == 0)
        return tag != NULL;
    name = strncmp(tag, CORE_TAG_PREFIX, strlen(CORE_TAG_PREFIX)) == 0
               ? tag + strlen(CORE_TAG_PREFIX)
               : "";
    if (n->kind == NODE_MAP && strcmp(name, "map") == 0)
        return false;
    if (n->kind == NODE_LIST && strcmp(name, "seq") == 0)
        return false;
    for (size_t i = 0; n->kind == NODE_SCALAR && i < ARRAY_SIZE(scalar_tags); i++)
        if (strcmp(name, scalar_tags[i]) == 0)
            return i == 0;
    findings_add(rd->findings, FINDING_ERROR, n->line, n->column,
                 "tag '%s%s' is refused here: only " CORE_TAGS " are known, each for its own kind",
                 *name ? "!!" : "", error_quote(*name ? name : tag));
    if (n->kind == NODE_SCALAR)
        n->kind = NODE_REFUSED;
    return false;
}

static int reader_scalar(struct reader *rd, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    bool at_key = reader_at_key(rd);
    struct node *n;
    char *copy;
    int r = reader_node(rd, NODE_SCALAR, event, &n);

    if (r != READ_ON)
        return r;
    copy = arena_array(rd->ret->arena, len + 1, 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, text, len);
    n->text = copy;
    scalar_place(&rd->lines, event, &n->text_line, &n->text_column);
    n->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (reader_check_properties(rd, n, (const char *)event->data.scalar.anchor,
                                (const char *)event->data.scalar.tag))
        n->plain = false;
    if (memchr(text, '\0', len)) {
        findings_add(rd->findings, FINDING_ERROR, n->line, n->column,
                     "the text '%s' has a NUL in it: no text may", error_quote_n(text, len));
        n->kind = NODE_REFUSED;
    }
    if (at_key)
        reader_check_key(rd, n);
    reader_place(rd, n);
    return READ_ON;
}

static int reader_alias(struct reader *rd, const yaml_event_t *event)
{
    struct node *n;
    int r = reader_node(rd, NODE_REFUSED, event, &n);

    if (r != READ_ON)
        return r;
    findings_add(
        rd->findings, FINDING_ERROR, n->line, n->column,
        "alias '*%s': anchors and aliases are refused; a text that begins with '*' needs quotes",
        error_quote((const char *)event->data.alias.anchor));
    reader_place(rd, n);
    return READ_ON;
}

static int reader_open(struct reader *rd, enum node_kind kind, const yaml_event_t *event,
                       const char *anchor, const char *tag)
{
    bool at_key = reader_at_key(rd);
    struct node *n;
    int r = reader_node(rd, kind, event, &n);

    if (r != READ_ON)
        return r;
    if (rd->depth == OBJECT_MAX_DEPTH) {
        findings_add(rd->findings, FINDING_ERROR, n->line, n->column,
                     "nested more than %d levels deep: the rest is not read", OBJECT_MAX_DEPTH);
        return READ_END;
    }
    reader_check_properties(rd, n, anchor, tag);
    reader_place(rd, n);
    rd->levels[rd->depth++] = (struct level){.container = n};
    if (at_key) /* stays readable as what it is until its end */
        findings_add(rd->findings, FINDING_ERROR, n->line, n->column, "a key must be a text");
    return READ_ON;
}

/* ---- Keys given twice ---- */

static int compare_keys(const void *a, const void *b)
{
    const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
    int order = strcmp(x->text, y->text);

    if (order)
        return order;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

static int reader_check_duplicates(struct reader *rd, const struct node *map)
{
    CLEANUP_FREE struct node **keys = NULL;
    const struct node *first = NULL;
    size_t n = 0;

    if (map->n_children < 2)
        return READ_ON;
    keys = calloc(map->n_children, sizeof(*keys));
    if (!keys)
        return -ENOMEM;
    NODE_FOREACH(child, map)
    if (child->key->kind == NODE_SCALAR)
        keys[n++] = child->key;
    qsort(keys, n, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < n; i++) {
        if (!first || strcmp(first->text, keys[i]->text) != 0) {
            first = keys[i];
            continue;
        }
        findings_add(rd->findings, FINDING_ERROR, keys[i]->line, keys[i]->column,
                     "key '%s' is given twice: first in line %u, column %u",
                     error_quote(first->text), first->line, first->column);
        keys[i]->repeated = true;
    }
    return READ_ON;
}

static int reader_close(struct reader *rd)
{
    struct node *n = rd->levels[--rd->depth].container;
    struct level *parent = rd->depth ? &rd->levels[rd->depth - 1] : NULL;
    int r = n->kind == NODE_MAP ? reader_check_duplicates(rd, n) : READ_ON;

    if (parent && parent->key == n) /* a map or list as key: reported when it began */
        n->kind = NODE_REFUSED;
    return r;
}

/* ---- Documents ---- */

static int reader_document_start(struct reader *rd, const yaml_event_t *event)
{
    rd->root = NULL;
    if (rd->n_documents++ < OBJECT_FILE_MAX_DOCUMENTS)
        return READ_ON;
    findings_add(
        rd->findings, FINDING_ERROR, mark_line(event->start_mark), mark_column(event->start_mark),
        "more than %d documents in one file: the rest is not read", OBJECT_FILE_MAX_DOCUMENTS);
    return READ_END;
}

/* Room for one more document. The old array stays in the arena: at most as much again. */
static int documents_grow(struct documents *ds, size_t *cap)
{
    size_t wanted = MAX(*cap * 2, (size_t)8);
    struct document *items;

    if (ds->n < *cap)
        return 0;
    items = arena_array(ds->arena, wanted, sizeof(*items));
    if (!items)
        return -ENOMEM;
    if (ds->n)
        memcpy(items, ds->items, ds->n * sizeof(*items));
    ds->items = items;
    *cap = wanted;
    return 0;
}

static int reader_document_end(struct reader *rd)
{
    const struct node *root = rd->root;

    if (root->kind == NODE_SCALAR && node_scalar_type(root) == SCALAR_NULL)
        return READ_ON;
    if (documents_grow(rd->ret, &rd->cap) < 0)
        return -ENOMEM;
    rd->ret->items[rd->ret->n++] =
        (struct document){.root = rd->root, .line = root->line, .column = root->column};
    return READ_ON;
}

static int reader_event(struct reader *rd, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return reader_document_start(rd, event);
    case YAML_DOCUMENT_END_EVENT:
        return reader_document_end(rd);
    case YAML_ALIAS_EVENT:
        return reader_alias(rd, event);
    case YAML_SCALAR_EVENT:
        return reader_scalar(rd, event);
    case YAML_SEQUENCE_START_EVENT:
        return reader_open(rd, NODE_LIST, event, (const char *)event->data.sequence_start.anchor,
                           (const char *)event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return reader_open(rd, NODE_MAP, event, (const char *)event->data.mapping_start.anchor,
                           (const char *)event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return reader_close(rd);
    case YAML_STREAM_END_EVENT:
        return READ_END;
    default:
        return READ_ON;
    }
}

/* What a person can do about some of libyaml's complaints; "" for the others. */
static const char *syntax_hint(const struct reader *rd)
{
    const yaml_parser_t *p = &rd->parser;
    uint32_t c =
        source_text_at(rd->data, rd->len, p->problem_mark.line + 1, p->problem_mark.column + 1);

    if (p->context && strcmp(p->context, "while scanning an alias") == 0)
        return "; a text that begins with '*' needs quotes";
    if (strcmp(p->problem, "found character that cannot start any token") == 0)
        return c == '\t' ? "; indent with spaces, not with tabs"
                         : "; a text that begins with this character needs quotes";
    if (strcmp(p->problem, "mapping values are not allowed in this context") == 0)
        return "; is the line indented as its neighbours are? A text with ': ' in it needs quotes";
    if (strcmp(p->problem, "found invalid Unicode character escape code") == 0)
        return "; write the character itself, or \\U and eight hexadecimal digits";
    return "";
}

/* What the file seems to be. */
static const char *syntax_name(const struct reader *rd)
{
    const uint8_t *start = rd->data + source_text_mark(rd->data, rd->len);
    size_t left = rd->len - (size_t)(start - rd->data);

    while (left && strchr(" \t\r\n", *start)) {
        start++;
        left--;
    }
    return left && (*start == '{' || *start == '[') ? "YAML or JSON" : "YAML";
}

static int reader_syntax_error(struct reader *rd)
{
    const yaml_parser_t *p = &rd->parser;
    unsigned line = mark_line(p->problem_mark), column = mark_column(p->problem_mark);

    if (p->error == YAML_MEMORY_ERROR || !p->problem) /* not every path of libyaml sets the code */
        return -ENOMEM;
    if (p->context)
        findings_add(rd->findings, FINDING_ERROR, line, column,
                     "not %s: %s (line %u, column %u): %s%s", syntax_name(rd), p->context,
                     mark_line(p->context_mark), mark_column(p->context_mark), p->problem,
                     syntax_hint(rd));
    else
        findings_add(rd->findings, FINDING_ERROR, line, column, "not %s: %s%s", syntax_name(rd),
                     p->problem, syntax_hint(rd));
    return READ_END;
}

static int reader_run(struct reader *rd)
{
    int r = READ_ON;

    while (r == READ_ON) {
        yaml_event_t event;

        if (!yaml_parser_parse(&rd->parser, &event))
            return reader_syntax_error(rd);
        r = reader_event(rd, &event);
        yaml_event_delete(&event);
    }
    return r;
}

int documents_read(struct documents *ret, const void *data, size_t len, struct findings *findings)
{
    struct reader rd = {.data = data,
                        .len = len,
                        .ret = ret,
                        .findings = findings,
                        .lines = {.data = data, .len = len}};
    size_t mark;
    int r;

    *ret = DOCUMENTS_INIT;
    if (len > OBJECT_FILE_MAX_BYTES) {
        findings_add(findings, FINDING_ERROR, 0, 0,
                     "%zu bytes are too many for one file: at most %u", len, OBJECT_FILE_MAX_BYTES);
        return 0;
    }
    if (len == 0 || !source_text_check(data, len, findings))
        return 0;
    ret->arena = arena_new(DOCUMENTS_MAX_BYTES);
    if (!ret->arena || !yaml_parser_initialize(&rd.parser))
        return -ENOMEM;
    mark = source_text_mark(data, len);
    yaml_parser_set_encoding(&rd.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&rd.parser, (const unsigned char *)data + mark, len - mark);
    r = reader_run(&rd);
    yaml_parser_delete(&rd.parser);
    return r < 0 ? r : 0;
}
