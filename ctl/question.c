/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/question.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/apparmor/apparmor.h"
#include "lib/policy/policy_words.h"
#include "lib/profile.h"
#include "lib/ruleset/ruleset.h"
#include "profiles/capability_words.h"

#define MAX_PARTS 32 /* of a text between commas: a mount with all its flags */
#define MAX_TEXT  8192

/* The parts of a text between commas, in a copy. */
struct parts {
    char *copy; /* owned */
    char *items[MAX_PARTS];
    size_t n;
};

static void parts_done(struct parts *p)
{
    free(p->copy);
}
#define CLEANUP_PARTS __attribute__((cleanup(parts_done)))

static int parts_split(struct parts *p, const char *text, size_t max, struct error **reterr)
{
    char *rest;

    if (strlen(text) > MAX_TEXT)
        return error_set(reterr, -EINVAL, "more than %d bytes", MAX_TEXT);
    p->copy = strdup(text);
    if (!p->copy)
        return error_oom(reterr);
    for (rest = p->copy; rest;) {
        if (p->n == max)
            return error_set(reterr, -EINVAL, "'%s' has more than %zu parts", error_quote(text),
                             max);
        p->items[p->n++] = strsep(&rest, ",");
    }
    return 0;
}

static int copy_text(char **ret, const char *text, struct error **reterr)
{
    *ret = strdup(text);
    return *ret ? 0 : error_oom(reterr);
}

static int wrong_word(const struct words *words, const char *text, struct error **reterr)
{
    CLEANUP_BUF struct buf explained = BUF_INIT(4096);

    if (words_explain(words, text, &explained) < 0)
        return error_oom(reterr);
    return error_set(reterr, -EINVAL, "'%s' is not %s: %s", error_quote(text), words->what,
                     buf_text(&explained));
}

/* A number that is the whole text, decimal or hexadecimal; false: it is none, or above max. */
static bool parse_number(const char *text, uint64_t max, uint64_t *ret)
{
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    *ret = strtoull(text, &end, 0);
    return !*end && !errno && *ret <= max;
}

/* The word of a single bit, and the bit's number. */
static int parse_bit(const struct words *words, const char *text, unsigned *ret,
                     struct error **reterr)
{
    const struct word *word = words_find(words, text);

    if (!word || !word->value || (word->value & (word->value - 1)))
        return wrong_word(words, text, reterr);
    *ret = (unsigned)__builtin_ctzll(word->value);
    return 0;
}

/* ---- By kind ---- */

static const struct path_word {
    const char *word;
    unsigned may, asks;
} path_words[] = {
    {"read", VARMOR_MAY_READ, AA_READ},        {"write", VARMOR_MAY_WRITE, AA_WRITE},
    {"append", VARMOR_MAY_APPEND, AA_APPEND},  {"create", VARMOR_MAY_CREATE, AA_WRITE},
    {"delete", VARMOR_MAY_DELETE, AA_WRITE},   {"rename", VARMOR_MAY_RENAME, AA_WRITE},
    {"link", VARMOR_MAY_LINK, AA_LINK},        {"truncate", VARMOR_MAY_TRUNCATE, AA_WRITE},
    {"chmod", VARMOR_MAY_CHMOD, AA_WRITE},     {"chown", VARMOR_MAY_CHOWN, AA_WRITE},
    {"setattr", VARMOR_MAY_SETATTR, AA_WRITE}, {"exec", VARMOR_MAY_EXEC, AA_EXEC},
};

static const struct path_word *find_path_word(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(path_words); i++)
        if (strcmp(path_words[i].word, word) == 0)
            return &path_words[i];
    return NULL;
}

static int parse_path(struct question *q, const char *word, const char *text, struct error **reterr)
{
    const struct path_word *w = find_path_word(word);

    assert(w);
    if (*text != '/')
        return error_set(reterr, -EINVAL, "'%s' is not an absolute path", error_quote(text));
    q->kind = QUESTION_PATH;
    q->path.may = w->may;
    q->path.asks = w->asks;
    return copy_text(&q->path.path, text, reterr);
}

static int parse_capability(struct question *q, const char *word UNUSED, const char *text,
                            struct error **reterr)
{
    char name[64];
    size_t n = 0;
    int r;

    if (strncasecmp(text, "cap_", 4) == 0)
        text += 4;
    for (; text[n] && n + 1 < sizeof(name); n++)
        name[n] = text[n] == '-' ? '_' : (char)tolower((unsigned char)text[n]);
    name[n] = '\0';
    r = parse_bit(&capability_words, name, &q->capability.number, reterr);
    q->kind = QUESTION_CAPABILITY;
    return r < 0 ? r : copy_text(&q->capability.name, name, reterr);
}

static int parse_connect(struct question *q, const char *word UNUSED, const char *text,
                         struct error **reterr)
{
    const char *colon = strrchr(text, ':');
    char address[ADDR_TEXT_SIZE];
    uint64_t port;
    size_t len;

    q->kind = QUESTION_CONNECT; /* from here on it owns nothing */
    if (!colon || !parse_number(colon + 1, UINT16_MAX, &port))
        return error_set(reterr, -EINVAL, "'%s' is not ADDRESS:PORT", error_quote(text));
    len = (size_t)(colon - text);
    if (len > 2 && *text == '[' && colon[-1] == ']') {
        text++;
        len -= 2;
    }
    snprintf(address, sizeof(address), "%.*s", (int)MIN(len, sizeof(address) - 1), text);
    if (len >= sizeof(address) || addr_parse(&q->connect.addr, address) < 0)
        return error_set(reterr, -EINVAL, "'%s' is not an IP address", error_quote_n(text, len));
    q->connect.port = (unsigned)port;
    return 0;
}

/* The word that stands for a bit's number alone; "" if there is none. */
static const char *word_of_bit(const struct words *words, unsigned number)
{
    for (size_t i = 0; i < words->n && number < 64; i++)
        if (words->items[i].value == 1ULL << number)
            return words->items[i].text;
    return "";
}

/* A word of a socket, or its number. */
static int parse_socket_part(const struct words *words, const char *text, unsigned *ret_number,
                             char **ret_word, struct error **reterr)
{
    uint64_t number;

    if (parse_number(text, UINT16_MAX, &number))
        *ret_number = (unsigned)number;
    else if (parse_bit(words, text, ret_number, reterr) < 0)
        return -EINVAL;
    return copy_text(ret_word, word_of_bit(words, *ret_number), reterr);
}

static int parse_protocol(const char *text, unsigned *ret_number, char **ret_word,
                          struct error **reterr)
{
    static const struct {
        const char *word;
        unsigned number;
    } protocols[] = {{"icmp", 1}, {"tcp", 6}, {"udp", 17}, {"icmpv6", 58}};
    uint64_t number;

    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
        if (strcasecmp(protocols[i].word, text) == 0) {
            *ret_number = protocols[i].number;
            return copy_text(ret_word, protocols[i].word, reterr);
        }
    if (!parse_number(text, UINT16_MAX, &number))
        return error_set(reterr, -EINVAL,
                         "'%s' is not a protocol: icmp, tcp, udp, icmpv6, or a number",
                         error_quote(text));
    *ret_number = (unsigned)number;
    return copy_text(ret_word, "", reterr);
}

static int parse_socket(struct question *q, const char *word UNUSED, const char *text,
                        struct error **reterr)
{
    CLEANUP_PARTS struct parts parts = {0};
    int r = parts_split(&parts, text, 3, reterr);

    q->kind = QUESTION_SOCKET;
    if (r == 0 && parts.n < 2)
        r = error_set(reterr, -EINVAL, "'%s' is not DOMAIN,TYPE[,PROTOCOL]", error_quote(text));
    if (r == 0)
        r = parse_socket_part(&socket_domain_words, parts.items[0], &q->socket.numbers[0],
                              &q->socket.domain, reterr);
    if (r == 0)
        r = parse_socket_part(&socket_type_words, parts.items[1], &q->socket.numbers[1],
                              &q->socket.type, reterr);
    return r < 0 ? r
                 : parse_protocol(parts.n == 3 ? parts.items[2] : "0", &q->socket.numbers[2],
                                  &q->socket.protocol, reterr);
}

static int parse_mount(struct question *q, const char *word UNUSED, const char *text,
                       struct error **reterr)
{
    CLEANUP_PARTS struct parts parts = {0};
    int r = parts_split(&parts, text, MAX_PARTS, reterr);

    q->kind = QUESTION_MOUNT;
    for (size_t i = 2; i < parts.n && r == 0; i++) {
        const struct word *w = words_find(&mount_flag_words, parts.items[i]);

        if (!w)
            r = wrong_word(&mount_flag_words, parts.items[i], reterr);
        else
            q->mount.flags |= (uint32_t)w->value; /* "rw" and the like: nothing */
    }
    if (r == 0)
        r = copy_text(&q->mount.source, parts.items[0], reterr);
    return r < 0 ? r : copy_text(&q->mount.fstype, parts.n > 1 ? parts.items[1] : "none", reterr);
}

static int parse_umount(struct question *q, const char *word UNUSED, const char *text,
                        struct error **reterr)
{
    int r = copy_text(&q->mount.source, text, reterr);

    q->kind = QUESTION_MOUNT;
    q->mount.flags = VARMOR_MOUNT_UMOUNT;
    return r < 0 ? r : copy_text(&q->mount.fstype, "none", reterr);
}

static int parse_ptrace(struct question *q, const char *word UNUSED, const char *text,
                        struct error **reterr)
{
    CLEANUP_PARTS struct parts parts = {0};
    unsigned bit;
    int r = parts_split(&parts, text, 2, reterr);

    q->kind = QUESTION_PTRACE;
    q->ptrace.external = parts.n < 2;
    if (r == 0 && parts.n == 2 && strcmp(parts.items[1], "own") != 0)
        r = error_set(reterr, -EINVAL, "'%s': 'own', or nothing, which is another container's",
                      error_quote(parts.items[1]));
    if (r == 0)
        r = parse_bit(&ptrace_permission_words, parts.items[0], &bit, reterr);
    if (r == 0)
        q->ptrace.permission = 1u << bit;
    return r;
}

static int parse_syscall(struct question *q, const char *word UNUSED, const char *text,
                         struct error **reterr)
{
    CLEANUP_PARTS struct parts parts = {0};
    int r = parts_split(&parts, text, 1 + SC_MAX_ARGS, reterr);

    q->kind = QUESTION_SYSCALL;
    for (size_t i = 1; i < parts.n && r == 0; i++)
        if (!parse_number(parts.items[i], UINT64_MAX, &q->syscall.args[i - 1]))
            r = error_set(reterr, -EINVAL, "argument '%s' is not a number",
                          error_quote(parts.items[i]));
    if (r == 0 && !*parts.items[0])
        r = error_set(reterr, -EINVAL, "the system call's name is missing");
    return r < 0 ? r : copy_text(&q->syscall.name, parts.items[0], reterr);
}

/* ---- All of them ---- */

static const struct {
    const char *word;
    int (*parse)(struct question *q, const char *word, const char *text, struct error **reterr);
} other_words[] = {
    {"capability", parse_capability}, {"connect", parse_connect}, {"socket", parse_socket},
    {"mount", parse_mount},           {"umount", parse_umount},   {"ptrace", parse_ptrace},
    {"syscall", parse_syscall},
};

const char *const question_words[] = {
    "read",     "write", "append", "create",  "delete",  "rename",     "link",
    "truncate", "chmod", "chown",  "setattr", "exec",    "capability", "connect",
    "socket",   "mount", "umount", "ptrace",  "syscall",
};
const size_t n_question_words = ARRAY_SIZE(question_words);
_Static_assert(ARRAY_SIZE(question_words) == ARRAY_SIZE(path_words) + ARRAY_SIZE(other_words),
               "each word has its reader");

void question_done(struct question *q)
{
    switch (q->kind) {
    case QUESTION_PATH:
        free(q->path.path);
        break;
    case QUESTION_CAPABILITY:
        free(q->capability.name);
        break;
    case QUESTION_SOCKET:
        free(q->socket.domain);
        free(q->socket.type);
        free(q->socket.protocol);
        break;
    case QUESTION_MOUNT:
        free(q->mount.source);
        free(q->mount.fstype);
        break;
    case QUESTION_SYSCALL:
        free(q->syscall.name);
        break;
    case QUESTION_CONNECT:
    case QUESTION_PTRACE:
        break;
    }
    free(q->text);
    *q = (struct question){0};
}

static int parse_any(struct question *q, const char *word, const char *text, struct error **reterr)
{
    for (size_t i = 0; i < ARRAY_SIZE(other_words); i++)
        if (strcmp(other_words[i].word, word) == 0)
            return other_words[i].parse(q, word, text, reterr);
    if (find_path_word(word))
        return parse_path(q, word, text, reterr);
    return error_set(reterr, -EINVAL, "'%s' is not a question", error_quote(word));
}

int question_parse(struct question *ret, const char *word, const char *text, struct error **reterr)
{
    struct question q = {0};
    int r = parse_any(&q, word, text, reterr);

    if (r == 0 && asprintf(&q.text, "%s %s", word, text) < 0) {
        q.text = NULL;
        r = error_oom(reterr);
    }
    if (r < 0) {
        question_done(&q);
        return r == -ENOMEM ? r : error_wrap(reterr, r, "%s", word);
    }
    *ret = q;
    return 0;
}
