/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/words.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "lib/error.h"

#define NEAR_MAX_BYTES  64 /* longer texts are not near anything */
#define NEAR_MAX_EDITS  2
#define SHORT_WORD      4 /* up to this length one edit only: two of them make any word of any other */
#define SHORT_MAX_EDITS 1

const struct word *words_find(const struct words *w, const char *text)
{
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->items[i].text, text) == 0)
            return &w->items[i];
    for (size_t i = 0; w->any_case && i < w->n; i++)
        if (!w->items[i].exact_case && strcasecmp(w->items[i].text, text) == 0)
            return &w->items[i];
    return NULL;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    return MIN(MIN(a, b), c);
}

/* Insertions, deletions, replacements and swaps of neighbours that make b of a, letters of either
 * case being equal. b is at most NEAR_MAX_BYTES + NEAR_MAX_EDITS long. */
static unsigned edits(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned rows[3][NEAR_MAX_BYTES + NEAR_MAX_EDITS + 1];

    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);

            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]))
                row[j] = MIN(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

const char *words_nearest(const char *text, const char *const *texts, size_t n, size_t stride)
{
    size_t len = strlen(text);
    unsigned best = NEAR_MAX_EDITS + 1;
    const char *nearest = NULL;

    if (len > NEAR_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const char *candidate = *(const char *const *)((const char *)texts + i * stride);
        size_t candidate_len = strlen(candidate);
        unsigned distance, allowed;

        allowed = candidate_len <= SHORT_WORD ? SHORT_MAX_EDITS : NEAR_MAX_EDITS;
        if (candidate_len < 2 || candidate_len > len + allowed || len > candidate_len + allowed)
            continue; /* nor is its length near */
        distance = edits(text, len, candidate, candidate_len);
        if (distance <= allowed && distance < best) {
            best = distance;
            nearest = candidate;
        }
    }
    return nearest;
}

int words_explain(const struct words *w, const char *text, struct buf *ret)
{
    const char *nearest = words_nearest(text, &w->items[0].text, w->n, sizeof(w->items[0]));

    for (size_t i = 0; i < w->n; i++)
        if (buf_format(ret, "%s%s", i ? ", " : "", w->items[i].text) < 0)
            return -ENOMEM;
    if (nearest && buf_format(ret, "; did you mean '%s'?", nearest) < 0)
        return -ENOMEM;
    return 0;
}
