/* SPDX-License-Identifier: Apache-2.0 */
#include "test/verdicts/verdict_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpf/varmor_shared.h"

#define MAX_FIELDS 8
#define MAX_LINE   8192

struct reader {
    struct verdict_table *table;    /* borrowed */
    const char *fields[MAX_FIELDS]; /* of the line at hand; missing ones are "" */
    size_t n_fields;
    unsigned line;
};

struct word {
    const char *text;
    unsigned value;
};

struct verdict_table *verdict_table_free(struct verdict_table *t)
{
    if (!t)
        return NULL;
    for (size_t i = 0; i < t->n_profiles; i++) {
        struct verdict_profile *p = &t->profiles[i];

        for (size_t j = 0; j < p->n_asks; j++) {
            free(p->asks[j].text);
            free(p->asks[j].fstype);
        }
        free(p->asks);
        profile_unref(p->profile);
    }
    free(t->profiles);
    free(t);
    return NULL;
}

static bool parse_number(const char *text, uint32_t max, uint32_t *ret)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 0);
    if (errno || end == text || *end || n > max)
        return false;
    *ret = (uint32_t)n;
    return true;
}

static bool parse_word(const char *text, size_t len, const struct word *words, size_t n_words,
                       unsigned *ret)
{
    for (size_t i = 0; i < n_words; i++)
        if (strlen(words[i].text) == len && strncmp(words[i].text, text, len) == 0) {
            *ret = words[i].value;
            return true;
        }
    return false;
}

/* A list of words and numbers, separated by commas: the OR of the words' values and of 1 << number.
 * "-": 0. */
static bool parse_list(const char *text, const struct word *words, size_t n_words, uint64_t *ret)
{
    uint64_t bits = 0;

    while (strcmp(text, "-") != 0) {
        size_t len = strcspn(text, ",");
        unsigned value;
        char number[16];
        uint32_t n;

        if (parse_word(text, len, words, n_words, &value)) {
            bits |= value;
        } else {
            snprintf(number, sizeof(number), "%.*s", (int)len, text);
            if (!parse_number(number, 63, &n))
                return false;
            bits |= 1ULL << n;
        }
        if (!text[len])
            break;
        text += len + 1;
    }
    *ret = bits;
    return true;
}

static bool parse_mode(const char *text, unsigned *ret)
{
    static const struct word modes[] = {{"none", 0},
                                        {"allow", 0},
                                        {"deny", RULE_DENY},
                                        {"audit", RULE_AUDIT},
                                        {"deny+audit", RULE_DENY | RULE_AUDIT}};

    return parse_word(text, strlen(text), modes, ARRAY_SIZE(modes), ret);
}

static bool parse_block(const char *text, struct addr *ret)
{
    if (strcmp(text, "-") == 0) {
        *ret = (struct addr){0};
        return true;
    }
    return strchr(text, '/') ? addr_parse_block(ret, text) == 0 : addr_parse(ret, text) == 0;
}

static bool parse_ports(const char *text, struct rule *rule)
{
    size_t room = strlen(text);

    rule->egress.ports = calloc(room + 1, sizeof(*rule->egress.ports));
    if (!rule->egress.ports)
        return false;
    while (strcmp(text, "-") != 0) {
        struct port_range *p = &rule->egress.ports[rule->egress.n_ports++];
        size_t len = strcspn(text, ",");
        unsigned first, last;
        int n = 0;

        if (sscanf(text, "%u-%u%n", &first, &last, &n) != 2 || (size_t)n != len) {
            if (sscanf(text, "%u%n", &first, &n) != 1 || (size_t)n != len)
                return false;
            last = first;
        }
        *p = (struct port_range){.first = (uint16_t)first, .last = (uint16_t)last};
        if (!text[len])
            break;
        text += len + 1;
    }
    return true;
}

static const struct word ptrace_words[] = {{"trace", PTRACE_TRACE},
                                           {"read", PTRACE_READ},
                                           {"traceby", PTRACE_TRACEBY},
                                           {"readby", PTRACE_READBY}};

static bool read_path_rule(struct rule *rule, const char *permissions, const char *pattern)
{
    static const char letters[] = "xwra"; /* in the order of enum path_permission_bit */

    for (; *permissions; permissions++) {
        const char *found = strchr(letters, *permissions);

        if (!found)
            return false;
        rule->path.permissions |= 1u << (found - letters);
    }
    rule->path.pattern = strdup(pattern);
    return rule->path.pattern != NULL;
}

static bool read_socket_rule(struct rule *rule, char *const fields[3])
{
    static const struct word protocols[] = {
        {"icmp", SOCKET_ICMP}, {"tcp", SOCKET_TCP}, {"udp", SOCKET_UDP}};
    uint64_t types, bits;

    if (!parse_list(fields[0], NULL, 0, &rule->socket.domains) ||
        !parse_list(fields[1], NULL, 0, &types) ||
        !parse_list(fields[2], protocols, ARRAY_SIZE(protocols), &bits))
        return false;
    rule->socket.types = (uint32_t)types;
    rule->socket.protocols = (uint32_t)bits;
    return true;
}

static bool read_mount_rule(struct rule *rule, char *const fields[4])
{
    rule->mount.pattern = strdup(fields[0]);
    rule->mount.fstype = strdup(fields[1]);
    return rule->mount.pattern && rule->mount.fstype &&
           parse_number(fields[2], UINT32_MAX, &rule->mount.flags) &&
           parse_number(fields[3], UINT32_MAX, &rule->mount.reverse_flags);
}

/* "rule KIND MODE ...": true if all of it was understood. */
static bool read_rule(struct reader *rd, struct profile *p)
{
    char *const *f = (char *const *)rd->fields;
    char origin[32];
    enum rule_kind kind = RULE_NONE;
    struct rule *rule;
    unsigned mode;
    uint64_t bits;

    for (unsigned k = RULE_NONE + 1; k < RULE_KINDS; k++)
        if (strcmp(f[1], rule_kind_name(k)) == 0)
            kind = k;
    snprintf(origin, sizeof(origin), "line %u", rd->line);
    if (kind == RULE_NONE || !parse_mode(f[2], &mode))
        return false;
    rule = profile_add_rule(p, kind, mode, origin);
    if (!rule)
        return false;
    switch (kind) {
    case RULE_FILE:
        return read_path_rule(rule, f[3], f[4]);
    case RULE_EXEC:
        return read_path_rule(rule, "x", f[3]);
    case RULE_CAPABILITY:
        return parse_list(f[3], NULL, 0, &rule->capability.mask);
    case RULE_SOCKET:
        return read_socket_rule(rule, f + 3);
    case RULE_EGRESS:
        return parse_block(f[3], &rule->egress.block) && parse_ports(f[4], rule);
    case RULE_PTRACE:
        rule->ptrace.strict = strcmp(f[4], "strict") == 0;
        if (!parse_list(f[3], ptrace_words, ARRAY_SIZE(ptrace_words), &bits))
            return false;
        rule->ptrace.permissions = (unsigned)bits;
        return true;
    case RULE_MOUNT:
        return read_mount_rule(rule, f + 3);
    default:
        return false;
    }
}

/* The fields between "ask" and "=". */
static bool read_question(const struct reader *rd, struct verdict_ask *a)
{
    static const struct word words[] = {
        {"exec", VARMOR_MAY_EXEC},     {"write", VARMOR_MAY_WRITE},
        {"read", VARMOR_MAY_READ},     {"append", VARMOR_MAY_APPEND},
        {"create", VARMOR_MAY_CREATE}, {"delete", VARMOR_MAY_DELETE},
        {"rename", VARMOR_MAY_RENAME}, {"link", VARMOR_MAY_LINK},
        {"chmod", VARMOR_MAY_CHMOD},   {"truncate", VARMOR_MAY_TRUNCATE},
        {"chown", VARMOR_MAY_CHOWN},   {"setattr", VARMOR_MAY_SETATTR},
    };
    const char *const *f = rd->fields;

    if (parse_word(f[1], strlen(f[1]), words, ARRAY_SIZE(words), &a->asked)) {
        a->kind = VERDICT_ASK_PATH;
        a->text = strdup(f[2]);
        return a->text != NULL;
    }
    if (strcmp(f[1], "capability") == 0) {
        a->kind = VERDICT_ASK_CAPABILITY;
        return parse_number(f[2], 63, &a->numbers[0]);
    }
    if (strcmp(f[1], "socket") == 0) {
        a->kind = VERDICT_ASK_SOCKET;
        return parse_number(f[2], UINT32_MAX, &a->numbers[0]) &&
               parse_number(f[3], UINT32_MAX, &a->numbers[1]) &&
               parse_number(f[4], UINT32_MAX, &a->numbers[2]);
    }
    if (strcmp(f[1], "connect") == 0) {
        a->kind = VERDICT_ASK_CONNECT;
        return parse_block(f[2], &a->addr) && parse_number(f[3], UINT16_MAX, &a->numbers[0]);
    }
    if (strcmp(f[1], "ptrace") == 0) {
        a->kind = VERDICT_ASK_PTRACE;
        a->external = strcmp(f[3], "external") == 0;
        return parse_word(f[2], strlen(f[2]), ptrace_words, ARRAY_SIZE(ptrace_words), &a->asked);
    }
    if (strcmp(f[1], "mount") == 0) {
        a->kind = VERDICT_ASK_MOUNT;
        a->text = strdup(f[2]);
        a->fstype = strdup(f[3]);
        return a->text && a->fstype && parse_number(f[4], UINT32_MAX, &a->numbers[0]);
    }
    return false;
}

static bool read_ask(struct reader *rd, struct verdict_profile *p)
{
    size_t equals = 0;
    struct verdict_ask *asks = reallocarray(p->asks, p->n_asks + 1, sizeof(*asks));
    struct verdict_ask *a;
    uint32_t rule = VARMOR_NO_RULE;

    if (!asks)
        return false;
    p->asks = asks;
    a = &asks[p->n_asks++];
    *a = (struct verdict_ask){.line = rd->line};
    while (equals < rd->n_fields && strcmp(rd->fields[equals], "=") != 0)
        equals++;
    if (equals + 1 >= rd->n_fields || !parse_mode(rd->fields[equals + 1], &a->mode))
        return false;
    if (a->mode && (equals + 2 >= rd->n_fields ||
                    !parse_number(rd->fields[equals + 2], VARMOR_MAX_RULES - 1, &rule)))
        return false;
    a->rule = rule;
    return read_question(rd, a);
}

static bool read_profile(struct reader *rd)
{
    struct verdict_table *t = rd->table;
    struct verdict_profile *profiles =
        reallocarray(t->profiles, t->n_profiles + 1, sizeof(*profiles));
    struct verdict_profile *p;

    if (!profiles)
        return false;
    t->profiles = profiles;
    p = &profiles[t->n_profiles++];
    *p = (struct verdict_profile){.profile = profile_new()};
    if (!p->profile)
        return false;
    p->profile->complain = strcmp(rd->fields[2], "complain") == 0;
    p->profile->name = strdup(rd->fields[1]);
    return p->profile->name != NULL;
}

/* Cuts a line into fields; "" stands for the empty text. False: too many. */
static bool split_line(struct reader *rd, char *line)
{
    char *rest = line, *field;

    rd->n_fields = 0;
    for (size_t i = 0; i < MAX_FIELDS; i++)
        rd->fields[i] = "";
    while ((field = strsep(&rest, " \t\n")) != NULL) {
        if (!*field)
            continue;
        if (rd->n_fields == MAX_FIELDS)
            return false;
        rd->fields[rd->n_fields++] = strcmp(field, "\"\"") == 0 ? "" : field;
    }
    return true;
}

static bool read_line(struct reader *rd, char *line)
{
    struct verdict_profile *last;

    if (line[0] == '#')
        return true;
    if (!split_line(rd, line))
        return false;
    if (rd->n_fields == 0)
        return true;
    if (strcmp(rd->fields[0], "profile") == 0)
        return read_profile(rd);
    if (rd->table->n_profiles == 0)
        return false;
    last = &rd->table->profiles[rd->table->n_profiles - 1];
    if (strcmp(rd->fields[0], "rule") == 0)
        return read_rule(rd, last->profile);
    return strcmp(rd->fields[0], "ask") == 0 && read_ask(rd, last);
}

static int read_file(struct reader *rd, FILE *file, const char *path, struct error **reterr)
{
    char line[MAX_LINE];

    while (fgets(line, sizeof(line), file)) {
        CLEANUP_FREE char *shown = strdup(line);

        rd->line++;
        if (!read_line(rd, line))
            return error_set(reterr, -EINVAL, "%s:%u: not understood: '%s'", path, rd->line,
                             shown ? error_quote(shown) : "");
    }
    return 0;
}

int verdict_table_read(struct verdict_table **ret, const char *path, struct error **reterr)
{
    CLEANUP(verdict_table_free) struct verdict_table *t = calloc(1, sizeof(*t));
    struct reader rd = {.table = t};
    FILE *file;
    int r;

    if (!t)
        return error_oom(reterr);
    file = fopen(path, "re");
    if (!file) {
        error_errno(reterr, errno, "%s", path);
        return -EIO;
    }
    r = read_file(&rd, file, path, reterr);
    fclose(file);
    if (r < 0)
        return r;
    *ret = TAKE(t);
    return 0;
}
