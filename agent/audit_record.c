/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit_record.h"

#include <errno.h>
#include <string.h>

#define ENRICHED 0x1d /* behind it auditd tells names of numbers, which we do not need */

/* The fields that the kernel writes as hexadecimal when their text is not plain. */
static const char *const hex_keys[] = {
    "comm",   "name",  "profile", "namespace", "label", "peer",    "target",    "srcname",
    "fstype", "trans", "options", "exe",       "addr",  "capname", "peer_addr",
};

/* What the kernel writes in their place when there is no text. */
static const char *const absent_words[] = {"none", "(null)", "?"};

/* What is being read: a part of the record's own copy, or of the caller's text. */
struct span {
    const char *at, *end;
};

static bool span_skip(struct span *s, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return false;
    s->at += len;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes a run of at most 19 digits, which fits. False if there is none. */
static bool span_number(struct span *s, uint64_t *ret)
{
    const char *start = s->at;
    uint64_t n = 0;

    while (s->at < s->end && is_digit(*s->at) && s->at - start < 19)
        n = n * 10 + (uint64_t)(*s->at++ - '0');
    *ret = n;
    return s->at > start && (s->at == s->end || !is_digit(*s->at));
}

static void span_spaces(struct span *s)
{
    while (s->at < s->end && *s->at == ' ')
        s->at++;
}

/* Takes everything up to a space or the end. */
static struct audit_text span_word(struct span *s)
{
    const char *start = s->at;

    while (s->at < s->end && *s->at != ' ')
        s->at++;
    return (struct audit_text){.data = start, .len = (size_t)(s->at - start)};
}

bool audit_text_equal(struct audit_text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

static bool is_one_of(struct audit_text text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (audit_text_equal(text, words[i]))
            return true;
    }
    return false;
}

/* ---- values ---- */

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes in place: at points into the record's copy. False if it is not hexadecimal. */
static bool decode_hex(char *at, size_t len)
{
    if (len % 2 != 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (hex_digit(at[i]) < 0)
            return false;
    }
    for (size_t i = 0; i < len / 2; i++)
        at[i] = (char)(hex_digit(at[2 * i]) * 16 + hex_digit(at[2 * i + 1]));
    return true;
}

/* The end of the text is moved back over what is no part of the record. */
static void trim_end(struct span *s)
{
    const char *enriched = memchr(s->at, ENRICHED, (size_t)(s->end - s->at));

    if (enriched)
        s->end = enriched;
    while (s->end > s->at &&
           (s->end[-1] == ' ' || s->end[-1] == '\n' || s->end[-1] == '\r' || s->end[-1] == '\0'))
        s->end--;
}

static bool read_quoted(struct span *s, struct audit_field *f)
{
    const char *close = memchr(s->at + 1, '"', (size_t)(s->end - s->at - 1));

    if (!close)
        return false;
    f->value = (struct audit_text){.data = s->at + 1, .len = (size_t)(close - s->at - 1)};
    s->at = close + 1;
    return s->at == s->end || *s->at == ' ';
}

static void read_bare(struct span *s, struct audit_field *f)
{
    f->value = span_word(s);
    if (!is_one_of(f->key, hex_keys, ARRAY_SIZE(hex_keys)) ||
        is_one_of(f->value, absent_words, ARRAY_SIZE(absent_words)))
        return;
    if (decode_hex((char *)f->value.data, f->value.len))
        f->value.len /= 2;
    else
        f->undecoded = true;
}

/* A security label of seccomp's records is not quoted and may have spaces: it ends before the next
 * field, which is always the pid. */
static bool read_subject(struct span *s, struct audit_field *f)
{
    static const char next[] = " pid=";
    const char *end = memmem(s->at, (size_t)(s->end - s->at), next, strlen(next));

    if (!end)
        return false;
    f->value = (struct audit_text){.data = s->at, .len = (size_t)(end - s->at)};
    s->at = end;
    return true;
}

static bool is_key_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-';
}

static bool read_field(struct span *s, unsigned type, struct audit_field *f)
{
    const char *start = s->at;

    while (s->at < s->end && is_key_byte(*s->at))
        s->at++;
    f->key = (struct audit_text){.data = start, .len = (size_t)(s->at - start)};
    f->undecoded = false;
    if (f->key.len == 0 || s->at == s->end || *s->at != '=')
        return false;
    s->at++;
    if (type == AUDIT_RECORD_SECCOMP && audit_text_equal(f->key, "subj"))
        return read_subject(s, f);
    if (s->at < s->end && *s->at == '"')
        return read_quoted(s, f);
    read_bare(s, f);
    return true;
}

static int read_fields(struct audit_record *r, struct span s)
{
    r->n_fields = 0;
    for (;;) {
        span_spaces(&s);
        if (s.at == s.end)
            return AUDIT_READ;
        if (r->n_fields == AUDIT_RECORD_MAX_FIELDS ||
            !read_field(&s, r->type, &r->fields[r->n_fields]))
            return -EBADMSG;
        r->n_fields++;
    }
}

/* ---- the head ---- */

/* "audit(1740366282.121:674):" */
static bool read_id(struct audit_record *r, struct span *s)
{
    uint64_t milliseconds;
    const char *start;

    if (!span_skip(s, "audit("))
        return false;
    start = s->at;
    if (!span_number(s, &r->seconds) || !span_skip(s, ".") || !span_number(s, &milliseconds) ||
        milliseconds > 999 || !span_skip(s, ":") || !span_number(s, &r->serial))
        return false;
    r->milliseconds = (unsigned)milliseconds;
    r->id = (struct audit_text){.data = start, .len = (size_t)(s->at - start)};
    return span_skip(s, "):");
}

/* What every record of ours has; without it the record was cut off where a field ended. */
static bool is_whole(const struct audit_record *r)
{
    static const char *const apparmor[] = {"apparmor", "operation", "pid", "comm"};
    static const char *const seccomp[] = {"pid", "arch", "syscall", "code"};
    bool of_apparmor = r->type == AUDIT_RECORD_APPARMOR;

    for (size_t i = 0; i < ARRAY_SIZE(apparmor); i++) {
        if (!audit_record_has(r, of_apparmor ? apparmor[i] : seccomp[i]))
            return false;
    }
    return true;
}

int audit_record_read_message(struct audit_record *ret, unsigned type, const char *text, size_t len)
{
    bool wanted = type == AUDIT_RECORD_APPARMOR || type == AUDIT_RECORD_SECCOMP;
    struct span s;
    int r;

    ret->type = type;
    ret->n_fields = 0;
    if (!wanted) /* the head is enough */
        len = MIN(len, 64);
    if (len > sizeof(ret->text))
        return -EBADMSG;
    memcpy(ret->text, text, len);
    s = (struct span){.at = ret->text, .end = ret->text + len};
    if (!read_id(ret, &s))
        return wanted ? -EBADMSG : AUDIT_NOTHING;
    if (!wanted)
        return AUDIT_OTHER;
    trim_end(&s);
    span_spaces(&s);
    /* other security modules share the type ("avc:  denied", "lsm=SMACK") */
    if (type == AUDIT_RECORD_APPARMOR && !span_skip(&(struct span){s.at, s.end}, "apparmor="))
        return AUDIT_OTHER;
    r = read_fields(ret, s);
    return r == AUDIT_READ && !is_whole(ret) ? -EBADMSG : r;
}

/* ---- envelopes ---- */

/* "type=1400 audit(..." as the kernel log has it */
static int read_printed(struct audit_record *ret, struct span s)
{
    uint64_t type;

    if (!span_skip(&s, "audit: type=") || !span_number(&s, &type) || type > UINT16_MAX ||
        !span_skip(&s, " "))
        return AUDIT_NOTHING;
    return audit_record_read_message(ret, (unsigned)type, s.at, (size_t)(s.end - s.at));
}

/* The kernel log writes a control byte, a byte over 0x7e and a backslash as "\xHH" in lower case.
 * Returns the length of the text in out, or 0 if it does not fit. */
static size_t unescape(char *out, size_t max, struct span s)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;

    while (s.at < s.end) {
        const char *high = NULL, *low = NULL;

        if (n == max)
            return 0;
        if (s.end - s.at >= 4 && s.at[0] == '\\' && s.at[1] == 'x' && s.at[2] && s.at[3]) {
            high = strchr(digits, s.at[2]);
            low = strchr(digits, s.at[3]);
        }
        out[n++] = high && low ? (char)((high - digits) * 16 + (low - digits)) : *s.at;
        s.at += high && low ? 4 : 1;
    }
    return n;
}

int audit_record_read_kmsg(struct audit_record *ret, const char *text, size_t len)
{
    struct span s = {.at = text, .end = text + len};
    const char *newline = memchr(text, '\n', len), *head_end;
    char plain[AUDIT_RECORD_MAX];
    uint64_t priority;
    size_t n;

    if (newline) /* behind it are lines about the device that a message is of */
        s.end = newline;
    head_end = memchr(s.at, ';', (size_t)(s.end - s.at));
    if (!head_end || !span_number(&s, &priority) || priority >> 3 != 0 || !span_skip(&s, ","))
        return AUDIT_NOTHING;
    s.at = head_end + 1;
    if (!span_skip(&(struct span){s.at, s.end}, "audit: type="))
        return AUDIT_NOTHING;
    n = unescape(plain, sizeof(plain), s);
    return n > 0 ? read_printed(ret, (struct span){plain, plain + n}) : -EBADMSG;
}

/* auditd's names of the types that are read, and any other name. */
static int read_auditd(struct audit_record *ret, struct span s)
{
    struct audit_text name;
    unsigned type = 0;

    if (span_skip(&s, "node=")) {
        span_word(&s);
        span_spaces(&s);
    }
    if (!span_skip(&s, "type="))
        return AUDIT_NOTHING;
    name = span_word(&s);
    if (!span_skip(&s, " msg="))
        return AUDIT_NOTHING;
    if (audit_text_equal(name, "AVC") || audit_text_equal(name, "1400"))
        type = AUDIT_RECORD_APPARMOR;
    else if (audit_text_equal(name, "SECCOMP") || audit_text_equal(name, "1326"))
        type = AUDIT_RECORD_SECCOMP;
    else if (name.len >= 6 && memcmp(name.data, "DAEMON", 6) == 0)
        return AUDIT_NOTHING; /* auditd's own, with serials of its own */
    return audit_record_read_message(ret, type, s.at, (size_t)(s.end - s.at));
}

/* "Jan  4 18:02:26 host kernel: " or "2026-01-04T18:02:26.1+00:00 host kernel: ": the tag must stand
 * where a syslog daemon puts it. */
static bool skip_syslog_head(struct span *s)
{
    uint64_t day;

    if (s->at < s->end && !is_digit(*s->at)) { /* month, day */
        if (span_word(s).len != 3)
            return false;
        span_spaces(s);
        if (!span_number(s, &day) || day == 0 || day > 31)
            return false;
        span_spaces(s);
    }
    if (!memchr(s->at, ':', span_word(&(struct span){s->at, s->end}).len))
        return false;
    span_word(s);
    span_spaces(s);
    span_word(s); /* the host */
    return span_skip(s, " kernel: ");
}

/* "[21789599.565170][   T55] ", both parts optional */
static bool skip_printk_time(struct span *s)
{
    for (int i = 0; i < 2 && s->at < s->end && *s->at == '['; i++) {
        const char *close = memchr(s->at, ']', (size_t)(s->end - s->at));

        if (!close)
            return false;
        for (const char *p = s->at + 1; p < close; p++) {
            if (!is_digit(*p) && *p != '.' && *p != ' ' && *p != 'T' && *p != 'C')
                return false;
        }
        s->at = close + 1;
    }
    span_spaces(s);
    return true;
}

int audit_record_read_line(struct audit_record *ret, const char *line, size_t len)
{
    struct span s = {.at = line, .end = line + len}, head;
    uint64_t priority;

    if (span_skip(&(struct span){s.at, s.end}, "type=") ||
        span_skip(&(struct span){s.at, s.end}, "node="))
        return read_auditd(ret, s);
    if (span_skip(&s, "<") && (!span_number(&s, &priority) || !span_skip(&s, ">")))
        return AUDIT_NOTHING;
    head = s;
    if (head.at < head.end && *head.at != '[' && *head.at != 'a' && !skip_syslog_head(&s))
        return AUDIT_NOTHING;
    return skip_printk_time(&s) ? read_printed(ret, s) : AUDIT_NOTHING;
}

/* ---- queries ---- */

static const struct audit_field *find(const struct audit_record *r, const char *key)
{
    size_t len = strlen(key);

    for (size_t i = 0; i < r->n_fields; i++) {
        if (r->fields[i].key.len == len && memcmp(r->fields[i].key.data, key, len) == 0)
            return &r->fields[i];
    }
    return NULL;
}

struct audit_text audit_record_get(const struct audit_record *r, const char *key)
{
    const struct audit_field *f = find(r, key);

    return f ? f->value : (struct audit_text){.data = "", .len = 0};
}

bool audit_record_has(const struct audit_record *r, const char *key)
{
    return find(r, key) != NULL;
}

bool audit_record_number(const struct audit_record *r, const char *key, uint64_t *ret)
{
    struct audit_text text = audit_record_get(r, key);
    struct span s = {.at = text.data, .end = text.data + text.len};
    uint64_t n;

    span_skip(&s, "-");
    if (!span_number(&s, &n) || s.at != s.end)
        return false;
    *ret = n;
    return true;
}

bool audit_record_hex(const struct audit_record *r, const char *key, uint32_t *ret)
{
    struct audit_text text = audit_record_get(r, key);
    struct span s = {.at = text.data, .end = text.data + text.len};
    uint32_t n = 0;

    span_skip(&s, "0x");
    if (s.at == s.end || s.end - s.at > 8)
        return false;
    for (; s.at < s.end; s.at++) {
        char c = *s.at >= 'a' && *s.at <= 'f' ? (char)(*s.at - 'a' + 'A') : *s.at;

        if (hex_digit(c) < 0)
            return false;
        n = n * 16 + (uint32_t)hex_digit(c);
    }
    *ret = n;
    return true;
}

uint64_t audit_record_time_ns(const struct audit_record *r)
{
    return r->seconds * NS_PER_SEC + r->milliseconds * NS_PER_MSEC;
}
