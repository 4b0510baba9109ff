/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/rule_yaml.h"

#include <errno.h>
#include <string.h>

int rule_yaml_refuse(struct rule_reader *in, const yaml_node_t *at, const char *what)
{
    return error_set(in->reterr, -EINVAL, "%s:%zu: %s", in->file, at->start_mark.line + 1, what);
}

yaml_node_t *rule_yaml_node(struct rule_reader *in, int index)
{
    return yaml_document_get_node(&in->document, index);
}

const char *rule_yaml_text(const yaml_node_t *node)
{
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

yaml_node_t *rule_yaml_child(struct rule_reader *in, const yaml_node_t *map, const char *key)
{
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        const char *text = rule_yaml_text(rule_yaml_node(in, p->key));

        if (text && strcmp(text, key) == 0)
            return rule_yaml_node(in, p->value);
    }
    return NULL;
}

/* A key that stands before p as well, of which only one would be read. */
static bool is_repeated(struct rule_reader *in, const yaml_node_t *map, const yaml_node_pair_t *p)
{
    const char *text = rule_yaml_text(rule_yaml_node(in, p->key));

    for (const yaml_node_pair_t *q = map->data.mapping.pairs.start; q < p; q++)
        if (strcmp(rule_yaml_text(rule_yaml_node(in, q->key)), text) == 0)
            return true;
    return false;
}

int rule_yaml_check_keys(struct rule_reader *in, const yaml_node_t *map, const char *const *allowed)
{
    if (map->type != YAML_MAPPING_NODE)
        return rule_yaml_refuse(in, map, "a map is wanted");
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        const char *text = rule_yaml_text(rule_yaml_node(in, p->key));
        size_t i = 0;

        while (text && allowed[i] && strcmp(allowed[i], text) != 0)
            i++;
        if (!text || !allowed[i])
            return rule_yaml_refuse(in, rule_yaml_node(in, p->key), "this key is unknown here");
        if (is_repeated(in, map, p))
            return rule_yaml_refuse(in, rule_yaml_node(in, p->key), "this key is here twice");
    }
    return 0;
}

int rule_yaml_copy(struct rule_reader *in, const yaml_node_t *node, char **ret)
{
    const char *text = rule_yaml_text(node);
    char *copy;

    if (!text || !*text)
        return rule_yaml_refuse(in, node, "a text is wanted");
    copy = strdup(text);
    if (!copy)
        return error_oom(in->reterr);
    *ret = copy;
    return 0;
}

int rule_yaml_words(struct rule_reader *in, const yaml_node_t *node, const struct words *words,
                    uint64_t *ret)
{
    uint64_t mask = 0;

    if (node->type != YAML_SEQUENCE_NODE)
        return rule_yaml_refuse(in, node, "a list is wanted");
    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++) {
        const char *word = rule_yaml_text(rule_yaml_node(in, *i));
        const struct word *known = word ? words_find(words, word) : NULL;

        if (!known)
            return rule_yaml_refuse(in, rule_yaml_node(in, *i), "this word is unknown here");
        mask |= known->value;
    }
    if (!mask)
        return rule_yaml_refuse(in, node, "the list is empty");
    *ret = mask;
    return 0;
}

int rule_yaml_hexadecimal(struct rule_reader *in, const yaml_node_t *node, uint32_t *ret)
{
    const char *text = rule_yaml_text(node);
    char *end = NULL;
    unsigned long long number;

    errno = 0;
    number = text ? strtoull(text, &end, 16) : 0;
    if (!text || strncmp(text, "0x", 2) != 0 || !text[2] || *end || errno || number > UINT32_MAX)
        return rule_yaml_refuse(in, node, "a hexadecimal number of 32 bits is wanted");
    *ret = (uint32_t)number;
    return 0;
}

int rule_yaml_list(struct rule_reader *in, const yaml_node_t *list, size_t max,
                   rule_yaml_read_item *read)
{
    size_t n = 0;

    if (list->type != YAML_SEQUENCE_NODE)
        return rule_yaml_refuse(in, list, "a list is wanted");
    for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top;
         i++, n++) {
        int r;

        if (n == max)
            return rule_yaml_refuse(in, rule_yaml_node(in, *i), "too many entries");
        r = read(in, rule_yaml_node(in, *i));
        if (r < 0)
            return r;
    }
    return n ? 0 : rule_yaml_refuse(in, list, "the list is empty");
}
