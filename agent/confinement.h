/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the agent takes away from itself before it parses the first byte from outside: new
 * privileges, the capabilities that it does not need, and every system call that it never makes. It
 * is root on the node all the same; this makes a mistake in a parser harder to turn into more.
 *
 * Where AppArmor profiles are compiled, more is kept: the capability to load them, and what starting
 * apparmor_parser takes. The parser keeps no capability at all (piped_program.h), and is under the
 * same filter.
 *
 * Not for sanitizer builds: the leak checker makes system calls of its own (--confine=false).
 */
#include "lib/error.h"

/* For the rest of the process's life, and its children's. with_apparmor: the AppArmor enforcer is
 * usable. 0, or -errno with *reterr: then a part may hold. */
int confinement_enter(bool with_apparmor, struct error **reterr);
