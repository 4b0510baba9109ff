/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_policy.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/json_value.h"

int kube_policy_init(struct kube_policy *p, bool cluster, const char *watch_key)
{
    const char *slash = cluster ? NULL : strchr(watch_key, '/');

    p->cluster = cluster;
    p->name = strdup(slash ? slash + 1 : watch_key);
    p->name_space = slash ? strndup(watch_key, (size_t)(slash - watch_key)) : strdup("");
    if (!p->name || !p->name_space)
        return -ENOMEM;
    if (asprintf(&p->reference, "%s %s", cluster ? "varmorclusterpolicy" : "varmorpolicy",
                 watch_key) < 0) {
        p->reference = NULL;
        return -ENOMEM;
    }
    return 0;
}

void kube_policy_done(struct kube_policy *p)
{
    free(p->resource_version);
    free(p->uid);
    free(p->reference);
    free(p->name);
    free(p->name_space);
    *p = (struct kube_policy){0};
}

int kube_policy_read(struct kube_policy *p, const uint8_t *json, size_t len, bool *ret_recreated,
                     struct error **reterr)
{
    json_error_t where;
    CLEANUP(json_decref) json_t *object = json_value_read(json, len, 0, &where);
    const json_t *metadata = json_object_get(object, "metadata");
    const char *uid = json_string_value(json_object_get(metadata, "uid"));
    const char *version = json_string_value(json_object_get(metadata, "resourceVersion"));
    CLEANUP_FREE char *uid_copy = uid ? strdup(uid) : NULL;
    CLEANUP_FREE char *version_copy = version ? strdup(version) : NULL;

    if (!object && json_error_code(&where) == json_error_out_of_memory)
        return error_oom(reterr);
    if (!object)
        return error_set(reterr, -EBADMSG, "the API server's text is no JSON: %s", where.text);
    if (!uid || !version)
        return error_set(reterr, -EBADMSG,
                         "the API server's object has no metadata.uid or no resourceVersion");
    if (!uid_copy || !version_copy)
        return error_oom(reterr);
    *ret_recreated = p->uid && strcmp(p->uid, uid) != 0;
    free(p->uid);
    free(p->resource_version);
    p->uid = TAKE(uid_copy);
    p->resource_version = TAKE(version_copy);
    p->generation = json_integer_value(json_object_get(metadata, "generation"));
    return 0;
}
