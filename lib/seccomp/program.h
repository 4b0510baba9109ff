/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A classic BPF program of the kind that seccomp takes. */
#include "lib/seccomp/seccomp.h"

#include <linux/filter.h>

#define SC_X32_BIT 0x40000000 /* in the numbers of x32's system calls */

struct sc_program {
    struct sock_filter *code; /* owned */
    size_t n;                 /* instructions, 1 to BPF_MAXINSNS */
};
