/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/apparmor_binary.h"

#include <errno.h>
#include <string.h>

#define MAX_DEPTH 16 /* the parser nests three deep */

/* The tokens of the format (security/apparmor/include/policy_unpack.h of the kernel). */
enum token {
    TOKEN_U8,
    TOKEN_U16,
    TOKEN_U32,
    TOKEN_U64,
    TOKEN_NAME, /* of the value that follows */
    TOKEN_STRING,
    TOKEN_BLOB,
    TOKEN_STRUCT,
    TOKEN_STRUCT_END,
    TOKEN_LIST,
    TOKEN_LIST_END,
    TOKEN_ARRAY,
    TOKEN_ARRAY_END,
    TOKENS,
};

/* The second number of a profile's "flags". */
enum packed_mode { PACKED_ENFORCE = 0, PACKED_COMPLAIN = 1 };

struct value {
    enum token token;
    uint32_t number;  /* TOKEN_U32 */
    const char *text; /* TOKEN_NAME, TOKEN_STRING: ends with NUL */
};

struct reader {
    const uint8_t *at, *end;
};

static size_t left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

/* Little-endian, whatever the machine. */
static bool read_number(struct reader *r, size_t n_bytes, uint32_t *ret)
{
    uint32_t number = 0;

    if (left(r) < n_bytes)
        return false;
    for (size_t i = 0; i < n_bytes; i++)
        number |= (uint32_t)r->at[i] << (8 * i);
    r->at += n_bytes;
    *ret = number;
    return true;
}

static bool skip(struct reader *r, size_t n_bytes)
{
    if (left(r) < n_bytes)
        return false;
    r->at += n_bytes;
    return true;
}

static bool read_text(struct reader *r, const char **ret)
{
    uint32_t size;

    if (!read_number(r, 2, &size) || size == 0 || left(r) < size || r->at[size - 1] != '\0')
        return false;
    *ret = (const char *)r->at;
    r->at += size;
    return true;
}

/* False: not a token of the format, or cut short. */
static bool read_value(struct reader *r, struct value *ret)
{
    uint32_t token, size;

    *ret = (struct value){0};
    if (!read_number(r, 1, &token) || token >= TOKENS)
        return false;
    ret->token = (enum token)token;
    switch (ret->token) {
    case TOKEN_U8:
        return skip(r, 1);
    case TOKEN_U16:
    case TOKEN_ARRAY: /* the number of its elements */
        return skip(r, 2);
    case TOKEN_U32:
        return read_number(r, 4, &ret->number);
    case TOKEN_U64:
        return skip(r, 8);
    case TOKEN_NAME:
    case TOKEN_STRING:
        return read_text(r, &ret->text);
    case TOKEN_BLOB:
        return read_number(r, 4, &size) && skip(r, size);
    default:
        return true;
    }
}

static bool expect(struct reader *r, enum token token, struct value *ret)
{
    return read_value(r, ret) && ret->token == token;
}

/* Behind the name "flags": a struct of three numbers, the second of which is the mode. */
static bool read_mode(struct reader *r, uint32_t *ret)
{
    struct value v;

    if (!expect(r, TOKEN_STRUCT, &v) || !expect(r, TOKEN_U32, &v) || !expect(r, TOKEN_U32, &v))
        return false;
    *ret = v.number;
    return expect(r, TOKEN_U32, &v) && expect(r, TOKEN_STRUCT_END, &v);
}

/* The rest of a profile, behind its name. False: not well formed, or no mode in it. */
static bool read_body(struct reader *r, uint32_t *ret_mode)
{
    unsigned depth = 1;
    bool has_mode = false;

    while (depth > 0) {
        struct value v;

        if (!read_value(r, &v))
            return false;
        switch (v.token) {
        case TOKEN_STRUCT:
        case TOKEN_LIST:
        case TOKEN_ARRAY:
            if (++depth > MAX_DEPTH)
                return false;
            break;
        case TOKEN_STRUCT_END:
        case TOKEN_LIST_END:
        case TOKEN_ARRAY_END:
            depth--;
            break;
        case TOKEN_NAME:
            if (depth != 1 || strcmp(v.text, "flags") != 0)
                break;
            if (has_mode || !read_mode(r, ret_mode))
                return false;
            has_mode = true;
            break;
        default:
            break;
        }
    }
    return has_mode;
}

/* One profile with its head. */
static bool read_profile(struct reader *r, const char **ret_name, uint32_t *ret_mode)
{
    struct value v;

    if (!expect(r, TOKEN_NAME, &v))
        return false;
    if (strcmp(v.text, "version") == 0 && (!expect(r, TOKEN_U32, &v) || !expect(r, TOKEN_NAME, &v)))
        return false;
    /* A "namespace" would stand here. */
    if (strcmp(v.text, "profile") != 0 || !expect(r, TOKEN_STRUCT, &v) ||
        !expect(r, TOKEN_STRING, &v))
        return false;
    *ret_name = v.text;
    return read_body(r, ret_mode);
}

enum kinship { STRANGER, SELF, CHILD };

static enum kinship kinship_of(const char *name, const char *profile)
{
    size_t len = strlen(profile);

    if (strncmp(name, profile, len) != 0)
        return STRANGER;
    if (!name[len])
        return SELF;
    return strncmp(name + len, "//", 2) == 0 && name[len + 2] && !strchr(name + len + 2, '/')
               ? CHILD
               : STRANGER;
}

static int check(struct apparmor_binary *b, const char *profile, struct error **reterr)
{
    struct reader r = {.at = b->data, .end = b->data + b->len};
    unsigned n_self = 0, n_profiles = 0;

    while (left(&r) > 0) {
        const char *name = NULL;
        uint32_t mode = 0;
        enum kinship kinship;

        if (!read_profile(&r, &name, &mode))
            return error_set(reterr, -EBADMSG,
                             "the compiled profile is not in the form that is known here");
        kinship = kinship_of(name, profile);
        if (kinship == STRANGER)
            return error_set(reterr, -EBADMSG, "the compiled policy holds profile '%s' too",
                             error_quote(name));
        if (mode != PACKED_ENFORCE && mode != PACKED_COMPLAIN)
            return error_set(reterr, -EBADMSG,
                             "profile '%s' is in neither enforce nor complain mode",
                             error_quote(name));
        if (n_profiles++ > 0 && b->complain != (mode == PACKED_COMPLAIN))
            return error_set(reterr, -EBADMSG, "profile '%s' has another mode than its relatives",
                             error_quote(name));
        b->complain = mode == PACKED_COMPLAIN;
        n_self += kinship == SELF;
        b->n_children += kinship == CHILD;
    }
    if (n_self != 1)
        return error_set(reterr, -EBADMSG, "the compiled policy holds profile '%s' %u times",
                         error_quote(profile), n_self);
    return 0;
}

int apparmor_binary_new(struct apparmor_binary **ret, const char *profile, struct buf *data,
                        struct error **reterr)
{
    CLEANUP(apparmor_binary_unref) struct apparmor_binary *b = calloc(1, sizeof(*b));
    int r;

    if (!b)
        return error_oom(reterr);
    b->n_refs = 1;
    b->data = data->data;
    b->len = data->len;
    r = check(b, profile, reterr);
    if (r == 0 && digest_of(&b->digest, b->data, b->len) < 0)
        r = error_oom(reterr);
    if (r < 0) {
        b->data = NULL; /* still the caller's */
        return r;
    }
    *data = BUF_INIT(data->max);
    *ret = TAKE(b);
    return 0;
}

struct apparmor_binary *apparmor_binary_ref(struct apparmor_binary *b)
{
    b->n_refs++;
    return b;
}

struct apparmor_binary *apparmor_binary_unref(struct apparmor_binary *b)
{
    if (!b || --b->n_refs > 0)
        return NULL;
    free(b->data);
    free(b);
    return NULL;
}
