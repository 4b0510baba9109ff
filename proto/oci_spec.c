/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/oci_spec.h"

#include <errno.h>
#include <jansson.h>

#include "lib/policy/selector.h"

static inline void oci_spec_json_cleanup(json_t **j)
{
    json_decref(*j);
}

int oci_spec_annotations(struct labels **ret, const char *json, size_t len, struct error **reterr)
{
    __attribute__((cleanup(oci_spec_json_cleanup))) json_t *spec = NULL;
    CLEANUP(labels_free) struct labels *labels = labels_new();
    const json_t *annotations;
    json_error_t problem;
    const char *key;
    json_t *value;
    int r;

    if (!labels)
        return error_oom(reterr);
    spec = json_loadb(json, len, JSON_REJECT_DUPLICATES, &problem);
    if (!spec)
        return error_set(reterr, -EBADMSG, "OCI spec: %s (byte %d)", problem.text,
                         problem.position);
    if (!json_is_object(spec))
        return error_set(reterr, -EBADMSG, "OCI spec: it is not a JSON object");

    annotations = json_object_get(spec, "annotations");
    if (annotations && !json_is_object(annotations) && !json_is_null(annotations))
        return error_set(reterr, -EBADMSG, "OCI spec: annotations is not an object");
    json_object_foreach((json_t *)annotations, key, value)
    {
        if (!json_is_string(value))
            return error_set(reterr, -EBADMSG, "OCI spec: annotation %s is not text",
                             error_quote(key));
        r = labels_put(labels, key, json_string_value(value));
        if (r == -E2BIG)
            return error_set(reterr, -EBADMSG, "OCI spec: more than %d annotations", LABELS_MAX);
        if (r < 0)
            return error_oom(reterr);
    }
    *ret = TAKE(labels);
    return 0;
}
