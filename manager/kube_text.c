/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/utf8.h"

#define ELLIPSIS "..."

/* The length of the longest beginning of whole characters that fits into max_bytes. */
static size_t whole_characters(const uint8_t *s, size_t len, size_t max_bytes)
{
    size_t used = 0;

    while (used < len) {
        size_t n = utf8_decode(s + used, len - used, NULL);

        n = n ? n : 1;
        if (used + n > max_bytes)
            break;
        used += n;
    }
    return used;
}

json_t *kube_text(const char *text, size_t max_bytes)
{
    const uint8_t *s = (const uint8_t *)(text ? text : "");
    size_t len = strlen((const char *)s), keep = len;
    CLEANUP_FREE char *copy = NULL;

    if (len > max_bytes)
        keep = whole_characters(s, len, max_bytes - strlen(ELLIPSIS));
    copy = malloc(keep + sizeof(ELLIPSIS));
    if (!copy)
        return NULL;
    for (size_t i = 0; i < keep;) {
        size_t n = utf8_decode(s + i, keep - i, NULL);

        copy[i] = n ? (char)s[i] : '?';
        for (size_t k = 1; k < n; k++)
            copy[i + k] = (char)s[i + k];
        i += n ? n : 1;
    }
    memcpy(copy + keep, keep < len ? ELLIPSIS : "", keep < len ? sizeof(ELLIPSIS) : 1);
    return json_string_nocheck(copy);
}

json_t *kube_time(int64_t real_ns)
{
    time_t seconds = (time_t)(real_ns / (int64_t)NS_PER_SEC);
    char text[64];
    struct tm parts;

    gmtime_r(&seconds, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return json_string(text);
}

const char *kube_digest_format(const struct digest *d, char text[static KUBE_DIGEST_TEXT_SIZE])
{
    char digits[DIGEST_TEXT_SIZE];

    snprintf(text, KUBE_DIGEST_TEXT_SIZE, "sha256:%s", digest_format(d, digits));
    return text;
}

int kube_set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) < 0 ? -ENOMEM : 0;
}

int kube_append(json_t *array, json_t *value)
{
    return json_array_append_new(array, value) < 0 ? -ENOMEM : 0;
}

const char *kube_get_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

bool kube_version_is_newer(const char *a, const char *b)
{
    size_t len_a = a ? strlen(a) : 0, len_b = b ? strlen(b) : 0;

    if (len_a != len_b)
        return len_a > len_b;
    return len_a > 0 && strcmp(a, b) > 0;
}
