/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/webhook_configuration.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/json_value.h"
#include "lib/policy/selector.h"
#include "manager/certificates.h"

#define CONFIGURATION_MAX_BYTES (2u << 20) /* three bundles of CERTIFICATE_MAX_PEM_BYTES and more */
#define LABEL_KEY_MAX           317        /* bytes: a prefix, "/" and a name */

/* One webhook of a configuration. */
struct webhook {
    const char *name, *group, *version;
    const char *resources[4], *operations[3]; /* the rest: NULL */
    const char *path, *side_effects;
    bool has_selector; /* takes objects with the match label only */
};

static const struct webhook mutating[] = {
    {.name = "mutateworkload.varmor.org",
     .group = "apps",
     .version = "v1",
     .resources = {"deployments", "statefulsets", "daemonsets"},
     .operations = {"CREATE", "UPDATE"},
     .path = "/mutate",
     .side_effects = "NoneOnDryRun",
     .has_selector = true},
    {.name = "mutatepod.varmor.org",
     .group = "",
     .version = "v1",
     .resources = {"pods"},
     .operations = {"CREATE"},
     .path = "/mutate",
     .side_effects = "NoneOnDryRun",
     .has_selector = true},
};
static const struct webhook validating[] = {
    {.name = "validatepolicy.varmor.org",
     .group = "crd.varmor.org",
     .version = "v1beta1",
     .resources = {"varmorpolicies", "varmorclusterpolicies"},
     .operations = {"CREATE", "UPDATE"},
     .path = "/validate",
     .side_effects = "None"},
};

static const struct configuration {
    const char *kind, *resource, *name, *debug_name;
    const struct webhook *webhooks;
    size_t n_webhooks;
    bool is_reinvoked;
} configurations[] = {
    [WEBHOOK_MUTATING] = {"MutatingWebhookConfiguration", "mutatingwebhookconfigurations",
                          "varmor-resource-mutating-webhook-cfg",
                          "varmor-resource-mutating-webhook-cfg-debug", mutating,
                          ARRAY_SIZE(mutating), true},
    [WEBHOOK_VALIDATING] = {"ValidatingWebhookConfiguration", "validatingwebhookconfigurations",
                            "varmor-policy-validating-webhook-cfg",
                            "varmor-policy-validating-webhook-cfg-debug", validating,
                            ARRAY_SIZE(validating), false},
};

const char *webhook_configuration_name(enum webhook_kind kind, bool has_url)
{
    return has_url ? configurations[kind].debug_name : configurations[kind].name;
}

const char *webhook_configuration_resource(enum webhook_kind kind)
{
    return configurations[kind].resource;
}

/* Splits KEY=VALUE. False if it is no label. */
static bool split_label(const char *label, char key[static LABEL_KEY_MAX + 1],
                        const char **ret_value)
{
    const char *equals = strchr(label, '=');

    if (!equals || (size_t)(equals - label) > LABEL_KEY_MAX)
        return false;
    memcpy(key, label, (size_t)(equals - label));
    key[equals - label] = '\0';
    *ret_value = equals + 1;
    return true;
}

int webhook_match_label_check(const char *label, struct error **reterr)
{
    char key[LABEL_KEY_MAX + 1];
    const char *value;
    int r;

    if (!*label)
        return 0;
    if (!split_label(label, key, &value))
        return error_set(reterr, -EINVAL, "'%s' is not a label: KEY=VALUE", error_quote(label));
    r = label_key_check(key, reterr);
    return r < 0 ? r : label_value_check(value, reterr);
}

bool webhook_match_label_fits(const char *label, const struct labels *labels)
{
    char key[LABEL_KEY_MAX + 1];
    const char *value, *given;

    if (!*label)
        return true;
    given = split_label(label, key, &value) ? labels_get(labels, key) : NULL;
    return given && strcmp(given, value) == 0;
}

static json_t *format_texts(const char *const *texts, size_t max)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < max && texts[i]; i++)
        if (json_array_append_new(list, json_string(texts[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *format_bundle(const char *authority)
{
    size_t len = strlen(authority);
    CLEANUP_FREE char *encoded = malloc((len + 2) / 3 * 4 + 1);

    if (!encoded)
        return NULL;
    EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)authority, (int)len);
    return json_string(encoded);
}

/* clientConfig: where the API server calls, and whom it believes there. */
static json_t *format_client(const struct webhook *w, const struct webhook_settings *settings,
                             const char *authority)
{
    json_t *bundle = format_bundle(authority);

    if (settings->url)
        return json_pack("{s:o, s:s+}", "caBundle", bundle, "url", settings->url, w->path);
    return json_pack("{s:o, s:{s:s, s:s, s:s, s:i}}", "caBundle", bundle, "service", "namespace",
                     settings->name_space, "name", CERTIFICATES_SERVICE, "path", w->path, "port",
                     443);
}

static json_t *format_rules(const struct webhook *w)
{
    json_t *operations = format_texts(w->operations, ARRAY_SIZE(w->operations));
    json_t *resources = format_texts(w->resources, ARRAY_SIZE(w->resources));

    return json_pack("[{s:[s], s:[s], s:o, s:o, s:s}]", "apiGroups", w->group, "apiVersions",
                     w->version, "operations", operations, "resources", resources, "scope", "*");
}

static json_t *format_selector(const struct webhook *w, const struct webhook_settings *settings)
{
    char key[LABEL_KEY_MAX + 1];
    const char *value;

    if (!w->has_selector || !split_label(settings->match_label, key, &value))
        return json_object();
    return json_pack("{s:{s:s}}", "matchLabels", key, value);
}

static json_t *format_webhook(const struct webhook *w, const struct configuration *c,
                              const struct webhook_settings *settings, const char *authority)
{
    json_t *webhook = json_pack(
        "{s:s, s:[s], s:o, s:s, s:s, s:{}, s:o, s:o, s:s, s:i}", "name", w->name,
        "admissionReviewVersions", "v1", "clientConfig", format_client(w, settings, authority),
        "failurePolicy", "Ignore", "matchPolicy", "Equivalent", "namespaceSelector",
        "objectSelector", format_selector(w, settings), "rules", format_rules(w), "sideEffects",
        w->side_effects, "timeoutSeconds", (int)settings->timeout_s);

    if (webhook && c->is_reinvoked &&
        json_object_set_new(webhook, "reinvocationPolicy",
                            json_string(settings->url ? "Never" : "IfNeeded")) < 0) {
        json_decref(webhook);
        return NULL;
    }
    return webhook;
}

static json_t *format_webhooks(const struct configuration *c,
                               const struct webhook_settings *settings, const char *authority)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < c->n_webhooks; i++)
        if (json_array_append_new(list, format_webhook(&c->webhooks[i], c, settings, authority)) <
            0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

int webhook_configuration_format(char **ret, enum webhook_kind kind,
                                 const struct webhook_settings *settings, const char *authority,
                                 struct error **reterr)
{
    const struct configuration *c = &configurations[kind];
    CLEANUP_BUF struct buf text = BUF_INIT(CONFIGURATION_MAX_BYTES);
    json_t *object;
    int r = webhook_match_label_check(settings->match_label, reterr);

    if (r < 0)
        return r;
    object = json_pack("{s:s, s:s, s:{s:s, s:o}, s:o}", "apiVersion",
                       "admissionregistration.k8s.io/v1", "kind", c->kind, "metadata", "name",
                       webhook_configuration_name(kind, settings->url != NULL), "ownerReferences",
                       json_loads(settings->owners, 0, NULL), "webhooks",
                       format_webhooks(c, settings, authority));
    r = object ? json_value_add(&text, object, JSON_COMPACT) : -ENOMEM;
    json_decref(object);
    if (r < 0)
        return r == -ENOMEM ? error_oom(reterr) : error_errno(reterr, r, "its webhooks");
    *ret = (char *)TAKE(text.data);
    return 0;
}
