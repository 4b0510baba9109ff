/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The BPF object that is compiled into this program: opened, made to fit this kernel and host,
 * loaded, attached.
 *
 * The steps: open the skeleton; tell its read-only data what the kernel has and what the host's
 * root directory is; leave out the programs whose hook is missing (bpf/hooks.h says which may); let
 * libbpf take over the maps that are pinned and make and pin the others; load; attach each program
 * and pin its link. When it is done or has failed nothing is open any more: what stays is what is
 * pinned, and the caller publishes or drops the folders (agent/pins.h). Loading takes seconds under
 * emulation and half a second on hardware. No logging.
 */
#include "lib/error.h"

struct kernel_features;

#define PROGRAM_OBJECT_ID_SIZE 17 /* 16 characters and a NUL */

/* What this build's programs are known by: the beginning of the digest of their object. 0 or
 * -ENOMEM. */
int program_object_build_id(char text[static PROGRAM_OBJECT_ID_SIZE]);

/* Loads all programs over the maps pinned in maps_folder (those that are not there are made there),
 * attaches them, and pins each link under its hook's name in links_folder, which must be there. 0;
 * -EOPNOTSUPP (the kernel lacks a hook), -EINVAL (the verifier, or a pinned map of another shape;
 * or our PID namespace is not the host's), -EPERM, -ENOMEM or another errno of bpf(2), with *reterr
 * in libbpf's words. On failure the folders may hold some of it. */
int program_object_attach(const struct kernel_features *features, const char *maps_folder,
                          const char *links_folder, struct error **reterr);

/* Calls told() with what is not covered because this kernel lacks its hook ("chown"); by the pins
 * alone. */
void program_object_tell_gaps(const char *links_folder,
                              void (*told)(const char *covers, void *data), void *data);

/* The number of the file system at "/" in the text of mountinfo, as the kernel encodes it
 * (major << 20 | minor). 0 or -EINVAL. */
int program_object_parse_root_device(const char *mountinfo, uint32_t *ret);
