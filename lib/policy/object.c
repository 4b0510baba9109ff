/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/object.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/map.h"
#include "lib/policy/custom_resource.h"
#include "lib/policy/document.h"
#include "lib/policy/manifest.h"
#include "lib/policy/metadata.h"
#include "lib/policy/policy_schema.h"

#define POLICY_API_VERSION CUSTOM_RESOURCE_GROUP "/" CUSTOM_RESOURCE_VERSION

/* What is known of each kind. */
static const struct kind {
    const char *name, *api_version;
    bool cluster_scoped;
    const struct schema *schema; /* of the kinds that are read leniently; NULL: a policy */
} kinds[] = {
    [OBJECT_NONE] = {"", "", false, NULL},
    [OBJECT_VARMOR_POLICY] = {"VarmorPolicy", POLICY_API_VERSION, false, NULL},
    [OBJECT_VARMOR_CLUSTER_POLICY] = {"VarmorClusterPolicy", POLICY_API_VERSION, true, NULL},
    [OBJECT_POD] = {"Pod", "v1", false, &pod_schema},
    [OBJECT_NAMESPACE] = {"Namespace", "v1", true, &namespace_schema},
    [OBJECT_SERVICE] = {"Service", "v1", false, &service_schema},
    [OBJECT_ENDPOINT_SLICE] = {"EndpointSlice", "discovery.k8s.io/v1", false,
                               &endpoint_slice_schema},
    [OBJECT_DEPLOYMENT] = {"Deployment", "apps/v1", false, &workload_schema},
    [OBJECT_STATEFULSET] = {"StatefulSet", "apps/v1", false, &workload_schema},
    [OBJECT_DAEMONSET] = {"DaemonSet", "apps/v1", false, &workload_schema},
};
static_assert(ARRAY_SIZE(kinds) == OBJECT_KINDS, "one row for each kind");

/* The same names as words, with the lists of objects, for "did you mean". */
#define KIND_LIST OBJECT_KINDS
static const struct word kind_items[] = {
    {.text = "VarmorPolicy", .value = OBJECT_VARMOR_POLICY},
    {.text = "VarmorClusterPolicy", .value = OBJECT_VARMOR_CLUSTER_POLICY},
    {.text = "Pod", .value = OBJECT_POD},
    {.text = "Namespace", .value = OBJECT_NAMESPACE},
    {.text = "Service", .value = OBJECT_SERVICE},
    {.text = "EndpointSlice", .value = OBJECT_ENDPOINT_SLICE},
    {.text = "Deployment", .value = OBJECT_DEPLOYMENT},
    {.text = "StatefulSet", .value = OBJECT_STATEFULSET},
    {.text = "DaemonSet", .value = OBJECT_DAEMONSET},
    {.text = "List", .value = KIND_LIST},
    {.text = "VarmorPolicyList", .value = KIND_LIST},
    {.text = "VarmorClusterPolicyList", .value = KIND_LIST},
};
static const struct words kind_words = {
    .what = "a kind that is read here", .items = kind_items, .n = ARRAY_SIZE(kind_items)};

const char *object_kind_name(enum object_kind kind)
{
    return kinds[kind].name;
}

void object_done(struct object *o)
{
    manifest_free(o->manifest);
    policy_unref(o->policy);
    free(o->name);
    free(o->name_space);
    *o = (struct object){0};
}

void objects_done(struct objects *o)
{
    for (size_t i = 0; i < o->n; i++)
        object_done(&o->items[i]);
    free(o->items);
    *o = (struct objects){0};
}

/* ---- One object ---- */

/* A root field that must be a text; NULL with a finding if it is not. */
static int root_text(struct decoder *d, const struct node *root, const char *name,
                     const struct node **ret)
{
    const struct node *value = node_find(root, name);
    size_t mark;
    int r;

    *ret = NULL;
    if (!value) {
        decoder_error(d, root, "field '%s' is missing", name);
        return 0;
    }
    r = decoder_enter(d, name, &mark);
    if (r < 0)
        return r;
    if (decoder_text(d, value))
        *ret = value;
    decoder_leave(d, mark);
    return 0;
}

/* Tells kind and apiVersion. *ret_kind is OBJECT_NONE with findings if they are none of ours. */
static int object_find_kind(struct decoder *d, const struct node *root, unsigned *ret_kind)
{
    const struct field kind_field = {.param = &kind_words};
    const struct node *kind, *version;
    const char *wanted;
    size_t mark;
    int r = root_text(d, root, "kind", &kind);

    *ret_kind = OBJECT_NONE;
    if (r == 0)
        r = root_text(d, root, "apiVersion", &version);
    if (r < 0 || !kind)
        return r;
    r = decoder_enter(d, "kind", &mark);
    if (r == 0)
        r = decode_word(d, kind, &kind_field, ret_kind);
    decoder_leave(d, mark);
    if (r < 0 || *ret_kind == OBJECT_NONE || !version)
        return r;
    wanted = *ret_kind != KIND_LIST            ? kinds[*ret_kind].api_version
             : strcmp(kind->text, "List") == 0 ? "v1"
                                               : POLICY_API_VERSION;
    if (strcmp(version->text, wanted) == 0)
        return 0;
    r = decoder_enter(d, "apiVersion", &mark);
    if (r == 0)
        decoder_error(d, version, "'%s' is not the version of %s: %s", error_quote(version->text),
                      kind->text, wanted);
    decoder_leave(d, mark);
    return r;
}

static int decode_identity(struct decoder *d, const struct node *root, const struct kind *kind,
                           struct object *o)
{
    CLEANUP_METADATA struct metadata m = {0};
    const struct node *metadata = node_find(root, "metadata");
    size_t mark;
    int r;

    if (!metadata)
        return 0; /* its schema says that it is missing */
    r = decoder_enter(d, "metadata", &mark);
    if (r == 0 && metadata->kind == NODE_MAP)
        r = decoder_struct(d, metadata, &identity_schema, &m);
    decoder_leave(d, mark);
    if (r < 0)
        return r;
    o->name = TAKE(m.name);
    if (kind->cluster_scoped)
        o->name_space = strdup("");
    else
        o->name_space = m.name_space ? TAKE(m.name_space) : strdup("default");
    return o->name_space ? 0 : -ENOMEM;
}

static int decode_manifest(struct decoder *d, const struct node *root, struct object *o)
{
    const struct kind *kind = &kinds[o->kind];
    const struct schema *schema = kind->schema;
    const struct node *type = node_find(root, "addressType");
    int r;

    if (o->kind == OBJECT_ENDPOINT_SLICE && type && strcmp(type->text, "FQDN") == 0)
        schema = &fqdn_slice_schema;
    o->manifest = manifest_new();
    if (!o->manifest)
        return -ENOMEM;
    r = decode_identity(d, root, kind, o);
    return r < 0 ? r : decoder_struct(d, root, schema, o->manifest);
}

static int decode_policy(struct decoder *d, const struct node *root, struct object *o)
{
    int r;

    o->policy = policy_new();
    if (!o->policy)
        return -ENOMEM;
    r = policy_decode(o->policy, root, o->kind == OBJECT_VARMOR_CLUSTER_POLICY, d);
    if (r < 0 || !o->policy->name || !o->policy->name_space)
        return r;
    o->name = strdup(o->policy->name);
    o->name_space = strdup(o->policy->name_space);
    return o->name && o->name_space ? 0 : -ENOMEM;
}

/* ---- All objects ---- */

struct objects_reader {
    struct objects *ret;
    size_t cap;
    struct decoder decoder;
};

static struct object *reader_add(struct objects_reader *rd)
{
    size_t cap = MAX(rd->cap * 2, (size_t)8);
    struct object *items;

    if (rd->ret->n == rd->cap) {
        items = reallocarray(rd->ret->items, cap, sizeof(*items));
        if (!items)
            return NULL;
        rd->ret->items = items;
        rd->cap = cap;
    }
    rd->ret->items[rd->ret->n] = (struct object){0};
    return &rd->ret->items[rd->ret->n++];
}

static int read_object(struct objects_reader *rd, const struct node *root, bool in_list);

static int decode_items(struct decoder *d, const struct node *value, const struct field *f UNUSED,
                        void *object)
{
    struct objects_reader *rd = object;
    size_t mark, i = 0;

    if (value->kind != NODE_LIST) {
        decoder_mismatch(d, value, "a list of objects");
        return 0;
    }
    NODE_FOREACH(child, value)
    {
        int r = decoder_enter_index(d, i++, &mark);

        if (r == 0)
            r = read_object(rd, child, true);
        if (r < 0)
            return r;
        decoder_leave(d, mark);
    }
    return 0;
}
static const struct value_type items_type = {.decode = decode_items, .shape = SHAPE_NONE};

static const struct field list_fields[] = {
    {.name = "apiVersion", .type = &ignored_type}, /* both have chosen this schema */
    {.name = "kind", .type = &ignored_type},
    {.name = "metadata", .type = &ignored_type},
    {.name = "items", .type = &items_type, .required = true},
};
static const struct schema list_schema = {
    /* its object is the reader */
    .fields = list_fields,
    .n_fields = ARRAY_SIZE(list_fields),
};

static int read_object(struct objects_reader *rd, const struct node *root, bool in_list)
{
    struct decoder *d = &rd->decoder;
    struct object *o;
    unsigned kind;
    int r;

    if (root->kind != NODE_MAP) {
        decoder_mismatch(d, root, "an object with apiVersion and kind");
        return 0;
    }
    r = object_find_kind(d, root, &kind);
    if (r < 0 || kind == OBJECT_NONE)
        return r;
    if (kind == KIND_LIST && in_list) {
        decoder_error(d, root, "a list within a list is not read");
        return 0;
    }
    if (kind == KIND_LIST)
        return decoder_struct(d, root, &list_schema, rd);
    o = reader_add(rd);
    if (!o)
        return -ENOMEM;
    o->kind = (enum object_kind)kind;
    if (!kinds[kind].schema)
        rd->ret->n_policies++;
    o->at = (struct policy_position){root->line, root->column};
    return kinds[kind].schema ? decode_manifest(d, root, o) : decode_policy(d, root, o);
}

/* Two objects of one kind, namespace and name: the second is reported, with the first's place. */
static int check_identities(const struct objects *objects, struct findings *findings)
{
    CLEANUP(map_free) struct map *seen = map_new(NULL, 0); /* bounded by the objects of a file */

    if (!seen)
        return -ENOMEM;
    for (size_t i = 0; i < objects->n; i++) {
        CLEANUP_FREE char *key = NULL;
        struct object *o = &objects->items[i];
        const struct object *first;

        if (!o->name || !o->name_space)
            continue;
        if (asprintf(&key, "%s/%s/%s", object_kind_name(o->kind), o->name_space, o->name) < 0) {
            key = NULL;
            return -ENOMEM;
        }
        first = map_find(seen, key);
        if (first)
            findings_add(findings, FINDING_ERROR, o->at.line, o->at.column,
                         "%s '%s%s%s' is defined twice: first in line %u, column %u",
                         object_kind_name(o->kind), o->name_space, *o->name_space ? "/" : "",
                         o->name, first->at.line, first->at.column);
        else if (map_put(seen, key, o) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* Depth is bounded by the reader (OBJECT_MAX_DEPTH). */
static void forget_node_positions(struct node *n)
{
    n->line = n->column = n->text_line = n->text_column = 0;
    if (n->key)
        forget_node_positions(n->key);
    for (struct node *child = n->first; child; child = child->next)
        forget_node_positions(child);
}

static void forget_positions(struct documents *documents, struct findings *findings)
{
    for (size_t i = 0; i < documents->n; i++)
        forget_node_positions(documents->items[i].root);
    for (size_t i = 0; i < findings->n; i++)
        findings->items[i].line = findings->items[i].column = 0;
}

static int read_documents(struct objects *ret, const struct documents *documents,
                          const struct object_checks *checks, struct findings *findings)
{
    struct objects_reader rd = {.ret = ret, .decoder = DECODER_INIT(findings)};
    int r = 0;

    rd.decoder.checks = checks;

    for (size_t i = 0; i < documents->n && r == 0; i++)
        r = read_object(&rd, documents->items[i].root, false);
    decoder_done(&rd.decoder);
    return r < 0 ? r : check_identities(ret, findings);
}

int objects_parse(struct objects *ret, const void *data, size_t len, struct findings *ret_findings)
{
    return objects_parse_checked(ret, data, len, NULL, ret_findings);
}

int objects_parse_checked(struct objects *ret, const void *data, size_t len,
                          const struct object_checks *checks, struct findings *ret_findings)
{
    CLEANUP_DOCUMENTS struct documents documents = DOCUMENTS_INIT;
    size_t n_policies;
    int r;

    *ret = (struct objects){0};
    *ret_findings = (struct findings){0};
    r = documents_read(&documents, data, len, ret_findings);
    if (checks && checks->without_positions)
        forget_positions(&documents, ret_findings);
    if (r == 0)
        r = read_documents(ret, &documents, checks, ret_findings);
    findings_close(ret_findings);
    n_policies = ret->n_policies;
    if (r < 0 || ret_findings->n_errors)
        objects_done(ret);
    ret->n_policies = n_policies;
    return r;
}
