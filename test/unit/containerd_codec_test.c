/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/policy/selector.h"
#include "proto/containerd_codec.h"
#include "proto/oci_spec.h"
#include "proto/pod_opt_outs.h"

/* Captured from containerd 1.6.20 (Debian 12) while `ctr run --rm --label app=web` ran a container
 * c9. */
static const char create_container[] =
    "0a0c08e1f298d8061094d7bb8b01120764656661756c741a122f636f6e7461696e6572732f63726561746522"
    "600a21636f6e7461696e6572642e6576656e74732e436f6e7461696e6572437265617465123b0a0263391a35"
    "0a15696f2e636f6e7461696e6572642e72756e632e7632121c0a1a636f6e7461696e6572642e72756e632e76"
    "312e4f7074696f6e73";
static const char create_task[] =
    "0a0c08e1f298d8061093d1d2aa01120764656661756c741a0d2f7461736b732f63726561746522ea010a1c63"
    "6f6e7461696e6572642e6576656e74732e5461736b43726561746512c9010a02633912402f746d702f616765"
    "6e742d646c2f6374642f73746174652f696f2e636f6e7461696e6572642e72756e74696d652e76322e746173"
    "6b2f64656661756c742f6339227d0a272f72756e2f636f6e7461696e6572642f6669666f2f38323934313233"
    "34372f63392d737464696e12282f72756e2f636f6e7461696e6572642f6669666f2f3832393431323334372f"
    "63392d7374646f75741a282f72756e2f636f6e7461696e6572642f6669666f2f3832393431323334372f6339"
    "2d7374646572723096a301";
static const char start_task[] =
    "0a0c08e1f298d80610f2ddacaf01120764656661756c741a0c2f7461736b732f737461727422270a1b636f6e"
    "7461696e6572642e6576656e74732e5461736b537461727412080a0263391096a301";
static const char exit_task[] =
    "0a0c08e1f298d80610add28db401120764656661756c741a0b2f7461736b732f6578697422380a1a636f6e74"
    "61696e6572642e6576656e74732e5461736b45786974121a0a026339120263391896a3012a0c08e1f298d806"
    "1080998cb401";
static const char delete_task[] =
    "0a0c08e1f298d80610a5d6e7b801120764656661756c741a0d2f7461736b732f64656c65746522360a1c636f"
    "6e7461696e6572642e6576656e74732e5461736b44656c65746512160a0263391096a301220c08e1f298d806"
    "1080998cb401";
static const char delete_container[] =
    "0a0c08e1f298d80610d4fac7c001120764656661756c741a122f636f6e7461696e6572732f64656c65746522"
    "290a21636f6e7461696e6572642e6576656e74732e436f6e7461696e657244656c65746512040a026339";
static const char task_list[] =
    "0a96011202633118ef6420022a282f72756e2f636f6e7461696e6572642f6669666f2f333238313635353731"
    "302f63312d737464696e32292f72756e2f636f6e7461696e6572642f6669666f2f333238313635353731302f"
    "63312d7374646f75743a292f72756e2f636f6e7461696e6572642f6669666f2f333238313635353731302f63"
    "312d737464657272520b088092b8c398feffffff01";
static const char namespace_list[] = "0a090a0764656661756c740a070a056f74686572";
static const char version[] =
    "0a0a312e362e32307e6473311214312e362e32307e6473312d312b64656231327533";

#define MESSAGE_MAX 8192

/* Hexadecimal to bytes; returns how many. */
static size_t from_hex(uint8_t out[static MESSAGE_MAX], const char *hex)
{
    size_t n = strlen(hex) / 2;

    ck_assert_uint_le(n, MESSAGE_MAX);
    for (size_t i = 0; i < n; i++) {
        unsigned byte;

        ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
    return n;
}

/* One field of wire type 2 with a length below 16,384. */
static void add_field(struct buf *b, unsigned field, const void *data, size_t len)
{
    const uint8_t head[] = {(uint8_t)(field << 3 | 2), (uint8_t)(len & 0x7f) | 0x80,
                            (uint8_t)(len >> 7)};

    ck_assert_int_eq(buf_add(b, head, sizeof(head)), 0);
    ck_assert_int_eq(buf_add(b, data, len), 0);
}

static void add_text(struct buf *b, unsigned field, const char *text)
{
    add_field(b, field, text, strlen(text));
}

START_TEST(the_events_of_a_run_are_told_apart)
{
    static const struct {
        const char *hex, *topic;
        enum containerd_event_kind kind;
        int pid;
    } cases[] = {
        {create_container, "/containers/create", CONTAINERD_CONTAINER_CREATE, 0},
        {create_task, "/tasks/create", CONTAINERD_TASK_CREATE, 20886},
        {start_task, "/tasks/start", CONTAINERD_TASK_START, 20886},
        {exit_task, "/tasks/exit", CONTAINERD_TASK_EXIT, 20886},
        {delete_task, "/tasks/delete", CONTAINERD_TASK_DELETE, 20886},
        {delete_container, "/containers/delete", CONTAINERD_CONTAINER_DELETE, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t bytes[MESSAGE_MAX];
        size_t len = from_hex(bytes, cases[i].hex);
        struct containerd_event ev;

        ck_assert_int_eq(containerd_event_decode(&ev, bytes, len, NULL), 0);
        ck_assert_int_eq(ev.kind, cases[i].kind);
        ck_assert_str_eq(ev.topic, cases[i].topic);
        ck_assert_str_eq(ev.name_space, "default");
        ck_assert_str_eq(ev.container_id, "c9");
        ck_assert_int_eq(ev.pid, cases[i].pid);
        ck_assert(ev.first_process);
    }
}
END_TEST

/* An exit event: {namespace, topic, {type, {container, process id, pid}}}. */
static void make_exit(struct buf *out, const char *container, const char *process)
{
    CLEANUP_BUF struct buf inner = BUF_INIT(MESSAGE_MAX), any = BUF_INIT(MESSAGE_MAX);

    add_text(&inner, 1, container);
    add_text(&inner, 2, process);
    ck_assert_int_eq(buf_add(&inner, "\x18\x07", 2), 0); /* field 3: pid 7 */
    add_text(&any, 1, "containerd.events.TaskExit");
    add_field(&any, 2, inner.data, inner.len);
    add_text(out, 2, "k8s.io");
    add_text(out, 3, "/tasks/exit");
    add_field(out, 4, any.data, any.len);
}

START_TEST(the_exit_of_an_exec_session_is_not_the_containers)
{
    static const struct {
        const char *process;
        bool first;
    } cases[] = {{"abc", true}, {"", true}, {"session-1", false}, {"ab", false}, {"abcd", false}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_BUF struct buf b = BUF_INIT(MESSAGE_MAX);
        struct containerd_event ev;

        make_exit(&b, "abc", cases[i].process);
        ck_assert_int_eq(containerd_event_decode(&ev, b.data, b.len, NULL), 0);
        ck_assert_int_eq(ev.kind, CONTAINERD_TASK_EXIT);
        ck_assert_int_eq(ev.pid, 7);
        ck_assert(ev.first_process == cases[i].first);
    }
}
END_TEST

START_TEST(an_event_of_another_type_is_other)
{
    CLEANUP_BUF struct buf b = BUF_INIT(MESSAGE_MAX);
    struct containerd_event ev;

    add_text(&b, 2, "varmor");
    add_text(&b, 3, "/varmor/subscribed");
    ck_assert_int_eq(containerd_event_decode(&ev, b.data, b.len, NULL), 0);
    ck_assert_int_eq(ev.kind, CONTAINERD_EVENT_OTHER);
    ck_assert_str_eq(ev.topic, "/varmor/subscribed");
    ck_assert_str_eq(ev.container_id, "");
}
END_TEST

START_TEST(an_event_without_a_container_is_refused)
{
    CLEANUP(error_free) struct error *problem = NULL;
    CLEANUP_BUF struct buf b = BUF_INIT(MESSAGE_MAX);
    struct containerd_event ev;

    make_exit(&b, "", "x");
    ck_assert_int_eq(containerd_event_decode(&ev, b.data, b.len, &problem), -EBADMSG);
    ck_assert_str_eq(error_message(problem),
                     "containerd's event '/tasks/exit' has no container id");
}
END_TEST

START_TEST(an_identifier_over_its_ceiling_is_refused)
{
    for (size_t len = CONTAINERD_ID_SIZE - 1; len <= CONTAINERD_ID_SIZE; len++) {
        CLEANUP_BUF struct buf b = BUF_INIT(MESSAGE_MAX);
        struct containerd_event ev;
        char id[CONTAINERD_ID_SIZE + 1];

        memset(id, 'a', len);
        id[len] = '\0';
        make_exit(&b, id, "");
        ck_assert_int_eq(containerd_event_decode(&ev, b.data, b.len, NULL),
                         len < CONTAINERD_ID_SIZE ? 0 : -EBADMSG);
    }
}
END_TEST

START_TEST(a_cut_message_is_refused_wherever_it_is_cut)
{
    uint8_t bytes[MESSAGE_MAX];
    size_t len = from_hex(bytes, create_task), n_refused = 0;

    for (size_t cut = 1; cut < len; cut++) {
        uint8_t *copy = malloc(cut); /* so that the sanitizer sees a read past the cut */
        struct containerd_event ev;

        memcpy(copy, bytes, cut);
        n_refused += containerd_event_decode(&ev, copy, cut, NULL) == -EBADMSG;
        free(copy);
    }
    ck_assert_uint_ge(n_refused, len - 4); /* a cut between two fields is a shorter message */
}
END_TEST

struct found {
    unsigned n;
    int stop; /* what to return */
    char last[CONTAINERD_ID_SIZE];
    int pid;
    enum containerd_task_status status;
};

static int on_task(const struct containerd_task *task, void *arg)
{
    struct found *f = arg;

    f->n++;
    memcpy(f->last, task->container_id, sizeof(f->last));
    f->pid = task->pid;
    f->status = task->status;
    return f->stop;
}

static int on_name(const char *name, void *arg)
{
    struct found *f = arg;

    f->n++;
    snprintf(f->last, sizeof(f->last), "%s", name);
    return f->stop;
}

START_TEST(tasks_are_listed_with_process_and_state)
{
    uint8_t bytes[MESSAGE_MAX];
    size_t len = from_hex(bytes, task_list);
    struct found f = {0};
    struct containerd_task one;

    ck_assert_int_eq(containerd_tasks_decode(bytes, len, on_task, &f, NULL), 0);
    ck_assert_uint_eq(f.n, 1);
    ck_assert_str_eq(f.last, "c1");
    ck_assert_int_eq(f.status, CONTAINERD_TASK_RUNNING);
    ck_assert_int_gt(f.pid, 0);

    ck_assert_int_eq(containerd_task_decode(&one, bytes, len, NULL),
                     0); /* the answer to Get is alike */
    ck_assert_int_eq(one.pid, f.pid);
    ck_assert_str_eq(one.container_id, "c1");

    f = (struct found){.stop = -ENOMEM};
    ck_assert_int_eq(containerd_tasks_decode(bytes, len, on_task, &f, NULL), -ENOMEM);
}
END_TEST

START_TEST(a_task_without_a_container_or_with_a_wild_pid_does_no_harm)
{
    CLEANUP_BUF struct buf process = BUF_INIT(MESSAGE_MAX), b = BUF_INIT(MESSAGE_MAX);
    struct found f = {0};

    add_text(&process, 2, "c1");
    ck_assert_int_eq(buf_add(&process, "\x18\xff\xff\xff\xff\x0f\x20\x63", 8),
                     0); /* pid 2^32-1, status 99 */
    add_field(&b, 1, process.data, process.len);
    ck_assert_int_eq(containerd_tasks_decode(b.data, b.len, on_task, &f, NULL), 0);
    ck_assert_int_eq(f.pid, 0);
    ck_assert_int_eq(f.status, CONTAINERD_TASK_UNKNOWN);

    add_field(&b, 1, "", 0);
    ck_assert_int_eq(containerd_tasks_decode(b.data, b.len, on_task, &f, NULL), -EBADMSG);
}
END_TEST

START_TEST(namespaces_and_version_are_read)
{
    char text[CONTAINERD_VERSION_SIZE];
    uint8_t bytes[MESSAGE_MAX];
    struct found f = {0};

    ck_assert_int_eq(
        containerd_namespaces_decode(bytes, from_hex(bytes, namespace_list), on_name, &f, NULL), 0);
    ck_assert_uint_eq(f.n, 2);
    ck_assert_str_eq(f.last, "other");
    ck_assert_int_eq(containerd_version_decode(text, bytes, from_hex(bytes, version), NULL), 0);
    ck_assert_str_eq(text, "1.6.20~ds1");
}
END_TEST

/* A container with one label and the spec given; spec NULL: none. */
static void make_container(struct buf *out, const char *spec)
{
    CLEANUP_BUF struct buf label = BUF_INIT(MESSAGE_MAX), any = BUF_INIT(MESSAGE_MAX),
                           container = BUF_INIT(4 * MESSAGE_MAX);

    add_text(&label, 1, "app");
    add_text(&label, 2, "web");
    add_text(&container, 1, "c1");
    add_field(&container, 2, label.data, label.len);
    add_text(&container, 3, "docker.io/library/x:1");
    if (spec) {
        add_text(&any, 1, "types.containerd.io/opencontainers/runtime-spec/1/Spec");
        add_text(&any, 2, spec);
        add_field(&container, 5, any.data, any.len);
    }
    add_field(out, 1, container.data, container.len);
}

START_TEST(a_container_has_labels_image_annotations_and_cgroup)
{
    CLEANUP_BUF struct buf b = BUF_INIT(8 * MESSAGE_MAX);
    struct containerd_container c = {0};

    make_container(&b, "{\"ociVersion\":\"1.0\",\"annotations\":{\"k\":\"v\"},"
                       "\"linux\":{\"cgroupsPath\":\"/default/c1\"}}");
    ck_assert_int_eq(containerd_container_decode(&c, b.data, b.len, NULL), 0);
    ck_assert_str_eq(c.id, "c1");
    ck_assert_str_eq(c.image, "docker.io/library/x:1");
    ck_assert_str_eq(labels_get(c.labels, "app"), "web");
    ck_assert_str_eq(labels_get(c.annotations, "k"), "v");
    ck_assert_str_eq(c.cgroups_path, "/default/c1");
    containerd_container_done(&c);
}
END_TEST

#define SECCOMP(text) "{\"linux\":{\"seccomp\":" text "}}"
static const struct {
    const char *spec;
    enum oci_seccomp seccomp;
} settings[] = {
    {"", OCI_SECCOMP_UNKNOWN},
    {"{}", OCI_SECCOMP_NONE},
    {"{\"linux\":{}}", OCI_SECCOMP_NONE},
    {SECCOMP("null"), OCI_SECCOMP_NONE},
    {SECCOMP("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}"), OCI_SECCOMP_PROFILE},
    {SECCOMP("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"ioctl\"],"
             "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":1,"
             "\"value\":18446744073709551615,\"valueTwo\":0,\"op\":\"SCMP_CMP_EQ\"}]}]}"),
     OCI_SECCOMP_PROFILE},
    {SECCOMP("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}"), OCI_SECCOMP_OTHER},
    {SECCOMP("{\"defaultAction\":\"SCMP_ACT_NEVER\"}"), OCI_SECCOMP_OTHER},
    /* what other parts hold does not matter */
    {"{\"process\":{\"oomScoreAdj\":-999,\"rlimits\":[{\"hard\":18446744073709551615}]}}",
     OCI_SECCOMP_NONE},
};

START_TEST(a_container_says_which_seccomp_profile_it_was_made_with)
{
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        CLEANUP_BUF struct buf b = BUF_INIT(8 * MESSAGE_MAX);
        CLEANUP(error_free) struct error *e = NULL;
        struct containerd_container c = {0};
        int r;

        make_container(&b, settings[i].spec[0] ? settings[i].spec : NULL);
        r = containerd_container_decode(&c, b.data, b.len, &e);
        ck_assert_msg(r == 0, "%s: %s", settings[i].spec, error_message(e));
        ck_assert_int_eq(c.seccomp, settings[i].seccomp);
        ck_assert_int_eq(digest_is_zero(&c.seccomp_digest), c.seccomp != OCI_SECCOMP_PROFILE);
        containerd_container_done(&c);
    }
}
END_TEST

START_TEST(a_container_says_which_apparmor_profile_it_was_made_with)
{
    static const struct {
        const char *spec, *profile;
    } cases[] = {
        {NULL, NULL},
        {"{}", ""},
        {"{\"process\":{}}", ""},
        {"{\"process\":{\"apparmorProfile\":null}}", ""},
        {"{\"process\":{\"apparmorProfile\":\"varmor-shop-web\"}}", "varmor-shop-web"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_BUF struct buf b = BUF_INIT(8 * MESSAGE_MAX);
        struct containerd_container c = {0};

        make_container(&b, cases[i].spec);
        ck_assert_int_eq(containerd_container_decode(&c, b.data, b.len, NULL), 0);
        ck_assert_pstr_eq(c.apparmor_profile, cases[i].profile);
        containerd_container_done(&c);
    }
}
END_TEST

START_TEST(a_container_without_a_spec_has_no_annotations)
{
    CLEANUP_BUF struct buf b = BUF_INIT(8 * MESSAGE_MAX);
    struct containerd_container c = {0};

    make_container(&b, NULL);
    ck_assert_int_eq(containerd_container_decode(&c, b.data, b.len, NULL), 0);
    ck_assert_uint_eq(labels_size(c.annotations), 0);
    ck_assert_ptr_null(c.cgroups_path);
    containerd_container_done(&c);
}
END_TEST

#define ANNOTATION    "container.bpf.security.beta.varmor.org/c"
#define METADATA(key) "{\"Metadata\":{\"Config\":{\"annotations\":{\"" key "\":\"unconfined\"}}}}"

static void add_extension(struct buf *container, const char *key, const char *value)
{
    CLEANUP_BUF struct buf any = BUF_INIT(MESSAGE_MAX), entry = BUF_INIT(2 * MESSAGE_MAX);

    add_text(&any, 1, "github.com/containerd/cri/pkg/store/sandbox/Metadata");
    add_text(&any, 2, value);
    add_text(&entry, 1, key);
    add_field(&entry, 2, any.data, any.len);
    add_field(container, 10, entry.data, entry.len);
}

START_TEST(a_sandbox_says_who_is_opted_out)
{
    static const struct {
        const char *key, *value;
        size_t n;
    } cases[] = {
        {POD_OPT_OUTS_EXTENSION, METADATA(ANNOTATION), 1},
        {POD_OPT_OUTS_EXTENSION, METADATA("other"), 0},
        {"io.cri-containerd.sandbox.metadat!", METADATA(ANNOTATION), 0},
        {"another", METADATA(ANNOTATION), 0},
        {"", METADATA(ANNOTATION), 0},
        /* what cannot be read opts nobody out, and the container is there all the same */
        {POD_OPT_OUTS_EXTENSION, "{", 0},
        {POD_OPT_OUTS_EXTENSION, "", 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_BUF struct buf b = BUF_INIT(4 * MESSAGE_MAX), container = BUF_INIT(4 * MESSAGE_MAX);
        struct containerd_container c = {0};

        add_text(&container, 1, "c1");
        add_extension(&container, "first", "x");
        add_extension(&container, cases[i].key, cases[i].value);
        add_extension(&container, "last", METADATA(ANNOTATION "2"));
        add_field(&b, 1, container.data, container.len);
        ck_assert_int_eq(containerd_container_decode(&c, b.data, b.len, NULL), 0);
        ck_assert_uint_eq(labels_size(c.opt_outs), cases[i].n);
        containerd_container_done(&c);
    }
}
END_TEST

START_TEST(a_spec_that_is_not_one_is_refused_with_its_reason)
{
    static const struct {
        const char *spec, *reason;
    } cases[] = {
        {"[]", "OCI spec: it is not a JSON object"},
        {"{\"annotations\":[]}", "OCI spec: 'annotations' is not an object"},
        {"{\"annotations\":{\"a\":1}}", "OCI spec: annotation 'a' is not text"},
        {"{\"linux\":7}", "OCI spec: 'linux' is not an object"},
        {"{\"linux\":{\"cgroupsPath\":{}}}", "OCI spec: 'linux.cgroupsPath' is not text"},
        {"{\"process\":{\"apparmorProfile\":1}}",
         "OCI spec: 'process.apparmorProfile' is not text"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        struct oci_spec spec;

        ck_assert_int_eq(oci_spec_parse(&spec, cases[i].spec, strlen(cases[i].spec), &problem),
                         -EBADMSG);
        ck_assert_str_eq(error_message(problem), cases[i].reason);
    }
}
END_TEST

START_TEST(a_spec_that_is_not_json_is_refused_with_its_container)
{
    CLEANUP(error_free) struct error *problem = NULL;
    CLEANUP_BUF struct buf b = BUF_INIT(8 * MESSAGE_MAX);
    struct containerd_container c = {0};

    make_container(&b, "{\"a\":1,\"a\":2}");
    ck_assert_int_eq(containerd_container_decode(&c, b.data, b.len, &problem), -EBADMSG);
    ck_assert_ptr_nonnull(
        strstr(error_message(problem), "containerd's container 'c1': OCI spec: "));
}
END_TEST

START_TEST(requests_have_containerds_field_numbers)
{
    static const char *const filters[] = {"a", "b"};
    CLEANUP_BUF struct buf b = BUF_INIT(256);

    ck_assert_int_eq(containerd_encode_subscribe(&b, filters, 2), 0);
    ck_assert_uint_eq(b.len, 6);
    ck_assert_mem_eq(b.data,
                     "\x0a\x01"
                     "a"
                     "\x0a\x01"
                     "b",
                     6);
    buf_clear(&b);
    ck_assert_int_eq(containerd_encode_get(&b, "c1"), 0);
    ck_assert_mem_eq(b.data,
                     "\x0a\x02"
                     "c1",
                     4);
    buf_clear(&b);
    ck_assert_int_eq(containerd_encode_publish(&b, "/t"), 0);
    ck_assert_mem_eq(b.data, "\x0a\x02/t\x12", 5);
}
END_TEST

START_TEST(a_request_that_does_not_fit_leaves_the_buffer_as_it_was)
{
    CLEANUP_BUF struct buf b = BUF_INIT(3);
    char id[CONTAINERD_ID_SIZE + 1];

    ck_assert_int_eq(containerd_encode_get(&b, "c1"), -E2BIG);
    ck_assert_uint_eq(b.len, 0);
    memset(id, 'a', CONTAINERD_ID_SIZE);
    id[CONTAINERD_ID_SIZE] = '\0';
    b.max = 1024;
    ck_assert_int_eq(containerd_encode_get(&b, id), -E2BIG);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("containerd_codec");
    TCase *t = tcase_create("containerd_codec");

    tcase_add_test(t, the_events_of_a_run_are_told_apart);
    tcase_add_test(t, the_exit_of_an_exec_session_is_not_the_containers);
    tcase_add_test(t, an_event_of_another_type_is_other);
    tcase_add_test(t, an_event_without_a_container_is_refused);
    tcase_add_test(t, an_identifier_over_its_ceiling_is_refused);
    tcase_add_test(t, a_cut_message_is_refused_wherever_it_is_cut);
    tcase_add_test(t, tasks_are_listed_with_process_and_state);
    tcase_add_test(t, a_task_without_a_container_or_with_a_wild_pid_does_no_harm);
    tcase_add_test(t, namespaces_and_version_are_read);
    tcase_add_test(t, a_container_has_labels_image_annotations_and_cgroup);
    tcase_add_test(t, a_container_says_which_seccomp_profile_it_was_made_with);
    tcase_add_test(t, a_container_says_which_apparmor_profile_it_was_made_with);
    tcase_add_test(t, a_container_without_a_spec_has_no_annotations);
    tcase_add_test(t, a_sandbox_says_who_is_opted_out);
    tcase_add_test(t, a_spec_that_is_not_one_is_refused_with_its_reason);
    tcase_add_test(t, a_spec_that_is_not_json_is_refused_with_its_container);
    tcase_add_test(t, requests_have_containerds_field_numbers);
    tcase_add_test(t, a_request_that_does_not_fit_leaves_the_buffer_as_it_was);
    suite_add_tcase(s, t);
    return s;
}
