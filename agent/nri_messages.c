/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/nri_messages.h"

#include <errno.h>
#include <string.h>

enum { REGISTER_NAME = 1, REGISTER_INDEX = 2 };
enum { CONFIGURE_RUNTIME = 2, CONFIGURE_VERSION = 3, CONFIGURED_EVENTS = 2 };
enum { SYNCHRONIZE_MORE = 3, SYNCHRONIZED_MORE = 2 };
enum { CHANGE_EVENT = 1, CHANGE_CONTAINER = 3, START_CONTAINER = 2, CONTAINER_ID = 1 };

static void copy_name(char to[static NRI_NAME_SIZE], struct pb_bytes text)
{
    size_t n = MIN(text.len, (size_t)NRI_NAME_SIZE - 1);

    if (n > 0)
        memcpy(to, text.data, n);
    to[n] = '\0';
}

int nri_configure_decode(struct nri_configure *ret, struct pb_bytes data)
{
    struct nri_configure c = {0};
    struct pb_field f;
    int r;

    while ((r = pb_fields_next(&data, &f)) == PB_FIELDS_ONE) {
        if (f.number == CONFIGURE_RUNTIME && f.is_bytes)
            copy_name(c.runtime, f.bytes);
        else if (f.number == CONFIGURE_VERSION && f.is_bytes)
            copy_name(c.version, f.bytes);
    }
    if (r < 0)
        return r;
    *ret = c;
    return 0;
}

static int read_container(struct nri_state_change *ret, struct pb_bytes data)
{
    struct pb_field f;
    int r;

    while ((r = pb_fields_next(&data, &f)) == PB_FIELDS_ONE) {
        if (f.number != CONTAINER_ID || !f.is_bytes)
            continue;
        if (f.bytes.len >= NRI_ID_SIZE || (f.bytes.len > 0 && memchr(f.bytes.data, 0, f.bytes.len)))
            return -EBADMSG;
        if (f.bytes.len > 0)
            memcpy(ret->container_id, f.bytes.data, f.bytes.len);
        ret->container_id[f.bytes.len] = '\0';
    }
    return r;
}

int nri_state_change_decode(struct nri_state_change *ret, struct pb_bytes data)
{
    struct nri_state_change c = {0};
    struct pb_field f;
    int r;

    while ((r = pb_fields_next(&data, &f)) == PB_FIELDS_ONE) {
        if (f.number == CHANGE_EVENT && !f.is_bytes)
            c.event = (uint32_t)f.value;
        else if (f.number == CHANGE_CONTAINER && f.is_bytes)
            r = read_container(&c, f.bytes);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret = c;
    return 0;
}

int nri_start_decode(struct nri_state_change *ret, struct pb_bytes data)
{
    struct nri_state_change c = {.event = NRI_EVENT_START_CONTAINER};
    struct pb_field f;
    int r;

    while ((r = pb_fields_next(&data, &f)) == PB_FIELDS_ONE) {
        if (f.number == START_CONTAINER && f.is_bytes)
            r = read_container(&c, f.bytes);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret = c;
    return 0;
}

int nri_synchronize_decode(bool *ret_more, struct pb_bytes data)
{
    struct pb_field f;
    bool more = false;
    int r;

    while ((r = pb_fields_next(&data, &f)) == PB_FIELDS_ONE)
        if (f.number == SYNCHRONIZE_MORE && !f.is_bytes)
            more = f.value != 0;
    if (r < 0)
        return r;
    *ret_more = more;
    return 0;
}

int nri_encode_register(struct buf *out, const char *name, const char *index)
{
    int r = pb_add_bytes(out, REGISTER_NAME, name, strlen(name));

    return r < 0 ? r : pb_add_bytes(out, REGISTER_INDEX, index, strlen(index));
}

int nri_encode_configured(struct buf *out, uint32_t events)
{
    return pb_add_varint(out, CONFIGURED_EVENTS, events);
}

int nri_encode_synchronized(struct buf *out, bool more)
{
    return more ? pb_add_varint(out, SYNCHRONIZED_MORE, 1) : 0;
}
