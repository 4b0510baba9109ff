/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/get.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/command.h"
#include "ctl/status_options.h"
#include "ctl/text.h"

#define WAIT_RETRY_NS (200 * NS_PER_MSEC) /* between two tries to reach the manager */
#define REQUEST_MAX   4096                /* a namespace and a name */

enum wait_kind { WAIT_READY, WAIT_NOT_READY, WAIT_DELETED, WAIT_PHASE, WAIT_BOUND };

struct waiting {
    enum wait_kind kind;
    const char *phase;     /* of WAIT_PHASE */
    unsigned long n_bound; /* of WAIT_BOUND: at least so many */
    bool present, met;
    bool listed; /* all that was there at the start has been seen */
    char *seen;  /* owned; which policy it is: "VarmorPolicy 'shop/web'" */
    char *last;  /* owned; what was seen last, for the message when time is up */
    int failure;
    struct error *error; /* owned */
};

static void wait_help(FILE *out)
{
    fprintf(
        out,
        "Usage: varmorctl wait policy NAME [--for CONDITION] [OPTION]...\n"
        "\n"
        "Waits until a policy is as wanted: for scripts and CI.\n"
        "\n"
        "Conditions:\n"
        "  ready          every node that should has confirmed its present digest (the default)\n"
        "  not-ready      it is there and not ready\n"
        "  deleted        it is not there\n"
        "  phase=PHASE    Pending, Protecting or Error\n"
        "  bound=N        at least N containers are bound to its profile\n"
        "\n"
        "Options:\n%s\n"
        "Exit status: 0, 1 (time is up, no answer), 2 (usage).\n",
        status_options_help);
}

static int wait_parse_condition(struct waiting *w, const char *text)
{
    char *end;

    if (!text || strcmp(text, "ready") == 0) {
        w->kind = WAIT_READY;
    } else if (strcmp(text, "not-ready") == 0) {
        w->kind = WAIT_NOT_READY;
    } else if (strcmp(text, "deleted") == 0) {
        w->kind = WAIT_DELETED;
    } else if (strncmp(text, "phase=", 6) == 0 && text[6]) {
        w->kind = WAIT_PHASE;
        w->phase = text + 6;
    } else if (strncmp(text, "bound=", 6) == 0 && text[6] >= '0' && text[6] <= '9') {
        w->kind = WAIT_BOUND;
        w->n_bound = strtoul(text + 6, &end, 10);
        if (*end)
            return -EINVAL;
    } else {
        return -EINVAL;
    }
    return 0;
}

static bool wait_is_met(const struct waiting *w, const struct status_policy *p)
{
    switch (w->kind) {
    case WAIT_READY:
        return p->ready;
    case WAIT_NOT_READY:
        return !p->ready;
    case WAIT_PHASE:
        return strcmp(p->phase, w->phase) == 0;
    case WAIT_BOUND:
        return p->n_bound >= w->n_bound;
    case WAIT_DELETED:
        break;
    }
    return false;
}

/* One name may be that of several policies; to wait for any of them would tell nothing. */
static int wait_identify(struct waiting *w, const struct status_policy *p)
{
    CLEANUP_FREE char *seen = NULL;

    if (asprintf(&seen, "%s '%s%s%s'", p->kind, p->name_space, *p->name_space ? "/" : "", p->name) <
        0) {
        seen = NULL;
        return error_oom(&w->error);
    }
    if (w->seen && strcmp(w->seen, seen) != 0)
        return error_set(&w->error, -EEXIST, "it is the name of %s and of %s: say which with -n",
                         w->seen, seen);
    free(w->seen);
    w->seen = TAKE(seen);
    return 0;
}

/* Replaces what was seen last; without memory nothing is. */
static void PRINTF_FORMAT(2, 3) wait_remember(struct waiting *w, const char *format, ...)
{
    CLEANUP_FREE char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    free(w->last);
    w->last = text ? text_escape(text) : NULL;
}

/* With the reason of the condition that is not True. */
static void wait_remember_policy(struct waiting *w, const struct status_policy *p)
{
    const char *reason = "";

    for (size_t i = 0; i < p->n_conditions; i++)
        if (strcmp(p->conditions[i].status, "True") != 0)
            reason = *p->conditions[i].message ? p->conditions[i].message : p->conditions[i].reason;
    wait_remember(w, "phase %s, %u of %u nodes ready, %u bound%s%s", p->phase, p->nodes_ready,
                  p->nodes_desired, p->n_bound, *reason ? ": " : "", reason);
}

static bool wait_message(const uint8_t *data, size_t len, void *data_arg)
{
    struct waiting *w = data_arg;
    struct status_watch_event e;

    w->failure = status_watch_event_decode(&e, data, len, &w->error);
    if (w->failure < 0)
        return false;
    if (e.type == STATUS_WATCH_PUT && e.resource == STATUS_POLICIES) {
        w->present = true;
        w->met = wait_is_met(w, &e.policy);
        w->failure = wait_identify(w, &e.policy);
        wait_remember_policy(w, &e.policy);
    }
    if (e.type == STATUS_WATCH_LISTED)
        w->listed = true;
    if (e.type == STATUS_WATCH_REMOVED || (e.type == STATUS_WATCH_LISTED && !w->present)) {
        w->present = false;
        w->met = w->kind == WAIT_DELETED;
        wait_remember(w, "there is no such policy");
    }
    status_watch_event_done(&e);
    return !(w->met && w->listed) && w->failure == 0;
}

/* Nanoseconds of CLOCK_MONOTONIC. */
static uint64_t wait_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

/* Watches until the condition is met or time is up. A manager that is not there yet, or goes away for a
 * restart, is part of what is waited for. */
static int wait_stream(struct waiting *w, const struct status_options *o, const struct buf *request,
                       struct error **reterr)
{
    const uint64_t deadline_ns = wait_now_ns() + o->connection.timeout_sec * NS_PER_SEC;

    for (;;) {
        uint64_t now_ns = wait_now_ns();
        int r;

        r = connection_stream(&o->connection, "/varmor.v1.StatusService/Watch", request,
                              now_ns < deadline_ns ? deadline_ns - now_ns : 1, wait_message, w,
                              reterr);
        if (r != -ECONNREFUSED || wait_now_ns() + WAIT_RETRY_NS >= deadline_ns)
            return r;
        if (reterr)
            *reterr = error_free(*reterr);
        w->listed = w->present = false;
        nanosleep(&(struct timespec){.tv_nsec = WAIT_RETRY_NS}, NULL);
    }
}

static int wait_policy(struct waiting *w, const struct status_options *o, struct error **reterr)
{
    const struct status_watch_request request = {
        .resource = STATUS_POLICIES, .name_space = o->name_space, .name = o->arguments[1]};
    CLEANUP_BUF struct buf encoded = BUF_INIT(REQUEST_MAX);
    int r = status_watch_request_encode(&request, &encoded);

    if (r < 0)
        return error_set(reterr, r, "the names have more than %d bytes", REQUEST_MAX);
    r = wait_stream(w, o, &encoded, reterr);
    if (w->failure < 0)
        return error_set(reterr, w->failure, "%s", error_message(w->error));
    if (r == -ETIMEDOUT && w->last)
        return error_set(reterr, r, "time is up after %u seconds; last seen: %s",
                         o->connection.timeout_sec, w->last);
    if (r == 0 && !(w->met && w->listed))
        return error_set(reterr, -EINTR, "interrupted%s%s", w->last ? "; last seen: " : "",
                         w->last ? w->last : "");
    return r;
}

int wait_run(int argc, char **argv)
{
    CLEANUP(error_free) struct error *error = NULL;
    struct status_options options;
    struct waiting w = {0};
    int r;

    if (status_options_parse(&options, STATUS_TAKES_CONDITION, argc, argv) < 0)
        return EXIT_USAGE;
    if (options.help) {
        wait_help(stdout);
        return 0;
    }
    if (options.n_arguments != 2 ||
        status_resource_parse(options.arguments[0]) != STATUS_POLICIES) {
        fprintf(stderr, "varmorctl: wait takes the word policy and a name\n");
        return EXIT_USAGE;
    }
    if (wait_parse_condition(&w, options.condition) < 0) {
        fprintf(stderr,
                "varmorctl: --for '%s': ready, not-ready, deleted, phase=PHASE or bound=N\n",
                error_quote(options.condition));
        return EXIT_USAGE;
    }
    r = wait_policy(&w, &options, &error);
    error_free(w.error);
    free(w.seen);
    free(w.last);
    if (r < 0) {
        fprintf(stderr, "varmorctl: policy '%s': %s\n", error_quote(options.arguments[1]),
                error_message(error));
        return GET_EXIT_FAILURE;
    }
    return 0;
}
