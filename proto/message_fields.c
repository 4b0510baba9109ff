/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message_fields.h"

#include <errno.h>
#include <string.h>

#include "proto/descriptor_set.h"

/* An empty sub-message of two bytes becomes a struct, a pointer to it and a note of protobuf-c. */
#define ARENA_BYTES_PER_BYTE 64
#define ARENA_BYTES_BASE     (64u << 10) /* for small messages */
#define ARENA_BYTES_MAX      (512u << 20)

/* protobuf-c only says that it failed; why is noted here. */
struct message_memory {
    struct arena *arena;
    bool is_out;  /* of memory */
    bool is_full; /* beyond the arena's ceiling */
};

static void *message_arena_alloc(void *data, size_t size)
{
    struct message_memory *m = data;
    void *p = arena_alloc(m->arena, size);

    if (!p && arena_has_room(m->arena, size))
        m->is_out = true;
    else if (!p)
        m->is_full = true;
    return p;
}

static void message_arena_ignore(void *data, void *pointer)
{
    (void)data;
    (void)pointer;
}

/* What a message of len bytes may need: protobuf-c's structs are larger than their encoding. */
static size_t message_arena_bytes(size_t len)
{
    if (len > ARENA_BYTES_MAX / ARENA_BYTES_PER_BYTE)
        return ARENA_BYTES_MAX;
    return ARENA_BYTES_BASE + len * ARENA_BYTES_PER_BYTE;
}

int message_pack(const ProtobufCMessage *m, struct buf *out)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    int r = buf_reserve(out, n);

    if (r < 0)
        return r;
    protobuf_c_message_pack(m, out->data + out->len);
    out->len += n;
    out->data[out->len] = '\0';
    return 0;
}

static int message_check_text(const ProtobufCFieldDescriptor *f, const char *text,
                              struct error **reterr)
{
    if (text && strlen(text) > MESSAGE_MAX_TEXT)
        return error_set(reterr, -EBADMSG, "field '%s' has %zu bytes; the limit is %d", f->name,
                         strlen(text), MESSAGE_MAX_TEXT);
    return 0;
}

static int message_check_field(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                               struct error **reterr)
{
    const uint8_t *base = (const uint8_t *)m;
    const void *member = base + f->offset;
    size_t n = 1;
    int r = 0;

    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        n = *(const size_t *)(base + f->quantifier_offset);
        if (n > MESSAGE_MAX_ITEMS)
            return error_set(reterr, -EBADMSG, "field '%s' has %zu items; the limit is %d", f->name,
                             n, MESSAGE_MAX_ITEMS);
        member = *(void *const *)member;
    } else if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        if (*(const uint32_t *)(base + f->quantifier_offset) != f->id)
            return 0;
    }
    for (size_t i = 0; i < n && r == 0; i++) {
        if (f->type == PROTOBUF_C_TYPE_STRING)
            r = message_check_text(f, ((char *const *)member)[i], reterr);
        else if (f->type == PROTOBUF_C_TYPE_MESSAGE && ((ProtobufCMessage *const *)member)[i])
            r = message_check_limits(((ProtobufCMessage *const *)member)[i], reterr);
    }
    return r;
}

int message_check_limits(const ProtobufCMessage *m, struct error **reterr)
{
    int r = 0;

    for (unsigned i = 0; i < m->descriptor->n_fields && r == 0; i++)
        r = message_check_field(m, &m->descriptor->fields[i], reterr);
    return r;
}

int message_unpack(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t len,
                   ProtobufCMessage **ret, struct arena **ret_arena, struct error **reterr)
{
    CLEANUP(arena_free) struct arena *a = arena_new(message_arena_bytes(len));
    struct message_memory memory = {.arena = a};
    ProtobufCAllocator allocator = {
        .alloc = message_arena_alloc,
        .free = message_arena_ignore, /* it goes when the arena goes */
        .allocator_data = &memory,
    };
    ProtobufCMessage *raw;

    if (!a)
        return error_oom(reterr);
    raw = protobuf_c_message_unpack(descriptor, &allocator, len, data);
    if (memory.is_out)
        return error_oom(reterr);
    if (!raw)
        return error_set(reterr, -EBADMSG, "%zu bytes are no valid %s message%s", len,
                         descriptor->short_name,
                         memory.is_full ? ": it would need far more memory than its size" : "");
    *ret = raw;
    *ret_arena = TAKE(a);
    return 0;
}

int message_unpack_checked(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
                           size_t len, ProtobufCMessage **ret, struct arena **ret_arena,
                           struct error **reterr)
{
    CLEANUP(arena_free) struct arena *a = NULL;
    int r = message_unpack(descriptor, data, len, ret, &a, reterr);

    if (r == 0)
        r = message_check_limits(*ret, reterr);
    if (r < 0)
        return r;
    *ret_arena = TAKE(a);
    return 0;
}

Varmor__V1__Enforcer message_pack_enforcer(enum enforcer_bit bit)
{
    switch (bit) {
    case ENFORCER_APPARMOR:
        return VARMOR__V1__ENFORCER__ENFORCER_APPARMOR;
    case ENFORCER_BPF:
        return VARMOR__V1__ENFORCER__ENFORCER_BPF;
    case ENFORCER_SECCOMP:
        return VARMOR__V1__ENFORCER__ENFORCER_SECCOMP;
    }
    return VARMOR__V1__ENFORCER__ENFORCER_UNSPECIFIED;
}

int message_pack_enforcers(struct arena *a, unsigned set, size_t *ret_n, Varmor__V1__Enforcer **ret)
{
    static const enum enforcer_bit bits[] = {ENFORCER_APPARMOR, ENFORCER_BPF, ENFORCER_SECCOMP};
    Varmor__V1__Enforcer *out = arena_array(a, ARRAY_SIZE(bits), sizeof(*out));

    if (!out)
        return -ENOMEM;
    *ret_n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
        if (set & bits[i])
            out[(*ret_n)++] = message_pack_enforcer(bits[i]);
    *ret = out;
    return 0;
}

int message_unpack_enforcer(enum enforcer_bit *ret, Varmor__V1__Enforcer e, struct error **reterr)
{
    switch (e) {
    case VARMOR__V1__ENFORCER__ENFORCER_APPARMOR:
        *ret = ENFORCER_APPARMOR;
        return 0;
    case VARMOR__V1__ENFORCER__ENFORCER_BPF:
        *ret = ENFORCER_BPF;
        return 0;
    case VARMOR__V1__ENFORCER__ENFORCER_SECCOMP:
        *ret = ENFORCER_SECCOMP;
        return 0;
    default:
        return error_set(reterr, -EBADMSG, "%d is not an enforcer", (int)e);
    }
}

ProtobufCBinaryData message_pack_digest(const struct digest *d)
{
    if (digest_is_zero(d))
        return (ProtobufCBinaryData){0};
    return (ProtobufCBinaryData){.len = DIGEST_BYTES, .data = (uint8_t *)d->bytes};
}

int message_unpack_digest(struct digest *ret, const ProtobufCBinaryData *b, struct error **reterr)
{
    if (b->len == 0) {
        *ret = (struct digest){0};
        return 0;
    }
    if (b->len != DIGEST_BYTES)
        return error_set(reterr, -EBADMSG, "a digest has %d bytes, not %zu", DIGEST_BYTES, b->len);
    memcpy(ret->bytes, b->data, DIGEST_BYTES);
    return 0;
}

char *message_pack_text(const char *text)
{
    return (char *)(text ? text : "");
}

int message_pack_facts(struct arena *a, const struct msg_fact *items, size_t n,
                       Varmor__V1__Fact ***ret)
{
    Varmor__V1__Fact *facts = arena_array(a, n, sizeof(*facts));
    Varmor__V1__Fact **out = arena_array(a, n, sizeof(*out));

    if (!facts || !out)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        varmor__v1__fact__init(&facts[i]);
        facts[i].name = message_pack_text(items[i].name);
        facts[i].value = message_pack_text(items[i].value);
        out[i] = &facts[i];
    }
    *ret = out;
    return 0;
}

int message_unpack_facts(struct arena *a, Varmor__V1__Fact **items, size_t n,
                         const struct msg_fact **ret)
{
    struct msg_fact *out = arena_array(a, n, sizeof(*out));

    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        out[i] = (struct msg_fact){.name = items[i]->name, .value = items[i]->value};
    *ret = out;
    return 0;
}

int message_pack_states(struct arena *a, const struct msg_enforcer_state *items, size_t n,
                        Varmor__V1__EnforcerState ***ret)
{
    Varmor__V1__EnforcerState *states = arena_array(a, n, sizeof(*states));
    Varmor__V1__EnforcerState **out = arena_array(a, n, sizeof(*out));

    if (!states || !out)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        varmor__v1__enforcer_state__init(&states[i]);
        states[i].enforcer = message_pack_enforcer(items[i].enforcer);
        states[i].usable = items[i].usable;
        states[i].reason = message_pack_text(items[i].reason);
        out[i] = &states[i];
    }
    *ret = out;
    return 0;
}

int message_unpack_states(struct arena *a, Varmor__V1__EnforcerState **items, size_t n,
                          const struct msg_enforcer_state **ret, struct error **reterr)
{
    struct msg_enforcer_state *out = arena_array(a, n, sizeof(*out));

    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int r = message_unpack_enforcer(&out[i].enforcer, items[i]->enforcer, reterr);

        if (r < 0)
            return r;
        out[i].usable = items[i]->usable;
        out[i].reason = items[i]->reason;
    }
    *ret = out;
    return 0;
}

int message_pack_results(struct arena *a, const struct msg_enforcer_result *items, size_t n,
                         Varmor__V1__EnforcerResult ***ret)
{
    Varmor__V1__EnforcerResult *results = arena_array(a, n, sizeof(*results));
    Varmor__V1__EnforcerResult **out = arena_array(a, n, sizeof(*out));

    if (!results || !out)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        varmor__v1__enforcer_result__init(&results[i]);
        results[i].enforcer = message_pack_enforcer(items[i].enforcer);
        results[i].applied = items[i].applied;
        results[i].reason = message_pack_text(items[i].reason);
        results[i].image_digest = message_pack_digest(&items[i].image_digest);
        results[i].since_ns = items[i].since_ns;
        results[i].mode = message_pack_text(items[i].mode);
        results[i].policy_hash = message_pack_text(items[i].policy_hash);
        out[i] = &results[i];
    }
    *ret = out;
    return 0;
}

int message_unpack_results(struct arena *a, Varmor__V1__EnforcerResult **items, size_t n,
                           const struct msg_enforcer_result **ret, struct error **reterr)
{
    struct msg_enforcer_result *out = arena_array(a, n, sizeof(*out));

    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int r = message_unpack_enforcer(&out[i].enforcer, items[i]->enforcer, reterr);

        if (r == 0)
            r = message_unpack_digest(&out[i].image_digest, &items[i]->image_digest, reterr);
        if (r < 0)
            return r;
        out[i].applied = items[i]->applied;
        out[i].reason = items[i]->reason;
        out[i].since_ns = items[i]->since_ns;
        out[i].mode = items[i]->mode;
        out[i].policy_hash = items[i]->policy_hash;
    }
    *ret = out;
    return 0;
}

int message_pack_event_counts(struct arena *a, const struct msg_event_count *items, size_t n,
                              Varmor__V1__EventCount ***ret)
{
    Varmor__V1__EventCount *counts = arena_array(a, n, sizeof(*counts));
    Varmor__V1__EventCount **out = arena_array(a, n, sizeof(*out));

    if (!counts || !out)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        varmor__v1__event_count__init(&counts[i]);
        counts[i].enforcer = message_pack_enforcer(items[i].enforcer);
        counts[i].origin = message_pack_text(items[i].origin);
        counts[i].count = items[i].count;
        out[i] = &counts[i];
    }
    *ret = out;
    return 0;
}

int message_unpack_event_counts(struct arena *a, Varmor__V1__EventCount **items, size_t n,
                                const struct msg_event_count **ret, struct error **reterr)
{
    struct msg_event_count *out;

    if (n > MESSAGE_MAX_EVENT_COUNTS)
        return error_set(reterr, -EBADMSG, "%zu counts of events; the limit is %d", n,
                         MESSAGE_MAX_EVENT_COUNTS);
    out = arena_array(a, n, sizeof(*out));
    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int r = message_unpack_enforcer(&out[i].enforcer, items[i]->enforcer, reterr);

        if (r == 0 && strlen(items[i]->origin) > MESSAGE_MAX_ORIGIN)
            r = error_set(reterr, -EBADMSG, "an origin of %zu bytes; the limit is %d",
                          strlen(items[i]->origin), MESSAGE_MAX_ORIGIN);
        if (r < 0)
            return r;
        out[i].origin = items[i]->origin;
        out[i].count = items[i]->count;
    }
    *ret = out;
    return 0;
}

bool message_is_bound(const struct msg_binding *b)
{
    size_t n_opted_out = 0;

    for (size_t i = 0; i < b->n_enforcers; i++)
        n_opted_out += b->enforcers[i].opted_out;
    return !*b->reason && (n_opted_out == 0 || n_opted_out < b->n_enforcers);
}

static int pack_binding_enforcers(struct arena *a, const struct msg_binding_enforcer *items,
                                  size_t n, Varmor__V1__BindingEnforcer ***ret)
{
    Varmor__V1__BindingEnforcer *enforcers = arena_array(a, n, sizeof(*enforcers));
    Varmor__V1__BindingEnforcer **out = arena_array(a, n, sizeof(*out));

    if (!enforcers || !out)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        varmor__v1__binding_enforcer__init(&enforcers[i]);
        enforcers[i].enforcer = message_pack_enforcer(items[i].enforcer);
        enforcers[i].in_force = items[i].in_force;
        enforcers[i].restart_needed = items[i].restart_needed;
        enforcers[i].opted_out = items[i].opted_out;
        enforcers[i].mode = message_pack_text(items[i].mode);
        enforcers[i].reason = message_pack_text(items[i].reason);
        enforcers[i].since_ns = items[i].since_ns;
        out[i] = &enforcers[i];
    }
    *ret = out;
    return 0;
}

static int unpack_binding_enforcers(struct arena *a, const Varmor__V1__Binding *in,
                                    const struct msg_binding_enforcer **ret, struct error **reterr)
{
    struct msg_binding_enforcer *out;

    if (in->n_enforcers > MESSAGE_MAX_ENFORCERS)
        return error_set(reterr, -EBADMSG, "a binding with %zu enforcers; the limit is %d",
                         in->n_enforcers, MESSAGE_MAX_ENFORCERS);
    out = arena_array(a, in->n_enforcers, sizeof(*out));
    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_enforcers; i++) {
        int r = message_unpack_enforcer(&out[i].enforcer, in->enforcers[i]->enforcer, reterr);

        if (r < 0)
            return r;
        out[i].in_force = in->enforcers[i]->in_force;
        out[i].restart_needed = in->enforcers[i]->restart_needed;
        out[i].opted_out = in->enforcers[i]->opted_out;
        out[i].mode = in->enforcers[i]->mode;
        out[i].reason = in->enforcers[i]->reason;
        out[i].since_ns = in->enforcers[i]->since_ns;
    }
    *ret = out;
    return 0;
}

int message_pack_binding(struct arena *a, Varmor__V1__Binding *out, const struct msg_binding *in)
{
    varmor__v1__binding__init(out);
    out->container_id = message_pack_text(in->container_id);
    out->runtime_namespace = message_pack_text(in->runtime_namespace);
    out->container_name = message_pack_text(in->container_name);
    out->pod_name = message_pack_text(in->pod_name);
    out->pod_namespace = message_pack_text(in->pod_namespace);
    out->pod_uid = message_pack_text(in->pod_uid);
    out->image = message_pack_text(in->image);
    out->pid = in->pid;
    out->profile = message_pack_text(in->profile);
    out->since_ns = in->since_ns;
    out->before_first_instruction = in->before_first_instruction;
    out->reason = message_pack_text(in->reason);
    out->workload_kind = message_pack_text(in->workload_kind);
    out->workload_name = message_pack_text(in->workload_name);
    out->n_enforcers = in->n_enforcers;
    return pack_binding_enforcers(a, in->enforcers, in->n_enforcers, &out->enforcers);
}

int message_unpack_binding(struct arena *a, struct msg_binding *out, const Varmor__V1__Binding *in,
                           struct error **reterr)
{
    *out = (struct msg_binding){
        .container_id = in->container_id,
        .runtime_namespace = in->runtime_namespace,
        .container_name = in->container_name,
        .pod_name = in->pod_name,
        .pod_namespace = in->pod_namespace,
        .pod_uid = in->pod_uid,
        .image = in->image,
        .pid = in->pid,
        .profile = in->profile,
        .since_ns = in->since_ns,
        .before_first_instruction = in->before_first_instruction,
        .reason = in->reason,
        .workload_kind = in->workload_kind,
        .workload_name = in->workload_name,
        .n_enforcers = in->n_enforcers,
    };
    return unpack_binding_enforcers(a, in, &out->enforcers, reterr);
}

void message_pack_violation(Varmor__V1__Violation *out, const struct msg_violation *in)
{
    varmor__v1__violation__init(out);
    out->profile = message_pack_text(in->profile);
    out->rule = message_pack_text(in->rule);
    out->rule_number = in->rule_number;
    out->denied = in->denied;
    out->time_ns = in->time_ns;
    out->pid = in->pid;
    out->container_id = message_pack_text(in->container_id);
    out->container_name = message_pack_text(in->container_name);
    out->pod_name = message_pack_text(in->pod_name);
    out->pod_namespace = message_pack_text(in->pod_namespace);
    out->enforcer = message_pack_text(in->enforcer);
    out->event = message_pack_text(in->event);
}

void message_unpack_violation(struct msg_violation *out, const Varmor__V1__Violation *in)
{
    *out = (struct msg_violation){
        .profile = in->profile,
        .rule = in->rule,
        .rule_number = in->rule_number,
        .denied = in->denied,
        .time_ns = in->time_ns,
        .pid = in->pid,
        .container_id = in->container_id,
        .container_name = in->container_name,
        .pod_name = in->pod_name,
        .pod_namespace = in->pod_namespace,
        .enforcer = in->enforcer,
        .event = in->event,
    };
}

const uint8_t *message_descriptor_set(size_t *ret_len)
{
    *ret_len = descriptor_set_size;
    return descriptor_set_bytes;
}
