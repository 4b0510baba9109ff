/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A classic BPF program of the kind that seccomp takes. */
#include "lib/seccomp/seccomp.h"

#include <linux/filter.h>

#define SC_X32_BIT 0x40000000 /* in the numbers of x32's system calls */

/* runc has a binary tree made of programs with more rules. */
#define SC_TREE_THRESHOLD 32

struct sc_program {
    struct sock_filter *code; /* owned */
    size_t n;                 /* instructions, 1 to BPF_MAXINSNS */
};

/* Does the program do what the rules say? Tries calls on both sides of each condition, for each of
 * the architectures. 0, or -EINVAL with *reterr, which names the call. */
int sc_program_check(const struct sc_program *program, const struct sc_profile *p,
                     const enum sc_arch *arches, size_t n_arches, struct error **reterr);
