/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the readers of a rule file share: the YAML document and the ways to take a value from it.
 * Each failure is an -EINVAL with *reterr, which begins with file and line, or -ENOMEM. Nodes are
 * borrowed from the document.
 */
#include <yaml.h>

#include "lib/policy/words.h"
#include "profiles/builtin_rule.h"

struct rule_reader {
    const char *file;
    yaml_document_t document;
    struct builtin_rule *data; /* what has been read so far */
    struct error **reterr;
};

int rule_yaml_refuse(struct rule_reader *in, const yaml_node_t *at, const char *what);
yaml_node_t *rule_yaml_node(struct rule_reader *in, int index);

/* The text of a scalar; NULL for anything else. Borrowed. */
const char *rule_yaml_text(const yaml_node_t *node);
/* The value of a key of a map, or NULL. */
yaml_node_t *rule_yaml_child(struct rule_reader *in, const yaml_node_t *map, const char *key);
/* Refuses what is no map, or has a key twice or one that is not in the list, which ends with NULL. */
int rule_yaml_check_keys(struct rule_reader *in, const yaml_node_t *map,
                         const char *const *allowed);

/* *ret is the caller's. */
int rule_yaml_copy(struct rule_reader *in, const yaml_node_t *node, char **ret);
/* A list of words of a set as one mask; never 0 on success. */
int rule_yaml_words(struct rule_reader *in, const yaml_node_t *node, const struct words *words,
                    uint64_t *ret);
/* "0x7220" */
int rule_yaml_hexadecimal(struct rule_reader *in, const yaml_node_t *node, uint32_t *ret);

/* Reads each node of a list that must have 1 to max of them. */
typedef int rule_yaml_read_item(struct rule_reader *in, const yaml_node_t *item);
int rule_yaml_list(struct rule_reader *in, const yaml_node_t *list, size_t max,
                   rule_yaml_read_item *read);

/* The content for BPF (rule_yaml_bpf.c) and for seccomp (rule_yaml_seccomp.c): one entry. */
int rule_yaml_bpf_entry(struct rule_reader *in, const yaml_node_t *entry);
int rule_yaml_seccomp_entry(struct rule_reader *in, const yaml_node_t *entry);
