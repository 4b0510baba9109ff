/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/outbox.h"

#include <errno.h>
#include <string.h>

#include <utlist.h>

#include "lib/rpc/message_reader.h"

struct outbox_item {
    struct outbox_item *prev, *next;
    size_t len, sent;
    uint8_t data[]; /* prefix and message */
};

void outbox_init(struct outbox *out, size_t limit, struct budget *budget)
{
    *out = (struct outbox){.limit = limit, .budget = budget};
}

static void outbox_drop_first(struct outbox *out)
{
    struct outbox_item *item = out->items;

    DL_DELETE(out->items, item);
    budget_give(out->budget, item->len);
    free(item);
}

void outbox_done(struct outbox *out)
{
    while (out->items)
        outbox_drop_first(out);
    out->bytes = 0;
}

int outbox_put(struct outbox *out, const uint8_t *data, size_t len)
{
    size_t total = len + MESSAGE_PREFIX_BYTES;
    struct outbox_item *item;

    if (out->bytes > 0 && (total > out->limit || out->bytes > out->limit - total)) {
        out->is_armed = true;
        return -ENOBUFS;
    }
    if (!budget_take(out->budget, total)) {
        out->is_armed = true;
        return -ENOBUFS;
    }
    item = malloc(sizeof(*item) + total);
    if (!item) {
        budget_give(out->budget, total);
        return -ENOMEM;
    }
    item->len = total;
    item->sent = 0;
    message_prefix(item->data, len);
    if (len > 0)
        memcpy(item->data + MESSAGE_PREFIX_BYTES, data, len);
    DL_APPEND(out->items, item);
    out->bytes += total;
    if (out->bytes > out->limit / 2)
        out->is_armed = true;
    return 0;
}

size_t outbox_take(struct outbox *out, uint8_t *data, size_t len)
{
    size_t taken = 0;

    while (out->items && taken < len) {
        struct outbox_item *item = out->items;
        size_t n = MIN(len - taken, item->len - item->sent);

        memcpy(data + taken, item->data + item->sent, n);
        item->sent += n;
        taken += n;
        if (item->sent == item->len)
            outbox_drop_first(out);
    }
    out->bytes -= taken;
    return taken;
}

bool outbox_has_room(struct outbox *out)
{
    if (!out->is_armed || out->bytes > out->limit / 2)
        return false;
    out->is_armed = false;
    return true;
}

bool outbox_is_within_message(const struct outbox *out)
{
    return out->items && out->items->sent > 0;
}
