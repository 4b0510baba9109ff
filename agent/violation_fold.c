/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/violation_fold.h"

#include <string.h>

struct kind {
    struct digest digest;
    uint64_t end_ns; /* of its window; 0: the place is free */
    uint64_t n_held;
    char *text; /* owned: front, then back, of the last event held; NULL: none */
    size_t front_len, back_len;
};

struct violation_fold {
    uint64_t window_ns;
    size_t n_bytes; /* of all texts */
    char *taken;    /* owned: lent by violation_fold_take_due() */
    struct kind kinds[VIOLATION_FOLD_KINDS];
};

struct violation_fold *violation_fold_new(uint64_t window_ns)
{
    struct violation_fold *f = calloc(1, sizeof(*f));

    if (f)
        f->window_ns = window_ns;
    return f;
}

struct violation_fold *violation_fold_free(struct violation_fold *f)
{
    if (!f)
        return NULL;
    for (size_t i = 0; i < VIOLATION_FOLD_KINDS; i++)
        free(f->kinds[i].text);
    free(f->taken);
    free(f);
    return NULL;
}

/* The kind, or a free place for it, or NULL. A window that has ended without an event is free. */
static struct kind *find(struct violation_fold *f, const struct digest *digest, uint64_t now_ns)
{
    struct kind *place = NULL;

    for (size_t i = 0; i < VIOLATION_FOLD_KINDS; i++) {
        struct kind *k = &f->kinds[i];

        if (k->n_held == 0 && k->end_ns <= now_ns) {
            k->end_ns = 0;
            place = k;
        } else if (digest_equal(&k->digest, digest)) {
            return k;
        }
    }
    return place;
}

/* Keeps a copy of the text instead of the one before. False: there is no room. */
static bool keep_text(struct violation_fold *f, struct kind *k, const struct violation_text *text)
{
    size_t len = text->front_len + text->back_len, before = k->front_len + k->back_len;
    char *copy;

    if (f->n_bytes - before + len > VIOLATION_FOLD_MAX_BYTES)
        return false;
    copy = realloc(k->text, MAX(len, 1));
    if (!copy)
        return false;
    memcpy(copy, text->front, text->front_len);
    memcpy(copy + text->front_len, text->back, text->back_len);
    k->text = copy;
    k->front_len = text->front_len;
    k->back_len = text->back_len;
    f->n_bytes += len - before;
    return true;
}

bool violation_fold_hold(struct violation_fold *f, const struct digest *kind,
                         const struct violation_text *text, uint64_t now_ns)
{
    struct kind *k = find(f, kind, now_ns);

    if (!k)
        return false;
    if (k->end_ns == 0) {
        k->digest = *kind;
        k->end_ns = now_ns + f->window_ns;
        return false;
    }
    if (!keep_text(f, k, text))
        return false;
    k->n_held++;
    return true;
}

bool violation_fold_take_due(struct violation_fold *f, uint64_t now_ns, struct violation_text *ret,
                             uint64_t *ret_count)
{
    for (size_t i = 0; i < VIOLATION_FOLD_KINDS; i++) {
        struct kind *k = &f->kinds[i];

        if (k->n_held == 0 || k->end_ns > now_ns)
            continue;
        free(f->taken);
        f->taken = TAKE(k->text);
        *ret = (struct violation_text){.front = f->taken,
                                       .front_len = k->front_len,
                                       .back = f->taken + k->front_len,
                                       .back_len = k->back_len};
        *ret_count = k->n_held;
        f->n_bytes -= k->front_len + k->back_len;
        k->front_len = k->back_len = 0;
        k->n_held = 0;
        k->end_ns = now_ns + f->window_ns;
        return true;
    }
    return false;
}

uint64_t violation_fold_deadline_ns(const struct violation_fold *f)
{
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < VIOLATION_FOLD_KINDS; i++) {
        if (f->kinds[i].n_held > 0)
            first = MIN(first, f->kinds[i].end_ns);
    }
    return first;
}
