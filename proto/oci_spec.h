/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The OCI runtime specification of a container (config.json), of which we read four members. By
 * jansson; its depth is bounded by jansson, its size by the caller. No I/O, no logging. */
#include "lib/digest.h"
#include "lib/error.h"

struct labels;

/* What linux.seccomp says. */
enum oci_seccomp {
    OCI_SECCOMP_UNKNOWN, /* nobody has looked */
    OCI_SECCOMP_NONE,
    OCI_SECCOMP_PROFILE,
    OCI_SECCOMP_OTHER, /* one with what no profile of ours has (lib/seccomp/seccomp.h) */
};

struct oci_spec {
    struct labels *annotations; /* owned; never NULL after a parse */
    char *cgroups_path;         /* owned; linux.cgroupsPath as written: "/default/c1" or
                                   "slice:prefix:name"; NULL: none */
    char *apparmor_profile;     /* owned; process.apparmorProfile as written; NULL: none */
    enum oci_seccomp seccomp;
    struct digest seccomp_digest; /* sc_profile_digest() of OCI_SECCOMP_PROFILE; else zero */
};
void oci_spec_done(struct oci_spec *s);

/* *ret is to be given back by oci_spec_done(). 0, -EBADMSG with *reterr (not JSON, not an object, a
 * member of another type, more than LABELS_MAX annotations), or -ENOMEM. */
int oci_spec_parse(struct oci_spec *ret, const char *json, size_t len, struct error **reterr);
