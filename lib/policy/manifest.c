/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/manifest.h"

#include <errno.h>
#include <string.h>

#include "lib/policy/findings.h"
#include "lib/policy/metadata.h"

#define FIRST_CAPACITY 4

#define LENIENT_SCHEMA(name)                                                                       \
    {                                                                                              \
        .fields = name##_fields, .n_fields = ARRAY_SIZE(name##_fields),                            \
        .size = sizeof(struct manifest), .lenient = true                                           \
    }

struct manifest *manifest_new(void)
{
    CLEANUP(manifest_free) struct manifest *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->labels = labels_new();
    return m->labels ? TAKE(m) : NULL;
}

struct manifest *manifest_free(struct manifest *m)
{
    if (!m)
        return NULL;
    free(m->ports);
    free(m->addresses);
    labels_free(m->template_labels);
    selector_free(m->selector);
    labels_free(m->labels);
    free(m);
    return NULL;
}

bool pod_addresses_count(const char *phase, bool host_network)
{
    return !host_network && strcmp(phase, "Succeeded") != 0 && strcmp(phase, "Failed") != 0;
}

static bool selectors_equal(const struct selector *a, const struct selector *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(selector_text(a), selector_text(b)) == 0;
}

static bool addresses_equal(const struct manifest *a, const struct manifest *b)
{
    if (a->n_addresses != b->n_addresses)
        return false;
    for (size_t i = 0; i < a->n_addresses; i++)
        if (!addr_equal(&a->addresses[i], &b->addresses[i]))
            return false;
    return true;
}

static bool ports_equal(const struct manifest *a, const struct manifest *b)
{
    if (a->n_ports != b->n_ports)
        return false;
    for (size_t i = 0; i < a->n_ports; i++)
        if (a->ports[i].first != b->ports[i].first || a->ports[i].last != b->ports[i].last)
            return false;
    return true;
}

bool manifest_equal(const struct manifest *a, const struct manifest *b)
{
    return addresses_equal(a, b) && ports_equal(a, b) && labels_equal(a->labels, b->labels) &&
           labels_equal(a->template_labels, b->template_labels) &&
           selectors_equal(a->selector, b->selector);
}

/* Makes *items as large as its n elements; an array that cannot be moved stays. */
static void trim(void *items, size_t n, size_t size)
{
    void **slot = items, *less;

    if (n == 0) {
        free(*slot);
        *slot = NULL;
        return;
    }
    less = reallocarray(*slot, n, size);
    if (less)
        *slot = less;
}

int manifest_trim(struct manifest *m)
{
    CLEANUP(labels_free) struct labels *labels = labels_pack(m->labels);
    CLEANUP(labels_free) struct labels *template_labels = NULL;

    if (m->template_labels)
        template_labels = labels_pack(m->template_labels);
    if (!labels || (m->template_labels && !template_labels))
        return -ENOMEM;
    labels_free(m->labels);
    labels_free(m->template_labels);
    m->labels = TAKE(labels);
    m->template_labels = TAKE(template_labels);
    trim(&m->addresses, m->n_addresses, sizeof(*m->addresses));
    trim(&m->ports, m->n_ports, sizeof(*m->ports));
    return 0;
}

/* Room for one more of size bytes in *items, whose capacity is the next power of two, from
 * FIRST_CAPACITY on. */
static int grow(void *items, size_t n, size_t size)
{
    void **slot = items;
    size_t cap = FIRST_CAPACITY;
    void *grown;

    while (cap < n)
        cap *= 2;
    if (*slot && n < cap)
        return 0;
    grown = reallocarray(*slot, *slot ? cap * 2 : cap, size);
    if (!grown)
        return -ENOMEM;
    *slot = grown;
    return 0;
}

/* ---- Addresses and ports ---- */

/* "None" and the empty text stand for no address: a headless service, a pod without one yet. */
static int decode_address(struct decoder *d, const struct node *value, const struct field *f UNUSED,
                          void *object)
{
    struct manifest *m = object;
    const char *text = decoder_text(d, value);
    struct addr a;

    if (!text || !*text || strcmp(text, "None") == 0)
        return 0;
    if (addr_parse(&a, text) < 0) {
        decoder_error(d, value, "'%s' is not an IP address", error_quote(text));
        return 0;
    }
    if (grow(&m->addresses, m->n_addresses, sizeof(a)) < 0)
        return -ENOMEM;
    m->addresses[m->n_addresses++] = a;
    return 0;
}
static const struct value_type address_type = {.decode = decode_address, .shape = SHAPE_NONE};

static int decode_addresses(struct decoder *d, const struct node *value, const struct field *f,
                            void *object)
{
    size_t i = 0;

    if (value->kind != NODE_LIST) {
        decoder_mismatch(d, value, "a list of addresses");
        return 0;
    }
    NODE_FOREACH(child, value)
    {
        size_t mark;
        int r = decoder_enter_index(d, i++, &mark);

        if (r == 0)
            r = decode_address(d, child, f, object);
        if (r < 0)
            return r;
        decoder_leave(d, mark);
    }
    return 0;
}
static const struct value_type addresses_type = {.decode = decode_addresses, .shape = SHAPE_NONE};

/* A list of objects that all add to one manifest. param: struct schema. */
static int decode_each(struct decoder *d, const struct node *value, const struct field *f,
                       void *object)
{
    size_t i = 0;

    if (value->kind == NODE_SCALAR && node_scalar_type(value) == SCALAR_NULL)
        return 0; /* the API server prints an empty list in this way */
    if (value->kind != NODE_LIST) {
        decoder_mismatch(d, value, "a list of objects");
        return 0;
    }
    NODE_FOREACH(child, value)
    {
        size_t mark;
        int r = decoder_enter_index(d, i++, &mark);

        if (r == 0)
            r = decoder_struct(d, child, f->param, object);
        if (r < 0)
            return r;
        decoder_leave(d, mark);
    }
    return 0;
}
static const struct value_type each_type = {.decode = decode_each, .shape = SHAPE_NONE};

static int decode_port(struct decoder *d, const struct node *value, const struct field *f UNUSED,
                       void *object)
{
    static const struct number port = {.min = 1, .max = UINT16_MAX, .what = "a port"};
    struct manifest *m = object;
    uint64_t number;
    bool given;

    if (value->kind == NODE_SCALAR && node_scalar_type(value) == SCALAR_NULL)
        return 0; /* a slice's entry without a number */
    decoder_number(d, value, &port, &number, &given);
    if (!given)
        return 0;
    if (grow(&m->ports, m->n_ports, sizeof(*m->ports)) < 0)
        return -ENOMEM;
    m->ports[m->n_ports++] = (struct port_range){(uint16_t)number, (uint16_t)number};
    return 0;
}
static const struct value_type port_type = {.decode = decode_port, .shape = SHAPE_NONE};

static const struct field port_fields[] = {{.name = "port", .type = &port_type}};
static const struct schema port_schema = LENIENT_SCHEMA(port);

/* ---- Metadata ---- */

static const struct field labelled_fields[] = {
    {.name = "labels", .type = &labels_type, .offset = offsetof(struct manifest, labels)}};
static const struct schema labelled_schema = LENIENT_SCHEMA(labelled);

#define METADATA_ROW                                                                               \
    {                                                                                              \
        .name = "metadata", .type = &object_type, .param = &labelled_schema, .required = true      \
    }

/* ---- Pod, Namespace ---- */

static const struct field pod_ip_fields[] = {{.name = "ip", .type = &address_type}};
static const struct schema pod_ip_schema = LENIENT_SCHEMA(pod_ip);

/* podIP repeats the first of podIPs. */
static int decode_pod_status(struct decoder *d, const struct node *value,
                             const struct field *f UNUSED, void *object)
{
    static const struct field all[] = {
        {.name = "podIPs", .type = &each_type, .param = &pod_ip_schema}};
    static const struct field first[] = {{.name = "podIP", .type = &address_type}};
    const struct schema schema = {
        .fields = node_find(value, "podIPs") ? all : first, .n_fields = 1, .lenient = true};

    return decoder_struct(d, value, &schema, object);
}
static const struct value_type pod_status_type = {.decode = decode_pod_status, .shape = SHAPE_NONE};

static const struct field pod_fields[] = {
    METADATA_ROW,
    {.name = "status", .type = &pod_status_type},
};

/* The text of a scalar; "" if it is none, or is not there. */
static const char *scalar_text(const struct node *n)
{
    return n && n->kind == NODE_SCALAR ? n->text : "";
}

static int check_pod(struct decoder *d UNUSED, const struct node *map, void *object)
{
    const char *network = scalar_text(node_find(node_find(map, "spec"), "hostNetwork"));
    const char *phase = scalar_text(node_find(node_find(map, "status"), "phase"));
    struct manifest *m = object;

    if (!pod_addresses_count(phase, strcmp(network, "true") == 0))
        m->n_addresses = 0;
    return 0;
}

const struct schema pod_schema = {
    .fields = pod_fields,
    .n_fields = ARRAY_SIZE(pod_fields),
    .size = sizeof(struct manifest),
    .lenient = true,
    .check = check_pod,
};

static const struct field namespace_fields[] = {METADATA_ROW};
const struct schema namespace_schema = LENIENT_SCHEMA(namespace);

/* ---- Service, EndpointSlice ---- */

/* clusterIP repeats the first of clusterIPs. */
static int decode_service_spec(struct decoder *d, const struct node *value,
                               const struct field *f UNUSED, void *object)
{
    static const struct field fields[] = {
        {.name = "selector",
         .type = &label_map_selector_type,
         .offset = offsetof(struct manifest, selector)},
        {.name = "ports", .type = &each_type, .param = &port_schema},
        {.name = "clusterIPs", .type = &addresses_type},
        {.name = "clusterIP", .type = &address_type},
    };
    const struct schema schema = {.fields = fields,
                                  .n_fields =
                                      ARRAY_SIZE(fields) - (node_find(value, "clusterIPs") ? 1 : 0),
                                  .lenient = true};

    return decoder_struct(d, value, &schema, object);
}
static const struct value_type service_spec_type = {.decode = decode_service_spec,
                                                    .shape = SHAPE_NONE};

static const struct field service_fields[] = {
    METADATA_ROW,
    {.name = "spec", .type = &service_spec_type, .required = true},
};
const struct schema service_schema = LENIENT_SCHEMA(service);

static const struct field endpoint_fields[] = {{.name = "addresses", .type = &addresses_type}};
static const struct schema endpoint_schema = LENIENT_SCHEMA(endpoint);

static const struct field slice_fields[] = {
    METADATA_ROW,
    {.name = "ports", .type = &each_type, .param = &port_schema},
    {.name = "endpoints", .type = &each_type, .param = &endpoint_schema},
};
const struct schema endpoint_slice_schema = LENIENT_SCHEMA(slice);

/* A slice of domain names: the same without the endpoints, which have no addresses. */
static const struct field fqdn_slice_fields[] = {
    METADATA_ROW,
    {.name = "ports", .type = &each_type, .param = &port_schema},
};
const struct schema fqdn_slice_schema = LENIENT_SCHEMA(fqdn_slice);

/* ---- Workloads ---- */

static const struct field template_labels_fields[] = {
    {.name = "labels", .type = &labels_type, .offset = offsetof(struct manifest, template_labels)}};
static const struct schema template_labels_schema = LENIENT_SCHEMA(template_labels);

static const struct field template_fields[] = {
    {.name = "metadata", .type = &object_type, .param = &template_labels_schema}};
static const struct schema template_schema = LENIENT_SCHEMA(template);

static int check_workload(struct decoder *d UNUSED, const struct node *map UNUSED, void *object)
{
    struct manifest *m = object;

    if (!m->template_labels)
        m->template_labels = labels_new();
    return m->template_labels ? 0 : -ENOMEM;
}

static const struct field workload_spec_fields[] = {
    {.name = "selector",
     .type = &selector_type,
     .offset = offsetof(struct manifest, selector),
     .required = true},
    {.name = "template", .type = &object_type, .param = &template_schema, .required = true},
};
static const struct schema workload_spec_schema = LENIENT_SCHEMA(workload_spec);

static const struct field workload_fields[] = {
    METADATA_ROW,
    {.name = "spec", .type = &object_type, .param = &workload_spec_schema, .required = true},
};
const struct schema workload_schema = {
    .fields = workload_fields,
    .n_fields = ARRAY_SIZE(workload_fields),
    .size = sizeof(struct manifest),
    .lenient = true,
    .check = check_workload,
};
