/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/admission_review.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/json_value.h"
#include "lib/policy/selector.h"
#include "lib/policy/target.h"
#include "manager/admission_policy.h"

/* Of a patch: at most ADMISSION_MAX_CONTAINERS times seven short operations. */
#define PATCH_MAX_BYTES (16u << 20)
#define LABEL_COMPONENT "app.kubernetes.io/component"

enum { HTTP_FINE = 200, HTTP_BAD_REQUEST = 400, HTTP_UNDECODABLE = 417 };

/* A request as it came. Borrowed from the review. */
struct request {
    const char *uid, *group, *kind, *operation, *name_space;
    const json_t *object, *old_object;
};

/* The answer while it is made. */
struct answer {
    json_t *response; /* owned */
    struct admission_outcome *outcome;
};

void admission_outcome_done(struct admission_outcome *o)
{
    free(o->about);
    *o = (struct admission_outcome){.kind = "", .operation = ""};
}

/* The kind of what varmor patches, and the operation, in words of our own: the API server's could be any. */
static void set_words(struct admission_outcome *o, const struct request *rq)
{
    static const char *const operations[] = {"CREATE", "UPDATE", "DELETE", "CONNECT"};
    const enum target_kind kind = target_kind_parse(rq->kind);

    if (kind != TARGET_NONE && strcmp(rq->group, kind == TARGET_POD ? "" : "apps") == 0)
        o->kind = target_kind_name(kind);
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
        if (strcmp(rq->operation, operations[i]) == 0)
            o->operation = operations[i];
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* Reads the request; false if the review has none that could be answered. */
static bool request_read(struct request *ret, const json_t *review)
{
    const json_t *request = json_object_get(review, "request");
    const json_t *kind = json_object_get(request, "kind");

    *ret = (struct request){
        .uid = text_at(request, "uid"),
        .group = text_at(kind, "group"),
        .kind = text_at(kind, "kind"),
        .operation = text_at(request, "operation"),
        .name_space = text_at(request, "namespace"),
        .object = json_object_get(request, "object"),
        .old_object = json_object_get(request, "oldObject"),
    };
    return *ret->uid && strcmp(text_at(review, "kind"), "AdmissionReview") == 0;
}

/* ---- The response ---- */

/* Takes value, which may be NULL (no memory). */
static int set(struct answer *a, const char *key, json_t *value)
{
    return json_object_set_new(a->response, key, value) == 0 ? 0 : -ENOMEM;
}

/* warnings may be empty: then there are none. */
static int set_warnings(struct answer *a, json_t *warnings)
{
    return json_array_size(warnings) == 0 ? 0 : set(a, "warnings", json_incref(warnings));
}

static int set_warning(struct answer *a, const char *text)
{
    return set(a, "warnings", json_pack("[s+]", "varmor: ", text));
}

static int set_patch(struct answer *a, const json_t *operations)
{
    CLEANUP_BUF struct buf text = BUF_INIT(PATCH_MAX_BYTES);
    CLEANUP_FREE unsigned char *encoded = NULL;
    int r = json_value_add(&text, operations, JSON_COMPACT);

    if (r < 0)
        return r;
    encoded = malloc((text.len + 2) / 3 * 4 + 1);
    if (!encoded)
        return -ENOMEM;
    EVP_EncodeBlock(encoded, text.data, (int)text.len);
    r = set(a, "patchType", json_string("JSONPatch"));
    return r < 0 ? r : set(a, "patch", json_string((const char *)encoded));
}

static int set_denial(struct answer *a, const struct admission_verdict *verdict)
{
    int r = set(a, "allowed", json_false());

    if (r < 0)
        return r;
    return set(a, "status",
               json_pack("{s:s, s:s, s:s, s:i}", "status", "Failure", "message", verdict->message,
                         "reason", verdict->is_forbidden ? "Forbidden" : "Invalid", "code",
                         verdict->is_forbidden ? 403 : 422));
}

static int set_about(struct answer *a, const struct request *rq, const char *name)
{
    if (asprintf(&a->outcome->about, "%s %s%s%s", rq->kind, rq->name_space,
                 *rq->name_space ? "/" : "", *name ? name : "(no name yet)") < 0) {
        a->outcome->about = NULL;
        return -ENOMEM;
    }
    return 0;
}

/* ---- Workloads and pods ---- */

/* The kind of what varmor patches; TARGET_NONE for everything else. */
static enum target_kind patched_kind(const struct request *rq)
{
    enum target_kind kind = target_kind_parse(rq->kind);

    if (strcmp(rq->group, kind == TARGET_POD ? "" : "apps") != 0)
        return TARGET_NONE;
    if (strcmp(rq->operation, "CREATE") == 0)
        return kind;
    return strcmp(rq->operation, "UPDATE") == 0 && kind != TARGET_POD ? kind : TARGET_NONE;
}

int admission_read_labels(struct labels *labels, const json_t *object)
{
    json_t *map = json_object_get(json_object_get(object, "metadata"), "labels");
    const char *key;
    json_t *value;
    int r = 0;

    json_object_foreach(map, key, value)
    {
        if (r == 0 && json_is_string(value))
            r = labels_put(labels, key, json_string_value(value));
    }
    return r;
}

static bool has_own_component(const json_t *object)
{
    const char *component =
        text_at(json_object_get(json_object_get(object, "metadata"), "labels"), LABEL_COMPONENT);

    return strcmp(component, "varmor-manager") == 0 || strcmp(component, "varmor-agent") == 0;
}

bool admission_is_own(const struct admission_facts *facts, const char *name_space,
                      const json_t *object)
{
    return strcmp(name_space, facts->install_namespace) == 0 &&
           (has_own_component(object) ||
            has_own_component(json_object_get(json_object_get(object, "spec"), "template")));
}

static int take_patch(struct answer *a, const struct request *rq, const char *name,
                      const struct admission_patch *patch)
{
    int r = set_warnings(a, patch->warnings);

    if (r < 0 || !patch->operations)
        return r;
    a->outcome->n_operations = (unsigned)json_array_size(patch->operations);
    r = set_patch(a, patch->operations);
    return r < 0 ? r : set_about(a, rq, name);
}

static int patch_subject(struct answer *a, const struct admission_facts *facts,
                         const struct request *rq, const struct admission_subject *subject)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct admission_candidates candidates = {0};
    struct admission_patch patch = {0};
    int r = admission_match(&candidates, facts->store, subject);

    if (r == 0 && candidates.n > 0)
        r = admission_patch(&patch, rq->object, subject, &candidates, &facts->settings, &e);
    if (r == 0)
        r = take_patch(a, rq, subject->name ? subject->name : "", &patch);
    else if (r == -EINVAL)
        r = set_warning(a, error_message(e));
    admission_patch_done(&patch);
    admission_candidates_done(&candidates);
    return r;
}

static int mutate(struct answer *a, const struct admission_facts *facts, const struct request *rq)
{
    CLEANUP(labels_free) struct labels *labels = labels_new();
    const json_t *metadata = json_object_get(rq->object, "metadata");
    const char *name = text_at(metadata, "name");
    struct admission_subject subject = {
        .kind = patched_kind(rq),
        .name_space = *rq->name_space ? rq->name_space : text_at(metadata, "namespace"),
        .name = *name ? name : NULL,
        .labels = labels,
    };
    int r = labels ? admission_read_labels(labels, rq->object) : -ENOMEM;

    if (subject.kind == TARGET_NONE || !json_is_object(rq->object) ||
        admission_is_own(facts, subject.name_space, rq->object))
        return r == -ENOMEM ? r : 0;
    if (r == -E2BIG)
        return set_warning(a, "too many labels: it is given no profile");
    return r < 0 ? r : patch_subject(a, facts, rq, &subject);
}

/* ---- Policies ---- */

/* A policy whose name is still to be made is judged under one of the same length. */
static json_t *object_to_judge(const struct request *rq)
{
    json_t *metadata = json_object_get(rq->object, "metadata");
    const char *base = text_at(metadata, "generateName");
    json_t *copy;

    if (*text_at(metadata, "name") || !*base)
        return json_incref((json_t *)rq->object);
    copy = json_deep_copy(rq->object);
    metadata = json_object_get(copy, "metadata");
    if (copy && json_object_set_new(metadata, "name", json_sprintf("%s00000", base)) < 0) {
        json_decref(copy);
        copy = NULL;
    }
    return copy;
}

/* Nothing is decided about what is going, and about a spec that stays. */
static bool needs_judgement(const struct request *rq)
{
    const json_t *metadata = json_object_get(rq->object, "metadata");

    if (strcmp(rq->group, "crd.varmor.org") != 0 || !json_is_object(rq->object) ||
        json_is_string(json_object_get(metadata, "deletionTimestamp")))
        return false;
    if (strcmp(rq->operation, "UPDATE") == 0)
        return !json_equal(json_object_get(rq->object, "spec"),
                           json_object_get(rq->old_object, "spec"));
    return strcmp(rq->operation, "CREATE") == 0;
}

static int validate(struct answer *a, const struct admission_facts *facts, const struct request *rq)
{
    struct admission_verdict verdict = {0};
    json_t *object;
    int r;

    if (!needs_judgement(rq))
        return 0;
    object = object_to_judge(rq);
    r = object ? admission_judge_policy(&verdict, facts->store, facts->install_namespace, object)
               : -ENOMEM;
    json_decref(object);
    if (r == 0)
        r = set_warnings(a, verdict.warnings);
    if (r == 0 && verdict.denied) {
        a->outcome->denied = true;
        r = set_denial(a, &verdict);
        if (r == 0)
            r = set_about(a, rq, text_at(json_object_get(rq->object, "metadata"), "name"));
    }
    admission_verdict_done(&verdict);
    return r;
}

/* ---- The review ---- */

/* Takes response. */
static int write_review(json_t *response, struct buf *out)
{
    json_t *review = json_pack("{s:s, s:s, s:o}", "apiVersion", "admission.k8s.io/v1", "kind",
                               "AdmissionReview", "response", response);
    int r = review ? json_value_add(out, review, JSON_COMPACT) : -ENOMEM;

    json_decref(review);
    return r < 0 ? r : HTTP_FINE;
}

int admission_review_answer(const struct admission_facts *facts, enum admission_question question,
                            const void *body, size_t len, struct buf *out,
                            struct admission_outcome *ret_outcome)
{
    struct answer a = {.outcome = ret_outcome};
    struct request rq;
    json_t *review;
    int r;

    *ret_outcome = (struct admission_outcome){.kind = "", .operation = ""};
    if (len == 0)
        return HTTP_BAD_REQUEST;
    review = json_value_read(body, len, 0, NULL);
    if (!review || !request_read(&rq, review)) {
        json_decref(review);
        return HTTP_UNDECODABLE;
    }
    set_words(ret_outcome, &rq);
    a.response = json_pack("{s:s, s:b}", "uid", rq.uid, "allowed", 1);
    r = a.response ? 0 : -ENOMEM;
    if (r == 0)
        r = question == ADMISSION_MUTATE ? mutate(&a, facts, &rq) : validate(&a, facts, &rq);
    if (r == 0)
        r = write_review(TAKE(a.response), out);
    json_decref(a.response);
    json_decref(review);
    return r;
}
