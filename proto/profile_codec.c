/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/profile_codec.h"

#include <errno.h>
#include <string.h>

#include "lib/policy/selector.h"
#include "proto/message_fields.h"
#include "proto/profile_message.h"
#include "lib/counted_text.h"

#define PROFILE_MAX_PORTS    4096    /* ranges of one egress rule */
#define PROFILE_SOCKET_TYPES 0xffffu /* bits: what socket(2) carries above 15 are flags */

/* ---- encoding ---- */

static int profile_pack_selector(struct arena *a, const struct selector *in,
                                 Varmor__V1__LabelSelector **ret)
{
    size_t n = selector_size(in);
    Varmor__V1__LabelSelector *out = arena_alloc(a, sizeof(*out));
    Varmor__V1__SelectorRequirement *items = arena_array(a, n, sizeof(*items));

    if (!out || !items)
        return -ENOMEM;
    varmor__v1__label_selector__init(out);
    out->n_requirements = n;
    out->requirements = arena_array(a, n, sizeof(*out->requirements));
    if (!out->requirements)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const char *const *values;
        enum selector_operator op;
        const char *key;

        varmor__v1__selector_requirement__init(&items[i]);
        selector_get(in, i, &key, &op, &values, &items[i].n_values);
        items[i].key = (char *)key;
        items[i].operator_ = (Varmor__V1__SelectorOperator)op;
        items[i].values = (char **)values;
        out->requirements[i] = &items[i];
    }
    *ret = out;
    return 0;
}

static int profile_pack_targets(struct arena *a, Varmor__V1__ArmorProfile *out,
                                const struct profile *p)
{
    Varmor__V1__Target *items = arena_array(a, p->n_targets, sizeof(*items));
    int r = 0;

    out->n_targets = p->n_targets;
    out->targets = arena_array(a, p->n_targets, sizeof(*out->targets));
    if (!items || !out->targets)
        return -ENOMEM;
    for (size_t i = 0; i < p->n_targets && r == 0; i++) {
        const struct profile_target *t = &p->targets[i];

        varmor__v1__target__init(&items[i]);
        items[i].kind = (Varmor__V1__TargetKind)t->kind;
        items[i].any_namespace = !t->name_space;
        items[i].namespace_ = message_pack_text(t->name_space);
        items[i].name = message_pack_text(t->name);
        items[i].n_containers = t->n_containers;
        items[i].containers = t->containers;
        if (t->selector)
            r = profile_pack_selector(a, t->selector, &items[i].selector);
        out->targets[i] = &items[i];
    }
    return r;
}

static int profile_pack_egress(struct arena *a, Varmor__V1__EgressRule *out, const struct rule *in)
{
    Varmor__V1__PortRange *ports = arena_array(a, in->egress.n_ports, sizeof(*ports));
    size_t n_bytes = in->egress.block.family == ADDR_IPV4 ? 4 : 16;

    varmor__v1__egress_rule__init(out);
    out->n_ports = in->egress.n_ports;
    out->ports = arena_array(a, in->egress.n_ports, sizeof(*out->ports));
    if (!ports || !out->ports)
        return -ENOMEM;
    if (in->egress.block.family != ADDR_NONE) {
        out->address = (ProtobufCBinaryData){n_bytes, (uint8_t *)in->egress.block.bytes};
        out->prefix_length = in->egress.block.prefix_len;
    }
    for (size_t i = 0; i < in->egress.n_ports; i++) {
        varmor__v1__port_range__init(&ports[i]);
        ports[i].first = in->egress.ports[i].first;
        ports[i].last = in->egress.ports[i].last;
        out->ports[i] = &ports[i];
    }
    return 0;
}

static int profile_pack_path(struct arena *a, Varmor__V1__PathRule **ret, const struct rule *in)
{
    Varmor__V1__PathRule *out = arena_alloc(a, sizeof(*out));

    if (!out)
        return -ENOMEM;
    varmor__v1__path_rule__init(out);
    out->pattern = message_pack_text(in->path.pattern);
    out->permissions = in->path.permissions;
    *ret = out;
    return 0;
}

static int profile_pack_mount(struct arena *a, Varmor__V1__MountRule **ret, const struct rule *in)
{
    Varmor__V1__MountRule *out = arena_alloc(a, sizeof(*out));

    if (!out)
        return -ENOMEM;
    varmor__v1__mount_rule__init(out);
    out->source_pattern = message_pack_text(in->mount.pattern);
    out->fstype = message_pack_text(in->mount.fstype);
    out->flags = in->mount.flags;
    out->reverse_flags = in->mount.reverse_flags;
    *ret = out;
    return 0;
}

static int profile_pack_rule(struct arena *a, Varmor__V1__Rule *out, const struct rule *in)
{
    varmor__v1__rule__init(out);
    out->mode = in->mode;
    out->origin = message_pack_text(in->origin);
    switch (in->kind) {
    case RULE_FILE:
        out->rule_case = VARMOR__V1__RULE__RULE_FILE;
        return profile_pack_path(a, &out->file, in);
    case RULE_EXEC:
        out->rule_case = VARMOR__V1__RULE__RULE_EXEC;
        return profile_pack_path(a, &out->exec, in);
    case RULE_CAPABILITY:
        out->rule_case = VARMOR__V1__RULE__RULE_CAPABILITY;
        out->capability = arena_alloc(a, sizeof(*out->capability));
        if (!out->capability)
            return -ENOMEM;
        varmor__v1__capability_rule__init(out->capability);
        out->capability->mask = in->capability.mask;
        return 0;
    case RULE_SOCKET:
        out->rule_case = VARMOR__V1__RULE__RULE_SOCKET;
        out->socket = arena_alloc(a, sizeof(*out->socket));
        if (!out->socket)
            return -ENOMEM;
        varmor__v1__socket_rule__init(out->socket);
        out->socket->domains = in->socket.domains;
        out->socket->types = in->socket.types;
        out->socket->protocols = in->socket.protocols;
        return 0;
    case RULE_EGRESS:
        out->rule_case = VARMOR__V1__RULE__RULE_EGRESS;
        out->egress = arena_alloc(a, sizeof(*out->egress));
        return out->egress ? profile_pack_egress(a, out->egress, in) : -ENOMEM;
    case RULE_PTRACE:
        out->rule_case = VARMOR__V1__RULE__RULE_PTRACE;
        out->ptrace = arena_alloc(a, sizeof(*out->ptrace));
        if (!out->ptrace)
            return -ENOMEM;
        varmor__v1__ptrace_rule__init(out->ptrace);
        out->ptrace->permissions = in->ptrace.permissions;
        out->ptrace->strict = in->ptrace.strict;
        return 0;
    case RULE_MOUNT:
        out->rule_case = VARMOR__V1__RULE__RULE_MOUNT;
        return profile_pack_mount(a, &out->mount, in);
    case RULE_NONE:
    case RULE_KINDS:
        break;
    }
    return 0;
}

static int profile_pack(struct arena *a, Varmor__V1__ArmorProfile *out, const struct profile *p)
{
    Varmor__V1__Rule *rules = arena_array(a, p->n_rules, sizeof(*rules));
    int r;

    varmor__v1__armor_profile__init(out);
    out->name = message_pack_text(p->name);
    out->namespace_ = message_pack_text(p->name_space);
    out->policy_kind = message_pack_text(p->policy_kind);
    out->policy_namespace = message_pack_text(p->policy_namespace);
    out->policy_name = message_pack_text(p->policy_name);
    out->policy_generation = p->policy_generation;
    out->complain = p->complain;
    out->priority = p->priority;
    out->apparmor_text = message_pack_text(p->apparmor_text);
    out->seccomp_json = message_pack_text(p->seccomp_json);
    out->n_rules = p->n_rules;
    out->rules = arena_array(a, p->n_rules, sizeof(*out->rules));
    if (!rules || !out->rules)
        return -ENOMEM;
    r = message_pack_enforcers(a, p->enforcers, &out->n_enforcers, &out->enforcers);
    if (r == 0)
        r = profile_pack_targets(a, out, p);
    for (size_t i = 0; i < p->n_rules && r == 0; i++) {
        r = profile_pack_rule(a, &rules[i], &p->rules[i]);
        out->rules[i] = &rules[i];
    }
    return r;
}

/* The whole message, or (as_content) what the digest is over: all but the digest itself and the
 * generation, which a restarted source counts anew while the content is the same. */
static int profile_encode_as(const struct profile *p, bool as_content, struct buf *out)
{
    CLEANUP(arena_free) struct arena *a = arena_new(SIZE_MAX / 2);
    Varmor__V1__ArmorProfile message;
    int r;

    if (!a)
        return -ENOMEM;
    r = profile_pack(a, &message, p);
    if (r < 0)
        return r;
    if (as_content)
        message.policy_generation = 0;
    else
        message.digest = message_pack_digest(&p->digest);
    return message_pack(&message.base, out);
}

static int profile_compute_digest(const struct profile *p, struct digest *ret,
                                  struct error **reterr)
{
    CLEANUP_BUF struct buf encoded = BUF_INIT(PROFILE_MAX_ENCODED_BYTES);
    int r = profile_encode_as(p, true, &encoded);

    if (r == -E2BIG)
        return error_set(reterr, r, "profile '%s' has more than %u bytes", error_quote(p->name),
                         PROFILE_MAX_ENCODED_BYTES);
    r = r < 0 ? r : digest_of(ret, encoded.data, encoded.len);
    return r < 0 ? error_oom(reterr) : 0;
}

int profile_seal(struct profile *p, struct error **reterr)
{
    return profile_compute_digest(p, &p->digest, reterr);
}

int profile_encode(const struct profile *p, struct buf *out)
{
    return profile_encode_as(p, false, out);
}

/* ---- decoding ---- */

/* Texts for other enforcers than BPF: only their size is judged here. */
static int profile_check_texts(const Varmor__V1__ArmorProfile *in, struct error **reterr)
{
    if (strlen(in->apparmor_text) > PROFILE_MAX_APPARMOR_TEXT)
        return error_set(
            reterr, -EBADMSG, "profile '%s': its AppArmor text has %zu bytes; the limit is %d",
            error_quote(in->name), strlen(in->apparmor_text), PROFILE_MAX_APPARMOR_TEXT);
    if (strlen(in->seccomp_json) > PROFILE_MAX_SECCOMP_JSON)
        return error_set(reterr, -EBADMSG,
                         "profile '%s': its seccomp profile has %zu bytes; the limit is %d",
                         error_quote(in->name), strlen(in->seccomp_json), PROFILE_MAX_SECCOMP_JSON);
    return 0;
}

/* A copy of a text that is there, NULL for "". */
static int profile_copy_optional(char **ret, const char *text)
{
    if (!*text)
        return 0;
    *ret = strdup(text);
    return *ret ? 0 : -ENOMEM;
}

static int profile_copy(char **ret, const char *text)
{
    *ret = strdup(text);
    return *ret ? 0 : -ENOMEM;
}

static int profile_unpack_selector(struct selector **ret, const Varmor__V1__LabelSelector *in,
                                   struct error **reterr)
{
    CLEANUP(selector_free) struct selector *s = selector_new();

    if (!s)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_requirements; i++) {
        const Varmor__V1__SelectorRequirement *q = in->requirements[i];
        CLEANUP(error_free) struct error *e = NULL;
        int r;

        if ((int)q->operator_ < 0 || (int)q->operator_ > (int)SELECTOR_DOES_NOT_EXIST)
            return error_set(reterr, -EBADMSG, "%d is not a selector's operator",
                             (int)q->operator_);
        r = selector_add(s, q->key, (enum selector_operator)q->operator_,
                         (const char *const *)q->values, q->n_values, &e);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            return error_set(reterr, -EBADMSG, "selector: %s", error_message(e));
    }
    *ret = TAKE(s);
    return 0;
}

static int profile_unpack_target(struct profile *p, const Varmor__V1__Target *in,
                                 struct error **reterr)
{
    struct profile_target *t;
    int r = 0;

    if ((int)in->kind <= TARGET_NONE || (int)in->kind >= TARGET_KINDS)
        return error_set(reterr, -EBADMSG, "%d is not a kind of target", (int)in->kind);
    t = profile_add_target(p, (enum target_kind)in->kind);
    if (!t)
        return -ENOMEM;
    if (!in->any_namespace)
        r = profile_copy(&t->name_space, in->namespace_);
    if (r == 0)
        r = profile_copy_optional(&t->name, in->name);
    if (r == 0 && in->selector)
        r = profile_unpack_selector(&t->selector, in->selector, reterr);
    if (r < 0 || !in->n_containers)
        return r;
    t->containers = calloc(in->n_containers, sizeof(*t->containers));
    if (!t->containers)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_containers; i++) {
        r = profile_copy(&t->containers[i], in->containers[i]);
        if (r < 0)
            return r;
        t->n_containers++;
    }
    return 0;
}

/* A block as addr_parse_block() makes it, or none. Another form of it is refused: the address trie
 * tells which block covers which by their bytes. */
static int profile_unpack_block(struct addr *ret, const Varmor__V1__EgressRule *in,
                                struct error **reterr)
{
    struct addr block = {0}, normal;
    char text[ADDR_TEXT_SIZE];

    if (in->address.len != 0 && in->address.len != 4 && in->address.len != 16)
        return error_set(reterr, -EBADMSG, "an address has 4 or 16 bytes, not %zu",
                         in->address.len);
    if (in->prefix_length > in->address.len * 8)
        return error_set(reterr, -EBADMSG, "a prefix of %u bits is longer than its address",
                         in->prefix_length);
    if (in->address.len == 0)
        return 0;
    block.family = in->address.len == 4 ? ADDR_IPV4 : ADDR_IPV6;
    block.prefix_len = (uint8_t)in->prefix_length;
    memcpy(block.bytes, in->address.data, in->address.len);
    normal = block;
    addr_normalise(&normal);
    if (!addr_equal(&normal, &block))
        return error_set(reterr, -EBADMSG, "the block %s is not in its normal form",
                         addr_format(&block, text));
    *ret = block;
    return 0;
}

static int profile_unpack_egress(struct rule *out, const Varmor__V1__EgressRule *in,
                                 struct error **reterr)
{
    int r;

    if (*in->address_set)
        return error_set(reterr, -EBADMSG, "address sets are not supported by this version");
    if (in->n_ports > PROFILE_MAX_PORTS)
        return error_set(reterr, -EBADMSG, "%zu port ranges; the limit is %d", in->n_ports,
                         PROFILE_MAX_PORTS);
    r = profile_unpack_block(&out->egress.block, in, reterr);
    if (r < 0 || !in->n_ports)
        return r;
    out->egress.ports = calloc(in->n_ports, sizeof(*out->egress.ports));
    if (!out->egress.ports)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_ports; i++) {
        if (in->ports[i]->first > in->ports[i]->last || in->ports[i]->last > UINT16_MAX)
            return error_set(reterr, -EBADMSG, "%u to %u is not a range of ports",
                             in->ports[i]->first, in->ports[i]->last);
        out->egress.ports[i].first = (uint16_t)in->ports[i]->first;
        out->egress.ports[i].last = (uint16_t)in->ports[i]->last;
        out->egress.n_ports++;
    }
    return 0;
}

static int profile_unpack_path(struct rule *out, const Varmor__V1__PathRule *in, unsigned allowed,
                               struct error **reterr)
{
    if (!in->permissions || (in->permissions & ~allowed))
        return error_set(reterr, -EBADMSG, "permissions 0x%x are not those of a path rule",
                         in->permissions);
    out->path.permissions = in->permissions;
    return profile_copy(&out->path.pattern, in->pattern);
}

static int profile_unpack_socket(struct rule *out, const Varmor__V1__SocketRule *in,
                                 struct error **reterr)
{
    if (in->types & ~PROFILE_SOCKET_TYPES)
        return error_set(reterr, -EBADMSG, "0x%x are not types of sockets", in->types);
    if (in->protocols & ~(uint32_t)(SOCKET_ICMP | SOCKET_TCP | SOCKET_UDP))
        return error_set(reterr, -EBADMSG, "0x%x are not protocols of sockets", in->protocols);
    out->socket.domains = in->domains;
    out->socket.types = in->types;
    out->socket.protocols = in->protocols;
    return 0;
}

static int profile_unpack_ptrace(struct rule *out, const Varmor__V1__PtraceRule *in,
                                 struct error **reterr)
{
    unsigned known = PTRACE_TRACE | PTRACE_READ | PTRACE_TRACEBY | PTRACE_READBY;

    if (!in->permissions || in->permissions & ~known)
        return error_set(reterr, -EBADMSG, "permissions 0x%x are not those of a ptrace rule",
                         in->permissions);
    out->ptrace.permissions = in->permissions;
    out->ptrace.strict = in->strict;
    return 0;
}

static int profile_unpack_mount(struct rule *out, const Varmor__V1__MountRule *in,
                                struct error **reterr)
{
    int r;

    if (strlen(in->fstype) > PROFILE_FSTYPE_MAX)
        return error_set(reterr, -EBADMSG,
                         "'%s' is longer than the %d bytes of a file system's type",
                         error_quote(in->fstype), PROFILE_FSTYPE_MAX);
    out->mount.flags = in->flags;
    out->mount.reverse_flags = in->reverse_flags;
    r = profile_copy(&out->mount.pattern, in->source_pattern);
    return r < 0 ? r : profile_copy(&out->mount.fstype, in->fstype);
}

static enum rule_kind profile_rule_kind(const Varmor__V1__Rule *in)
{
    switch (in->rule_case) {
    case VARMOR__V1__RULE__RULE_FILE:
        return RULE_FILE;
    case VARMOR__V1__RULE__RULE_EXEC:
        return RULE_EXEC;
    case VARMOR__V1__RULE__RULE_CAPABILITY:
        return RULE_CAPABILITY;
    case VARMOR__V1__RULE__RULE_SOCKET:
        return RULE_SOCKET;
    case VARMOR__V1__RULE__RULE_EGRESS:
        return RULE_EGRESS;
    case VARMOR__V1__RULE__RULE_PTRACE:
        return RULE_PTRACE;
    case VARMOR__V1__RULE__RULE_MOUNT:
        return RULE_MOUNT;
    default:
        return RULE_NONE;
    }
}

static int profile_unpack_rule(struct profile *p, const Varmor__V1__Rule *in, struct error **reterr)
{
    enum rule_kind kind = profile_rule_kind(in);
    struct rule *out;

    if (kind == RULE_NONE)
        return error_set(reterr, -EBADMSG, "a rule of a kind that this version does not know");
    if (in->mode & ~(unsigned)(RULE_DENY | RULE_AUDIT))
        return error_set(reterr, -EBADMSG, "%u is not a rule's mode", in->mode);
    if (p->n_rules >= PROFILE_MAX_RULES)
        return error_set(reterr, -EBADMSG, "more than %d rules", PROFILE_MAX_RULES);
    out = profile_add_rule(p, kind, in->mode, in->origin);
    if (!out)
        return -ENOMEM;
    switch (kind) {
    case RULE_FILE:
        return profile_unpack_path(out, in->file, PATH_READ | PATH_WRITE | PATH_APPEND, reterr);
    case RULE_EXEC:
        return profile_unpack_path(out, in->exec, PATH_EXEC, reterr);
    case RULE_CAPABILITY:
        out->capability.mask = in->capability->mask;
        return 0;
    case RULE_SOCKET:
        return profile_unpack_socket(out, in->socket, reterr);
    case RULE_EGRESS:
        return profile_unpack_egress(out, in->egress, reterr);
    case RULE_PTRACE:
        return profile_unpack_ptrace(out, in->ptrace, reterr);
    case RULE_MOUNT:
        return profile_unpack_mount(out, in->mount, reterr);
    default:
        return 0;
    }
}

static int profile_unpack_texts(struct profile *p, const Varmor__V1__ArmorProfile *in)
{
    int r = profile_copy(&p->name, in->name);

    r = r < 0 ? r : profile_copy(&p->name_space, in->namespace_);
    r = r < 0 ? r : profile_copy(&p->policy_kind, in->policy_kind);
    r = r < 0 ? r : profile_copy(&p->policy_namespace, in->policy_namespace);
    r = r < 0 ? r : profile_copy(&p->policy_name, in->policy_name);
    r = r < 0 ? r : profile_copy_optional(&p->apparmor_text, in->apparmor_text);
    if (r == 0 && *in->seccomp_json) {
        p->seccomp_json = counted_text_new(in->seccomp_json, strlen(in->seccomp_json));
        r = p->seccomp_json ? 0 : -ENOMEM;
    }
    return r;
}

static int profile_unpack_lists(struct profile *p, const Varmor__V1__ArmorProfile *in,
                                struct error **reterr)
{
    int r = 0;

    if (in->n_targets > PROFILE_MAX_TARGETS)
        return error_set(reterr, -EBADMSG, "%zu targets; the limit is %d", in->n_targets,
                         PROFILE_MAX_TARGETS);
    for (size_t i = 0; i < in->n_enforcers && r == 0; i++) {
        enum enforcer_bit bit;

        r = message_unpack_enforcer(&bit, in->enforcers[i], reterr);
        if (r == 0)
            p->enforcers |= bit;
    }
    for (size_t i = 0; i < in->n_targets && r == 0; i++)
        r = profile_unpack_target(p, in->targets[i], reterr);
    for (size_t i = 0; i < in->n_rules && r == 0; i++) {
        r = profile_unpack_rule(p, in->rules[i], reterr);
        if (r < 0 && r != -ENOMEM)
            return error_wrap(reterr, r, "rule %zu", i);
    }
    return r;
}

static int profile_check_name(const char *name, struct error **reterr)
{
    size_t n = strlen(name);

    if (n == 0 || n > PROFILE_NAME_MAX)
        return error_set(reterr, -EBADMSG, "a profile's name has 1 to %d bytes, not %zu",
                         PROFILE_NAME_MAX, n);
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != n || name[0] == '.')
        return error_set(reterr, -EBADMSG, "'%s' is not a profile's name", error_quote(name));
    return 0;
}

int profile_unpack(struct profile **ret, const Varmor__V1__ArmorProfile *in, struct error **reterr)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    struct digest computed;
    int r;

    r = profile_check_name(in->name, reterr);
    if (r == 0)
        r = profile_check_texts(in, reterr);
    if (r < 0)
        return r;
    r = p ? profile_unpack_texts(p, in) : -ENOMEM;
    if (r < 0)
        return error_oom(reterr);
    p->policy_generation = in->policy_generation;
    p->complain = in->complain;
    p->priority = in->priority;
    r = message_unpack_digest(&p->digest, &in->digest, reterr);
    if (r == 0)
        r = profile_unpack_lists(p, in, reterr);
    if (r == 0)
        r = profile_compute_digest(p, &computed, reterr);
    if (r == -ENOMEM)
        return error_oom(reterr);
    if (r < 0)
        return error_wrap(reterr, r, "profile '%s'", error_quote(in->name));
    if (!digest_equal(&computed, &p->digest))
        return error_set(reterr, -EBADMSG, "profile '%s': the digest is not that of the content",
                         error_quote(in->name));
    *ret = TAKE(p);
    return 0;
}

int profile_decode(struct profile **ret, const uint8_t *data, size_t len, struct error **reterr)
{
    CLEANUP(arena_free) struct arena *a = NULL;
    ProtobufCMessage *raw;
    int r;

    if (len > PROFILE_MAX_ENCODED_BYTES)
        return error_set(reterr, -EBADMSG, "a profile has at most %u bytes, not %zu",
                         PROFILE_MAX_ENCODED_BYTES, len);
    r = message_unpack(&varmor__v1__armor_profile__descriptor, data, len, &raw, &a, reterr);
    return r < 0 ? r : profile_unpack(ret, (const void *)raw, reterr);
}
