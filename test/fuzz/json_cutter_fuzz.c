/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as JSON objects from which members are cut. What must hold: the same comes out whatever the pieces; what
 * jansson takes as one object, the cutter takes, and each whole value that it cuts, jansson takes too.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "lib/kube/json_cutter.h"

#define VALUE_MAX 64

static const struct json_cutter_member members[] = {
    {.name = "a", .max_bytes = VALUE_MAX},
    {.name = "items", .is_list = true, .max_bytes = VALUE_MAX},
};

struct outcome {
    struct buf text;
    bool is_good; /* the whole input is an object, as jansson sees it */
    unsigned n_ended;
    int result;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_value(size_t member, const uint8_t *json, size_t len, bool is_cut, void *data)
{
    struct outcome *o = data;

    assert(len <= VALUE_MAX && len > 0);
    if (o->is_good && !is_cut) {
        json_t *value = json_loadb((const char *)json, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

        assert(value);
        json_decref(value);
    }
    assert(buf_format(&o->text, "%zu:", member) == 0);
    return buf_add(&o->text, json, len);
}

static int on_ended(void *data)
{
    struct outcome *o = data;

    o->n_ended++;
    return 0;
}

static void run(struct outcome *o, const uint8_t *data, size_t size, size_t piece)
{
    const struct json_cutter_events events = {on_value, on_ended, o};
    struct json_cutter c;

    json_cutter_init(&c, members, 2, &events);
    for (size_t i = 0; o->result == 0 && i < size; i += piece)
        o->result = json_cutter_feed(&c, data + i, size - i < piece ? size - i : piece);
    assert(o->result == 0 || o->result == -EBADMSG);
    if (o->is_good)
        assert(o->result == 0 && o->n_ended == 1 && json_cutter_is_between(&c));
    json_cutter_done(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = {.text = BUF_INIT(64u << 20)}, pieces = {.text = BUF_INIT(64u << 20)};
    json_t *root;

    if (size < 1)
        return 0;
    root = json_loadb((const char *)data + 1, size - 1, JSON_ALLOW_NUL, NULL);
    whole.is_good = pieces.is_good = json_is_object(root);
    json_decref(root);
    run(&whole, data + 1, size - 1, size);
    run(&pieces, data + 1, size - 1, 1 + data[0] % 16);
    assert(whole.result == pieces.result && whole.text.len == pieces.text.len);
    assert(strcmp(buf_text(&whole.text), buf_text(&pieces.text)) == 0);
    buf_done(&whole.text);
    buf_done(&pieces.text);
    return 0;
}
