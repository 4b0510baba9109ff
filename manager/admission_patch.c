/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/admission_patch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/policy/policy.h"
#include "manager/profile_store.h"

#define PATH_MAX_BYTES 4096 /* of one operation; names come from outside */
/* Kubernetes allows 253 bytes, "/" and 63: what is longer is no annotation. */
#define ANNOTATION_KEY_MAX 317
#define LOCALHOST          "localhost/"
#define DEFAULT            "runtime/default"

/* What an object says about a container and an enforcer. */
enum wish {
    WISH_NONE,    /* nothing, or what varmor wrote */
    WISH_OPT_OUT, /* none of it */
    WISH_OWN,     /* a profile of the user's */
    WISH_DEFAULT, /* the runtime's default */
};

struct patch {
    const struct admission_settings *settings;
    const char *root;          /* "/spec/template", or "" */
    const json_t *annotations; /* of the template or pod; NULL: none */
    const json_t *pod_context; /* spec.securityContext; NULL: none */
    json_t *operations;        /* owned */
    json_t *warnings;          /* owned */
};

/* The container that is being looked at. */
struct container {
    const char *name;
    size_t index;
    const json_t *context; /* securityContext; NULL: none */
    bool context_added;
    const struct stored_policy *policy;
};

void admission_patch_done(struct admission_patch *p)
{
    json_decref(p->warnings);
    json_decref(p->operations);
    *p = (struct admission_patch){0};
}

/* ---- Operations ---- */

/* Takes value, which may be NULL (no memory). 0 or -ENOMEM. */
static int add_operation(json_t *operations, const char *path, json_t *value)
{
    json_t *op =
        value ? json_pack("{s:s, s:s, s:o}", "op", "add", "path", path, "value", value) : NULL;

    return op && json_array_append_new(operations, op) == 0 ? 0 : -ENOMEM;
}

int admission_pointer_add(struct buf *path, const char *text)
{
    int r = 0;

    for (; *text && r == 0; text++) {
        if (*text == '~')
            r = buf_add(path, "~0", 2);
        else if (*text == '/')
            r = buf_add(path, "~1", 2);
        else
            r = buf_add(path, text, 1);
    }
    return r;
}

static int annotation_path(const struct patch *p, const char *key, const char *container,
                           struct buf *path)
{
    int r = buf_format(path, "%s/metadata/annotations/", p->root);

    if (r == 0)
        r = admission_pointer_add(path, key);
    if (r == 0)
        r = buf_add_text(path, "~1");
    return r < 0 ? r : admission_pointer_add(path, container);
}

/* The value of an annotation about a container; "" if there is none. */
static const char *annotation(const struct patch *p, const char *key, const char *container)
{
    char name[ANNOTATION_KEY_MAX + 1];
    const char *value = NULL;
    int length = snprintf(name, sizeof(name), "%s/%s", key, container);

    if (length > 0 && (size_t)length < sizeof(name))
        value = json_string_value(json_object_get(p->annotations, name));
    return value ? value : "";
}

static int set_annotation(struct patch *p, const char *key, const char *container,
                          const char *value)
{
    CLEANUP_BUF struct buf path = BUF_INIT(PATH_MAX_BYTES);
    int r;

    if (strcmp(annotation(p, key, container), value) == 0)
        return 0;
    r = annotation_path(p, key, container, &path);
    return r < 0 ? r : add_operation(p->operations, buf_text(&path), json_string(value));
}

static int set_localhost(struct patch *p, const char *key, const struct container *c)
{
    char value[sizeof(LOCALHOST) + PROFILE_NAME_MAX];

    snprintf(value, sizeof(value), LOCALHOST "%s", c->policy->profile->name);
    return set_annotation(p, key, c->name, value);
}

static int drop_annotation(struct patch *p, const char *key, const char *container)
{
    CLEANUP_BUF struct buf path = BUF_INIT(PATH_MAX_BYTES);
    json_t *op;
    int r;

    if (!*annotation(p, key, container))
        return 0;
    r = annotation_path(p, key, container, &path);
    if (r < 0)
        return r;
    op = json_pack("{s:s, s:s}", "op", "remove", "path", buf_text(&path));
    return op && json_array_append_new(p->operations, op) == 0 ? 0 : -ENOMEM;
}

/* Sets a field of the container's securityContext, which is made once. Takes value, which may be
 * NULL (no memory). */
static int set_field(struct patch *p, struct container *c, const char *field, json_t *value)
{
    CLEANUP_BUF struct buf path = BUF_INIT(PATH_MAX_BYTES);
    int r = value ? 0 : -ENOMEM;

    if (r == 0 && json_equal(json_object_get(c->context, field), value)) {
        json_decref(value);
        return 0;
    }
    if (r == 0)
        r = buf_format(&path, "%s/spec/containers/%zu/securityContext", p->root, c->index);
    if (r == 0 && !c->context && !c->context_added) {
        r = add_operation(p->operations, buf_text(&path), json_object());
        c->context_added = true;
    }
    if (r == 0)
        r = buf_format(&path, "/%s", field);
    if (r < 0) {
        json_decref(value);
        return r;
    }
    return add_operation(p->operations, buf_text(&path), value);
}

static json_t *localhost_profile(const struct container *c)
{
    return json_pack("{s:s, s:s}", "type", "Localhost", "localhostProfile",
                     c->policy->profile->name);
}

PRINTF_FORMAT(2, 3)
static int warn(struct patch *p, const char *format, ...)
{
    CLEANUP_FREE char *text = NULL;
    va_list args;
    int length;

    if (json_array_size(p->warnings) >= ADMISSION_MAX_WARNINGS)
        return 0;
    va_start(args, format);
    length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) {
        text = NULL;
        return -ENOMEM;
    }
    return json_array_append_new(p->warnings, json_string(text)) == 0 ? 0 : -ENOMEM;
}

/* ---- What the object says ---- */

static bool is_ours(const char *profile)
{
    return strncmp(profile, ADMISSION_OWN_PREFIX, sizeof(ADMISSION_OWN_PREFIX) - 1) == 0;
}

/* Of an annotation's value. *ret_profile is set for WISH_OWN. */
static enum wish annotation_wish(const char *value, const char **ret_profile)
{
    if (strcmp(value, ANNOTATION_UNCONFINED) == 0)
        return WISH_OPT_OUT;
    if (strcmp(value, DEFAULT) == 0)
        return WISH_DEFAULT;
    if (strncmp(value, LOCALHOST, sizeof(LOCALHOST) - 1) != 0)
        return WISH_NONE;
    *ret_profile = value + sizeof(LOCALHOST) - 1;
    return is_ours(*ret_profile) ? WISH_NONE : WISH_OWN;
}

/* Of an appArmorProfile or seccompProfile. */
static enum wish field_wish(const json_t *context, const char *field, const char **ret_profile)
{
    const json_t *value = json_object_get(context, field);
    const char *type = json_string_value(json_object_get(value, "type"));
    const char *profile = json_string_value(json_object_get(value, "localhostProfile"));

    if (!type)
        return WISH_NONE;
    if (strcmp(type, "Unconfined") == 0)
        return WISH_OPT_OUT;
    if (strcmp(type, "RuntimeDefault") == 0)
        return WISH_DEFAULT;
    *ret_profile = profile ? profile : "";
    return strcmp(type, "Localhost") != 0 || is_ours(*ret_profile) ? WISH_NONE : WISH_OWN;
}

/* Of the container's field, else of the pod's; the pod's opt-out counts in any case. */
static enum wish effective_field_wish(const struct patch *p, const struct container *c,
                                      const char *field, const char **ret_profile)
{
    enum wish pod = field_wish(p->pod_context, field, ret_profile);

    if (pod == WISH_OPT_OUT)
        return pod;
    return json_object_get(c->context, field) ? field_wish(c->context, field, ret_profile) : pod;
}

static enum wish apparmor_wish(const struct patch *p, const struct container *c,
                               const char **ret_profile)
{
    const char *mark = annotation(p, ANNOTATION_APPARMOR, c->name);
    enum wish wish =
        annotation_wish(annotation(p, ANNOTATION_APPARMOR_LEGACY, c->name), ret_profile);

    if (strcmp(mark, ANNOTATION_UNCONFINED) == 0)
        return WISH_OPT_OUT;
    if (p->settings->apparmor_fields && wish != WISH_OPT_OUT && wish != WISH_OWN) {
        enum wish field = effective_field_wish(p, c, "appArmorProfile", ret_profile);

        wish = field != WISH_NONE ? field : wish;
    }
    if (wish == WISH_OPT_OUT && strcmp(mark, ANNOTATION_LIFTED) == 0)
        return WISH_NONE;
    return wish;
}

static enum wish seccomp_wish(const struct patch *p, const struct container *c,
                              const char **ret_profile)
{
    const char *value = annotation(p, ANNOTATION_SECCOMP, c->name);
    enum wish wish;

    if (strcmp(value, ANNOTATION_UNCONFINED) == 0 ||
        json_is_true(json_object_get(c->context, "privileged")))
        return WISH_OPT_OUT;
    wish = effective_field_wish(p, c, "seccompProfile", ret_profile);
    if (wish == WISH_DEFAULT && is_ours(value + MIN(strlen(value), sizeof(LOCALHOST) - 1)))
        return WISH_NONE; /* written for a policy of mode RuntimeDefault */
    return wish;
}

/* ---- The enforcers ---- */

/* Says that a user's setting stays, or that it does not. */
static int tell_wish(struct patch *p, const struct container *c, const char *enforcer,
                     enum wish wish, const char *profile)
{
    if (wish == WISH_OWN)
        return warn(
            p,
            "container '%s' keeps its own %s profile '%s': policy %s does not confine it with "
            "%s",
            error_quote(c->name), enforcer, error_quote(profile), c->policy->key, enforcer);
    if (wish == WISH_DEFAULT)
        return warn(p,
                    "container '%s': the runtime's default %s profile gives way to %s of policy %s",
                    error_quote(c->name), enforcer, c->policy->profile->name, c->policy->key);
    return 0;
}

/* The old annotation must say what the field says where both are: the API server refuses a pod
 * otherwise. */
static int set_apparmor_field(struct patch *p, struct container *c, json_t *value,
                              const char *legacy)
{
    int r = set_field(p, c, "appArmorProfile", value);

    if (r == 0 && *annotation(p, ANNOTATION_APPARMOR_LEGACY, c->name))
        r = set_annotation(p, ANNOTATION_APPARMOR_LEGACY, c->name, legacy);
    return r;
}

/* Frees the container of the profile that the runtime would choose, unless its user chose it. */
static int lift_apparmor(struct patch *p, struct container *c)
{
    const char *profile = "";
    int r;

    switch (apparmor_wish(p, c, &profile)) {
    case WISH_OWN:
        return warn(p, "container '%s' keeps its own AppArmor profile '%s' beside BPF",
                    error_quote(c->name), error_quote(profile));
    case WISH_DEFAULT:
        return warn(p, "container '%s' keeps the runtime's default AppArmor profile beside BPF",
                    error_quote(c->name));
    case WISH_OPT_OUT:
        return 0;
    case WISH_NONE:
        break;
    }
    if (p->settings->apparmor_fields)
        r = set_apparmor_field(p, c, json_pack("{s:s}", "type", "Unconfined"),
                               ANNOTATION_UNCONFINED);
    else
        r = set_annotation(p, ANNOTATION_APPARMOR_LEGACY, c->name, ANNOTATION_UNCONFINED);
    return r < 0 ? r : set_annotation(p, ANNOTATION_APPARMOR, c->name, ANNOTATION_LIFTED);
}

static int patch_bpf(struct patch *p, struct container *c)
{
    unsigned enforcers = c->policy->in_force->enforcers;
    int r;

    if (!(enforcers & ENFORCER_BPF) ||
        strcmp(annotation(p, ANNOTATION_BPF, c->name), ANNOTATION_UNCONFINED) == 0)
        return 0;
    r = set_localhost(p, ANNOTATION_BPF, c);
    if (r < 0 || !p->settings->bpf_exclusive || (enforcers & ENFORCER_APPARMOR))
        return r;
    return lift_apparmor(p, c);
}

static int patch_apparmor(struct patch *p, struct container *c)
{
    char legacy[sizeof(LOCALHOST) + PROFILE_NAME_MAX];
    const char *profile = "";
    enum wish wish;
    int r;

    if (!(c->policy->in_force->enforcers & ENFORCER_APPARMOR))
        return 0;
    wish = apparmor_wish(p, c, &profile);
    r = tell_wish(p, c, "AppArmor", wish, profile);
    if (r < 0 || wish == WISH_OPT_OUT || wish == WISH_OWN)
        return r;
    if (p->settings->apparmor_fields) {
        snprintf(legacy, sizeof(legacy), LOCALHOST "%s", c->policy->profile->name);
        r = set_localhost(p, ANNOTATION_APPARMOR, c);
        return r < 0 ? r : set_apparmor_field(p, c, localhost_profile(c), legacy);
    }
    r = set_localhost(p, ANNOTATION_APPARMOR_LEGACY, c);
    if (r == 0 && strcmp(annotation(p, ANNOTATION_APPARMOR, c->name), ANNOTATION_LIFTED) == 0)
        r = drop_annotation(p, ANNOTATION_APPARMOR, c->name);
    return r;
}

static int patch_seccomp(struct patch *p, struct container *c)
{
    bool is_default = c->policy->in_force->mode == POLICY_RUNTIME_DEFAULT;
    const char *profile = "";
    enum wish wish;
    int r = 0;

    if (!(c->policy->in_force->enforcers & ENFORCER_SECCOMP))
        return 0;
    wish = seccomp_wish(p, c, &profile);
    if (wish != WISH_DEFAULT || !is_default)
        r = tell_wish(p, c, "seccomp", wish, profile);
    if (r < 0 || wish == WISH_OPT_OUT || wish == WISH_OWN)
        return r;
    r = set_localhost(p, ANNOTATION_SECCOMP, c);
    if (r < 0)
        return r;
    return set_field(p, c, "seccompProfile",
                     is_default ? json_pack("{s:s}", "type", "RuntimeDefault")
                                : localhost_profile(c));
}

/* ---- The object ---- */

static int patch_container(struct patch *p, const json_t *json, size_t index,
                           const struct admission_subject *subject,
                           const struct admission_candidates *candidates)
{
    struct container c = {.name = json_string_value(json_object_get(json, "name")),
                          .index = index,
                          .context = json_object_get(json, "securityContext")};
    int r;

    if (!c.name)
        return 0; /* the API server will refuse it */
    if (!json_is_object(c.context))
        c.context = NULL;
    c.policy = admission_choose(candidates, subject, c.name);
    if (!c.policy)
        return 0;
    r = patch_bpf(p, &c);
    if (r == 0)
        r = patch_apparmor(p, &c);
    return r < 0 ? r : patch_seccomp(p, &c);
}

/* Puts in front what the operations need, and the time behind them. */
static int close_patch(struct patch *p, const json_t *object, const json_t *pod)
{
    json_t *own = json_object_get(json_object_get(object, "metadata"), "annotations");
    char path[64], now[32];
    time_t seconds = (time_t)(p->settings->now_ns / (int64_t)NS_PER_SEC);
    json_t *all = json_array();
    struct tm tm;
    int r = all ? 0 : -ENOMEM;

    if (r == 0 && !json_is_object(own))
        r = add_operation(all, "/metadata/annotations", json_object());
    snprintf(path, sizeof(path), "%s/metadata", p->root);
    if (r == 0 && *p->root && !json_is_object(json_object_get(pod, "metadata")))
        r = add_operation(all, path, json_object());
    snprintf(path, sizeof(path), "%s/metadata/annotations", p->root);
    if (r == 0 && *p->root && !json_is_object(p->annotations))
        r = add_operation(all, path, json_object());
    if (r == 0 && json_array_extend(all, p->operations) < 0)
        r = -ENOMEM;
    strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
    if (r == 0)
        r = add_operation(all, "/metadata/annotations/webhook.varmor.org~1mutatedAt",
                          json_string(now));
    if (r < 0) {
        json_decref(all);
        return r;
    }
    json_decref(p->operations);
    p->operations = all;
    return 0;
}

/* Neither AppArmor nor seccomp may be named in a pod for Windows. */
static bool is_for_windows(const json_t *spec)
{
    const char *name = json_string_value(json_object_get(json_object_get(spec, "os"), "name"));

    return name && strcmp(name, "windows") == 0;
}

static int patch_object(struct patch *p, const json_t *object, const json_t *pod,
                        const struct admission_subject *subject,
                        const struct admission_candidates *candidates, struct error **reterr)
{
    const json_t *spec = json_object_get(pod, "spec");
    const json_t *containers = json_object_get(spec, "containers");
    size_t n = json_array_size(containers);
    int r = 0;

    if (!json_is_array(containers))
        return error_set(reterr, -EINVAL, "spec.containers of the pod is not a list");
    if (n > ADMISSION_MAX_CONTAINERS)
        return error_set(reterr, -EINVAL, "%zu containers: at most %d are given a profile", n,
                         ADMISSION_MAX_CONTAINERS);
    if (is_for_windows(spec) ||
        json_object_get(json_object_get(object, "metadata"), "deletionTimestamp"))
        return 0;
    p->annotations = json_object_get(json_object_get(pod, "metadata"), "annotations");
    p->pod_context = json_object_get(spec, "securityContext");
    for (size_t i = 0; i < n && r == 0; i++)
        r = patch_container(p, json_array_get(containers, i), i, subject, candidates);
    if (r == 0 && json_array_size(p->operations) > 0)
        r = close_patch(p, object, pod);
    if (r == -E2BIG)
        return error_set(reterr, -EINVAL, "a container's name is too long");
    return r < 0 ? error_oom(reterr) : 0;
}

int admission_patch(struct admission_patch *ret, const json_t *object,
                    const struct admission_subject *subject,
                    const struct admission_candidates *candidates,
                    const struct admission_settings *settings, struct error **reterr)
{
    bool is_pod = subject->kind == TARGET_POD;
    struct patch p = {.settings = settings,
                      .root = is_pod ? "" : "/spec/template",
                      .operations = json_array(),
                      .warnings = json_array()};
    const json_t *pod =
        is_pod ? object : json_object_get(json_object_get(object, "spec"), "template");
    int r = p.operations && p.warnings ? 0 : error_oom(reterr);

    if (r == 0)
        r = patch_object(&p, object, pod, subject, candidates, reterr);
    if (r < 0 || json_array_size(p.operations) == 0) {
        json_decref(p.operations);
        p.operations = NULL;
    }
    if (r < 0) {
        json_decref(p.warnings);
        return r;
    }
    *ret = (struct admission_patch){.operations = p.operations, .warnings = p.warnings};
    return 0;
}
