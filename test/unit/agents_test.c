/* SPDX-License-Identifier: Apache-2.0 */
/* Who may speak for a node, over each transport, with real certificates. */
#include "test/unit/unit.h"

#include "test/unit/grpc_bed.h"

#include "lib/log.h"
#include "manager/agents.h"
#include "manager/nodes.h"
#include "manager/profile_store.h"
#include "proto/messages.h"

static void on_slot(unsigned slot UNUSED, void *data UNUSED)
{
}

static void on_removed(unsigned slot UNUSED, const char *name UNUSED, void *data UNUSED)
{
}

static void on_policy(const struct stored_policy *p UNUSED, bool removed UNUSED, void *data UNUSED)
{
}

static const struct profile_store_handler store_handler = {
    .profile_changed = on_slot,
    .profile_removed = on_removed,
    .policy_changed = on_policy,
};

static void on_node(const struct node *node UNUSED, bool removed UNUSED, void *data UNUSED)
{
}

static const struct agents_handler agents_handler = {.node_changed = on_node};

/* Beside the bed's keys those of a node whose certificate is named as the kubelets' are. */
static void make_keys(void)
{
    char command[512];

    bed_make_keys();
    snprintf(
        command, sizeof(command),
        "cd '%s' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        " -subj /O=system:nodes/CN=system:node:node-1 -CA ca.pem -CAkey ca.key"
        " -keyout kubelet.key -out kubelet.pem 2>>openssl.log",
        bed_keys);
    ck_assert_int_eq(system(command), 0);
}

static void show_keys(struct bed *b, const char *party)
{
    struct bed_tls tls;

    b->channel = grpc_channel_free(b->channel);
    bed_tls_make(&tls, party, "ca", NULL);
    ck_assert_int_eq(grpc_channel_new(&b->channel, b->loop, &b->address, &tls.tls, NULL, NULL), 0);
}

/* Says hello as a node and no more; returns how the stream ended. */
static enum grpc_status hello_as(struct bed *b, const char *node)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT(4096);
    const struct agent_message m = {.kind = AGENT_HELLO,
                                    .hello = {.protocol = MESSAGE_PROTOCOL,
                                              .node = node,
                                              .agent_version = "",
                                              .kernel = "",
                                              .architecture = "",
                                              .runtime = ""}};
    struct probe p;

    probe_start(&p, b, "/varmor.v1.AgentService/Sync", 0);
    ck_assert_int_eq(agent_message_encode(&m, &bytes), 0);
    ck_assert_int_eq(grpc_client_call_send(p.call, bytes.data, bytes.len), 0);
    grpc_client_call_half_close(p.call);
    probe_wait(&p);
    buf_done(&p.received);
    return p.status;
}

static const struct {
    int transport;
    const char *party; /* whose keys, over TLS */
    const char *node;
    enum grpc_status status;
} cases[] = {
    {GRPC_TLS, "node", "node-1", GRPC_OK},
    {GRPC_TLS, "node", "node-2", GRPC_PERMISSION_DENIED},
    {GRPC_TLS, "node", "node-11", GRPC_PERMISSION_DENIED},
    {GRPC_TLS, "node", "NODE-1", GRPC_PERMISSION_DENIED},
    {GRPC_TLS, "node", "system:node:node-1", GRPC_PERMISSION_DENIED},
    {GRPC_TLS, "kubelet", "node-1", GRPC_OK},
    {GRPC_TLS, "kubelet", "system:node:node-1", GRPC_PERMISSION_DENIED},
    {GRPC_TLS, "kubelet", "node-2", GRPC_PERMISSION_DENIED},
    {GRPC_UNIX, NULL, "node-1", GRPC_OK}, /* the tests run as the manager's own user */
    {GRPC_UNIX, NULL, "whatever", GRPC_OK},
    {GRPC_TCP, NULL, "node-1", GRPC_PERMISSION_DENIED},
};

START_TEST(a_stream_speaks_for_its_own_node_only)
{
    struct profile_store *store = profile_store_new("varmor", &store_handler, NULL);
    struct nodes *nodes = nodes_new(NS_PER_SEC);
    struct agents *agents = NULL;
    struct bed b;

    log_set_level(LOG_LEVEL_ERROR);
    bed_new(&b, cases[_i].transport, NULL, NULL);
    ck_assert_int_eq(
        agents_new(&agents, b.loop, b.server, store, nodes, &agents_handler, NULL, NULL), 0);
    if (cases[_i].party)
        show_keys(&b, cases[_i].party);
    ck_assert_str_eq(grpc_status_name(hello_as(&b, cases[_i].node)),
                     grpc_status_name(cases[_i].status));
    ck_assert((nodes_find(nodes, cases[_i].node) != NULL) == (cases[_i].status == GRPC_OK));
    agents_close(agents, "the test is over");
    bed_done(&b);
    agents_free(agents);
    nodes_free(nodes);
    profile_store_free(store);
}
END_TEST

START_TEST(another_protocol_is_refused)
{
    struct profile_store *store = profile_store_new("varmor", &store_handler, NULL);
    struct nodes *nodes = nodes_new(NS_PER_SEC);
    CLEANUP_BUF struct buf bytes = BUF_INIT(4096);
    const struct agent_message m = {.kind = AGENT_HELLO,
                                    .hello = {.protocol = MESSAGE_PROTOCOL + 1,
                                              .node = "n",
                                              .agent_version = "",
                                              .kernel = "",
                                              .architecture = "",
                                              .runtime = ""}};
    struct agents *agents = NULL;
    struct probe p;
    struct bed b;

    bed_new(&b, GRPC_UNIX, NULL, NULL);
    ck_assert_int_eq(
        agents_new(&agents, b.loop, b.server, store, nodes, &agents_handler, NULL, NULL), 0);
    probe_start(&p, &b, "/varmor.v1.AgentService/Sync", 0);
    ck_assert_int_eq(agent_message_encode(&m, &bytes), 0);
    ck_assert_int_eq(grpc_client_call_send(p.call, bytes.data, bytes.len), 0);
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_FAILED_PRECONDITION);
    ck_assert_str_eq(p.text, "this manager speaks protocol 1");
    buf_done(&p.received);
    bed_done(&b);
    agents_free(agents);
    nodes_free(nodes);
    profile_store_free(store);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("agents");
    TCase *t = tcase_create("agents");

    tcase_add_unchecked_fixture(t, make_keys, bed_drop_keys);
    tcase_add_loop_test(t, a_stream_speaks_for_its_own_node_only, 0, ARRAY_SIZE(cases));
    tcase_add_test(t, another_protocol_is_refused);
    suite_add_tcase(s, t);
    return s;
}
