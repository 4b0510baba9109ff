/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as an AdmissionReview, for both questions: what is answered is JSON with an allowed, and a
 * workload or pod is never refused. */
#include <jansson.h>
#include <string.h>

#include "lib/policy/object.h"
#include "manager/admission_review.h"
#include "manager/profile_store.h"
#include "profiles/builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore_changed(unsigned slot UNUSED, void *data UNUSED)
{
}
static void ignore_removed(unsigned slot UNUSED, const char *name UNUSED, void *data UNUSED)
{
}
static void ignore_policy(const struct stored_policy *p UNUSED, bool removed UNUSED,
                          void *data UNUSED)
{
}

static const char policies[] =
    "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorClusterPolicy\n"
    "metadata: {name: pods}\n"
    "spec:\n  target: {kind: Pod, selector: {}}\n"
    "  policy: {enforcer: AppArmorBPFSeccomp, mode: RuntimeDefault}\n"
    "---\napiVersion: crd.varmor.org/v1beta1\nkind: VarmorClusterPolicy\n"
    "metadata: {name: deployments}\n"
    "spec:\n  target: {kind: Deployment, selector: {}, containers: [c]}\n"
    "  policy: {enforcer: BPF, mode: AlwaysAllow}\n";

static struct profile_store *make_store(void)
{
    static const struct profile_store_handler handler = {.profile_changed = ignore_changed,
                                                         .profile_removed = ignore_removed,
                                                         .policy_changed = ignore_policy};
    struct profile_store *store = profile_store_new("varmor", &handler, NULL);
    struct findings findings;
    struct objects objects;

    if (!store || objects_parse(&objects, policies, strlen(policies), &findings) < 0)
        abort();
    for (size_t i = 0; i < objects.n; i++) {
        struct builder_facts facts = {.targets = &objects.items[i].policy->target, .n_targets = 1};

        if (profile_store_put(store, objects.items[i].policy, "f", &facts, NULL, 1, NULL) < 0)
            abort();
    }
    if (profile_store_n_profiles(store) != 2)
        abort();
    findings_done(&findings);
    objects_done(&objects);
    return store;
}

static void ask(const struct admission_facts *facts, enum admission_question question,
                const uint8_t *data, size_t size)
{
    CLEANUP_BUF struct buf out = BUF_INIT(ADMISSION_MAX_BYTES);
    struct admission_outcome outcome;
    json_t *answer, *response;

    if (admission_review_answer(facts, question, data, size, &out, &outcome) == 200) {
        answer = json_loadb((const char *)out.data, out.len, 0, NULL);
        response = json_object_get(answer, "response");
        if (!json_is_boolean(json_object_get(response, "allowed")))
            abort();
        if (question == ADMISSION_MUTATE && !json_is_true(json_object_get(response, "allowed")))
            abort();
        json_decref(answer);
    }
    admission_outcome_done(&outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct profile_store *store;
    struct admission_facts facts = {.install_namespace = "varmor"};

    if (!store)
        store = make_store();
    facts.store = store;
    facts.settings.apparmor_fields = size & 1;
    facts.settings.bpf_exclusive = size & 2;
    ask(&facts, ADMISSION_MUTATE, data, size);
    ask(&facts, ADMISSION_VALIDATE, data, size);
    return 0;
}
