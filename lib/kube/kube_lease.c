/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_lease.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/kube/kube_client.h"
#include "lib/kube/lease_election.h"
#include "lib/loop.h"

#define REQUEST_DEADLINE_NS (5 * NS_PER_SEC) /* two attempts fit into ELECTION_RENEW_NS */
#define PATH_MAX_BYTES      512

struct kube_lease {
    struct loop *loop;
    struct kube_client *client;
    char *name_space, *name, *owners; /* owned */
    struct kube_lease_events events;
    struct election election;
    struct kube_request *request; /* NULL: none under way */
    struct loop_timer *due;       /* the next request */
    struct loop_timer *end;       /* of what is held */
    bool told_gained, told_trouble, told_led;
    bool is_releasing;
    struct loop_timer *release; /* its deadline */
    void (*released)(void *data);
    void *released_data;
};

/* Of a clock that runs on while the machine sleeps, read anew each time. */
static uint64_t lease_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

static int64_t lease_real_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * (int64_t)NS_PER_SEC + now.tv_nsec;
}

bool kube_lease_holds(const struct kube_lease *l)
{
    return !l->is_releasing && election_leads(&l->election, lease_now_ns());
}

/* ---- Telling ---- */

static void tell_trouble(struct kube_lease *l, const char *why)
{
    if (!why && !l->told_trouble)
        return;
    l->told_trouble = why != NULL;
    l->events.trouble(why, l->events.data);
}

static void tell_led(struct kube_lease *l, bool leads)
{
    const char *holder = election_holder(&l->election);
    bool by_another = !leads && *holder && strcmp(holder, l->election.identity) != 0;

    if (by_another == l->told_led || !l->events.led)
        return;
    l->told_led = by_another;
    l->events.led(by_another, l->events.data);
}

/* Says what has changed, and sets the timers for what comes next. */
static void settle(struct kube_lease *l)
{
    uint64_t now_ns = lease_now_ns(), due_ns = election_due_ns(&l->election);
    bool leads = election_leads(&l->election, now_ns);

    if (l->is_releasing)
        return;
    if (leads)
        loop_timer_set(l->end, l->election.held_until_ns - now_ns);
    else
        loop_timer_unset(l->end);
    if (!l->request)
        loop_timer_set(l->due, due_ns > now_ns ? due_ns - now_ns : 0);
    tell_led(l, leads);
    if (leads == l->told_gained)
        return;
    l->told_gained = leads;
    if (leads)
        l->events.gained(l->events.data);
    else
        l->events.lost(election_holder(&l->election), l->events.data);
}

static void on_end(void *data)
{
    settle(data);
}

/* ---- Requests ---- */

static enum election_outcome outcome_of(const struct kube_answer *a, struct lease_record *ret,
                                        struct error **reterr)
{
    if (a->status == 404)
        return ELECTION_ABSENT;
    if (a->status == 409) /* also of a create: it exists */
        return ELECTION_CONFLICT;
    if (a->status != 200 && a->status != 201) {
        error_set(reterr, -EIO, "%s", a->problem);
        return ELECTION_FAILED;
    }
    return lease_record_parse(ret, a->body, a->len, reterr) < 0 ? ELECTION_FAILED : ELECTION_OK;
}

static void release_step(struct kube_lease *l);

static void on_answer(const struct kube_answer *a, void *data)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct kube_lease *l = data;
    struct lease_record record;
    enum election_outcome outcome = outcome_of(a, &record, &e);

    l->request = NULL;
    election_answered(&l->election, outcome, &record, lease_now_ns());
    if (l->is_releasing) {
        release_step(l);
        return;
    }
    if (outcome == ELECTION_FAILED)
        tell_trouble(l, error_message(e));
    else if (outcome == ELECTION_OK)
        tell_trouble(l, NULL);
    settle(l);
}

/* Sends one request. 0, -ENOMEM or -EBUSY. */
static int send_request(struct kube_lease *l, enum election_action action,
                        const struct lease_record *record,
                        void (*done)(const struct kube_answer *a, void *data))
{
    CLEANUP_BUF struct buf body = BUF_INIT(LEASE_MAX_BYTES);
    const struct lease_place place = {l->name_space, l->name, l->owners};
    char path[PATH_MAX_BYTES];
    struct kube_call call = {.method = "GET",
                             .path = path,
                             .deadline_ns = REQUEST_DEADLINE_NS,
                             .max_bytes = LEASE_MAX_BYTES,
                             .done = done,
                             .data = l};
    int r = 0;

    snprintf(path, sizeof(path), "/apis/coordination.k8s.io/v1/namespaces/%s/leases%s%s",
             l->name_space, action == ELECTION_CREATE ? "" : "/",
             action == ELECTION_CREATE ? "" : l->name);
    if (action != ELECTION_READ) {
        call.method = action == ELECTION_CREATE ? "POST" : "PUT";
        r = lease_record_format(record, &place, &body);
        call.body = body.data;
        call.len = body.len;
    }
    return r < 0 ? r : kube_client_call(l->client, &l->request, &call);
}

static void on_due(void *data)
{
    struct kube_lease *l = data;
    struct lease_record record = {0};
    enum election_action action;

    if (l->request || l->is_releasing)
        return;
    action = election_next(&l->election, lease_now_ns(), lease_real_ns(), &record);
    if (send_request(l, action, &record, on_answer) < 0) {
        election_answered(&l->election, ELECTION_FAILED, &record, lease_now_ns());
        tell_trouble(l, "no memory for a request");
    }
    settle(l);
}

/* ---- Giving it up ---- */

static void release_end(struct kube_lease *l)
{
    loop_timer_unset(l->release);
    l->request = kube_request_cancel(l->request);
    l->released(l->released_data);
}

static void on_release_deadline(void *data)
{
    release_end(data);
}

static void on_released(const struct kube_answer *a UNUSED, void *data)
{
    struct kube_lease *l = data;

    l->request = NULL;
    release_end(l);
}

/* Nothing is under way: writes that nobody holds it, if it is ours. */
static void release_step(struct kube_lease *l)
{
    struct lease_record record;

    if (!election_resign(&l->election, lease_real_ns(), &record) ||
        send_request(l, ELECTION_UPDATE, &record, on_released) < 0)
        loop_timer_set(l->release, 0);
}

void kube_lease_release(struct kube_lease *l, void (*done)(void *data), void *data)
{
    l->is_releasing = true;
    l->released = done;
    l->released_data = data;
    loop_timer_unset(l->due);
    loop_timer_unset(l->end);
    loop_timer_set(l->release, KUBE_LEASE_RELEASE_NS);
    if (!l->request)
        release_step(l);
}

/* ---- Life ---- */

int kube_lease_new(struct kube_lease **ret, struct loop *loop, struct kube_client *client,
                   const struct lease_place *place, const char *identity,
                   const struct kube_lease_events *events)
{
    CLEANUP(kube_lease_free) struct kube_lease *l = calloc(1, sizeof(*l));

    if (!l)
        return -ENOMEM;
    l->loop = loop;
    l->client = client;
    l->events = *events;
    l->name_space = strdup(place->name_space);
    l->name = strdup(place->name);
    l->owners = strdup(place->owners);
    election_init(&l->election, identity);
    if (!l->name_space || !l->name || !l->owners || loop_timer_new(loop, &l->due, on_due, l) < 0 ||
        loop_timer_new(loop, &l->end, on_end, l) < 0 ||
        loop_timer_new(loop, &l->release, on_release_deadline, l) < 0)
        return -ENOMEM;
    loop_timer_set(l->due, 0);
    *ret = TAKE(l);
    return 0;
}

struct kube_lease *kube_lease_free(struct kube_lease *l)
{
    if (!l)
        return NULL;
    kube_request_cancel(l->request);
    loop_timer_free(l->release);
    loop_timer_free(l->end);
    loop_timer_free(l->due);
    free(l->owners);
    free(l->name);
    free(l->name_space);
    free(l);
    return NULL;
}
