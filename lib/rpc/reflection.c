/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/reflection.h"

#include <errno.h>
#include <string.h>

#include "lib/map.h"
#include "lib/rpc/descriptor_files.h"
#include "lib/rpc/standard_descriptors.h"

#define REFLECTION_ANSWER_BYTES (1024UL * 1024) /* one file, or the list of services */

/* Field numbers of lib/rpc/protos/grpc/reflection/v1/reflection.proto. */
enum {
    REQUEST_HOST = 1,
    REQUEST_FILE = 3,
    REQUEST_SYMBOL = 4,
    REQUEST_EXTENSION = 5,
    REQUEST_EXTENSION_NUMBERS = 6,
    REQUEST_LIST = 7,
    RESPONSE_HOST = 1,
    RESPONSE_REQUEST = 2,
    RESPONSE_FILES = 4,
    RESPONSE_SERVICES = 6,
    RESPONSE_ERROR = 7,
    FILES_FILE = 1,
    SERVICES_SERVICE = 1,
    SERVICE_NAME = 1,
    ERROR_CODE = 1,
    ERROR_TEXT = 2,
};

struct reflection {
    struct pb_bytes sets[2];   /* borrowed: the services' own descriptors, and the standard ones */
    const struct map *methods; /* borrowed */
};

int reflection_new(struct reflection **ret, struct pb_bytes set, const struct map *methods,
                   struct error **reterr)
{
    struct reflection *r;

    if (descriptor_files_check(set) < 0)
        return error_set(reterr, -EINVAL, "the descriptor set is not an encoded FileDescriptorSet");
    r = calloc(1, sizeof(*r));
    if (!r)
        return error_oom(reterr);
    r->sets[0] = set;
    r->sets[1] = (struct pb_bytes){standard_descriptors_bytes, standard_descriptors_size};
    r->methods = methods;
    *ret = r;
    return 0;
}

struct reflection *reflection_free(struct reflection *r)
{
    free(r);
    return NULL;
}

static int reflection_add_error(struct buf *answer, enum grpc_status status, const char *text)
{
    CLEANUP_BUF struct buf error = BUF_INIT(REFLECTION_REQUEST_BYTES);
    int r = pb_add_varint(&error, ERROR_CODE, status);

    if (r == 0)
        r = pb_add_bytes(&error, ERROR_TEXT, text, strlen(text));
    return r < 0 ? r : pb_add_bytes(answer, RESPONSE_ERROR, error.data, error.len);
}

static int reflection_add_file(const struct reflection *r, struct buf *answer,
                               const struct pb_field *question)
{
    CLEANUP_BUF struct buf files = BUF_INIT(REFLECTION_ANSWER_BYTES);
    struct pb_bytes file = {};
    bool is_found = false;
    int err;

    for (size_t i = 0; i < ARRAY_SIZE(r->sets) && !is_found; i++)
        is_found = question->number == REQUEST_FILE
                       ? descriptor_files_by_name(r->sets[i], question->bytes, &file)
                       : descriptor_files_by_symbol(r->sets[i], question->bytes, &file);
    if (!is_found)
        return reflection_add_error(answer, GRPC_NOT_FOUND,
                                    question->number == REQUEST_FILE ? "no such file"
                                                                     : "no such symbol");
    err = pb_add_bytes(&files, FILES_FILE, file.data, file.len);
    return err < 0 ? err : pb_add_bytes(answer, RESPONSE_FILES, files.data, files.len);
}

/* Each service once: the paths of a service's methods ("/package.Service/Method") were added
 * together. */
static int reflection_add_services(const struct reflection *r, struct buf *answer)
{
    CLEANUP_BUF struct buf services = BUF_INIT(REFLECTION_ANSWER_BYTES);
    const char *last = "";
    size_t last_len = 0;

    MAP_FOREACH (e, r->methods) {
        CLEANUP_BUF struct buf service = BUF_INIT(REFLECTION_ANSWER_BYTES);
        const char *name = map_key(e) + 1;
        size_t len = strcspn(name, "/");
        int err;

        if (len == last_len && memcmp(name, last, len) == 0)
            continue;
        last = name;
        last_len = len;
        err = pb_add_bytes(&service, SERVICE_NAME, name, len);
        if (err == 0)
            err = pb_add_bytes(&services, SERVICES_SERVICE, service.data, service.len);
        if (err < 0)
            return err;
    }
    return pb_add_bytes(answer, RESPONSE_SERVICES, services.data, services.len);
}

static int reflection_add_answer(const struct reflection *r, struct buf *answer,
                                 const struct pb_field *question)
{
    switch (question->number) {
    case REQUEST_FILE:
    case REQUEST_SYMBOL:
        return reflection_add_file(r, answer, question);
    case REQUEST_LIST:
        return reflection_add_services(r, answer);
    case REQUEST_EXTENSION:
    case REQUEST_EXTENSION_NUMBERS:
        return reflection_add_error(answer, GRPC_NOT_FOUND, "no extensions here");
    default:
        return reflection_add_error(answer, GRPC_INVALID_ARGUMENT, "the request asks for nothing");
    }
}

int reflection_answer(const struct reflection *r, struct pb_bytes request, struct buf *ret)
{
    struct pb_bytes rest = request, host = {};
    struct pb_field question = {}, f;
    int err;

    while ((err = pb_fields_next(&rest, &f)) == PB_FIELDS_ONE) {
        if (!f.is_bytes)
            continue;
        if (f.number == REQUEST_HOST)
            host = f.bytes;
        else if (f.number >= REQUEST_FILE && f.number <= REQUEST_LIST)
            question = f; /* of a oneof the last one counts */
    }
    if (err < 0)
        return err;
    err = pb_add_bytes(ret, RESPONSE_HOST, host.data, host.len);
    if (err == 0)
        err = pb_add_bytes(ret, RESPONSE_REQUEST, request.data, request.len);
    return err < 0 ? err : reflection_add_answer(r, ret, &question);
}

/* ---- The service ---- */

static void reflection_open(struct grpc_call *call, void *service)
{
    grpc_call_set_data(call, service);
}

static void reflection_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    CLEANUP_BUF struct buf answer = BUF_INIT(REFLECTION_ANSWER_BYTES);
    int r = reflection_answer(grpc_call_data(call), (struct pb_bytes){data, len}, &answer);

    if (r == -EBADMSG) {
        grpc_call_finish(call, GRPC_INVALID_ARGUMENT, "not a ServerReflectionRequest");
        return;
    }
    if (r == 0)
        r = grpc_call_send(call, answer.data, answer.len);
    if (r < 0)
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED,
                         r == -ENOBUFS ? "more questions than answers are read"
                                       : "the answer is too large");
}

static void reflection_half_close(struct grpc_call *call)
{
    grpc_call_finish(call, GRPC_OK, NULL);
}

const struct grpc_method reflection_methods[1] = {
    {.path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
     .open = reflection_open,
     .message = reflection_message,
     .half_close = reflection_half_close,
     .message_bytes = REFLECTION_REQUEST_BYTES},
};
