/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The base of seccomp profiles: what container runtimes let a container with the default
 * capabilities call (W38), from seccomp/runtime-default.yaml, which is data of the binary.
 *
 *     allow: [accept, ...]             # whatever their arguments
 *     allow_where:                     # each entry is a way to be allowed
 *       - syscalls: [clone]
 *         args: [{index: 0, mask: 0x7e020000, value: 0x0}]   # may be left out
 *     block:                           # cut out of what is allowed, as sc_profile_block() does
 *       - syscalls: [socket]
 *         args: [{index: 0, mask: 0xffffffff, value: 0x26}]
 *     answer_enosys: [clone3]          # denied with ENOSYS; everything else answers EPERM
 *
 * The reader is strict, though the file is our own. Pure: no I/O, no logging.
 */
#include "lib/seccomp/seccomp.h"

/* *ret, which is empty, becomes the base. 0, -ENOMEM, or -EINVAL with *reterr (file and line); on
 * failure it is to be given back too (sc_profile_done()). */
int seccomp_base_fill(struct sc_profile *ret, struct error **reterr);

/* The same from a text, for tests; file is its name for messages. */
int seccomp_base_parse(struct sc_profile *ret, const char *file, const char *text, size_t len,
                       struct error **reterr);
