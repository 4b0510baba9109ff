/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/curl_loop.h"

#include <errno.h>

#include "lib/loop.h"

struct curl_loop {
    struct loop *loop; /* borrowed */
    CURLM *multi;      /* owned */
    struct loop_timer *timer;
    struct loop_task *collect; /* tells what has ended */
    void (*finished)(CURL *transfer, CURLcode code, void *data);
    void *data;
};

static void act(struct curl_loop *c, curl_socket_t fd, int events)
{
    int n_running;

    curl_multi_socket_action(c->multi, fd, events, &n_running);
    loop_task_set(c->collect);
}

static void on_io(int fd, unsigned events, void *data)
{
    act(data, fd,
        ((events & LOOP_READ) ? CURL_CSELECT_IN : 0) |
            ((events & LOOP_WRITE) ? CURL_CSELECT_OUT : 0));
}

static void on_timer(void *data)
{
    act(data, CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl's wish to wait for a socket. The source of events lives as long as libcurl wants it, and it may go inside its
 * own callback (on_io), after which it is not touched. */
static int on_socket_wish(CURL *transfer UNUSED, curl_socket_t fd, int wish, void *data,
                          void *socket_data)
{
    struct curl_loop *c = data;
    struct loop_io *io = socket_data;
    unsigned events = 0;

    if (wish == CURL_POLL_REMOVE) {
        loop_io_free(io);
        curl_multi_assign(c->multi, fd, NULL);
        return 0;
    }
    if (wish & CURL_POLL_IN)
        events |= LOOP_READ;
    if (wish & CURL_POLL_OUT)
        events |= LOOP_WRITE;
    if (io)
        return loop_io_set_events(io, events) < 0 ? -1 : 0;
    if (loop_io_new(c->loop, &io, fd, events, on_io, c) < 0)
        return -1;
    curl_multi_assign(c->multi, fd, io);
    return 0;
}

static int on_timer_wish(CURLM *multi UNUSED, long delay_ms, void *data)
{
    struct curl_loop *c = data;

    if (delay_ms < 0)
        loop_timer_unset(c->timer);
    else
        loop_timer_set(c->timer, (uint64_t)delay_ms * NS_PER_MSEC);
    return 0;
}

static void on_collect(void *data)
{
    struct curl_loop *c = data;
    CURLMsg *message;
    int n_left;

    /* The message is libcurl's, and gone once the transfer is taken out. */
    while ((message = curl_multi_info_read(c->multi, &n_left)))
        if (message->msg == CURLMSG_DONE)
            c->finished(message->easy_handle, message->data.result, c->data);
}

int curl_loop_new(struct curl_loop **ret, struct loop *loop,
                  void (*finished)(CURL *transfer, CURLcode code, void *data), void *data)
{
    CLEANUP(curl_loop_free) struct curl_loop *c = calloc(1, sizeof(*c));

    if (!c || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -ENOMEM;
    c->loop = loop;
    c->finished = finished;
    c->data = data;
    c->multi = curl_multi_init();
    if (!c->multi || loop_timer_new(loop, &c->timer, on_timer, c) < 0 ||
        loop_task_new(loop, &c->collect, on_collect, c) < 0)
        return -ENOMEM;
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wish);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    *ret = TAKE(c);
    return 0;
}

struct curl_loop *curl_loop_free(struct curl_loop *c)
{
    if (!c)
        return NULL;
    if (c->multi)
        curl_multi_cleanup(
            c->multi); /* tells on_socket_wish() of the sockets that are still open */
    loop_timer_free(c->timer);
    loop_task_free(c->collect);
    free(c);
    return NULL;
}

int curl_loop_add(struct curl_loop *c, CURL *transfer)
{
    return curl_multi_add_handle(c->multi, transfer) == CURLM_OK ? 0 : -ENOMEM;
}

void curl_loop_drop(struct curl_loop *c, CURL *transfer)
{
    curl_multi_remove_handle(c->multi, transfer);
}
