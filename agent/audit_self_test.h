/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An audit record of our own, to see whether records arrive.
 *
 * A child process puts itself under a seccomp filter that logs getppid() and allows everything,
 * makes that call and ends. No right is needed for it, and nothing of this process changes. Blocks
 * until the child has ended, which is a millisecond. No logging.
 */
#include "lib/error.h"

/* Sets *ret_pid to the child, in the numbers of this process's pid namespace, as a record of the
 * initial one has it. 0, or -errno with *reterr. */
int audit_self_test_provoke(int *ret_pid, struct error **reterr);
