/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/counted_text.h"

#include <string.h>

struct counted_text {
    size_t n_refs, len;
    char text[];
};

static struct counted_text *block_of(char *text)
{
    return (struct counted_text *)(text - offsetof(struct counted_text, text));
}

char *counted_text_new(const char *text, size_t len)
{
    struct counted_text *t = malloc(sizeof(*t) + len + 1);

    if (!t)
        return NULL;
    t->n_refs = 1;
    t->len = len;
    memcpy(t->text, text, len);
    t->text[len] = '\0';
    return t->text;
}

char *counted_text_unref(char *text)
{
    struct counted_text *t = text ? block_of(text) : NULL;

    if (t && --t->n_refs == 0)
        free(t);
    return NULL;
}

bool counted_text_share(char **text, char *like)
{
    if (*text == like)
        return true;
    if (!*text || !like || block_of(*text)->len != block_of(like)->len ||
        memcmp(*text, like, block_of(like)->len) != 0)
        return false;
    counted_text_unref(*text);
    block_of(like)->n_refs++;
    *text = like;
    return true;
}
