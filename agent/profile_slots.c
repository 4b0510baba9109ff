/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/profile_slots.h"

#include "agent/rule_names.h"
#include "lib/map.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct profile_slots {
    struct map *by_name; /* owned: profile name -> struct profile_slot, owned */
    struct profile_slot *by_number[VARMOR_MAX_SLOTS]; /* borrowed from by_name */
};

static void slot_free(void *data)
{
    struct profile_slot *slot = data;

    profile_slot_clear(slot);
    free(slot);
}

struct profile_slots *profile_slots_new(void)
{
    CLEANUP(profile_slots_free) struct profile_slots *slots = calloc(1, sizeof(*slots));

    if (!slots)
        return NULL;
    slots->by_name = map_new(slot_free, PROFILE_SLOTS_MAX);
    if (!slots->by_name)
        return NULL;
    return TAKE(slots);
}

struct profile_slots *profile_slots_free(struct profile_slots *slots)
{
    if (!slots)
        return NULL;
    map_free(slots->by_name);
    free(slots);
    return NULL;
}

struct profile_slot *profile_slots_find(const struct profile_slots *slots, const char *profile)
{
    return map_find(slots->by_name, profile);
}

struct profile_slot *profile_slots_at(const struct profile_slots *slots, uint32_t number)
{
    return number < VARMOR_MAX_SLOTS ? slots->by_number[number] : NULL;
}

struct profile_slot *profile_slots_find_version(const struct profile_slots *slots, uint32_t version)
{
    if (version == 0)
        return NULL;
    MAP_FOREACH (entry, slots->by_name) {
        struct profile_slot *slot = map_value(entry);

        if (slot->version == version || slot->previous_version == version)
            return slot;
    }
    return NULL;
}

struct profile_slot *profile_slots_next(const struct profile_slots *slots,
                                        const struct profile_slot *slot)
{
    for (uint32_t number = slot ? slot->number + 1 : 0; number < VARMOR_MAX_SLOTS; number++)
        if (slots->by_number[number])
            return slots->by_number[number];
    return NULL;
}

size_t profile_slots_size(const struct profile_slots *slots)
{
    return map_size(slots->by_name);
}

static uint32_t lowest_free(const struct profile_slots *slots)
{
    for (uint32_t number = 1; number < VARMOR_MAX_SLOTS; number++)
        if (!slots->by_number[number])
            return number;
    return 0;
}

int profile_slots_add(struct profile_slots *slots, const char *profile, uint32_t number,
                      struct profile_slot **ret, struct error **reterr)
{
    size_t len = strlen(profile);
    struct profile_slot *slot;
    int r;

    if (len == 0 || len > PROFILE_NAME_MAX || number >= VARMOR_MAX_SLOTS)
        return error_set(reterr, -EINVAL, "'%s' in slot %u is not a profile's name: 1 to %d bytes",
                         error_quote(profile), number, PROFILE_NAME_MAX);
    if (profile_slots_find(slots, profile) || (number && slots->by_number[number]))
        return error_set(reterr, -EEXIST, "profile '%s' or slot %u is there already",
                         error_quote(profile), number);
    if (number == 0)
        number = lowest_free(slots);
    if (number == 0)
        return error_set(reterr, -E2BIG, "all %d slots for profiles are in use on this node",
                         PROFILE_SLOTS_MAX);
    slot = calloc(1, sizeof(*slot));
    if (!slot)
        return error_oom(reterr);
    slot->number = number;
    memcpy(slot->profile, profile, len);
    r = map_put(slots->by_name, profile, slot);
    if (r < 0) {
        slot_free(slot);
        return error_oom(reterr);
    }
    slots->by_number[number] = slot;
    *ret = slot;
    return 0;
}

void profile_slots_drop(struct profile_slots *slots, struct profile_slot *slot)
{
    char name[sizeof(slot->profile)];

    memcpy(name, slot->profile, sizeof(name)); /* the map frees the slot while it uses the key */
    slots->by_number[slot->number] = NULL;
    map_drop(slots->by_name, name);
}

void profile_slot_clear(struct profile_slot *slot)
{
    kernel_window_done(&slot->counts);
    slot->names = rule_names_unref(slot->names);
    slot->previous_names = rule_names_unref(slot->previous_names);
    slot->n_counts = 0;
    slot->version = slot->previous_version = 0;
    slot->digest = slot->image_digest = (struct digest){};
}
