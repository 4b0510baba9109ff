/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpf/varmor_shared.h"
#include "ctl/question.h"
#include "lib/buf.h"
#include "lib/profile.h"

/* What was understood, as text. */
static void format(struct buf *out, const struct question *q)
{
    char text[ADDR_TEXT_SIZE];
    int r = -EINVAL;

    switch (q->kind) {
    case QUESTION_PATH:
        r = buf_format(out, "path %s %x", q->path.path, q->path.may);
        break;
    case QUESTION_CAPABILITY:
        r = buf_format(out, "capability %s %u", q->capability.name, q->capability.number);
        break;
    case QUESTION_CONNECT:
        r = buf_format(out, "connect %s port %u", addr_format(&q->connect.addr, text),
                       q->connect.port);
        break;
    case QUESTION_SOCKET:
        r = buf_format(out, "socket %s=%u %s=%u %s=%u", q->socket.domain, q->socket.numbers[0],
                       q->socket.type, q->socket.numbers[1], q->socket.protocol,
                       q->socket.numbers[2]);
        break;
    case QUESTION_MOUNT:
        r = buf_format(out, "mount %s %s %x", q->mount.source, q->mount.fstype, q->mount.flags);
        break;
    case QUESTION_PTRACE:
        r = buf_format(out, "ptrace %x %d", q->ptrace.permission, q->ptrace.external);
        break;
    case QUESTION_SYSCALL:
        r = buf_format(out, "syscall %s %llx %llx", q->syscall.name,
                       (unsigned long long)q->syscall.args[0],
                       (unsigned long long)q->syscall.args[5]);
        break;
    }
    ck_assert_int_eq(r, 0);
}

static const struct {
    const char *word, *text, *understood;
} good[] = {
    {"read", "/etc/shadow", "path /etc/shadow 4"},
    {"setattr", "/a b,c", "path /a b,c 800"},
    {"exec", "/bin/sh", "path /bin/sh 1"},
    {"capability", "sys_admin", "capability sys_admin 21"},
    {"capability", "CAP_NET-RAW", "capability net_raw 13"},
    {"connect", "10.0.0.1:443", "connect 10.0.0.1 port 443"},
    {"connect", "[fd00::1]:80", "connect fd00::1 port 80"},
    {"connect", "::ffff:10.0.0.1:80", "connect 10.0.0.1 port 80"},
    {"socket", "inet,stream", "socket inet=2 stream=1 =0"},
    {"socket", "INET6,dgram,udp", "socket inet6=10 dgram=2 udp=17"},
    {"socket", "38,5,0x7", "socket alg=38 seqpacket=5 =7"},
    {"socket", "100,9", "socket =100 =9 =0"},
    {"mount", "/dev/sda", "mount /dev/sda none 0"},
    {"mount", "/dev/sda,ext4,ro,nosuid", "mount /dev/sda ext4 3"},
    {"mount", "proc,proc,rw", "mount proc proc 0"},
    {"mount", ",tmpfs", "mount  tmpfs 0"},
    {"umount", "/proc", "mount /proc none 200"},
    {"ptrace", "trace", "ptrace 1 1"},
    {"ptrace", "readby,own", "ptrace 8 0"},
    {"syscall", "unshare", "syscall unshare 0 0"},
    {"syscall", "x,0x10,2,3,4,5,0xffffffffffffffff", "syscall x 10 ffffffffffffffff"},
};

START_TEST(a_question_is_understood)
{
    CLEANUP_BUF struct buf out = BUF_INIT(4096);
    CLEANUP(error_free) struct error *e = NULL;
    struct question q;
    char text[256];

    ck_assert_msg(question_parse(&q, good[_i].word, good[_i].text, &e) == 0, "%s",
                  error_message(e));
    format(&out, &q);
    ck_assert_str_eq(buf_text(&out), good[_i].understood);
    snprintf(text, sizeof(text), "%s %s", good[_i].word, good[_i].text);
    ck_assert_str_eq(q.text, text);
    question_done(&q);
}
END_TEST

static const struct {
    const char *word, *text, *message;
} bad[] = {
    {"read", "etc/shadow", "read: 'etc/shadow' is not an absolute path"},
    {"read", "", "read: '' is not an absolute path"},
    {"stat", "/", "stat: 'stat' is not a question"},
    {"capability", "all", "capability: 'all' is not"},
    {"capability", "sys_admim", "did you mean 'sys_admin'?"},
    {"connect", "10.0.0.1", "connect: '10.0.0.1' is not ADDRESS:PORT"},
    {"connect", "10.0.0.1:", "connect: '10.0.0.1:' is not ADDRESS:PORT"},
    {"connect", "10.0.0.1:65536", "connect: '10.0.0.1:65536' is not ADDRESS:PORT"},
    {"connect", "10.0.0.1:+1", "connect: '10.0.0.1:+1' is not ADDRESS:PORT"},
    {"connect", "example.com:443", "connect: 'example.com' is not an IP address"},
    {"connect", "[10.0.0.1:443", "connect: '[10.0.0.1' is not an IP address"},
    {"connect", ":443", "connect: '' is not an IP address"},
    {"socket", "inet", "socket: 'inet' is not DOMAIN,TYPE[,PROTOCOL]"},
    {"socket", "inet,stream,tcp,x", "socket: 'inet,stream,tcp,x' has more than 3 parts"},
    {"socket", "all,stream", "socket: 'all' is not a socket domain"},
    {"socket", "inet,strem", "did you mean 'stream'?"},
    {"socket", "inet,stream,sctp", "socket: 'sctp' is not a protocol"},
    {"mount", "a,b,rwx", "mount: 'rwx' is not"},
    {"mount", "a,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,", "has more than 32 parts"},
    {"ptrace", "attach", "ptrace: 'attach' is not a ptrace permission"},
    {"ptrace", "read,mine", "ptrace: 'mine': 'own', or nothing"},
    {"syscall", "", "syscall: the system call's name is missing"},
    {"syscall", "open,x", "syscall: argument 'x' is not a number"},
    {"syscall", "open,-1", "syscall: argument '-1' is not a number"},
    {"syscall", "open,0x10000000000000000", "is not a number"},
    {"syscall", "a,1,2,3,4,5,6,7", "has more than 7 parts"},
};

START_TEST(what_is_no_question_is_refused_with_the_reason)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct question q = {.text = NULL};

    ck_assert_int_eq(question_parse(&q, bad[_i].word, bad[_i].text, &e), -EINVAL);
    ck_assert_msg(strstr(error_message(e), bad[_i].message) != NULL, "'%s' is not in '%s'",
                  bad[_i].message, error_message(e));
    ck_assert_ptr_null(q.text);
}
END_TEST

START_TEST(a_long_text_has_a_ceiling)
{
    CLEANUP_FREE char *text = calloc(8192 + 2, 1);
    CLEANUP(error_free) struct error *e = NULL;
    struct question q;

    memset(text, 'a', 8192);
    ck_assert_int_eq(question_parse(&q, "syscall", text, &e), 0);
    question_done(&q);
    text[8192] = 'a';
    ck_assert_int_eq(question_parse(&q, "syscall", text, &e), -EINVAL);
    ck_assert_str_eq(error_message(e), "syscall: more than 8192 bytes");
}
END_TEST

START_TEST(each_word_is_a_question)
{
    for (size_t i = 0; i < n_question_words; i++) {
        CLEANUP(error_free) struct error *e = NULL;
        struct question q;
        int r = question_parse(&q, question_words[i], "/", &e);

        ck_assert_msg(r == 0 || !strstr(error_message(e), "is not a question"), "%s",
                      error_message(e));
        if (r == 0)
            question_done(&q);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("question");
    TCase *t = tcase_create("question");

    tcase_add_loop_test(t, a_question_is_understood, 0, ARRAY_SIZE(good));
    tcase_add_loop_test(t, what_is_no_question_is_refused_with_the_reason, 0, ARRAY_SIZE(bad));
    tcase_add_test(t, a_long_text_has_a_ceiling);
    tcase_add_test(t, each_word_is_a_question);
    suite_add_tcase(s, t);
    return s;
}
