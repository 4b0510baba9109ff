/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/peers.h"

#include <errno.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/policy/object_table.h"
#include "profiles/builder.h"

#define SERVICE_NAME_LABEL "kubernetes.io/service-name" /* of a slice: whose endpoints it has */

struct peers {
    struct object_table services, slices, pods; /* borrowed */
    struct arena *arena; /* owned: the view below; NULL: it has to be made anew */
    const struct builder_service *view_services;
    const struct builder_pod *view_pods;
    size_t n_view_services, n_view_pods;
};

struct peers *peers_new(void)
{
    return calloc(1, sizeof(struct peers));
}

struct peers *peers_free(struct peers *p)
{
    if (!p)
        return NULL;
    arena_free(p->arena);
    object_table_done(&p->pods);
    object_table_done(&p->slices);
    object_table_done(&p->services);
    free(p);
    return NULL;
}

/* ---- Changes ---- */

/* Where objects of a kind are kept; NULL: they are none of ours. */
static struct object_table *peers_of_kind(struct peers *p, enum object_kind kind)
{
    switch (kind) {
    case OBJECT_SERVICE:
        return &p->services;
    case OBJECT_ENDPOINT_SLICE:
        return &p->slices;
    case OBJECT_POD:
        return &p->pods;
    default:
        return NULL;
    }
}

bool peers_wants(enum object_kind kind)
{
    return kind == OBJECT_SERVICE || kind == OBJECT_ENDPOINT_SLICE || kind == OBJECT_POD;
}

const struct object *peers_find(struct peers *p, const struct object *o)
{
    const struct object_table *table = peers_of_kind(p, o->kind);

    return table ? object_table_find(table, o->name_space, o->name) : NULL;
}

const char *peers_service_of(const struct object *o)
{
    if (o->kind == OBJECT_SERVICE)
        return o->name;
    return o->kind == OBJECT_ENDPOINT_SLICE ? labels_get(o->manifest->labels, SERVICE_NAME_LABEL)
                                            : NULL;
}

int peers_put(struct peers *p, const struct object *o)
{
    struct object_table *table = peers_of_kind(p, o->kind);
    struct object *before;

    p->arena = arena_free(p->arena);
    if (table->n == PEERS_MAX_OBJECTS && !object_table_find(table, o->name_space, o->name))
        return -E2BIG;
    return object_table_put(table, (struct object *)o, &before);
}

void peers_drop(struct peers *p, const struct object *o)
{
    p->arena = arena_free(p->arena);
    object_table_take(peers_of_kind(p, o->kind), o->name_space, o->name);
}

/* ---- The view ---- */

static int addr_order(const void *a, const void *b)
{
    const struct addr *x = a, *y = b;

    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    return memcmp(x->bytes, y->bytes, sizeof(x->bytes));
}

static int port_order(const void *a, const void *b)
{
    const struct port_range *x = a, *y = b;

    return x->first != y->first ? x->first - y->first : x->last - y->last;
}

/* A sorted copy without repetitions; the length of the copy is in *n. NULL: no memory. */
static void *sorted_copy(struct arena *a, const void *items, size_t *n, size_t size,
                         int (*order)(const void *, const void *))
{
    char *copy = arena_array(a, *n, size);
    size_t kept = 0;

    if (!copy || *n == 0)
        return copy;
    memcpy(copy, items, *n * size);
    qsort(copy, *n, size, order);
    for (size_t i = 1; i < *n; i++)
        if (order(copy + kept * size, copy + i * size) != 0)
            memmove(copy + ++kept * size, copy + i * size, size);
    *n = kept + 1;
    return copy;
}

static const struct addr *sorted_addresses(struct arena *a, const struct manifest *m, size_t *ret_n)
{
    *ret_n = m->n_addresses;
    if (m->n_addresses == 1)
        return m->addresses;
    return sorted_copy(a, m->addresses, ret_n, sizeof(*m->addresses), addr_order);
}

/* One object that says something of a service. */
struct service_part {
    const char *service; /* its name */
    const struct object *object;
};

static int part_order(const void *a, const void *b)
{
    const struct service_part *x = a, *y = b;
    int order = strcmp(x->object->name_space, y->object->name_space);

    if (order == 0)
        order = strcmp(x->service, y->service);
    if (order == 0 && x->object->kind != y->object->kind)
        return x->object->kind == OBJECT_SERVICE ? -1 : 1;
    return order ? order : strcmp(x->object->name, y->object->name);
}

/* Services and the slices that belong to one, so that those of one service stand together. */
static size_t collect_parts(const struct peers *p, struct service_part *parts)
{
    const struct object *o;
    size_t n = 0;

    for (size_t at = 0; (o = object_table_next(&p->services, &at));)
        parts[n++] = (struct service_part){.service = o->name, .object = o};
    for (size_t at = 0; (o = object_table_next(&p->slices, &at));) {
        const char *service = peers_service_of(o);

        if (service)
            parts[n++] = (struct service_part){.service = service, .object = o};
    }
    qsort(parts, n, sizeof(*parts), part_order);
    return n;
}

static int add_endpoints(struct arena *a, struct builder_endpoints *to, const struct manifest *m)
{
    to->addresses = sorted_addresses(a, m, &to->n_addresses);
    to->n_ports = m->n_ports;
    to->ports = sorted_copy(a, m->ports, &to->n_ports, sizeof(*m->ports), port_order);
    return to->addresses && to->ports ? 0 : -ENOMEM;
}

/* Makes a service of its n parts. */
static int add_service(struct arena *a, struct builder_service *to,
                       const struct service_part *parts, size_t n)
{
    struct builder_endpoints *endpoints = arena_array(a, n, sizeof(*endpoints));
    const struct object *first = parts[0].object;
    int r = endpoints ? 0 : -ENOMEM;

    *to = (struct builder_service){.name_space = first->name_space,
                                   .name = parts[0].service,
                                   .labels = first->manifest->labels,
                                   .endpoints = endpoints};
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct manifest *m = parts[i].object->manifest;

        if (parts[i].object->kind == OBJECT_SERVICE) {
            to->cluster_ips = sorted_addresses(a, m, &to->n_cluster_ips);
            r = to->cluster_ips ? 0 : -ENOMEM;
        } else if (m->n_addresses > 0) {
            r = add_endpoints(a, &endpoints[to->n_endpoints++], m);
        }
    }
    return r;
}

static int view_services(struct peers *p, struct arena *a)
{
    size_t max = p->services.n + p->slices.n, n, end, n_services = 0;
    struct service_part *parts = arena_array(a, max, sizeof(*parts));
    struct builder_service *services = arena_array(a, max, sizeof(*services));

    if (!parts || !services)
        return -ENOMEM;
    n = collect_parts(p, parts);
    for (size_t i = 0; i < n; i = end) {
        for (end = i + 1; end < n; end++)
            if (strcmp(parts[end].service, parts[i].service) != 0 ||
                strcmp(parts[end].object->name_space, parts[i].object->name_space) != 0)
                break;
        if (add_service(a, &services[n_services++], &parts[i], end - i) < 0)
            return -ENOMEM;
    }
    p->view_services = services;
    p->n_view_services = n_services;
    return 0;
}

static int view_pods(struct peers *p, struct arena *a)
{
    struct builder_pod *pods = arena_array(a, p->pods.n, sizeof(*pods));
    const struct object *o;
    size_t n = 0;

    if (!pods)
        return -ENOMEM;
    for (size_t at = 0; (o = object_table_next(&p->pods, &at));) {
        struct builder_pod *pod = &pods[n];

        if (o->manifest->n_addresses == 0)
            continue;
        *pod = (struct builder_pod){
            .name_space = o->name_space, .name = o->name, .labels = o->manifest->labels};
        pod->addresses = sorted_addresses(a, o->manifest, &pod->n_addresses);
        if (!pod->addresses)
            return -ENOMEM;
        n++;
    }
    p->view_pods = pods;
    p->n_view_pods = n;
    return 0;
}

int peers_tell(struct peers *p, struct builder_facts *facts)
{
    if (!p->arena) {
        CLEANUP(arena_free)
        struct arena *a = arena_new(SIZE_MAX / 2); /* PEERS_MAX_OBJECTS bounds */

        if (!a || view_services(p, a) < 0 || view_pods(p, a) < 0)
            return -ENOMEM;
        p->arena = TAKE(a);
    }
    facts->services = p->view_services;
    facts->n_services = p->n_view_services;
    facts->pods = p->view_pods;
    facts->n_pods = p->n_view_pods;
    return 0;
}
