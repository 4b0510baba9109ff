/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "lib/kube/kube_lease.h"
#include "lib/kube/lease_record.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "manager/kube_armor_profiles.h"
#include "manager/kube_events.h"
#include "manager/kube_policies.h"
#include "manager/kube_writer.h"

#define POD_NAME_MAX 128 /* bytes of the name in the identity */

struct kube_report {
    struct loop *loop;
    struct kube_client *client;
    char identity[LEASE_HOLDER_MAX + 1];
    struct kube_lease *lease; /* NULL: does not stand for election yet */
    struct kube_writer *writer;
    struct kube_events *events;
    struct kube_armor_profiles *profiles;
    struct kube_policies *policies;
    struct kube_endpoint_place place;
    struct kube_endpoint *endpoint; /* NULL: no place is told */
    bool is_synced, leads, is_working;
    void (*leading)(bool leads, void *data);  /* NULL: nobody wants to know */
    void (*led)(bool by_another, void *data); /* as leading */
    void *data;
};

/* ---- Leading ---- */

/* Begins or ends the work of the leader, if that is due. */
static void settle(struct kube_report *r)
{
    bool wants_to_work = r->leads && r->is_synced;

    if (wants_to_work == r->is_working)
        return;
    r->is_working = wants_to_work;
    if (!wants_to_work)
        kube_writer_pause(r->writer);
    if (kube_armor_profiles_lead(r->profiles, wants_to_work) < 0)
        LOG(ERROR, "armor-profiles-lost", "no memory to watch them; they are not written");
    if (!wants_to_work)
        return;
    kube_policies_lead(r->policies);
    kube_endpoint_lead(r->endpoint);
    kube_writer_go(r->writer);
}

static void on_gained(void *data)
{
    struct kube_report *r = data;

    LOG(INFO, "leading", "this manager writes status and ArmorProfiles");
    r->leads = true;
    settle(r);
    if (r->leading)
        r->leading(true, r->data);
}

static void on_lost(const char *holder, void *data)
{
    struct kube_report *r = data;

    LOG(WARNING, "not-leading", "it goes on serving agents and writes nothing",
        LOG_STR("leader", holder));
    r->leads = false;
    settle(r);
    if (r->leading)
        r->leading(false, r->data);
}

static void on_led(bool by_another, void *data)
{
    struct kube_report *r = data;

    if (r->led)
        r->led(by_another, r->data);
}

static void on_lease_trouble(const char *why, void *data UNUSED)
{
    if (why)
        LOG(WARNING, "lease-unreachable", "trying on", LOG_STR("reason", why));
    else
        LOG(INFO, "lease-reachable", "it can be read and renewed again");
}

/* ---- Writing ---- */

static bool on_may_write(void *data)
{
    const struct kube_report *r = data;

    return r->lease && kube_lease_holds(r->lease);
}

static void on_write_trouble(const char *key, const char *why, void *data UNUSED)
{
    if (why)
        LOG(WARNING, "write-failed", "trying on", LOG_STR("object", key + 1),
            LOG_STR("reason", why));
    else
        LOG(INFO, "write-succeeded", "objects can be written again");
}

static bool on_in_grace(uint64_t *ret_delay_ns, void *data)
{
    const struct kube_report *r = data;

    return kube_policies_in_grace(r->policies, ret_delay_ns);
}

static void on_warning_changed(const char *key, void *data)
{
    struct kube_report *r = data;

    kube_policies_touch(r->policies, key);
}

static void on_profiles_trouble(const char *why, void *data UNUSED)
{
    if (why)
        LOG(WARNING, "armor-profiles-unreadable", "trying on", LOG_STR("reason", why));
    else
        LOG(INFO, "armor-profiles-readable", "they can be read again");
}

/* ---- From the manager ---- */

bool kube_report_leads(const struct kube_report *r)
{
    return r->lease && kube_lease_holds(r->lease);
}

bool kube_report_in_grace(const struct kube_report *r, uint64_t *ret_delay_ns)
{
    return kube_policies_in_grace(r->policies, ret_delay_ns);
}

void kube_report_synced(struct kube_report *r)
{
    r->is_synced = true;
    settle(r);
}

void kube_report_seen(struct kube_report *r, const char *key, const struct kube_policy *policy,
                      const uint8_t *object, size_t len)
{
    int e = kube_policies_seen(r->policies, key, policy, object, len);

    if (e < 0)
        LOG(ERROR, "status-left-out", "the policy is in force and its status is not written",
            LOG_STR("policy", key), LOG_INT("errno", -e));
}

void kube_report_gone(struct kube_report *r, const char *key)
{
    kube_policies_gone(r->policies, key);
    kube_armor_profiles_forget(r->profiles, key);
}

void kube_report_judged(struct kube_report *r, const char *key)
{
    kube_policies_touch(r->policies, key);
    kube_armor_profiles_touch(r->profiles, key);
}

void kube_report_touched(struct kube_report *r, const char *key)
{
    kube_policies_touch(r->policies, key);
    kube_armor_profiles_touch_status(r->profiles, key);
}

void kube_report_problem(struct kube_report *r, const char *reference)
{
    kube_policies_touch_reference(r->policies, reference);
}

/* ---- Life ---- */

/* "pod_1f0c4ab2": another after each start, so that a process never takes the lease of the one before for its own. */
static void make_identity(const char *pod, char ret[static LEASE_HOLDER_MAX + 1])
{
    uint32_t random = 0;

    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        random = (uint32_t)getpid();
    snprintf(ret, LEASE_HOLDER_MAX + 1, "%.*s_%08x", POD_NAME_MAX, *pod ? pod : "manager", random);
}

static int start_parts(struct kube_report *r, const struct kube_report_facts *facts)
{
    const struct kube_writer_events writer_events = {
        .may_write = on_may_write, .trouble = on_write_trouble, .data = r};
    const struct kube_armor_profiles_parts profile_parts = {.loop = facts->loop,
                                                            .client = facts->client,
                                                            .store = facts->store,
                                                            .nodes = facts->nodes,
                                                            .status = facts->status,
                                                            .in_grace = on_in_grace,
                                                            .warning_changed = on_warning_changed,
                                                            .trouble = on_profiles_trouble,
                                                            .data = r};
    struct kube_armor_profiles_parts with_writer = profile_parts;
    struct kube_policies_parts policies_parts = {.loop = facts->loop,
                                                 .store = facts->store,
                                                 .nodes = facts->nodes,
                                                 .problems = facts->problems,
                                                 .status = facts->status};

    if (kube_writer_new(&r->writer, facts->loop, facts->client, &writer_events) < 0)
        return -ENOMEM;
    with_writer.writer = r->writer;
    if (kube_events_new(&r->events, r->writer, r->identity) < 0 ||
        kube_armor_profiles_new(&r->profiles, &with_writer) < 0)
        return -ENOMEM;
    policies_parts.writer = r->writer;
    policies_parts.events = r->events;
    policies_parts.profiles = r->profiles;
    return kube_policies_new(&r->policies, &policies_parts);
}

int kube_report_new(struct kube_report **ret, const struct kube_report_facts *facts)
{
    CLEANUP(kube_report_free) struct kube_report *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->loop = facts->loop;
    r->client = facts->client;
    r->leading = facts->leading;
    r->led = facts->led;
    r->place = facts->endpoint;
    r->data = facts->data;
    make_identity(facts->pod, r->identity);
    if (start_parts(r, facts) < 0)
        return -ENOMEM;
    *ret = TAKE(r);
    return 0;
}

int kube_report_stand(struct kube_report *r, const char *install_namespace, const char *owners)
{
    const struct lease_place place = {
        .name_space = install_namespace, .name = KUBE_REPORT_LEASE, .owners = owners};
    const struct kube_lease_events events = {.gained = on_gained,
                                             .lost = on_lost,
                                             .led = on_led,
                                             .trouble = on_lease_trouble,
                                             .data = r};
    CLEANUP(error_free) struct error *problem = NULL;

    r->place.name_space = install_namespace;
    r->place.owners = owners;
    if (r->place.service && kube_endpoint_new(&r->endpoint, r->writer, &r->place, &problem) < 0)
        LOG(ERROR, "endpoint-untold", "agents do not find this manager by its Service",
            LOG_STR("reason", error_message(problem)));
    return kube_lease_new(&r->lease, r->loop, r->client, &place, r->identity, &events);
}

void kube_report_release(struct kube_report *r, void (*done)(void *data), void *data)
{
    r->leads = false;
    settle(r);
    if (r->lease)
        kube_lease_release(r->lease, done, data);
    else if (loop_defer(r->loop, done, data) < 0)
        done(data); /* no memory to wait a moment with */
}

struct kube_report *kube_report_free(struct kube_report *r)
{
    if (!r)
        return NULL;
    kube_lease_free(r->lease);
    kube_writer_free(r->writer);
    kube_policies_free(r->policies);
    kube_armor_profiles_free(r->profiles);
    kube_events_free(r->events);
    kube_endpoint_free(r->endpoint);
    free(r);
    return NULL;
}
