/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An attempt: what a process in a container tries, written as words.
 *
 *     bind /etc /mnt ; write /mnt/hosts
 *
 * is two steps. A step is a verb and its arguments; it answers 0 or a negative errno, and the first that fails ends the
 * attempt. A step that changes something says how to take it back (attempt_undo), as steps again, which are run in the
 * opposite order when the attempt is over, whatever its outcome.
 *
 * Each attempt runs in a process of its own, a child of the attacker: what it does to itself (namespaces, capabilities,
 * filters, descriptors) ends with it.
 */
#include <sys/types.h>

#include "lib/base.h"

#define ATTEMPT_MAX_WORDS 16
#define ATTEMPT_MAX_UNDO  32
#define ATTEMPT_LINE      4096 /* bytes of an attempt as text */

struct attempt {
    int fd;                       /* what the last step opened; -1: nothing */
    char *undo[ATTEMPT_MAX_UNDO]; /* owned; steps */
    size_t n_undo;
    bool undoing; /* then nothing is added to undo */
};

/* A verb: w[0] is its name, w[n] is NULL. 0 or a negative errno. */
typedef int (*verb_fn)(struct attempt *a, char **w);
struct verb {
    const char *name;
    size_t n_args; /* at least */
    verb_fn run;
};

/* The verbs by kind; each list ends with an empty one. */
extern const struct verb file_verbs[], mount_verbs[], program_verbs[], network_verbs[],
    task_verbs[], call_verbs[], capability_verbs[];

/* "unlink /tmp/x" will be run at the end. What has no room is not taken back. */
void attempt_undo(struct attempt *a, const char *format, ...) PRINTF_FORMAT(2, 3);
/* Keeps fd for later steps in place of what they had. 0, or -errno if fd is negative. */
int attempt_keep(struct attempt *a, long fd);
/* -errno if r is negative, else 0. */
int attempt_result(long r);
unsigned long attempt_number(const char *text); /* decimal, 0x..., 0... */

/* A process that the attempt has started does things of its own: records of it belong to the attempt too. */
void attempt_process(pid_t pid);

/* Descriptors that the attacker itself has opened before there was a policy, by name; -1: none. */
int attacker_kept(const char *name);
