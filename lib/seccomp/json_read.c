/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCI JSON as a profile, by jansson. A path ("syscalls[3].args[0].op") leads to what is wrong.
 */
#include "lib/json_value.h"
#include "lib/seccomp/json_value.h"
#include "lib/seccomp/rule.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/json_number.h"

#define PATH_SIZE 64
#define MAX_FLAGS 16

struct reader {
    struct sc_profile *profile;
    struct error **reterr;
    char path[PATH_SIZE]; /* "syscalls[3]": of the object that is being read */
};

static int refuse(struct reader *rd, const char *member, const char *format, ...)
    PRINTF_FORMAT(3, 4);
static int refuse(struct reader *rd, const char *member, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return error_set(rd->reterr, -EINVAL, "%s%s%s%s%s", rd->path, *rd->path && *member ? "." : "",
                     member, *rd->path || *member ? ": " : "", text);
}

/* Refuses members that are not in the list, which ends with NULL. */
static int check_members(struct reader *rd, json_t *object, const char *const *known)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        const char *const *k = known;

        while (*k && strcmp(*k, key) != 0)
            k++;
        if (!*k)
            return refuse(rd, "", "'%s' is not known here, and what it asks for would be lost",
                          error_quote(key));
    }
    return 0;
}

/* *ret: NULL where the member is absent or null. */
static int find_text(struct reader *rd, const json_t *object, const char *name, const char **ret)
{
    const json_t *j = json_object_get(object, name);

    *ret = NULL;
    if (!j || json_is_null(j))
        return 0;
    if (!json_is_string(j))
        return refuse(rd, name, "not a text");
    *ret = json_string_value(j);
    return 0;
}

static int find_list(struct reader *rd, const json_t *object, const char *name, size_t max,
                     json_t **ret)
{
    json_t *j = json_object_get(object, name);

    *ret = NULL;
    if (!j || json_is_null(j))
        return 0;
    if (!json_is_array(j))
        return refuse(rd, name, "not a list");
    if (json_array_size(j) > max)
        return refuse(rd, name, "more than %zu entries", max);
    *ret = j;
    return 0;
}

/* *ret is left alone where the member is absent or null. */
static int find_number(struct reader *rd, const json_t *object, const char *name, uint64_t max,
                       uint64_t *ret)
{
    const json_t *j = json_object_get(object, name);

    if (!j || json_is_null(j))
        return 0;
    if (!json_is_integer(j))
        return refuse(rd, name, "not a whole number");
    if ((uint64_t)json_integer_value(j) > max)
        return refuse(rd, name, "%" PRIu64 " is more than %" PRIu64,
                      (uint64_t)json_integer_value(j), max);
    *ret = (uint64_t)json_integer_value(j);
    return 0;
}

static int read_action(struct reader *rd, const json_t *object, const char *name,
                       enum sc_action *ret)
{
    const char *word;
    int r = find_text(rd, object, name, &word);

    if (r < 0)
        return r;
    if (!word)
        return refuse(rd, name, "it is missing");
    if (sc_action_parse(ret, word) < 0)
        return refuse(rd, name, "'%s' is not an action (SCMP_ACT_ALLOW, SCMP_ACT_ERRNO, ...)",
                      error_quote(word));
    if (*ret == SC_NOTIFY)
        return refuse(rd, name, "SCMP_ACT_NOTIFY needs a listener, which nobody starts");
    return 0;
}

static int read_errno(struct reader *rd, const json_t *object, const char *name, unsigned *ret)
{
    uint64_t number = SC_DEFAULT_ERRNO;
    int r = find_number(rd, object, name, SC_MAX_ERRNO, &number);

    if (r == 0)
        *ret = (unsigned)number;
    return r;
}

static int read_arg(struct reader *rd, json_t *object, struct sc_arg *ret)
{
    static const char *const known[] = {"index", "value", "valueTwo", "op", NULL};
    const char *op = NULL;
    uint64_t index = UINT64_MAX;
    int r;

    if (!json_is_object(object))
        return refuse(rd, "", "not an object");
    *ret = (struct sc_arg){0};
    r = check_members(rd, object, known);
    if (r == 0)
        r = find_number(rd, object, "index", SC_MAX_ARGS - 1, &index);
    if (r == 0)
        r = find_number(rd, object, "value", UINT64_MAX, &ret->value);
    if (r == 0)
        r = find_number(rd, object, "valueTwo", UINT64_MAX, &ret->value_two);
    if (r == 0)
        r = find_text(rd, object, "op", &op);
    if (r < 0)
        return r;
    if (index == UINT64_MAX)
        return refuse(rd, "index", "it is missing");
    if (!op || sc_compare_parse(&ret->op, op) < 0)
        return refuse(rd, "op", "'%s' is not a comparison (SCMP_CMP_EQ, SCMP_CMP_MASKED_EQ, ...)",
                      op ? error_quote(op) : "");
    if (ret->op != SC_MASKED_EQ)
        ret->value_two = 0; /* it has no meaning: none is kept */
    ret->index = (unsigned)index;
    return 0;
}

static int read_args(struct reader *rd, const json_t *entry, size_t i_entry,
                     struct sc_arg ret[static SC_MAX_ENTRY_ARGS], size_t *ret_n)
{
    json_t *list;
    int r = find_list(rd, entry, "args", SC_MAX_ENTRY_ARGS, &list);

    *ret_n = list ? json_array_size(list) : 0;
    for (size_t i = 0; i < *ret_n && r == 0; i++) {
        snprintf(rd->path, sizeof(rd->path), "syscalls[%zu].args[%zu]", i_entry, i);
        r = read_arg(rd, json_array_get(list, i), &ret[i]);
    }
    snprintf(rd->path, sizeof(rd->path), "syscalls[%zu]", i_entry);
    return r;
}

static int read_names(struct reader *rd, const json_t *entry, struct sc_rule *like)
{
    json_t *list;
    int r = find_list(rd, entry, "names", SC_MAX_NAMES, &list);

    if (r < 0)
        return r;
    if (!list || json_array_size(list) == 0)
        return refuse(rd, "names", "it names no system call");
    for (size_t i = 0; i < json_array_size(list) && r == 0; i++) {
        const char *name = json_string_value(json_array_get(list, i));

        if (!name || !sc_is_call_name(name))
            return refuse(rd, "names", "'%s' is not the name of a system call",
                          name ? error_quote(name) : "");
        r = sc_rule_add_name(like, name);
    }
    return r;
}

static int read_origin(struct reader *rd, const json_t *entry, struct sc_rule *like)
{
    const char *comment;
    int r = find_text(rd, entry, "comment", &comment);

    if (r < 0 || !comment)
        return r;
    if (strlen(comment) > SC_MAX_ORIGIN)
        return refuse(rd, "comment", "longer than %d bytes", SC_MAX_ORIGIN);
    like->origin = strdup(comment);
    return like->origin ? 0 : -ENOMEM;
}

static int read_entry_into(struct reader *rd, json_t *entry, size_t i, struct sc_rule *like)
{
    static const char *const known[] = {"names", "action", "errnoRet", "args", "comment", NULL};
    struct sc_arg args[SC_MAX_ENTRY_ARGS];
    size_t n_args = 0;
    int r;

    if (!json_is_object(entry))
        return refuse(rd, "", "not an object");
    r = check_members(rd, entry, known);
    if (r == 0)
        r = read_action(rd, entry, "action", &like->action);
    if (r == 0)
        r = read_errno(rd, entry, "errnoRet", &like->errno_ret);
    if (r == 0)
        r = read_names(rd, entry, like);
    if (r == 0)
        r = read_origin(rd, entry, like);
    if (r == 0)
        r = read_args(rd, entry, i, args, &n_args);
    return r < 0 ? r : sc_profile_add_entry(rd->profile, like, args, n_args);
}

static int read_entry(struct reader *rd, json_t *entry, size_t i)
{
    struct sc_rule like = {0};
    int r;

    snprintf(rd->path, sizeof(rd->path), "syscalls[%zu]", i);
    r = read_entry_into(rd, entry, i, &like);
    sc_rule_done(&like);
    return r;
}

static int read_flags(struct reader *rd, const json_t *top)
{
    json_t *list;
    int r = find_list(rd, top, "flags", MAX_FLAGS, &list);

    if (r < 0 || !list)
        return r;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *flag = json_string_value(json_array_get(list, i));

        if (!flag || strcmp(flag, "SECCOMP_FILTER_FLAG_LOG") != 0)
            return refuse(rd, "flags", "'%s' is not supported, only SECCOMP_FILTER_FLAG_LOG is",
                          flag ? error_quote(flag) : "");
        rd->profile->log = true;
    }
    return 0;
}

static bool is_arch_name(const char *name)
{
    for (int a = 0; a < SC_ARCHES; a++)
        if (strcmp(name, sc_arch_name((enum sc_arch)a)) == 0)
            return true;
    return false;
}

static int check_arches(struct reader *rd, const json_t *top)
{
    json_t *list;
    int r = find_list(rd, top, "architectures", SC_ARCHES, &list);

    if (r < 0 || !list)
        return r;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));

        if (!name || !is_arch_name(name))
            return refuse(rd, "architectures", "'%s' is not an architecture that is known here",
                          name ? error_quote(name) : "");
    }
    return 0;
}

static int read_profile(struct reader *rd, json_t *top)
{
    static const char *const known[] = {"defaultAction", "defaultErrnoRet", "architectures",
                                        "flags",         "syscalls",        NULL};
    json_t *entries = NULL;
    int r;

    if (!json_is_object(top))
        return error_set(rd->reterr, -EINVAL, "it is not an object");
    r = check_members(rd, top, known);
    if (r == 0)
        r = read_action(rd, top, "defaultAction", &rd->profile->default_action);
    if (r == 0)
        r = read_errno(rd, top, "defaultErrnoRet", &rd->profile->default_errno);
    if (r == 0)
        r = check_arches(rd, top);
    if (r == 0)
        r = read_flags(rd, top);
    if (r == 0)
        r = find_list(rd, top, "syscalls", SC_MAX_RULES, &entries);
    for (size_t i = 0; entries && i < json_array_size(entries) && r == 0; i++)
        r = read_entry(rd, json_array_get(entries, i), i);
    return r;
}

int sc_profile_read_value(struct sc_profile *ret, struct json_t *value, struct error **reterr)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0};
    struct reader rd = {.profile = &p, .reterr = reterr};
    int r = read_profile(&rd, value);

    if (r == -ENOMEM)
        return error_oom(reterr);
    if (r == -E2BIG)
        return error_set(reterr, r, "more than %d rules", SC_MAX_RULES);
    if (r < 0)
        return r;
    *ret = p;
    p = (struct sc_profile){0};
    return 0;
}

int sc_profile_read_json(struct sc_profile *ret, const char *json, size_t len,
                         struct error **reterr)
{
    CLEANUP_BUF struct buf wrapped = BUF_INIT(2 * SC_MAX_JSON);
    CLEANUP(json_decref) json_t *top = NULL;
    json_error_t problem;
    bool negative;

    if (len > SC_MAX_JSON)
        return error_set(reterr, -E2BIG, "%zu bytes; the limit is %d", len, SC_MAX_JSON);
    if (json_number_wrap(&wrapped, json, len, &negative) < 0)
        return error_oom(reterr);
    if (negative)
        return error_set(reterr, -EINVAL, "a number is negative");
    top = json_value_read(buf_text(&wrapped), wrapped.len, JSON_REJECT_DUPLICATES, &problem);
    if (!top && json_value_is_oom(&problem))
        return error_oom(reterr);
    if (!top)
        return error_set(reterr, -EINVAL, "line %d, column %d: %s", problem.line, problem.column,
                         problem.text);
    return sc_profile_read_value(ret, top, reterr);
}
