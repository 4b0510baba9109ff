/* SPDX-License-Identifier: Apache-2.0 */
/* Socket rules: a cell for each address family, types and protocols in it. */
#include "lib/ruleset/image.h"

#include <errno.h>
#include <string.h>

#define SOCKET_ALL_TYPES ((1u << VARMOR_SOCKET_TYPES) - 1)

/* The protocols of a rule that sockets of a family can have (see varmor_protocol_kind()). */
static unsigned socket_protocol_bits(unsigned domain, unsigned protocols)
{
    unsigned bits = 0;

    if (domain != VARMOR_AF_INET && domain != VARMOR_AF_INET6 && domain != VARMOR_AF_SMC)
        return 0;
    if (protocols & SOCKET_TCP)
        bits |= 1u << VARMOR_PROTO_TCP;
    if (protocols & SOCKET_ICMP && domain != VARMOR_AF_SMC)
        bits |= 1u << VARMOR_PROTO_ICMP;
    if (protocols & SOCKET_UDP && domain != VARMOR_AF_SMC)
        bits |= 1u << VARMOR_PROTO_UDP;
    return bits;
}

/* Adds bits to one pair of masks and the rules beside it; rules come in ascending order. */
static void socket_mark(varmor_u16 *deny, varmor_u16 *audit, varmor_u16 *rules, unsigned bits,
                        unsigned mode, size_t rule)
{
    for (unsigned b = 0; bits >> b; b++) {
        unsigned bit = 1u << b;

        if (!(bits & bit))
            continue;
        if (rules[b] == VARMOR_NO_RULE || (mode & RULE_DENY && !(*deny & bit)))
            rules[b] = (varmor_u16)rule;
    }
    if (mode & RULE_DENY)
        *deny |= (varmor_u16)bits;
    if (mode & RULE_AUDIT)
        *audit |= (varmor_u16)bits;
}

static void socket_add_rule(struct varmor_socket_cell *cells, const struct rule *rule,
                            unsigned mode, size_t number)
{
    uint64_t domains = rule->socket.domains ? rule->socket.domains : UINT64_MAX;
    unsigned types = rule->socket.types & SOCKET_ALL_TYPES;

    if (!rule->socket.types && !rule->socket.protocols)
        types = SOCKET_ALL_TYPES;
    for (unsigned domain = 0; domain < VARMOR_SOCKET_DOMAINS; domain++) {
        struct varmor_socket_cell *cell = &cells[domain];

        if (!(domains >> domain & 1))
            continue;
        socket_mark(&cell->type_deny, &cell->type_audit, cell->type_rule, types, mode, number);
        socket_mark(&cell->proto_deny, &cell->proto_audit, cell->proto_rule,
                    socket_protocol_bits(domain, rule->socket.protocols), mode, number);
    }
}

int image_add_sockets(struct image *im, struct error **reterr)
{
    struct varmor_socket_cell cells[VARMOR_SOCKET_DOMAINS];
    bool any = false;
    uint32_t line;
    int r;

    memset(cells, 0, sizeof(cells));
    for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
        memset(cells[i].type_rule, 0xff, sizeof(cells[i].type_rule));
        memset(cells[i].proto_rule, 0xff, sizeof(cells[i].proto_rule));
    }
    for (size_t i = 0; i < im->profile->n_rules; i++) {
        const struct rule *rule = &im->profile->rules[i];
        unsigned mode = image_rule_mode(im, i);

        if (rule->kind != RULE_SOCKET)
            continue;
        if (rule->socket.types && rule->socket.protocols)
            return error_set(reterr, -EINVAL, "%s: types and protocols exclude each other",
                             rule->origin);
        if (mode)
            socket_add_rule(cells, rule, mode, i);
        any = any || mode;
    }
    if (!any)
        return 0;
    r = image_add(im, ARRAY_SIZE(cells), &line, reterr);
    if (r < 0)
        return r;
    memcpy(im->lines + line, cells, sizeof(cells));
    image_index(im)->sockets_line = line;
    image_front(im)->concern |= VARMOR_CONCERN_SOCKET;
    return 0;
}
