/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/token_review.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "lib/json_value.h"

#define NODE_NAME_KEY   "authentication.kubernetes.io/node-name"
#define POLICY_GROUP    "crd.varmor.org"
#define POLICY_RESOURCE "varmorpolicies"

void token_review_done(struct token_review *r)
{
    free(r->problem);
    free(r->user);
    free(r->node);
    free(r->access_request);
    *r = (struct token_review){0};
}

bool token_is_well_formed(const char *token)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";
    size_t len = strspn(token, letters);

    return len > 0 && token[len + strspn(token + len, "=")] == '\0' &&
           strlen(token) <= TOKEN_MAX_BYTES;
}

/* ---- When it ends ---- */

/* Decodes base64url without padding (RFC 7515) into out, which has room for all of it. Bytes, or -EINVAL. */
static int decode_part(unsigned char *out, const char *text, size_t len)
{
    unsigned char padded[TOKEN_MAX_BYTES + 4];
    size_t n_pad = (4 - len % 4) % 4;
    int n;

    if (len == 0 || len > TOKEN_MAX_BYTES || n_pad == 3)
        return -EINVAL;
    for (size_t i = 0; i < len; i++)
        padded[i] = (unsigned char)(text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
    memset(padded + len, '=', n_pad);
    n = EVP_DecodeBlock(out, padded, (int)(len + n_pad));
    return n < 0 ? -EINVAL : n - (int)n_pad;
}

int64_t token_ends_s(const char *token)
{
    unsigned char claims_text[TOKEN_MAX_BYTES + 4];
    const char *claims = strchr(token, '.');
    const char *end = claims ? strchr(claims + 1, '.') : NULL;
    CLEANUP(json_decref) json_t *json = NULL;
    int len;

    if (!end)
        return 0;
    len = decode_part(claims_text, claims + 1, (size_t)(end - claims - 1));
    if (len < 0)
        return 0;
    json = json_value_read(claims_text, (size_t)len, 0, NULL);
    return MAX(json_integer_value(json_object_get(json, "exp")), 0);
}

/* ---- Requests ---- */

static int add_json(struct buf *out, const json_t *json)
{
    return json ? json_value_add(out, json, JSON_COMPACT) : -ENOMEM;
}

int token_review_request(struct buf *out, const char *token, const char *audience)
{
    CLEANUP(json_decref)
    json_t *json = json_pack("{s:s, s:s, s:{s:s, s:[s]}}", "apiVersion", "authentication.k8s.io/v1",
                             "kind", "TokenReview", "spec", "token", token, "audiences", audience);

    return add_json(out, json);
}

/* The user as a TokenReview tells it, to be asked about. */
static int make_access_request(struct token_review *r, const json_t *user)
{
    static const char *const parts[] = {"uid", "groups", "extra"};
    CLEANUP_BUF struct buf out = BUF_INIT(TOKEN_REQUEST_MAX_BYTES);
    CLEANUP(json_decref)
    json_t *json =
        json_pack("{s:s, s:s, s:{s:s, s:{s:s, s:s, s:s}}}", "apiVersion", "authorization.k8s.io/v1",
                  "kind", "SubjectAccessReview", "spec", "user", r->user, "resourceAttributes",
                  "verb", "get", "group", POLICY_GROUP, "resource", POLICY_RESOURCE);
    json_t *spec = json_object_get(json, "spec");
    int failed = 0;

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        json_t *part = json_object_get(user, parts[i]);

        if (part)
            failed |= json_object_set(spec, parts[i], part);
    }
    if (!json || failed || add_json(&out, json) < 0)
        return -ENOMEM;
    r->access_request = strdup(buf_text(&out));
    return r->access_request ? 0 : -ENOMEM;
}

/* ---- Answers ---- */

/* The status of an answer of this kind; borrowed from *ret, which is the whole of it. */
static const json_t *read_status(json_t **ret, const uint8_t *data, size_t len, const char *kind,
                                 struct error **reterr)
{
    json_error_t e;
    const char *its_kind;
    const json_t *status;

    *ret = json_value_read(data, len, JSON_REJECT_DUPLICATES, &e);
    its_kind = json_string_value(json_object_get(*ret, "kind"));
    status = json_object_get(*ret, "status");
    if (!*ret)
        error_set(reterr, -EBADMSG, "the answer cannot be read as JSON: %s", error_quote(e.text));
    else if (!its_kind || strcmp(its_kind, kind) != 0 || !json_is_object(status))
        error_set(reterr, -EBADMSG, "the answer is no %s with a status", kind);
    else
        return status;
    return NULL;
}

static bool holds_text(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));

        if (item && strcmp(item, text) == 0)
            return true;
    }
    return false;
}

/* The one value of a user's extra field. Several would leave it open which is meant. */
static const char *one_extra(const json_t *user, const char *key)
{
    const json_t *values = json_object_get(json_object_get(user, "extra"), key);
    const char *value =
        json_array_size(values) == 1 ? json_string_value(json_array_get(values, 0)) : NULL;

    return value ? value : "";
}

int token_review_read(struct token_review *ret, const uint8_t *data, size_t len,
                      const char *audience, struct error **reterr)
{
    CLEANUP(json_decref) json_t *json = NULL;
    const json_t *status = read_status(&json, data, len, "TokenReview", reterr);
    const json_t *user = json_object_get(status, "user");
    const char *name = json_string_value(json_object_get(user, "username"));
    const char *problem = json_string_value(json_object_get(status, "error"));
    struct token_review r = {0};

    if (!status)
        return -EBADMSG;
    r.is_authenticated = json_is_true(json_object_get(status, "authenticated")) && name && *name;
    if (r.is_authenticated && !holds_text(json_object_get(status, "audiences"), audience)) {
        r.is_authenticated =
            false; /* an API server that knows no audiences would let any token pass */
        problem = "it is not for the audience that was asked for";
    }
    if (r.is_authenticated)
        problem = "";
    r.problem = strdup(problem ? problem : "it gives no reason");
    r.user = strdup(r.is_authenticated ? name : "");
    r.node = strdup(r.is_authenticated ? one_extra(user, NODE_NAME_KEY) : "");
    if (!r.problem || !r.user || !r.node ||
        (r.is_authenticated && make_access_request(&r, user) < 0)) {
        token_review_done(&r);
        return error_oom(reterr);
    }
    *ret = r;
    return 0;
}

int token_review_check_agent(const struct token_review *r, const char *account,
                             struct error **reterr)
{
    if (strcmp(r->user, account) != 0)
        return error_set(reterr, -EACCES, "the token is of '%s', agents are '%s'",
                         error_quote(r->user), account);
    if (!*r->node)
        return error_set(
            reterr, -ENODATA,
            "the token is not bound to a pod on a node, or the API server does not say "
            "to which (Kubernetes says it from 1.30 on)");
    return 0;
}

int access_review_read(const uint8_t *data, size_t len, struct error **reterr)
{
    CLEANUP(json_decref) json_t *json = NULL;
    const json_t *status = read_status(&json, data, len, "SubjectAccessReview", reterr);

    if (!status)
        return -EBADMSG;
    return json_is_true(json_object_get(status, "allowed")) &&
                   !json_is_true(json_object_get(status, "denied"))
               ? 1
               : 0;
}
