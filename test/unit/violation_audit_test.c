/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/violation_apparmor.h"
#include "agent/violation_seccomp.h"
#include "test/audit/record_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct record_file file;
static struct audit_record record;
static struct buf event = BUF_INIT(VIOLATION_AUDIT_JSON_MAX);

static void setup(void)
{
    record_file_read(&file);
}

static void teardown(void)
{
    record_file_done(&file);
    buf_done(&event);
}

/* Makes the event of the record that was read. Its action, -1 for none, or -EBADMSG. */
static int make_event(struct violation_seccomp *seccomp)
{
    enum violation_action action;

    buf_clear(&event);
    if (record.type == AUDIT_RECORD_APPARMOR) {
        ck_assert_int_eq(violation_apparmor_format(&event, &record, false), 0);
        return violation_apparmor_action(&record, &action) ? (int)action : -1;
    }
    if (violation_seccomp_read(&record, seccomp) < 0)
        return -EBADMSG;
    ck_assert_int_eq(violation_seccomp_format(&event, &record, seccomp, false), 0);
    return (int)seccomp->action;
}

/* Takes out what is 0 or "", and what others tell as well; sets what the whole event says. */
static json_t *essence(int action, bool seccomp)
{
    json_t *json = json_loadb((const char *)event.data, event.len, JSON_ALLOW_NUL, NULL);
    const char *key;
    json_t *value;
    void *next;

    ck_assert_msg(json_is_object(json), "%s", buf_text(&event));
    if (!seccomp) {
        ck_assert_int_eq(json_integer_value(json_object_get(json, "version")), 1);
        ck_assert_int_eq(json_integer_value(json_object_get(json, "epoch")),
                         (json_int_t)record.seconds);
        ck_assert_int_eq(json_integer_value(json_object_get(json, "auditSubId")),
                         (json_int_t)record.serial);
        json_object_del(json, "version");
        json_object_del(json, "epoch");
        json_object_del(json, "auditSubId");
        json_object_del(json, "auditSubID");
    }
    json_object_foreach_safe(json, next, key, value)
    {
        bool is_user = strcmp(key, "fsuid") == 0 || strcmp(key, "ouid") == 0;

        if ((json_is_integer(value) && json_integer_value(value) == 0 && !is_user) ||
            (json_is_string(value) && json_string_length(value) == 0 && strcmp(key, "subj") != 0 &&
             strcmp(key, "exe") != 0))
            json_object_del(json, key);
    }
    if (seccomp) {
        json_object_set_new(json, "action",
                            json_string(violation_action_name((enum violation_action)action)));
        json_object_set_new(json, "level",
                            json_string(action == VIOLATION_DENIED ? "warn" : "debug"));
    }
    return json;
}

static void check_event(const struct record_case *c)
{
    bool seccomp = record.type == AUDIT_RECORD_SECCOMP;
    struct violation_seccomp what;
    int action = make_event(&what);
    json_t *expected = json_loads(c->expected, 0, NULL), *got = essence(action, seccomp);
    char *text = json_dumps(got, JSON_COMPACT);

    ck_assert_ptr_null(memchr(event.data, '\n', event.len));
    ck_assert_ptr_nonnull(expected);
    if (seccomp && !json_object_get(expected, "level"))
        json_object_del(got, "level");
    ck_assert_msg(json_equal(expected, got), "%s: expected %s, got %s", c->name, c->expected, text);
    free(text);
    json_decref(expected);
    json_decref(got);
}

static void check_case(const struct record_case *c, int outcome)
{
    enum violation_action action;

    if (strcmp(c->expected, "unparsed") == 0) {
        ck_assert_msg(outcome == -EBADMSG, "%s: %d", c->name, outcome);
    } else if (strcmp(c->expected, "none") == 0) {
        ck_assert_msg(outcome == AUDIT_NOTHING || outcome == AUDIT_OTHER ||
                          (outcome == AUDIT_READ && !violation_apparmor_action(&record, &action)),
                      "%s: %d", c->name, outcome);
    } else {
        ck_assert_msg(outcome == AUDIT_READ, "%s: %d", c->name, outcome);
        check_event(c);
    }
}

START_TEST(every_record_becomes_its_event)
{
    ck_assert_uint_eq(file.n, 44);
    for (size_t i = 0; i < file.n; i++)
        check_case(&file.items[i],
                   audit_record_read_line(&record, file.items[i].line, strlen(file.items[i].line)));
}
END_TEST

/* The record alone, without what its source put around it, and its type. NULL: it has no such
 * form. */
static const char *bare(const char *line, unsigned *ret_type)
{
    const char *at = strstr(line, "audit(");
    bool of_auditd = strstr(line, "type=AVC ") || strstr(line, "type=SECCOMP ");

    *ret_type = strstr(line, "type=1326") || strstr(line, "type=SECCOMP") ? 1326 : 1400;
    return of_auditd || strstr(line, "type=14") || strstr(line, "type=13") ? at : NULL;
}

START_TEST(a_record_from_netlink_becomes_the_same_event)
{
    for (size_t i = 0; i < file.n; i++) {
        unsigned type;
        const char *text = bare(file.items[i].line, &type);

        if (text && strcmp(file.items[i].name, "R35") != 0)
            check_case(&file.items[i],
                       audit_record_read_message(&record, type, text, strlen(text)));
    }
}
END_TEST

START_TEST(a_record_from_the_kernel_log_becomes_the_same_event)
{
    static char line[8192];

    for (size_t i = 0; i < file.n; i++) {
        unsigned type;
        const char *text = bare(file.items[i].line, &type);
        int len;

        if (!text || strcmp(file.items[i].name, "R35") == 0)
            continue;
        len = snprintf(line, sizeof(line), "5,1,2,-;audit: type=%u %s\n", type, text);
        check_case(&file.items[i], audit_record_read_kmsg(&record, line, (size_t)len));
    }
}
END_TEST

/* What is cut before its last field that every record has is never an event. */
START_TEST(a_record_that_is_cut_anywhere_is_no_other_one)
{
    static const char *const needed[] = {" pid=", " comm=", " code="};

    for (size_t i = 0; i < file.n; i++) {
        const char *line = file.items[i].line;

        for (size_t len = 0; len < strlen(line); len++) {
            int outcome = audit_record_read_line(&record, line, len);
            struct violation_seccomp what;

            if (outcome != AUDIT_READ)
                continue;
            make_event(&what);
            for (size_t k = 0; k < ARRAY_SIZE(needed); k++)
                ck_assert(!strstr(line, needed[k]) ||
                          strstr(line, needed[k]) + strlen(needed[k]) <= line + len);
        }
    }
}
END_TEST

START_TEST(a_kind_leaves_out_what_only_one_record_has)
{
    static const char *const own[] = {"\"pid\"", "\"auditID\"", "\"epoch\"", "\"auditSubI"};
    struct violation_seccomp what;

    for (size_t i = 0; i < file.n; i++) {
        const char *line = file.items[i].line;

        if (audit_record_read_line(&record, line, strlen(line)) != AUDIT_READ)
            continue;
        buf_clear(&event);
        if (record.type == AUDIT_RECORD_APPARMOR) {
            ck_assert_int_eq(violation_apparmor_format(&event, &record, true), 0);
        } else {
            ck_assert_int_eq(violation_seccomp_read(&record, &what), 0);
            ck_assert_int_eq(violation_seccomp_format(&event, &record, &what, true), 0);
        }
        for (size_t k = 0; k < ARRAY_SIZE(own); k++)
            ck_assert_ptr_null(strstr(buf_text(&event), own[k]));
    }
}
END_TEST

static const struct {
    const char *label, *profile;
} label_cases[] = {
    {"varmor-x//child_0", "varmor-x"},
    {"varmor-x//null-/bin/ls", "varmor-x"},
    {"varmor-x (enforce)", "varmor-x"},
    {"varmor-x", "varmor-x"},
    {"?", ""},
    {"/usr/bin/man", ""},
    {"", ""},
    {"unconfined", "unconfined"},
    {"a-name-that-is-longer-than-what-a-profile-of-ours-can-have-in-bytes", ""},
};

START_TEST(a_label_is_cut_to_the_profile)
{
    char name[PROFILE_NAME_MAX + 1];

    violation_label_profile(
        (struct audit_text){label_cases[_i].label, strlen(label_cases[_i].label)}, name);
    ck_assert_str_eq(name, label_cases[_i].profile);
}
END_TEST

static const struct {
    const char *word;
    int action; /* -1: no access */
} action_cases[] = {
    {"DENIED", VIOLATION_DENIED},
    {"KILLED", VIOLATION_DENIED},
    {"AUDIT", VIOLATION_AUDITED},
    {"ALLOWED", VIOLATION_ALLOWED},
    {"STATUS", -1},
    {"HINT", -1},
    {"ERROR", -1},
    {"NEW", -1},
};

static void read_apparmor(const char *fields)
{
    char text[1024];
    int len = snprintf(text, sizeof(text), "audit(1.1:1): %s pid=1 comm=\"c\"", fields);

    ck_assert_int_eq(audit_record_read_message(&record, 1400, text, (size_t)len), AUDIT_READ);
}

START_TEST(what_apparmor_did_is_an_action)
{
    enum violation_action action = VIOLATION_ACTIONS;
    char fields[64];

    snprintf(fields, sizeof(fields), "apparmor=\"%s\" operation=\"open\"", action_cases[_i].word);
    read_apparmor(fields);
    ck_assert_int_eq(violation_apparmor_action(&record, &action), action_cases[_i].action >= 0);
    if (action_cases[_i].action >= 0)
        ck_assert_int_eq((int)action, action_cases[_i].action);
}
END_TEST

static const struct {
    const char *code;
    enum violation_action action;
    enum sc_action verdict;
    unsigned errno_ret;
} code_cases[] = {
    {"0x80000000", VIOLATION_DENIED, SC_KILL_PROCESS, 0},
    {"0x0", VIOLATION_DENIED, SC_KILL_THREAD, 0},
    {"0x30000", VIOLATION_DENIED, SC_TRAP, 0},
    {"0x50001", VIOLATION_DENIED, SC_ERRNO, 1},
    {"0x50026", VIOLATION_DENIED, SC_ERRNO, 38},
    {"0x7fc00000", VIOLATION_AUDITED_OR_ALLOWED, SC_NOTIFY, 0},
    {"0x7ff00000", VIOLATION_AUDITED_OR_ALLOWED, SC_TRACE, 0},
    {"0x7ffc0000", VIOLATION_AUDITED_OR_ALLOWED, SC_LOG, 0},
};

static void read_seccomp(const char *rest)
{
    char text[512];
    int len = snprintf(text, sizeof(text), "audit(1.1:1): pid=1 comm=\"c\" exe=\"/c\" %s", rest);

    ck_assert_int_eq(audit_record_read_message(&record, 1326, text, (size_t)len), AUDIT_READ);
}

START_TEST(what_seccomp_did_is_in_the_code)
{
    struct violation_seccomp what;
    char rest[128];

    snprintf(rest, sizeof(rest), "arch=c000003e syscall=272 code=%s", code_cases[_i].code);
    read_seccomp(rest);
    ck_assert_int_eq(violation_seccomp_read(&record, &what), 0);
    ck_assert_int_eq(what.action, code_cases[_i].action);
    ck_assert_int_eq(what.verdict, code_cases[_i].verdict);
    ck_assert_uint_eq(what.errno_ret, code_cases[_i].errno_ret);
}
END_TEST

static const struct {
    const char *rest;
    const char *call, *arch; /* call NULL: refused */
} call_cases[] = {
    {"arch=c000003e syscall=272 compat=0 code=0x50001", "unshare", NULL},
    {"arch=c000003e syscall=452 compat=0 code=0x50001", "452", NULL},
    {"arch=40000003 syscall=11 compat=1 code=0x50001", "execve", "i386"},
    {"arch=c000003e syscall=1073742344 compat=0 code=0x50001", "execve", "x32"},
    {"arch=c00000b7 syscall=97 compat=0 code=0x50001", "unshare", NULL},
    {"arch=40000028 syscall=11 compat=1 code=0x50001", "execve", "arm"},
    {"arch=12345678 syscall=11 compat=0 code=0x50001", "11", NULL},
    {"arch=c000003e syscall=-1 compat=0 code=0x50001", "-1", NULL},
    {"arch=c000003e syscall=-10 compat=0 code=0x80000000", "-10", NULL},
    {"arch=40000003 syscall=-11 compat=1 code=0x50001", "-11", "i386"},
    {"arch=c000003e syscall=-10243 compat=0 code=0x50001", "-10243", NULL},
    {"arch=c000003e syscall=-2147483648 compat=0 code=0x50001", "-2147483648", NULL},
    {"arch=c000003e syscall=-2147483649 compat=0 code=0x50001", NULL, NULL},
    {"arch=c000003e syscall=2147483648 compat=0 code=0x50001", NULL, NULL},
    {"arch=c000003e syscall=x code=0x50001", NULL, NULL},
    {"arch=x syscall=1 code=0x50001", NULL, NULL},
    {"arch=c000003e syscall=1 code=x", NULL, NULL},
    {"arch=c000003e syscall=1 code=0x12340000", NULL, NULL},
};

START_TEST(a_call_is_named_by_the_table_of_its_architecture)
{
    struct violation_seccomp what;

    read_seccomp(call_cases[_i].rest);
    ck_assert_int_eq(violation_seccomp_read(&record, &what), call_cases[_i].call ? 0 : -EBADMSG);
    if (!call_cases[_i].call)
        return;
    if (strcmp(call_cases[_i].call, "452") != 0) /* newer libraries know it */
        ck_assert_str_eq(what.call, call_cases[_i].call);
    if (call_cases[_i].arch)
        ck_assert_str_eq(what.arch, call_cases[_i].arch);
    else
        ck_assert_ptr_null(what.arch);
}
END_TEST

static const struct {
    const char *fields, *name;
    enum aa_class kind;
    unsigned permissions;
} access_cases[] = {
    {"apparmor=\"DENIED\" operation=\"open\" name=\"/a\" requested_mask=\"wc\" denied_mask=\"c\"",
     "/a", AA_FILE, AA_WRITE},
    {"apparmor=\"AUDIT\" operation=\"open\" class=\"file\" name=\"/a\" requested_mask=\"rm\"", "/a",
     AA_FILE, AA_READ | AA_MMAP},
    {"apparmor=\"DENIED\" operation=\"exec\" name=\"/a\" requested_mask=\"x\" denied_mask=\"x\"",
     "/a", AA_FILE, AA_EXEC},
    {"apparmor=\"DENIED\" operation=\"link\" name=\"/a\" denied_mask=\"l\" requested_mask=\"l\"",
     "/a", AA_FILE, AA_LINK},
    {"apparmor=\"DENIED\" operation=\"connect\" name=\"/s\" requested_mask=\"wr\" denied_mask=\"wr\"",
     "/s", AA_FILE, AA_READ | AA_WRITE},
    {"apparmor=\"DENIED\" operation=\"capable\" capability=13  capname=\"net_raw\"", "net_raw",
     AA_CAPABILITY, 0},
    {"apparmor=\"DENIED\" operation=\"create\" family=\"inet\" sock_type=\"raw\" protocol=1 "
     "requested_mask=\"create\"",
     NULL, AA_NETWORK, 0},
    {"apparmor=\"DENIED\" operation=\"connect\" family=\"unix\" sock_type=\"stream\" protocol=0",
     NULL, AA_UNIX, 0},
    {"apparmor=\"DENIED\" operation=\"mount\" name=\"/m/\" fstype=\"proc\" flags=\"rw\"", "/m/",
     AA_MOUNT, 0},
    {"apparmor=\"DENIED\" operation=\"mount\" name=\"/m/\" flags=\"rw, remount\"", "/m/",
     AA_REMOUNT, 0},
    {"apparmor=\"DENIED\" operation=\"umount\" name=\"/m/\"", "/m/", AA_UMOUNT, 0},
    {"apparmor=\"DENIED\" operation=\"pivotroot\" name=\"/m/\"", "/m/", AA_PIVOT_ROOT, 0},
    {"apparmor=\"DENIED\" operation=\"ptrace\" requested_mask=\"read\"", NULL, AA_PTRACE, 0},
    {"apparmor=\"DENIED\" operation=\"signal\" requested_mask=\"send\"", NULL, AA_SIGNAL, 0},
    {"apparmor=\"DENIED\" operation=\"userns_create\" class=\"namespace\"", NULL, AA_USERNS, 0},
    {"apparmor=\"DENIED\" operation=\"uring_sqpoll\" class=\"io_uring\"", NULL, AA_IO_URING, 0},
    {"apparmor=\"DENIED\" operation=\"change_profile\" name=\"x\"", NULL, AA_CLASSES, 0},
};

START_TEST(a_record_says_what_rule_to_look_for)
{
    static struct violation_apparmor_access access;
    bool found;

    read_apparmor(access_cases[_i].fields);
    found = violation_apparmor_access(&record, &access);
    ck_assert_int_eq(found, access_cases[_i].kind != AA_CLASSES);
    if (!found)
        return;
    ck_assert_int_eq(access.access.kind, access_cases[_i].kind);
    ck_assert_uint_eq(access.access.permissions, access_cases[_i].permissions);
    if (access_cases[_i].name)
        ck_assert_str_eq(access.access.name, access_cases[_i].name);
    else
        ck_assert_ptr_null(access.access.name);
    if (access_cases[_i].kind == AA_NETWORK) {
        ck_assert_str_eq(access.access.family, "inet");
        ck_assert_str_eq(access.access.type, "raw");
        ck_assert_str_eq(access.access.protocol, "icmp");
    }
}
END_TEST

static const struct {
    const char *profile;
    int child; /* as aa_rule.child; -1: none of ours */
} child_cases[] = {
    {"varmor-x", 0},
    {"varmor-x//child_0", 1},
    {"varmor-x//child_12", 13},
    {"varmor-x//child_", -1},
    {"varmor-x//child_1a", -1},
    {"varmor-x//child_99999999999999999999", -1},
    {"varmor-x//child_1//null-/a", -1},
    {"varmor-x//null-/bin/ls", -1},
    {"varmor-x//", -1},
};

START_TEST(the_rules_of_a_child_are_its_own)
{
    static struct violation_apparmor_access access;
    char fields[256];

    snprintf(fields, sizeof(fields),
             "apparmor=\"DENIED\" operation=\"open\" profile=\"%s\" name=\"/a\" "
             "requested_mask=\"r\" denied_mask=\"r\"",
             child_cases[_i].profile);
    read_apparmor(fields);
    ck_assert_int_eq(violation_apparmor_access(&record, &access), child_cases[_i].child >= 0);
    if (child_cases[_i].child >= 0)
        ck_assert_uint_eq(access.access.child, child_cases[_i].child);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("violation_audit");
    TCase *t = tcase_create("violation_audit");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, every_record_becomes_its_event);
    tcase_add_test(t, a_record_from_netlink_becomes_the_same_event);
    tcase_add_test(t, a_record_from_the_kernel_log_becomes_the_same_event);
    tcase_add_test(t, a_record_that_is_cut_anywhere_is_no_other_one);
    tcase_add_test(t, a_kind_leaves_out_what_only_one_record_has);
    tcase_add_loop_test(t, a_label_is_cut_to_the_profile, 0, (int)ARRAY_SIZE(label_cases));
    tcase_add_loop_test(t, what_apparmor_did_is_an_action, 0, (int)ARRAY_SIZE(action_cases));
    tcase_add_loop_test(t, what_seccomp_did_is_in_the_code, 0, (int)ARRAY_SIZE(code_cases));
    tcase_add_loop_test(t, a_call_is_named_by_the_table_of_its_architecture, 0,
                        (int)ARRAY_SIZE(call_cases));
    tcase_add_loop_test(t, a_record_says_what_rule_to_look_for, 0, (int)ARRAY_SIZE(access_cases));
    tcase_add_loop_test(t, the_rules_of_a_child_are_its_own, 0, (int)ARRAY_SIZE(child_cases));
    suite_add_tcase(s, t);
    return s;
}
