/* SPDX-License-Identifier: Apache-2.0 */
/* The status that stands at the API server, which anybody who may write it has written: what is made of it does not
 * depend on being made twice, and Events follow from it. */
#include <assert.h>
#include <string.h>

#include "lib/policy/object.h"
#include "manager/kube_events.h"
#include "manager/kube_profile_json.h"
#include "manager/kube_status_json.h"
#include "manager/nodes.h"
#include "manager/policy_status.h"
#include "manager/profile_store.h"
#include "profiles/builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct profile_store *store;
static struct nodes *nodes;
static struct policy_status status;

static void on_slot(unsigned slot UNUSED, void *data UNUSED)
{
}

static void on_removed(unsigned slot UNUSED, const char *name UNUSED, void *data UNUSED)
{
}

static void on_policy(const struct stored_policy *p UNUSED, bool removed UNUSED, void *data UNUSED)
{
}

static const struct profile_store_handler handler = {
    .profile_changed = on_slot,
    .profile_removed = on_removed,
    .policy_changed = on_policy,
};

static const struct stored_policy *policy(void)
{
    return profile_store_find(store, false, "default", "web");
}

/* One policy and one node, once. */
static void set_up(void)
{
    static const char yaml[] =
        "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
        "metadata: {name: web, uid: u, generation: 2}\n"
        "spec: {target: {kind: Pod, name: p}, policy: {enforcer: BPF, mode: AlwaysAllow}}\n";
    const struct msg_enforcer_state bpf = {.enforcer = ENFORCER_BPF, .reason = "not here"};
    const struct msg_hello hello = {.protocol = 1,
                                    .node = "n1",
                                    .agent_version = "",
                                    .kernel = "",
                                    .architecture = "",
                                    .runtime = "",
                                    .enforcers = &bpf,
                                    .n_enforcers = 1};
    struct findings findings = {0};
    struct objects objects = {0};
    struct builder_facts facts = {0};
    struct node *node;

    store = profile_store_new("varmor", &handler, NULL);
    nodes = nodes_new(NS_PER_SEC);
    assert(store && nodes);
    assert(objects_parse(&objects, yaml, strlen(yaml), &findings) == 0 && objects.n == 1);
    facts.targets = &objects.items[0].policy->target;
    facts.n_targets = 1;
    assert(profile_store_put(store, objects.items[0].policy, "f", &facts, NULL, 1, NULL) == 0);
    assert(nodes_hello(nodes, &hello, 1, &node, NULL) == 0);
    policy_status_update(&status, policy(), nodes, 1);
    objects_done(&objects);
    findings_done(&findings);
}

static void check_events(const json_t *before, const json_t *after)
{
    struct kube_event events[KUBE_EVENTS_A_CHANGE];
    int n = kube_events_of_change(before, after, events);

    assert(n >= 0 && n <= KUBE_EVENTS_A_CHANGE);
    for (int i = 0; i < n; i++)
        json_decref(events[i].note);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(json_decref) json_t *before = json_loadb((const char *)data, size, 0, NULL);
    CLEANUP(json_decref) json_t *first = NULL;
    CLEANUP(json_decref) json_t *second = NULL;
    CLEANUP(json_decref) json_t *profile = NULL;
    struct kube_status_facts facts;
    struct kube_profile_facts profile_facts;

    if (!store)
        set_up();
    facts = (struct kube_status_facts){
        .policy = policy(), .status = &status, .nodes = nodes, .now_ns = 1};
    first = kube_status_json(&facts, before);
    assert(first);
    second = kube_status_json(&facts, first);
    assert(second && json_equal(first, second));
    check_events(before, first);
    profile_facts = (struct kube_profile_facts){
        .policy = policy(), .status = &status, .nodes = nodes, .now_ns = 1};
    profile = kube_profile_status_json(&profile_facts, before);
    assert(profile);
    return 0;
}
