/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as messages with their prefixes, as questions to reflection, and as a set of file
 * descriptors. What must hold: messages come out the same however their bytes arrive; an answer is
 * protobuf; what is found lies within its set.
 */
#include <assert.h>
#include <string.h>

#include "lib/map.h"
#include "lib/rpc/descriptor_files.h"
#include "lib/rpc/message_reader.h"
#include "lib/rpc/reflection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_BYTES 4096

/* Everything that comes out, with lengths, in one buffer; the last result behind it. */
static int read_all(const uint8_t *data, size_t size, size_t step, struct buf *ret)
{
    struct budget budget = {.max = MESSAGE_BYTES};
    struct message_reader reader;
    int r = 0;

    message_reader_init(&reader, MESSAGE_BYTES, &budget);
    while (size > 0 && r >= 0) {
        const uint8_t *piece = data, *message = NULL;
        size_t len = size < step ? size : step, message_len = 0;

        data += len;
        size -= len;
        while ((r = message_reader_feed(&reader, &piece, &len, &message, &message_len)) ==
               MESSAGE_READER_MESSAGE) {
            assert(message_len <= MESSAGE_BYTES);
            assert(buf_add(ret, &message_len, sizeof(message_len)) == 0);
            assert(buf_add(ret, message, message_len) == 0);
        }
    }
    message_reader_done(&reader);
    assert(budget.used == 0);
    return r;
}

static void check_reader(const uint8_t *data, size_t size)
{
    struct buf whole = BUF_INIT(1 << 26), pieces = BUF_INIT(1 << 26);
    int r = read_all(data, size, size, &whole);

    assert(read_all(data, size, 1 + data[0] % 16, &pieces) == r);
    assert(whole.len == pieces.len &&
           (whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0));
    buf_done(&whole);
    buf_done(&pieces);
}

static void check_reflection(const uint8_t *data, size_t size)
{
    static struct map *methods;
    struct reflection *reflection = NULL;
    struct buf answer = BUF_INIT(1 << 26);
    struct pb_bytes rest;
    struct pb_field field;
    int r;

    if (!methods) {
        methods = map_new(NULL, 0);
        assert(methods && map_put(methods, "/a.B/c", methods) == 0);
    }
    assert(reflection_new(&reflection, (struct pb_bytes){}, methods, NULL) == 0);
    if (size <= REFLECTION_REQUEST_BYTES &&
        reflection_answer(reflection, (struct pb_bytes){data, size}, &answer) == 0) {
        rest = (struct pb_bytes){answer.data, answer.len};
        while ((r = pb_fields_next(&rest, &field)) == PB_FIELDS_ONE)
            continue;
        assert(r == PB_FIELDS_END);
    }
    reflection_free(reflection);
    buf_done(&answer);
}

/* The first byte says how many of the bytes are the symbol; the rest is the set. */
static void check_descriptors(const uint8_t *data, size_t size)
{
    size_t len = data[0] < size ? data[0] : size - 1;
    struct pb_bytes symbol = {data + 1, len}, set = {data + 1 + len, size - 1 - len}, found;

    (void)descriptor_files_check(set);
    if (descriptor_files_by_symbol(set, symbol, &found) ||
        descriptor_files_by_name(set, symbol, &found))
        assert(found.len == 0 ||
               (found.data >= set.data && found.data + found.len <= set.data + set.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    check_reader(data, size);
    check_reflection(data, size);
    check_descriptors(data, size);
    return 0;
}
