/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/match/id_table.h"

#include <errno.h>
#include <string.h>

#define ID_TABLE_FIRST_SLOTS 64

void id_table_done(struct id_table *t)
{
    free(t->slots);
    *t = (struct id_table){0};
}

static void id_table_insert(struct id_table_slot *slots, uint32_t n_slots,
                            struct id_table_slot slot)
{
    uint32_t at = slot.hash & (n_slots - 1);

    while (slots[at].id_plus_one)
        at = (at + 1) & (n_slots - 1);
    slots[at] = slot;
}

int id_table_reserve(struct id_table *t, uint32_t more)
{
    uint64_t wanted = 2 * ((uint64_t)t->n_used + more); /* at most half full */
    uint64_t n_slots = t->n_slots ? t->n_slots : ID_TABLE_FIRST_SLOTS;
    struct id_table_slot *slots;

    if (wanted <= t->n_slots)
        return 0;
    while (n_slots < wanted)
        n_slots *= 2;
    if (n_slots > UINT32_MAX / 2)
        return -ENOMEM;
    slots = calloc(n_slots, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    for (uint32_t i = 0; i < t->n_slots; i++)
        if (t->slots[i].id_plus_one)
            id_table_insert(slots, (uint32_t)n_slots, t->slots[i]);
    free(t->slots);
    t->slots = slots;
    t->n_slots = (uint32_t)n_slots;
    return 0;
}

uint32_t id_table_find(const struct id_table *t, uint32_t hash,
                       bool (*same)(const void *data, uint32_t id), const void *data)
{
    if (t->n_slots == 0)
        return ID_TABLE_NONE;
    for (uint32_t at = hash & (t->n_slots - 1);; at = (at + 1) & (t->n_slots - 1)) {
        const struct id_table_slot *slot = &t->slots[at];

        if (!slot->id_plus_one)
            return ID_TABLE_NONE;
        if (slot->hash == hash && same(data, slot->id_plus_one - 1))
            return slot->id_plus_one - 1;
    }
}

void id_table_put(struct id_table *t, uint32_t hash, uint32_t id)
{
    id_table_insert(t->slots, t->n_slots,
                    (struct id_table_slot){.hash = hash, .id_plus_one = id + 1});
    t->n_used++;
}

uint32_t id_table_hash(const void *bytes, size_t len)
{
    const uint8_t *in = bytes;
    uint64_t hash = 0x9e3779b97f4a7c15ULL ^ len;

    /* Multiply and fold, four bytes at a time: all our keys are arrays of words. */
    for (; len >= 4; in += 4, len -= 4) {
        uint32_t word;

        memcpy(&word, in, sizeof(word));
        hash = (hash ^ word) * 0xd6e8feb86659fd93ULL;
        hash ^= hash >> 32;
    }
    for (; len > 0; in++, len--)
        hash = (hash ^ *in) * 0xd6e8feb86659fd93ULL;
    return (uint32_t)(hash ^ (hash >> 29));
}
