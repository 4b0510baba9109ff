/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/glob.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/match/pattern.h"
#include "lib/policy/words.h"

#define MAX_DEPTH 8 /* variables in the values of variables */
#define DIGIT     "[0-9]"
/* A process id: up to PID_MAX_LIMIT (4 million) of the kernel. */
#define PIDS                                                                                       \
    "{[1-9],[1-9]" DIGIT ",[1-9]" DIGIT DIGIT ",[1-9]" DIGIT DIGIT DIGIT                           \
    ",[1-9]" DIGIT DIGIT DIGIT DIGIT ",[1-9]" DIGIT DIGIT DIGIT DIGIT DIGIT                        \
    ",[1-4]" DIGIT DIGIT DIGIT DIGIT DIGIT DIGIT "}"

/* A variable stands behind those that it uses. */
const struct glob_variable glob_variables[] = {
    {"profile_name", NULL},
    {"varmor_disks", NULL},
    {"HOMEDIRS", "/home/"},
    {"HOME", "@{HOMEDIRS}/*/ /root/"},
    {"PROC", "/proc/"},
    {"multiarch", "*-linux-gnu*"},
    {"pid", PIDS},
    {"pids", "@{pid}"},
    {"tid", "@{pid}"},
    {"run", "/run/ /var/run/"},
    {"sys", "/sys/"},
    {"securityfs", "@{sys}/kernel/security/"},
    {"apparmorfs", "@{securityfs}/apparmor/"},
    {"etc_ro", "/etc/ /usr/etc/"},
    {"etc_rw", "/etc/"},
    {"XDG_DESKTOP_DIR", "Desktop"},
    {"XDG_DOWNLOAD_DIR", "Downloads"},
    {"XDG_TEMPLATES_DIR", "Templates"},
    {"XDG_PUBLICSHARE_DIR", "Public"},
    {"XDG_DOCUMENTS_DIR", "Documents"},
    {"XDG_MUSIC_DIR", "Music"},
    {"XDG_PICTURES_DIR", "Pictures"},
    {"XDG_VIDEOS_DIR", "Videos"},
};
const size_t glob_n_variables = ARRAY_SIZE(glob_variables);

size_t glob_variable_len(const char *text)
{
    const char *end;

    if (text[0] != '@' || text[1] != '{')
        return 0;
    end = strchr(text, '}');
    return end ? (size_t)(end - text) + 1 : 2;
}

static const struct glob_variable *find_variable(const char *text, size_t len)
{
    for (size_t i = 0; i < glob_n_variables; i++) {
        const char *name = glob_variables[i].name;

        if (strlen(name) == len - 3 && memcmp(text + 2, name, len - 3) == 0)
            return &glob_variables[i];
    }
    return NULL;
}

/* ---- checks ---- */

static int refuse_variable(const char *text, size_t len, struct error **reterr)
{
    CLEANUP_BUF struct buf known = BUF_INIT(1024);
    const char *near;
    char name[64];
    int r = 0;

    for (size_t i = 0; i < glob_n_variables && r == 0; i++)
        if (strcmp(glob_variables[i].name, "varmor_disks") != 0)
            r = buf_format(&known, "%s@{%s}", known.len > 0 ? ", " : "", glob_variables[i].name);
    if (r < 0)
        return r;
    snprintf(name, sizeof(name), "%.*s", len > 3 ? (int)MIN(len - 3, sizeof(name) - 1) : 0,
             text + 2);
    near =
        words_nearest(name, &glob_variables[0].name, glob_n_variables, sizeof(glob_variables[0]));
    if (near)
        return error_set(reterr, -EINVAL,
                         "'%s' is no variable that is known: %s; did you mean @{%s}?",
                         error_quote_n(text, len), buf_text(&known), near);
    return error_set(reterr, -EINVAL, "'%s' is no variable that is known: %s",
                     error_quote_n(text, len), buf_text(&known));
}

static int check_variable(const char *text, size_t len, enum rule_author author,
                          struct error **reterr)
{
    const struct glob_variable *variable;

    if (len < 4 || text[len - 1] != '}')
        return refuse_variable(text, len, reterr);
    variable = find_variable(text, len);
    if (!variable || (author == AUTHOR_USER && strcmp(variable->name, "varmor_disks") == 0))
        return refuse_variable(text, len, reterr);
    return 0;
}

/* The bytes of a set, "[" and "]" included; *ret_len of them. */
static int check_set(const char *text, size_t *ret_len, struct error **reterr)
{
    const char *s = text + 1;
    unsigned char low = 0;

    if (*s == '^')
        s++;
    if (*s == ']')
        return error_set(reterr, -EINVAL, "[] has no characters in it");
    for (; *s != ']'; s++) {
        bool escaped = *s == '\\' && s[1] != '\0';

        if (*s == '\0')
            return error_set(reterr, -EINVAL, "'[' is never closed");
        if (*s == '[' || *s == '{' || *s == '}' || *s == '@')
            return error_set(reterr, -EINVAL, "'%c' inside [] wants a backslash in front", *s);
        s += escaped;
        if ((unsigned char)*s >= 0x80)
            return error_set(reterr, -EINVAL,
                             "only ASCII characters inside []; use {x,y} for others");
        if (!escaped && *s == '-' && low != 0 && s[1] != ']') {
            s++;
            s += *s == '\\' && s[1] != '\0';
            if ((unsigned char)*s < low)
                return error_set(reterr, -EINVAL,
                                 "the range's end in '%s' comes before its beginning",
                                 error_quote_n(text, (size_t)(s - text) + 1));
            low = 0;
            continue;
        }
        low = (unsigned char)*s;
    }
    *ret_len = (size_t)(s - text) + 1;
    return 0;
}

static int check_braces(char c, bool *has_comma, unsigned *depth, struct error **reterr)
{
    if (c == '{') {
        if (*depth == GLOB_MAX_NESTING)
            return error_set(reterr, -EINVAL, "{} is nested more than %d deep", GLOB_MAX_NESTING);
        has_comma[(*depth)++] = false;
    } else if (c == ',' && *depth > 0) {
        has_comma[*depth - 1] = true;
    } else if (c == '}') {
        if (*depth == 0)
            return error_set(reterr, -EINVAL,
                             "'}' without '{'; write \\} for the character itself");
        if (!has_comma[--*depth])
            return error_set(reterr, -EINVAL, "{} wants at least two alternatives, as {a,b}");
    }
    return 0;
}

int glob_check(const char *glob, enum rule_author author, struct error **reterr)
{
    bool has_comma[GLOB_MAX_NESTING];
    unsigned depth = 0;
    size_t len;
    int r = 0;

    for (const char *s = glob; *s != '\0' && r == 0; s += len) {
        len = glob_variable_len(s);
        if (len > 0) {
            r = check_variable(s, len, author, reterr);
        } else if (*s == '\\') {
            len = s[1] != '\0' ? 2 : 1;
        } else if (*s == '[') {
            r = check_set(s, &len, reterr);
        } else if (*s == ']') {
            r = error_set(reterr, -EINVAL, "']' without '['; write \\] for the character itself");
        } else {
            len = 1;
            r = check_braces(*s, has_comma, &depth, reterr);
        }
    }
    if (r == 0 && depth > 0)
        r = error_set(reterr, -EINVAL, "'{' is never closed");
    return r;
}

bool glob_is_absolute(const char *glob)
{
    size_t len = glob_variable_len(glob);
    const struct glob_variable *variable = len > 3 ? find_variable(glob, len) : NULL;

    if (!variable)
        return glob[0] == '/';
    if (!variable->values)
        return strcmp(variable->name, "varmor_disks") == 0;
    return glob_is_absolute(variable->values);
}

/* ---- comparing ---- */

static int expand(const char *glob, size_t glob_len, unsigned depth, struct buf *out);

/* One value of a variable between what stands before and behind it: no slash is doubled. */
static int expand_value(const char *value, size_t len, bool behind_slash, bool before_slash,
                        unsigned depth, struct buf *out)
{
    if (behind_slash && len > 0 && value[0] == '/') {
        value++;
        len--;
    }
    if (before_slash && len > 0 && value[len - 1] == '/')
        len--;
    return expand(value, len, depth + 1, out);
}

static int expand_variable(const struct glob_variable *variable, bool before_slash, unsigned depth,
                           struct buf *out)
{
    bool behind_slash = out->len > 0 && out->data[out->len - 1] == '/';
    bool several = strchr(variable->values, ' ') != NULL;
    const char *value = variable->values;
    int r = several ? buf_add_text(out, "{") : 0;

    while (r == 0 && *value != '\0') {
        size_t len = strcspn(value, " ");

        r = expand_value(value, len, behind_slash, before_slash, depth, out);
        value += len + (value[len] == ' ');
        if (r == 0 && *value != '\0')
            r = buf_add_text(out, ",");
    }
    return r == 0 && several ? buf_add_text(out, "}") : r;
}

/* Replaces variables. One without values here stays: it matches nothing. */
static int expand(const char *glob, size_t glob_len, unsigned depth, struct buf *out)
{
    const char *end = glob + glob_len;
    int r = 0;

    if (depth > MAX_DEPTH)
        return -E2BIG;
    while (glob < end && r == 0) {
        size_t len = glob_variable_len(glob);
        const struct glob_variable *variable = len > 3 ? find_variable(glob, len) : NULL;

        if (variable && variable->values) {
            r = expand_variable(variable, glob + len < end && glob[len] == '/', depth, out);
        } else {
            len = glob[0] == '\\' && end - glob > 1 ? 2 : MAX(len, 1);
            if (glob[0] != '/' || out->len == 0 || out->data[out->len - 1] != '/')
                r = buf_add(out, glob, len);
        }
        glob += len;
    }
    return r;
}

/* A set may match '/' here; in a pattern it never does. *ret_len bytes of the glob. */
static int convert_set(const char *set, size_t *ret_len, struct buf *out)
{
    const char *s = set + 1;
    bool negated = *s == '^', slash = negated;
    CLEANUP_BUF struct buf rest = BUF_INIT(PATTERN_MAX_BYTES);
    int r = 0;

    for (s += negated; *s != ']' && *s != '\0' && r == 0; s++) {
        if (*s == '/')
            slash = !negated;
        else if (*s == '\\' && s[1] != '\0')
            r = buf_add(&rest, s++, 2);
        else
            r = buf_format(&rest, "%s%c", *s == '!' ? "\\" : "", *s);
    }
    *ret_len = (size_t)(s - set) + (*s == ']');
    if (r < 0)
        return r;
    if (rest.len == 0)
        return buf_add_text(out, negated ? "?" : "/");
    return buf_format(out, "%s[%s%s]%s", slash ? "{/," : "", negated ? "^" : "", buf_text(&rest),
                      slash ? "}" : "");
}

/* Stars, and what comes before and behind them. */
static int convert_stars(const char *glob, const char *s, size_t *ret_len, struct buf *out)
{
    bool behind_slash = s > glob && s[-1] == '/';

    *ret_len = strspn(s, "*");
    if (behind_slash && (s[*ret_len] == '/' || s[*ret_len] == '\0')) {
        int r = buf_add_text(out, "?");

        if (r < 0)
            return r;
    }
    return buf_add_text(out, *ret_len > 1 ? "**" : "*");
}

int glob_to_pattern(const char *glob, struct buf *out)
{
    CLEANUP_BUF struct buf expanded = BUF_INIT(PATTERN_MAX_BYTES);
    const char *text;
    size_t len;
    int r = expand(glob, strlen(glob), 0, &expanded);

    if (r < 0)
        return r;
    text = buf_text(&expanded);
    for (const char *s = text; *s != '\0' && r == 0; s += len) {
        len = *s == '\\' && s[1] != '\0' ? 2 : 1;
        if (*s == '[')
            r = convert_set(s, &len, out);
        else if (*s == '*')
            r = convert_stars(text, s, &len, out);
        else
            r = buf_add(out, s, len);
    }
    return r;
}

bool glob_matches(const char *glob, const char *name)
{
    CLEANUP_BUF struct buf text = BUF_INIT(PATTERN_MAX_BYTES);
    CLEANUP(pattern_free) struct pattern *pattern = NULL;

    if (glob_to_pattern(glob, &text) < 0 || pattern_parse(&pattern, buf_text(&text), NULL) < 0)
        return false;
    return pattern_matches(pattern, name, strlen(name));
}
