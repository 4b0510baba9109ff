/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/rule_names.h"

#include "lib/profile.h"

#include <errno.h>
#include <string.h>

#define NAMES_MAGIC 0x4e525256u /* "VRRN" */
#define LINE_BYTES  sizeof(struct varmor_line)

struct names_header { /* one line */
    uint32_t magic;
    uint32_t n_names;
    uint32_t n_bytes;
    uint32_t reserved[13];
};
_Static_assert(sizeof(struct names_header) == LINE_BYTES, "the header is one line");

struct rule_names {
    unsigned n_refs;
    size_t n;
    size_t n_bytes;
    uint32_t *offsets; /* owned: of each name in text */
    char *text;        /* owned: the names, each with its NUL */
};

static struct rule_names *names_alloc(size_t n, size_t n_bytes)
{
    CLEANUP(rule_names_unref) struct rule_names *names = calloc(1, sizeof(*names));

    if (!names)
        return NULL;
    names->n_refs = 1;
    names->offsets = calloc(n + 1, sizeof(names->offsets[0]));
    names->text = calloc(1, n_bytes + 1);
    if (!names->offsets || !names->text)
        return NULL;
    names->n = n;
    names->n_bytes = n_bytes;
    return TAKE(names);
}

struct rule_names *rule_names_new(const struct profile *profile)
{
    struct rule_names *names;
    size_t n_bytes = 0;

    for (size_t i = 0; i < profile->n_rules; i++)
        n_bytes += strnlen(profile->rules[i].origin, RULE_NAME_MAX) + 1;
    names = names_alloc(profile->n_rules, n_bytes);
    if (!names)
        return NULL;
    n_bytes = 0;
    for (size_t i = 0; i < profile->n_rules; i++) {
        size_t len = strnlen(profile->rules[i].origin, RULE_NAME_MAX);

        memcpy(names->text + n_bytes, profile->rules[i].origin, len);
        names->offsets[i] = (uint32_t)n_bytes;
        n_bytes += len + 1;
    }
    return names;
}

struct rule_names *rule_names_ref(struct rule_names *names)
{
    if (names)
        names->n_refs++;
    return names;
}

struct rule_names *rule_names_unref(struct rule_names *names)
{
    if (!names || --names->n_refs > 0)
        return NULL;
    free(names->text);
    free(names->offsets);
    free(names);
    return NULL;
}

size_t rule_names_count(const struct rule_names *names)
{
    return names->n;
}

const char *rule_names_get(const struct rule_names *names, size_t number)
{
    return number < names->n ? names->text + names->offsets[number] : "";
}

size_t rule_names_lines(const struct rule_names *names)
{
    return 1 + (names->n_bytes + LINE_BYTES - 1) / LINE_BYTES;
}

void rule_names_encode(const struct rule_names *names, struct varmor_line *lines)
{
    struct names_header header = {
        .magic = NAMES_MAGIC,
        .n_names = (uint32_t)names->n,
        .n_bytes = (uint32_t)names->n_bytes,
    };

    memset(lines, 0, rule_names_lines(names) * LINE_BYTES);
    memcpy(lines, &header, sizeof(header));
    memcpy(lines + 1, names->text, names->n_bytes);
}

int rule_names_decode(struct rule_names **ret, const struct varmor_line *lines, size_t n_lines,
                      struct error **reterr)
{
    CLEANUP(rule_names_unref) struct rule_names *names = NULL;
    struct names_header header;
    const char *text = (const char *)(lines + 1);
    size_t at = 0;

    if (n_lines < 1)
        return error_set(reterr, -EINVAL, "the image has no rule names");
    memcpy(&header, lines, sizeof(header));
    if (header.magic != NAMES_MAGIC || header.n_names > VARMOR_MAX_RULES ||
        header.n_bytes > (n_lines - 1) * LINE_BYTES)
        return error_set(reterr, -EINVAL, "the header of the image's rule names is damaged");
    names = names_alloc(header.n_names, header.n_bytes);
    if (!names)
        return error_oom(reterr);
    for (size_t i = 0; i < header.n_names; i++) {
        const char *end = memchr(text + at, '\0', header.n_bytes - at);

        if (!end)
            return error_set(reterr, -EINVAL, "the image's rule names end after %zu of %u", i,
                             header.n_names);
        names->offsets[i] = (uint32_t)at;
        at = (size_t)(end - text) + 1;
    }
    memcpy(names->text, text, header.n_bytes);
    *ret = TAKE(names);
    return 0;
}

/* Rule numbers in the order of their names, then of the numbers. */
static int number_compare(const void *a, const void *b, void *data)
{
    const struct rule_names *names = data;
    uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;
    int r = strcmp(rule_names_get(names, one), rule_names_get(names, two));

    return r ? r : (one > two) - (one < two);
}

static uint32_t *numbers_by_name(const struct rule_names *names)
{
    uint32_t *numbers = calloc(names->n + 1, sizeof(numbers[0]));

    if (!numbers)
        return NULL;
    for (size_t i = 0; i < names->n; i++)
        numbers[i] = (uint32_t)i;
    qsort_r(numbers, names->n, sizeof(numbers[0]), number_compare, (void *)names);
    return numbers;
}

int rule_names_carry(const struct rule_names *old, const uint64_t *from,
                     const struct rule_names *new, uint64_t *to)
{
    CLEANUP_FREE uint32_t *old_numbers = numbers_by_name(old);
    CLEANUP_FREE uint32_t *new_numbers = numbers_by_name(new);
    size_t i = 0, j = 0;

    if (!old_numbers || !new_numbers)
        return -ENOMEM;
    while (i < old->n && j < new->n) {
        uint32_t a = old_numbers[i], b = new_numbers[j];
        int order = strcmp(rule_names_get(old, a), rule_names_get(new, b));

        if (order == 0 && from[a])
            __atomic_fetch_add(&to[b], from[a], __ATOMIC_RELAXED);
        i += order <= 0;
        j += order >= 0;
    }
    return 0;
}
