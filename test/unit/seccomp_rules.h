/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What rules of seccomp profiles say of a call, by reading them: the judge that all others are
 * compared with. And rules and arguments at random, near each other. */
#include "test/unit/unit.h"

#include <string.h>

#include "lib/seccomp/seccomp.h"

static inline bool condition_holds(const struct sc_arg *a, const uint64_t args[6])
{
    uint64_t value = args[a->index];

    switch (a->op) {
    case SC_NE:
        return value != a->value;
    case SC_LT:
        return value < a->value;
    case SC_LE:
        return value <= a->value;
    case SC_EQ:
        return value == a->value;
    case SC_GE:
        return value >= a->value;
    case SC_GT:
        return value > a->value;
    case SC_MASKED_EQ:
        return (value & a->value) == a->value_two;
    default:
        ck_abort();
    }
}

static inline bool rule_holds(const struct sc_rule *r, const char *name, const uint64_t args[6])
{
    bool named = false;

    for (size_t i = 0; i < r->n_names; i++)
        named |= strcmp(r->names[i], name) == 0;
    for (size_t i = 0; i < r->n_args && named; i++)
        named = condition_holds(&r->args[i], args);
    return named;
}

/* The strictest verdict of the rules that hold and change something, else the default one. */
static inline struct sc_verdict direct(const struct sc_profile *p, const char *name,
                                       const uint64_t args[6])
{
    struct sc_verdict v = {p->default_action, p->default_action == SC_ERRNO ? p->default_errno : 0};
    bool found = false;

    for (size_t i = 0; i < p->n_rules; i++) {
        const struct sc_rule *r = &p->rules[i];

        if (!rule_holds(r, name, args) ||
            (r->action == p->default_action &&
             (r->action != SC_ERRNO || r->errno_ret == p->default_errno)))
            continue;
        if (!found || r->action > v.action)
            v = (struct sc_verdict){r->action, r->errno_ret};
        found = true;
    }
    return v;
}

/* Numbers near those that conditions are made of, so that both sides of them are met. */
static inline uint64_t random_value(unsigned *seed)
{
    static const uint64_t values[] = {0, 1, 2, 5, 26, 51, 64, 0x10000000, UINT32_MAX, UINT64_MAX};
    uint64_t v = values[(unsigned)rand_r(seed) % ARRAY_SIZE(values)];

    switch (rand_r(seed) % 4) {
    case 0:
        return v ^ (1ULL << (rand_r(seed) % 64));
    case 1:
        return v + (unsigned)rand_r(seed) % 3 - 1;
    default:
        return v;
    }
}

static inline void random_rule(struct sc_profile *p, enum sc_action action, bool only_masked,
                               unsigned *seed)
{
    struct sc_rule *r = sc_profile_add(p, action, 1 + (unsigned)rand_r(seed) % 2, "o");

    ck_assert_int_eq(sc_rule_add_name(r, "ioctl"), 0);
    r->n_args = (unsigned)rand_r(seed) % 3;
    for (unsigned i = 0; i < r->n_args; i++) {
        struct sc_arg *a = &r->args[i];

        a->index = 2 * i + (unsigned)rand_r(seed) % 2;
        a->op =
            only_masked ? SC_MASKED_EQ : (enum sc_compare)((unsigned)rand_r(seed) % SC_COMPARES);
        a->value = random_value(seed);
        a->value_two = random_value(seed) & a->value;
    }
}
