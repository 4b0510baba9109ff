/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The kernel's AppArmor, through libapparmor and the files of securityfs: whether it is there, what
 * it knows, loading and removing by name, reading back.
 *
 * A profile of ours is a top one of the agent's own policy namespace; its children hang below it
 * and go with it. When a profile is replaced its tasks go over at once; a child that the new
 * version lacks stays as it was, with its tasks, since taking it away would set them free. Blocks
 * on securityfs alone: for as long as the kernel checks a policy, some milliseconds. No logging.
 */
#include "lib/buf.h"
#include "lib/digest.h"
#include "lib/error.h"

struct apparmor_binary;
struct apparmor_kernel; /* opaque */

#define APPARMOR_FEATURES_MAX 80 /* bytes of libapparmor's name for a set of features */

/* Finds AppArmor and what it takes to load profiles. 0; -ENOMEM; or -ENODEV (the kernel has none,
 * or it is off), -EPERM (we may not load) or another errno, with the reason in *reterr. */
int apparmor_kernel_open(struct apparmor_kernel **ret, struct error **reterr);
struct apparmor_kernel *apparmor_kernel_free(struct apparmor_kernel *k);
DEFINE_CLEANUP(struct apparmor_kernel *, apparmor_kernel_free)

const char *apparmor_kernel_features(const struct apparmor_kernel *k); /* a name; borrowed */
/* The features as text: "file {mask {create read\n}\n}\n..."; borrowed. */
const char *apparmor_kernel_features_text(const struct apparmor_kernel *k);

/* Loads a policy, or replaces what is there by the same names. 0, or the kernel's errno with
 * *reterr. */
int apparmor_kernel_put(struct apparmor_kernel *k, const struct apparmor_binary *policy,
                        struct error **reterr);
/* The profile and its children are gone, their tasks unconfined. 0, also if it was not there, or
 * the kernel's errno with *reterr. */
int apparmor_kernel_drop(struct apparmor_kernel *k, const char *profile, struct error **reterr);

/* What is loaded under a name. */
struct apparmor_loaded {
    char mode[16];               /* "enforce", "complain", ... */
    bool has_data;               /* the kernel tells what was loaded */
    struct digest digest;        /* of that */
    char hash[DIGEST_TEXT_SIZE]; /* the kernel's own of the profile, in hexadecimal; "": none */
};
/* data takes what was loaded, if the kernel tells; NULL: only its digest is wanted. 0; -ENOENT: no
 * profile of that name is loaded; -ENOMEM or another errno with *reterr. */
int apparmor_kernel_read(struct apparmor_kernel *k, const char *profile,
                         struct apparmor_loaded *ret, struct buf *data, struct error **reterr);
