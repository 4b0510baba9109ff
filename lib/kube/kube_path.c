/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_path.h"

#include <errno.h>
#include <string.h>

/* RFC 3986's unreserved characters stand for themselves everywhere. */
static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c));
}

static int add_escaped(struct buf *out, const char *text)
{
    int r = 0;

    for (; r == 0 && *text; text++) {
        if (is_unreserved(*text))
            r = buf_add(out, text, 1);
        else
            r = buf_format(out, "%%%02X", (unsigned char)*text);
    }
    return r;
}

static int add_segment(struct buf *out, const char *text)
{
    int r;

    if (*text == '\0' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return -EINVAL;
    r = buf_add_text(out, "/");
    return r < 0 ? r : add_escaped(out, text);
}

int kube_path_add(struct buf *out, const struct kube_path *path)
{
    const bool is_core = !path->group || *path->group == '\0';
    const bool has_namespace = path->name_space && *path->name_space;
    const char *const segments[] = {
        is_core ? "api" : "apis",
        is_core ? NULL : path->group,
        path->version,
        has_namespace ? "namespaces" : NULL,
        has_namespace ? path->name_space : NULL,
        path->resource,
        path->name,
        path->name ? path->subresource : NULL,
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(segments); i++)
        if (segments[i])
            r = add_segment(out, segments[i]);
    return r;
}

int kube_path_query(struct buf *out, const char *key, const char *value)
{
    int r = buf_add_text(out, strchr(buf_text(out), '?') ? "&" : "?");

    if (r == 0)
        r = add_escaped(out, key);
    if (r == 0)
        r = buf_add_text(out, "=");
    return r < 0 ? r : add_escaped(out, value);
}
