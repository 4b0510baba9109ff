/* SPDX-License-Identifier: Apache-2.0 */
/* Our reading of AppArmor's records next to libapparmor's, on records that it knows. */
#include "test/unit/unit.h"

#include "agent/violation_apparmor.h"
#include "test/audit/record_file.h"

#include <aalogparse/aalogparse.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct record_file file;
static struct audit_record record;

static void setup(void)
{
    record_file_read(&file);
}

static void teardown(void)
{
    record_file_done(&file);
}

struct text_pair {
    const char *member, *theirs;
};

static void check_texts(const char *line, const json_t *ours, const aa_log_record *theirs)
{
    const struct text_pair pairs[] = {
        {"auditID", theirs->audit_id},
        {"operation", theirs->operation},
        {"deniedMask", theirs->denied_mask},
        {"requestedMask", theirs->requested_mask},
        {"profile", theirs->profile},
        {"peerProfile", theirs->peer_profile},
        {"comm", theirs->comm},
        {"name", theirs->name},
        {"name2", theirs->name2},
        {"namespace", theirs->namespace},
        {"attribute", theirs->attribute},
        {"info", theirs->info},
        {"peerInfo", theirs->peer_info},
        {"activeHat", theirs->active_hat},
        {"netFamily", theirs->net_family},
        {"netProtocol", theirs->net_protocol},
        {"netSockType", theirs->net_sock_type},
        {"netLocalAddr", theirs->net_local_addr},
        {"netForeignAddr", theirs->net_foreign_addr},
        {"signal", theirs->signal},
        {"peer", theirs->peer},
        {"fsType", theirs->fs_type},
        {"flags", theirs->flags},
        {"srcName", theirs->src_name},
    };

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        const char *text = json_string_value(json_object_get(ours, pairs[i].member));

        ck_assert_ptr_nonnull(text);
        ck_assert_msg(strcmp(text, pairs[i].theirs ? pairs[i].theirs : "") == 0,
                      "%s of %s: '%s', libapparmor says '%s'", pairs[i].member, line, text,
                      pairs[i].theirs ? pairs[i].theirs : "");
    }
}

struct number_pair {
    const char *member;
    unsigned long theirs;
};

static void check_numbers(const char *line, const json_t *ours, const aa_log_record *theirs)
{
    const struct number_pair pairs[] = {
        {"event", (unsigned long)theirs->event},
        {"pid", theirs->pid},
        {"peerPID", theirs->peer_pid},
        {"task", theirs->task},
        {"epoch", (unsigned long)theirs->epoch},
        {"auditSubId", theirs->audit_sub_id},
        {"fsuid", theirs->fsuid},
        {"ouid", theirs->ouid},
        {"errorCode", (unsigned long)theirs->error_code},
        {"netLocalPort", theirs->net_local_port},
        {"netForeignPort", theirs->net_foreign_port},
    };

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        const json_t *member = json_object_get(ours, pairs[i].member);
        unsigned long number = member ? (unsigned long)json_integer_value(member) : ~0UL; /* none */

        ck_assert_msg(number == pairs[i].theirs, "%s of %s: %lu, libapparmor says %lu",
                      pairs[i].member, line, number, pairs[i].theirs);
    }
}

/* Compares one line; false if libapparmor does not know it. */
static bool compare(const char *line)
{
    CLEANUP_BUF struct buf event = BUF_INIT(VIOLATION_AUDIT_JSON_MAX);
    CLEANUP_FREE char *copy = strdup(line);
    aa_log_record *theirs = parse_record(copy);
    json_t *ours;

    ck_assert_ptr_nonnull(theirs);
    if (theirs->event == AA_RECORD_INVALID) {
        free_record(theirs);
        return false;
    }
    ck_assert_int_eq(audit_record_read_line(&record, line, strlen(line)), AUDIT_READ);
    ck_assert_int_eq(violation_apparmor_format(&event, &record, false), 0);
    ours = json_loadb((const char *)event.data, event.len, JSON_ALLOW_NUL, NULL);
    check_texts(line, ours, theirs);
    check_numbers(line, ours, theirs);
    json_decref(ours);
    free_record(theirs);
    return true;
}

START_TEST(the_records_of_the_file_are_read_the_same)
{
    unsigned n = 0;

    for (size_t i = 0; i < file.n; i++) {
        const char *text = strstr(file.items[i].line, "audit(");
        char line[4096];

        snprintf(line, sizeof(line), "type=AVC msg=%s", text ? text : "");
        /* it would take a byte that is not UTF-8 as it is, and KILLED and odd forms as nothing */
        if (audit_record_read_line(&record, line, strlen(line)) != AUDIT_READ ||
            record.type != AUDIT_RECORD_APPARMOR || strcmp(file.items[i].name, "R22") == 0)
            continue;
        n += compare(line);
    }
    ck_assert_uint_ge(n, 20);
}
END_TEST

/* Records in the kernel's order of fields, with what is in them made from a number. No backslash:
 * libapparmor drops it, and the kernel writes it for itself. */
static void make_line(char *line, size_t size, unsigned seed)
{
    static const char *const verbs[] = {"DENIED", "ALLOWED", "AUDIT"};
    static const char *const names[] = {"\"/etc/shadow\"", "2F746D702F612062",
                                        "\"/a=b,c;d'e\"",  "2F78223D22",
                                        "\"/\"",           "\"/x/**\""};
    static const char *const masks[] = {"r", "wc", "x", "rm", "wr", "k", "l"};
    static const char *const kinds[] = {
        "requested_mask=\"%s\" denied_mask=\"%s\" fsuid=%u ouid=0",
        "requested_mask=\"%s\" denied_mask=\"%s\" fsuid=%u ouid=0 target=\"/t\"",
        ("family=\"inet\" sock_type=\"stream\" protocol=6 requested_mask=\"%s\" denied_mask=\"%s\" "
         "fsuid=%u"),
        "requested_mask=\"%s\" denied_mask=\"%s\" fsuid=%u peer=\"unconfined\"",
    };
    char tail[256];
#define PICK(list) (list)[(seed = seed * 1103515245U + 12345U, seed >> 16) % ARRAY_SIZE(list)]
    const char *verb = PICK(verbs), *name = PICK(names), *mask = PICK(masks), *kind = PICK(kinds);
    unsigned number = seed >> 12;
#undef PICK

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(tail, sizeof(tail), kind, mask, mask, number % 65536);
#pragma GCC diagnostic pop
    snprintf(
        line, size,
        "type=AVC msg=audit(%u.%03u:%u): apparmor=\"%s\" operation=\"open\" profile=\"varmor-%u\" "
        "name=%s pid=%u comm=\"c%u\" %s",
        number, number % 1000, number, verb, number % 7, name, number % 4000000, number % 10, tail);
}

START_TEST(ten_thousand_made_records_are_read_the_same)
{
    unsigned n = 0;

    for (unsigned seed = 1; seed <= 10000; seed++) {
        char line[1024];

        make_line(line, sizeof(line), seed);
        n += compare(line);
    }
    ck_assert_uint_eq(n, 10000);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("audit_aalogparse");
    TCase *t = tcase_create("audit_aalogparse");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_records_of_the_file_are_read_the_same);
    tcase_add_test(t, ten_thousand_made_records_are_read_the_same);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return s;
}
