/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/policy/selector.h"
#include "lib/policy/target.h"
#include "manager/admission_patch.h"
#include "test/unit/admission_bed.h"

#define BPF      "container.bpf.security.beta.varmor.org"
#define APPARMOR "container.apparmor.security.beta.varmor.org"
#define LEGACY   "container.apparmor.security.beta.kubernetes.io"
#define SECCOMP  "container.seccomp.security.beta.varmor.org"
#define NOW      "add /metadata/annotations/webhook.varmor.org~1mutatedAt \"2026-11-25T09:00:00Z\"\n"
#define NOW_NS   (1795597200LL * (int64_t)NS_PER_SEC)

#define ENHANCE  "EnhanceProtect, enhanceProtect: {hardeningRules: [disallow-create-user-ns]}"

/* A Pod "w" with annotations, a security context of its own, and containers. */
#define POD(annotations, context, containers)                                                      \
    "{'metadata': {'name': 'w', 'annotations': {" annotations "}},"                                \
    " 'spec': {'securityContext': {" context "}, 'containers': [" containers "]}}"
#define C(context)        "{'name': 'c', 'securityContext': {" context "}}"
#define BARE              "{'name': 'c'}"

#define P_ANNOTATION      "/metadata/annotations/"
#define P_CONTEXT         "/spec/containers/0/securityContext"
#define OURS              "varmor-shop-web"
#define LOCAL             " \"localhost/" OURS "\"\n"
#define FIELD             " {\"type\": \"Localhost\", \"localhostProfile\": \"" OURS "\"}\n"
#define ADD_BPF           "add " P_ANNOTATION BPF "~1c" LOCAL
#define ADD_LEGACY        "add " P_ANNOTATION LEGACY "~1c" LOCAL
#define ADD_APPARMOR_NOTE "add " P_ANNOTATION APPARMOR "~1c" LOCAL
#define ADD_CONTEXT       "add " P_CONTEXT " {}\n"
#define ADD_APPARMOR      "add " P_CONTEXT "/appArmorProfile" FIELD
#define ADD_SECCOMP_NOTE  "add " P_ANNOTATION SECCOMP "~1c" LOCAL
#define ADD_SECCOMP       "add " P_CONTEXT "/seccompProfile" FIELD
#define ADD_DEFAULT       "add " P_CONTEXT "/seccompProfile {\"type\": \"RuntimeDefault\"}\n"
#define ADD_LIFTED        "add " P_ANNOTATION APPARMOR "~1c \"bpf-exclusive\"\n"
#define ADD_UNCONFINED    "add " P_CONTEXT "/appArmorProfile {\"type\": \"Unconfined\"}\n"
#define UNCONFINED(key)   "'" key "/c': 'unconfined'"
#define MINE(key)         "'" key "/c': 'localhost/mine'"
#define TYPE(field, type) "'" field "': {'type': '" type "'}"
#define MY(field)         "'" field "': {'type': 'Localhost', 'localhostProfile': 'mine'}"
#define KEEPS(enforcer)                                                                            \
    "warning container 'c' keeps its own " enforcer " profile 'mine': policy "                     \
    "VarmorPolicy/shop/web does not confine it with " enforcer "\n"
#define GIVES_WAY(enforcer)                                                                        \
    "warning container 'c': the runtime's default " enforcer " profile gives way to " OURS         \
    " of policy VarmorPolicy/shop/web\n"

enum { OLD = 1, EXCLUSIVE = 2 }; /* settings: no field for AppArmor; bpf_exclusive */

static const struct {
    const char *kind, *enforcer, *mode;
    unsigned settings;
    const char *object, *operations;
} cases[] = {
    /* ---- the example of the contract: a Deployment, one container opted out ---- */
    {"Deployment", "AppArmorSeccomp", ENHANCE, 0,
     "{'metadata': {'name': 'w'}, 'spec': {'template': {'metadata': {'annotations': {"
     "'" APPARMOR "/c0': 'unconfined', '" SECCOMP "/c0': 'unconfined'}},"
     " 'spec': {'containers': [{'name': 'c0'}, {'name': 'c1'}]}}}}",
     "add /metadata/annotations {}\n"
     "add /spec/template/metadata/annotations/" APPARMOR "~1c1" LOCAL
     "add /spec/template/spec/containers/1/securityContext {}\n"
     "add /spec/template/spec/containers/1/securityContext/appArmorProfile" FIELD
     "add /spec/template/metadata/annotations/" SECCOMP "~1c1" LOCAL
     "add /spec/template/spec/containers/1/securityContext/seccompProfile" FIELD NOW},
    {"DaemonSet", "BPF", "AlwaysAllow", 0,
     "{'metadata': {'name': 'w', 'annotations': null}, 'spec': {'template': {"
     "'spec': {'containers': [{'name': 'c'}], 'initContainers': [{'name': 'i'}]}}}}",
     "add /metadata/annotations {}\n"
     "add /spec/template/metadata {}\n"
     "add /spec/template/metadata/annotations {}\n"
     "add /spec/template/metadata/annotations/" BPF "~1c" LOCAL NOW},
    /* ---- BPF ---- */
    {"Pod", "BPF", "AlwaysAllow", 0, POD("", "", BARE), ADD_BPF NOW},
    {"Pod", "BPF", "AlwaysAllow", 0,
     "{'metadata': {'name': 'w'}, 'spec': {'containers': [" BARE "]}}",
     "add /metadata/annotations {}\n" ADD_BPF NOW},
    {"Pod", "BPF", "AlwaysAllow", 0, POD(UNCONFINED(BPF), "", BARE), ""},
    {"Pod", "BPF", "AlwaysAllow", 0, POD("'" BPF "/c': 'localhost/varmor-old'", "", BARE),
     ADD_BPF NOW},
    {"Pod", "BPF", "AlwaysAllow", 0, POD("", "", C("'privileged': true")), ADD_BPF NOW},
    {"Pod", "BPF", "AlwaysAllow", 0, POD("", "", ""), ""},
    {"Pod", "BPF", "AlwaysAllow", 0, POD("", "", "{'image': 'x'}, 7"), ""},
    {"Pod", "BPF", "AlwaysAllow", 0, POD("", "", "{'name': 'a/~b'}"),
     "add " P_ANNOTATION BPF "~1a~1~0b" LOCAL NOW},
    /* ---- BPF alone, instead of the runtime's AppArmor profile ---- */
    {"Pod", "BPF", "AlwaysAllow", OLD | EXCLUSIVE, POD("", "", BARE),
     ADD_BPF "add " P_ANNOTATION LEGACY "~1c \"unconfined\"\n" ADD_LIFTED NOW},
    {"Pod", "BPF", "AlwaysAllow", EXCLUSIVE, POD("", "", BARE),
     ADD_BPF ADD_CONTEXT ADD_UNCONFINED ADD_LIFTED NOW},
    {"Pod", "BPFSeccomp", ENHANCE, EXCLUSIVE, POD("", "", BARE),
     ADD_BPF ADD_CONTEXT ADD_UNCONFINED ADD_LIFTED ADD_SECCOMP_NOTE ADD_SECCOMP NOW},
    {"Pod", "AppArmorBPF", "AlwaysAllow", EXCLUSIVE, POD("", "", BARE),
     ADD_BPF ADD_APPARMOR_NOTE ADD_CONTEXT ADD_APPARMOR NOW},
    {"Pod", "BPF", "AlwaysAllow", EXCLUSIVE, POD(UNCONFINED(BPF), "", BARE), ""},
    {"Pod", "BPF", "AlwaysAllow", EXCLUSIVE, POD("", "", C(MY("appArmorProfile"))),
     ADD_BPF NOW "warning container 'c' keeps its own AppArmor profile 'mine' beside BPF\n"},
    {"Pod", "BPF", "AlwaysAllow", EXCLUSIVE,
     POD("", TYPE("appArmorProfile", "RuntimeDefault"), BARE),
     ADD_BPF NOW "warning container 'c' keeps the runtime's default AppArmor profile beside BPF\n"},
    {"Pod", "BPF", "AlwaysAllow", EXCLUSIVE, POD("", "", C(TYPE("appArmorProfile", "Unconfined"))),
     ADD_BPF NOW},
    /* AppArmor is added to a policy later: what varmor lifted is no opt-out */
    {"Pod", "AppArmorBPF", "AlwaysAllow", 0,
     POD("'" APPARMOR "/c': 'bpf-exclusive'", "", C(TYPE("appArmorProfile", "Unconfined"))),
     ADD_BPF ADD_APPARMOR_NOTE ADD_APPARMOR NOW},
    {"Pod", "AppArmorBPF", "AlwaysAllow", OLD,
     POD("'" APPARMOR "/c': 'bpf-exclusive', " UNCONFINED(LEGACY), "", BARE),
     ADD_BPF ADD_LEGACY "remove " P_ANNOTATION APPARMOR "~1c\n" NOW},
    /* ---- AppArmor by annotation ---- */
    {"Pod", "AppArmor", "AlwaysAllow", OLD, POD("", "", BARE), ADD_LEGACY NOW},
    {"Pod", "AppArmor", "AlwaysAllow", OLD, POD(UNCONFINED(APPARMOR), "", BARE), ""},
    {"Pod", "AppArmor", "AlwaysAllow", OLD, POD(UNCONFINED(LEGACY), "", BARE), ""},
    {"Pod", "AppArmor", "AlwaysAllow", OLD, POD(MINE(LEGACY), "", BARE), KEEPS("AppArmor")},
    {"Pod", "AppArmor", "AlwaysAllow", OLD, POD("'" LEGACY "/c': 'runtime/default'", "", BARE),
     ADD_LEGACY NOW GIVES_WAY("AppArmor")},
    {"Pod", "AppArmor", "AlwaysAllow", OLD, POD("'" LEGACY "/c': 'localhost/varmor-old'", "", BARE),
     ADD_LEGACY NOW},
    /* ---- AppArmor by field ---- */
    {"Pod", "AppArmor", "AlwaysAllow", 0, POD("", "", BARE),
     ADD_APPARMOR_NOTE ADD_CONTEXT ADD_APPARMOR NOW},
    {"Pod", "AppArmor", "AlwaysAllow", 0, POD("", "", C("'privileged': true")),
     ADD_APPARMOR_NOTE ADD_APPARMOR NOW},
    {"Pod", "AppArmor", "AlwaysAllow", 0, POD(UNCONFINED(APPARMOR), "", BARE), ""},
    {"Pod", "AppArmor", "AlwaysAllow", 0, POD("", "", C(TYPE("appArmorProfile", "Unconfined"))),
     ""},
    {"Pod", "AppArmor", "AlwaysAllow", 0, POD("", TYPE("appArmorProfile", "Unconfined"), BARE), ""},
    {"Pod", "AppArmor", "AlwaysAllow", 0,
     POD("", TYPE("appArmorProfile", "Unconfined"), C(MY("appArmorProfile"))), ""},
    {"Pod", "AppArmor", "AlwaysAllow", 0, POD("", "", C(MY("appArmorProfile"))), KEEPS("AppArmor")},
    {"Pod", "AppArmor", "AlwaysAllow", 0, POD("", MY("appArmorProfile"), BARE), KEEPS("AppArmor")},
    {"Pod", "AppArmor", "AlwaysAllow", 0,
     POD("", MY("appArmorProfile"), C(TYPE("appArmorProfile", "RuntimeDefault"))),
     ADD_APPARMOR_NOTE ADD_APPARMOR NOW GIVES_WAY("AppArmor")},
    /* the old annotation and the field have to agree */
    {"Pod", "AppArmor", "AlwaysAllow", 0, POD(UNCONFINED(LEGACY), "", BARE), ""},
    {"Pod", "AppArmor", "AlwaysAllow", 0, POD(MINE(LEGACY), "", BARE), KEEPS("AppArmor")},
    {"Pod", "AppArmor", "AlwaysAllow", 0, POD("'" LEGACY "/c': 'runtime/default'", "", BARE),
     ADD_APPARMOR_NOTE ADD_CONTEXT ADD_APPARMOR ADD_LEGACY NOW GIVES_WAY("AppArmor")},
    /* ---- seccomp ---- */
    {"Pod", "Seccomp", ENHANCE, 0, POD("", "", BARE), ADD_SECCOMP_NOTE ADD_CONTEXT ADD_SECCOMP NOW},
    {"Pod", "AppArmorSeccomp", ENHANCE, 0, POD("", "", BARE),
     ADD_APPARMOR_NOTE ADD_CONTEXT ADD_APPARMOR ADD_SECCOMP_NOTE ADD_SECCOMP NOW},
    {"Pod", "Seccomp", "RuntimeDefault", 0, POD("", "", BARE),
     ADD_SECCOMP_NOTE ADD_CONTEXT ADD_DEFAULT NOW},
    {"Pod", "Seccomp", "RuntimeDefault", 0,
     POD("", "", C(TYPE("seccompProfile", "RuntimeDefault"))), ADD_SECCOMP_NOTE NOW},
    {"Pod", "Seccomp", ENHANCE, 0, POD(UNCONFINED(SECCOMP), "", BARE), ""},
    {"Pod", "Seccomp", ENHANCE, 0, POD("", "", C("'privileged': true")), ""},
    {"Pod", "Seccomp", ENHANCE, 0, POD("", "", C("'privileged': false")),
     ADD_SECCOMP_NOTE ADD_SECCOMP NOW},
    {"Pod", "Seccomp", ENHANCE, 0, POD("", "", C(TYPE("seccompProfile", "Unconfined"))), ""},
    {"Pod", "Seccomp", ENHANCE, 0, POD("", TYPE("seccompProfile", "Unconfined"), BARE), ""},
    {"Pod", "Seccomp", ENHANCE, 0, POD("", "", C(MY("seccompProfile"))), KEEPS("seccomp")},
    {"Pod", "Seccomp", ENHANCE, 0, POD("", MY("seccompProfile"), BARE), KEEPS("seccomp")},
    {"Pod", "Seccomp", ENHANCE, 0, POD("", TYPE("seccompProfile", "RuntimeDefault"), BARE),
     ADD_SECCOMP_NOTE ADD_CONTEXT ADD_SECCOMP NOW GIVES_WAY("seccomp")},
    /* written for a policy that was in another mode */
    {"Pod", "Seccomp", ENHANCE, 0,
     POD("'" SECCOMP "/c': 'localhost/" OURS "'", "", C(TYPE("seccompProfile", "RuntimeDefault"))),
     ADD_SECCOMP NOW},
    /* ---- what is left alone ---- */
    {"Pod", "AppArmorBPFSeccomp", ENHANCE, 0,
     "{'metadata': {'name': 'w'}, 'spec': {'os': {'name': 'windows'}, 'containers': [" BARE "]}}",
     ""},
    {"Pod", "AppArmorBPFSeccomp", ENHANCE, 0,
     "{'metadata': {'name': 'w', 'deletionTimestamp': '2026-01-01T00:00:00Z'},"
     " 'spec': {'containers': [" BARE "]}}",
     ""},
};

/* ---- The tools ---- */

static void store_policy(struct profile_store *store, unsigned i)
{
    char yaml[1024];

    snprintf(yaml, sizeof(yaml),
             "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
             "metadata: {name: web, namespace: shop}\n"
             "spec:\n  target: {kind: %s, name: w}\n  policy: {enforcer: %s, mode: %s}\n",
             cases[i].kind, cases[i].enforcer, cases[i].mode);
    admission_store_put(store, yaml, NULL);
}

static struct admission_patch patch_of(const struct profile_store *store, unsigned i,
                                       const json_t *object)
{
    CLEANUP(labels_free) struct labels *labels = admission_labels(object);
    CLEANUP(error_free) struct error *e = NULL;
    const struct admission_subject subject = {.kind = target_kind_parse(cases[i].kind),
                                              .name_space = "shop",
                                              .name = "w",
                                              .labels = labels};
    const struct admission_settings settings = {
        .apparmor_fields = !(cases[i].settings & OLD),
        .bpf_exclusive = cases[i].settings & EXCLUSIVE,
        .now_ns = NOW_NS,
    };
    struct admission_candidates candidates = {0};
    struct admission_patch patch = {0};

    ck_assert_int_eq(admission_match(&candidates, store, &subject), 0);
    ck_assert_uint_eq(candidates.n, 1);
    ck_assert_msg(admission_patch(&patch, object, &subject, &candidates, &settings, &e) == 0, "%s",
                  error_message(e));
    admission_candidates_done(&candidates);
    return patch;
}

static void format_patch(struct buf *out, const struct admission_patch *patch)
{
    json_t *item;
    size_t i;

    json_array_foreach(patch->operations, i, item)
    {
        const json_t *value = json_object_get(item, "value");
        char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;

        /* type before localhostProfile, as people write it */
        if (text && strstr(text, "localhostProfile")) {
            free(text);
            text = json_dumps(value, 0);
        }
        ck_assert_int_eq(buf_format(out, "%s %s%s%s\n",
                                    json_string_value(json_object_get(item, "op")),
                                    json_string_value(json_object_get(item, "path")),
                                    text ? " " : "", text ? text : ""),
                         0);
        free(text);
    }
    json_array_foreach(patch->warnings, i, item)
        ck_assert_int_eq(buf_format(out, "warning %s\n", json_string_value(item)), 0);
}

/* One token of a JSON pointer, unescaped into text. */
static const char *next_token(const char *path, char text[static 512])
{
    size_t n = 0;

    for (path++; *path && *path != '/'; path++) {
        if (*path == '~')
            text[n++] = *++path == '1' ? '/' : '~';
        else
            text[n++] = *path;
    }
    text[n] = '\0';
    return path;
}

/* RFC 6902, "add" and "remove" of members, strictly: every parent must be there. */
static void apply_operation(json_t *object, const json_t *op)
{
    const char *path = json_string_value(json_object_get(op, "path"));
    char token[512];

    for (path = next_token(path, token); *path; path = next_token(path, token))
        object = json_is_array(object) ? json_array_get(object, strtoul(token, NULL, 10))
                                       : json_object_get(object, token);
    ck_assert_msg(json_is_object(object), "no parent of %s", token);
    if (strcmp(json_string_value(json_object_get(op, "op")), "remove") == 0)
        ck_assert_int_eq(json_object_del(object, token), 0);
    else
        ck_assert_int_eq(json_object_set(object, token, json_object_get(op, "value")), 0);
}

/* ---- The tests ---- */

START_TEST(each_row_is_patched_as_written_and_once)
{
    CLEANUP(profile_store_free) struct profile_store *store = admission_store_new();
    CLEANUP_BUF struct buf text = BUF_INIT(65536);
    json_t *object = admission_json(cases[_i].object), *item;
    struct admission_patch patch, again;
    size_t i;

    store_policy(store, (unsigned)_i);
    patch = patch_of(store, (unsigned)_i, object);
    format_patch(&text, &patch);
    ck_assert_str_eq(buf_text(&text), cases[_i].operations);

    json_array_foreach(patch.operations, i, item) apply_operation(object, item);
    again = patch_of(store, (unsigned)_i, object);
    ck_assert_ptr_null(again.operations);
    admission_patch_done(&again);
    admission_patch_done(&patch);
    json_decref(object);
}
END_TEST

static const struct {
    const char *object, *message;
} refused[] = {
    {"{}", "spec.containers of the pod is not a list"},
    {"{'spec': {'containers': {}}}", "spec.containers of the pod is not a list"},
    {"{'spec': 7}", "spec.containers of the pod is not a list"},
};

static int patch_result(const json_t *object, struct error **reterr)
{
    CLEANUP(labels_free) struct labels *labels = labels_new();
    const struct admission_subject subject = {
        .kind = TARGET_POD, .name_space = "shop", .labels = labels};
    const struct admission_candidates candidates = {0};
    const struct admission_settings settings = {.now_ns = NOW_NS};
    struct admission_patch patch = {0};
    int r = admission_patch(&patch, object, &subject, &candidates, &settings, reterr);

    admission_patch_done(&patch);
    return r;
}

START_TEST(what_is_no_pod_is_told_and_not_patched)
{
    CLEANUP(error_free) struct error *e = NULL;
    json_t *object = admission_json(refused[_i].object);

    ck_assert_int_eq(patch_result(object, &e), -EINVAL);
    ck_assert_str_eq(error_message(e), refused[_i].message);
    json_decref(object);
}
END_TEST

START_TEST(the_number_of_containers_has_a_ceiling)
{
    CLEANUP(error_free) struct error *e = NULL;
    json_t *object = admission_json("{'spec': {'containers': []}}");
    json_t *containers = json_object_get(json_object_get(object, "spec"), "containers");

    for (size_t i = 0; i < ADMISSION_MAX_CONTAINERS; i++)
        ck_assert_int_eq(json_array_append_new(containers, json_object()), 0);
    ck_assert_int_eq(patch_result(object, &e), 0);
    ck_assert_int_eq(json_array_append_new(containers, json_object()), 0);
    ck_assert_int_eq(patch_result(object, &e), -EINVAL);
    ck_assert_str_eq(error_message(e), "2049 containers: at most 2048 are given a profile");
    json_decref(object);
}
END_TEST

START_TEST(the_number_of_warnings_has_a_ceiling)
{
    CLEANUP(profile_store_free) struct profile_store *store = admission_store_new();
    CLEANUP(labels_free) struct labels *labels = labels_new();
    const struct admission_subject subject = {
        .kind = TARGET_POD, .name_space = "shop", .name = "w", .labels = labels};
    const struct admission_settings settings = {.apparmor_fields = true, .now_ns = NOW_NS};
    json_t *object = admission_json("{'spec': {'containers': []}}");
    json_t *containers = json_object_get(json_object_get(object, "spec"), "containers");
    struct admission_candidates candidates = {0};
    struct admission_patch patch = {0};

    admission_store_put(store,
                        "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
                        "metadata: {name: web, namespace: shop}\n"
                        "spec:\n  target: {kind: Pod, name: w}\n"
                        "  policy: {enforcer: AppArmor, mode: AlwaysAllow}\n",
                        NULL);
    for (size_t i = 0; i <= ADMISSION_MAX_WARNINGS; i++)
        ck_assert_int_eq(json_array_append_new(
                             containers, admission_json("{'name': 'c', 'securityContext': {" MY(
                                             "appArmorProfile") "}}")),
                         0);
    ck_assert_int_eq(admission_match(&candidates, store, &subject), 0);
    ck_assert_int_eq(admission_patch(&patch, object, &subject, &candidates, &settings, NULL), 0);
    ck_assert_ptr_null(patch.operations);
    ck_assert_uint_eq(json_array_size(patch.warnings), ADMISSION_MAX_WARNINGS);
    admission_patch_done(&patch);
    admission_candidates_done(&candidates);
    json_decref(object);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("admission_patch");
    TCase *t = tcase_create("admission_patch");

    tcase_add_loop_test(t, each_row_is_patched_as_written_and_once, 0, ARRAY_SIZE(cases));
    tcase_add_loop_test(t, what_is_no_pod_is_told_and_not_patched, 0, ARRAY_SIZE(refused));
    tcase_add_test(t, the_number_of_containers_has_a_ceiling);
    tcase_add_test(t, the_number_of_warnings_has_a_ceiling);
    suite_add_tcase(s, t);
    return s;
}
