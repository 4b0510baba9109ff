/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles as OCI JSON. */
#include "lib/seccomp/rule.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/json_text.h"

static int write_text(struct buf *out, const char *text)
{
    return json_text_add(out, text, strlen(text));
}

static int write_arg(struct buf *out, const struct sc_arg *a)
{
    int r = buf_format(out, "{\"index\": %u, \"value\": %" PRIu64 ", ", a->index, a->value);

    if (r == 0 && a->op == SC_MASKED_EQ)
        r = buf_format(out, "\"valueTwo\": %" PRIu64 ", ", a->value_two);
    return r < 0 ? r : buf_format(out, "\"op\": \"%s\"}", sc_compare_name(a->op));
}

static int write_args(struct buf *out, const struct sc_rule *rule)
{
    int r = buf_add_text(out, ", \"args\": [");

    for (size_t i = 0; i < rule->n_args && r == 0; i++) {
        if (i > 0)
            r = buf_add_text(out, ", ");
        if (r == 0)
            r = write_arg(out, &rule->args[i]);
    }
    return r < 0 ? r : buf_add_text(out, "]");
}

static int write_names(struct buf *out, const struct sc_rule *rule)
{
    int r = buf_add_text(out, "{\"names\": [");

    for (size_t i = 0; i < rule->n_names && r == 0; i++) {
        if (i > 0)
            r = buf_add_text(out, ", ");
        if (r == 0)
            r = write_text(out, rule->names[i]);
    }
    return r < 0 ? r : buf_add_text(out, "]");
}

static int write_rule(struct buf *out, const struct sc_rule *rule)
{
    int r = write_names(out, rule);

    if (r == 0)
        r = buf_format(out, ", \"action\": \"%s\"", sc_action_name(rule->action));
    if (r == 0 && sc_action_has_number(rule->action) && rule->errno_ret != SC_DEFAULT_ERRNO)
        r = buf_format(out, ", \"errnoRet\": %u", rule->errno_ret);
    if (r == 0 && rule->n_args > 0)
        r = write_args(out, rule);
    if (r == 0 && rule->origin) {
        r = buf_add_text(out, ", \"comment\": ");
        if (r == 0)
            r = write_text(out, rule->origin);
    }
    return r < 0 ? r : buf_add_text(out, "}");
}

static int write_rules(struct buf *out, const struct sc_profile *p)
{
    int r = buf_add_text(out, ",\n  \"syscalls\": [");

    for (size_t i = 0; i < p->n_rules && r == 0; i++) {
        r = buf_add_text(out, i == 0 ? "\n    " : ",\n    ");
        if (r == 0)
            r = write_rule(out, &p->rules[i]);
    }
    return r < 0 ? r : buf_add_text(out, "\n  ]");
}

static int write_arches(struct buf *out, const enum sc_arch *arches, size_t n_arches)
{
    int r = buf_add_text(out, ",\n  \"architectures\": [");

    for (size_t i = 0; i < n_arches && r == 0; i++)
        r = buf_format(out, "%s\"%s\"", i == 0 ? "" : ", ", sc_arch_name(arches[i]));
    return r < 0 ? r : buf_add_text(out, "]");
}

int sc_profile_write_json(const struct sc_profile *p, const enum sc_arch *arches, size_t n_arches,
                          struct buf *out)
{
    int r = buf_format(out, "{\n  \"defaultAction\": \"%s\"", sc_action_name(p->default_action));

    if (r == 0 && sc_action_has_number(p->default_action) && p->default_errno != SC_DEFAULT_ERRNO)
        r = buf_format(out, ",\n  \"defaultErrnoRet\": %u", p->default_errno);
    if (r == 0 && arches && n_arches > 0)
        r = write_arches(out, arches, n_arches);
    if (r == 0 && p->log)
        r = buf_add_text(out, ",\n  \"flags\": [\"SECCOMP_FILTER_FLAG_LOG\"]");
    if (r == 0 && p->n_rules > 0)
        r = write_rules(out, p);
    return r < 0 ? r : buf_add_text(out, "\n}\n");
}
