/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/stream.h"

#include <errno.h>
#include <string.h>

#include "lib/map.h"

enum stream_state { STREAM_CLOSED, STREAM_OPENED, STREAM_GREETING, STREAM_GREETED };

/* A violation that waits; its texts lie behind it in the same allocation. */
struct waiting {
    struct msg_violation v;
    char texts[];
};

struct stream {
    const struct stream_owner *owner;
    void *data;
    enum stream_state state;
    uint64_t deadline_ns;
    struct map *results, *bindings, *counts; /* names of what changed -> nothing */
    bool bindings_ready, complete_due;
    struct waiting *queue[STREAM_MAX_VIOLATIONS]; /* owned; a ring */
    size_t queue_first, queue_len;
    uint64_t n_dropped;
};

int stream_new(struct stream **ret, const struct stream_owner *owner, void *data)
{
    CLEANUP(stream_free) struct stream *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->owner = owner;
    s->data = data;
    s->results = map_new(NULL, STREAM_MAX_NAMES);
    s->bindings = map_new(NULL, STREAM_MAX_NAMES);
    s->counts = map_new(NULL, STREAM_MAX_NAMES);
    if (!s->results || !s->bindings || !s->counts)
        return -ENOMEM;
    *ret = TAKE(s);
    return 0;
}

struct stream *stream_free(struct stream *s)
{
    if (!s)
        return NULL;
    for (size_t i = 0; i < s->queue_len; i++)
        free(s->queue[(s->queue_first + i) % STREAM_MAX_VIOLATIONS]);
    map_free(s->counts);
    map_free(s->bindings);
    map_free(s->results);
    free(s);
    return NULL;
}

static void forget_all(struct map *names)
{
    MAP_FOREACH (e, names)
        map_drop(names, map_key(e));
}

void stream_open(struct stream *s, uint64_t now_ns)
{
    s->state = STREAM_OPENED;
    s->deadline_ns = now_ns + STREAM_WELCOME_TIMEOUT_NS;
    s->complete_due = true;
    forget_all(s->results);
    forget_all(s->bindings);
}

void stream_close(struct stream *s)
{
    s->state = STREAM_CLOSED;
    s->deadline_ns = 0;
}

uint64_t stream_deadline_ns(const struct stream *s)
{
    return s->deadline_ns;
}

bool stream_expired(const struct stream *s, uint64_t now_ns)
{
    return s->deadline_ns != 0 && now_ns >= s->deadline_ns;
}

bool stream_is_greeted(const struct stream *s)
{
    return s->state == STREAM_GREETED;
}

/* ---- what the manager says ---- */

static int on_welcome(struct stream *s, const struct manager_message *m, struct error **reterr)
{
    if (s->state != STREAM_GREETING)
        return error_set(reterr, -EPROTO, "the manager says welcome out of turn");
    if (m->welcome.protocol != MESSAGE_PROTOCOL)
        return error_set(reterr, -EPROTO, "the manager speaks protocol %u, this agent %u",
                         m->welcome.protocol, MESSAGE_PROTOCOL);
    s->state = STREAM_GREETED;
    s->deadline_ns = 0;
    s->owner->welcome(m->welcome.manager_version, s->data);
    return 0;
}

static int on_message(struct stream *s, const struct manager_message *m, struct error **reterr)
{
    if (m->kind == MANAGER_WELCOME)
        return on_welcome(s, m, reterr);
    if (s->state != STREAM_GREETED)
        return error_set(reterr, -EPROTO, "the manager sends something before its welcome");
    switch (m->kind) {
    case MANAGER_PROFILE:
        s->owner->profile(m->profile, s->data);
        return 0;
    case MANAGER_REMOVAL:
        s->owner->removal(m->removal, s->data);
        return 0;
    case MANAGER_IN_SYNC:
        s->owner->in_sync(m->in_sync, s->data);
        return 0;
    default:
        return 0; /* of a newer manager: protocol numbers differ where ignoring it would do harm */
    }
}

int stream_feed(struct stream *s, const uint8_t *data, size_t len, struct error **reterr)
{
    struct manager_message m = {0};
    int r = manager_message_decode(&m, data, len, reterr);

    if (r < 0)
        return r;
    r = on_message(s, &m, reterr);
    manager_message_done(&m);
    return r;
}

/* ---- what we say ---- */

int stream_put_result(struct stream *s, const char *profile)
{
    return map_put(s->results, profile, s);
}

int stream_put_binding(struct stream *s, const char *key)
{
    return s->state == STREAM_CLOSED ? 0 : map_put(s->bindings, key, s);
}

int stream_put_counts(struct stream *s, const char *profile)
{
    return map_put(s->counts, profile, s);
}

void stream_bindings_ready(struct stream *s)
{
    s->bindings_ready = true;
}

/* Copies *text behind a violation and makes it point there. */
static char *pack_text(const char **text, char *room)
{
    size_t size = strlen(*text) + 1;

    memcpy(room, *text, size);
    *text = room;
    return room + size;
}

static struct waiting *waiting_new(const struct msg_violation *v)
{
    struct msg_violation copy = *v;
    const char **texts[] = {&copy.profile,        &copy.rule,     &copy.container_id,
                            &copy.container_name, &copy.pod_name, &copy.pod_namespace,
                            &copy.enforcer,       &copy.event};
    struct waiting *w;
    size_t size = 0;
    char *room;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        *texts[i] = *texts[i] ? *texts[i] : "";
        size += strlen(*texts[i]) + 1;
    }
    w = malloc(sizeof(*w) + size);
    if (!w)
        return NULL;
    room = w->texts;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        room = pack_text(texts[i], room);
    w->v = copy;
    return w;
}

void stream_add_violation(struct stream *s, const struct msg_violation *v)
{
    struct waiting *w = s->queue_len < STREAM_MAX_VIOLATIONS ? waiting_new(v) : NULL;

    if (!w) {
        s->n_dropped++;
        return;
    }
    s->queue[(s->queue_first + s->queue_len) % STREAM_MAX_VIOLATIONS] = w;
    s->queue_len++;
}

static int encode_hello(struct stream *s, struct buf *out)
{
    struct agent_message m = {.kind = AGENT_HELLO};
    int r = s->owner->hello(&m.hello, s->data);

    if (r == 0)
        r = agent_message_encode(&m, out);
    if (r == 0)
        s->state = STREAM_GREETING;
    return r < 0 ? r : 1;
}

static int encode_result(struct stream *s, struct buf *out)
{
    MAP_FOREACH (e, s->results) {
        struct agent_message m = {.kind = AGENT_RESULT};
        bool there = s->owner->result(map_key(e), &m.result, s->data);
        int r = there ? agent_message_encode(&m, out) : 0;

        if (r < 0)
            return r;
        map_drop(s->results, map_key(e));
        if (there)
            return 1;
    }
    return 0;
}

static int encode_counts(struct stream *s, struct buf *out)
{
    MAP_FOREACH (e, s->counts) {
        struct agent_message m = {.kind = AGENT_COUNTS};
        bool there = s->owner->counts(map_key(e), &m.counts, s->data);
        int r = there ? agent_message_encode(&m, out) : 0;

        if (r < 0)
            return r;
        map_drop(s->counts, map_key(e));
        if (there)
            return 1;
    }
    return 0;
}

static int encode_bindings(struct stream *s, struct buf *out)
{
    CLEANUP_FREE struct msg_binding *put = NULL;
    CLEANUP_FREE const char **dropped = NULL;
    struct agent_message m = {.kind = AGENT_BINDINGS};
    size_t n = 0;
    int r;

    if (!s->bindings_ready || (map_size(s->bindings) == 0 && !s->complete_due))
        return 0;
    put = calloc(STREAM_BINDINGS_A_MESSAGE, sizeof(*put));
    dropped = calloc(STREAM_BINDINGS_A_MESSAGE, sizeof(*dropped));
    if (!put || !dropped)
        return -ENOMEM;
    MAP_FOREACH (e, s->bindings) {
        if (n++ == STREAM_BINDINGS_A_MESSAGE)
            break;
        if (s->owner->binding(map_key(e), &put[m.bindings.n_put], s->data))
            m.bindings.n_put++;
        else
            dropped[m.bindings.n_dropped++] = put[m.bindings.n_put].container_id;
    }
    m.bindings.complete = s->complete_due;
    m.bindings.put = put;
    m.bindings.dropped = dropped;
    r = agent_message_encode(&m, out);
    if (r < 0)
        return r;
    s->complete_due = false;
    for (size_t i = 0; i < MIN(n, STREAM_BINDINGS_A_MESSAGE); i++)
        map_drop(s->bindings, map_key(map_first(s->bindings)));
    return 1;
}

static int encode_violations(struct stream *s, struct buf *out)
{
    struct msg_violation items[STREAM_VIOLATIONS_A_MESSAGE];
    struct agent_message m = {.kind = AGENT_VIOLATIONS};
    size_t n = MIN(s->queue_len, STREAM_VIOLATIONS_A_MESSAGE);
    int r;

    if (n == 0 && s->n_dropped == 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        items[i] = s->queue[(s->queue_first + i) % STREAM_MAX_VIOLATIONS]->v;
    m.violations = (struct msg_violations){.items = items, .n = n, .n_dropped = s->n_dropped};
    r = agent_message_encode(&m, out);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        free(s->queue[s->queue_first]);
        s->queue_first = (s->queue_first + 1) % STREAM_MAX_VIOLATIONS;
    }
    s->queue_len -= n;
    s->n_dropped = 0;
    return 1;
}

int stream_pending(struct stream *s, struct buf *out)
{
    static int (*const encoders[])(struct stream * s, struct buf * out) = {
        encode_result,
        encode_bindings,
        encode_violations,
        encode_counts,
    };

    if (s->state == STREAM_OPENED)
        return encode_hello(s, out);
    if (s->state != STREAM_GREETED)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(encoders); i++) {
        int r = encoders[i](s, out);

        if (r != 0)
            return r;
    }
    return 0;
}
