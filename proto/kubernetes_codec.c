/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/kubernetes_codec.h"

#include <errno.h>
#include <pb_decode.h>
#include <string.h>

#include "kubernetes/kubernetes.pb.h"
#include "lib/addr.h"
#include "lib/policy/manifest.h"
#include "lib/policy/policy_words.h"
#include "lib/policy/selector.h"

#define ADDRESS_TEXT_SIZE sizeof(((kubernetes_PodIP *)NULL)->ip)
#define VALUE_TEXT_SIZE   sizeof(((kubernetes_Text *)NULL)->value)
#define FIRST_CAPACITY    4

/* One object while it is decoded. A nanopb callback can only say "false"; why waits here. */
struct reader {
    struct object *object;
    struct manifest *m; /* the object's */
    size_t addresses_cap, ports_cap;
    size_t n_wrong; /* addresses that are none; a slice of domain names has them by right */
    char wrong[ADDRESS_TEXT_SIZE]; /* the first of them */
    int result;                    /* 0, or the negative errno of a callback, told in *reterr */
    struct error **reterr;
};

/* Where a callback's values go. */
struct place {
    struct reader *reader;
    struct labels *labels;
    struct selector *selector;
    struct expression *expression;
};

/* The values of one requirement of a selector. */
struct expression {
    char **values; /* owned */
    size_t n, cap;
};

static bool fail(struct reader *rd, int result)
{
    rd->result = result;
    return false;
}

static bool no_memory(struct reader *rd)
{
    return fail(rd, error_oom(rd->reterr));
}

/* Makes room for one more in *items. False: no memory. */
static bool grow(void *items, size_t n, size_t *cap, size_t size)
{
    void **slot = items, *grown;
    size_t more = *cap ? *cap * 2 : FIRST_CAPACITY;

    if (n < *cap)
        return true;
    grown = reallocarray(*slot, more, size);
    if (!grown)
        return false;
    *slot = grown;
    *cap = more;
    return true;
}

/* A text of a repeated field into text. */
static bool read_text(pb_istream_t *stream, char *text, size_t size)
{
    size_t len = stream->bytes_left;

    if (len >= size)
        PB_RETURN_ERROR(stream, "string overflow");
    text[len] = '\0';
    return pb_read(stream, (pb_byte_t *)text, len);
}

/* ---- Labels and selectors ---- */

static bool take_label(pb_istream_t *stream, const pb_field_t *field UNUSED, void **arg)
{
    kubernetes_Text text = kubernetes_Text_init_zero;
    const struct place *place = *arg;
    struct reader *rd = place->reader;
    int r;

    if (!pb_decode(stream, kubernetes_Text_fields, &text))
        return false;
    r = labels_put(place->labels, text.key, text.value);
    if (r == -ENOMEM)
        return no_memory(rd);
    return r == 0 || fail(rd, error_set(rd->reterr, -EBADMSG, "more than %d labels", LABELS_MAX));
}

static bool add_requirement(struct reader *rd, struct selector *selector, const char *key,
                            enum selector_operator op, const char *const *values, size_t n)
{
    int r = selector_add(selector, key, op, values, n, rd->reterr);

    if (r == -ENOMEM)
        return no_memory(rd);
    return r == 0 || fail(rd, error_wrap(rd->reterr, -EBADMSG, "spec.selector"));
}

static bool take_equal(pb_istream_t *stream, const pb_field_t *field UNUSED, void **arg)
{
    kubernetes_Text text = kubernetes_Text_init_zero;
    const struct place *place = *arg;
    const char *value = text.value;

    if (!pb_decode(stream, kubernetes_Text_fields, &text))
        return false;
    return add_requirement(place->reader, place->selector, text.key, SELECTOR_IN, &value, 1);
}

static bool take_value(pb_istream_t *stream, const pb_field_t *field UNUSED, void **arg)
{
    const struct place *place = *arg;
    struct expression *x = place->expression;
    char text[VALUE_TEXT_SIZE];

    if (!read_text(stream, text, sizeof(text)))
        return false;
    if (!grow(&x->values, x->n, &x->cap, sizeof(*x->values)))
        return no_memory(place->reader);
    x->values[x->n] = strdup(text);
    return x->values[x->n++] || no_memory(place->reader);
}

static void expression_done(struct expression *x)
{
    for (size_t i = 0; i < x->n; i++)
        free(x->values[i]);
    free(x->values);
}

static bool take_expression(pb_istream_t *stream, const pb_field_t *field UNUSED, void **arg)
{
    const struct place *place = *arg;
    struct reader *rd = place->reader;
    struct expression x = {0};
    struct place values = {.reader = rd, .expression = &x};
    kubernetes_Expression e = kubernetes_Expression_init_zero;
    const struct word *op = NULL;
    bool done;

    e.values = (pb_callback_t){.funcs.decode = take_value, .arg = &values};
    done = pb_decode(stream, kubernetes_Expression_fields, &e);
    if (done)
        op = words_find(&selector_operator_words, e.operator);
    if (done && !op)
        done = fail(rd, error_set(rd->reterr, -EBADMSG, "spec.selector: '%s' is not an operator",
                                  error_quote(e.operator)));
    if (done)
        done = add_requirement(rd, place->selector, e.key, (enum selector_operator)op->value,
                               (const char *const *)x.values, x.n);
    expression_done(&x);
    return done;
}

/* ---- Addresses and ports ---- */

/* "None" and the empty text stand for no address: a headless service, a pod without one yet. */
static bool add_address(struct reader *rd, const char *text)
{
    struct manifest *m = rd->m;
    struct addr a;

    if (!*text || strcmp(text, "None") == 0)
        return true;
    if (addr_parse(&a, text) < 0) {
        if (rd->n_wrong++ == 0)
            memcpy(rd->wrong, text, strlen(text) + 1);
        return true;
    }
    if (m->n_addresses == KUBERNETES_MAX_ADDRESSES)
        return fail(rd, error_set(rd->reterr, -EBADMSG, "more than %d addresses",
                                  KUBERNETES_MAX_ADDRESSES));
    if (!grow(&m->addresses, m->n_addresses, &rd->addresses_cap, sizeof(a)))
        return no_memory(rd);
    m->addresses[m->n_addresses++] = a;
    return true;
}

/* A text that is too long for an address is none: of a domain name its first part is enough to tell. */
static bool take_address(pb_istream_t *stream, const pb_field_t *field UNUSED, void **arg)
{
    const struct place *place = *arg;
    char text[ADDRESS_TEXT_SIZE];
    size_t kept = MIN(stream->bytes_left, sizeof(text) - 1);

    text[kept] = '\0';
    if (!pb_read(stream, (pb_byte_t *)text, kept) || !pb_read(stream, NULL, stream->bytes_left))
        return false;
    return add_address(place->reader, text);
}

static bool take_pod_ip(pb_istream_t *stream, const pb_field_t *field UNUSED, void **arg)
{
    kubernetes_PodIP ip = kubernetes_PodIP_init_zero;
    const struct place *place = *arg;

    return pb_decode(stream, kubernetes_PodIP_fields, &ip) && add_address(place->reader, ip.ip);
}

static bool take_endpoint(pb_istream_t *stream, const pb_field_t *field UNUSED, void **arg)
{
    kubernetes_Endpoint endpoint = kubernetes_Endpoint_init_zero;

    endpoint.addresses = (pb_callback_t){.funcs.decode = take_address, .arg = *arg};
    return pb_decode(stream, kubernetes_Endpoint_fields, &endpoint);
}

static bool take_port(pb_istream_t *stream, const pb_field_t *field UNUSED, void **arg)
{
    kubernetes_Port port = kubernetes_Port_init_zero;
    const struct place *place = *arg;
    struct reader *rd = place->reader;
    struct manifest *m = rd->m;

    if (!pb_decode(stream, kubernetes_Port_fields, &port))
        return false;
    if (port.port == 0)
        return true; /* a slice's entry without a number */
    if (port.port < 0 || port.port > UINT16_MAX)
        return fail(rd, error_set(rd->reterr, -EBADMSG, "%d is not a port: 1 to %d", (int)port.port,
                                  UINT16_MAX));
    if (!grow(&m->ports, m->n_ports, &rd->ports_cap, sizeof(*m->ports)))
        return no_memory(rd);
    m->ports[m->n_ports++] = (struct port_range){(uint16_t)port.port, (uint16_t)port.port};
    return true;
}

/* ---- Kinds ---- */

static int decode(struct reader *rd, const pb_msgdesc_t *fields, void *message, const uint8_t *data,
                  size_t len)
{
    pb_istream_t stream = pb_istream_from_buffer(data, len);

    if (pb_decode(&stream, fields, message))
        return 0;
    return rd->result < 0 ? rd->result
                          : error_set(rd->reterr, -EBADMSG, "%s", PB_GET_ERROR(&stream));
}

static pb_callback_t into(bool (*take)(pb_istream_t *, const pb_field_t *, void **),
                          struct place *place)
{
    return (pb_callback_t){.funcs.decode = take, .arg = place};
}

static int take_names(struct reader *rd, const kubernetes_Metadata *metadata)
{
    if (!*metadata->name)
        return error_set(rd->reterr, -EBADMSG, "metadata.name is missing");
    rd->object->name = strdup(metadata->name);
    rd->object->name_space = strdup(metadata->namespace);
    return rd->object->name && rd->object->name_space ? 0 : error_oom(rd->reterr);
}

static int require_addresses(struct reader *rd, const char *where)
{
    if (rd->n_wrong > 0)
        return error_set(rd->reterr, -EBADMSG, "%s: '%s' is not an IP address", where,
                         error_quote(rd->wrong));
    return 0;
}

static int decode_pod(struct reader *rd, const uint8_t *data, size_t len)
{
    kubernetes_Pod pod = kubernetes_Pod_init_zero;
    struct place place = {.reader = rd, .labels = rd->m->labels};
    int r;

    pod.metadata.labels = into(take_label, &place);
    pod.status.pod_ips = into(take_pod_ip, &place);
    r = decode(rd, kubernetes_Pod_fields, &pod, data, len);
    if (r == 0 && rd->m->n_addresses == 0 && rd->n_wrong == 0 &&
        !add_address(rd, pod.status.pod_ip))
        r = rd->result;
    if (r == 0)
        r = require_addresses(rd, "status.podIPs");
    if (r < 0)
        return r;
    if (!pod_addresses_count(pod.status.phase, pod.spec.host_network))
        rd->m->n_addresses = 0;
    return take_names(rd, &pod.metadata);
}

static int decode_namespace(struct reader *rd, const uint8_t *data, size_t len)
{
    kubernetes_Namespace ns = kubernetes_Namespace_init_zero;
    struct place place = {.reader = rd, .labels = rd->m->labels};
    int r;

    ns.metadata.labels = into(take_label, &place);
    r = decode(rd, kubernetes_Namespace_fields, &ns, data, len);
    return r < 0 ? r : take_names(rd, &ns.metadata);
}

static int decode_service(struct reader *rd, const uint8_t *data, size_t len)
{
    kubernetes_Service service = kubernetes_Service_init_zero;
    struct place place = {.reader = rd, .labels = rd->m->labels, .selector = rd->m->selector};
    int r;

    service.metadata.labels = into(take_label, &place);
    service.spec.selector = into(take_equal, &place);
    service.spec.ports = into(take_port, &place);
    service.spec.cluster_ips = into(take_address, &place);
    r = decode(rd, kubernetes_Service_fields, &service, data, len);
    if (r == 0 && rd->m->n_addresses == 0 && rd->n_wrong == 0 &&
        !add_address(rd, service.spec.cluster_ip))
        r = rd->result;
    if (r == 0)
        r = require_addresses(rd, "spec.clusterIPs");
    return r < 0 ? r : take_names(rd, &service.metadata);
}

static int decode_slice(struct reader *rd, const uint8_t *data, size_t len)
{
    kubernetes_EndpointSlice slice = kubernetes_EndpointSlice_init_zero;
    struct place place = {.reader = rd, .labels = rd->m->labels};
    int r;

    slice.metadata.labels = into(take_label, &place);
    slice.endpoints = into(take_endpoint, &place);
    slice.ports = into(take_port, &place);
    r = decode(rd, kubernetes_EndpointSlice_fields, &slice, data, len);
    if (r < 0)
        return r;
    if (strcmp(slice.address_type, "FQDN") == 0)
        rd->m->n_addresses = 0;
    else
        r = require_addresses(rd, "endpoints");
    return r < 0 ? r : take_names(rd, &slice.metadata);
}

/* A workload's parts, which Deployments and DaemonSets have under other numbers. */
static void take_workload(struct place *own, struct place *template_place,
                          kubernetes_Metadata *metadata, kubernetes_Selector *selector,
                          kubernetes_Template *template)
{
    metadata->labels = into(take_label, own);
    selector->match_labels = into(take_equal, own);
    selector->match_expressions = into(take_expression, own);
    template->metadata.labels = into(take_label, template_place);
}

static int decode_workload(struct reader *rd, const uint8_t *data, size_t len)
{
    struct place own = {.reader = rd, .labels = rd->m->labels, .selector = rd->m->selector};
    struct place template_place = {.reader = rd, .labels = rd->m->template_labels};
    kubernetes_Workload w = kubernetes_Workload_init_zero;
    kubernetes_DaemonSet d = kubernetes_DaemonSet_init_zero;
    bool is_daemon_set = rd->object->kind == OBJECT_DAEMONSET, has_selector;
    int r;

    if (is_daemon_set) {
        take_workload(&own, &template_place, &d.metadata, &d.spec.selector, &d.spec.template);
        r = decode(rd, kubernetes_DaemonSet_fields, &d, data, len);
        has_selector = d.has_spec && d.spec.has_selector;
    } else {
        take_workload(&own, &template_place, &w.metadata, &w.spec.selector, &w.spec.template);
        r = decode(rd, kubernetes_Workload_fields, &w, data, len);
        has_selector = w.has_spec && w.spec.has_selector;
    }
    if (r < 0)
        return r;
    if (!has_selector)
        return error_set(rd->reterr, -EBADMSG, "spec.selector is missing");
    return take_names(rd, is_daemon_set ? &d.metadata : &w.metadata);
}

typedef int (*decode_function_of_kind)(struct reader *rd, const uint8_t *data, size_t len);

static const struct {
    decode_function_of_kind decode;
    bool has_selector, has_template;
} kinds[OBJECT_KINDS] = {
    [OBJECT_POD] = {.decode = decode_pod},
    [OBJECT_NAMESPACE] = {.decode = decode_namespace},
    [OBJECT_SERVICE] = {.decode = decode_service, .has_selector = true},
    [OBJECT_ENDPOINT_SLICE] = {.decode = decode_slice},
    [OBJECT_DEPLOYMENT] = {.decode = decode_workload, .has_selector = true, .has_template = true},
    [OBJECT_STATEFULSET] = {.decode = decode_workload, .has_selector = true, .has_template = true},
    [OBJECT_DAEMONSET] = {.decode = decode_workload, .has_selector = true, .has_template = true},
};

bool kubernetes_decodes(enum object_kind kind)
{
    return kind < OBJECT_KINDS && kinds[kind].decode;
}

/* What the callbacks of a kind fill. False: no memory. */
static bool reader_prepare(struct reader *rd)
{
    enum object_kind kind = rd->object->kind;

    rd->m = rd->object->manifest = manifest_new();
    if (!rd->m)
        return false;
    if (kinds[kind].has_selector)
        rd->m->selector = selector_new();
    if (kinds[kind].has_template)
        rd->m->template_labels = labels_new();
    return (rd->m->selector || !kinds[kind].has_selector) &&
           (rd->m->template_labels || !kinds[kind].has_template);
}

int kubernetes_decode(struct object *ret, enum object_kind kind, const uint8_t *data, size_t len,
                      struct error **reterr)
{
    struct object o = {.kind = kind};
    struct reader rd = {.object = &o, .reterr = reterr};
    int r = reader_prepare(&rd) ? kinds[kind].decode(&rd, data, len) : error_oom(reterr);

    if (r == 0)
        r = manifest_trim(o.manifest) < 0 ? error_oom(reterr) : 0;
    if (r < 0) {
        object_done(&o);
        return r;
    }
    *ret = o;
    return 0;
}
