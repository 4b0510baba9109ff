/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches a containerd through the agent's runtime module and prints one line for what each
 * callback says: watch SOCKET connected containerd 1.6.20 put default/c1 created pid=12
 * cgroup=known pod=default/c1 name=c1 labels=app=web For test/integration/containerd/run. Each
 * container in state created is asked about once, so that answers are seen too. Ends with SIGTERM.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/container.h"
#include "agent/runtime.h"
#include "lib/loop.h"
#include "lib/policy/selector.h"

struct watch {
    struct loop *loop;
    struct runtime *runtime;
};

static void print_container(const char *what, const struct container *c, const char *problem)
{
    printf("%s %s/%s %s pid=%s cgroup=%s path=%s pod=%s/%s name=%s workload=%s/%s labels=", what,
           c->runtime_namespace, c->id, container_state_name(c->state),
           c->pid > 0 ? "known" : "none", c->cgroup_id ? "known" : "none",
           c->cgroup_path ? c->cgroup_path : "", c->pod_namespace, c->pod_name, c->name,
           c->workload_kind, c->workload_name);
    for (size_t i = 0; i < labels_size(c->labels); i++)
        printf("%s%s=%s", i ? "," : "", labels_key(c->labels, i), labels_value(c->labels, i));
    printf("%s%s\n", problem ? " problem=" : "", problem ? problem : "");
    fflush(stdout);
}

static void on_put(const struct container *c, const char *problem, void *data)
{
    struct watch *w = data;

    print_container("put", c, problem);
    if (c->state == CONTAINER_CREATED && w->runtime->ops->ask(w->runtime, c) < 0)
        puts("ask-failed");
}

static void on_dropped(const struct container *c, void *data)
{
    (void)data;
    print_container("dropped", c, NULL);
}

static void on_answered(const struct container *c, void *data)
{
    (void)data;
    print_container("answered", c, NULL);
}

static void print_line(const char *what, const char *text)
{
    printf("%s %s\n", what, text);
    fflush(stdout);
}

static void on_reconciled(void *data)
{
    (void)data;
    print_line("reconciled", "");
}

static void on_connected(const char *reason, void *data)
{
    struct watch *w = data;

    if (reason)
        print_line("away", reason);
    else
        print_line("connected", w->runtime->ops->describe(w->runtime));
}

static void on_trouble(const char *message, void *data)
{
    (void)data;
    print_line("trouble", message);
}

static void on_signal(int signal_number, void *data)
{
    (void)signal_number;
    loop_stop(data);
}

int main(int argc, char **argv)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct watch w = {0};
    const struct runtime_events events = {
        .put = on_put,
        .dropped = on_dropped,
        .answered = on_answered,
        .reconciled = on_reconciled,
        .connected = on_connected,
        .trouble = on_trouble,
        .data = &w,
    };
    struct loop_signal *term = NULL;
    int r = argc == 2 ? loop_new(&w.loop, &problem) : -EINVAL;

    if (r == 0)
        r = loop_signal_new(w.loop, &term, SIGTERM, on_signal, w.loop);
    if (r == 0)
        r = runtime_containerd_new(&w.runtime, w.loop, argv[1], &events, &problem);
    if (r == 0)
        r = w.runtime->ops->start(w.runtime, &problem);
    if (r == 0)
        r = loop_run(w.loop);
    if (r < 0)
        fprintf(stderr, "watch: %s\n", problem ? error_message(problem) : strerror(-r));
    if (w.runtime)
        w.runtime->ops->free(w.runtime);
    loop_signal_free(term);
    loop_free(w.loop);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
