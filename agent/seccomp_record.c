/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/seccomp_record.h"

#include <errno.h>
#include <string.h>

#define HEAD "varmor-seccomp 1\n"
#define NOW  "now "
#define NEXT "next "

static int format_content(const struct seccomp_content *c, const char *word, struct buf *out)
{
    char profile[DIGEST_TEXT_SIZE], text[DIGEST_TEXT_SIZE];

    return c->present ? buf_format(out, "%s%s %s\n", word, digest_format(&c->profile, profile),
                                   digest_format(&c->text, text))
                      : 0;
}

int seccomp_record_format(const struct seccomp_record *r, struct buf *out)
{
    int result = buf_add_text(out, HEAD);

    if (result == 0)
        result = format_content(&r->now, NOW, out);
    return result < 0 ? result : format_content(&r->next, NEXT, out);
}

static bool take_word(const char **text, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(*text, word, len) != 0)
        return false;
    *text += len;
    return true;
}

static bool take_digest(const char **text, struct digest *ret)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        const char *high = (*text)[0] ? strchr(digits, (*text)[0]) : NULL;
        const char *low = high && (*text)[1] ? strchr(digits, (*text)[1]) : NULL;

        if (!low)
            return false;
        ret->bytes[i] = (uint8_t)((high - digits) << 4 | (low - digits));
        *text += 2;
    }
    return true;
}

/* False: there is such a line, and it is broken. */
static bool take_content(const char **text, const char *word, struct seccomp_content *ret)
{
    *ret = (struct seccomp_content){0};
    if (!take_word(text, word))
        return true;
    ret->present = take_digest(text, &ret->profile) && take_word(text, " ") &&
                   take_digest(text, &ret->text) && take_word(text, "\n");
    return ret->present;
}

int seccomp_record_parse(struct seccomp_record *ret, const char *text)
{
    struct seccomp_record r;

    if (!take_word(&text, HEAD) || !take_content(&text, NOW, &r.now) ||
        !take_content(&text, NEXT, &r.next) || *text)
        return -EBADMSG;
    *ret = r;
    return 0;
}
