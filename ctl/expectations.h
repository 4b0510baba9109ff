/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files of expectations: what a policy is meant to deny and to allow, kept beside it (as web.expect,
 * since every .yaml of a folder is read as policies) and checked by `varmorctl test --expect`. YAML or
 * JSON, a document for each policy:
 *
 *     policy: shop/web             # [NAMESPACE/]NAME; may be left out if there is one policy
 *     arch: x86_64                 # of system calls (the default)
 *     expect:
 *     - {read: /etc/shadow, verdict: deny, rule: "bpfRawRules.files[0]"}
 *     - {write: /tmp/x, verdict: allow}
 *     - {syscall: "unshare,0x10000000", arch: x86, verdict: deny, audited: true, enforcer: Seccomp}
 *     - {write: /etc/x, program: /usr/sbin/nginx, verdict: deny}
 *
 * An item has one question (ctl/question.h), its verdict (allow or deny) and, where they matter,
 * audited, the origin of the deciding rule, whose answer is meant, and which executable asks. Strict: what is not
 * understood is a finding with its position. Pure: no I/O, no logging.
 */
#include "ctl/test_case.h"
#include "lib/policy/findings.h"

/* A document's cases are those from first on, up to the next document's. */
struct expected_policy {
    char *policy; /* owned; NULL: not said */
    size_t first;
};
#define EXPECTATIONS_MAX_POLICIES 1000

struct expectations {
    struct expected_policy *policies; /* owned */
    size_t n_policies;
};
void expectations_done(struct expectations *x);
#define CLEANUP_EXPECTATIONS __attribute__((cleanup(expectations_done)))

/* Reads a file and appends its cases. file must outlive them. *ret and the cases are to be used
 * only if there are no findings of errors. 0, or -ENOMEM. */
int expectations_read(struct expectations *ret, struct test_cases *cases, const char *file,
                      const void *data, size_t len, struct findings *findings);
