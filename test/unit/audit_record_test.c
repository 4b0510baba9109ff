/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/audit_record.h"
#include "lib/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ID "audit(1748416438.970:10): "
#define ACCESS                                                                                     \
    "apparmor=\"DENIED\" operation=\"open\" profile=\"varmor-x\" name=\"/a\" pid=7 comm=\"c\""
#define CALL "auid=1 pid=7 comm=\"c\" exe=\"/c\" sig=0 arch=c000003e syscall=1 code=0x7ffc0000"

static struct audit_record record;

static bool has(const char *key, const char *value)
{
    return audit_record_has(&record, key) &&
           audit_text_equal(audit_record_get(&record, key), value);
}

/* What is in front of a record, and what the line then is. */
static const struct {
    const char *line;
    int outcome;
    unsigned type;
} line_cases[] = {
    {"type=AVC msg=" ID ACCESS, AUDIT_READ, 1400},
    {"type=1400 msg=" ID ACCESS, AUDIT_READ, 1400},
    {"type=AVC msg=" ID ACCESS "\r", AUDIT_READ, 1400},
    {"type=AVC msg=" ID ACCESS "  \r\n", AUDIT_READ, 1400},
    {"type=AVC msg=" ID ACCESS "\x1d"
     "FSUID=\"root\" OUID=\"r",
     AUDIT_READ, 1400},
    {"node=worker-1 type=AVC msg=" ID ACCESS, AUDIT_READ, 1400},
    {"node=worker-1 type=SECCOMP msg=" ID CALL, AUDIT_READ, 1326},
    {"audit: type=1400 " ID ACCESS, AUDIT_READ, 1400},
    {"audit: type=1326 " ID CALL, AUDIT_READ, 1326},
    {"[26083697.716609][   T55] audit: type=1400 " ID ACCESS, AUDIT_READ, 1400},
    {"Jan  4 18:02:26 n37 kernel: [1.0] audit: type=1400 " ID ACCESS, AUDIT_READ, 1400},
    {"Jan 14 18:02:26 n37 kernel: audit: type=1400 " ID ACCESS, AUDIT_READ, 1400},
    {"<5>Jan  4 18:02:26 n37 kernel: [21789599.565170][   T55] audit: type=1400 " ID ACCESS,
     AUDIT_READ, 1400},
    {"<5>Jan  4 18:02:26 n37 kernel: [   12.565170][    C1] audit: type=1400 " ID ACCESS,
     AUDIT_READ, 1400},
    {"2026-01-04T18:02:26.123456+00:00 n37 kernel: [    1.0] audit: type=1400 " ID ACCESS,
     AUDIT_READ, 1400},
    /* records of others */
    {"type=SYSCALL msg=" ID "arch=c000003e syscall=59", AUDIT_OTHER, 0},
    {"audit: type=1327 " ID "proctitle=6361", AUDIT_OTHER, 1327},
    {"type=AVC msg=" ID "avc:  denied  { read } for  pid=1 comm=\"x\"", AUDIT_OTHER, 1400},
    {"type=AVC msg=" ID "lsm=SMACK fn=smk apparmor=\"DENIED\"", AUDIT_OTHER, 1400},
    /* text of programs */
    {"type=USER_CMD msg=" ID "msg='type=AVC msg=" ID ACCESS "'", AUDIT_OTHER, 0},
    {"Jan  4 18:02:26 n37 sshd[1]: audit: type=1400 " ID ACCESS, AUDIT_NOTHING, 0},
    {"Jan  4 18:02:26 n37 logger: kernel: audit: type=1400 " ID ACCESS, AUDIT_NOTHING, 0},
    {"Jan  4 18:02:26 n37 kernel: hello audit: type=1400 " ID ACCESS, AUDIT_NOTHING, 0},
    {"Jan  4 18:02:26 n37 kernel: [evil] audit: type=1400 " ID ACCESS, AUDIT_NOTHING, 0},
    {"Jan  4 18:02:26 n37 kernel: usb type=1400 " ID ACCESS, AUDIT_NOTHING, 0},
    {"January 4 18:02:26 n37 kernel: audit: type=1400 " ID ACCESS, AUDIT_NOTHING, 0},
    {"Jan 32 18:02:26 n37 kernel: audit: type=1400 " ID ACCESS, AUDIT_NOTHING, 0},
    {"<5 Jan  4 18:02:26 n37 kernel: audit: type=1400 " ID ACCESS, AUDIT_NOTHING, 0},
    {"x type=AVC msg=" ID ACCESS, AUDIT_NOTHING, 0},
    {"type=DAEMON_START msg=audit(1748416438.970:9999): op=start", AUDIT_NOTHING, 0},
    {"type=AVC " ID ACCESS, AUDIT_NOTHING, 0},
    {"node=n", AUDIT_NOTHING, 0},
    {"", AUDIT_NOTHING, 0},
    /* broken ones of ours */
    {"type=AVC msg=audit(01/04/24 18:02:26.390:8945691) : " ACCESS, -EBADMSG, 1400},
    {"type=AVC msg=audit(1748416438): " ACCESS, -EBADMSG, 1400},
    {"type=AVC msg=audit(1748416438.1000:1): " ACCESS, -EBADMSG, 1400},
    {"type=AVC msg=audit(99999999999999999999.1:1): " ACCESS, -EBADMSG, 1400},
    {"type=AVC msg=audit(1.1:): " ACCESS, -EBADMSG, 1400},
    {"type=AVC msg=audit(1.1:1)" ACCESS, -EBADMSG, 1400},
    {"type=AVC msg=" ID "apparmor=\"DENIED\" operation=\"open\" profile=\"varmor-x\" name=\"/a",
     -EBADMSG, 1400},
    {"type=AVC msg=" ID "apparmor=\"DENIED\" operation=\"open\" profile=\"varmor-x\"", -EBADMSG,
     1400},
    {"type=AVC msg=" ID "apparmor=\"DENIED\"x operation=\"open\" pid=1 comm=\"c\"", -EBADMSG, 1400},
    {"type=AVC msg=" ID "apparmor=\"DENIED\" operation=\"open\" pid=1 comm=\"c\" bare", -EBADMSG,
     1400},
    {"type=AVC msg=" ID "apparmor=\"DENIED\" operation=\"open\" pid=1 comm=\"c\" =1", -EBADMSG,
     1400},
    {"type=SECCOMP msg=" ID "subj==x y", -EBADMSG, 1326},
    {"type=SECCOMP msg=" ID "pid=1 comm=\"c\"", -EBADMSG, 1326},
};

START_TEST(a_line_is_what_its_beginning_says)
{
    int r = audit_record_read_line(&record, line_cases[_i].line, strlen(line_cases[_i].line));

    ck_assert_msg(r == line_cases[_i].outcome, "%s: %d", line_cases[_i].line, r);
    if (r == AUDIT_NOTHING)
        return;
    ck_assert_uint_eq(record.type, line_cases[_i].type);
    if (r == -EBADMSG)
        return;
    ck_assert_uint_eq(record.seconds, 1748416438);
    ck_assert_uint_eq(record.milliseconds, 970);
    ck_assert_uint_eq(record.serial, 10);
    ck_assert(audit_text_equal(record.id, "1748416438.970:10"));
    ck_assert_uint_eq(audit_record_time_ns(&record), 1748416438970000000ULL);
    ck_assert(r == AUDIT_OTHER || has("pid", "7"));
}
END_TEST

static const struct {
    const char *text;
    int outcome;
    const char *name; /* NULL: does not matter */
} kmsg_cases[] = {
    {"5,1234,98765432,-;audit: type=1400 " ID ACCESS "\n", AUDIT_READ, "/a"},
    {"5,1,2,-,caller=T55;audit: type=1400 " ID ACCESS "\n SUBSYSTEM=x\n DEVICE=+y:z\n", AUDIT_READ,
     "/a"},
    /* a backslash in a file's name, as the kernel's log writes it */
    {"5,1,2,-;audit: type=1400 " ID
     "apparmor=\"DENIED\" operation=\"open\" name=\"/a\\x5cb\" pid=7 comm=\"c\"\n",
     AUDIT_READ, "/a\\b"},
    {"5,1,2,-;audit: type=1400 " ID
     "apparmor=\"DENIED\" operation=\"open\" name=\"/\\x5cx22\" pid=7 comm=\"c\"\n",
     AUDIT_READ, "/\\x22"},
    {"5,1,2,-;audit: type=1305 " ID "op=set\n", AUDIT_OTHER, NULL},
    {"5,1,2,-;usb 1-1: audit: type=1400 " ID ACCESS, AUDIT_NOTHING, NULL},
    /* facility 1: a program wrote it */
    {"13,1,2,-;audit: type=1400 " ID ACCESS, AUDIT_NOTHING, NULL},
    {"x,1,2,-;audit: type=1400 " ID ACCESS, AUDIT_NOTHING, NULL},
    {"5;audit: type=1400 " ID ACCESS, AUDIT_NOTHING, NULL},
    {"audit: type=1400 " ID ACCESS, AUDIT_NOTHING, NULL},
    {"5,1,2,-;audit: type=1400 " ID "apparmor=\"DENIED\" operation=\"op", -EBADMSG, NULL},
    {"", AUDIT_NOTHING, NULL},
};

START_TEST(the_kernel_log_is_believed_only_where_the_kernel_wrote)
{
    const char *text = kmsg_cases[_i].text;
    int r = audit_record_read_kmsg(&record, text, strlen(text));

    ck_assert_msg(r == kmsg_cases[_i].outcome, "%s: %d", text, r);
    if (kmsg_cases[_i].name)
        ck_assert(has("name", kmsg_cases[_i].name));
}
END_TEST

static const struct {
    const char *field, *key, *value;
    bool undecoded;
} value_cases[] = {
    {"name=\"/a b\"", "name", "/a b", false},
    {"name=2F746D702F6120622263", "name", "/tmp/a b\"c", false},
    {"name=2F746D702F780A79", "name", "/tmp/x\ny", false},
    {"name=2F61626", "name", "2F61626", true},
    {"name=2f61", "name", "2f61", true},
    {"name=", "name", "", false},
    {"name=\"\"", "name", "", false},
    {"name=\"a=b pid=9\"", "name", "a=b pid=9", false},
    {"name=\"back\\\"", "name", "back\\", false},
    {"name=\"first\" name=\"second\"", "name", "first", false},
    {"info=2F61", "info", "2F61", false},
    {"addr=none", "addr", "none", false},
    {"exe=(null)", "exe", "(null)", false},
    {"signal=rtmin+3", "signal", "rtmin+3", false},
    {"new-key_2=\"x\"", "new-key_2", "x", false},
};

START_TEST(a_value_ends_where_its_form_says)
{
    struct buf line CLEANUP_BUF = BUF_INIT(1024);

    ck_assert_int_eq(buf_format(&line,
                                ID "apparmor=\"DENIED\" operation=\"open\" %s pid=7 comm=\"c\"",
                                value_cases[_i].field),
                     0);
    ck_assert_int_eq(audit_record_read_message(&record, 1400, (const char *)line.data, line.len),
                     AUDIT_READ);
    ck_assert(has(value_cases[_i].key, value_cases[_i].value));
    ck_assert(has("pid", "7"));
    ck_assert_int_eq(record.fields[2].undecoded, value_cases[_i].undecoded);
}
END_TEST

START_TEST(a_label_may_have_spaces_and_ends_before_the_pid)
{
    static const char good[] = ID "auid=1 subj==varmor-x (enforce) pid=7 comm=\"c\" arch=c000003e "
                                  "syscall=1 code=0x7ffc0000";
    ck_assert_int_eq(audit_record_read_message(&record, 1326, good, strlen(good)), AUDIT_READ);
    ck_assert(has("subj", "=varmor-x (enforce)"));
    ck_assert(has("pid", "7"));
}
END_TEST

static const struct {
    const char *text;
    bool good;
    uint64_t number;
} number_cases[] = {
    {"12", true, 12},
    {"-13", true, 13},
    {"0", true, 0},
    {"9999999999999999999", true, 9999999999999999999ULL},
    {"99999999999999999999", false, 0},
    {"12x", false, 0},
    {"-", false, 0},
    {"", false, 0},
    {"0x1f", false, 0},
};

START_TEST(a_number_is_read_whole_or_not_at_all)
{
    char line[256];
    uint64_t n = 77;
    int len = snprintf(line, sizeof(line),
                       ID "apparmor=\"DENIED\" operation=\"open\" error=%s pid=1 comm=\"c\"",
                       number_cases[_i].text);

    ck_assert_int_eq(audit_record_read_message(&record, 1400, line, (size_t)len), AUDIT_READ);
    ck_assert_int_eq(audit_record_number(&record, "error", &n), number_cases[_i].good);
    ck_assert_uint_eq(n, number_cases[_i].good ? number_cases[_i].number : 77);
}
END_TEST

START_TEST(a_hexadecimal_number_has_at_most_32_bits)
{
    static const char good[] =
        ID "pid=1 arch=c000003e syscall=1 code=0x7ffc0000 a=100000000 b=0x c=g";
    uint32_t n = 77;

    ck_assert_int_eq(audit_record_read_message(&record, 1326, good, strlen(good)), AUDIT_READ);
    ck_assert(audit_record_hex(&record, "arch", &n));
    ck_assert_uint_eq(n, 0xc000003e);
    ck_assert(audit_record_hex(&record, "code", &n));
    ck_assert_uint_eq(n, 0x7ffc0000);
    ck_assert(!audit_record_hex(&record, "a", &n));
    ck_assert(!audit_record_hex(&record, "b", &n));
    ck_assert(!audit_record_hex(&record, "c", &n));
    ck_assert(!audit_record_hex(&record, "d", &n));
}
END_TEST

/* A record with a name that makes it len bytes long. */
static size_t long_record(char *room, size_t len)
{
    static const char head[] = ID "apparmor=\"DENIED\" operation=\"open\" pid=1 comm=\"c\" name=\"";

    memset(room, 'a', len);
    memcpy(room, head, sizeof(head) - 1);
    room[len - 1] = '"';
    return len;
}

START_TEST(the_longest_record_is_read_and_a_longer_one_is_not)
{
    static char room[AUDIT_RECORD_MAX + 1];

    ck_assert_int_eq(
        audit_record_read_message(&record, 1400, room, long_record(room, AUDIT_RECORD_MAX)),
        AUDIT_READ);
    ck_assert_int_eq(
        audit_record_read_message(&record, 1400, room, long_record(room, AUDIT_RECORD_MAX + 1)),
        -EBADMSG);
}
END_TEST

START_TEST(a_record_with_too_many_fields_is_refused)
{
    struct buf line CLEANUP_BUF = BUF_INIT(AUDIT_RECORD_MAX);

    ck_assert_int_eq(
        buf_add_text(&line, ID "apparmor=\"DENIED\" operation=\"open\" pid=1 comm=\"c\""), 0);
    for (int i = 4; i < AUDIT_RECORD_MAX_FIELDS; i++)
        ck_assert_int_eq(buf_format(&line, " k%d=1", i), 0);
    ck_assert_int_eq(audit_record_read_message(&record, 1400, buf_text(&line), line.len),
                     AUDIT_READ);
    ck_assert_uint_eq(record.n_fields, AUDIT_RECORD_MAX_FIELDS);
    ck_assert_int_eq(buf_add_text(&line, " more=1"), 0);
    ck_assert_int_eq(audit_record_read_message(&record, 1400, buf_text(&line), line.len), -EBADMSG);
}
END_TEST

START_TEST(one_byte_64_kib_long_is_no_record)
{
    static char room[64 * 1024];

    for (int c = 0; c < 256; c++) {
        memset(room, c, sizeof(room));
        ck_assert_int_eq(audit_record_read_line(&record, room, sizeof(room)), AUDIT_NOTHING);
        ck_assert_int_eq(audit_record_read_kmsg(&record, room, sizeof(room)), AUDIT_NOTHING);
        ck_assert_int_eq(audit_record_read_message(&record, 1400, room, sizeof(room)), -EBADMSG);
        ck_assert_int_eq(audit_record_read_message(&record, 1300, room, sizeof(room)),
                         AUDIT_NOTHING);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("audit_record");
    TCase *t = tcase_create("audit_record");

    tcase_add_loop_test(t, a_line_is_what_its_beginning_says, 0, (int)ARRAY_SIZE(line_cases));
    tcase_add_loop_test(t, the_kernel_log_is_believed_only_where_the_kernel_wrote, 0,
                        (int)ARRAY_SIZE(kmsg_cases));
    tcase_add_loop_test(t, a_value_ends_where_its_form_says, 0, (int)ARRAY_SIZE(value_cases));
    tcase_add_test(t, a_label_may_have_spaces_and_ends_before_the_pid);
    tcase_add_loop_test(t, a_number_is_read_whole_or_not_at_all, 0, (int)ARRAY_SIZE(number_cases));
    tcase_add_test(t, a_hexadecimal_number_has_at_most_32_bits);
    tcase_add_test(t, the_longest_record_is_read_and_a_longer_one_is_not);
    tcase_add_test(t, a_record_with_too_many_fields_is_refused);
    tcase_add_test(t, one_byte_64_kib_long_is_no_record);
    suite_add_tcase(s, t);
    return s;
}
