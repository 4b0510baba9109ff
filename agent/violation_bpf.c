/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/violation_bpf.h"

#include "agent/kernel_words.h"
#include "lib/json_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

const struct varmor_event *violation_bpf_check(const void *data, size_t size)
{
    const struct varmor_event *e = data;

    if (size < sizeof(*e) || e->text_len > VARMOR_EVENT_TEXT || e->text_len > size - sizeof(*e))
        return NULL;
    if (e->kind <= VARMOR_EVENT_NONE || e->kind >= VARMOR_N_EVENT_KINDS)
        return NULL;
    if (e->action != VARMOR_ACTION_DENIED && e->action != VARMOR_ACTION_AUDITED)
        return NULL;
    return e;
}

/* Appends ,"key":"text". */
static int add_text(struct buf *b, const char *key, const char *text, size_t len)
{
    int r = buf_format(b, ",\"%s\":", key);

    return r < 0 ? r : json_text_add(b, text, len);
}

/* Appends ,"key":[...] with the words of the bits that are set. */
static int add_words(struct buf *b, const char *key, uint32_t bits, const struct kernel_word *words)
{
    const char *comma = "";
    int r = buf_format(b, ",\"%s\":[", key);

    for (; r == 0 && words->word; words++) {
        if ((bits & words->bits) != words->bits)
            continue;
        bits &= ~words->bits;
        r = buf_format(b, "%s\"%s\"", comma, words->word);
        comma = ",";
    }
    return r < 0 ? r : buf_add_text(b, "]");
}

static int add_path(struct buf *b, const struct varmor_event *e)
{
    return add_text(b, "path", (const char *)(e + 1), e->text_len);
}

static int format_file(struct buf *b, const struct varmor_event *e)
{
    bool is_exec = e->kind == VARMOR_EVENT_EXEC;
    int r = buf_format(b, "\"operation\":\"%s\"", is_exec ? "Bprm" : "File");

    if (r == 0)
        r = add_words(b, "permissions", is_exec ? VARMOR_MAY_EXEC : e->permissions,
                      kernel_words_file);
    return r < 0 ? r : add_path(b, e);
}

static int format_capability(struct buf *b, const struct varmor_event *e)
{
    return buf_format(b, "\"operation\":\"Capability\",\"capability\":\"%s\"",
                      kernel_word_capability(e->capability));
}

static int format_socket(struct buf *b, const struct varmor_event *e)
{
    int r = buf_format(b, "\"operation\":\"Network\",\"type\":\"socket\",\"socket\":{");

    if (r == 0)
        r = buf_format(b, "\"domain\":\"%s\",\"type\":\"%s\",\"protocol\":\"%s\"},",
                       kernel_word_family(e->domain), kernel_word_socket_type(e->type),
                       kernel_word_protocol(e->domain, e->protocol));
    if (r == 0)
        r = buf_format(b, "\"address\":{\"ip\":\"\",\"port\":0},\"domain\":%u,\"protocol\":%u",
                       e->domain, e->protocol);
    return r;
}

static int format_connect(struct buf *b, const struct varmor_event *e)
{
    char ip[INET6_ADDRSTRLEN] = "";
    int r;

    if (e->family == VARMOR_FAMILY_IPV4)
        inet_ntop(AF_INET, e->addr, ip, sizeof(ip));
    else if (e->family == VARMOR_FAMILY_IPV6)
        inet_ntop(AF_INET6, e->addr, ip, sizeof(ip));
    r = buf_format(b, "\"operation\":\"Network\",\"type\":\"connect\",\"socket\":{\"domain\":\"\","
                      "\"type\":\"\",\"protocol\":\"\"},");
    if (r == 0)
        r = buf_format(b, "\"address\":{\"ip\":\"%s\",\"port\":%u},\"ip\":\"%s\",\"port\":%u", ip,
                       e->port, ip, e->port);
    return r;
}

static int format_ptrace(struct buf *b, const struct varmor_event *e)
{
    const char *word = "unknown";
    int r;

    for (const struct kernel_word *w = kernel_words_ptrace; w->word; w++)
        if (e->permissions & w->bits) {
            word = w->word;
            break;
        }
    r = buf_format(b, "\"operation\":\"Ptrace\",\"permission\":\"%s\",\"external\":%s", word,
                   e->external ? "true" : "false");
    return r < 0 ? r : buf_format(b, ",\"permissions\":[\"%s\"]", word);
}

static int format_mount(struct buf *b, const struct varmor_event *e)
{
    int r = buf_add_text(b, "\"operation\":\"Mount\"");

    if (r == 0)
        r = add_path(b, e);
    if (r == 0)
        r = add_text(b, "type", e->fstype, strnlen(e->fstype, sizeof(e->fstype)));
    if (r == 0)
        r = add_words(b, "flags", e->mount_flags, kernel_words_mount_flags);
    if (r == 0)
        r = add_text(b, "devName", (const char *)(e + 1), e->text_len);
    return r;
}

/* Why an access that could not be judged could not; "" for one that was. */
static const char *cause_word(uint32_t cause)
{
    switch (cause) {
    case VARMOR_STAT_TOO_DEEP:
        return "path too deep";
    case VARMOR_STAT_UNREADABLE:
        return "kernel memory unreadable";
    case VARMOR_STAT_NO_SCRATCH:
        return "no memory to judge in";
    case VARMOR_STAT_NO_IMAGE:
        return "profile image missing";
    case VARMOR_STAT_BAD_IMAGE:
        return "profile image damaged";
    default:
        return "";
    }
}

/* What every kind has: who did it, and what is special about the record. */
static int format_tail(struct buf *b, const struct varmor_event *e)
{
    const char *cause = cause_word(e->cause);
    int r = add_text(b, "comm", e->comm, strnlen(e->comm, sizeof(e->comm)));

    if (r == 0)
        r = buf_format(b, ",\"uid\":%u", e->uid);
    if (r == 0 && cause[0])
        r = buf_format(b, ",\"cause\":\"%s\"", cause);
    if (r == 0 && e->text_cut)
        r = buf_add_text(b, ",\"cut\":true");
    return r < 0 ? r : buf_add_text(b, "}");
}

int violation_bpf_format(struct buf *b, const struct varmor_event *e)
{
    static int (*const formats[])(struct buf *, const struct varmor_event *) = {
        [VARMOR_EVENT_FILE] = format_file,
        [VARMOR_EVENT_EXEC] = format_file,
        [VARMOR_EVENT_CAPABILITY] = format_capability,
        [VARMOR_EVENT_SOCKET] = format_socket,
        [VARMOR_EVENT_CONNECT] = format_connect,
        [VARMOR_EVENT_PTRACE] = format_ptrace,
        [VARMOR_EVENT_MOUNT] = format_mount,
    };
    int r = buf_add_text(b, "{");

    _Static_assert(ARRAY_SIZE(formats) == VARMOR_N_EVENT_KINDS, "a format for each kind");
    if (r == 0)
        r = formats[e->kind](b, e);
    return r < 0 ? r : format_tail(b, e);
}
