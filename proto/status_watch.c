/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/messages.h"

#include <errno.h>

#include "proto/status_items.h"

int status_watch_event_encode(const struct status_watch_event *e, struct buf *out)
{
    CLEANUP(arena_free) struct arena *a = arena_new(SIZE_MAX / 2);
    Varmor__V1__WatchEvent m = VARMOR__V1__WATCH_EVENT__INIT;
    Varmor__V1__Policy policy;
    Varmor__V1__Profile profile;
    Varmor__V1__Node node;
    Varmor__V1__NodeBinding binding;
    int r = 0;

    if (!a)
        return -ENOMEM;
    m.type = (Varmor__V1__WatchEvent__Type)e->type;
    switch (e->resource) {
    case STATUS_POLICIES:
        m.object_case = VARMOR__V1__WATCH_EVENT__OBJECT_POLICY;
        m.policy = &policy;
        r = status_pack_policy(a, &policy, &e->policy);
        break;
    case STATUS_PROFILES:
        m.object_case = VARMOR__V1__WATCH_EVENT__OBJECT_PROFILE;
        m.profile = &profile;
        r = status_pack_profile(a, &profile, &e->profile);
        break;
    case STATUS_NODES:
        m.object_case = VARMOR__V1__WATCH_EVENT__OBJECT_NODE;
        m.node = &node;
        r = status_pack_node(a, &node, &e->node);
        break;
    case STATUS_BINDINGS:
        m.object_case = VARMOR__V1__WATCH_EVENT__OBJECT_BINDING;
        m.binding = &binding;
        r = status_pack_binding(a, &binding, &e->binding);
        break;
    case STATUS_NONE: /* STATUS_WATCH_LISTED names no object */
    case STATUS_RESOURCES:
        break;
    }
    return r < 0 ? r : message_pack(&m.base, out);
}

static int status_unpack_watch_event(struct arena *a, struct status_watch_event *out,
                                     const Varmor__V1__WatchEvent *in, struct error **reterr)
{
    if ((int)in->type <= (int)STATUS_WATCH_NONE || (int)in->type > (int)STATUS_WATCH_LISTED)
        return error_set(reterr, -EBADMSG, "%d is not a type of watch event", (int)in->type);
    out->type = (enum status_watch_type)in->type;
    switch (in->object_case) {
    case VARMOR__V1__WATCH_EVENT__OBJECT_POLICY:
        out->resource = STATUS_POLICIES;
        return status_unpack_policy(a, &out->policy, in->policy, reterr);
    case VARMOR__V1__WATCH_EVENT__OBJECT_PROFILE:
        out->resource = STATUS_PROFILES;
        return status_unpack_profile(&out->profile, in->profile, reterr);
    case VARMOR__V1__WATCH_EVENT__OBJECT_NODE:
        out->resource = STATUS_NODES;
        return status_unpack_node(a, &out->node, in->node, reterr);
    case VARMOR__V1__WATCH_EVENT__OBJECT_BINDING:
        out->resource = STATUS_BINDINGS;
        return status_unpack_binding(a, &out->binding, in->binding, reterr);
    default:
        out->resource = STATUS_NONE;
        return 0;
    }
}

int status_watch_event_decode(struct status_watch_event *ret, const uint8_t *data, size_t len,
                              struct error **reterr)
{
    CLEANUP(arena_free) struct arena *a = NULL;
    struct status_watch_event e = {0};
    ProtobufCMessage *raw;
    int r =
        message_unpack_checked(&varmor__v1__watch_event__descriptor, data, len, &raw, &a, reterr);

    if (r == 0)
        r = status_unpack_watch_event(a, &e, (const void *)raw, reterr);
    if (r < 0)
        return r == -ENOMEM ? error_oom(reterr) : r;
    e.arena = TAKE(a);
    *ret = e;
    return 0;
}

void status_watch_event_done(struct status_watch_event *e)
{
    arena_free(e->arena);
    *e = (struct status_watch_event){0};
}
