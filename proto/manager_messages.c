/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/messages.h"

#include <errno.h>

#include "proto/message_fields.h"
#include "proto/profile_codec.h"
#include "proto/profile_message.h"

#define PROFILE_TAG 0x12 /* field 2 of ManagerMessage, length-delimited */

static int manager_add_varint(struct buf *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;

    do {
        bytes[n] = (uint8_t)(value & 0x7f);
        value >>= 7;
        if (value)
            bytes[n] |= 0x80;
        n++;
    } while (value);
    return buf_add(out, bytes, n);
}

/* A profile is encoded by profile_encode() alone, so that its bytes are canonical wherever they
 * travel. */
static int manager_encode_profile(const struct profile *p, struct buf *out)
{
    CLEANUP_BUF struct buf body = BUF_INIT(PROFILE_MAX_ENCODED_BYTES);
    int r = profile_encode(p, &body);

    r = r < 0 ? r : buf_add(out, &(uint8_t){PROFILE_TAG}, 1);
    r = r < 0 ? r : manager_add_varint(out, body.len);
    return r < 0 ? r : buf_add(out, body.data, body.len);
}

int manager_message_encode(const struct manager_message *m, struct buf *out)
{
    Varmor__V1__ManagerMessage message = VARMOR__V1__MANAGER_MESSAGE__INIT;
    Varmor__V1__Welcome welcome = VARMOR__V1__WELCOME__INIT;
    Varmor__V1__ProfileRemoval removal = VARMOR__V1__PROFILE_REMOVAL__INIT;
    Varmor__V1__InSync in_sync = VARMOR__V1__IN_SYNC__INIT;

    switch (m->kind) {
    case MANAGER_WELCOME:
        message.message_case = VARMOR__V1__MANAGER_MESSAGE__MESSAGE_WELCOME;
        message.welcome = &welcome;
        welcome.protocol = m->welcome.protocol;
        welcome.manager_version = message_pack_text(m->welcome.manager_version);
        break;
    case MANAGER_PROFILE:
        return manager_encode_profile(m->profile, out);
    case MANAGER_REMOVAL:
        message.message_case = VARMOR__V1__MANAGER_MESSAGE__MESSAGE_REMOVAL;
        message.removal = &removal;
        removal.name = message_pack_text(m->removal);
        break;
    case MANAGER_IN_SYNC:
        message.message_case = VARMOR__V1__MANAGER_MESSAGE__MESSAGE_IN_SYNC;
        message.in_sync = &in_sync;
        in_sync.n_profiles = m->in_sync;
        break;
    case MANAGER_MESSAGE_NONE:
        break;
    }
    return message_pack(&message.base, out);
}

static int manager_unpack(struct manager_message *out, const Varmor__V1__ManagerMessage *in,
                          struct error **reterr)
{
    int r;

    switch (in->message_case) {
    case VARMOR__V1__MANAGER_MESSAGE__MESSAGE_WELCOME:
        out->kind = MANAGER_WELCOME;
        out->welcome.protocol = in->welcome->protocol;
        out->welcome.manager_version = in->welcome->manager_version;
        return 0;
    case VARMOR__V1__MANAGER_MESSAGE__MESSAGE_PROFILE:
        r = profile_unpack(&out->profile, in->profile, reterr);
        if (r == 0)
            out->kind = MANAGER_PROFILE;
        return r;
    case VARMOR__V1__MANAGER_MESSAGE__MESSAGE_REMOVAL:
        out->kind = MANAGER_REMOVAL;
        out->removal = in->removal->name;
        return 0;
    case VARMOR__V1__MANAGER_MESSAGE__MESSAGE_IN_SYNC:
        out->kind = MANAGER_IN_SYNC;
        out->in_sync = in->in_sync->n_profiles;
        return 0;
    default:
        return error_set(reterr, -EBADMSG,
                         "the manager's message says nothing that this version knows");
    }
}

int manager_message_decode(struct manager_message *ret, const uint8_t *data, size_t len,
                           struct error **reterr)
{
    CLEANUP(arena_free) struct arena *a = NULL;
    struct manager_message m = {0};
    ProtobufCMessage *raw;
    int r = message_unpack_checked(&varmor__v1__manager_message__descriptor, data, len, &raw, &a,
                                   reterr);

    if (r == 0)
        r = manager_unpack(&m, (const void *)raw, reterr);
    if (r == -ENOMEM)
        return error_oom(reterr);
    if (r < 0)
        return r;
    m.arena = TAKE(a);
    *ret = m;
    return 0;
}

void manager_message_done(struct manager_message *m)
{
    if (m->kind == MANAGER_PROFILE)
        profile_unref(m->profile);
    arena_free(m->arena);
    *m = (struct manager_message){0};
}
