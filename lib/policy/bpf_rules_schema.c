/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/policy_schema.h"

#include <errno.h>
#include <string.h>

#include "lib/match/pattern.h"
#include "lib/policy/findings.h"
#include "lib/policy/metadata.h"
#include "lib/policy/policy_words.h"

/* The rows that every rule with qualifiers has. */
#define QUALIFIERS_ROW(member_of)                                                                  \
    {                                                                                              \
        .name = "qualifiers", .type = &qualifiers_type, .offset = offsetof(member_of, qualifiers), \
        .also = offsetof(member_of, has_qualifiers),                                               \
        .help = "What happens to an access that this rule is about: deny, audit, or both. Given, " \
                "it counts instead of allowViolations and auditViolations."                        \
    }

/* Defines <name> over <name>_fields for a struct that has a position; check_function, if any, comes
 * with <name>_rules. */
#define SCHEMA_AT(name, member_of, rule_list, rule_count, check_function)                          \
    static const struct schema name = {                                                            \
        .fields = name##_fields,                                                                   \
        .n_fields = ARRAY_SIZE(name##_fields),                                                     \
        .rules = (rule_list),                                                                      \
        .n_rules = (rule_count),                                                                   \
        .size = sizeof(member_of),                                                                 \
        .has_at = true,                                                                            \
        .at_offset = offsetof(member_of, at),                                                      \
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
static const struct value_type qualifiers_type = {
    .decode = decode_qualifiers,
    .shape = SHAPE_WORD,
    .list = true,
    .min_items = 1,
    .max_items = DECODER_MAX_WORDS,
    .param = &qualifier_words,
};

/* A list of words, at least one, into an unsigned. param: struct words. */
static int decode_bits(struct decoder *d, const struct node *value, const struct field *f,
                       void *object)
{
    uint64_t bits, reverse;
    int r = decoder_words(d, value, f->param, false, &bits, &reverse);

    *(unsigned *)field_member(object, f->offset) = (unsigned)bits;
    return r;
}
static const struct value_type bits_type = {
    .decode = decode_bits,
    .shape = SHAPE_WORD,
    .list = true,
    .min_items = 1,
    .max_items = DECODER_MAX_WORDS,
};

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
static const struct value_type pattern_type = {
    .decode = decode_pattern, .shape = SHAPE_TEXT, .max_length = PATTERN_MAX_BYTES};

/* ---- files, processes ---- */

static const struct field path_rule_fields[] = {
    {.name = "pattern",
     .type = &pattern_type,
     .offset = offsetof(struct policy_path_rule, pattern),
     .required = true,
     .help =
         "The paths: a full path, or a pattern with *, **, ?, [...] and {a,b}; without a slash it is compared with the file's name."},
    {.name = "permissions",
     .type = &bits_type,
     .offset = offsetof(struct policy_path_rule, permissions),
     .param = &path_permission_words,
     .required = true,
     .help =
         "What may not be done with them: read, write, append, exec, or all; the first letters do too."},
    QUALIFIERS_ROW(struct policy_path_rule),
};
SCHEMA_AT(path_rule, struct policy_path_rule, NULL, 0, NULL);

/* ---- network.sockets ---- */

/* A list of words into a member of 4 or 8 bytes; an empty list is as none. */
static int decode_domains(struct decoder *d, const struct node *value, const struct field *f,
                          void *object)
{
    uint64_t reverse;

    return decoder_words(d, value, f->param, true, field_member(object, f->offset), &reverse);
}
static const struct value_type domains_type = {
    .decode = decode_domains,
    .shape = SHAPE_WORD,
    .list = true,
    .max_items = DECODER_MAX_WORDS,
};

static int decode_socket_bits(struct decoder *d, const struct node *value, const struct field *f,
                              void *object)
{
    uint64_t bits, reverse;
    int r = decoder_words(d, value, f->param, true, &bits, &reverse);

    *(uint32_t *)field_member(object, f->offset) = (uint32_t)bits;
    return r;
}
static const struct value_type socket_bits_type = {
    .decode = decode_socket_bits,
    .shape = SHAPE_WORD,
    .list = true,
    .max_items = DECODER_MAX_WORDS,
};

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
     .type = &domains_type,
     .offset = offsetof(struct policy_socket_rule, domains),
     .param = &socket_domain_words,
     .help =
         "The address families, such as inet6, packet or netlink; none or all means every one."},
    {.name = "types",
     .type = &socket_bits_type,
     .offset = offsetof(struct policy_socket_rule, types),
     .param = &socket_type_words,
     .help = "The types of socket, such as stream or raw. Not together with protocols."},
    {.name = "protocols",
     .type = &socket_bits_type,
     .offset = offsetof(struct policy_socket_rule, protocols),
     .param = &socket_protocol_words,
     .help = "The protocols: icmp, tcp, udp. Not together with types."},
    QUALIFIERS_ROW(struct policy_socket_rule),
};
#define FILLED(name) "(has(self." name ") && size(self." name ") > 0)"
static const struct schema_rule socket_rule_rules[] = {
    {.rule = FILLED("domains") " || " FILLED("types") " || " FILLED("protocols"),
     .message = "none of domains, types, protocols is given: at least one is needed"},
    {.rule = "!(" FILLED("types") " && " FILLED("protocols") ")",
     .message = "types and protocols exclude each other in one rule: make two rules of it",
     .field = ".protocols"},
};
SCHEMA_AT(socket_rule, struct policy_socket_rule, socket_rule_rules, ARRAY_SIZE(socket_rule_rules),
          check_socket);

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
     .type = &number_type,
     .offset = offsetof(struct port_range, first),
     .param = &port_number,
     .required = true,
     .help = "The port, or the first of a range."},
    {.name = "endPort",
     .type = &number_type,
     .offset = offsetof(struct port_range, last),
     .param = &port_number,
     .help = "The last port of the range that begins with port."},
};
static const struct schema_rule port_rules[] = {
    {.rule = "!has(self.endPort) || self.endPort >= self.port",
     .message = "endPort is less than port", /* text made of numbers costs too much */
     .field = ".endPort"},
};
static const struct schema port_schema = {
    .fields = port_fields,
    .n_fields = ARRAY_SIZE(port_fields),
    .rules = port_rules,
    .n_rules = ARRAY_SIZE(port_rules),
    .size = sizeof(struct port_range),
    .check = check_port,
};

#define PORTS_ROW(member_of)                                                                       \
    {                                                                                              \
        .name = "ports", .type = &list_type, .offset = offsetof(member_of, ports.items),           \
        .also = offsetof(member_of, ports.n), .param = &port_schema,                               \
        .max_items = POLICY_MAX_PORTS, .help = "The ports, of any protocol; none: every port."     \
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
static const struct value_type ip_type = {
    .decode = decode_ip, .shape = SHAPE_TEXT, .max_length = ADDR_TEXT_SIZE};

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
static const struct value_type cidr_type = {
    .decode = decode_cidr, .shape = SHAPE_TEXT, .max_length = ADDR_TEXT_SIZE};

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
    {.name = "ip",
     .type = &ip_type,
     .help =
         "One IPv4 or IPv6 address, or one of the words pod-self (the pod's own), unspecified (0.0.0.0 and ::) and localhost (127.0.0.0/8 and ::1)."},
    {.name = "cidr",
     .type = &cidr_type,
     .help = "A block of addresses, such as 10.0.0.0/8 or fd00::/8."},
    PORTS_ROW(struct policy_destination),
    QUALIFIERS_ROW(struct policy_destination),
};
/* An address or a block as far as its characters tell; whether it is one, whoever reads it tells. */
#define ADDRESS_CEL(name)                                                                          \
    "self." name ".matches('^([0-9]+([.][0-9]+){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)"
static const struct schema_rule destination_rules[] = {
    {.rule = "!(has(self.ip) && has(self.cidr))",
     .message = "ip and cidr exclude each other in one rule: make two rules of it",
     .field = ".cidr"},
    {.rule = "has(self.ip) || has(self.cidr) || " FILLED("ports"),
     .message =
         "none of ip, cidr, ports is given: without ip and cidr the rule is for every address, and needs ports"},
    {.rule = "!has(self.ip) || self.ip in ['pod-self', 'unspecified', 'localhost'] || " ADDRESS_CEL(
         "ip") "$')",
     .expression =
         "\"'\" + self.ip + \"' is not an IP address (10.0.0.1, fd00::1) or one of: pod-self, "
         "unspecified, localhost\"",
     .field = ".ip"},
    {.rule = "!has(self.cidr) || " ADDRESS_CEL("cidr") "/[0-9]{1,3}$')",
     .expression =
         "\"'\" + self.cidr + \"' is not a block of addresses such as 10.0.0.0/8 or fd00::/8\"",
     .field = ".cidr"},
};
SCHEMA_AT(destination, struct policy_destination, destination_rules, ARRAY_SIZE(destination_rules),
          check_destination);

static const struct field to_pods_fields[] = {
    {.name = "podSelector",
     .type = &selector_type,
     .offset = offsetof(struct policy_to_pods, pod_selector),
     .required = true,
     .help = "The pods, by their labels; an empty selector is all of them."},
    {.name = "namespace",
     .type = &dns_label_type,
     .offset = offsetof(struct policy_to_pods, name_space),
     .help = "The namespace of the pods; left out, all namespaces."},
    PORTS_ROW(struct policy_to_pods),
    QUALIFIERS_ROW(struct policy_to_pods),
};
SCHEMA_AT(to_pods, struct policy_to_pods, NULL, 0, NULL);

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
     .type = &dns_label_type,
     .offset = offsetof(struct policy_to_service, name_space),
     .help = "The namespace of the service; left out, all namespaces."},
    {.name = "name",
     .type = &subdomain_type,
     .offset = offsetof(struct policy_to_service, name),
     .help = "One service by its name; needs the namespace too."},
    {.name = "serviceSelector",
     .type = &selector_type,
     .offset = offsetof(struct policy_to_service, service_selector),
     .help = "The services, by their labels; an empty selector is all of them. Instead of a name."},
    QUALIFIERS_ROW(struct policy_to_service),
};
/* "namespace" is a word of CEL's own: API server 1.28 knows the field by its escaped name only,
 * 1.37 by both. */
static const struct schema_rule to_service_rules[] = {
    {.rule = "!(has(self.name) && has(self.serviceSelector))",
     .message = "name and serviceSelector exclude each other",
     .field = ".serviceSelector"},
    {.rule = "has(self.name) || has(self.serviceSelector)",
     .message = "neither a name (with its namespace) nor a serviceSelector is given"},
    {.rule = "!has(self.name) || has(self.serviceSelector) || has(self.__namespace__)",
     .message = "a service by name needs its namespace too",
     .field = ".name"},
};
SCHEMA_AT(to_service, struct policy_to_service, to_service_rules, ARRAY_SIZE(to_service_rules),
          check_to_service);

/* ---- ptrace, mounts ---- */

static int check_ptrace(struct decoder *d UNUSED, const struct node *map UNUSED, void *object)
{
    struct policy_ptrace *ptrace = object;

    ptrace->present = true;
    return 0;
}

static const struct field ptrace_rule_fields[] = {
    {.name = "permissions",
     .type = &bits_type,
     .offset = offsetof(struct policy_ptrace, permissions),
     .param = &ptrace_permission_words,
     .required = true,
     .help =
         "What may not be done: trace and read other processes, be traced (traceby) and be read (readby) by others, or all."},
    {.name = "strictMode",
     .type = &flag_type,
     .offset = offsetof(struct policy_ptrace, strict),
     .help = "Also between processes of the same container; else only across its border."},
    QUALIFIERS_ROW(struct policy_ptrace),
};
SCHEMA_AT(ptrace_rule, struct policy_ptrace, NULL, 0, check_ptrace);

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
static const struct value_type fstype_type = {.decode = decode_fstype,
                                              .shape = SHAPE_TEXT,
                                              .min_length = 1,
                                              .max_length = PROFILE_FSTYPE_MAX};

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
static const struct value_type mount_flags_type = {
    .decode = decode_mount_flags,
    .shape = SHAPE_WORD,
    .list = true,
    .min_items = 1,
    .max_items = DECODER_MAX_WORDS,
    .param = &mount_flag_words,
};

static const struct field mount_rule_fields[] = {
    {.name = "sourcePattern",
     .type = &pattern_type,
     .offset = offsetof(struct policy_mount_rule, source_pattern),
     .required = true,
     .help = "The source of the mount, as a path or a pattern."},
    {.name = "fstype",
     .type = &fstype_type,
     .offset = offsetof(struct policy_mount_rule, fstype),
     .required = true,
     .help = "The type of file system, such as cgroup2; * is any."},
    {.name = "flags",
     .type = &mount_flags_type,
     .required = true,
     .help =
         "The mount flags of which one must be given (or, for their opposites such as rw, missing); all is any mount, umount is unmounting."},
    QUALIFIERS_ROW(struct policy_mount_rule),
};
SCHEMA_AT(mount_rule, struct policy_mount_rule, NULL, 0, NULL);

/* ---- bpfRawRules ---- */

/* network and egress have no struct of their own: their lists lie in struct policy_bpf_rules. */
static const struct field egress_fields[] = {
    {.name = "toDestinations",
     .type = &list_type,
     .offset = offsetof(struct policy_bpf_rules, destinations),
     .also = offsetof(struct policy_bpf_rules, n_destinations),
     .param = &destination,
     .help = "Destinations that may not be reached, by address and port."},
    {.name = "toPods",
     .type = &list_type,
     .offset = offsetof(struct policy_bpf_rules, pods),
     .also = offsetof(struct policy_bpf_rules, n_pods),
     .param = &to_pods,
     .max_items = POLICY_MAX_SELECTED,
     .help = "Pods that may not be reached; their addresses are followed as pods come and go."},
    {.name = "toServices",
     .type = &list_type,
     .offset = offsetof(struct policy_bpf_rules, services),
     .also = offsetof(struct policy_bpf_rules, n_services),
     .param = &to_service,
     .max_items = POLICY_MAX_SELECTED,
     .help =
         "Services that may not be reached: their cluster addresses and their endpoints, followed as they change."},
};
static const struct schema egress_schema = {
    .fields = egress_fields,
    .n_fields = ARRAY_SIZE(egress_fields),
    .size = sizeof(struct policy_bpf_rules),
};

static const struct field network_fields[] = {
    {.name = "sockets",
     .type = &list_type,
     .offset = offsetof(struct policy_bpf_rules, sockets),
     .also = offsetof(struct policy_bpf_rules, n_sockets),
     .param = &socket_rule,
     .help = "Sockets that may not be created."},
    {.name = "egress",
     .type = &object_type,
     .param = &egress_schema,
     .help = "Connections to other hosts that may not be made."},
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
     .type = &list_type,
     .offset = offsetof(struct policy_bpf_rules, files),
     .also = offsetof(struct policy_bpf_rules, n_files),
     .param = &path_rule,
     .help = "Files that may not be read or changed."},
    {.name = "processes",
     .type = &list_type,
     .offset = offsetof(struct policy_bpf_rules, processes),
     .also = offsetof(struct policy_bpf_rules, n_processes),
     .param = &path_rule,
     .help = "Programs that may not be run, or opened."},
    {.name = "network",
     .type = &object_type,
     .param = &network_schema,
     .help = "Sockets and connections."},
    {.name = "ptrace",
     .type = &object_type,
     .offset = offsetof(struct policy_bpf_rules, ptrace),
     .param = &ptrace_rule,
     .help = "Tracing and reading other processes."},
    {.name = "mounts",
     .type = &list_type,
     .offset = offsetof(struct policy_bpf_rules, mounts),
     .also = offsetof(struct policy_bpf_rules, n_mounts),
     .param = &mount_rule,
     .help = "Mounts and unmounts that may not be done."},
};
const struct schema bpf_rules_schema = {
    .fields = bpf_rules_fields,
    .n_fields = ARRAY_SIZE(bpf_rules_fields),
    .size = sizeof(struct policy_bpf_rules),
    .has_at = true,
    .at_offset = offsetof(struct policy_bpf_rules, at),
    .check = check_bpf_rules,
};
