/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease_holder KUBECONFIG NAMESPACE LEASE IDENTITY: leads by a Lease, as a manager does, and "acts" every few
 * milliseconds while it may: prints "act NANOSECONDS" (CLOCK_BOOTTIME, which all processes of a machine share). Says
 * "gained" and "lost HOLDER" between. SIGTERM: gives the lease up and ends.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/kube/kube_client.h"
#include "lib/kube/kube_config.h"
#include "lib/kube/kube_lease.h"
#include "lib/kube/lease_record.h"
#include "lib/loop.h"

#define ACT_EVERY_NS (10 * NS_PER_MSEC)

struct holder {
    struct loop *loop;
    struct kube_lease *lease;
    struct loop_timer *timer;
};

static uint64_t boot_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

/* The time is taken before the lease is asked: what is printed is a moment at which it was held for sure. */
static void act(void *data)
{
    struct holder *h = data;
    uint64_t now_ns = boot_now_ns();

    if (kube_lease_holds(h->lease))
        printf("act %" PRIu64 "\n", now_ns);
    loop_timer_set(h->timer, ACT_EVERY_NS);
}

static void on_gained(void *data UNUSED)
{
    printf("gained\n");
}

static void on_lost(const char *holder, void *data UNUSED)
{
    printf("lost %s\n", holder);
}

static void on_trouble(const char *why, void *data UNUSED)
{
    printf("trouble %s\n", why ? why : "-");
}

static void on_released(void *data)
{
    struct holder *h = data;

    loop_stop(h->loop);
}

static void on_signal(int number UNUSED, void *data)
{
    struct holder *h = data;

    kube_lease_release(h->lease, on_released, h);
}

static int run(char **argv, struct error **reterr)
{
    CLEANUP(loop_free) struct loop *loop = NULL;
    CLEANUP(kube_client_free) struct kube_client *client = NULL;
    struct holder h = {0};
    const struct kube_lease_events events = {
        .gained = on_gained, .lost = on_lost, .trouble = on_trouble, .data = &h};
    const struct lease_place place = {argv[2], argv[3], "[]"};
    struct kube_config config = {0};
    struct loop_signal *term = NULL;
    int r = loop_new(&loop, reterr);

    if (r == 0)
        r = kube_config_load(&config, argv[1], NULL, reterr);
    if (r == 0)
        r = kube_client_new(&client, loop, &config, "lease_holder", reterr);
    kube_config_done(&config);
    if (r < 0)
        return r;
    h.loop = loop;
    if (loop_timer_new(loop, &h.timer, act, &h) < 0 ||
        loop_signal_new(loop, &term, SIGTERM, on_signal, &h) < 0 ||
        kube_lease_new(&h.lease, loop, client, &place, argv[4], &events) < 0)
        return error_oom(reterr);
    act(&h);
    r = loop_run(loop);
    kube_lease_free(h.lease);
    loop_timer_free(h.timer);
    loop_signal_free(term);
    return r;
}

int main(int argc, char **argv)
{
    CLEANUP(error_free) struct error *e = NULL;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 5) {
        fprintf(stderr, "lease_holder KUBECONFIG NAMESPACE LEASE IDENTITY\n");
        return 2;
    }
    if (run(argv, &e) < 0) {
        fprintf(stderr, "lease_holder: %s\n", error_message(e));
        return 1;
    }
    return 0;
}
