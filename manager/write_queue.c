/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/write_queue.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/backoff.h"
#include "lib/map.h"

enum write_state { WRITE_IDLE, WRITE_WAITING, WRITE_RUNNING };

struct write_item {
    char *key; /* owned */
    enum write_state state;
    bool is_touched; /* while it runs */
    bool is_dropped; /* while it runs */
    bool may_hurry;  /* it waits for nothing but a touch */
    size_t place;    /* in the heap, while it waits */
    uint64_t due_ns; /* while it waits */
    uint64_t written_ns;
    unsigned n_recent; /* writes that followed each other */
    struct backoff backoff;
};

struct write_queue {
    struct write_pace pace;
    uint64_t seed;
    struct map *items;        /* key -> struct write_item, owned */
    struct write_item **heap; /* those that wait, the first due on top */
    size_t n_waiting, heap_size;
    unsigned n_running;
    double tokens;
    uint64_t filled_ns; /* when tokens was computed */
};

/* ---- The heap ---- */

static void put_at(struct write_queue *q, size_t place, struct write_item *item)
{
    q->heap[place] = item;
    item->place = place;
}

static void sift_up(struct write_queue *q, size_t place)
{
    struct write_item *item = q->heap[place];

    while (place > 0 && q->heap[(place - 1) / 2]->due_ns > item->due_ns) {
        put_at(q, place, q->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put_at(q, place, item);
}

static void sift_down(struct write_queue *q, size_t place)
{
    struct write_item *item = q->heap[place];

    for (;;) {
        size_t child = 2 * place + 1;

        if (child + 1 < q->n_waiting && q->heap[child + 1]->due_ns < q->heap[child]->due_ns)
            child++;
        if (child >= q->n_waiting || q->heap[child]->due_ns >= item->due_ns)
            break;
        put_at(q, place, q->heap[child]);
        place = child;
    }
    put_at(q, place, item);
}

/* The heap has room for every item (see item_get). */
static void wait_until(struct write_queue *q, struct write_item *item, uint64_t due_ns)
{
    item->state = WRITE_WAITING;
    item->due_ns = due_ns;
    put_at(q, q->n_waiting++, item);
    sift_up(q, item->place);
}

static void stop_waiting(struct write_queue *q, struct write_item *item)
{
    size_t place = item->place;
    struct write_item *last = q->heap[--q->n_waiting];

    item->state = WRITE_IDLE;
    if (last == item)
        return;
    put_at(q, place, last);
    sift_down(q, place);
    sift_up(q, last->place);
}

/* ---- Objects ---- */

static int make_room(struct write_queue *q)
{
    size_t size = q->heap_size ? 2 * q->heap_size : 64;
    struct write_item **heap;

    if (map_size(q->items) < q->heap_size)
        return 0;
    heap = reallocarray(q->heap, size, sizeof(*heap));
    if (!heap)
        return -ENOMEM;
    q->heap = heap;
    q->heap_size = size;
    return 0;
}

static void item_free(void *value)
{
    struct write_item *item = value;

    free(item->key);
    free(item);
}

static int item_get(struct write_queue *q, const char *key, struct write_item **ret)
{
    struct write_item *item = map_find(q->items, key);
    int r;

    *ret = item;
    if (item)
        return 0;
    r = make_room(q);
    if (r < 0)
        return r;
    item = calloc(1, sizeof(*item));
    if (!item)
        return -ENOMEM;
    item->key = strdup(key);
    r = item->key ? map_put(q->items, key, item) : -ENOMEM;
    if (r < 0) {
        item_free(item);
        return r;
    }
    item->backoff = (struct backoff){.first_ns = q->pace.retry_first_ns,
                                     .max_ns = q->pace.retry_max_ns,
                                     .random_state = q->seed++};
    *ret = item;
    return 0;
}

static uint64_t gap_ns(const struct write_queue *q, const struct write_item *item)
{
    unsigned doublings = MIN(item->n_recent, 16u);

    return MIN(q->pace.first_gap_ns << doublings, q->pace.max_gap_ns);
}

static void touch(struct write_queue *q, struct write_item *item, uint64_t now_ns)
{
    uint64_t due_ns = now_ns + q->pace.settle_ns;

    if (item->written_ns)
        due_ns = MAX(due_ns, item->written_ns + gap_ns(q, item));
    if (item->state == WRITE_WAITING && item->may_hurry && item->due_ns > due_ns)
        stop_waiting(q, item);
    item->may_hurry = false;
    if (item->state == WRITE_RUNNING)
        item->is_touched = true;
    else if (item->state == WRITE_IDLE)
        wait_until(q, item, due_ns);
}

int write_queue_touch(struct write_queue *q, const char *key, uint64_t now_ns)
{
    struct write_item *item;
    int r = item_get(q, key, &item);

    if (r < 0)
        return r;
    item->is_dropped = false;
    touch(q, item, now_ns);
    return 0;
}

void write_queue_drop(struct write_queue *q, const char *key)
{
    struct write_item *item = map_find(q->items, key);

    if (!item)
        return;
    if (item->state == WRITE_RUNNING) {
        item->is_dropped = true;
        item->is_touched = false;
        return;
    }
    if (item->state == WRITE_WAITING)
        stop_waiting(q, item);
    map_drop(q->items, key);
}

/* ---- Turns ---- */

static void refill(struct write_queue *q, uint64_t now_ns)
{
    double seconds = (double)(now_ns - q->filled_ns) / (double)NS_PER_SEC;

    q->tokens = MIN(q->tokens + seconds * q->pace.per_second, (double)q->pace.burst);
    q->filled_ns = now_ns;
}

const char *write_queue_next(struct write_queue *q, uint64_t now_ns)
{
    struct write_item *item;

    refill(q, now_ns);
    if (q->n_running == q->pace.max_running || q->tokens < 1 || q->n_waiting == 0 ||
        q->heap[0]->due_ns > now_ns)
        return NULL;
    item = q->heap[0];
    stop_waiting(q, item);
    item->state = WRITE_RUNNING;
    q->n_running++;
    q->tokens -= 1;
    return item->key;
}

static void note_written(struct write_queue *q, struct write_item *item, uint64_t now_ns)
{
    bool follows = item->written_ns && now_ns - item->written_ns < q->pace.quiet_ns;

    item->n_recent = follows ? item->n_recent + 1 : 0;
    item->written_ns = now_ns;
}

void write_queue_ended(struct write_queue *q, const char *key, enum write_outcome outcome,
                       uint64_t delay_ns, uint64_t now_ns)
{
    struct write_item *item = map_find(q->items, key);
    bool is_touched;

    assert(item && item->state == WRITE_RUNNING);
    item->state = WRITE_IDLE;
    q->n_running--;
    is_touched = item->is_touched;
    item->is_touched = false;
    if (outcome == WRITE_NOTHING || outcome == WRITE_LATER)
        q->tokens += 1;
    if (item->is_dropped) {
        map_drop(q->items, key);
        return;
    }
    if (outcome == WRITE_AGAIN) {
        wait_until(q, item, now_ns + MAX(backoff_next_ns(&item->backoff), delay_ns));
        return;
    }
    if (outcome == WRITE_DONE) {
        backoff_reset(&item->backoff);
        note_written(q, item, now_ns);
    }
    if (is_touched) {
        touch(q, item, now_ns);
    } else if (outcome == WRITE_LATER) {
        wait_until(q, item, now_ns + delay_ns);
        item->may_hurry = true;
    }
}

uint64_t write_queue_due_ns(const struct write_queue *q)
{
    uint64_t due_ns, token_ns = q->filled_ns;

    if (q->n_waiting == 0 || q->n_running == q->pace.max_running)
        return UINT64_MAX;
    due_ns = q->heap[0]->due_ns;
    if (q->tokens < 1)
        token_ns += (uint64_t)((1 - q->tokens) / q->pace.per_second * (double)NS_PER_SEC) + 1;
    return MAX(due_ns, token_ns);
}

size_t write_queue_n_waiting(const struct write_queue *q)
{
    return q->n_waiting;
}

/* ---- Life ---- */

struct write_queue *write_queue_new(const struct write_pace *pace, uint64_t seed)
{
    CLEANUP(write_queue_free) struct write_queue *q = calloc(1, sizeof(*q));

    if (!q)
        return NULL;
    q->pace = *pace;
    q->seed = seed;
    q->tokens = pace->burst;
    q->items = map_new(item_free, pace->max_objects);
    return q->items ? TAKE(q) : NULL;
}

struct write_queue *write_queue_free(struct write_queue *q)
{
    if (!q)
        return NULL;
    map_free(q->items);
    free(q->heap);
    free(q);
    return NULL;
}
