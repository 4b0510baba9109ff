/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The words for the kernel's numbers in violations.log (audit-and-modeling.md A.6): capabilities,
 * address families, socket types, protocols, mount flags, permissions. All texts are static. Pure.
 */
#include "lib/base.h"

/* "net_raw"; "unknown" for a number without a name. */
const char *kernel_word_capability(unsigned capability);
/* "AF_INET"; "" for a number without a name, as for the two below. */
const char *kernel_word_family(unsigned family);
const char *kernel_word_socket_type(unsigned type);
/* "IPPROTO_TCP". A protocol's number means this with the families AF_INET and AF_INET6 only. */
const char *kernel_word_protocol(unsigned family, unsigned protocol);

/* A bit of a set and its word. A table ends with a NULL word; several bits of one entry must all be
 * set. */
struct kernel_word {
    uint32_t bits;
    const char *word;
};
extern const struct kernel_word kernel_words_file[];        /* VARMOR_MAY_*: "exec", "write" ... */
extern const struct kernel_word kernel_words_ptrace[];      /* VARMOR_PTRACE_*: "trace" ... */
extern const struct kernel_word kernel_words_mount_flags[]; /* of mount(2): "ro", "bind" ... */
