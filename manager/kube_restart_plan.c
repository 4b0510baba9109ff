/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_restart_plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/map.h"
#include "lib/policy/selector.h"
#include "manager/kube_text.h"
#include "manager/webhook_configuration.h"

#define PATH_MAX_BYTES 4096 /* of one operation; names come from outside */
#define LOCALHOST      "localhost/"

/* What is being taken out. */
struct cleaning {
    const struct map *gone;
    json_t *operations; /* borrowed */
};

static json_t *template_of(const json_t *object)
{
    return json_object_get(json_object_get(object, "spec"), "template");
}

static json_t *annotations_of(const json_t *object)
{
    return json_object_get(json_object_get(template_of(object), "metadata"), "annotations");
}

static json_t *containers_of(const json_t *object)
{
    return json_object_get(json_object_get(template_of(object), "spec"), "containers");
}

/* ---- What names a profile ---- */

static bool value_names(const char *value, const struct map *gone)
{
    return strncmp(value, LOCALHOST, sizeof(LOCALHOST) - 1) == 0 &&
           map_find(gone, value + sizeof(LOCALHOST) - 1);
}

/* Of an appArmorProfile or seccompProfile. */
static bool field_names(const json_t *field, const struct map *gone)
{
    return strcmp(kube_get_text(field, "type"), "Localhost") == 0 &&
           map_find(gone, kube_get_text(field, "localhostProfile"));
}

/* The container that an annotation of this kind is about; NULL: it is another annotation. */
static const char *container_of(const char *annotation, const char *key)
{
    size_t len = strlen(key);

    return strncmp(annotation, key, len) == 0 && annotation[len] == '/' ? annotation + len + 1
                                                                        : NULL;
}

static bool is_mark(const char *annotation)
{
    return container_of(annotation, ANNOTATION_BPF) ||
           container_of(annotation, ANNOTATION_APPARMOR) ||
           container_of(annotation, ANNOTATION_APPARMOR_LEGACY) ||
           container_of(annotation, ANNOTATION_SECCOMP);
}

/* The value of an annotation about a container; "" if there is none. */
static const char *mark_of(const json_t *annotations, const char *key, const char *container)
{
    CLEANUP_BUF struct buf name = BUF_INIT(PATH_MAX_BYTES);

    if (buf_format(&name, "%s/%s", key, container) < 0)
        return "";
    return kube_get_text(annotations, buf_text(&name));
}

/* Was the container freed of its AppArmor profile beside a profile that is gone? */
static bool is_lifted(const json_t *annotations, const char *container, const struct map *gone)
{
    return strcmp(mark_of(annotations, ANNOTATION_APPARMOR, container), ANNOTATION_LIFTED) == 0 &&
           value_names(mark_of(annotations, ANNOTATION_BPF, container), gone);
}

bool kube_restart_names(const json_t *object, const struct map *gone)
{
    json_t *annotations = annotations_of(object), *container, *value;
    const char *key;
    size_t i;

    json_object_foreach(annotations, key, value)
    {
        if (is_mark(key) && json_is_string(value) && value_names(json_string_value(value), gone))
            return true;
    }
    json_array_foreach(containers_of(object), i, container)
    {
        const json_t *context = json_object_get(container, "securityContext");

        if (field_names(json_object_get(context, "appArmorProfile"), gone) ||
            field_names(json_object_get(context, "seccompProfile"), gone))
            return true;
    }
    return false;
}

/* ---- Taking it out ---- */

/* Takes a member out of parent, which the path of the operation leads to. */
static int take_out(struct cleaning *c, json_t *parent, const char *path, const char *member)
{
    CLEANUP_BUF struct buf pointer = BUF_INIT(PATH_MAX_BYTES);
    int r = buf_format(&pointer, "%s/", path);

    if (r == 0)
        r = admission_pointer_add(&pointer, member);
    if (r == 0)
        r = kube_append(c->operations,
                        json_pack("{s:s, s:s}", "op", "remove", "path", buf_text(&pointer)));
    if (r == 0)
        json_object_del(parent, member);
    return r;
}

/* Before the annotations, which tell what was lifted. */
static int clean_container(struct cleaning *c, const json_t *annotations, json_t *container,
                           size_t index)
{
    json_t *context = json_object_get(container, "securityContext");
    const json_t *apparmor = json_object_get(context, "appArmorProfile");
    bool lifted = is_lifted(annotations, kube_get_text(container, "name"), c->gone) &&
                  strcmp(kube_get_text(apparmor, "type"), "Unconfined") == 0;
    char path[96];
    int r = 0;

    snprintf(path, sizeof(path), "/spec/template/spec/containers/%zu/securityContext", index);
    if (lifted || field_names(apparmor, c->gone))
        r = take_out(c, context, path, "appArmorProfile");
    if (r == 0 && field_names(json_object_get(context, "seccompProfile"), c->gone))
        r = take_out(c, context, path, "seccompProfile");
    return r;
}

/* Is this annotation one that goes? all: the annotations as they were before any went. */
static bool annotation_goes(const struct cleaning *c, const json_t *all, const char *key,
                            const char *value)
{
    const char *legacy = container_of(key, ANNOTATION_APPARMOR_LEGACY);
    const char *apparmor = container_of(key, ANNOTATION_APPARMOR);

    if (is_mark(key) && value_names(value, c->gone))
        return true;
    if (legacy && strcmp(value, "unconfined") == 0)
        return is_lifted(all, legacy, c->gone);
    return apparmor && is_lifted(all, apparmor, c->gone);
}

static int clean_annotations(struct cleaning *c, json_t *annotations)
{
    CLEANUP(json_decref) json_t *all = json_copy(annotations);
    const char *key;
    json_t *value;
    int r = all ? 0 : -ENOMEM;

    json_object_foreach(all, key, value)
    {
        if (r == 0 && json_is_string(value) &&
            annotation_goes(c, all, key, json_string_value(value)))
            r = take_out(c, annotations, "/spec/template/metadata/annotations", key);
    }
    return r;
}

static int clean(json_t *operations, json_t *object, const struct map *gone)
{
    struct cleaning c = {.gone = gone, .operations = operations};
    json_t *annotations = annotations_of(object), *container;
    size_t i;
    int r = 0;

    if (map_size(gone) == 0)
        return 0;
    json_array_foreach(containers_of(object), i, container)
    {
        if (r == 0)
            r = clean_container(&c, annotations, container, i);
    }
    if (r == 0 && json_is_object(annotations))
        r = clean_annotations(&c, annotations);
    return r == -E2BIG ? 0 : r; /* no annotation of that length can be there */
}

/* ---- What admission says ---- */

/* Does a policy that came have one of the containers? */
static bool is_for_a_new_one(const struct kube_restart_facts *facts, const json_t *object,
                             const struct admission_subject *subject,
                             const struct admission_candidates *candidates)
{
    json_t *container;
    size_t i;

    json_array_foreach(containers_of(object), i, container)
    {
        const struct stored_policy *p =
            admission_choose(candidates, subject, kube_get_text(container, "name"));

        if (p && facts->is_new(p, facts->data))
            return true;
    }
    return false;
}

/* Adds admission's operations if the template is cleaned anyway, or a policy that came is behind them. */
static int add_admission(json_t *operations, const struct kube_restart_facts *facts,
                         const struct admission_subject *subject, const json_t *object,
                         struct error **reterr)
{
    struct admission_candidates candidates = {0};
    struct admission_patch patch = {0};
    int r = 0;

    if (!webhook_match_label_fits(facts->match_label, subject->labels))
        return 0;
    if (admission_match(&candidates, facts->admission->store, subject) < 0)
        return error_oom(reterr);
    if (candidates.n > 0 &&
        (json_array_size(operations) > 0 || is_for_a_new_one(facts, object, subject, &candidates)))
        r = admission_patch(&patch, object, subject, &candidates, &facts->admission->settings,
                            reterr);
    if (r == 0 && patch.operations && json_array_extend(operations, patch.operations) < 0)
        r = error_oom(reterr);
    admission_patch_done(&patch);
    admission_candidates_done(&candidates);
    return r;
}

/* ---- The whole ---- */

/* "add" of an object, unless the object or an operation has one there. Takes nothing. */
static int add_parent(json_t *head, const json_t *operations, const json_t *present,
                      const char *path)
{
    json_t *op;
    size_t i;

    if (json_is_object(present))
        return 0;
    json_array_foreach(operations, i, op)
    {
        if (strcmp(kube_get_text(op, "path"), path) == 0)
            return 0;
    }
    return kube_append(head, json_pack("{s:s, s:s, s:{}}", "op", "add", "path", path, "value"));
}

/* The operations between the resource version and the mark that makes Kubernetes roll out. NULL: no memory. */
static json_t *close_patch(const struct kube_restart_facts *facts, const json_t *operations,
                           const json_t *object)
{
    const json_t *metadata = json_object_get(object, "metadata");
    CLEANUP(json_decref)
    json_t *all =
        json_pack("[{s:s, s:s, s:s}]", "op", "replace", "path", "/metadata/resourceVersion",
                  "value", kube_get_text(metadata, "resourceVersion"));
    int r = all ? 0 : -ENOMEM;

    if (r == 0)
        r = add_parent(all, operations, json_object_get(template_of(object), "metadata"),
                       "/spec/template/metadata");
    if (r == 0)
        r = add_parent(all, operations, annotations_of(object),
                       "/spec/template/metadata/annotations");
    if (r == 0 && json_array_extend(all, (json_t *)operations) < 0)
        r = -ENOMEM;
    if (r == 0)
        r = kube_append(all, json_pack("{s:s, s:s, s:o}", "op", "add", "path",
                                       "/spec/template/metadata/annotations/"
                                       "controller.varmor.org~1restartedAt",
                                       "value", kube_time(facts->admission->settings.now_ns)));
    return r == 0 ? TAKE(all) : NULL;
}

int kube_restart_plan(json_t **ret_patch, const struct kube_restart_facts *facts,
                      enum target_kind kind, json_t *object, struct error **reterr)
{
    CLEANUP(labels_free) struct labels *labels = labels_new();
    CLEANUP(json_decref) json_t *operations = json_array();
    const json_t *metadata = json_object_get(object, "metadata");
    const struct admission_subject subject = {.kind = kind,
                                              .name_space = kube_get_text(metadata, "namespace"),
                                              .name = kube_get_text(metadata, "name"),
                                              .labels = labels};
    int r = labels && operations ? admission_read_labels(labels, object) : -ENOMEM;

    *ret_patch = NULL;
    if (r == -E2BIG)
        return error_set(reterr, -EINVAL, "too many labels");
    if (r == 0 && !json_is_array(containers_of(object)))
        return error_set(reterr, -EINVAL, "spec.containers of the pod is not a list");
    if (r == 0 && (admission_is_own(facts->admission, subject.name_space, object) ||
                   json_object_get(metadata, "deletionTimestamp")))
        return 0;
    if (r == 0)
        r = clean(operations, object, facts->gone);
    if (r < 0)
        return error_oom(reterr);
    r = add_admission(operations, facts, &subject, object, reterr);
    if (r < 0 || json_array_size(operations) == 0)
        return r;
    *ret_patch = close_patch(facts, operations, object);
    return *ret_patch ? 0 : error_oom(reterr);
}
