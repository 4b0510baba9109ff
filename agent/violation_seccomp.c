/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/violation_seccomp.h"

#include "lib/json_text.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <limits.h>
#include <string.h>

#define X32_BIT 0x40000000

static const struct {
    uint32_t code;
    enum sc_action verdict;
    enum violation_action action;
    const char *word;
} codes[] = {
    {SECCOMP_RET_KILL_PROCESS, SC_KILL_PROCESS, VIOLATION_DENIED, "kill_process"},
    {SECCOMP_RET_KILL_THREAD, SC_KILL_THREAD, VIOLATION_DENIED, "kill_thread"},
    {SECCOMP_RET_TRAP, SC_TRAP, VIOLATION_DENIED, "trap"},
    {SECCOMP_RET_ERRNO, SC_ERRNO, VIOLATION_DENIED, "errno"},
    {SECCOMP_RET_USER_NOTIF, SC_NOTIFY, VIOLATION_AUDITED_OR_ALLOWED, "user_notif"},
    {SECCOMP_RET_TRACE, SC_TRACE, VIOLATION_AUDITED_OR_ALLOWED, "trace"},
    {SECCOMP_RET_LOG, SC_LOG, VIOLATION_AUDITED_OR_ALLOWED, "log"},
    {SECCOMP_RET_ALLOW, SC_ALLOW, VIOLATION_AUDITED_OR_ALLOWED, "allow"},
};

/* What a call is of that is not of the machine's own kind. */
static const char *foreign_arch(uint32_t arch, int call, bool compat)
{
    if (arch == AUDIT_ARCH_X86_64)
        return call > 0 && call & X32_BIT ? "x32" : NULL;
    if (!compat)
        return NULL;
    return arch == AUDIT_ARCH_I386 ? "i386" : arch == AUDIT_ARCH_ARM ? "arm" : "other";
}

/* A program may make calls of any number, negative ones too: they are none of the table's. */
static bool read_call(const struct audit_record *r, int *ret)
{
    bool negative = audit_record_get(r, "syscall").data[0] == '-';
    uint64_t number;

    if (!audit_record_number(r, "syscall", &number) || number > (uint64_t)INT_MAX + negative)
        return false;
    *ret = (int)(negative ? -(int64_t)number : (int64_t)number);
    return true;
}

int violation_seccomp_read(const struct audit_record *r, struct violation_seccomp *ret)
{
    uint64_t compat = 0;
    uint32_t arch, code;
    int call;

    if (!audit_record_hex(r, "arch", &arch) || !audit_record_hex(r, "code", &code) ||
        !read_call(r, &call))
        return -EBADMSG;
    audit_record_number(r, "compat", &compat);
    *ret = (struct violation_seccomp){.arch = foreign_arch(arch, call, compat != 0)};
    sc_syscall_name(arch, call, ret->call);
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        if (codes[i].code != (code & SECCOMP_RET_ACTION_FULL))
            continue;
        ret->action = codes[i].action;
        ret->verdict = codes[i].verdict;
        ret->code = codes[i].word;
        if (ret->verdict == SC_ERRNO)
            ret->errno_ret = code & SECCOMP_RET_DATA;
        return 0;
    }
    return -EBADMSG;
}

/* A label may come with a second "=" in front. */
static struct audit_text subject(const struct audit_record *r)
{
    struct audit_text s = audit_record_get(r, "subj");

    if (s.len > 0 && s.data[0] == '=')
        return (struct audit_text){s.data + 1, s.len - 1};
    return s;
}

static int add_key_text(struct buf *b, const char *key, struct audit_text text)
{
    int rc = buf_format(b, "%s\"%s\":", b->data[b->len - 1] == '{' ? "" : ",", key);

    return rc < 0 ? rc : json_text_add(b, text.data, text.len);
}

/* What has no text (a kernel thread's program) is told as "". */
static struct audit_text plain(struct audit_text text)
{
    return audit_text_equal(text, "(null)") ? (struct audit_text){"", 0} : text;
}

static int add_head(struct buf *b, const struct audit_record *r, bool kind)
{
    uint64_t pid = 0;
    int rc = buf_add_text(b, "{");

    audit_record_number(r, "pid", &pid);
    if (rc == 0 && !kind)
        rc = add_key_text(b, "auditID", r->id);
    if (rc == 0 && !kind)
        rc = buf_format(b, ",\"epoch\":%llu", (unsigned long long)r->seconds);
    if (rc == 0)
        rc = add_key_text(b, "subj", subject(r));
    if (rc == 0 && !kind)
        rc = buf_format(b, ",\"pid\":%llu", (unsigned long long)pid);
    return rc;
}

int violation_seccomp_format(struct buf *b, const struct audit_record *r,
                             const struct violation_seccomp *v, bool kind)
{
    int rc = add_head(b, r, kind);

    if (rc == 0)
        rc = add_key_text(b, "comm", plain(audit_record_get(r, "comm")));
    if (rc == 0)
        rc = add_key_text(b, "exe", plain(audit_record_get(r, "exe")));
    if (rc == 0)
        rc = add_key_text(b, "syscall", (struct audit_text){v->call, strlen(v->call)});
    if (rc == 0 && v->verdict != SC_LOG)
        rc = buf_format(b, ",\"code\":\"%s\"", v->code);
    if (rc == 0 && v->errno_ret > 0)
        rc = buf_format(b, ",\"errno\":%u", v->errno_ret);
    if (rc == 0 && v->arch)
        rc = buf_format(b, ",\"arch\":\"%s\"", v->arch);
    return rc < 0 ? rc : buf_add_text(b, "}");
}
