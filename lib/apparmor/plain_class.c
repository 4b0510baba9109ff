/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/plain_class.h"

#include <errno.h>
#include <string.h>

#include "lib/apparmor/rule_class.h"

#define W(name)                                                                                    \
    {                                                                                              \
        .text = name                                                                               \
    }

static const struct word family_items[] = {
    W("unix"),     W("inet"),   W("ax25"),    W("ipx"),    W("appletalk"),  W("netrom"),
    W("bridge"),   W("atmpvc"), W("x25"),     W("inet6"),  W("rose"),       W("netbeui"),
    W("security"), W("key"),    W("netlink"), W("packet"), W("ash"),        W("econet"),
    W("atmsvc"),   W("rds"),    W("sna"),     W("irda"),   W("pppox"),      W("wanpipe"),
    W("llc"),      W("ib"),     W("mpls"),    W("can"),    W("tipc"),       W("bluetooth"),
    W("iucv"),     W("rxrpc"),  W("isdn"),    W("phonet"), W("ieee802154"), W("caif"),
    W("alg"),      W("nfc"),    W("vsock"),   W("kcm"),    W("qipcrtr"),    W("smc"),
    W("xdp"),      W("mctp"),
};
static const struct words families = {"a network family", family_items, ARRAY_SIZE(family_items),
                                      false};
static const struct word type_items[] = {W("stream"), W("dgram"), W("seqpacket"),
                                         W("rdm"),    W("raw"),   W("packet")};
static const struct words types = {"a socket type", type_items, ARRAY_SIZE(type_items), false};
/* value: bits of the families that have it, 1 inet, 2 inet6 */
static const struct word protocol_items[] = {{"tcp", 3, 0, 0}, {"udp", 3, 0, 0}, {"icmp", 1, 0, 0}};
static const struct words protocols = {"a protocol", protocol_items, ARRAY_SIZE(protocol_items),
                                       false};

/* Only one of them with every unit; the number of bytes, of seconds, or plain. */
enum limit_form { LIMIT_NUMBER, LIMIT_SIZE, LIMIT_SECONDS, LIMIT_MICROSECONDS, LIMIT_NICE };
static const struct word limit_items[] = {
    {"cpu", LIMIT_SECONDS, 0, 0},   {"fsize", LIMIT_SIZE, 0, 0},
    {"data", LIMIT_SIZE, 0, 0},     {"stack", LIMIT_SIZE, 0, 0},
    {"core", LIMIT_SIZE, 0, 0},     {"rss", LIMIT_SIZE, 0, 0},
    {"nofile", LIMIT_NUMBER, 0, 0}, {"as", LIMIT_SIZE, 0, 0},
    {"nproc", LIMIT_NUMBER, 0, 0},  {"memlock", LIMIT_SIZE, 0, 0},
    {"locks", LIMIT_NUMBER, 0, 0},  {"sigpending", LIMIT_NUMBER, 0, 0},
    {"msgqueue", LIMIT_SIZE, 0, 0}, {"nice", LIMIT_NICE, 0, 0},
    {"rtprio", LIMIT_NUMBER, 0, 0}, {"rttime", LIMIT_MICROSECONDS, 0, 0},
};
static const struct words limits = {"a resource limit", limit_items, ARRAY_SIZE(limit_items),
                                    false};

bool plain_class_is(enum aa_class kind)
{
    return kind == AA_CAPABILITY || kind == AA_NETWORK || kind == AA_RLIMIT;
}

/* Appends " WORD" of what t stands on and moves on. */
static int note_word(struct rule_text *t, struct buf *text)
{
    int r = buf_format(text, " %s", buf_text(&t->value));

    rule_text_next(t);
    if (r == -E2BIG)
        return rule_text_problem(t, "the rule is longer than %d bytes", AA_MAX_RULE_BYTES);
    return r;
}

static int refuse(struct rule_text *t, const struct words *words)
{
    CLEANUP_BUF struct buf explained = BUF_INIT(1536);

    if (t->kind != TOKEN_WORD)
        return rule_text_problem(t, "%s stands where %s belongs", rule_text_shown(t), words->what);
    if (words_explain(words, buf_text(&t->value), &explained) == -ENOMEM)
        return -ENOMEM;
    return rule_text_problem(t, "%s is not %s: %s", rule_text_shown(t), words->what,
                             buf_text(&explained));
}

/* ---- capability ---- */

static int parse_capability(struct rule_text *t, struct aa_rule *rule, struct buf *text)
{
    int r = 0;

    while (r == 0 && t->kind != TOKEN_COMMA && t->kind != TOKEN_END) {
        const struct word *w =
            t->kind == TOKEN_WORD ? words_find(&rule_capabilities, buf_text(&t->value)) : NULL;

        if (!w)
            return refuse(t, &rule_capabilities);
        rule->capabilities |= 1ULL << w->value;
        rule_text_next(t);
    }
    for (size_t i = 0; i < rule_capabilities.n && r == 0; i++) /* each once, by number */
        if (rule->capabilities & (1ULL << rule_capabilities.items[i].value))
            r = buf_format(text, " %s", rule_capabilities.items[i].text);
    return r;
}

/* ---- network ---- */

static int set_word(char *to, size_t size, const char *word)
{
    if (strlen(word) >= size)
        return -EINVAL;
    memcpy(to, word, strlen(word) + 1);
    return 0;
}

static int refuse_network_word(struct rule_text *t, bool family_possible)
{
    CLEANUP_BUF struct buf known = BUF_INIT(1536);
    int r = family_possible ? words_explain(&families, buf_text(&t->value), &known) : 0;

    if (r < 0)
        return r;
    if (t->kind != TOKEN_WORD)
        return rule_text_problem(t, "%s stands where a comma belongs", rule_text_shown(t));
    return rule_text_problem(t,
                             "%s is no type (stream, dgram, seqpacket, rdm, raw, packet), no "
                             "protocol (tcp, udp, icmp)%s%s",
                             rule_text_shown(t),
                             family_possible ? " and no family: " : " and stands behind the family",
                             buf_text(&known));
}

static int check_protocol(struct rule_text *t, const struct word *protocol, const char *family)
{
    uint64_t bit = strcmp(family, "inet") == 0 ? 1 : strcmp(family, "inet6") == 0 ? 2 : 0;

    if (family[0] == '\0' || (protocol->value & bit))
        return 0;
    return rule_text_problem(t, "family '%s' has no protocol '%s'", family, protocol->text);
}

static int parse_network(struct rule_text *t, struct aa_rule *rule, struct buf *text)
{
    const struct word *w;
    int r = 0;

    w = t->kind == TOKEN_WORD ? words_find(&families, buf_text(&t->value)) : NULL;
    if (w) { /* "packet" alone is the type as well; the family has it, as in apparmor_parser */
        r = set_word(rule->network.family, sizeof(rule->network.family), w->text);
        if (r == 0)
            r = note_word(t, text);
    }
    if (r < 0 || t->kind == TOKEN_COMMA || t->kind == TOKEN_END)
        return r;
    w = t->kind == TOKEN_WORD ? words_find(&types, buf_text(&t->value)) : NULL;
    if (w)
        r = set_word(rule->network.type, sizeof(rule->network.type), w->text);
    if (!w) {
        w = t->kind == TOKEN_WORD ? words_find(&protocols, buf_text(&t->value)) : NULL;
        if (!w)
            return refuse_network_word(t, rule->network.family[0] == '\0');
        r = check_protocol(t, w, rule->network.family);
        if (r == 0)
            r = set_word(rule->network.protocol, sizeof(rule->network.protocol), w->text);
    }
    return r < 0 ? r : note_word(t, text);
}

/* ---- set rlimit NAME <= VALUE ---- */

static bool is_limit_value(const char *text, enum limit_form form)
{
    static const char *const units[][20] = {
        [LIMIT_NUMBER] = {"", NULL},
        [LIMIT_SIZE] = {"", "K", "M", "G", "KB", "MB", "GB", NULL},
        [LIMIT_SECONDS] = {"", "s", "sec", "second", "seconds", "min", "minute", "minutes", "h",
                           "hour", "hours", "d", "day", "days", "week", "weeks", NULL},
        [LIMIT_MICROSECONDS] = {"", "us", "ms", "s", "sec", "second", "seconds", "min", "minute",
                                "minutes", "h", "hour", "hours", "d", "day", "days", NULL},
        [LIMIT_NICE] = {"", NULL},
    };
    const char *digits = text + (form == LIMIT_NICE && text[0] == '-');
    size_t n = strspn(digits, "0123456789");

    if (strcmp(text, "infinity") == 0)
        return form != LIMIT_NICE;
    if (n == 0 || n > 15)
        return false;
    if (form == LIMIT_NICE)
        return n <= 2 && digits[n] == '\0' && strtol(text, NULL, 10) >= -20 &&
               strtol(text, NULL, 10) <= 19;
    for (size_t i = 0; units[form][i]; i++)
        if (strcmp(digits + n, units[form][i]) == 0)
            return true;
    return false;
}

static int parse_rlimit(struct rule_text *t, struct buf *text)
{
    static const char *const wanted[] = {
        [LIMIT_NUMBER] = "a number or infinity",
        [LIMIT_SIZE] = "a number, with K, M or G if need be, or infinity",
        [LIMIT_SECONDS] = "a number with a unit (s, min, h, d) or infinity",
        [LIMIT_MICROSECONDS] = "a number with a unit (us, ms, s, min, h, d) or infinity",
        [LIMIT_NICE] = "a number from -20 to 19",
    };
    const struct word *limit;
    int r;

    if (!rule_text_is(t, "rlimit"))
        return rule_text_problem(t, "%s stands where 'rlimit' belongs", rule_text_shown(t));
    r = note_word(t, text);
    limit = t->kind == TOKEN_WORD ? words_find(&limits, buf_text(&t->value)) : NULL;
    if (!limit)
        return r < 0 ? r : refuse(t, &limits);
    if (r == 0)
        r = note_word(t, text);
    if (r == 0 && t->kind != TOKEN_AT_MOST)
        r = rule_text_problem(t, "%s stands where '<=' belongs", rule_text_shown(t));
    rule_text_next(t);
    if (r == 0)
        r = buf_add_text(text, " <=");
    if (r == 0 && (t->kind != TOKEN_WORD ||
                   !is_limit_value(buf_text(&t->value), (enum limit_form)limit->value)))
        r = rule_text_problem(t, "%s is no value of '%s': %s", rule_text_shown(t), limit->text,
                              wanted[limit->value]);
    return r < 0 ? r : note_word(t, text);
}

int plain_class_parse(struct rule_text *t, struct aa_rule *rule, struct buf *text)
{
    switch (rule->kind) {
    case AA_CAPABILITY:
        return parse_capability(t, rule, text);
    case AA_NETWORK:
        return parse_network(t, rule, text);
    default:
        return parse_rlimit(t, text);
    }
}
