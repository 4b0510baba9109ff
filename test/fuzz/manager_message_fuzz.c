/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from the manager into the agent's stream: a run of messages, each with a length byte pair
 * in front. */
#include <string.h>

#include "agent/stream.h"
#include "proto/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_hello(struct msg_hello *ret, void *data)
{
    (void)data;
    *ret = (struct msg_hello){.protocol = MESSAGE_PROTOCOL,
                              .node = "n",
                              .agent_version = "",
                              .kernel = "",
                              .architecture = "",
                              .runtime = ""};
    return 0;
}

static bool on_result(const char *profile, struct msg_result *ret, void *data)
{
    (void)data;
    *ret = (struct msg_result){.name = profile, .removed = true};
    return true;
}

static bool on_binding(const char *container_id, struct msg_binding *ret, void *data)
{
    (void)data;
    *ret = (struct msg_binding){.container_id = container_id};
    return false;
}

static bool on_counts(const char *profile, struct msg_counts *ret, void *data)
{
    (void)data;
    *ret = (struct msg_counts){.profile = profile};
    return true;
}

static void on_welcome(const char *manager_version, void *data)
{
    (void)data;
    if (strlen(manager_version) > MESSAGE_MAX_TEXT)
        abort();
}

static void on_profile(struct profile *p, void *data)
{
    if (!p->name || strlen(p->name) > PROFILE_NAME_MAX)
        abort();
    if (stream_put_result(*(struct stream **)data, p->name) < 0)
        abort();
}

static void on_removal(const char *profile, void *data)
{
    if (stream_put_result(*(struct stream **)data, profile) < 0)
        abort();
}

static void on_in_sync(unsigned n_profiles, void *data)
{
    (void)n_profiles;
    (void)data;
}

static const struct stream_owner owner = {
    .hello = on_hello,
    .result = on_result,
    .binding = on_binding,
    .counts = on_counts,
    .welcome = on_welcome,
    .profile = on_profile,
    .removal = on_removal,
    .in_sync = on_in_sync,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_BUF struct buf out = BUF_INIT(STREAM_MESSAGE_MAX_BYTES);
    struct stream *s = NULL;

    if (stream_new(&s, &owner, &s) < 0)
        return 0;
    stream_open(s, 0);
    if (stream_pending(s, &out) != 1)
        abort();
    while (size >= 2) {
        CLEANUP(error_free) struct error *problem = NULL;
        size_t len = MIN((size_t)(data[0] | data[1] << 8), size - 2);

        if (stream_feed(s, data + 2, len, &problem) < 0)
            break;
        buf_clear(&out);
        if (stream_pending(s, &out) < 0)
            abort();
        data += 2 + len;
        size -= 2 + len;
    }
    stream_free(s);
    return 0;
}
