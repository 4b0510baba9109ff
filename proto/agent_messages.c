/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/messages.h"

#include <errno.h>

#include "proto/message_fields.h"

/* ---- encoding ---- */

static int agent_pack_hello(struct arena *a, Varmor__V1__Hello *out, const struct msg_hello *in)
{
    Varmor__V1__HeldProfile *held = arena_array(a, in->n_held, sizeof(*held));
    int r;

    out->protocol = in->protocol;
    out->node = message_pack_text(in->node);
    out->agent_version = message_pack_text(in->agent_version);
    out->kernel = message_pack_text(in->kernel);
    out->architecture = message_pack_text(in->architecture);
    out->runtime = message_pack_text(in->runtime);
    out->n_facts = in->n_facts;
    out->n_enforcers = in->n_enforcers;
    out->n_held = in->n_held;
    out->held = arena_array(a, in->n_held, sizeof(*out->held));
    if (!held || !out->held)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_held; i++) {
        varmor__v1__held_profile__init(&held[i]);
        held[i].name = message_pack_text(in->held[i].name);
        held[i].digest = message_pack_digest(&in->held[i].digest);
        out->held[i] = &held[i];
    }
    r = message_pack_facts(a, in->facts, in->n_facts, &out->facts);
    return r < 0 ? r : message_pack_states(a, in->enforcers, in->n_enforcers, &out->enforcers);
}

static int agent_pack_bindings(struct arena *a, Varmor__V1__BindingsReport *out,
                               const struct msg_bindings *in)
{
    Varmor__V1__Binding *put = arena_array(a, in->n_put, sizeof(*put));
    int r = 0;

    out->complete = in->complete;
    out->n_put = in->n_put;
    out->put = arena_array(a, in->n_put, sizeof(*out->put));
    out->n_dropped = in->n_dropped;
    out->dropped = (char **)in->dropped;
    if (!put || !out->put)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_put && r == 0; i++) {
        r = message_pack_binding(a, &put[i], &in->put[i]);
        out->put[i] = &put[i];
    }
    return r;
}

static int agent_pack_violations(struct arena *a, Varmor__V1__ViolationsReport *out,
                                 const struct msg_violations *in)
{
    Varmor__V1__Violation *items = arena_array(a, in->n, sizeof(*items));

    out->n_dropped = in->n_dropped;
    out->n_violations = in->n;
    out->violations = arena_array(a, in->n, sizeof(*out->violations));
    if (!items || !out->violations)
        return -ENOMEM;
    for (size_t i = 0; i < in->n; i++) {
        message_pack_violation(&items[i], &in->items[i]);
        out->violations[i] = &items[i];
    }
    return 0;
}

static int agent_pack_counts(struct arena *a, Varmor__V1__CountsReport *out,
                             const struct msg_counts *in)
{
    out->profile = message_pack_text(in->profile);
    out->digest = message_pack_digest(&in->digest);
    out->n_counts = in->n;
    out->counts = (uint64_t *)in->counts;
    out->n_events = in->n_events;
    return message_pack_event_counts(a, in->events, in->n_events, &out->events);
}

int agent_message_encode(const struct agent_message *m, struct buf *out)
{
    CLEANUP(arena_free) struct arena *a = arena_new(SIZE_MAX / 2);
    Varmor__V1__AgentMessage message = VARMOR__V1__AGENT_MESSAGE__INIT;
    Varmor__V1__Hello hello = VARMOR__V1__HELLO__INIT;
    Varmor__V1__ProfileResult result = VARMOR__V1__PROFILE_RESULT__INIT;
    Varmor__V1__BindingsReport bindings = VARMOR__V1__BINDINGS_REPORT__INIT;
    Varmor__V1__ViolationsReport violations = VARMOR__V1__VIOLATIONS_REPORT__INIT;
    Varmor__V1__CountsReport counts = VARMOR__V1__COUNTS_REPORT__INIT;
    int r = 0;

    if (!a)
        return -ENOMEM;
    switch (m->kind) {
    case AGENT_HELLO:
        message.message_case = VARMOR__V1__AGENT_MESSAGE__MESSAGE_HELLO;
        message.hello = &hello;
        r = agent_pack_hello(a, &hello, &m->hello);
        break;
    case AGENT_RESULT:
        message.message_case = VARMOR__V1__AGENT_MESSAGE__MESSAGE_RESULT;
        message.result = &result;
        result.name = message_pack_text(m->result.name);
        result.digest = message_pack_digest(&m->result.digest);
        result.removed = m->result.removed;
        result.n_enforcers = m->result.n_enforcers;
        r = message_pack_results(a, m->result.enforcers, m->result.n_enforcers, &result.enforcers);
        break;
    case AGENT_BINDINGS:
        message.message_case = VARMOR__V1__AGENT_MESSAGE__MESSAGE_BINDINGS;
        message.bindings = &bindings;
        r = agent_pack_bindings(a, &bindings, &m->bindings);
        break;
    case AGENT_VIOLATIONS:
        message.message_case = VARMOR__V1__AGENT_MESSAGE__MESSAGE_VIOLATIONS;
        message.violations = &violations;
        r = agent_pack_violations(a, &violations, &m->violations);
        break;
    case AGENT_COUNTS:
        message.message_case = VARMOR__V1__AGENT_MESSAGE__MESSAGE_COUNTS;
        message.counts = &counts;
        r = agent_pack_counts(a, &counts, &m->counts);
        break;
    case AGENT_MESSAGE_NONE:
        break;
    }
    return r < 0 ? r : message_pack(&message.base, out);
}

/* ---- decoding ---- */

static int agent_unpack_hello(struct arena *a, struct msg_hello *out, const Varmor__V1__Hello *in,
                              struct error **reterr)
{
    struct msg_held *held = arena_array(a, in->n_held, sizeof(*held));
    int r;

    if (!held)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_held; i++) {
        held[i].name = in->held[i]->name;
        r = message_unpack_digest(&held[i].digest, &in->held[i]->digest, reterr);
        if (r < 0)
            return r;
    }
    *out = (struct msg_hello){
        .protocol = in->protocol,
        .node = in->node,
        .agent_version = in->agent_version,
        .kernel = in->kernel,
        .architecture = in->architecture,
        .runtime = in->runtime,
        .n_facts = in->n_facts,
        .n_enforcers = in->n_enforcers,
        .held = held,
        .n_held = in->n_held,
    };
    r = message_unpack_facts(a, in->facts, in->n_facts, &out->facts);
    if (r < 0)
        return r;
    return message_unpack_states(a, in->enforcers, in->n_enforcers, &out->enforcers, reterr);
}

static int agent_unpack_result(struct arena *a, struct msg_result *out,
                               const Varmor__V1__ProfileResult *in, struct error **reterr)
{
    int r;

    *out = (struct msg_result){
        .name = in->name,
        .removed = in->removed,
        .n_enforcers = in->n_enforcers,
    };
    r = message_unpack_digest(&out->digest, &in->digest, reterr);
    if (r < 0)
        return r;
    return message_unpack_results(a, in->enforcers, in->n_enforcers, &out->enforcers, reterr);
}

static int agent_unpack_bindings(struct arena *a, struct msg_bindings *out,
                                 const Varmor__V1__BindingsReport *in, struct error **reterr)
{
    struct msg_binding *put = arena_array(a, in->n_put, sizeof(*put));
    int r = put ? 0 : -ENOMEM;

    for (size_t i = 0; i < in->n_put && r == 0; i++)
        r = message_unpack_binding(a, &put[i], in->put[i], reterr);
    if (r < 0)
        return r;
    *out = (struct msg_bindings){
        .complete = in->complete,
        .put = put,
        .n_put = in->n_put,
        .dropped = (const char *const *)in->dropped,
        .n_dropped = in->n_dropped,
    };
    return 0;
}

static int agent_unpack_violations(struct arena *a, struct msg_violations *out,
                                   const Varmor__V1__ViolationsReport *in)
{
    struct msg_violation *items = arena_array(a, in->n_violations, sizeof(*items));

    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_violations; i++)
        message_unpack_violation(&items[i], in->violations[i]);
    *out =
        (struct msg_violations){.items = items, .n = in->n_violations, .n_dropped = in->n_dropped};
    return 0;
}

static int agent_unpack_counts(struct arena *a, struct msg_counts *out,
                               const Varmor__V1__CountsReport *in, struct error **reterr)
{
    int r;

    *out = (struct msg_counts){
        .profile = in->profile,
        .counts = in->counts,
        .n = in->n_counts,
        .n_events = in->n_events,
    };
    r = message_unpack_digest(&out->digest, &in->digest, reterr);
    return r < 0 ? r
                 : message_unpack_event_counts(a, in->events, in->n_events, &out->events, reterr);
}

static int agent_unpack(struct arena *a, struct agent_message *out,
                        const Varmor__V1__AgentMessage *in, struct error **reterr)
{
    switch (in->message_case) {
    case VARMOR__V1__AGENT_MESSAGE__MESSAGE_HELLO:
        out->kind = AGENT_HELLO;
        return agent_unpack_hello(a, &out->hello, in->hello, reterr);
    case VARMOR__V1__AGENT_MESSAGE__MESSAGE_RESULT:
        out->kind = AGENT_RESULT;
        return agent_unpack_result(a, &out->result, in->result, reterr);
    case VARMOR__V1__AGENT_MESSAGE__MESSAGE_BINDINGS:
        out->kind = AGENT_BINDINGS;
        return agent_unpack_bindings(a, &out->bindings, in->bindings, reterr);
    case VARMOR__V1__AGENT_MESSAGE__MESSAGE_VIOLATIONS:
        out->kind = AGENT_VIOLATIONS;
        return agent_unpack_violations(a, &out->violations, in->violations);
    case VARMOR__V1__AGENT_MESSAGE__MESSAGE_COUNTS:
        out->kind = AGENT_COUNTS;
        return agent_unpack_counts(a, &out->counts, in->counts, reterr);
    default:
        return error_set(reterr, -EBADMSG,
                         "the agent's message says nothing that this version knows");
    }
}

int agent_message_decode(struct agent_message *ret, const uint8_t *data, size_t len,
                         struct error **reterr)
{
    CLEANUP(arena_free) struct arena *a = NULL;
    struct agent_message m = {0};
    ProtobufCMessage *raw;
    int r =
        message_unpack_checked(&varmor__v1__agent_message__descriptor, data, len, &raw, &a, reterr);

    if (r == 0)
        r = agent_unpack(a, &m, (const void *)raw, reterr);
    if (r == -ENOMEM)
        return error_oom(reterr);
    if (r < 0)
        return r;
    m.arena = TAKE(a);
    *ret = m;
    return 0;
}

void agent_message_done(struct agent_message *m)
{
    arena_free(m->arena);
    *m = (struct agent_message){0};
}
