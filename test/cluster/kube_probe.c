/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/kube against a real API server, for the scripts beside it.
 *
 *     kube_probe [OPTION...] KUBECONFIG call METHOD PATH [COUNT]
 *         sends COUNT requests at once; a %d in PATH and in the body becomes a number from 0 on. Prints for each:
 *         "STATUS ERROR RETRY_AFTER_MS LENGTH REASON PROBLEM"
 *     kube_probe [OPTION...] KUBECONFIG watch PATH...
 *         prints "put KEY LENGTH", "dropped KEY", "listed N BYTES", "trouble REASON", "well" as they come, until SIGTERM;
 *         BYTES of the heap are in use then beyond those before the first list. Several watches share one client
 *
 *     --body FILE --type MEDIA-TYPE --accept MEDIA-TYPE --deadline MS --max BYTES --query QUERY --page N --max-objects N
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/kube/kube_watch.h"
#include "lib/loop.h"

#define BODY_MAX    (4u << 20)
#define MAX_WATCHES 64

struct probe {
    struct loop *loop;
    struct kube_client *client;
    const char *body_file, *type, *accept, *query;
    uint64_t deadline_ns;
    size_t max_bytes, max_objects;
    unsigned page_size;
    unsigned n_left;
    struct kube_watch *watches[MAX_WATCHES];
    unsigned n_watches;
    size_t used_before;
    int result;
};

static void on_done(const struct kube_answer *a, void *data)
{
    struct probe *p = data;

    printf("%d %d %llu %zu %s %s\n", a->status, a->error,
           (unsigned long long)(a->retry_after_ns / NS_PER_MSEC), a->len,
           *a->reason ? a->reason : "-", *a->problem ? a->problem : "-");
    if (a->status < 200 || a->status > 299)
        p->result = 1;
    if (--p->n_left == 0)
        loop_stop(p->loop);
}

static int read_body(const char *path, struct buf *ret)
{
    FILE *f = fopen(path, "re");
    char chunk[4096];
    size_t n;
    int r = f ? 0 : -errno;

    while (r == 0 && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        r = buf_add(ret, chunk, n);
    if (f)
        fclose(f);
    return r;
}

/* text with its first %d replaced by i. */
static int numbered(struct buf *ret, const char *text, unsigned i)
{
    const char *place = strstr(text, "%d");

    buf_clear(ret);
    if (!place)
        return buf_add_text(ret, text);
    return buf_format(ret, "%.*s%u%s", (int)(place - text), text, i, place + 2);
}

static int call(struct probe *p, const char *method, const char *path_text, unsigned count)
{
    CLEANUP_BUF struct buf body_text = BUF_INIT(BODY_MAX);
    CLEANUP_BUF struct buf body = BUF_INIT(BODY_MAX);
    CLEANUP_BUF struct buf path = BUF_INIT(BODY_MAX);
    int r = p->body_file ? read_body(p->body_file, &body_text) : 0;

    p->n_left = count;
    for (unsigned i = 0; r == 0 && i < count; i++) {
        r = numbered(&path, path_text, i);
        if (r == 0)
            r = numbered(&body, buf_text(&body_text), i);
        const struct kube_call c = {
            .method = method,
            .path = buf_text(&path),
            .content_type = p->type,
            .accept = p->accept,
            .body = p->body_file ? body.data : NULL,
            .len = body.len,
            .deadline_ns = p->deadline_ns,
            .max_bytes = p->max_bytes,
            .done = on_done,
            .data = p,
        };
        if (r == 0)
            r = kube_client_call(p->client, NULL, &c);
    }
    if (r < 0) {
        fprintf(stderr, "kube_probe: %s\n", strerror(-r));
        return 2;
    }
    loop_run(p->loop);
    return p->result;
}

static void on_put(const char *key, const uint8_t *object, size_t len, void *data UNUSED)
{
    /* Each byte is looked at, for the sanitizer. */
    unsigned sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += object[i];
    printf("put %s %zu%s\n", key, len, sum == 0 ? " of zeros" : "");
}

static void on_dropped(const char *key, void *data UNUSED)
{
    printf("dropped %s\n", key);
}

static void on_listed(void *data)
{
    struct probe *p = data;
    size_t size = 0;

    for (unsigned i = 0; i < p->n_watches; i++)
        size += kube_watch_size(p->watches[i]);
    printf("listed %zu %zu\n", size, mallinfo2().uordblks - p->used_before);
}

static void on_trouble(const char *reason, void *data UNUSED)
{
    if (reason)
        printf("trouble %s\n", reason);
    else
        printf("well\n");
}

static void on_signal(int signal_number UNUSED, void *data)
{
    loop_stop(data);
}

static int watch(struct probe *p, char **paths)
{
    const struct kube_watch_events events = {on_put, on_dropped, on_listed, on_trouble, p};
    struct loop_signal *term = NULL;
    int r = loop_signal_new(p->loop, &term, SIGTERM, on_signal, p->loop);

    p->used_before = mallinfo2().uordblks;
    for (; r == 0 && *paths && p->n_watches < MAX_WATCHES; paths++) {
        const struct kube_watch_settings settings = {
            .path = *paths,
            .query = p->query,
            .accept = p->accept,
            .page_size = p->page_size,
            .max_object_bytes = p->max_bytes,
            .max_objects = p->max_objects,
        };

        r = kube_watch_new(&p->watches[p->n_watches], p->loop, p->client, &settings, &events);
        p->n_watches += r == 0;
    }
    if (r == 0)
        r = loop_run(p->loop);
    while (p->n_watches > 0)
        kube_watch_free(p->watches[--p->n_watches]);
    loop_signal_free(term);
    return r < 0 ? 2 : 0;
}

static int run(struct probe *p, const char *kubeconfig, char **arguments)
{
    CLEANUP(error_free) struct error *error = NULL;
    struct kube_config config = {0};
    int r = kube_config_load(&config, kubeconfig, NULL, &error);

    if (r == 0)
        r = loop_new(&p->loop, &error);
    if (r == 0)
        r = kube_client_new(&p->client, p->loop, &config, "kube_probe", &error);
    kube_config_done(&config);
    if (r < 0) {
        fprintf(stderr, "kube_probe: %s\n", error_message(error));
        r = 2;
    } else if (strcmp(arguments[0], "call") == 0 && arguments[1] && arguments[2]) {
        r = call(p, arguments[1], arguments[2],
                 arguments[3] ? (unsigned)strtoul(arguments[3], NULL, 10) : 1);
    } else if (strcmp(arguments[0], "watch") == 0 && arguments[1]) {
        r = watch(p, arguments + 1);
    } else {
        fprintf(stderr, "kube_probe: '%s' is not known, or lacks something\n", arguments[0]);
        r = 2;
    }
    kube_client_free(p->client);
    loop_free(p->loop);
    return r;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"body", required_argument, NULL, 'b'},
        {"type", required_argument, NULL, 't'},
        {"accept", required_argument, NULL, 'a'},
        {"deadline", required_argument, NULL, 'd'},
        {"max", required_argument, NULL, 'm'},
        {"query", required_argument, NULL, 'q'},
        {"page", required_argument, NULL, 'p'},
        {"max-objects", required_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    struct probe p = {
        .deadline_ns = 30 * NS_PER_SEC, .max_bytes = 64u << 20, .max_objects = 200000};
    int option;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (option == 'b')
            p.body_file = optarg;
        else if (option == 't')
            p.type = optarg;
        else if (option == 'a')
            p.accept = optarg;
        else if (option == 'd')
            p.deadline_ns = strtoull(optarg, NULL, 10) * NS_PER_MSEC;
        else if (option == 'm')
            p.max_bytes = strtoul(optarg, NULL, 10);
        else if (option == 'o')
            p.max_objects = strtoul(optarg, NULL, 10);
        else if (option == 'q')
            p.query = optarg;
        else if (option == 'p')
            p.page_size = (unsigned)strtoul(optarg, NULL, 10);
        else
            return 2;
    }
    if (argc - optind < 2) {
        fprintf(stderr,
                "usage: kube_probe [OPTION...] KUBECONFIG call METHOD PATH [COUNT] | watch PATH\n");
        return 2;
    }
    return run(&p, argv[optind], argv + optind + 1);
}
