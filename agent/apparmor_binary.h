/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A compiled AppArmor profile, as apparmor_parser writes it and the kernel reads it.
 *
 * What the parser makes of a text is loaded by us, with our privileges, so it is looked at before:
 * it must hold the one profile that it is for and that one's children, in no namespace, all in the
 * same mode. A stray profile in it would replace somebody else's. The walk knows the format's
 * tokens and trusts no length; rules and automata in it are the kernel's to verify. Immutable,
 * counted (one loop, one thread). Pure: no I/O, no logging.
 */
#include "lib/buf.h"
#include "lib/digest.h"
#include "lib/error.h"

#define APPARMOR_BINARY_MAX (16u << 20) /* bytes */

struct apparmor_binary {
    unsigned n_refs;
    uint8_t *data; /* owned */
    size_t len;
    struct digest digest; /* of data */
    unsigned n_children;
    bool complain; /* its mode: complain, else enforce */
};

/* Checks data, and takes it on success. 0, -ENOMEM, or -EBADMSG with *reterr: it is not a compiled
 * policy, or holds something else than profile and its children. */
int apparmor_binary_new(struct apparmor_binary **ret, const char *profile, struct buf *data,
                        struct error **reterr);
struct apparmor_binary *apparmor_binary_ref(struct apparmor_binary *b);
/* Gives a reference up; accepts NULL, returns NULL. */
struct apparmor_binary *apparmor_binary_unref(struct apparmor_binary *b);
DEFINE_CLEANUP(struct apparmor_binary *, apparmor_binary_unref)
