/* SPDX-License-Identifier: Apache-2.0 */
/* nri_plugin SOCKET: our NRI plugin by itself, for test/interop/run_nri. A container "now-..." may start at once, one
 * "later-..." after LATER_NS, any other when its time is up. Prints a line for all that it is told. */
#include <stdio.h>
#include <string.h>

#include "agent/nri.h"
#include "lib/loop.h"

#define LATER_NS (300 * NS_PER_MSEC)

struct plugin {
    struct nri *nri;
    struct loop_timer *timer;
    char later[128];
};

static void on_connected(const char *reason, void *data)
{
    struct plugin *p = data;

    printf("%s: %s\n", reason ? "away" : "ready", nri_describe(p->nri));
}

static void on_timer(void *data)
{
    struct plugin *p = data;

    nri_let_start(p->nri, p->later);
}

static void on_starting(const char *container_id, void *data)
{
    struct plugin *p = data;

    printf("starting: %s\n", container_id);
    if (strncmp(container_id, "now-", 4) == 0) {
        nri_let_start(p->nri, container_id);
    } else if (strncmp(container_id, "later-", 6) == 0) {
        snprintf(p->later, sizeof(p->later), "%s", container_id);
        loop_timer_set(p->timer, LATER_NS);
    }
}

static void on_overdue(const char *container_id, void *data UNUSED)
{
    printf("overdue: %s\n", container_id);
}

static void on_term(int signal_number UNUSED, void *data)
{
    loop_stop(data);
}

int main(int argc, char **argv)
{
    struct plugin p = {0};
    const struct nri_events events = {
        .connected = on_connected, .starting = on_starting, .overdue = on_overdue, .data = &p};
    struct loop_signal *term = NULL;
    struct loop *loop = NULL;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 2 || loop_new(&loop, NULL) < 0 ||
        loop_signal_new(loop, &term, 15, on_term, loop) < 0 ||
        loop_timer_new(loop, &p.timer, on_timer, &p) < 0 ||
        nri_new(&p.nri, loop, argv[1], &events, NULL) < 0)
        return EXIT_FAILURE;
    nri_start(p.nri);
    loop_run(loop);
    nri_free(p.nri);
    loop_timer_free(p.timer);
    loop_signal_free(term);
    loop_free(loop);
    return EXIT_SUCCESS;
}
