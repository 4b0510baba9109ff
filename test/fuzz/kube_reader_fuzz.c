/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the answer of a list or a watch, in JSON or protobuf: the first byte chooses, and says in how large pieces
 * they come. What must hold: the same comes out whatever the pieces; an object is within its ceiling, and has a key
 * unless it was cut; a complete list has a version that fits.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/kube/kube_reader.h"

#define OBJECT_MAX 256

/* What has come out so far, in so many bytes as it takes to compare. */
struct outcome {
    struct buf text;
    int result;
    bool is_complete;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_event(const struct kube_event *e, void *data)
{
    struct outcome *o = data;
    char key[KUBE_KEY_MAX + 1];

    kube_metadata_key(key, e->metadata);
    assert(e->len <= OBJECT_MAX + 4096);
    assert(e->type != KUBE_EVENT_ERROR || e->status);
    if (e->type == KUBE_EVENT_PUT || e->type == KUBE_EVENT_DROPPED)
        assert(*e->metadata->name || e->is_cut);
    return buf_format(&o->text, "%d %s %s %zu %d;", e->type, key, e->metadata->version, e->len,
                      e->is_cut);
}

static void run(struct outcome *o, unsigned choice, const uint8_t *data, size_t size, size_t piece)
{
    struct kube_reader *reader = NULL;

    *o = (struct outcome){.text = BUF_INIT(64u << 20)};
    assert(kube_reader_new(&reader, choice & 1 ? KUBE_READER_WATCH : KUBE_READER_LIST, choice & 2,
                           OBJECT_MAX, on_event, o) == 0);
    for (size_t i = 0; o->result == 0 && i < size; i += piece)
        o->result = kube_reader_feed(reader, data + i, size - i < piece ? size - i : piece);
    assert(o->result == 0 || o->result == -EBADMSG);
    o->is_complete = o->result == 0 && kube_reader_is_complete(reader);
    if (o->is_complete) {
        assert(strlen(kube_reader_version(reader)) <= KUBE_VERSION_MAX);
        assert(strlen(kube_reader_continue(reader)) <= KUBE_CONTINUE_MAX);
    }
    kube_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, pieces;

    if (size < 1)
        return 0;
    run(&whole, data[0], data + 1, size - 1, size);
    run(&pieces, data[0], data + 1, size - 1, 1 + (data[0] >> 2));
    assert(whole.result == pieces.result && whole.is_complete == pieces.is_complete);
    assert(strcmp(buf_text(&whole.text), buf_text(&pieces.text)) == 0);
    buf_done(&whole.text);
    buf_done(&pieces.text);
    return 0;
}
