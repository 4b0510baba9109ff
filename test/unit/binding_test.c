/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <string.h>

#include "agent/binding.h"
#include "agent/container.h"
#include "lib/policy/selector.h"

#define CASE_PROFILES 3

/* A profile of a case: for pods of a namespace, with a label if given. */
struct sketch {
    const char *name;
    int priority;
    const char *name_space;  /* NULL: every one */
    const char *label_value; /* of label "app"; NULL: any */
    const char *container;   /* NULL: every one */
};

static struct profile *make_profile(const struct sketch *k)
{
    struct profile *p = profile_new();
    struct profile_target *t = profile_add_target(p, TARGET_POD);

    p->name = strdup(k->name);
    p->priority = k->priority;
    t->name_space = k->name_space ? strdup(k->name_space) : NULL;
    if (k->label_value) {
        t->selector = selector_new();
        ck_assert_int_eq(selector_add(t->selector, "app", SELECTOR_IN, &k->label_value, 1, NULL),
                         0);
    }
    if (k->container) {
        t->containers = calloc(1, sizeof(*t->containers));
        t->containers[0] = strdup(k->container);
        t->n_containers = 1;
    }
    return p;
}

static void set(char **text, const char *value)
{
    free(*text);
    *text = strdup(value);
}

/* Container "main" of pod "p" in namespace "shop" with label app=web. */
static struct container *make_container(void)
{
    struct container *c = container_new();

    set(&c->id, "c1");
    set(&c->name, "main");
    set(&c->pod_name, "p");
    set(&c->pod_namespace, "shop");
    ck_assert_int_eq(labels_put(c->labels, "app", "web"), 0);
    return c;
}

START_TEST(the_highest_priority_wins_and_then_the_first_name)
{
    static const struct {
        struct sketch profiles[CASE_PROFILES];
        const char *chosen;
    } cases[] = {
        {{{"b", 0, "shop", NULL, NULL}, {"a", 0, "shop", NULL, NULL}}, "a"},
        {{{"b", 1, "shop", NULL, NULL}, {"a", 0, "shop", NULL, NULL}}, "b"},
        {{{"a", -1, "shop", NULL, NULL}, {"b", -2, "shop", NULL, NULL}}, "a"},
        {{{"a", 9, "other", NULL, NULL}, {"b", 0, "shop", NULL, NULL}}, "b"},
        {{{"a", 9, "other", NULL, NULL}}, NULL},
        {{{"a", 0, NULL, "db", NULL}, {"b", 0, NULL, "web", NULL}}, "b"},
        {{{"a", 0, NULL, NULL, "sidecar"}}, NULL},
        {{{"a", 0, NULL, NULL, "main"}}, "a"},
        {{{NULL, 0, NULL, NULL, NULL}}, NULL},
    };
    CLEANUP(container_free) struct container *c = make_container();

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct profile *profiles[CASE_PROFILES] = {0};
        const struct profile *chosen;
        size_t n = 0;

        while (n < CASE_PROFILES && cases[i].profiles[n].name) {
            profiles[n] = make_profile(&cases[i].profiles[n]);
            n++;
        }
        chosen = binding_choose((const struct profile *const *)profiles, n, c);
        ck_assert_pstr_eq(chosen ? chosen->name : NULL, cases[i].chosen);
        for (size_t p = 0; p < n; p++)
            profile_unref(profiles[p]);
    }
}
END_TEST

START_TEST(what_is_to_be_done_depends_on_what_is)
{
    static const struct {
        struct binding_state state;
        enum binding_action action;
    } cases[] = {
        {{.wanted = NULL, .bound = ""}, BINDING_KEEP},
        {{.wanted = NULL, .bound = "", .cgroup_id = 5}, BINDING_KEEP},
        {{.wanted = "p", .bound = "", .cgroup_id = 5}, BINDING_BIND},
        {{.wanted = "p", .bound = "", .wanted_binders = 2}, BINDING_BLOCKED},
        {{.wanted = "p",
          .bound = "p",
          .wanted_binders = 2,
          .bound_binders = 2,
          .cgroup_id = 5,
          .bound_cgroup_id = 5},
         BINDING_KEEP},
        {{.wanted = "p",
          .bound = "p",
          .wanted_binders = 2,
          .bound_binders = 2,
          .cgroup_id = 6,
          .bound_cgroup_id = 5},
         BINDING_BIND},
        /* its enforcers hold containers by the containers' own setting */
        {{.wanted = "p", .bound = ""}, BINDING_BIND},
        {{.wanted = "p", .bound = "p", .cgroup_id = 6, .bound_cgroup_id = 5}, BINDING_KEEP},
        /* an enforcer has joined, or left */
        {{.wanted = "p", .bound = "p", .wanted_binders = 2, .cgroup_id = 5, .bound_cgroup_id = 5},
         BINDING_BIND},
        {{.wanted = "p", .bound = "p", .bound_binders = 2, .cgroup_id = 5, .bound_cgroup_id = 5},
         BINDING_BIND},
        {{.wanted = "q", .bound = "p", .cgroup_id = 5, .bound_cgroup_id = 5}, BINDING_BIND},
        {{.wanted = NULL, .bound = "p", .cgroup_id = 5, .bound_cgroup_id = 5}, BINDING_UNBIND},
        /* bound by an earlier agent to a profile that we do not know yet */
        {{.wanted = NULL,
          .bound = "p",
          .cgroup_id = 5,
          .bound_cgroup_id = 5,
          .bound_is_opaque = true},
         BINDING_KEEP},
        {{.wanted = "q",
          .bound = "p",
          .cgroup_id = 5,
          .bound_cgroup_id = 5,
          .bound_is_opaque = true},
         BINDING_KEEP},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        ck_assert_msg(binding_decide(&cases[i].state) == cases[i].action, "case %zu", i);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("binding");
    TCase *t = tcase_create("binding");

    tcase_add_test(t, the_highest_priority_wins_and_then_the_first_name);
    tcase_add_test(t, what_is_to_be_done_depends_on_what_is);
    suite_add_tcase(s, t);
    return s;
}
