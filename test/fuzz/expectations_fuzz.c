/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file of expectations, and what it asks put to the enforcers of a policy. Seeds:
 * test/policies/expect. What must hold: a file without findings has nothing but whole cases, and
 * every question gets an answer or a reason.
 */
#include <assert.h>
#include <string.h>

#include "ctl/expectations.h"
#include "lib/policy/object.h"
#include "lib/ruleset/disk_list.h"
#include "profiles/builder.h"

#define MAX_ASKED 64 /* of one input: filters are simulated */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy_text[] =
    "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\nmetadata: {name: a}\n"
    "spec:\n  target: {kind: Pod, name: p}\n  policy:\n    enforcer: AppArmorBPFSeccomp\n"
    "    mode: EnhanceProtect\n    enhanceProtect:\n      auditViolations: true\n"
    "      hardeningRules: [disable-cap-sys-admin, disallow-create-user-ns, disallow-mount-procfs]\n"
    "      attackProtectionRules: [{rules: [disable-shell, disable-icmp]}]\n"
    "      bpfRawRules: {files: [{pattern: '/etc/**', permissions: [write]}], network: {egress: "
    "{toDestinations: [{cidr: 10.0.0.0/8, ports: [{port: 80}]}]}}}\n";

static struct judges *make_judges(void)
{
    const struct builder_facts facts = {.install_namespace = "varmor"};
    struct builder_notes notes = {0};
    struct disk_list disks = {0};
    struct profile *profile = NULL;
    struct judges *judges = NULL;
    struct findings findings;
    struct objects objects;

    assert(objects_parse(&objects, policy_text, strlen(policy_text), &findings) == 0);
    assert(objects.n == 1);
    assert(builder_build(&profile, objects.items[0].policy, &facts, &notes, NULL) == 0);
    assert(judges_new(&judges, profile, &disks, NULL) == 0);
    profile_unref(profile);
    builder_notes_done(&notes);
    objects_done(&objects);
    findings_done(&findings);
    return judges;
}

static void check_case(const struct test_case *c)
{
    assert(c->question.text && c->expected.given && c->expected.at.line);
    for (size_t e = 0; e < TEST_ENFORCERS; e++) {
        const struct answer *a = &c->answers[e];

        assert(a->kind == ANSWER_GIVEN || (!a->deny && !a->audit && !a->rule));
        assert(a->kind != ANSWER_UNKNOWN || a->note);
    }
    if (!c->difference)
        assert(c->deny == c->expected.deny);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct judges *judges;
    CLEANUP_EXPECTATIONS struct expectations x = {0};
    CLEANUP_TEST_CASES struct test_cases cases = {0};
    struct findings findings = {0};
    size_t n;

    if (!judges)
        judges = make_judges();
    assert(expectations_read(&x, &cases, "f", data, size, &findings) == 0);
    for (size_t i = 1; i < x.n_policies; i++)
        assert(x.policies[i - 1].first <= x.policies[i].first && x.policies[i].first <= cases.n);
    if (findings.n_errors == 0) {
        n = cases.n;
        cases.n = MIN(n, (size_t)MAX_ASKED);
        assert(test_cases_run(&cases, 0, judges, NULL) == 0);
        for (size_t i = 0; i < cases.n; i++)
            check_case(&cases.items[i]);
        cases.n = n;
    }
    findings_done(&findings);
    return 0;
}
