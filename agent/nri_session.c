/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/nri_session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/nri_messages.h"
#include "agent/nri_mux.h"
#include "agent/ttrpc.h"

#define REGISTER_STREAM   1 /* the only call of ours */
#define MESSAGE_MAX_BYTES 512
#define RUNTIME_TEXT_SIZE (2 * NRI_NAME_SIZE)

enum nri_state { NRI_CLOSED, NRI_OPENED, NRI_CONFIGURED, NRI_READY };

/* A container that the runtime waits with. */
struct held {
    uint32_t stream;
    uint64_t until_ns;
    char container_id[NRI_ID_SIZE];
};

struct nri_session {
    const struct nri_session_owner *owner;
    void *data;
    enum nri_state state;
    struct nri_mux mux;
    struct ttrpc_reader plugin, runtime; /* what comes on the two connections */
    struct buf output;
    struct held held[NRI_MAX_HELD];
    size_t n_held;
    uint64_t ready_by_ns;
    char name[RUNTIME_TEXT_SIZE];
    /* While it is fed. */
    uint64_t now_ns;
    struct error **reterr;
};

/* ---- Out ---- */

static int add_piece(struct nri_session *s, enum nri_connection connection, const struct buf *frame)
{
    return nri_mux_encode(&s->output, connection, frame->data, frame->len);
}

static int answer(struct nri_session *s, uint32_t stream, enum ttrpc_code code, const char *message,
                  const struct buf *payload)
{
    CLEANUP_BUF struct buf frame = BUF_INIT(TTRPC_HEADER_BYTES + TTRPC_SENT_MAX);
    struct pb_bytes bytes = {payload ? payload->data : NULL, payload ? payload->len : 0};
    int r = ttrpc_encode_response(&frame, stream, code, message, bytes);

    return r < 0 ? r : add_piece(s, NRI_CONNECTION_PLUGIN, &frame);
}

static int answer_empty(struct nri_session *s, uint32_t stream)
{
    return answer(s, stream, TTRPC_OK, NULL, NULL);
}

static int register_plugin(struct nri_session *s)
{
    CLEANUP_BUF struct buf message = BUF_INIT(MESSAGE_MAX_BYTES);
    CLEANUP_BUF struct buf frame = BUF_INIT(TTRPC_HEADER_BYTES + TTRPC_SENT_MAX);
    int r = nri_encode_register(&message, NRI_PLUGIN_NAME, NRI_PLUGIN_INDEX);

    if (r == 0)
        r = ttrpc_encode_request(&frame, REGISTER_STREAM, NRI_RUNTIME_SERVICE, "RegisterPlugin",
                                 (struct pb_bytes){message.data, message.len});
    return r < 0 ? r : add_piece(s, NRI_CONNECTION_RUNTIME, &frame);
}

/* ---- What the runtime asks ---- */

static int on_configure(struct nri_session *s, uint32_t stream, struct pb_bytes payload)
{
    CLEANUP_BUF struct buf message = BUF_INIT(MESSAGE_MAX_BYTES);
    struct nri_configure c;
    int r = nri_configure_decode(&c, payload);

    if (r < 0)
        return r;
    snprintf(s->name, sizeof(s->name), "%s %s", c.runtime, c.version);
    s->state = NRI_CONFIGURED;
    r = nri_encode_configured(&message, NRI_EVENT_BIT(NRI_EVENT_START_CONTAINER));
    return r < 0 ? r : answer(s, stream, TTRPC_OK, NULL, &message);
}

static int on_synchronize(struct nri_session *s, uint32_t stream, struct pb_bytes payload)
{
    CLEANUP_BUF struct buf message = BUF_INIT(MESSAGE_MAX_BYTES);
    bool more = false;
    int r = nri_synchronize_decode(&more, payload);

    if (r == 0)
        r = nri_encode_synchronized(&message, more);
    if (r == 0)
        r = answer(s, stream, TTRPC_OK, NULL, &message);
    if (r < 0 || more || s->state != NRI_CONFIGURED)
        return r;
    s->state = NRI_READY;
    s->owner->ready(s->name, s->data);
    return 0;
}

static void hold(struct nri_session *s, uint32_t stream, const struct nri_state_change *change,
                 uint64_t timeout_ns)
{
    struct held *h = &s->held[s->n_held++];
    uint64_t wait_ns = timeout_ns > 0 ? timeout_ns - timeout_ns / 4 : NRI_HOLD_NS;

    h->stream = stream;
    h->until_ns = wait_ns < UINT64_MAX - s->now_ns ? s->now_ns + wait_ns : UINT64_MAX;
    memcpy(h->container_id, change->container_id, sizeof(h->container_id));
}

/* Both methods by which a runtime tells of a start have empty answers. */
static int on_change(struct nri_session *s, uint32_t stream, const struct ttrpc_request *request,
                     int (*decode)(struct nri_state_change *ret, struct pb_bytes data))
{
    struct nri_state_change change;
    int r = decode(&change, request->payload);

    if (r < 0)
        return r;
    if (change.event != NRI_EVENT_START_CONTAINER || !change.container_id[0])
        return answer_empty(s, stream);
    if (s->n_held == NRI_MAX_HELD) {
        s->owner->overdue(change.container_id, s->data);
        return answer_empty(s, stream);
    }
    hold(s, stream, &change, request->timeout_ns);
    s->owner->starting(change.container_id, s->data);
    return 0;
}

static bool names(struct pb_bytes bytes, const char *text)
{
    return pb_bytes_equal(bytes, text, strlen(text));
}

static int on_request(struct nri_session *s, uint32_t stream, const struct ttrpc_request *request)
{
    if (!names(request->service, NRI_PLUGIN_SERVICE))
        return answer(s, stream, TTRPC_UNIMPLEMENTED, "no such service", NULL);
    if (names(request->method, "Configure"))
        return on_configure(s, stream, request->payload);
    if (names(request->method, "Synchronize"))
        return on_synchronize(s, stream, request->payload);
    if (names(request->method, "StateChange"))
        return on_change(s, stream, request, nri_state_change_decode);
    if (names(request->method, "StartContainer"))
        return on_change(s, stream, request, nri_start_decode);
    if (names(request->method, "Shutdown"))
        return answer_empty(s, stream);
    return answer(s, stream, TTRPC_UNIMPLEMENTED, "this plugin did not ask for that", NULL);
}

/* ---- In ---- */

static int on_plugin_frame(const struct ttrpc_frame *frame, void *arg)
{
    struct nri_session *s = arg;
    struct ttrpc_request request;
    int r = frame->type == TTRPC_REQUEST ? ttrpc_request_decode(&request, frame->data) : -EBADMSG;

    if (r == 0)
        r = on_request(s, frame->stream, &request);
    if (r == -EBADMSG)
        error_set(s->reterr, r, "the runtime sent something that is no request of NRI");
    return r;
}

/* The answer to our registration: nothing, or why not. */
static int on_runtime_frame(const struct ttrpc_frame *frame, void *arg)
{
    struct nri_session *s = arg;
    struct ttrpc_response response = {0};

    if (frame->type != TTRPC_RESPONSE || frame->stream != REGISTER_STREAM ||
        ttrpc_response_decode(&response, frame->data) < 0)
        return error_set(s->reterr, -EBADMSG,
                         "the runtime sent something that is no answer to our registration");
    if (response.code != TTRPC_OK)
        return error_set(s->reterr, -EPROTO, "the runtime refuses our registration: %s",
                         error_quote_n((const char *)response.message.data, response.message.len));
    return 0;
}

static int on_piece(uint32_t connection, const uint8_t *data, size_t len, void *arg)
{
    struct nri_session *s = arg;

    if (connection == NRI_CONNECTION_PLUGIN)
        return ttrpc_reader_feed(&s->plugin, data, len, on_plugin_frame, s, s->reterr);
    if (connection == NRI_CONNECTION_RUNTIME)
        return ttrpc_reader_feed(&s->runtime, data, len, on_runtime_frame, s, s->reterr);
    return 0; /* of a later version: nobody here listens to it */
}

int nri_session_feed(struct nri_session *s, const uint8_t *data, size_t len, uint64_t now_ns,
                     struct error **reterr)
{
    CLEANUP(error_free) struct error *problem = NULL;
    int r;

    s->now_ns = now_ns;
    s->reterr = &problem;
    r = nri_mux_feed(&s->mux, data, len, on_piece, s);
    s->reterr = NULL;
    if (r == 0)
        return 0;
    return error_set(reterr, r, "%s", problem ? error_message(problem) : strerror(-r));
}

struct buf *nri_session_output(struct nri_session *s)
{
    return &s->output;
}

/* ---- Containers that wait ---- */

static void drop_held(struct nri_session *s, size_t i)
{
    s->held[i] = s->held[--s->n_held];
}

void nri_session_let_start(struct nri_session *s, const char *container_id)
{
    for (size_t i = s->n_held; i-- > 0;) {
        if (strcmp(s->held[i].container_id, container_id) != 0)
            continue;
        /* Without room or memory for it the answer is given by nri_session_expire(), or the runtime gives up. */
        if (answer_empty(s, s->held[i].stream) == 0)
            drop_held(s, i);
    }
}

bool nri_session_is_ready(const struct nri_session *s)
{
    return s->state == NRI_READY;
}

uint64_t nri_session_deadline_ns(const struct nri_session *s)
{
    uint64_t first_ns = s->state == NRI_OPENED || s->state == NRI_CONFIGURED ? s->ready_by_ns : 0;

    for (size_t i = 0; i < s->n_held; i++)
        if (first_ns == 0 || s->held[i].until_ns < first_ns)
            first_ns = s->held[i].until_ns;
    return first_ns;
}

int nri_session_expire(struct nri_session *s, uint64_t now_ns, struct error **reterr)
{
    if ((s->state == NRI_OPENED || s->state == NRI_CONFIGURED) && now_ns >= s->ready_by_ns)
        return error_set(reterr, -ETIMEDOUT, "the runtime does not take us on in time");
    for (size_t i = s->n_held; i-- > 0;) {
        struct held h = s->held[i];

        if (now_ns < h.until_ns)
            continue;
        drop_held(s, i);
        if (answer_empty(s, h.stream) < 0)
            return error_set(reterr, -ETIMEDOUT, "the runtime does not read what we answer");
        s->owner->overdue(h.container_id, s->data);
    }
    return 0;
}

/* ---- Life ---- */

int nri_session_open(struct nri_session *s, uint64_t now_ns)
{
    ttrpc_reader_done(&s->plugin);
    ttrpc_reader_done(&s->runtime);
    buf_done(&s->output);
    s->mux = (struct nri_mux){0};
    s->n_held = 0;
    s->state = NRI_OPENED;
    s->ready_by_ns = now_ns + NRI_REGISTER_NS;
    return register_plugin(s);
}

int nri_session_new(struct nri_session **ret, const struct nri_session_owner *owner, void *data)
{
    struct nri_session *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->owner = owner;
    s->data = data;
    s->output = BUF_INIT(NRI_OUTPUT_MAX);
    ttrpc_reader_init(&s->plugin);
    ttrpc_reader_init(&s->runtime);
    *ret = s;
    return 0;
}

struct nri_session *nri_session_free(struct nri_session *s)
{
    if (!s)
        return NULL;
    ttrpc_reader_done(&s->plugin);
    ttrpc_reader_done(&s->runtime);
    buf_done(&s->output);
    free(s);
    return NULL;
}
