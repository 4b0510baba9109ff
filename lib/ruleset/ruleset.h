/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A ruleset: the rules of a profile compiled to what the kernel reads (bpf/varmor_shared.h): an
 * image of 64-byte lines and the entries of the address trie. The same tables are walked here in
 * user space, by `varmorctl test` and by the tests that compare both walkers. Deterministic: equal
 * profiles give equal bytes. No I/O, no kernel. A profile that cannot be expressed is refused with
 * the rule's origin and the limit.
 */
#include "lib/error.h"
#include "lib/profile.h"
#include "bpf/varmor_shared.h"

struct ruleset_prefix {
    struct varmor_prefix key;
    struct varmor_leaf leaf;
};

struct ruleset {
    struct varmor_line *lines; /* owned */
    size_t n_lines;
    struct ruleset_prefix *prefixes; /* owned, sorted by key bytes */
    size_t n_prefixes;
    size_t n_rules;       /* entries of the counter array (at least 1) */
    struct digest digest; /* of the digests of lines and prefixes: what is read back must have it */
};

/* Compiles. 0, -ENOMEM, -E2BIG (a limit of varmor_shared.h, with its number) or -EINVAL (a bad
 * pattern), the latter two with *reterr in terms of the rule's origin. A complain profile compiles
 * every deny to an audit. The rule that a verdict names is the first that denies, else the first
 * that audits; where so many path rules overlap that telling which was first needs an automaton out
 * of proportion, it is one of those that match. */
int ruleset_build(struct ruleset **ret, const struct profile *profile, struct error **reterr);
struct ruleset *ruleset_free(struct ruleset *r); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct ruleset *, ruleset_free)

/* The digest of an image and trie as they were read back. prefixes must be sorted by key bytes
 * (ruleset_sort_prefixes). 0 or -ENOMEM. */
int ruleset_digest(struct digest *ret, const struct varmor_line *lines, size_t n_lines,
                   const struct ruleset_prefix *prefixes, size_t n_prefixes);
void ruleset_sort_prefixes(struct ruleset_prefix *prefixes, size_t n);

/* Checks an image that was read from the kernel: magic, bounds of every reference. 0 or -EINVAL
 * with *reterr. Only an image that was built or has passed may be judged by. */
int ruleset_check_image(const struct varmor_line *lines, size_t n_lines, struct error **reterr);

/* ---- the user-space judge: the same answers as the kernel's ---- */
struct ruleset_verdict {
    bool deny, audit;
    unsigned rule; /* number of the deciding rule, VARMOR_NO_RULE if none */
};
/* asked: VARMOR_MAY_*; path is absolute. exec asks with VARMOR_MAY_EXEC. */
struct ruleset_verdict ruleset_judge_path(const struct ruleset *r, const char *path, size_t len,
                                          unsigned asked);
struct ruleset_verdict ruleset_judge_capability(const struct ruleset *r, unsigned capability);
struct ruleset_verdict ruleset_judge_socket(const struct ruleset *r, unsigned domain, unsigned type,
                                            unsigned protocol);
struct ruleset_verdict ruleset_judge_connect(const struct ruleset *r, const struct addr *addr,
                                             unsigned port);
struct ruleset_verdict ruleset_judge_mount(const struct ruleset *r, const char *source,
                                           const char *fstype, uint32_t flags);
struct ruleset_verdict ruleset_judge_ptrace(const struct ruleset *r, unsigned permission,
                                            bool external);
/* The bits of VARMOR_MAY_* that a policy's path permissions stand for. */
unsigned ruleset_expand_permissions(unsigned path_permissions);
