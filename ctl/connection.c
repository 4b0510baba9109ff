/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/connection.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "ctl/text.h"
#include "lib/loop.h"
#include "lib/rpc/bearer_token.h"
#include "lib/rpc/grpc_client.h"

struct conversation {
    struct loop *loop;
    bool (*message)(const uint8_t *data, size_t len, void *data_arg);
    void *data_arg;
    bool ended_by_us; /* message() had enough, or a signal came */
    bool interrupted; /* a signal came */
    enum grpc_status status;
    char *text; /* owned; of the status */
    int failure;
};

static void conversation_message(struct grpc_client_call *call, const uint8_t *data, size_t len,
                                 void *data_arg)
{
    struct conversation *c = data_arg;

    if (c->ended_by_us || c->message(data, len, c->data_arg))
        return;
    c->ended_by_us = true;
    grpc_client_call_cancel(call);
}

static void conversation_closed(struct grpc_client_call *call, enum grpc_status status,
                                const char *text, void *data_arg)
{
    struct conversation *c = data_arg;

    (void)call;
    c->status = status;
    c->text = text_escape(text);
    loop_stop(c->loop);
}

static void conversation_signal(int signal_number, void *data_arg)
{
    struct conversation *c = data_arg;

    (void)signal_number;
    c->ended_by_us = c->interrupted = true;
    loop_stop(c->loop);
}

static const struct grpc_client_handler conversation_handler = {
    .message = conversation_message,
    .closed = conversation_closed,
};

static int conversation_outcome(const struct conversation *c, const char *manager,
                                struct error **reterr)
{
    if (c->failure < 0)
        return c->failure == -ENOMEM
                   ? error_oom(reterr)
                   : error_set(reterr, c->failure, "the answer has more than %u bytes",
                               CONNECTION_MAX_ANSWER);
    if (c->ended_by_us || c->status == GRPC_OK)
        return 0;
    if (c->status == GRPC_DEADLINE_EXCEEDED)
        return error_set(reterr, -ETIMEDOUT, "no answer within the time");
    if (c->status == GRPC_UNAVAILABLE)
        return error_set(reterr, -ECONNREFUSED, "no manager answers at %s: %s", manager,
                         c->text ? c->text : "");
    return error_set(reterr, -EIO, "%s",
                     c->text && *c->text ? c->text : grpc_status_name(c->status));
}

/* Runs one call on a channel that is open already. token: NULL, or what is to be shown. */
static int conversation_run(struct conversation *c, struct grpc_channel *channel, const char *path,
                            const char *token, const struct buf *request, uint64_t timeout_ns)
{
    const struct grpc_metadata metadata = {.name = "authorization", .value = token};
    struct grpc_client_call *call = NULL;
    int r = grpc_channel_call(channel, &call, path, &metadata, token ? 1 : 0, timeout_ns,
                              &conversation_handler, c);

    if (r < 0)
        return r;
    r = grpc_client_call_send(call, request->data, request->len);
    if (r < 0)
        return r;
    grpc_client_call_half_close(call);
    return loop_run(c->loop);
}

static int connection_converse(const struct connection_options *options, const char *path,
                               const struct buf *request, uint64_t timeout_ns,
                               struct conversation *c, struct error **reterr)
{
    const struct grpc_limits limits = {.message_bytes = CONNECTION_MAX_ANSWER};
    struct grpc_address address = {0};
    struct loop_signal *on_int = NULL, *on_term = NULL;
    struct grpc_channel *channel = NULL;
    char token[BEARER_TOKEN_SIZE];
    int r = options->token_file ? bearer_token_read(token, options->token_file) : 0;

    if (r < 0)
        return error_errno(reterr, r, "token file '%s'", error_quote(options->token_file));
    r = grpc_address_parse(&address, options->manager, reterr);
    if (r < 0)
        return r;
    r = loop_new(&c->loop, reterr);
    if (r == 0)
        r = grpc_channel_new(&channel, c->loop, &address, &options->tls, &limits, reterr);
    if (r == 0)
        r = loop_signal_new(c->loop, &on_int, SIGINT, conversation_signal, c);
    if (r == 0)
        r = loop_signal_new(c->loop, &on_term, SIGTERM, conversation_signal, c);
    if (r == 0)
        r = conversation_run(c, channel, path, options->token_file ? token : NULL, request,
                             timeout_ns);
    grpc_channel_free(channel);
    loop_signal_free(on_int);
    loop_signal_free(on_term);
    c->loop = loop_free(c->loop);
    grpc_address_done(&address);
    if (r == 0)
        r = conversation_outcome(c, options->manager, reterr);
    else if (reterr && !*reterr)
        error_errno(reterr, r, "no connection to %s", options->manager);
    free(c->text);
    return r;
}

struct answer {
    struct buf *out;
    struct conversation *conversation;
};

static bool answer_message(const uint8_t *data, size_t len, void *data_arg)
{
    struct answer *a = data_arg;
    int r = buf_add(a->out, data, len);

    if (r < 0)
        a->conversation->failure = r;
    return r == 0;
}

int connection_call(const struct connection_options *options, const char *path,
                    const struct buf *request, struct buf *ret_answer, struct error **reterr)
{
    struct conversation c = {.message = answer_message};
    struct answer a = {.out = ret_answer, .conversation = &c};

    int r;

    c.data_arg = &a;
    r = connection_converse(options, path, request, options->timeout_sec * NS_PER_SEC, &c, reterr);
    return r == 0 && c.interrupted ? error_set(reterr, -EINTR, "interrupted") : r;
}

int connection_stream(const struct connection_options *options, const char *path,
                      const struct buf *request, uint64_t timeout_ns,
                      bool (*message)(const uint8_t *data, size_t len, void *data_arg),
                      void *data_arg, struct error **reterr)
{
    struct conversation c = {.message = message, .data_arg = data_arg};
    int r = connection_converse(options, path, request, timeout_ns, &c, reterr);

    return r == 0 && !c.ended_by_us ? error_set(reterr, -EIO, "the manager has ended the stream")
                                    : r;
}
