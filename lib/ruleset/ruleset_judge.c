/* SPDX-License-Identifier: Apache-2.0 */
/* The judge in user space. What it answers is what the programs in bpf/ must answer. */
#include "lib/ruleset/ruleset.h"

#include <string.h>

#include "lib/match/automaton.h"

#define SOCKET_TYPE_MASK 0xfu /* what socket(2) carries above are flags */
/* Any of these makes the given type of a mount meaningless: remount, bind, move, propagation,
 * umount. */
#define MOUNT_WITHOUT_TYPE (0x20u | 0x1000u | VARMOR_MOUNT_MOVE | 0x1e0000u | VARMOR_MOUNT_UMOUNT)

static const struct varmor_front *judge_front(const struct ruleset *r)
{
    return (const struct varmor_front *)r->lines;
}

static const struct varmor_index *judge_index(const struct ruleset *r)
{
    return (const struct varmor_index *)(r->lines + 1);
}

/* What one table says about one thing, put together with what others said: a denying rule before an
 * auditing one, the lower before the higher. */
static void judge_combine(struct ruleset_verdict *v, bool deny, bool audit, unsigned rule)
{
    if (!deny && !audit)
        return;
    if (deny == v->deny)
        v->rule = MIN(v->rule, rule);
    else if (deny)
        v->rule = rule;
    v->deny = v->deny || deny;
    v->audit = v->audit || audit;
}

/* The line that an automaton ends at, 0 for none. */
static uint32_t judge_walk(const struct ruleset *r, enum varmor_automaton_id id, bool backward,
                           const char *text, size_t len)
{
    const struct varmor_automaton *a = &judge_index(r)->automata[id];

    if (a->n_cells == 0)
        return 0;
    return automaton_walk((const struct varmor_cell *)(r->lines + a->cells_line),
                          (const uint8_t *)(r->lines + a->classes_line), a->start, backward, text,
                          len);
}

static void judge_direction(const struct ruleset *r, enum varmor_automaton_id id, bool backward,
                            const char *path, size_t len, unsigned asked, struct ruleset_verdict *v)
{
    uint32_t line = asked ? judge_walk(r, id, backward, path, len) : 0;
    const struct varmor_verdict *found = (const struct varmor_verdict *)(r->lines + line);

    for (unsigned bit = 0; line && bit < VARMOR_MAY_BITS; bit++)
        if (asked >> bit & 1)
            judge_combine(v, found->deny >> bit & 1, found->audit >> bit & 1, found->rule[bit]);
}

struct ruleset_verdict ruleset_judge_path(const struct ruleset *r, const char *path, size_t len,
                                          unsigned asked)
{
    struct ruleset_verdict v = {.rule = VARMOR_NO_RULE};
    unsigned exec = judge_front(r)->concern & VARMOR_CONCERN_EXEC ? asked & VARMOR_MAY_EXEC : 0;
    unsigned file = judge_front(r)->file_concern & asked & ~VARMOR_MAY_EXEC;

    judge_direction(r, VARMOR_FILE_FORWARD, false, path, len, file, &v);
    judge_direction(r, VARMOR_FILE_BACKWARD, true, path, len, file, &v);
    judge_direction(r, VARMOR_EXEC_FORWARD, false, path, len, exec, &v);
    judge_direction(r, VARMOR_EXEC_BACKWARD, true, path, len, exec, &v);
    return v;
}

struct ruleset_verdict ruleset_judge_capability(const struct ruleset *r, unsigned capability)
{
    struct ruleset_verdict v = {.rule = VARMOR_NO_RULE};
    const struct varmor_front *f = judge_front(r);
    const varmor_u16 *rules = (const varmor_u16 *)(r->lines + f->cap_rules_line);

    if (capability < 64)
        judge_combine(&v, f->cap_deny >> capability & 1, f->cap_audit >> capability & 1,
                      rules[capability]);
    return v;
}

struct ruleset_verdict ruleset_judge_socket(const struct ruleset *r, unsigned domain, unsigned type,
                                            unsigned protocol)
{
    struct ruleset_verdict v = {.rule = VARMOR_NO_RULE};
    uint32_t line = judge_index(r)->sockets_line;
    const struct varmor_socket_cell *cell;
    unsigned kind;

    if (line == 0)
        return v;
    if (domain >= VARMOR_SOCKET_DOMAINS) {
        v.deny = judge_front(r)->any_deny;
        return v;
    }
    type &= SOCKET_TYPE_MASK;
    kind = varmor_protocol_kind(domain, type, protocol);
    cell = (const struct varmor_socket_cell *)(r->lines + line) + domain;
    judge_combine(&v, cell->type_deny >> type & 1, cell->type_audit >> type & 1,
                  cell->type_rule[type]);
    judge_combine(&v, cell->proto_deny >> kind & 1, cell->proto_audit >> kind & 1,
                  cell->proto_rule[kind]);
    return v;
}

static int judge_compare_keys(const void *key, const void *entry)
{
    return memcmp(key, &((const struct ruleset_prefix *)entry)->key, sizeof(struct varmor_prefix));
}

/* The entry with the longest prefix of an address; NULL if there is none. */
static const struct ruleset_prefix *judge_longest_prefix(const struct ruleset *r,
                                                         const struct addr *a)
{
    unsigned bits = a->family == ADDR_IPV4 ? 32 : 128;
    struct varmor_prefix key = {.family = a->family == ADDR_IPV4 ? VARMOR_FAMILY_IPV4
                                                                 : VARMOR_FAMILY_IPV6};

    memcpy(key.addr, a->bytes, bits / 8);
    for (unsigned n = bits;; n--) {
        const struct ruleset_prefix *found;

        if (n < bits)
            key.addr[n / 8] &= (varmor_u8) ~(0x80u >> (n % 8));
        key.prefix_len = 8 + n;
        found = bsearch(&key, r->prefixes, r->n_prefixes, sizeof(*found), judge_compare_keys);
        if (found || n == 0)
            return found;
    }
}

/* The port set of a trie entry; NULL if it is not in the image. */
static const struct varmor_port_set *judge_port_set(const struct ruleset *r,
                                                    const struct ruleset_prefix *prefix)
{
    size_t line = prefix->leaf.ports_line;
    const struct varmor_port_set *set;

    if (line >= r->n_lines)
        return NULL;
    set = (const struct varmor_port_set *)(r->lines + line);
    if (set->n_ranges >
        (r->n_lines - line - 1) * sizeof(*r->lines) / sizeof(struct varmor_port_range))
        return NULL;
    return set;
}

struct ruleset_verdict ruleset_judge_connect(const struct ruleset *r, const struct addr *addr,
                                             unsigned port)
{
    struct ruleset_verdict v = {.rule = VARMOR_NO_RULE};
    const struct ruleset_prefix *prefix = r->n_prefixes ? judge_longest_prefix(r, addr) : NULL;
    const struct varmor_port_set *set;
    const struct varmor_port_range *ranges;
    size_t low = 0, high;

    if (!prefix)
        return v;
    set = judge_port_set(r, prefix);
    if (!set) {
        v.deny = judge_front(r)->any_deny;
        return v;
    }
    ranges = (const struct varmor_port_range *)(set + 1);
    high = set->n_ranges;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ranges[middle].last < port)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < set->n_ranges && ranges[low].first <= port)
        judge_combine(&v, ranges[low].mode & VARMOR_PORT_DENY, ranges[low].mode & VARMOR_PORT_AUDIT,
                      ranges[low].rule);
    return v;
}

struct ruleset_verdict ruleset_judge_mount(const struct ruleset *r, const char *source,
                                           const char *fstype, uint32_t flags)
{
    struct ruleset_verdict v = {.rule = VARMOR_NO_RULE};
    uint32_t line = judge_walk(r, VARMOR_MOUNT_SOURCE, false, source, strlen(source));
    const struct varmor_mount_rule *rules = (const struct varmor_mount_rule *)(r->lines + line + 1);
    bool set_alone = flags & VARMOR_MOUNT_UMOUNT || flags == VARMOR_MOUNT_MOVE;
    uint32_t n_rules;

    if (line == 0)
        return v;
    if (flags & MOUNT_WITHOUT_TYPE)
        fstype = "none";
    n_rules = ((const struct varmor_mount_list *)(r->lines + line))->n_rules;
    for (uint32_t i = 0; i < n_rules; i++) {
        if (!(flags & rules[i].set) && (set_alone || !(~flags & rules[i].clear)))
            continue;
        if (strcmp(rules[i].fstype, "*") == 0 || strcmp(rules[i].fstype, fstype) == 0)
            judge_combine(&v, rules[i].mode & VARMOR_PORT_DENY, rules[i].mode & VARMOR_PORT_AUDIT,
                          rules[i].rule);
    }
    return v;
}

struct ruleset_verdict ruleset_judge_ptrace(const struct ruleset *r, unsigned permission,
                                            bool external)
{
    struct ruleset_verdict v = {.rule = VARMOR_NO_RULE};
    const struct varmor_front *f = judge_front(r);

    for (unsigned b = 0; b < ARRAY_SIZE(f->ptrace_rule); b++) {
        unsigned bit = 1u << b, judged = external ? bit : VARMOR_PTRACE_STRICT(bit);

        if (permission & bit)
            judge_combine(&v, f->ptrace_deny & judged, f->ptrace_audit & judged, f->ptrace_rule[b]);
    }
    return v;
}
