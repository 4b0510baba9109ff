/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles and rules as values. */
#include "lib/seccomp/rule.h"

#include <errno.h>
#include <string.h>

bool sc_is_call_name(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return len > 0 && len <= SC_MAX_NAME && text[len] == '\0';
}

void sc_rule_done(struct sc_rule *r)
{
    for (size_t i = 0; i < r->n_names; i++)
        free(r->names[i]);
    free(r->names);
    free(r->origin);
    *r = (struct sc_rule){0};
}

void sc_profile_done(struct sc_profile *p)
{
    for (size_t i = 0; i < p->n_rules; i++)
        sc_rule_done(&p->rules[i]);
    free(p->rules);
    *p = (struct sc_profile){.default_action = SC_ALLOW};
}

/* Arrays grow at the powers of two: whoever appends to n elements needs more room only there. */
static int make_room(void **array, size_t n, size_t size)
{
    void *grown;

    if (n & (n - 1)) /* n lies between two powers of two */
        return 0;
    grown = reallocarray(*array, n ? 2 * n : 1, size);
    if (!grown)
        return -ENOMEM;
    *array = grown;
    return 0;
}

struct sc_rule *sc_profile_add(struct sc_profile *p, enum sc_action action, unsigned errno_ret,
                               const char *origin)
{
    CLEANUP_FREE char *copy = origin ? strdup(origin) : NULL;
    struct sc_rule *r;
    void *rules = p->rules;

    if (p->n_rules == SC_MAX_RULES || (origin && !copy) ||
        make_room(&rules, p->n_rules, sizeof(*p->rules)) < 0)
        return NULL;
    p->rules = rules;
    r = &p->rules[p->n_rules++];
    *r = (struct sc_rule){.action = action,
                          .errno_ret = sc_action_has_number(action) ? errno_ret : 0,
                          .origin = TAKE(copy)};
    return r;
}

int sc_rule_add_name(struct sc_rule *r, const char *name)
{
    CLEANUP_FREE char *copy = NULL;
    void *names = r->names;

    if (r->n_names == SC_MAX_NAMES)
        return -E2BIG;
    copy = strdup(name);
    if (!copy || make_room(&names, r->n_names, sizeof(*r->names)) < 0)
        return -ENOMEM;
    r->names = names;
    r->names[r->n_names++] = TAKE(copy);
    return 0;
}

void sc_rule_add_arg32(struct sc_rule *r, unsigned index, uint32_t mask, uint32_t value)
{
    r->args[r->n_args++] =
        (struct sc_arg){.index = index, .op = SC_MASKED_EQ, .value = mask, .value_two = value};
}

bool sc_same_verdict(enum sc_action a, unsigned errno_a, enum sc_action b, unsigned errno_b)
{
    return a == b && (!sc_action_has_number(a) || errno_a == errno_b);
}

struct sc_rule *sc_profile_add_like(struct sc_profile *p, const struct sc_rule *like,
                                    const struct sc_arg *args, size_t n_args)
{
    enum sc_action action = like->action;
    struct sc_rule *r = sc_profile_add(p, action, like->errno_ret, like->origin);

    if (!r)
        return NULL;
    if (n_args)
        memcpy(r->args, args, n_args * sizeof(*args));
    r->n_args = n_args;
    return r;
}

static int add_names(struct sc_rule *r, const struct sc_rule *like)
{
    int ret = 0;

    for (size_t i = 0; i < like->n_names && ret == 0; i++)
        ret = sc_rule_add_name(r, like->names[i]);
    return ret;
}

static bool index_is_repeated(const struct sc_arg *args, size_t n_args)
{
    unsigned seen = 0;

    for (size_t i = 0; i < n_args; i++) {
        if (seen & (1U << args[i].index))
            return true;
        seen |= 1U << args[i].index;
    }
    return false;
}

int sc_profile_add_entry(struct sc_profile *p, const struct sc_rule *like,
                         const struct sc_arg *args, size_t n_args)
{
    size_t n_each = index_is_repeated(args, n_args) ? 1 : n_args;
    size_t done = 0;

    do {
        struct sc_rule *r;
        int ret;

        if (p->n_rules == SC_MAX_RULES)
            return -E2BIG;
        r = sc_profile_add_like(p, like, args + done, n_each);
        if (!r)
            return -ENOMEM;
        ret = add_names(r, like);
        if (ret < 0)
            return ret;
        done += n_each;
    } while (done < n_args);
    return 0;
}

bool sc_rule_has_name(const struct sc_rule *r, const char *name)
{
    for (size_t i = 0; i < r->n_names; i++)
        if (strcmp(r->names[i], name) == 0)
            return true;
    return false;
}

void sc_rule_drop_name(struct sc_rule *r, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_names; i++) {
        if (strcmp(r->names[i], name) == 0)
            free(r->names[i]);
        else
            r->names[n++] = r->names[i];
    }
    r->n_names = n;
}

void sc_profile_sweep(struct sc_profile *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_rules; i++) {
        if (p->rules[i].n_names == 0)
            sc_rule_done(&p->rules[i]);
        else
            p->rules[n++] = p->rules[i];
    }
    p->n_rules = n;
}

void sc_profile_drop_denials(struct sc_profile *p, const char *name)
{
    for (size_t i = 0; i < p->n_rules; i++)
        if (!sc_action_allows(p->rules[i].action))
            sc_rule_drop_name(&p->rules[i], name);
    sc_profile_sweep(p);
}

const struct sc_rule *sc_profile_find(const struct sc_profile *p, const char *syscall,
                                      enum sc_action action)
{
    const struct sc_rule *found = NULL;

    for (size_t i = 0; i < p->n_rules; i++) {
        const struct sc_rule *r = &p->rules[i];

        if (r->action != action || !sc_rule_has_name(r, syscall))
            continue;
        if (r->origin)
            return r;
        if (!found)
            found = r;
    }
    return found;
}
