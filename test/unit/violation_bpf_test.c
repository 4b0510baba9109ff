/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/kernel_words.h"
#include "agent/violation_bpf.h"

#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>

/* A record with its text, as the ring hands it out. */
struct record {
    struct varmor_event event;
    char text[VARMOR_EVENT_TEXT];
};

struct event_case {
    struct varmor_event event;
    const char *text;
    const char *json; /* without the members that every kind ends with */
};

static const struct event_case event_cases[] = {
    {{.kind = VARMOR_EVENT_FILE, .permissions = VARMOR_MAY_READ},
     "/run/secrets/token",
     "\"operation\":\"File\",\"permissions\":[\"read\"],\"path\":\"/run/secrets/token\""},
    {{.kind = VARMOR_EVENT_FILE,
      .permissions = VARMOR_MAY_WRITE | VARMOR_MAY_READ | VARMOR_MAY_APPEND},
     "/var/log/x",
     "\"operation\":\"File\",\"permissions\":[\"write\",\"read\",\"append\"],\"path\":\"/var/log/x\""},
    {{.kind = VARMOR_EVENT_FILE, .permissions = VARMOR_MAY_RENAME},
     "/a\nb\"\xff",
     "\"operation\":\"File\",\"permissions\":[\"rename\"],\"path\":\"/a\\u000ab\\\"\xef\xbf\xbd\""},
    {{.kind = VARMOR_EVENT_EXEC, .permissions = VARMOR_MAY_EXEC},
     "/bin/busybox",
     "\"operation\":\"Bprm\",\"permissions\":[\"exec\"],\"path\":\"/bin/busybox\""},
    {{.kind = VARMOR_EVENT_CAPABILITY, .capability = CAP_NET_RAW},
     "",
     "\"operation\":\"Capability\",\"capability\":\"net_raw\""},
    {{.kind = VARMOR_EVENT_CAPABILITY, .capability = 63},
     "",
     "\"operation\":\"Capability\",\"capability\":\"unknown\""},
    {{.kind = VARMOR_EVENT_SOCKET, .domain = AF_INET, .type = SOCK_STREAM, .protocol = IPPROTO_TCP},
     "",
     "\"operation\":\"Network\",\"type\":\"socket\",\"socket\":{\"domain\":\"AF_INET\",\"type\":"
     "\"SOCK_STREAM\",\"protocol\":\"IPPROTO_TCP\"},\"address\":{\"ip\":\"\",\"port\":0},\"domain\":2,"
     "\"protocol\":6"},
    {{.kind = VARMOR_EVENT_SOCKET, .domain = AF_NETLINK, .type = SOCK_RAW, .protocol = 6},
     "",
     "\"operation\":\"Network\",\"type\":\"socket\",\"socket\":{\"domain\":\"AF_NETLINK\",\"type\":"
     "\"SOCK_RAW\",\"protocol\":\"\"},\"address\":{\"ip\":\"\",\"port\":0},\"domain\":16,\"protocol\":6"},
    {{.kind = VARMOR_EVENT_SOCKET, .domain = 999, .type = 99, .protocol = 9999},
     "",
     "\"operation\":\"Network\",\"type\":\"socket\",\"socket\":{\"domain\":\"\",\"type\":\"\","
     "\"protocol\":\"\"},\"address\":{\"ip\":\"\",\"port\":0},\"domain\":999,\"protocol\":9999"},
    {{.kind = VARMOR_EVENT_CONNECT,
      .family = VARMOR_FAMILY_IPV4,
      .port = 80,
      .addr = {169, 254, 169, 254}},
     "",
     "\"operation\":\"Network\",\"type\":\"connect\",\"socket\":{\"domain\":\"\",\"type\":\"\","
     "\"protocol\":\"\"},\"address\":{\"ip\":\"169.254.169.254\",\"port\":80},\"ip\":"
     "\"169.254.169.254\",\"port\":80"},
    {{.kind = VARMOR_EVENT_CONNECT,
      .family = VARMOR_FAMILY_IPV6,
      .port = 65535,
      .addr = {0xfd, [15] = 1}},
     "",
     "\"operation\":\"Network\",\"type\":\"connect\",\"socket\":{\"domain\":\"\",\"type\":\"\","
     "\"protocol\":\"\"},\"address\":{\"ip\":\"fd00::1\",\"port\":65535},\"ip\":\"fd00::1\","
     "\"port\":65535"},
    {{.kind = VARMOR_EVENT_PTRACE, .permissions = VARMOR_PTRACE_READBY, .external = 1},
     "",
     "\"operation\":\"Ptrace\",\"permission\":\"readby\",\"external\":true,\"permissions\":[\"readby\"]"},
    {{.kind = VARMOR_EVENT_PTRACE},
     "",
     "\"operation\":\"Ptrace\",\"permission\":\"unknown\",\"external\":false,\"permissions\":"
     "[\"unknown\"]"},
    {{.kind = VARMOR_EVENT_MOUNT, .fstype = "proc", .mount_flags = MS_NOSUID | MS_NODEV},
     "proc",
     "\"operation\":\"Mount\",\"path\":\"proc\",\"type\":\"proc\",\"flags\":[\"nosuid\",\"nodev\"],"
     "\"devName\":\"proc\""},
    {{.kind = VARMOR_EVENT_MOUNT, .fstype = "none", .mount_flags = MS_BIND | MS_REC | MS_RDONLY},
     "/host",
     "\"operation\":\"Mount\",\"path\":\"/host\",\"type\":\"none\",\"flags\":[\"ro\",\"rbind\"],"
     "\"devName\":\"/host\""},
    {{.kind = VARMOR_EVENT_MOUNT, .fstype = "sixteen bytes!!!", .mount_flags = VARMOR_MOUNT_UMOUNT},
     "/mnt",
     "\"operation\":\"Mount\",\"path\":\"/mnt\",\"type\":\"sixteen bytes!!!\",\"flags\":[\"umount\"],"
     "\"devName\":\"/mnt\""},
};

static void fill(struct record *r, const struct event_case *c)
{
    memset(r, 0xa5, sizeof(*r));
    r->event = c->event;
    r->event.action = VARMOR_ACTION_DENIED;
    r->event.text_len = (uint32_t)strlen(c->text);
    r->event.uid = 1000;
    memcpy(r->event.comm, "cat", 4);
    memcpy(r->text, c->text, strlen(c->text));
}

START_TEST(each_kind_has_its_members)
{
    static struct record r;
    char expected[1024];
    struct buf b CLEANUP_BUF = BUF_INIT(VIOLATION_BPF_JSON_MAX);
    const struct varmor_event *e;

    fill(&r, &event_cases[_i]);
    e = violation_bpf_check(&r, sizeof(r.event) + r.event.text_len);
    ck_assert_ptr_nonnull(e);
    ck_assert_int_eq(violation_bpf_format(&b, e), 0);
    snprintf(expected, sizeof(expected), "{%s,\"comm\":\"cat\",\"uid\":1000}",
             event_cases[_i].json);
    ck_assert_str_eq(buf_text(&b), expected);
}
END_TEST

START_TEST(what_is_special_about_a_record_is_told)
{
    static struct record r;
    struct buf b CLEANUP_BUF = BUF_INIT(VIOLATION_BPF_JSON_MAX);

    fill(&r, &event_cases[0]);
    r.event.cause = VARMOR_STAT_TOO_DEEP;
    r.event.text_cut = 1;
    memcpy(r.event.comm, "a comm without z", 16);
    ck_assert_int_eq(violation_bpf_format(&b, &r.event), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&b),
                                 ",\"comm\":\"a comm without z\",\"uid\":1000,\"cause\":\"path "
                                 "too deep\",\"cut\":true}"));
}
END_TEST

START_TEST(the_longest_record_fits)
{
    static struct record r;
    struct buf b CLEANUP_BUF = BUF_INIT(VIOLATION_BPF_JSON_MAX);

    fill(&r, &event_cases[ARRAY_SIZE(event_cases) - 1]);
    r.event.text_len = VARMOR_EVENT_TEXT;
    memset(r.text, 1, sizeof(r.text));
    ck_assert_ptr_nonnull(violation_bpf_check(&r, sizeof(r)));
    ck_assert_int_eq(violation_bpf_format(&b, &r.event), 0);
    ck_assert_uint_gt(b.len, 12 * VARMOR_EVENT_TEXT);
}
END_TEST

static const struct {
    size_t size;
    uint8_t kind, action;
    uint32_t text_len;
} broken_cases[] = {
    {0, VARMOR_EVENT_FILE, 1, 0},
    {sizeof(struct varmor_event) - 1, VARMOR_EVENT_FILE, 1, 0},
    {sizeof(struct varmor_event), VARMOR_EVENT_FILE, 1, 1},
    {sizeof(struct record), VARMOR_EVENT_FILE, 1, VARMOR_EVENT_TEXT + 1},
    {sizeof(struct record), VARMOR_EVENT_FILE, 1, 0xffffffff},
    {sizeof(struct record), VARMOR_EVENT_NONE, 1, 0},
    {sizeof(struct record), VARMOR_N_EVENT_KINDS, 1, 0},
    {sizeof(struct record), VARMOR_EVENT_FILE, 0, 0},
    {sizeof(struct record), VARMOR_EVENT_FILE, 3, 0},
};

START_TEST(a_broken_record_is_dropped)
{
    static struct record r;

    memset(&r, 0, sizeof(r));
    r.event.kind = broken_cases[_i].kind;
    r.event.action = broken_cases[_i].action;
    r.event.text_len = broken_cases[_i].text_len;
    ck_assert_ptr_null(violation_bpf_check(&r, broken_cases[_i].size));
}
END_TEST

START_TEST(a_mount_flag_is_told_once_and_by_its_longest_word)
{
    uint32_t seen = 0;

    for (const struct kernel_word *w = kernel_words_mount_flags; w->word; w++) {
        if (strncmp(w->word, "make-r", 6) == 0 || strcmp(w->word, "rbind") == 0) {
            ck_assert_uint_eq(w->bits & MS_REC, MS_REC);
            ck_assert_uint_eq(seen & (w->bits & ~MS_REC), 0);
        }
        seen |= w->bits & ~MS_REC;
    }
}
END_TEST

START_TEST(every_file_permission_has_a_word)
{
    uint32_t seen = 0;

    for (const struct kernel_word *w = kernel_words_file; w->word; w++)
        seen |= w->bits;
    ck_assert_uint_eq(seen, (VARMOR_MAY_SETATTR << 1) - 1);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("violation_bpf");
    TCase *t = tcase_create("violation_bpf");

    tcase_add_loop_test(t, each_kind_has_its_members, 0, (int)ARRAY_SIZE(event_cases));
    tcase_add_test(t, what_is_special_about_a_record_is_told);
    tcase_add_test(t, the_longest_record_fits);
    tcase_add_loop_test(t, a_broken_record_is_dropped, 0, (int)ARRAY_SIZE(broken_cases));
    tcase_add_test(t, a_mount_flag_is_told_once_and_by_its_longest_word);
    tcase_add_test(t, every_file_permission_has_a_word);
    suite_add_tcase(s, t);
    return s;
}
