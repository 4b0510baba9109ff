/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/apparmor.h"

#include <string.h>

#include "lib/apparmor/file_rule.h"
#include "lib/utf8.h"

#define INDENT 4

/* The origin as a comment: on one line whatever it holds. */
static int write_comment(const char *origin, struct buf *out)
{
    size_t len = strlen(origin), n;
    int r = buf_add_text(out, " # ");

    for (size_t i = 0; i < len && r == 0; i += n) {
        n = utf8_printable((const uint8_t *)origin + i, len - i);
        r = n > 0 ? buf_add(out, origin + i, n) : buf_add(out, "?", 1);
        n = n > 0 ? n : 1;
    }
    return r;
}

static int write_body(const struct aa_rule *rule, unsigned qualifiers, struct buf *out)
{
    const char *exec = strcmp(rule->file.exec, "cx") == 0 ? "cx" : "ix";

    if (rule->kind != AA_FILE)
        return buf_add_text(out, rule->text);
    return file_rule_write(rule, qualifiers & AA_DENY ? "x" : exec, out);
}

static int write_line(const struct aa_rule *rule, unsigned qualifiers, unsigned depth,
                      struct buf *out)
{
    int r =
        buf_format(out, "%*s%s%s%s%s", (int)depth * INDENT, "",
                   qualifiers & AA_AUDIT ? "audit " : "", qualifiers & AA_DENY ? "deny " : "",
                   qualifiers & AA_ALLOW ? "allow " : "", qualifiers & AA_OWNER ? "owner " : "");

    if (r == 0)
        r = write_body(rule, qualifiers, out);
    if (r == 0)
        r = buf_add_text(out, ",");
    if (r == 0 && rule->origin && rule->origin[0] != '\0')
        r = write_comment(rule->origin, out);
    return r < 0 ? r : buf_add_text(out, "\n");
}

int aa_rule_write(const struct aa_rule *r, bool replace, unsigned qualifiers, unsigned depth,
                  struct buf *out)
{
    unsigned own = r->qualifiers;

    if (replace)
        own = (own & AA_OWNER) | (qualifiers & (AA_DENY | AA_AUDIT));
    return write_line(r, own, depth, out);
}
