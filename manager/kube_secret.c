/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_secret.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/json_value.h"

#define METADATA_MAX_BYTES 8192 /* of a Secret that we write, and what is around its data */

void kube_secret_text_free(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

/* jansson frees its texts as they are. */
static void wipe_data(const json_t *data)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)data, key, value)
    {
        if (json_is_string(value))
            OPENSSL_cleanse((char *)json_string_value(value), json_string_length(value));
    }
}

/* *ret is "" for what is not base64 or holds a NUL. 0 or -ENOMEM. */
static int decode(char **ret, const char *encoded)
{
    size_t len = strlen(encoded), padding = 0;
    char *text = calloc(1, len / 4 * 3 + 1);
    int n;

    if (!text)
        return -ENOMEM;
    while (padding < 2 && padding < len && encoded[len - 1 - padding] == '=')
        padding++;
    n = len > KUBE_SECRET_MAX_BYTES
            ? -1
            : EVP_DecodeBlock((unsigned char *)text, (const unsigned char *)encoded, (int)len);
    if (n < (int)padding || strlen(text) != (size_t)n - padding)
        text[0] = '\0';
    *ret = text;
    return 0;
}

static int encode(json_t *data, const char *key, const char *text)
{
    size_t len = strlen(text);
    char *encoded = malloc((len + 2) / 3 * 4 + 1);
    int r;

    if (!encoded)
        return -ENOMEM;
    EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)text, (int)len);
    r = json_object_set_new(data, key, json_string(encoded));
    kube_secret_text_free(encoded);
    return r == 0 ? 0 : -ENOMEM;
}

int kube_secret_read(const void *object, size_t len, const char *const *keys, size_t n_keys,
                     char **ret_texts, char **ret_version)
{
    json_t *secret = json_value_read(object, len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *data = json_object_get(secret, "data");
    const char *version =
        json_string_value(json_object_get(json_object_get(secret, "metadata"), "resourceVersion"));
    size_t n = 0;
    int r = version ? 0 : -EBADMSG;

    for (; r == 0 && n < n_keys; n++) {
        const char *encoded = json_string_value(json_object_get(data, keys[n]));

        ret_texts[n] = NULL;
        r = decode(&ret_texts[n], encoded ? encoded : "");
    }
    if (r == 0) {
        *ret_version = strdup(version);
        r = *ret_version ? 0 : -ENOMEM;
    }
    for (size_t i = 0; r < 0 && i < n; i++) {
        kube_secret_text_free(ret_texts[i]);
        ret_texts[i] = NULL;
    }
    wipe_data(data);
    json_decref(secret);
    return r;
}

/* metadata of a Secret. NULL: no memory. */
static json_t *format_metadata(const struct kube_secret *secret)
{
    json_t *metadata = json_pack("{s:s}", "name", secret->name);
    int r = metadata ? 0 : -1;

    if (r == 0 && secret->version)
        r = json_object_set_new(metadata, "resourceVersion", json_string(secret->version));
    if (r == 0 && secret->owners && strcmp(secret->owners, "[]") != 0)
        r = json_object_set_new(metadata, "ownerReferences", json_loads(secret->owners, 0, NULL));
    if (r == 0 && secret->annotation)
        r = json_object_set_new(metadata, "annotations",
                                json_pack("{s:s}", secret->annotation, "true"));
    if (r == 0)
        return metadata;
    json_decref(metadata);
    return NULL;
}

int kube_secret_format(char **ret, const struct kube_secret *secret)
{
    json_t *data = json_object(), *metadata = format_metadata(secret), *object = NULL;
    struct buf text = BUF_INIT(KUBE_SECRET_MAX_BYTES);
    size_t len = METADATA_MAX_BYTES;
    int r = data && metadata ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < secret->n_items; i++) {
        r = encode(data, secret->items[i].key, secret->items[i].text);
        len += 2 * strlen(secret->items[i].text);
    }
    if (r == 0)
        r = buf_reserve(&text, len); /* at once: what grows leaves copies behind */
    if (r == 0)
        object = json_pack("{s:s, s:s, s:s, s:O, s:O}", "apiVersion", "v1", "kind", "Secret",
                           "type", secret->type, "metadata", metadata, "data", data);
    if (r == 0)
        r = object ? json_value_add(&text, object, JSON_COMPACT) : -ENOMEM;
    if (r == 0)
        *ret = (char *)TAKE(text.data);
    else if (text.data)
        OPENSSL_cleanse(text.data, text.cap);
    buf_done(&text);
    wipe_data(data);
    json_decref(object);
    json_decref(metadata);
    json_decref(data);
    return r;
}
