/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/rule_text.h"

#include "lib/policy/policy_words.h"
#include "profiles/capability_words.h"

const char *rule_text_mode(unsigned mode)
{
    static const char *const names[] = {"none", "deny", "audit", "deny,audit"};

    _Static_assert(RULE_DENY == 1 && RULE_AUDIT == 2, "a mode is an index");
    return names[mode & (RULE_DENY | RULE_AUDIT)];
}

/* "a,b": the words whose bits are all in mask; one that has every bit of it stands alone. Bits
 * without a word are left out. */
static int add_words(struct buf *out, const struct words *words, uint64_t mask)
{
    uint64_t left = mask;
    int r = 0;

    for (size_t i = 0; i < words->n && left && r == 0; i++) {
        const struct word *w = &words->items[i];

        if (w->value == 0 || (w->value & ~mask) || !(w->value & left))
            continue;
        r = buf_format(out, "%s%s", left == mask ? "" : ",", w->text);
        left &= ~w->value;
    }
    return r;
}

static int add_path(struct buf *out, const struct rule *r)
{
    int result = add_words(out, &path_permission_words, r->path.permissions);

    return result < 0 ? result : buf_format(out, " %s", r->path.pattern);
}

/* "domains unix types stream", each part only if it is given. */
static int add_socket(struct buf *out, const struct rule *r)
{
    const struct {
        const char *name;
        const struct words *words;
        uint64_t mask;
    } parts[] = {
        {"domains", &socket_domain_words, r->socket.domains},
        {"types", &socket_type_words, r->socket.types},
        {"protocols", &socket_protocol_words, r->socket.protocols},
    };
    const char *blank = "";
    int result = 0;

    for (size_t i = 0; i < ARRAY_SIZE(parts) && result == 0; i++) {
        if (!parts[i].mask)
            continue;
        result = buf_format(out, "%s%s ", blank, parts[i].name);
        if (result == 0)
            result = add_words(out, parts[i].words, parts[i].mask);
        blank = " ";
    }
    return result;
}

static int add_egress(struct buf *out, const struct rule *r)
{
    char block[ADDR_TEXT_SIZE];
    int result = buf_add_text(out, r->egress.block.family == ADDR_NONE
                                       ? "every address"
                                       : addr_format(&r->egress.block, block));

    for (size_t i = 0; i < r->egress.n_ports && result == 0; i++) {
        const struct port_range *p = &r->egress.ports[i];

        if (p->first == p->last)
            result = buf_format(out, "%s%u", i ? "," : " ports ", p->first);
        else
            result = buf_format(out, "%s%u-%u", i ? "," : " ports ", p->first, p->last);
    }
    return result;
}

static int add_ptrace(struct buf *out, const struct rule *r)
{
    int result = add_words(out, &ptrace_permission_words, r->ptrace.permissions);

    return result < 0 ? result
                      : buf_add_text(out, r->ptrace.strict ? " of every process"
                                                           : " of processes outside the container");
}

static int add_mount(struct buf *out, const struct rule *r)
{
    int result = buf_format(out, "source %s type %s flags 0x%x", r->mount.pattern, r->mount.fstype,
                            r->mount.flags);

    if (result == 0 && r->mount.reverse_flags)
        result = buf_format(out, " or without 0x%x", r->mount.reverse_flags);
    return result;
}

int rule_text_add(struct buf *out, const struct rule *r)
{
    switch (r->kind) {
    case RULE_FILE:
    case RULE_EXEC:
        return add_path(out, r);
    case RULE_CAPABILITY:
        return add_words(out, &capability_words, r->capability.mask);
    case RULE_SOCKET:
        return add_socket(out, r);
    case RULE_EGRESS:
        return add_egress(out, r);
    case RULE_PTRACE:
        return add_ptrace(out, r);
    case RULE_MOUNT:
        return add_mount(out, r);
    case RULE_NONE:
    case RULE_KINDS:
        break;
    }
    return 0;
}
