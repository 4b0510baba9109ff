/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "lib/backoff.h"
#include "lib/buf.h"
#include "lib/kube/kube_path.h"
#include "lib/kube/kube_reader.h"
#include "lib/kube/kube_versions.h"
#include "lib/loop.h"

#define RETRY_FIRST_NS   (500 * NS_PER_MSEC)
#define RETRY_MAX_NS     (60 * NS_PER_SEC)
#define LIST_DEADLINE_NS (60 * NS_PER_SEC) /* of one page */
#define WATCH_MIN_S      300
#define WATCH_SPREAD_S   300
#define WATCH_GRACE_NS                                                                             \
    (30 * NS_PER_SEC) /* beyond the time after which the server should have ended it */
#define WATCH_IDLE_NS   (180 * NS_PER_SEC) /* bookmarks come every minute */
#define WATCH_LASTED_NS (5 * NS_PER_SEC)   /* a watch that lived so long did not fail */
/* So many watches may fail in a row before the list is read again: whatever is wrong may lie in where they begin. */
#define MAX_RESUMES 5
#define TROUBLE_MAX 1024 /* bytes of a reason */

enum watch_phase { WATCH_LISTING, WATCH_WATCHING };

struct kube_watch {
    struct loop *loop; /* borrowed, as the client */
    struct kube_client *client;
    char *path, *query, *accept;         /* owned; the last two may be NULL */
    struct kube_watch_settings settings; /* its texts are the three above */
    struct kube_watch_events events;

    struct kube_versions *versions;
    struct kube_reader *reader;   /* of the request under way */
    struct kube_request *request; /* NULL: the timer is set */
    struct loop_timer *timer;     /* the next attempt */
    struct loop_task *burial;     /* frees, when it could not be done at once */
    struct backoff backoff;

    enum watch_phase phase;
    char version[KUBE_VERSION_MAX + 1]; /* where to go on watching */
    char next[KUBE_CONTINUE_MAX + 1];   /* the continue token of the next page; "": the first */
    uint64_t started_ns;      /* of the present watch: when the server agreed; 0: not yet */
    unsigned n_resumes;       /* watches that failed since one was good */
    struct kube_status error; /* of an ERROR event; message and reason "" and code 0: none */
    bool had_error;
    bool saw_event;   /* in the present watch */
    bool has_unnamed; /* in the present list: who is missing cannot be told */
    bool is_listed;
    bool is_forbidden;          /* the last answer to a list was that */
    char trouble[TROUBLE_MAX];  /* what was told last; "": nothing */
    char left_out[TROUBLE_MAX]; /* what was left out last since the last list began; "": nothing */
    char left_out_key[KUBE_KEY_MAX + 1];
    unsigned n_inside; /* callbacks of the owner under way */
    bool is_gone;      /* kube_watch_free() was called inside one */
};

static void begin(struct kube_watch *w);

/* ---- What the owner is told ---- */

static void tell_put(struct kube_watch *w, const char *key, const struct kube_event *e)
{
    w->n_inside++;
    w->events.put(key, e->object, e->len, w->events.data);
    w->n_inside--;
}

static void tell_dropped(const char *key, void *data)
{
    struct kube_watch *w = data;

    if (w->is_gone)
        return;
    w->n_inside++;
    w->events.dropped(key, w->events.data);
    w->n_inside--;
}

static void tell_listed(struct kube_watch *w)
{
    w->is_listed = true;
    w->n_inside++;
    w->events.listed(w->events.data);
    w->n_inside--;
}

/* reason NULL: it is over. The same reason twice is told once. */
static void tell_trouble(struct kube_watch *w, const char *reason)
{
    if (w->is_gone || strncmp(w->trouble, reason ? reason : "", TROUBLE_MAX - 1) == 0)
        return;
    snprintf(w->trouble, sizeof(w->trouble), "%s", reason ? reason : "");
    w->n_inside++;
    w->events.trouble(reason ? w->trouble : NULL, w->events.data);
    w->n_inside--;
}

static void tell_left_out(struct kube_watch *w, const char *key, const char *what, size_t limit)
{
    snprintf(w->left_out, sizeof(w->left_out), "%s: %s is left out: %s %zu", w->path,
             *key ? key : "an object", what, limit);
    snprintf(w->left_out_key, sizeof(w->left_out_key), "%s", key);
    tell_trouble(w, w->left_out);
}

/* The object is all right again, or gone: if it was the one that was complained about, that is over. */
static void forgive(struct kube_watch *w, const char *key)
{
    if (*w->left_out == '\0' || strcmp(w->left_out_key, key) != 0)
        return;
    *w->left_out = '\0';
    tell_trouble(w, NULL);
}

/* ---- Objects as they come ---- */

static int on_put(struct kube_watch *w, const char *key, const struct kube_event *e)
{
    int r = kube_versions_put(w->versions, key, e->metadata->version);

    if (r == -E2BIG) {
        tell_left_out(w, key, "there are more objects than", w->settings.max_objects);
        return 0;
    }
    if (r < 0)
        return r;
    if (e->is_cut)
        tell_left_out(w, key, "it has more bytes than", w->settings.max_object_bytes);
    else
        forgive(w, key);
    if (!e->is_cut && r != KUBE_VERSION_SAME && !w->is_gone)
        tell_put(w, key, e);
    return 0;
}

static int on_event(const struct kube_event *e, void *data)
{
    struct kube_watch *w = data;
    char key[KUBE_KEY_MAX + 1];
    int r = 0;

    w->saw_event = true;
    kube_metadata_key(key, e->metadata);
    if (e->type == KUBE_EVENT_ERROR) {
        w->error = *e->status;
        w->had_error = true;
        return -ECANCELED;
    }
    if (e->type == KUBE_EVENT_BOOKMARK) {
        r = 0;
    } else if (*key == '\0') {
        w->has_unnamed = true;
        tell_left_out(w, key, "it has more bytes than", w->settings.max_object_bytes);
    } else if (e->type == KUBE_EVENT_PUT) {
        r = on_put(w, key, e);
    } else if (e->type == KUBE_EVENT_DROPPED) {
        if (kube_versions_drop(w->versions, key))
            tell_dropped(key, w);
        forgive(w, key);
    }
    if (r == 0 && w->phase == WATCH_WATCHING && *e->metadata->version)
        memcpy(w->version, e->metadata->version, sizeof(w->version));
    return w->is_gone ? -ECANCELED : r;
}

static int on_received(const uint8_t *data, size_t len, void *data_of_watch)
{
    struct kube_watch *w = data_of_watch;

    return kube_reader_feed(w->reader, data, len);
}

static void on_started(void *data)
{
    struct kube_watch *w = data;

    w->started_ns = loop_now_ns(w->loop);
    if (w->phase == WATCH_WATCHING)
        tell_trouble(w, *w->left_out ? w->left_out : NULL);
}

/* ---- What comes next ---- */

/* Another attempt, not before delay_ns; each one more in a row waits longer. */
static void retry(struct kube_watch *w, uint64_t at_least_ns)
{
    const uint64_t delay_ns = backoff_next_ns(&w->backoff);

    loop_timer_set(w->timer, MAX(delay_ns, at_least_ns));
}

static void on_timer(void *data)
{
    begin(data);
}

static void list_again(struct kube_watch *w)
{
    w->phase = WATCH_LISTING;
    *w->next = '\0';
    w->n_resumes = 0;
}

static void list_complete(struct kube_watch *w)
{
    if (!w->has_unnamed && kube_versions_list_end(w->versions, tell_dropped, w) < 0) {
        tell_trouble(w, strerror(ENOMEM));
        list_again(w);
        retry(w, 0);
        return;
    }
    if (w->is_gone)
        return;
    memcpy(w->version, kube_reader_version(w->reader), sizeof(w->version));
    w->phase = WATCH_WATCHING;
    tell_listed(w);
    if (!w->is_gone)
        begin(w);
}

static void list_done(struct kube_watch *w, const struct kube_answer *a)
{
    char reason[TROUBLE_MAX];

    w->is_forbidden = a->status == 403;
    if (a->status == 200 && kube_reader_is_complete(w->reader)) {
        memcpy(w->next, kube_reader_continue(w->reader), sizeof(w->next));
        if (*w->next)
            begin(w);
        else
            list_complete(w);
        return;
    }
    if (a->status == 200 || a->error == -EBADMSG)
        snprintf(reason, sizeof(reason), "%s: the answer is no list", w->path);
    else
        snprintf(reason, sizeof(reason), "%s", a->problem);
    tell_trouble(w, reason);
    /* A page that did not come is asked for again, but not one that the server no longer knows. */
    if (a->status != 0 && a->status != 429 && a->status < 500)
        list_again(w);
    retry(w, a->retry_after_ns);
}

/* The watch has ended in the way of things: it was renewed by the server, or its connection broke. */
static void watch_renew(struct kube_watch *w, uint64_t lasted_ns)
{
    if (w->saw_event || lasted_ns >= WATCH_LASTED_NS) {
        backoff_reset(&w->backoff);
        w->n_resumes = 0;
        begin(w);
        return;
    }
    if (++w->n_resumes >= MAX_RESUMES)
        list_again(w);
    retry(w, 0);
}

/* The server knows no watch from this version on, or has lost the thread. */
static void watch_lost(struct kube_watch *w, bool is_expired, uint64_t lasted_ns,
                       const char *reason, uint64_t retry_after_ns)
{
    list_again(w);
    if (is_expired && lasted_ns >= WATCH_LASTED_NS) {
        backoff_reset(&w->backoff);
        begin(w);
        return;
    }
    if (!is_expired)
        tell_trouble(w, reason);
    retry(w, retry_after_ns);
}

/* Nobody there, not allowed, too busy: where to go on from is still good. */
static bool is_passing(int status)
{
    return status == 0 || status == 401 || status == 403 || status == 429 || status == 500 ||
           status == 502 || status == 503;
}

static void watch_done(struct kube_watch *w, const struct kube_answer *a)
{
    const uint64_t lasted_ns = w->started_ns ? loop_now_ns(w->loop) - w->started_ns : 0;
    char reason[TROUBLE_MAX];

    if (w->had_error) {
        snprintf(reason, sizeof(reason), "%s: the watch was broken off: %.900s", w->path,
                 w->error.message);
        watch_lost(w, w->error.code == 410, lasted_ns, reason, w->error.retry_after_s * NS_PER_SEC);
    } else if (a->error == -EBADMSG) {
        snprintf(reason, sizeof(reason), "%s: the watch's answer makes no sense", w->path);
        watch_lost(w, false, lasted_ns, reason, 0);
    } else if ((a->status == 200 || w->started_ns) && a->error != -ENOMEM) {
        watch_renew(w, lasted_ns);
    } else if (a->status == 410) {
        watch_lost(w, true, lasted_ns, a->problem, a->retry_after_ns);
    } else {
        tell_trouble(w, a->problem);
        if (!is_passing(a->status) || (a->status >= 500 && ++w->n_resumes >= MAX_RESUMES))
            list_again(w);
        retry(w, a->retry_after_ns);
    }
}

static void on_done(const struct kube_answer *a, void *data)
{
    struct kube_watch *w = data;

    w->request = NULL;
    w->n_inside++; /* the owner may free it in what follows */
    if (w->phase == WATCH_LISTING)
        list_done(w, a);
    else
        watch_done(w, a);
    w->n_inside--;
}

/* ---- Requests ---- */

static uint64_t random_bits(void)
{
    uint64_t bits = 0;

    /* It spreads load; nothing depends on its quality. */
    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) < 0)
        bits = (uint64_t)getpid();
    return bits;
}

static int add_number(struct buf *path, const char *key, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    return kube_path_query(path, key, text);
}

static int add_list_query(struct kube_watch *w, struct buf *path)
{
    int r = add_number(path, "limit", w->settings.page_size);

    if (r == 0 && *w->next)
        r = kube_path_query(path, "continue", w->next);
    return r;
}

static int add_watch_query(struct kube_watch *w, struct buf *path, uint64_t timeout_s)
{
    int r = kube_path_query(path, "watch", "true");

    if (r == 0)
        r = kube_path_query(path, "allowWatchBookmarks", "true");
    if (r == 0)
        r = kube_path_query(path, "resourceVersion", w->version);
    return r < 0 ? r : add_number(path, "timeoutSeconds", timeout_s);
}

static int start(struct kube_watch *w)
{
    const bool is_list = w->phase == WATCH_LISTING;
    const bool is_protobuf = w->accept && strstr(w->accept, "protobuf");
    const uint64_t timeout_s = WATCH_MIN_S + random_bits() % WATCH_SPREAD_S;
    CLEANUP_BUF struct buf path = BUF_INIT(KUBE_PATH_MAX);
    int r = buf_add_text(&path, w->path);

    if (r == 0 && w->query)
        r = buf_format(&path, "?%s", w->query);
    if (r == 0)
        r = is_list ? add_list_query(w, &path) : add_watch_query(w, &path, timeout_s);
    if (r < 0)
        return r;
    w->reader = kube_reader_free(w->reader);
    r = kube_reader_new(&w->reader, is_list ? KUBE_READER_LIST : KUBE_READER_WATCH, is_protobuf,
                        w->settings.max_object_bytes, on_event, w);
    if (r < 0)
        return r;
    const struct kube_call call = {
        .method = "GET",
        .path = buf_text(&path),
        .accept = w->accept,
        .deadline_ns = is_list ? LIST_DEADLINE_NS : timeout_s * NS_PER_SEC + WATCH_GRACE_NS,
        .idle_ns = is_list ? 0 : WATCH_IDLE_NS,
        .started = on_started,
        .received = on_received,
        .done = on_done,
        .data = w,
    };
    return kube_client_call(w->client, &w->request, &call);
}

/* Asks for what is next: a page, or the watch. */
static void begin(struct kube_watch *w)
{
    int r;

    if (w->is_gone)
        return;
    w->started_ns = 0;
    w->saw_event = w->had_error = false;
    if (w->phase == WATCH_WATCHING || *w->next == '\0')
        kube_client_count_begun(w->client, w->phase == WATCH_LISTING);
    if (w->phase == WATCH_LISTING && *w->next == '\0') {
        kube_versions_list_begin(w->versions);
        w->has_unnamed = false;
        *w->left_out = '\0';
    }
    r = start(w);
    if (r < 0) {
        tell_trouble(w, strerror(-r));
        if (!w->is_gone)
            retry(w, 0);
    }
}

/* ---- Public ---- */

static struct kube_watch *bury(struct kube_watch *w)
{
    kube_reader_free(w->reader);
    kube_versions_free(w->versions);
    loop_timer_free(w->timer);
    loop_task_free(w->burial);
    free(w->path);
    free(w->query);
    free(w->accept);
    free(w);
    return NULL;
}

static void on_burial(void *data)
{
    bury(data);
}

static int copy_text(char **ret, const char *text)
{
    *ret = text ? strdup(text) : NULL;
    return text && !*ret ? -ENOMEM : 0;
}

int kube_watch_new(struct kube_watch **ret, struct loop *loop, struct kube_client *client,
                   const struct kube_watch_settings *settings,
                   const struct kube_watch_events *events)
{
    CLEANUP(kube_watch_free) struct kube_watch *w = calloc(1, sizeof(*w));

    if (!w)
        return -ENOMEM;
    w->loop = loop;
    w->client = client;
    w->settings = *settings;
    w->events = *events;
    if (w->settings.page_size == 0)
        w->settings.page_size = KUBE_WATCH_PAGE_SIZE;
    w->backoff = (struct backoff){
        .first_ns = RETRY_FIRST_NS, .max_ns = RETRY_MAX_NS, .random_state = random_bits()};
    w->versions = kube_versions_new(settings->max_objects);
    if (!w->versions || copy_text(&w->path, settings->path) < 0 ||
        copy_text(&w->query, settings->query) < 0 || copy_text(&w->accept, settings->accept) < 0 ||
        loop_timer_new(loop, &w->timer, on_timer, w) < 0 ||
        loop_task_new(loop, &w->burial, on_burial, w) < 0)
        return -ENOMEM;
    w->settings.path = w->path;
    w->settings.query = w->query;
    w->settings.accept = w->accept;
    loop_timer_set(w->timer, 0);
    *ret = TAKE(w);
    return 0;
}

struct kube_watch *kube_watch_free(struct kube_watch *w)
{
    if (!w || w->is_gone)
        return NULL;
    w->request = kube_request_cancel(w->request);
    if (w->n_inside == 0)
        return bury(w);
    w->is_gone = true;
    loop_timer_unset(w->timer);
    loop_task_set(w->burial);
    return NULL;
}

size_t kube_watch_size(const struct kube_watch *w)
{
    return kube_versions_size(w->versions);
}

bool kube_watch_is_listed(const struct kube_watch *w)
{
    return w->is_listed;
}

bool kube_watch_is_forbidden(const struct kube_watch *w)
{
    return w->is_forbidden;
}
