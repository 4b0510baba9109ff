/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/policy_schema.h"

#include <errno.h>
#include <string.h>

#include "lib/match/pattern.h"
#include "lib/policy/findings.h"
#include "lib/policy/metadata.h"
#include "lib/policy/policy_words.h"

/* The rows that every rule with qualifiers has. */
#define QUALIFIERS_ROW(type)                                                                       \
    {                                                                                              \
        .name = "qualifiers", .decode = decode_qualifiers, .offset = offsetof(type, qualifiers),   \
        .also = offsetof(type, has_qualifiers)                                                     \
    }

/* Defines <name> over <name>_fields for a struct that has a position. */
#define SCHEMA_AT(name, type, check_function)                                                      \
    static const struct schema name = {                                                            \
        .fields = name##_fields,                                                                   \
        .n_fields = ARRAY_SIZE(name##_fields),                                                     \
        .size = sizeof(type),                                                                      \
        .has_at = true,                                                                            \
        .at_offset = offsetof(type, at),                                                           \
        .check = (check_function),                                                                 \
    }

/* ---- Fields of several rules ---- */

static int decode_qualifiers(struct decoder *d, const struct node *value, const struct field *f,
                             void *object)
{
    uint64_t bits, reverse;
    int r = decoder_words(d, value, &qualifier_words, false, &bits, &reverse);

    *(unsigned *)field_member(object, f->offset) = (unsigned)bits;
    *(bool *)field_member(object, f->also) = true;
    return r;
}

/* A list of words, at least one, into an unsigned. param: struct words. */
static int decode_bits(struct decoder *d, const struct node *value, const struct field *f,
                       void *object)
{
    uint64_t bits, reverse;
    int r = decoder_words(d, value, f->param, false, &bits, &reverse);

    *(unsigned *)field_member(object, f->offset) = (unsigned)bits;
    return r;
}

static int decode_pattern(struct decoder *d, const struct node *value, const struct field *f,
                          void *object)
{
    CLEANUP(error_free) struct error *e = NULL;
    const char *text = decoder_text(d, value);
    int r;

    if (!text)
        return 0;
    r = pattern_check(text, &e);
    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        decoder_error(d, value, "'%s' is not a pattern: %s", error_quote(text), error_message(e));
        return 0;
    }
    return decode_text(d, value, f, object);
}

/* ---- files, processes ---- */

static const struct field path_rule_fields[] = {
    {.name = "pattern",
     .decode = decode_pattern,
     .offset = offsetof(struct policy_path_rule, pattern),
     .required = true},
    {.name = "permissions",
     .decode = decode_bits,
     .offset = offsetof(struct policy_path_rule, permissions),
     .param = &path_permission_words,
     .required = true},
    QUALIFIERS_ROW(struct policy_path_rule),
};
SCHEMA_AT(path_rule, struct policy_path_rule, NULL);

/* ---- network.sockets ---- */

/* A list of words into a member of 4 or 8 bytes; an empty list is as none. */
static int decode_domains(struct decoder *d, const struct node *value, const struct field *f,
                          void *object)
{
    uint64_t reverse;

    return decoder_words(d, value, f->param, true, field_member(object, f->offset), &reverse);
}

static int decode_socket_bits(struct decoder *d, const struct node *value, const struct field *f,
                              void *object)
{
    uint64_t bits, reverse;
    int r = decoder_words(d, value, f->param, true, &bits, &reverse);

    *(uint32_t *)field_member(object, f->offset) = (uint32_t)bits;
    return r;
}

/* A list that holds something, whatever it is. */
static const struct node *find_filled_list(const struct node *map, const char *name)
{
    const struct node *list = node_find(map, name);

    return list && (list->kind != NODE_LIST || list->n_children > 0) ? list : NULL;
}

static int check_socket(struct decoder *d, const struct node *map, void *object UNUSED)
{
    const struct node *types = find_filled_list(map, "types");
    const struct node *protocols = find_filled_list(map, "protocols");

    if (!types && !protocols && !find_filled_list(map, "domains"))
        decoder_error(d, map, "none of domains, types, protocols is given: at least one is needed");
    if (types && protocols)
        decoder_error(d, protocols->key,
                      "types and protocols exclude each other in one rule: make two rules of it");
    return 0;
}

static const struct field socket_rule_fields[] = {
    {.name = "domains",
     .decode = decode_domains,
     .offset = offsetof(struct policy_socket_rule, domains),
     .param = &socket_domain_words},
    {.name = "types",
     .decode = decode_socket_bits,
     .offset = offsetof(struct policy_socket_rule, types),
     .param = &socket_type_words},
    {.name = "protocols",
     .decode = decode_socket_bits,
     .offset = offsetof(struct policy_socket_rule, protocols),
     .param = &socket_protocol_words},
    QUALIFIERS_ROW(struct policy_socket_rule),
};
SCHEMA_AT(socket_rule, struct policy_socket_rule, check_socket);

/* ---- network.egress ---- */

static const struct number port_number = {
    .min = 1, .max = UINT16_MAX, .size = sizeof(uint16_t), .what = "a port"};

static int check_port(struct decoder *d, const struct node *map, void *object)
{
    struct port_range *range = object;
    const struct node *end = node_find(map, "endPort");

    if (!end)
        range->last = range->first;
    else if (range->first && range->last && range->last < range->first)
        decoder_error_in(d, end, "%u is less than port %u", range->last, range->first);
    return 0;
}

static const struct field port_fields[] = {
    {.name = "port",
     .decode = decode_number,
     .offset = offsetof(struct port_range, first),
     .param = &port_number,
     .required = true},
    {.name = "endPort",
     .decode = decode_number,
     .offset = offsetof(struct port_range, last),
     .param = &port_number},
};
static const struct schema port_schema = {
    .fields = port_fields,
    .n_fields = ARRAY_SIZE(port_fields),
    .size = sizeof(struct port_range),
    .check = check_port,
};

#define PORTS_ROW(type)                                                                            \
    {                                                                                              \
        .name = "ports", .decode = decode_list, .offset = offsetof(type, ports.items),             \
        .also = offsetof(type, ports.n), .param = &port_schema                                     \
    }

static int decode_ip(struct decoder *d, const struct node *value, const struct field *f UNUSED,
                     void *object)
{
    CLEANUP_BUF struct buf allowed = BUF_INIT(DECODER_PATH_MAX);
    struct policy_destination *destination = object;
    const char *text = decoder_text(d, value);
    const struct word *entity = text ? words_find(&entity_words, text) : NULL;

    if (entity) {
        destination->entity = (enum policy_entity)entity->value;
        return 0;
    }
    if (!text || addr_parse(&destination->block, text) == 0)
        return 0;
    if (words_explain(&entity_words, text, &allowed) < 0)
        return -ENOMEM;
    decoder_error(d, value, "'%s' is not %s: %s", error_quote(text), entity_words.what,
                  buf_text(&allowed));
    return 0;
}

static int decode_cidr(struct decoder *d, const struct node *value, const struct field *f UNUSED,
                       void *object)
{
    struct policy_destination *destination = object;
    const char *text = decoder_text(d, value);

    if (text && addr_parse_block(&destination->block, text) < 0)
        decoder_error(d, value, "'%s' is not a block of addresses such as 10.0.0.0/8 or fd00::/8",
                      error_quote(text));
    return 0;
}

static int check_destination(struct decoder *d, const struct node *map, void *object UNUSED)
{
    const struct node *ip = node_find(map, "ip"), *cidr = node_find(map, "cidr");

    if (ip && cidr)
        decoder_error(d, cidr->key,
                      "ip and cidr exclude each other in one rule: make two rules of it");
    if (!ip && !cidr && !find_filled_list(map, "ports"))
        decoder_error(
            d, map,
            "none of ip, cidr, ports is given: without ip and cidr the rule is for every address, and needs ports");
    return 0;
}

static const struct field destination_fields[] = {
    {.name = "ip", .decode = decode_ip},
    {.name = "cidr", .decode = decode_cidr},
    PORTS_ROW(struct policy_destination),
    QUALIFIERS_ROW(struct policy_destination),
};
SCHEMA_AT(destination, struct policy_destination, check_destination);

static const struct field to_pods_fields[] = {
    {.name = "podSelector",
     .decode = decode_selector,
     .offset = offsetof(struct policy_to_pods, pod_selector),
     .required = true},
    {.name = "namespace",
     .decode = decode_dns_label,
     .offset = offsetof(struct policy_to_pods, name_space)},
    PORTS_ROW(struct policy_to_pods),
    QUALIFIERS_ROW(struct policy_to_pods),
};
SCHEMA_AT(to_pods, struct policy_to_pods, NULL);

static int check_to_service(struct decoder *d, const struct node *map, void *object UNUSED)
{
    const struct node *name = node_find(map, "name");
    const struct node *selector = node_find(map, "serviceSelector");

    if (name && selector)
        decoder_error(d, selector->key, "name and serviceSelector exclude each other");
    if (!name && !selector)
        decoder_error(d, map, "neither a name (with its namespace) nor a serviceSelector is given");
    if (name && !selector && !node_find(map, "namespace"))
        decoder_error(d, name->key, "a service by name needs its namespace too");
    return 0;
}

static const struct field to_service_fields[] = {
    {.name = "namespace",
     .decode = decode_dns_label,
     .offset = offsetof(struct policy_to_service, name_space)},
    {.name = "name",
     .decode = decode_subdomain,
     .offset = offsetof(struct policy_to_service, name)},
    {.name = "serviceSelector",
     .decode = decode_selector,
     .offset = offsetof(struct policy_to_service, service_selector)},
    QUALIFIERS_ROW(struct policy_to_service),
};
SCHEMA_AT(to_service, struct policy_to_service, check_to_service);

/* ---- ptrace, mounts ---- */

static int check_ptrace(struct decoder *d UNUSED, const struct node *map UNUSED, void *object)
{
    struct policy_ptrace *ptrace = object;

    ptrace->present = true;
    return 0;
}

static const struct field ptrace_rule_fields[] = {
    {.name = "permissions",
     .decode = decode_bits,
     .offset = offsetof(struct policy_ptrace, permissions),
     .param = &ptrace_permission_words,
     .required = true},
    {.name = "strictMode", .decode = decode_flag, .offset = offsetof(struct policy_ptrace, strict)},
    QUALIFIERS_ROW(struct policy_ptrace),
};
SCHEMA_AT(ptrace_rule, struct policy_ptrace, check_ptrace);

static int decode_fstype(struct decoder *d, const struct node *value, const struct field *f,
                         void *object)
{
    const char *text = decoder_text(d, value);

    if (!text)
        return 0;
    if (!*text || strlen(text) > PROFILE_FSTYPE_MAX) {
        decoder_error(d, value, "'%s' is not a type of file system: 1 to %d bytes, or '*' for any",
                      error_quote(text), PROFILE_FSTYPE_MAX);
        return 0;
    }
    return decode_text(d, value, f, object);
}

static int decode_mount_flags(struct decoder *d, const struct node *value,
                              const struct field *f UNUSED, void *object)
{
    struct policy_mount_rule *rule = object;
    uint64_t flags, reverse;
    int r = decoder_words(d, value, &mount_flag_words, false, &flags, &reverse);

    rule->flags = (uint32_t)flags;
    rule->reverse_flags = (uint32_t)reverse;
    return r;
}

static const struct field mount_rule_fields[] = {
    {.name = "sourcePattern",
     .decode = decode_pattern,
     .offset = offsetof(struct policy_mount_rule, source_pattern),
     .required = true},
    {.name = "fstype",
     .decode = decode_fstype,
     .offset = offsetof(struct policy_mount_rule, fstype),
     .required = true},
    {.name = "flags", .decode = decode_mount_flags, .required = true},
    QUALIFIERS_ROW(struct policy_mount_rule),
};
SCHEMA_AT(mount_rule, struct policy_mount_rule, NULL);

/* ---- bpfRawRules ---- */

/* network and egress have no struct of their own: their lists lie in struct policy_bpf_rules. */
static const struct field egress_fields[] = {
    {.name = "toDestinations",
     .decode = decode_list,
     .offset = offsetof(struct policy_bpf_rules, destinations),
     .also = offsetof(struct policy_bpf_rules, n_destinations),
     .param = &destination},
    {.name = "toPods",
     .decode = decode_list,
     .offset = offsetof(struct policy_bpf_rules, pods),
     .also = offsetof(struct policy_bpf_rules, n_pods),
     .param = &to_pods},
    {.name = "toServices",
     .decode = decode_list,
     .offset = offsetof(struct policy_bpf_rules, services),
     .also = offsetof(struct policy_bpf_rules, n_services),
     .param = &to_service},
};
static const struct schema egress_schema = {
    .fields = egress_fields,
    .n_fields = ARRAY_SIZE(egress_fields),
    .size = sizeof(struct policy_bpf_rules),
};

static const struct field network_fields[] = {
    {.name = "sockets",
     .decode = decode_list,
     .offset = offsetof(struct policy_bpf_rules, sockets),
     .also = offsetof(struct policy_bpf_rules, n_sockets),
     .param = &socket_rule},
    {.name = "egress", .decode = decode_object, .param = &egress_schema},
};
static const struct schema network_schema = {
    .fields = network_fields,
    .n_fields = ARRAY_SIZE(network_fields),
    .size = sizeof(struct policy_bpf_rules),
};

static int check_bpf_rules(struct decoder *d UNUSED, const struct node *map UNUSED, void *object)
{
    struct policy_bpf_rules *rules = object;

    rules->present = true;
    return 0;
}

static const struct field bpf_rules_fields[] = {
    {.name = "files",
     .decode = decode_list,
     .offset = offsetof(struct policy_bpf_rules, files),
     .also = offsetof(struct policy_bpf_rules, n_files),
     .param = &path_rule},
    {.name = "processes",
     .decode = decode_list,
     .offset = offsetof(struct policy_bpf_rules, processes),
     .also = offsetof(struct policy_bpf_rules, n_processes),
     .param = &path_rule},
    {.name = "network", .decode = decode_object, .param = &network_schema},
    {.name = "ptrace",
     .decode = decode_object,
     .offset = offsetof(struct policy_bpf_rules, ptrace),
     .param = &ptrace_rule},
    {.name = "mounts",
     .decode = decode_list,
     .offset = offsetof(struct policy_bpf_rules, mounts),
     .also = offsetof(struct policy_bpf_rules, n_mounts),
     .param = &mount_rule},
};
const struct schema bpf_rules_schema = {
    .fields = bpf_rules_fields,
    .n_fields = ARRAY_SIZE(bpf_rules_fields),
    .size = sizeof(struct policy_bpf_rules),
    .has_at = true,
    .at_offset = offsetof(struct policy_bpf_rules, at),
    .check = check_bpf_rules,
};
