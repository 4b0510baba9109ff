/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the agent takes away from itself before it parses the first byte from outside: new
 * privileges, the capabilities that it does not need, and every system call that it never makes. It
 * is root on the node all the same; this makes a mistake in a parser harder to turn into more.
 *
 * Not for sanitizer builds: the leak checker makes system calls of its own (--confine=false).
 */
#include "lib/error.h"

/* For the rest of the process's life, and its children's. 0, or -errno with *reterr: then a part
 * may hold. */
int confinement_enter(struct error **reterr);
