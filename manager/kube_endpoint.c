/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/kube/kube_path.h"
#include "manager/kube_text.h"
#include "manager/kube_profile_json.h"
#include "manager/kube_writer.h"

#define LETTER     'l'
#define PORT_NAME  "status" /* that of the Service's port */
#define MANAGED_BY "manager.varmor.org"
#define NAME_SIZE  256

struct kube_endpoint {
    struct kube_writer *writer;
    struct buf path, body; /* owned; what is applied never changes */
    char key[NAME_SIZE + 16];
};

/* The family is a part of the name, as an EndpointSlice has one for life. False: it is no address. */
static bool family_of(const char *address, const char **ret_type, const char **ret_suffix)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    bool is_v4 = inet_pton(AF_INET, address, bytes) == 1;

    *ret_type = is_v4 ? "IPv4" : "IPv6";
    *ret_suffix = is_v4 ? "-ipv4" : "-ipv6";
    return is_v4 || inet_pton(AF_INET6, address, bytes) == 1;
}

static int format_body(struct buf *body, const struct kube_endpoint_place *place, const char *name,
                       const char *type)
{
    CLEANUP_FREE char *text = NULL;
    CLEANUP(json_decref) json_t *owners = json_loads(place->owners, 0, NULL);
    CLEANUP(json_decref)
    json_t *json = json_pack(
        "{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s}}, s:s, s:[{s:s, s:s, s:i}], "
        "s:[{s:[s], s:{s:b}}]}",
        "apiVersion", "discovery.k8s.io/v1", "kind", "EndpointSlice", "metadata", "name", name,
        "namespace", place->name_space, "labels", "kubernetes.io/service-name", place->service,
        "endpointslice.kubernetes.io/managed-by", MANAGED_BY, "addressType", type, "ports", "name",
        PORT_NAME, "protocol", "TCP", "port", (int)place->port, "endpoints", "addresses",
        place->address, "conditions", "ready", 1);

    if (!json || !owners)
        return -ENOMEM;
    if (json_array_size(owners) > 0 &&
        json_object_set(json_object_get(json, "metadata"), "ownerReferences", owners) < 0)
        return -ENOMEM;
    text = json_dumps(json, JSON_COMPACT);
    return text ? buf_add_text(body, text) : -ENOMEM;
}

int kube_endpoint_format(struct buf *path, struct buf *body,
                         const struct kube_endpoint_place *place, struct error **reterr)
{
    const char *type, *suffix;
    char name[NAME_SIZE];
    const struct kube_path parts = {.group = "discovery.k8s.io",
                                    .version = "v1",
                                    .resource = "endpointslices",
                                    .name_space = place->name_space,
                                    .name = name};
    int r;

    if (!family_of(place->address, &type, &suffix))
        return error_set(reterr, -EINVAL, "'%s' is not an IP address", error_quote(place->address));
    if (snprintf(name, sizeof(name), "%s%s", place->service, suffix) >= (int)sizeof(name))
        return error_set(reterr, -EINVAL, "the Service's name '%s' is too long",
                         error_quote(place->service));
    r = kube_path_add(path, &parts);
    if (r == 0)
        r = kube_path_query(path, "fieldManager", KUBE_FIELD_MANAGER);
    if (r == 0)
        r = kube_path_query(path, "force", "true");
    return r < 0 ? r : format_body(body, place, name, type);
}

/* ---- Writing ---- */

static enum write_outcome endpoint_make(const char *key UNUSED, struct kube_write *ret,
                                        uint64_t *ret_delay_ns UNUSED, void *data)
{
    const struct kube_endpoint *e = data;

    ret->method = "PATCH";
    ret->content_type = "application/apply-patch+yaml";
    ret->path = strdup(buf_text(&e->path));
    ret->body = strdup(buf_text(&e->body));
    return ret->path && ret->body ? WRITE_DONE : WRITE_AGAIN;
}

/* Whatever is wrong, agents find nobody: it is tried for ever. */
static enum write_outcome endpoint_answered(const char *key UNUSED, const struct kube_answer *a,
                                            void *data UNUSED)
{
    return a->status == 200 || a->status == 201 ? WRITE_DONE : WRITE_AGAIN;
}

void kube_endpoint_lead(struct kube_endpoint *e)
{
    if (e)
        kube_writer_touch(e->writer, e->key);
}

/* ---- Life ---- */

int kube_endpoint_new(struct kube_endpoint **ret, struct kube_writer *writer,
                      const struct kube_endpoint_place *place, struct error **reterr)
{
    CLEANUP(kube_endpoint_free) struct kube_endpoint *e = calloc(1, sizeof(*e));
    int r;

    if (!e)
        return error_oom(reterr);
    e->writer = writer;
    e->path = BUF_INIT(KUBE_ENDPOINT_MAX_BYTES);
    e->body = BUF_INIT(KUBE_ENDPOINT_MAX_BYTES);
    r = kube_endpoint_format(&e->path, &e->body, place, reterr);
    if (r < 0)
        return r == -ENOMEM ? error_oom(reterr) : r;
    snprintf(e->key, sizeof(e->key), "%cEndpointSlice/%.*s", LETTER, NAME_SIZE - 1, place->service);
    kube_writer_add_kind(writer, LETTER,
                         &(struct kube_writer_kind){
                             .make = endpoint_make, .answered = endpoint_answered, .data = e});
    *ret = TAKE(e);
    return 0;
}

struct kube_endpoint *kube_endpoint_free(struct kube_endpoint *e)
{
    if (!e)
        return NULL;
    buf_done(&e->path);
    buf_done(&e->body);
    free(e);
    return NULL;
}
