/* SPDX-License-Identifier: Apache-2.0 */
/* varmor-agent: settings, signals and the end of the process. SIGTERM and SIGINT end it in order;
 * whatever way it ends, what is in the kernel stays in force. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/config.h"
#include "agent/confinement.h"
#include "agent/enforcer.h"
#include "agent/health.h"
#include "agent/node.h"
#include "agent/node_enforcers.h"
#include "agent/service_notify.h"
#include "agent/state_dir.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/options.h"

#define MALLOC_BLOCK_BYTES (32 << 10)
#define TEXT_MAX_BYTES     (64u << 10) /* of --help and --print-config */

enum { EXIT_USAGE = 2 };

static int print(struct buf *text, int r)
{
    if (r == 0)
        fputs(buf_text(text), stdout);
    buf_done(text);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void on_cleaned(const char *what, void *data)
{
    unsigned *n = data;

    (*n)++;
    printf("removed %s\n", what);
}

static int clean_up(const struct config *config)
{
    CLEANUP(error_free) struct error *problem = NULL;
    CLEANUP(error_free) struct error *folder_problem = NULL;
    unsigned n = 0;
    int r = node_enforcers_clean_up(config, on_cleaned, &n, &problem);
    int r_folder = 0;

    if (config->state_dir && config->state_dir[0])
        r_folder = state_dir_remove(config->state_dir, on_cleaned, &n, &folder_problem);
    if (r < 0)
        fprintf(stderr, "varmor-agent: %s\n", error_message(problem));
    if (r_folder < 0)
        fprintf(stderr, "varmor-agent: %s\n", error_message(folder_problem));
    printf("%u things removed\n", n);
    return r < 0 || r_folder < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int tell_health(const struct config *config)
{
    CLEANUP(error_free) struct error *problem = NULL;

    if (health_ask(config->state_dir ? config->state_dir : "", &problem) < 0) {
        printf("%s\n", error_message(problem));
        return EXIT_FAILURE;
    }
    puts("ready");
    return EXIT_SUCCESS;
}

/* Says of each enforcer what it can do here. Success if all are usable. */
static int check(struct loop *loop, const struct config *config)
{
    CLEANUP(error_free) struct error *problem = NULL;
    CLEANUP(node_enforcers_free) struct node_enforcers *enforcers = NULL;
    const struct enforcer_events no_events = {0};
    const struct enforcers *all;
    bool all_usable = true;

    if (node_enforcers_new(&enforcers, loop, config, NULL, &no_events, &problem) < 0) {
        fprintf(stderr, "varmor-agent: %s\n", error_message(problem));
        return EXIT_FAILURE;
    }
    all = node_enforcers_list(enforcers);
    for (size_t i = 0; i < all->n; i++) {
        const struct enforcer_facts *facts = all->items[i].facts;

        all_usable &= facts->usable;
        printf("%-24s %s%s\n", all->items[i].enforcer->ops->name,
               facts->usable ? "usable" : "not usable: ", facts->reason);
        for (size_t f = 0; f < facts->n; f++)
            printf("%-24s %s\n", facts->items[f].name, facts->items[f].value);
    }
    return all_usable ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void on_signal(int signal_number, void *data)
{
    LOG(INFO, "stopping", "what is in force stays in force", LOG_INT("signal", signal_number));
    service_notify("STOPPING=1");
    loop_stop(data);
}

/* What rotates logs sends it; the log's path is looked up before each line in any case. */
static void on_hangup(int signal_number, void *data)
{
    (void)signal_number;
    (void)data;
    LOG(INFO, "log-reopened", "violations go to the file that the log's path names");
}

static int run(struct loop *loop, const struct config *config)
{
    static const struct {
        int number;
        void (*func)(int signal_number, void *data);
    } signals[] = {{SIGTERM, on_signal}, {SIGINT, on_signal}, {SIGHUP, on_hangup}};
    CLEANUP(error_free) struct error *problem = NULL;
    struct loop_signal *sources[ARRAY_SIZE(signals)] = {0};
    struct node *node = NULL;
    int r = node_new(&node, loop, config, &problem);

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(signals); i++)
        r = loop_signal_new(loop, &sources[i], signals[i].number, signals[i].func, loop);
    if (r == 0 && config->confine)
        r = confinement_enter(node_can(node, ENFORCER_APPARMOR), &problem);
    if (r == 0)
        r = node_start(node, &problem);
    if (r == 0) {
        LOG(INFO, "started", "what an earlier agent left is in force",
            LOG_STR("node", config->node_name), LOG_STR("version", VARMOR_VERSION));
        service_notify("READY=1");
        r = loop_run(loop);
    }
    if (r < 0)
        LOG(ERROR, "failed", "the agent ends; what is in the kernel stays in force",
            LOG_STR("reason", problem ? error_message(problem) : strerror(-r)));
    node_free(node);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        loop_signal_free(sources[i]);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_with_loop(const struct config *config)
{
    CLEANUP(error_free) struct error *problem = NULL;
    CLEANUP(loop_free) struct loop *loop = NULL;

    if (loop_new(&loop, &problem) < 0) {
        fprintf(stderr, "varmor-agent: %s\n", error_message(problem));
        return EXIT_FAILURE;
    }
    return config->check ? check(loop, config) : run(loop, config);
}

static int act(int outcome, const struct config *config, const struct error *problem)
{
    struct buf text = BUF_INIT(TEXT_MAX_BYTES);

    switch (outcome) {
    case OPTIONS_HELP:
        return print(&text, config_format_help(&text));
    case OPTIONS_VERSION:
        puts("varmor-agent " VARMOR_VERSION);
        return EXIT_SUCCESS;
    case OPTIONS_PRINT_CONFIG:
        return print(&text, config_format(config, &text));
    case OPTIONS_RUN:
        log_set_component("agent");
        log_set_level((enum log_level)config->log_level);
        if (config->health)
            return tell_health(config);
        return config->cleanup ? clean_up(config) : run_with_loop(config);
    default:
        fprintf(stderr, "varmor-agent: %s\n", error_message(problem));
        return EXIT_USAGE;
    }
}

/* Compiling a profile takes memory for a moment: what is larger than a block is given back at once, instead of
 * staying with the process for good. mallopt(3); without it the agent is 1.7 MiB larger with 100 policies. */
static void keep_memory_small(void)
{
    mallopt(M_TRIM_THRESHOLD, MALLOC_BLOCK_BYTES);
    mallopt(M_MMAP_THRESHOLD, MALLOC_BLOCK_BYTES);
}

int main(int argc, char **argv)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct config config = {0};
    int outcome, status;

    keep_memory_small();
    outcome = config_parse(&config, argc, argv, &problem);
    status = act(outcome, &config, problem);
    config_done(&config);
    return status;
}
