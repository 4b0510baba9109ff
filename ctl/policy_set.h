/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The policies of the files that a command is given, and the profiles that they become, as in the
 * manager: with the same parser, the same builder, and the Services, EndpointSlices and Pods of the
 * same files. What is wrong goes into a report (validate_report.h), by which a command also learns
 * whether it can go on. Blocks (reads files); does not log.
 */
#include "ctl/validate_report.h"
#include "lib/policy/object.h"

struct peers;
struct profile;

#define DEFAULT_INSTALL_NAMESPACE "varmor"

struct policy_file {
    char *name;    /* owned; "<stdin>" */
    size_t number; /* in the report */
    struct objects objects;
};

struct policy_set {
    struct policy_file *files; /* owned */
    size_t n_files;
    struct peers *peers; /* owned */
    size_t n_peers;      /* Services, EndpointSlices and Pods among the objects */
    struct report report;
};
void policy_set_done(struct policy_set *s);
#define CLEANUP_POLICY_SET __attribute__((cleanup(policy_set_done)))

/* Reads files, folders and "-". *s is zeroed, and to be given back in any case. 0 (s->report says
 * what is wrong), -ENOMEM, or -E2BIG with *reterr (too many files). */
int policy_set_read(struct policy_set *s, char *const *paths, size_t n_paths,
                    struct error **reterr);

/* A policy of the set. */
struct chosen_policy {
    const struct policy_file *file;
    const struct object *object;
};
/* name is "NAMESPACE/NAME", "/NAME" (a cluster policy) or NAME; NULL: the only one. 0, or -ENOENT
 * with *reterr: there is none, or it is not clear which. */
int policy_set_choose(const struct policy_set *s, const char *name, struct chosen_policy *ret,
                      struct error **reterr);

/* Builds a policy's profile, and reports what there is to say. 1: *ret holds one reference; 0: it
 * cannot be built, the report says why; or -ENOMEM. warn_peers: services that no file defines are
 * worth a warning. */
int policy_set_build(struct policy_set *s, const struct chosen_policy *policy,
                     const char *install_namespace, bool warn_peers, struct profile **ret);
