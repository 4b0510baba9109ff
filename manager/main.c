/* SPDX-License-Identifier: Apache-2.0 */
/* varmor-manager: where policy meets the nodes. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "lib/kube/kube_client.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "manager/config.h"
#include "manager/kube_connect.h"
#include "manager/manager.h"
#include "manager/policy_removal.h"

#define EXIT_USAGE     2
#define TEXT_MAX_BYTES 65536 /* of --help and --print-config */

/* What the signal handlers need. */
struct process {
    struct loop *loop;
    struct manager *manager;
    bool draining;
};

static void on_drained(void *data)
{
    struct process *p = data;

    loop_stop(p->loop);
}

/* The first signal lets calls end, the second does not wait. */
static void on_stop_signal(int signal_number, void *data)
{
    struct process *p = data;

    LOG(INFO, "stopping", p->draining ? "not waiting any longer" : "letting calls end",
        LOG_INT("signal", signal_number));
    if (p->draining) {
        loop_stop(p->loop);
        return;
    }
    p->draining = true;
    manager_drain(p->manager, on_drained, p);
}

/* Each agent is a descriptor: the limit that shells set is for programs that use select(). */
static void raise_file_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        LOG(WARNING, "file-limit", "going on with the present limit", LOG_INT("errno", errno));
}

/* Runs until a signal says stop. 0, or a negative errno with *reterr. */
static int run(const struct config *config, struct error **reterr)
{
    CLEANUP(loop_free) struct loop *loop = NULL;
    CLEANUP(manager_free) struct manager *manager = NULL;
    struct process process = {0};
    struct loop_signal *term = NULL, *interrupt = NULL;
    int r = loop_new(&loop, reterr);

    if (r < 0)
        return r;
    r = manager_new(&manager, loop, config, reterr);
    if (r < 0)
        return r;
    process.loop = loop;
    process.manager = manager;
    r = loop_signal_new(loop, &term, SIGTERM, on_stop_signal, &process);
    if (r == 0)
        r = loop_signal_new(loop, &interrupt, SIGINT, on_stop_signal, &process);
    if (r == 0)
        r = loop_run(loop);
    loop_signal_free(interrupt);
    loop_signal_free(term);
    return r < 0 ? error_errno(reterr, r, "the event loop") : 0;
}

static int remove_policies(const struct config *config, struct error **reterr)
{
    CLEANUP(loop_free) struct loop *loop = NULL;
    CLEANUP(kube_client_free) struct kube_client *client = NULL;
    int r = loop_new(&loop, reterr);

    if (r == 0)
        r = kube_connect(&client, loop, config, reterr);
    return r < 0 ? r : policy_removal_run(loop, client, reterr);
}

static int print(int r, const struct buf *text)
{
    if (r < 0 || fputs(buf_text(text), stdout) == EOF || fflush(stdout) == EOF)
        return EXIT_FAILURE;
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX_BYTES);
    CLEANUP(error_free) struct error *e = NULL;
    struct config config = {0};
    int outcome = config_parse(&config, argc, argv, &e);
    int status = EXIT_SUCCESS;

    log_set_component("manager");
    switch (outcome) {
    case OPTIONS_RUN:
        log_set_level(config.log_level);
        raise_file_limit();
        if ((config.remove_policies ? remove_policies(&config, &e) : run(&config, &e)) < 0) {
            LOG(ERROR, "ended", error_message(e));
            status = EXIT_FAILURE;
        }
        break;
    case OPTIONS_HELP:
        status = print(config_format_help(&text), &text);
        break;
    case OPTIONS_VERSION:
        status = print(buf_add_text(&text, "varmor-manager " VARMOR_VERSION "\n"), &text);
        break;
    case OPTIONS_PRINT_CONFIG:
        status = print(config_format(&config, &text), &text);
        break;
    default:
        fprintf(stderr, "varmor-manager: %s\n", error_message(e));
        status = EXIT_USAGE;
        break;
    }
    config_done(&config);
    return status;
}
