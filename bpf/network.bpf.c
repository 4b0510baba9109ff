/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Sockets and where they lead.
 *
 * socket_create    families, types and effective protocols; also for socketpair(2)
 * socket_connect   the address; TCP, UDP, raw, and SCTP by connect(2)
 * socket_sendmsg   the address of a message that has one: UDP without connect, TCP fast open, raw
 *
 * An IPv4 address inside an IPv6 one is looked up as IPv4. The unspecified address leads to the
 * host itself, so it is looked up as the loopback address, and as the address that the socket is
 * bound to, as well. Sockets that the kernel makes for itself are not judged.
 */
#include "bpf/judge.h"

#include <bpf/bpf_endian.h>

#define PORT_STEPS 13 /* of bisection: 2^12 ranges and one to find out */

/* ---- socket() ---- */

static __always_inline u32 index_word(void *image, u32 word)
{
    struct varmor_line *line = image_line(image, 1 + word / VARMOR_LINE_WORDS);

    return line ? line->w[word & (VARMOR_LINE_WORDS - 1)] : 0;
}

static __always_inline struct verdict decide_socket(const struct subject *s, u32 domain, u32 type,
                                                    u32 protocol)
{
    u32 line =
        index_word(s->image, __builtin_offsetof(struct varmor_index, sockets_line) / sizeof(u32));
    u32 kind = varmor_protocol_kind(domain, type, protocol) & (VARMOR_PROTO_KINDS - 1);
    struct verdict v = {.rule = VARMOR_NO_RULE};
    struct varmor_socket_cell *cell;

    if (!line)
        return v;
    if (domain >= VARMOR_SOCKET_DOMAINS) {
        v.deny = s->front->any_deny;
        return v;
    }
    cell = image_line(s->image, line + domain);
    if (!cell)
        return unjudgeable(s, VARMOR_STAT_BAD_IMAGE);
    type &= VARMOR_SOCKET_TYPES - 1;
    v = combine(v, cell->type_deny >> type & 1, cell->type_audit >> type & 1,
                cell->type_rule[type]);
    return combine(v, cell->proto_deny >> kind & 1, cell->proto_audit >> kind & 1,
                   cell->proto_rule[kind]);
}

SEC("lsm/socket_create")
int BPF_PROG(varmor_socket, int family, int type, int protocol, int by_kernel, int prev)
{
    struct varmor_walk *w;
    struct subject s;
    struct verdict v;
    int r;

    if (prev)
        return prev;
    if (by_kernel || !subject_get(&s))
        return 0;
    if (s.cause || !s.front)
        return conclude_unjudgeable(&s, VARMOR_EVENT_SOCKET, s.cause);
    if (!(s.front->concern & VARMOR_CONCERN_SOCKET))
        return 0;
    v = decide_socket(&s, family, type, protocol);
    r = conclude(&s, &v);
    w = event_wanted(&s, &v, VARMOR_EVENT_SOCKET);
    if (!w)
        return r;
    w->event.domain = family;
    w->event.type = type;
    w->event.protocol = protocol;
    varmor_report(0);
    return r;
}

/* ---- connect() and sendto() ---- */

union ip_address {
    u8 bytes[16]; /* network order, IPv4 in the first four, zero behind */
    u32 words[4];
};

struct destination {
    union ip_address address;
    u8 family; /* VARMOR_FAMILY_* */
    u16 port;  /* host order */
};

static __always_inline void put_ipv4(struct destination *d, u32 address)
{
    __builtin_memset(&d->address, 0, sizeof(d->address));
    d->family = VARMOR_FAMILY_IPV4;
    d->address.words[0] = address;
}

static __always_inline void put_ipv6(struct destination *d, const u32 address[4])
{
    if (address[0] == 0 && address[1] == 0 && address[2] == bpf_htonl(0xffff)) {
        put_ipv4(d, address[3]);
        return;
    }
    d->family = VARMOR_FAMILY_IPV6;
    __builtin_memcpy(d->address.words, address, sizeof(d->address.words));
}

/* Takes an address apart; one without a family is taken for one of no_family. False if it is none
 * that rules are about. */
static __always_inline bool destination_of(struct destination *d, const void *address, u32 len,
                                           u16 no_family)
{
    struct socket_address a = {};
    u16 family;

    __builtin_memset(d, 0, sizeof(*d));
    if (len < SOCKET_ADDRESS_IPV4 || bpf_probe_read_kernel(&a, SOCKET_ADDRESS_IPV4, address))
        return false;
    d->port = bpf_ntohs(a.port);
    family = a.family == AF_UNSPEC ? no_family : a.family;
    if (family == AF_INET) {
        put_ipv4(d, a.ipv4);
        return true;
    }
    if (family != AF_INET6 || len < SOCKET_ADDRESS_IPV6 ||
        bpf_probe_read_kernel(&a, SOCKET_ADDRESS_IPV6, address))
        return false;
    put_ipv6(d, a.ipv6);
    return true;
}

/* The range of a port set that a port is in: the first that ends at the port or behind it. */
static __always_inline struct verdict decide_port(const struct subject *s, u32 ports_line, u32 port)
{
    u32 per_line = sizeof(struct varmor_line) / sizeof(struct varmor_port_range);
    struct verdict v = {.rule = VARMOR_NO_RULE};
    struct varmor_port_set *set = image_line(s->image, ports_line);
    struct varmor_port_range *range;
    u32 low = 0, high;

    if (!set)
        return unjudgeable(s, VARMOR_STAT_BAD_IMAGE);
    high = set->n_ranges;
    for (u32 step = 0; step < PORT_STEPS && low < high; step++) {
        u32 middle = low + (high - low) / 2;

        range = image_line(s->image, ports_line + 1 + middle / per_line);
        if (!range)
            return unjudgeable(s, VARMOR_STAT_BAD_IMAGE);
        range += middle & (per_line - 1);
        if (range->last < port) {
            low = middle + 1;
        } else if (range->first > port) {
            high = middle;
        } else {
            v.deny = range->mode & VARMOR_PORT_DENY;
            v.audit = (range->mode & VARMOR_PORT_AUDIT) != 0;
            v.rule = range->rule;
            return v;
        }
    }
    return v;
}

static __always_inline struct verdict decide_destination(const struct subject *s,
                                                         const struct destination *d)
{
    struct varmor_prefix key = {
        .prefix_len = 8 + (d->family == VARMOR_FAMILY_IPV4 ? 32 : 128),
        .family = d->family,
    };
    struct verdict v = {.rule = VARMOR_NO_RULE};
    u32 version = s->version;
    struct varmor_leaf *leaf;
    void *trie = bpf_map_lookup_elem(&varmor_egress, &version);

    if (!trie)
        return unjudgeable(s, VARMOR_STAT_NO_IMAGE);
    __builtin_memcpy(key.addr, d->address.bytes, sizeof(key.addr));
    leaf = bpf_map_lookup_elem(trie, &key);
    return leaf ? decide_port(s, leaf->ports_line, d->port) : v;
}

static __always_inline bool is_unspecified(const struct destination *d)
{
    const u32 *words = d->address.words;

    return !(words[0] | words[1] | words[2] | words[3]);
}

/* The addresses that an unspecified one leads to, by number. */
enum { SELF_IPV4_LOOPBACK, SELF_IPV6_LOOPBACK, SELF_IPV4_BOUND, SELF_IPV6_BOUND, SELF_KINDS };

/* Writes one of them; false if it is none of the socket's. */
static __always_inline bool self_address(struct destination *d, const struct sock *sk, u32 kind)
{
    u32 words[4] = {};

    switch (kind) {
    case SELF_IPV4_LOOPBACK:
        put_ipv4(d, bpf_htonl(0x7f000001));
        return true;
    case SELF_IPV6_LOOPBACK:
        words[3] = bpf_htonl(1);
        put_ipv6(d, words);
        return true;
    case SELF_IPV4_BOUND:
        put_ipv4(d, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
        break;
    default:
        if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_INET6 ||
            bpf_core_read(words, sizeof(words), &sk->__sk_common.skc_v6_rcv_saddr))
            return false;
        put_ipv6(d, words);
    }
    return !is_unspecified(d);
}

/* An audit of one address must not hide a denial of another. */
static __always_inline struct verdict stricter(struct verdict v, struct verdict other)
{
    if (v.deny || v.cause || (v.audit && !other.deny && !other.cause))
        return v;
    other.audit |= v.audit;
    return other;
}

static __always_inline struct verdict decide_address(const struct subject *s, const struct sock *sk,
                                                     const struct destination *asked)
{
    struct verdict v = decide_destination(s, asked);

    if (!is_unspecified(asked) || !sk)
        return v;
    for (u32 kind = 0; kind < SELF_KINDS && !v.deny && !v.cause; kind++) {
        struct destination d = {.port = asked->port};

        if (self_address(&d, sk, kind))
            v = stricter(v, decide_destination(s, &d));
    }
    return v;
}

static __always_inline int judge_address(const struct subject *s, struct socket *socket,
                                         const struct destination *d)
{
    struct sock *sk = socket->sk;
    struct varmor_walk *w;
    struct verdict v = decide_address(s, sk, d);
    int r = conclude(s, &v);

    w = event_wanted(s, &v, VARMOR_EVENT_CONNECT);
    if (!w)
        return r;
    if (sk) {
        w->event.domain = sk->__sk_common.skc_family;
        w->event.type = sk->sk_type;
        w->event.protocol = sk->sk_protocol;
    }
    w->event.port = d->port;
    w->event.family = d->family;
    __builtin_memcpy(w->event.addr, d->address.bytes, sizeof(w->event.addr));
    varmor_report(0);
    return r;
}

/* True if addresses concern the current task; *ret_r is what the hook returns if not. */
static __always_inline bool is_about_addresses(struct subject *s, int *ret_r)
{
    *ret_r = 0;
    if (!subject_get(s))
        return false;
    if (s->cause || !s->front) {
        *ret_r = conclude_unjudgeable(s, VARMOR_EVENT_CONNECT, s->cause);
        return false;
    }
    return s->front->concern & VARMOR_CONCERN_EGRESS;
}

SEC("lsm/socket_connect")
int BPF_PROG(varmor_connect, struct socket *socket, struct sockaddr *address, int len, int prev)
{
    struct destination d;
    struct subject s;
    int r;

    if (prev)
        return prev;
    if (!is_about_addresses(&s, &r))
        return r;
    if (!destination_of(&d, address, len, AF_UNSPEC)) /* no family: ends a connection */
        return 0;
    return judge_address(&s, socket, &d);
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(varmor_send, struct socket *socket, struct msghdr *message, int size, int prev)
{
    struct destination d;
    struct subject s;
    struct sock *sk;
    int r;

    if (prev)
        return prev;
    if (!message->msg_name)
        return 0;
    if (!is_about_addresses(&s, &r))
        return r;
    /* An address of no family is taken for one of the socket's. */
    sk = socket->sk;
    if (!destination_of(&d, message->msg_name, message->msg_namelen,
                        sk ? sk->__sk_common.skc_family : AF_UNSPEC))
        return 0;
    return judge_address(&s, socket, &d);
}
