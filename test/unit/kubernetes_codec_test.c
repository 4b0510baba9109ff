/* SPDX-License-Identifier: Apache-2.0 */
/* The objects are those that a real API server has encoded (test/cluster/record_objects). */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/policy/selector.h"
#include "proto/kubernetes_codec.h"

#define RECORDED_MAX 8192

static struct object object;
static uint8_t bytes[RECORDED_MAX]; /* the kind, then the message */
static size_t n_bytes;

static void record_read(const char *name)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "test/fuzz/corpus/kubernetes_fuzz/%s", name);
    file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s", path);
    n_bytes = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    ck_assert_uint_gt(n_bytes, 1);
}

static void object_read(const char *name)
{
    CLEANUP(error_free) struct error *e = NULL;

    record_read(name);
    ck_assert_msg(kubernetes_decode(&object, bytes[0], bytes + 1, n_bytes - 1, &e) == 0, "%s: %s",
                  name, error_message(e));
    ck_assert_int_eq(object.kind, bytes[0]);
}

static void tear_down(void)
{
    object_done(&object);
}

/* The addresses, joined by blanks; of one call at a time. */
static const char *addresses(const struct manifest *m)
{
    static char text[1024];
    char one[ADDR_TEXT_SIZE];
    size_t n = 0;

    *text = '\0';
    for (size_t i = 0; i < m->n_addresses; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "",
                              addr_format(&m->addresses[i], one));
    return text;
}

/* The labels as "key=value ...". */
static const char *labels_of(const struct labels *l)
{
    static char text[1024];
    size_t n = 0;

    *text = '\0';
    for (size_t i = 0; i < labels_size(l); i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s=%s", i ? " " : "", labels_key(l, i),
                              labels_value(l, i));
    return text;
}

static const struct recorded {
    const char *file, *name, *labels, *addresses;
    size_t n_ports;
} recorded[] = {
    {"ordinary_pod", "web-1", "app=web example.com/role= pod-template-hash=5d4f8c7b9",
     "10.1.0.1 fd00::1", 0},
    {"finished_pod", "done", "app=web", "", 0},
    {"node_network_pod", "host", "app=web", "", 0},
    {"young_pod", "young", "", "", 0},
    {"namespace", "shop", "kubernetes.io/metadata.name=shop team=shop", "", 0},
    {"service", "web", "app=web", "10.96.7.7", 2},
    {"headless_service", "headless", "", "", 1},
    {"external_service", "elsewhere", "", "", 0},
    {"slice", "web-v4", "kubernetes.io/service-name=web", "10.1.0.1 10.1.0.2", 1},
    {"slice_v6", "web-v6", "kubernetes.io/service-name=web", "fd00::1", 0},
    {"slice_of_names", "names", "kubernetes.io/service-name=web", "", 1},
    {"deployment", "web", "app=web tier=front", "", 0},
    {"stateful_set", "db", "app=db tier=front", "", 0},
    {"daemon_set", "log", "app=log tier=front", "", 0},
};

START_TEST(what_a_real_api_server_sends_is_read)
{
    const struct recorded *wanted = &recorded[_i];

    object_read(wanted->file);
    ck_assert_str_eq(object.name, wanted->name);
    ck_assert_str_eq(object.name_space, object.kind == OBJECT_NAMESPACE ? "" : "shop");
    ck_assert_str_eq(labels_of(object.manifest->labels), wanted->labels);
    ck_assert_str_eq(addresses(object.manifest), wanted->addresses);
    ck_assert_uint_eq(object.manifest->n_ports, wanted->n_ports);
}
END_TEST

START_TEST(workloads_have_the_selector_and_the_labels_of_their_pods)
{
    static const struct {
        const char *file, *selector, *template_labels;
    } cases[] = {
        {"deployment", "app=web,!old,tier in (back,front)", "app=web tier=back track=stable"},
        {"stateful_set", "app=db,!old,tier in (back,front)", "app=db tier=back track=stable"},
        {"daemon_set", "app=log,!old,tier in (back,front)", "app=log tier=back track=stable"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        object_read(cases[i].file);
        ck_assert_str_eq(selector_text(object.manifest->selector), cases[i].selector);
        ck_assert_str_eq(labels_of(object.manifest->template_labels), cases[i].template_labels);
        ck_assert(selector_match(object.manifest->selector, object.manifest->template_labels));
        object_done(&object);
    }
}
END_TEST

START_TEST(numbers_of_ports_are_kept)
{
    object_read("service");
    ck_assert_uint_eq(object.manifest->ports[0].first, 80);
    ck_assert_uint_eq(object.manifest->ports[1].last, 443);
    object_done(&object);
    object_read("slice");
    ck_assert_uint_eq(object.manifest->ports[0].first, 8080);
}
END_TEST

/* Each prefix is a message that was cut off: refused, or read up to a field's end, never a crash. */
START_TEST(a_message_that_is_cut_off_is_no_danger)
{
    record_read(recorded[_i].file);
    for (size_t len = 0; len < n_bytes - 1; len++) {
        CLEANUP(error_free) struct error *e = NULL;
        CLEANUP_FREE uint8_t *cut = malloc(len + 1);
        int r;

        memcpy(cut, bytes + 1, len); /* so that the sanitizer sees its end */
        r = kubernetes_decode(&object, bytes[0], cut, len, &e);
        ck_assert(r == 0 || r == -EBADMSG);
        ck_assert((r == 0) == (e == NULL));
        if (r == 0)
            object_done(&object);
    }
}
END_TEST

/* ---- Messages that no API server would let in ---- */

#define METADATA          "\x0a\x03\x0a\x01n" /* named "n" */
#define SHORT_MESSAGE_MAX 160

static const struct {
    enum object_kind kind;
    const char *message; /* behind METADATA */
    size_t len;
    const char *problem;
} broken[] = {
#define MESSAGE(text) text, sizeof(text) - 1
    {OBJECT_POD, MESSAGE("\x1a\x05\x62\x03\x0a\x01x"), "status.podIPs: 'x' is not an IP address"},
    {OBJECT_SERVICE, MESSAGE("\x12\x04\x92\x01\x01y"), "spec.clusterIPs: 'y' is not an IP address"},
    {OBJECT_SERVICE, MESSAGE("\x12\x06\x0a\x04\x18\x80\x80\x04"),
     "65536 is not a port: 1 to 65535"},
    {OBJECT_ENDPOINT_SLICE, MESSAGE("\x12\x03\x0a\x01z"), "endpoints: 'z' is not an IP address"},
    {OBJECT_DEPLOYMENT, MESSAGE(""), "spec.selector is missing"},
    {OBJECT_DEPLOYMENT, MESSAGE("\x12\x0a\x12\x08\x12\x06\x0a\x01k\x12\x01?"),
     "spec.selector: '?' is not an operator"},
    {OBJECT_DAEMONSET, MESSAGE("\x12\x0b\x0a\x09\x12\x07\x0a\x01k\x12\x02In"), "spec.selector: "},
    {OBJECT_POD, MESSAGE("\x1a\x7f"), "parent stream too short"},
    {OBJECT_POD, MESSAGE("\xff"), ""},
#undef MESSAGE
};

START_TEST(broken_messages_are_refused_with_the_reason)
{
    CLEANUP(error_free) struct error *e = NULL;
    uint8_t message[SHORT_MESSAGE_MAX];
    size_t len = sizeof(METADATA) - 1;

    memcpy(message, METADATA, len);
    memcpy(message + len, broken[_i].message, broken[_i].len);
    len += broken[_i].len;
    ck_assert_int_eq(kubernetes_decode(&object, broken[_i].kind, message, len, &e), -EBADMSG);
    ck_assert_msg(strncmp(error_message(e), broken[_i].problem, strlen(broken[_i].problem)) == 0,
                  "%s", error_message(e));
}
END_TEST

START_TEST(texts_end_at_their_ceilings)
{
    static const struct {
        size_t name_len;
        int result;
    } cases[] = {{0, -EBADMSG}, {1, 0}, {253, 0}, {254, -EBADMSG}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(error_free) struct error *e = NULL;
        size_t n = cases[i].name_len, inner = n + (n > 127 ? 3 : 2);
        uint8_t message[512], *p = message;
        int r;

        *p++ = 0x0a; /* metadata */
        if (inner > 127)
            *p++ = (uint8_t)(inner | 0x80);
        *p++ = (uint8_t)(inner > 127 ? inner >> 7 : inner);
        *p++ = 0x0a; /* its name */
        if (n > 127)
            *p++ = (uint8_t)(n | 0x80);
        *p++ = (uint8_t)(n > 127 ? n >> 7 : n);
        memset(p, 'n', n);
        r = kubernetes_decode(&object, OBJECT_POD, message, (size_t)(p - message) + n, &e);
        ck_assert_msg(r == cases[i].result, "%zu bytes: %d, %s", n, r, error_message(e));
        if (r == 0)
            ck_assert_uint_eq(strlen(object.name), n);
        object_done(&object);
    }
}
END_TEST

START_TEST(policies_are_not_decoded_here)
{
    ck_assert(kubernetes_decodes(OBJECT_POD));
    ck_assert(!kubernetes_decodes(OBJECT_NONE));
    ck_assert(!kubernetes_decodes(OBJECT_VARMOR_POLICY));
    ck_assert(!kubernetes_decodes(OBJECT_KINDS));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kubernetes_codec");
    TCase *t = tcase_create("kubernetes_codec");

    tcase_add_checked_fixture(t, NULL, tear_down);
    tcase_add_loop_test(t, what_a_real_api_server_sends_is_read, 0, ARRAY_SIZE(recorded));
    tcase_add_test(t, workloads_have_the_selector_and_the_labels_of_their_pods);
    tcase_add_test(t, numbers_of_ports_are_kept);
    tcase_add_loop_test(t, a_message_that_is_cut_off_is_no_danger, 0, ARRAY_SIZE(recorded));
    tcase_add_loop_test(t, broken_messages_are_refused_with_the_reason, 0, ARRAY_SIZE(broken));
    tcase_add_test(t, texts_end_at_their_ceilings);
    tcase_add_test(t, policies_are_not_decoded_here);
    suite_add_tcase(s, t);
    return s;
}
