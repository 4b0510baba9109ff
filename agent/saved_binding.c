/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/saved_binding.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

int saved_binding_format(const struct saved_binding *b, struct buf *out)
{
    return buf_format(out, "%" PRIx64 " %" PRId64 " %d %s\n", b->cgroup_id, b->since_ns,
                      b->before_first_instruction, b->profile);
}

/* Reads a number that is at most max, and the space behind it. */
static bool take_number(const char **text, int base, uint64_t max, uint64_t *ret)
{
    char *end;

    if (!isxdigit((unsigned char)**text)) /* no sign, no space in front */
        return false;
    errno = 0;
    *ret = strtoull(*text, &end, base);
    if (errno != 0 || *end != ' ' || *ret > max)
        return false;
    *text = end + 1;
    return true;
}

bool saved_binding_parse(struct saved_binding *ret, const char **text)
{
    const char *rest = *text;
    size_t line_len = strcspn(rest, "\n");
    struct saved_binding b = {0};
    uint64_t since_ns, before;
    size_t len;

    *text += line_len + (rest[line_len] == '\n');
    if (!take_number(&rest, 16, UINT64_MAX, &b.cgroup_id) ||
        !take_number(&rest, 10, INT64_MAX, &since_ns) || !take_number(&rest, 10, 1, &before))
        return false;
    len = strcspn(rest, "\n");
    if (len == 0 || len > PROFILE_NAME_MAX)
        return false;
    memcpy(b.profile, rest, len);
    b.since_ns = (int64_t)since_ns;
    b.before_first_instruction = before == 1;
    *ret = b;
    return true;
}
