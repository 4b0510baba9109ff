/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The seccomp enforcer: profiles as OCI JSON in a folder from which container runtimes take them, by
 * the containers' own settings, when they start a container. The kernel keeps a filter for a process
 * for life: another version of a profile holds for containers that are started after it, and
 * inspect() tells which run under an older one.
 *
 *   enforcer_seccomp.c        the operations
 *   enforcer_seccomp_files.c  what is in the folder of ours: adopted, written, taken back
 *   seccomp_record.c          what is remembered of a file
 *   seccomp_runtime.c         what the runtime makes of it
 *   file_folder.c             files that are replaced whole
 *
 * Invariants
 * 1. Only files of which there is a record are written to or removed; a file with a profile's name
 * that is not ours is refused, unless it is byte for byte what would be written.
 * 2. A record names the next content before the file has it.
 * 3. What is written was compiled for this machine's architectures before, and asked about its
 * conditions (sc_compile()); after a commit the file has been read back.
 */
#include "agent/enforcer.h"

struct enforcer_seccomp_settings { /* texts are copied */
    const char *folder;            /* "/var/lib/kubelet/seccomp" */
    const char *state_folder;      /* the agent's; ours is "seccomp" below it; NULL: nothing is
                                      remembered over a restart */
    const char *runtime;           /* absolute path of runc; NULL or "": looked for */
};

/* Does not touch the folder yet. 0 or -ENOMEM with *reterr. */
int enforcer_seccomp_new(struct enforcer **ret, const struct enforcer_seccomp_settings *settings,
                         struct error **reterr);
/* Removes the files that the records below state_folder say are ours and unchanged, and the records;
 * calls told() with one line a thing. 0, or the first error with *reterr after having gone on. */
int enforcer_seccomp_cleanup(const struct enforcer_seccomp_settings *settings,
                             void (*told)(const char *what, void *data), void *data,
                             struct error **reterr);
