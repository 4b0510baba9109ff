/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/map.h"
#include "manager/kube_restart_plan.h"
#include "manager/kube_text.h"
#include "test/unit/admission_bed.h"

#define BPF      "container.bpf.security.beta.varmor.org"
#define APPARMOR "container.apparmor.security.beta.varmor.org"
#define LEGACY   "container.apparmor.security.beta.kubernetes.io"
#define SECCOMP  "container.seccomp.security.beta.varmor.org"
#define NOW_NS   (1795597200LL * (int64_t)NS_PER_SEC)

/* Workload shop/web, labelled, of version 7; what stands in its template's metadata, and its containers. */
#define WEB_IN(name_space, labels, metadata, containers)                                           \
    "{'metadata': {'name': 'web', 'namespace': '" name_space "', 'resourceVersion': '7', "         \
    "'annotations': {}, 'labels': {" labels "}}, 'spec': {'template': {'metadata': {" metadata     \
    "}, 'spec': {'containers': [" containers "]}}}}"
#define LABELLED "'app': 'web', 'sandbox': 'yes'"
#define WEB(annotations, contexts)                                                                 \
    WEB_IN("shop", LABELLED, "'annotations': {" annotations "}", C(contexts))
#define C(context) "{'name': 'c', 'securityContext': {" context "}}"
#define LOCAL(field, profile)                                                                      \
    "'" field "': {'type': 'Localhost', 'localhostProfile': '" profile "'}"
#define MARK(key, profile) "'" key "/c': 'localhost/" profile "'"

#define T_ANNOTATION       "/spec/template/metadata/annotations/"
#define T_CONTEXT          "/spec/template/spec/containers/0/securityContext"
#define VERSION            "replace /metadata/resourceVersion \"7\"\n"
#define MUTATED            "add /metadata/annotations/webhook.varmor.org~1mutatedAt \"2026-11-25T09:00:00Z\"\n"
#define RESTARTED                                                                                  \
    "add " T_ANNOTATION "controller.varmor.org~1restartedAt \"2026-11-25T09:00:00Z\"\n"
#define ADD_SECCOMP                                                                                \
    "add " T_ANNOTATION SECCOMP "~1c \"localhost/varmor-shop-web\"\n"                              \
    "add " T_CONTEXT                                                                               \
    "/seccompProfile {\"localhostProfile\": \"varmor-shop-web\", \"type\": \"Localhost\"}\n"
#define REMOVE(key)       "remove " T_ANNOTATION key "~1c\n"
#define REMOVE_FIELD(key) "remove " T_CONTEXT "/" key "\n"

enum {
    CAME = 1,    /* the policy shop/web, of seccomp, is there */
    WELCOME = 2, /* and restarts are due for it */
    WENT = 4,    /* varmor-shop-old has no policy any more */
};

static const struct {
    const char *text;
    unsigned state;
    const char *object, *patch;
} cases[] = {
    /* ---- a policy came ---- */
    {"what admission would do", CAME | WELCOME, WEB("", ""), VERSION ADD_SECCOMP MUTATED RESTARTED},
    {"template without annotations", CAME | WELCOME, WEB_IN("shop", LABELLED, "", C("")),
     VERSION "add /spec/template/metadata/annotations {}\n" ADD_SECCOMP MUTATED RESTARTED},
    {"as it should be", CAME | WELCOME,
     WEB(MARK(SECCOMP, "varmor-shop-web"), LOCAL("seccompProfile", "varmor-shop-web")), ""},
    {"restarts are not due", CAME, WEB("", ""), ""},
    {"no policy", 0, WEB("", ""), ""},
    {"without the label", CAME | WELCOME, WEB_IN("shop", "'app': 'web'", "", C("")), ""},
    {"the label has another value", CAME | WELCOME,
     WEB_IN("shop", "'app': 'web', 'sandbox': 'no'", "", C("")), ""},
    {"not the target", CAME | WELCOME, WEB_IN("shop", "'app': 'db', 'sandbox': 'yes'", "", C("")),
     ""},
    {"another namespace", CAME | WELCOME, WEB_IN("bank", LABELLED, "", C("")), ""},
    {"opted out", CAME | WELCOME, WEB("'" SECCOMP "/c': 'unconfined'", ""), ""},
    {"a profile of its own", CAME | WELCOME, WEB("", LOCAL("seccompProfile", "mine")), ""},
    {"no containers", CAME | WELCOME, WEB_IN("shop", LABELLED, "", ""), ""},
    {"it is about to go", CAME | WELCOME,
     "{'metadata': {'name': 'web', 'namespace': 'shop', 'labels': {" LABELLED "}, "
     "'deletionTimestamp': '2026-01-01T00:00:00Z'}, 'spec': {'template': {'spec': "
     "{'containers': [" C("") "]}}}}",
     ""},
    /* ---- a policy went ---- */
    {"marks of seccomp", WENT,
     WEB("'mine': 'x', " MARK(SECCOMP, "varmor-shop-old"),
         LOCAL("seccompProfile", "varmor-shop-old")),
     VERSION REMOVE_FIELD("seccompProfile") REMOVE(SECCOMP) RESTARTED},
    {"marks of AppArmor and BPF", WENT,
     WEB(MARK(APPARMOR, "varmor-shop-old") ", " MARK(BPF, "varmor-shop-old"),
         LOCAL("appArmorProfile", "varmor-shop-old")),
     VERSION REMOVE_FIELD("appArmorProfile") REMOVE(APPARMOR) REMOVE(BPF) RESTARTED},
    {"marks of AppArmor by annotation", WENT, WEB(MARK(LEGACY, "varmor-shop-old"), ""),
     VERSION REMOVE(LEGACY) RESTARTED},
    {"a field without annotations", WENT,
     WEB_IN("shop", LABELLED, "", C(LOCAL("seccompProfile", "varmor-shop-old"))),
     VERSION "add /spec/template/metadata/annotations {}\n" REMOVE_FIELD("seccompProfile")
         RESTARTED},
    {"without the label", WENT,
     WEB_IN("shop", "", "'annotations': {" MARK(BPF, "varmor-shop-old") "}", C("")),
     VERSION REMOVE(BPF) RESTARTED},
    {"a container that is there no longer", WENT,
     WEB("'" BPF "/d~e': 'localhost/varmor-shop-old'", ""),
     VERSION "remove " T_ANNOTATION BPF "~1d~0e\n" RESTARTED},
    {"BPF-exclusive by field", WENT,
     WEB(MARK(BPF, "varmor-shop-old") ", '" APPARMOR "/c': 'bpf-exclusive'",
         "'appArmorProfile': {'type': 'Unconfined'}"),
     VERSION REMOVE_FIELD("appArmorProfile") REMOVE(BPF) REMOVE(APPARMOR) RESTARTED},
    {"BPF-exclusive by annotation", WENT,
     WEB(MARK(BPF, "varmor-shop-old") ", '" APPARMOR "/c': 'bpf-exclusive', '" LEGACY
                                      "/c': 'unconfined'",
         ""),
     VERSION REMOVE(BPF) REMOVE(APPARMOR) REMOVE(LEGACY) RESTARTED},
    {"unconfined by the user", WENT,
     WEB(MARK(BPF, "varmor-shop-old") ", '" LEGACY "/c': 'unconfined'",
         "'appArmorProfile': {'type': 'Unconfined'}"),
     VERSION REMOVE(BPF) RESTARTED},
    {"BPF-exclusive of another profile", WENT,
     WEB(MARK(BPF, "varmor-shop-web") ", '" APPARMOR "/c': 'bpf-exclusive'",
         "'appArmorProfile': {'type': 'Unconfined'}"),
     ""},
    {"another profile", WENT,
     WEB(MARK(SECCOMP, "varmor-shop-older"), LOCAL("seccompProfile", "varmor-shop-older")), ""},
    {"another annotation", WENT, WEB("'mine/c': 'localhost/varmor-shop-old'", ""), ""},
    {"a profile of the user's", WENT, WEB(MARK(LEGACY, "mine"), LOCAL("seccompProfile", "mine")),
     ""},
    {"RuntimeDefault stays", WENT,
     WEB(MARK(SECCOMP, "varmor-shop-old"), "'seccompProfile': {'type': 'RuntimeDefault'}"),
     VERSION REMOVE(SECCOMP) RESTARTED},
    /* ---- one went, another is there: it has it, whether it may restart or not ---- */
    {"another takes over", CAME | WENT,
     WEB(MARK(SECCOMP, "varmor-shop-old"), LOCAL("seccompProfile", "varmor-shop-old")),
     VERSION REMOVE_FIELD("seccompProfile") REMOVE(SECCOMP) ADD_SECCOMP MUTATED RESTARTED},
    /* ---- varmor's own ---- */
    {"an agent", CAME | WELCOME | WENT,
     WEB_IN("varmor", LABELLED ", 'app.kubernetes.io/component': 'varmor-agent'",
            "'annotations': {" MARK(BPF, "varmor-shop-old") "}", C("")),
     ""},
};

static bool is_new(const struct stored_policy *p UNUSED, void *data)
{
    return *(const unsigned *)data & WELCOME;
}

static void put_policy(struct profile_store *store)
{
    admission_store_put(store,
                        "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
                        "metadata: {name: web, namespace: shop}\nspec:\n"
                        "  target: {kind: Deployment, selector: {matchLabels: {app: web}}}\n"
                        "  policy: {enforcer: Seccomp, mode: AlwaysAllow}\n",
                        NULL);
}

static int plan(json_t **ret_patch, unsigned state, json_t *object, struct error **reterr)
{
    CLEANUP(profile_store_free) struct profile_store *store = admission_store_new();
    CLEANUP(map_free) struct map *gone = map_new(NULL, 0);
    const struct admission_facts admission = {
        .store = store,
        .install_namespace = "varmor",
        .settings = {.apparmor_fields = true, .now_ns = NOW_NS},
    };
    const struct kube_restart_facts facts = {.admission = &admission,
                                             .match_label = "sandbox=yes",
                                             .gone = gone,
                                             .is_new = is_new,
                                             .data = &state};
    int r;

    if (state & CAME)
        put_policy(store);
    if (state & WENT)
        ck_assert_int_eq(map_put(gone, "varmor-shop-old", gone), 0);
    r = kube_restart_plan(ret_patch, &facts, TARGET_DEPLOYMENT, object, reterr);
    if (r == 0 && (state & WENT) && *ret_patch)
        ck_assert(!kube_restart_names(object, gone));
    return r;
}

static void format_patch(struct buf *out, const json_t *patch)
{
    json_t *op;
    size_t i;

    json_array_foreach(patch, i, op)
    {
        const json_t *value = json_object_get(op, "value");
        char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;

        ck_assert_int_eq(buf_format(out, "%s %s%s%s\n", kube_get_text(op, "op"),
                                    kube_get_text(op, "path"), text ? " " : "", text ? text : ""),
                         0);
        free(text);
    }
}

START_TEST(each_workload_is_changed_as_written)
{
    CLEANUP_BUF struct buf text = BUF_INIT(65536);
    CLEANUP(json_decref) json_t *object = admission_json(cases[_i].object);
    CLEANUP(json_decref) json_t *patch = NULL;
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_msg(plan(&patch, cases[_i].state, object, &e) == 0, "%s: %s", cases[_i].text,
                  error_message(e));
    format_patch(&text, patch);
    ck_assert_msg(strcmp(buf_text(&text), cases[_i].patch) == 0, "%s: %s", cases[_i].text,
                  buf_text(&text));
}
END_TEST

static const struct {
    const char *object;
    bool names;
} named[] = {
    {"{}", false},
    {"7", false},
    {WEB("", ""), false},
    {WEB(MARK(SECCOMP, "varmor-shop-old"), ""), true},
    {WEB(MARK(LEGACY, "varmor-shop-old"), ""), true},
    {WEB("'mine': 'localhost/varmor-shop-old'", ""), false},
    {WEB("'" BPF "/c': 7", ""), false},
    {WEB(MARK(BPF, "varmor-shop-older"), ""), false},
    {WEB("", LOCAL("appArmorProfile", "varmor-shop-old")), true},
    {WEB("", LOCAL("seccompProfile", "varmor-shop-old")), true},
    {WEB("", LOCAL("seccompProfile", "varmor-shop-older")), false},
};

START_TEST(a_template_that_names_a_profile_is_known)
{
    CLEANUP(map_free) struct map *gone = map_new(NULL, 0);
    json_t *object = json_loads("7", JSON_DECODE_ANY, NULL);

    if (_i != 1) {
        json_decref(object);
        object = admission_json(named[_i].object);
    }
    ck_assert_int_eq(map_put(gone, "varmor-shop-old", gone), 0);
    ck_assert(kube_restart_names(object, gone) == named[_i].names);
    json_decref(object);
}
END_TEST

START_TEST(what_is_no_workload_is_told)
{
    CLEANUP(json_decref) json_t *object = admission_json("{'spec': {'template': {}}}");
    CLEANUP(json_decref) json_t *patch = NULL;
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_int_eq(plan(&patch, CAME | WELCOME | WENT, object, &e), -EINVAL);
    ck_assert_str_eq(error_message(e), "spec.containers of the pod is not a list");
    ck_assert_ptr_null(patch);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_restart_plan");
    TCase *t = tcase_create("kube_restart_plan");

    tcase_add_loop_test(t, each_workload_is_changed_as_written, 0, ARRAY_SIZE(cases));
    tcase_add_loop_test(t, a_template_that_names_a_profile_is_known, 0, ARRAY_SIZE(named));
    tcase_add_test(t, what_is_no_workload_is_told);
    suite_add_tcase(s, t);
    return s;
}
