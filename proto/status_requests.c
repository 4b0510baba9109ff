/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/messages.h"

#include <errno.h>

#include "proto/status_items.h"

int status_list_request_encode(const struct status_list_request *r, struct buf *out)
{
    Varmor__V1__ListRequest m = VARMOR__V1__LIST_REQUEST__INIT;

    m.namespace_ = message_pack_text(r->name_space);
    m.name = message_pack_text(r->name);
    return message_pack(&m.base, out);
}

int status_list_request_decode(struct status_list_request *ret, const uint8_t *data, size_t len,
                               struct error **reterr)
{
    CLEANUP(arena_free) struct arena *a = NULL;
    ProtobufCMessage *raw;
    const Varmor__V1__ListRequest *m;
    int r =
        message_unpack_checked(&varmor__v1__list_request__descriptor, data, len, &raw, &a, reterr);

    if (r < 0)
        return r;
    m = (const void *)raw;
    *ret = (struct status_list_request){
        .name_space = m->namespace_, .name = m->name, .arena = TAKE(a)};
    return 0;
}

void status_list_request_done(struct status_list_request *r)
{
    arena_free(r->arena);
    *r = (struct status_list_request){0};
}

int status_describe_request_encode(const struct status_describe_request *r, struct buf *out)
{
    Varmor__V1__DescribeRequest m = VARMOR__V1__DESCRIBE_REQUEST__INIT;

    m.kind = message_pack_text(r->kind);
    m.namespace_ = message_pack_text(r->name_space);
    m.name = message_pack_text(r->name);
    return message_pack(&m.base, out);
}

int status_describe_request_decode(struct status_describe_request *ret, const uint8_t *data,
                                   size_t len, struct error **reterr)
{
    CLEANUP(arena_free) struct arena *a = NULL;
    ProtobufCMessage *raw;
    const Varmor__V1__DescribeRequest *m;
    int r = message_unpack_checked(&varmor__v1__describe_request__descriptor, data, len, &raw, &a,
                                   reterr);

    if (r < 0)
        return r;
    m = (const void *)raw;
    *ret = (struct status_describe_request){
        .kind = m->kind, .name_space = m->namespace_, .name = m->name, .arena = TAKE(a)};
    return 0;
}

void status_describe_request_done(struct status_describe_request *r)
{
    arena_free(r->arena);
    *r = (struct status_describe_request){0};
}

int status_watch_request_encode(const struct status_watch_request *r, struct buf *out)
{
    Varmor__V1__WatchRequest m = VARMOR__V1__WATCH_REQUEST__INIT;

    m.resource = (Varmor__V1__Resource)r->resource;
    m.namespace_ = message_pack_text(r->name_space);
    m.name = message_pack_text(r->name);
    return message_pack(&m.base, out);
}

int status_watch_request_decode(struct status_watch_request *ret, const uint8_t *data, size_t len,
                                struct error **reterr)
{
    CLEANUP(arena_free) struct arena *a = NULL;
    ProtobufCMessage *raw;
    const Varmor__V1__WatchRequest *m;
    int r =
        message_unpack_checked(&varmor__v1__watch_request__descriptor, data, len, &raw, &a, reterr);

    if (r < 0)
        return r;
    m = (const void *)raw;
    if ((int)m->resource <= (int)STATUS_NONE || (int)m->resource >= (int)STATUS_RESOURCES)
        return error_set(reterr, -EBADMSG,
                         "%d is not a resource: 1 policies, 2 profiles, 3 nodes, 4 bindings",
                         (int)m->resource);
    *ret = (struct status_watch_request){
        .resource = (enum status_resource)m->resource,
        .name_space = m->namespace_,
        .name = m->name,
        .arena = TAKE(a),
    };
    return 0;
}

void status_watch_request_done(struct status_watch_request *r)
{
    arena_free(r->arena);
    *r = (struct status_watch_request){0};
}
