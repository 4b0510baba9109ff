/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/messages.h"

#include <errno.h>

#include "proto/status_items.h"

static int status_encode_policies(struct arena *a, const struct status_list *l, struct buf *out)
{
    Varmor__V1__PolicyList list = VARMOR__V1__POLICY_LIST__INIT;
    Varmor__V1__Policy *items;
    int r = 0;

    STATUS_ARRAY_OR_RETURN(a, items, list.items, l->n);
    list.n_items = l->n;
    for (size_t i = 0; i < l->n && r == 0; i++) {
        r = status_pack_policy(a, &items[i], &l->policies[i]);
        list.items[i] = &items[i];
    }
    return r < 0 ? r : message_pack(&list.base, out);
}

static int status_encode_profiles(struct arena *a, const struct status_list *l, struct buf *out)
{
    Varmor__V1__ProfileList list = VARMOR__V1__PROFILE_LIST__INIT;
    Varmor__V1__Profile *items;
    int r = 0;

    STATUS_ARRAY_OR_RETURN(a, items, list.items, l->n);
    list.n_items = l->n;
    for (size_t i = 0; i < l->n && r == 0; i++) {
        r = status_pack_profile(a, &items[i], &l->profiles[i]);
        list.items[i] = &items[i];
    }
    return r < 0 ? r : message_pack(&list.base, out);
}

static int status_encode_nodes(struct arena *a, const struct status_list *l, struct buf *out)
{
    Varmor__V1__NodeList list = VARMOR__V1__NODE_LIST__INIT;
    Varmor__V1__Node *items;
    int r = 0;

    STATUS_ARRAY_OR_RETURN(a, items, list.items, l->n);
    list.n_items = l->n;
    for (size_t i = 0; i < l->n && r == 0; i++) {
        r = status_pack_node(a, &items[i], &l->nodes[i]);
        list.items[i] = &items[i];
    }
    return r < 0 ? r : message_pack(&list.base, out);
}

static int status_encode_bindings(struct arena *a, const struct status_list *l, struct buf *out)
{
    Varmor__V1__BindingList list = VARMOR__V1__BINDING_LIST__INIT;
    int r = status_pack_bindings(a, l->bindings, l->n, &list.items);

    list.n_items = l->n;
    return r < 0 ? r : message_pack(&list.base, out);
}

int status_list_encode(const struct status_list *l, struct buf *out)
{
    CLEANUP(arena_free) struct arena *a = arena_new(SIZE_MAX / 2);

    if (!a)
        return -ENOMEM;
    switch (l->resource) {
    case STATUS_POLICIES:
        return status_encode_policies(a, l, out);
    case STATUS_PROFILES:
        return status_encode_profiles(a, l, out);
    case STATUS_NODES:
        return status_encode_nodes(a, l, out);
    case STATUS_BINDINGS:
        return status_encode_bindings(a, l, out);
    case STATUS_NONE:
    case STATUS_RESOURCES:
        break;
    }
    return -EBADMSG;
}

static const ProtobufCMessageDescriptor *status_list_descriptor(enum status_resource resource)
{
    switch (resource) {
    case STATUS_POLICIES:
        return &varmor__v1__policy_list__descriptor;
    case STATUS_PROFILES:
        return &varmor__v1__profile_list__descriptor;
    case STATUS_NODES:
        return &varmor__v1__node_list__descriptor;
    case STATUS_BINDINGS:
        return &varmor__v1__binding_list__descriptor;
    case STATUS_NONE:
    case STATUS_RESOURCES:
        break;
    }
    return NULL;
}

static int status_unpack_list(struct arena *a, struct status_list *out, const ProtobufCMessage *raw,
                              struct error **reterr)
{
    const Varmor__V1__PolicyList *policies = (const void *)raw;
    const Varmor__V1__ProfileList *profiles = (const void *)raw;
    const Varmor__V1__NodeList *nodes = (const void *)raw;
    const Varmor__V1__BindingList *bindings = (const void *)raw;
    struct status_policy *p;
    struct status_profile *f;
    struct status_node *n;
    int r = 0;

    switch (out->resource) {
    case STATUS_POLICIES:
        out->n = policies->n_items;
        out->policies = p = arena_array(a, out->n, sizeof(*p));
        for (size_t i = 0; p && i < out->n && r == 0; i++)
            r = status_unpack_policy(a, &p[i], policies->items[i], reterr);
        return p ? r : -ENOMEM;
    case STATUS_PROFILES:
        out->n = profiles->n_items;
        out->profiles = f = arena_array(a, out->n, sizeof(*f));
        for (size_t i = 0; f && i < out->n && r == 0; i++)
            r = status_unpack_profile(&f[i], profiles->items[i], reterr);
        return f ? r : -ENOMEM;
    case STATUS_NODES:
        out->n = nodes->n_items;
        out->nodes = n = arena_array(a, out->n, sizeof(*n));
        for (size_t i = 0; n && i < out->n && r == 0; i++)
            r = status_unpack_node(a, &n[i], nodes->items[i], reterr);
        return n ? r : -ENOMEM;
    case STATUS_BINDINGS:
        out->n = bindings->n_items;
        return status_unpack_bindings(a, bindings->items, out->n, &out->bindings, reterr);
    case STATUS_NONE:
    case STATUS_RESOURCES:
        break;
    }
    return -EBADMSG;
}

int status_list_decode(struct status_list *ret, enum status_resource resource, const uint8_t *data,
                       size_t len, struct error **reterr)
{
    const ProtobufCMessageDescriptor *descriptor = status_list_descriptor(resource);
    CLEANUP(arena_free) struct arena *a = NULL;
    struct status_list l = {.resource = resource};
    ProtobufCMessage *raw;
    int r;

    if (!descriptor)
        return error_set(reterr, -EBADMSG, "%d is not a resource", (int)resource);
    r = message_unpack_checked(descriptor, data, len, &raw, &a, reterr);
    if (r == 0)
        r = status_unpack_list(a, &l, raw, reterr);
    if (r < 0)
        return r == -ENOMEM ? error_oom(reterr) : r;
    l.arena = TAKE(a);
    *ret = l;
    return 0;
}

void status_list_done(struct status_list *l)
{
    arena_free(l->arena);
    *l = (struct status_list){0};
}
