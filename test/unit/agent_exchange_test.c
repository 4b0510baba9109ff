/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "manager/agent_exchange.h"
#include "manager/nodes.h"
#include "profiles/rules.h"
#include "test/unit/store_fixture.h"

static struct profile_store *store;
static struct nodes *nodes;
static struct node *node;
static struct agent_exchange *exchange; /* NULL until the agent has said hello */

static void on_changed(unsigned slot, void *data UNUSED)
{
    if (exchange)
        agent_exchange_changed(exchange, slot);
}

static void on_removed(unsigned slot, const char *name, void *data UNUSED)
{
    if (exchange)
        ck_assert_int_eq(agent_exchange_removed(exchange, slot, name), 0);
}

static void on_policy(const struct stored_policy *p UNUSED, bool removed UNUSED, void *data UNUSED)
{
}

static const struct profile_store_handler handler = {
    .profile_changed = on_changed,
    .profile_removed = on_removed,
    .policy_changed = on_policy,
};

static void set_up(void)
{
    store = profile_store_new("varmor", &handler, NULL);
    nodes = nodes_new(NS_PER_SEC);
    exchange = NULL;
}

static void tear_down(void)
{
    agent_exchange_free(exchange);
    nodes_free(nodes);
    profile_store_free(store);
    builtin_rules_unload();
}

static int hello(const struct msg_held *held, size_t n_held)
{
    const struct msg_hello message = {.protocol = 1,
                                      .node = "n1",
                                      .agent_version = "",
                                      .kernel = "",
                                      .architecture = "",
                                      .runtime = ""};

    exchange = agent_exchange_free(exchange);
    ck_assert_int_eq(nodes_hello(nodes, &message, 1, &node, NULL), 0);
    return agent_exchange_new(&exchange, store, node, held, n_held);
}

/* Takes the next message; its text is "welcome", "profile NAME MODE", "removal NAME", "in_sync N"
 * or "". */
static const char *next(bool sent)
{
    static char text[128];
    struct manager_message m;
    const uint8_t *data;
    size_t len;
    int r = agent_exchange_next(exchange, &data, &len);

    ck_assert_int_ge(r, 0);
    if (r == 0)
        return "";
    ck_assert_int_eq(manager_message_decode(&m, data, len, NULL), 0);
    switch (m.kind) {
    case MANAGER_WELCOME:
        ck_assert_uint_eq(m.welcome.protocol, MESSAGE_PROTOCOL);
        snprintf(text, sizeof(text), "welcome");
        break;
    case MANAGER_PROFILE:
        snprintf(text, sizeof(text), "profile %s %zu rules", m.profile->name, m.profile->n_rules);
        break;
    case MANAGER_REMOVAL:
        snprintf(text, sizeof(text), "removal %s", m.removal);
        break;
    case MANAGER_IN_SYNC:
        snprintf(text, sizeof(text), "in_sync %u", m.in_sync);
        break;
    case MANAGER_MESSAGE_NONE:
        ck_abort_msg("a message of no kind");
    }
    manager_message_done(&m);
    if (sent)
        ck_assert_int_eq(agent_exchange_sent(exchange), 0);
    return text;
}

#define expect(text) ck_assert_str_eq(next(true), text)

static struct msg_held held(const char *name, const char *profile_of)
{
    struct msg_held h = {.name = name};

    if (profile_of)
        h.digest = store_find(store, profile_of)->profile->digest;
    return h;
}

START_TEST(an_agent_that_holds_nothing_gets_everything)
{
    store_put(store, "a", "AlwaysAllow");
    store_put(store, "b", "RuntimeDefault");
    ck_assert_int_eq(hello(NULL, 0), 0);
    expect("welcome");
    expect("profile varmor-shop-a 0 rules");
    expect("profile varmor-shop-b 9 rules");
    expect("in_sync 2");
    expect("");
}
END_TEST

START_TEST(only_what_differs_is_sent)
{
    struct msg_held h[3];

    store_put(store, "a", "AlwaysAllow");
    store_put(store, "b", "AlwaysAllow");
    h[0] = held("varmor-shop-a", "a");
    h[1] = held("varmor-shop-b", "b");
    store_put(store, "b", "RuntimeDefault");
    h[2] = held("varmor-shop-gone", NULL);
    ck_assert_int_eq(hello(h, 3), 0);
    ck_assert_int_eq(node_standing(node, 0, store_find(store, "a")->profile, NULL, NULL),
                     NODE_APPLIED);
    ck_assert_int_eq(node_standing(node, 1, store_find(store, "b")->profile, NULL, NULL),
                     NODE_WAITING);
    expect("welcome");
    expect("removal varmor-shop-gone");
    expect("profile varmor-shop-b 9 rules");
    expect("in_sync 2");
    expect("");
}
END_TEST

START_TEST(what_an_unread_file_may_mean_stays_until_it_is_read)
{
    struct msg_held h[2];

    store_put(store, "a", "AlwaysAllow");
    h[0] = held("varmor-shop-a", "a");
    h[1] = held("varmor-shop-broken", NULL);
    profile_store_set_partial(store, true);
    ck_assert_int_eq(hello(h, 2), 0);
    expect("welcome");
    expect(""); /* neither a removal nor in_sync, by which the agent would drop it */
    store_put(store, "b", "RuntimeDefault");
    expect("profile varmor-shop-b 9 rules");
    expect("");
    profile_store_set_partial(store, false);
    expect("removal varmor-shop-broken");
    expect("in_sync 2");
    expect("");
}
END_TEST

START_TEST(a_file_that_is_read_at_last_takes_over_what_the_agent_held)
{
    struct msg_held h = held("varmor-shop-a", NULL);

    profile_store_set_partial(store, true);
    ck_assert_int_eq(hello(&h, 1), 0);
    expect("welcome");
    expect("");
    store_put(store, "a", "RuntimeDefault");
    profile_store_set_partial(store, false);
    expect("profile varmor-shop-a 9 rules");
    expect("in_sync 1");
    expect("");
}
END_TEST

START_TEST(a_policy_that_cannot_become_a_profile_leaves_what_the_agent_holds)
{
    struct msg_held h[2];

    h[0] = held("varmor-shop-a", NULL);
    h[1] = held("varmor-shop-gone", NULL);
    store_put(store, "a",
              "EnhanceProtect, enhanceProtect: {bpfRawRules: {network: {egress: "
              "{toDestinations: [{ip: pod-self}]}}}}"); /* not supported yet */
    ck_assert_ptr_null(store_find(store, "a")->profile);
    ck_assert_int_eq(hello(h, 2), 0);
    expect("welcome");
    expect("removal varmor-shop-gone");
    expect("");
    profile_store_drop(store, false, "shop", "a");
    expect("removal varmor-shop-a");
    expect("in_sync 0");
    expect("");
}
END_TEST

START_TEST(a_slow_agent_gets_the_newest_once)
{
    ck_assert_int_eq(hello(NULL, 0), 0);
    expect("welcome");
    expect("in_sync 0");
    store_put(store, "a", "AlwaysAllow");
    ck_assert_str_eq(next(false), "profile varmor-shop-a 0 rules"); /* the queue is full */
    for (int i = 0; i < 5; i++) {
        store_put(store, "a", "AlwaysAllow");
        store_put(store, "a", "RuntimeDefault");
    }
    expect("profile varmor-shop-a 9 rules");
    expect("");
}
END_TEST

START_TEST(a_change_after_it_was_sent_is_sent_again)
{
    ck_assert_int_eq(hello(NULL, 0), 0);
    expect("welcome");
    store_put(store, "a", "AlwaysAllow");
    expect("profile varmor-shop-a 0 rules");
    store_put(store, "a", "RuntimeDefault");
    expect("profile varmor-shop-a 9 rules");
    store_put(store, "a", "RuntimeDefault");
    expect("in_sync 1");
    expect("");
}
END_TEST

START_TEST(a_profile_that_was_never_sent_needs_no_removal)
{
    ck_assert_int_eq(hello(NULL, 0), 0);
    expect("welcome");
    expect("in_sync 0");
    store_put(store, "a", "AlwaysAllow");
    profile_store_drop(store, false, "shop", "a");
    expect("");
}
END_TEST

START_TEST(a_removed_profile_is_withdrawn_even_if_its_slot_is_used_again)
{
    ck_assert_int_eq(hello(NULL, 0), 0);
    expect("welcome");
    expect("in_sync 0");
    store_put(store, "a", "AlwaysAllow");
    expect("profile varmor-shop-a 0 rules");
    profile_store_drop(store, false, "shop", "a");
    store_put(store, "b", "RuntimeDefault");
    expect("removal varmor-shop-a");
    expect("profile varmor-shop-b 9 rules");
    expect("");
}
END_TEST

START_TEST(a_profile_that_comes_back_replaces_its_removal)
{
    ck_assert_int_eq(hello(NULL, 0), 0);
    expect("welcome");
    expect("in_sync 0");
    store_put(store, "a", "AlwaysAllow");
    expect("profile varmor-shop-a 0 rules");
    profile_store_drop(store, false, "shop", "a");
    store_put(store, "a", "RuntimeDefault");
    expect("profile varmor-shop-a 9 rules");
    expect("");
}
END_TEST

START_TEST(an_older_version_that_is_held_is_removed_with_the_policy)
{
    struct msg_held h;

    store_put(store, "a", "AlwaysAllow");
    h = held("varmor-shop-a", "a");
    store_put(store, "a", "RuntimeDefault");
    ck_assert_int_eq(hello(&h, 1), 0);
    expect("welcome");
    profile_store_drop(store, false, "shop", "a");
    expect("removal varmor-shop-a");
    expect("in_sync 0");
    expect("");
}
END_TEST

START_TEST(what_no_agent_can_hold_is_refused)
{
    static struct msg_held many[PROFILE_STORE_MAX_SLOTS + 1];
    struct msg_held one = {.name =
                               "a123456789b123456789c123456789d123456789e123456789f123456789g123"};

    ck_assert_uint_eq(strlen(one.name), PROFILE_NAME_MAX + 1);
    ck_assert_int_eq(hello(&one, 1), -EINVAL);
    one.name++;
    ck_assert_int_eq(hello(&one, 1), 0);
    expect("welcome");
    expect("removal 123456789b123456789c123456789d123456789e123456789f123456789g123");
    for (size_t i = 0; i < ARRAY_SIZE(many); i++)
        many[i].name = "x";
    ck_assert_int_eq(hello(many, PROFILE_STORE_MAX_SLOTS + 1), -EINVAL);
    ck_assert_int_eq(hello(many, PROFILE_STORE_MAX_SLOTS), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("agent_exchange");
    TCase *t = tcase_create("agent_exchange");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, an_agent_that_holds_nothing_gets_everything);
    tcase_add_test(t, only_what_differs_is_sent);
    tcase_add_test(t, what_an_unread_file_may_mean_stays_until_it_is_read);
    tcase_add_test(t, a_file_that_is_read_at_last_takes_over_what_the_agent_held);
    tcase_add_test(t, a_policy_that_cannot_become_a_profile_leaves_what_the_agent_holds);
    tcase_add_test(t, a_slow_agent_gets_the_newest_once);
    tcase_add_test(t, a_change_after_it_was_sent_is_sent_again);
    tcase_add_test(t, a_profile_that_was_never_sent_needs_no_removal);
    tcase_add_test(t, a_removed_profile_is_withdrawn_even_if_its_slot_is_used_again);
    tcase_add_test(t, a_profile_that_comes_back_replaces_its_removal);
    tcase_add_test(t, an_older_version_that_is_held_is_removed_with_the_policy);
    tcase_add_test(t, what_no_agent_can_hold_is_refused);
    suite_add_tcase(s, t);
    return s;
}
