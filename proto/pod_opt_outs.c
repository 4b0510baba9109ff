/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/pod_opt_outs.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/json_value.h"
#include "lib/policy/annotations.h"
#include "lib/policy/selector.h"
#include "lib/profile.h"

#define KEY_MAX 256 /* with the NUL; an annotation's key has at most 63 bytes behind its slash */

static const struct {
    const char *prefix;
    enum enforcer_bit enforcer;
} annotations[] = {
    {ANNOTATION_BPF, ENFORCER_BPF},
    {ANNOTATION_APPARMOR, ENFORCER_APPARMOR},
    {ANNOTATION_APPARMOR_LEGACY, ENFORCER_APPARMOR},
    {ANNOTATION_SECCOMP, ENFORCER_SECCOMP},
};

static bool is_ours(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(annotations); i++) {
        size_t len = strlen(annotations[i].prefix);

        if (strncmp(key, annotations[i].prefix, len) == 0 && key[len] == '/')
            return strlen(key) < KEY_MAX;
    }
    return false;
}

static bool matters(const char *value)
{
    return strcmp(value, ANNOTATION_UNCONFINED) == 0 || strcmp(value, ANNOTATION_LIFTED) == 0;
}

static int take(struct labels *ret, json_t *annotations_of_pod, struct error **reterr)
{
    const char *key;
    json_t *value;

    json_object_foreach(annotations_of_pod, key, value)
    {
        int r = 0;

        if (is_ours(key) && json_is_string(value) && matters(json_string_value(value)))
            r = labels_put(ret, key, json_string_value(value));
        if (r == -E2BIG)
            return error_set(reterr, -EBADMSG, "sandbox metadata: more than %d opt-outs",
                             LABELS_MAX);
        if (r < 0)
            return error_oom(reterr);
    }
    return 0;
}

int pod_opt_outs_read(struct labels *ret, const char *json, size_t len, struct error **reterr)
{
    CLEANUP(json_decref) json_t *root = NULL;
    json_error_t problem;
    json_t *config;

    if (len > POD_OPT_OUTS_MAX_BYTES)
        return error_set(reterr, -EBADMSG, "sandbox metadata: %zu bytes; the limit is %u", len,
                         POD_OPT_OUTS_MAX_BYTES);
    root = json_value_read(json, len, JSON_REJECT_DUPLICATES, &problem);
    if (!root && json_value_is_oom(&problem))
        return error_oom(reterr);
    if (!root)
        return error_set(reterr, -EBADMSG, "sandbox metadata: %s (byte %d)", problem.text,
                         problem.position);
    config = json_object_get(json_object_get(root, "Metadata"), "Config");
    if (!json_is_object(config))
        return error_set(reterr, -EBADMSG, "sandbox metadata: it has no 'Metadata.Config'");
    return take(ret, json_object_get(config, "annotations"), reterr);
}

/* NULL: the container has no such annotation. */
static const char *find(const struct labels *opt_outs, const char *prefix, const char *container)
{
    char key[KEY_MAX];
    int len = snprintf(key, sizeof(key), "%s/%s", prefix, container);

    return len > 0 && len < KEY_MAX ? labels_get(opt_outs, key) : NULL;
}

/* What admission wrote to free a container of the runtime's profile is no word of its user. */
static bool is_lifted(const struct labels *opt_outs, const char *container)
{
    const char *value = find(opt_outs, ANNOTATION_APPARMOR, container);

    return value && strcmp(value, ANNOTATION_LIFTED) == 0;
}

unsigned pod_opt_outs_of(const struct labels *opt_outs, const char *container_name)
{
    unsigned bits = 0;

    if (!opt_outs)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(annotations); i++) {
        const char *value = find(opt_outs, annotations[i].prefix, container_name);

        if (value && strcmp(value, ANNOTATION_UNCONFINED) == 0)
            bits |= annotations[i].enforcer;
    }
    if ((bits & ENFORCER_APPARMOR) && is_lifted(opt_outs, container_name))
        bits &= ~(unsigned)ENFORCER_APPARMOR;
    return bits;
}
