/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/oci_spec.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "lib/json_number.h"
#include "lib/json_value.h"
#include "lib/policy/selector.h"
#include "lib/seccomp/json_value.h"

void oci_spec_done(struct oci_spec *s)
{
    s->annotations = labels_free(s->annotations);
    free(s->apparmor_profile);
    free(s->cgroups_path);
    s->cgroups_path = s->apparmor_profile = NULL;
}

/* *ret: NULL where the member is absent or null. */
static int find_object(const json_t **ret, const json_t *parent, const char *name,
                       struct error **reterr)
{
    const json_t *j = json_object_get(parent, name);

    *ret = NULL;
    if (!j || json_is_null(j))
        return 0;
    if (!json_is_object(j))
        return error_set(reterr, -EBADMSG, "OCI spec: '%s' is not an object", name);
    *ret = j;
    return 0;
}

static int parse_annotations(struct labels *ret, const json_t *spec, struct error **reterr)
{
    const json_t *annotations;
    const char *key;
    json_t *value;
    int r = find_object(&annotations, spec, "annotations", reterr);

    if (r < 0)
        return r;
    json_object_foreach((json_t *)annotations, key, value)
    {
        if (!json_is_string(value))
            return error_set(reterr, -EBADMSG, "OCI spec: annotation '%s' is not text",
                             error_quote(key));
        r = labels_put(ret, key, json_string_value(value));
        if (r == -E2BIG)
            return error_set(reterr, -EBADMSG, "OCI spec: more than %d annotations", LABELS_MAX);
        if (r < 0)
            return error_oom(reterr);
    }
    return 0;
}

/* A text of one of the specification's parts; *ret stays NULL where there is none. */
static int parse_text(char **ret, const json_t *spec, const char *part, const char *member,
                      struct error **reterr)
{
    const json_t *parent = NULL, *text;
    int r = find_object(&parent, spec, part, reterr);

    if (r < 0)
        return r;
    text = json_object_get(parent, member);
    if (!text || json_is_null(text))
        return 0;
    if (!json_is_string(text))
        return error_set(reterr, -EBADMSG, "OCI spec: '%s.%s' is not text", part, member);
    *ret = strdup(json_string_value(text));
    return *ret ? 0 : error_oom(reterr);
}

static int parse_seccomp(struct oci_spec *ret, const json_t *spec, struct error **reterr)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0};
    const json_t *linux_part = NULL, *seccomp = NULL;
    int r = find_object(&linux_part, spec, "linux", reterr);

    if (r == 0)
        r = find_object(&seccomp, linux_part, "seccomp", reterr);
    if (r < 0)
        return r;
    if (!seccomp) {
        ret->seccomp = OCI_SECCOMP_NONE;
        return 0;
    }
    r = sc_profile_read_value(&p, (json_t *)seccomp, NULL);
    if (r == 0)
        r = sc_profile_digest(&p, &ret->seccomp_digest);
    if (r == -ENOMEM)
        return error_oom(reterr);
    ret->seccomp = r == 0 ? OCI_SECCOMP_PROFILE : OCI_SECCOMP_OTHER;
    return 0;
}

int oci_spec_parse(struct oci_spec *ret, const char *json, size_t len, struct error **reterr)
{
    CLEANUP(json_decref) json_t *spec = NULL;
    CLEANUP(labels_free) struct labels *annotations = labels_new();
    CLEANUP_FREE char *cgroups_path = NULL;
    CLEANUP_FREE char *apparmor_profile = NULL;
    CLEANUP_BUF struct buf wrapped = BUF_INIT(2 * len + 1);
    struct oci_spec found = {0};
    json_error_t problem;
    int r;

    if (!annotations || json_number_wrap(&wrapped, json, len, NULL) < 0)
        return error_oom(reterr);
    spec = json_value_read(buf_text(&wrapped), wrapped.len, JSON_REJECT_DUPLICATES, &problem);
    if (!spec)
        return error_set(reterr, -EBADMSG, "OCI spec: %s (byte %d)", problem.text,
                         problem.position);
    if (!json_is_object(spec))
        return error_set(reterr, -EBADMSG, "OCI spec: it is not a JSON object");

    r = parse_annotations(annotations, spec, reterr);
    if (r == 0)
        r = parse_text(&cgroups_path, spec, "linux", "cgroupsPath", reterr);
    if (r == 0)
        r = parse_text(&apparmor_profile, spec, "process", "apparmorProfile", reterr);
    if (r == 0)
        r = parse_seccomp(&found, spec, reterr);
    if (r < 0)
        return r;
    *ret = found;
    ret->annotations = TAKE(annotations);
    ret->cgroups_path = TAKE(cgroups_path);
    ret->apparmor_profile = TAKE(apparmor_profile);
    return 0;
}
