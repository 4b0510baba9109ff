/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The calls that 32-bit x86 has twice: by a number of their own, and through socketcall or ipc, the
 * number of the wanted call being the first argument. Then the others are in memory, where a filter
 * cannot see them.
 */
#include "lib/seccomp/seccomp.h"

struct sc_multiplexed {
    const char *name, *through; /* static: "setsockopt", "socketcall" */
    uint32_t number;
    int direct; /* its number among x86's system calls; -1: it has none of its own */
};
/* (first argument & mask) == number: it is that call. The kernel knows no number beyond the mask but
 * ipc's upper half, a version, which it cuts off. */
#define SC_MULTIPLEXER_MASK 0x1f

const struct sc_multiplexed *sc_multiplexed_find(const char *name); /* NULL: it is none */
