/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A program that is fed on its standard input and read from its standard output and error, on the
 * loop, with a deadline and a ceiling for each.
 *
 * The child owns nothing of ours but its three pipes and what it is handed: no other descriptor, no environment, no
 * capability, no file that it could write to, no core; a process group of its own, which is killed
 * as a whole when the time is up, when it says too much, or when its first process has ended. It
 * keeps what the agent took away from itself (agent/confinement.h).
 *
 * Invariant: done() is called exactly once, on a turn of its own, unless the program is freed
 * before. A process is reaped by its pidfd, so that no handler of SIGCHLD is needed. No logging.
 */
#include "lib/buf.h"
#include "lib/error.h"

struct loop;
struct piped_program; /* opaque */

enum piped_outcome {
    PIPED_EXITED,    /* with a status */
    PIPED_SIGNALLED, /* something else than us ended it */
    PIPED_LATE,      /* killed at its deadline */
    PIPED_TOO_MUCH,  /* killed: its output is larger than the ceiling */
    PIPED_NO_MEMORY, /* killed: we have no room for what it says */
};

/* The exit status of a child whose program could not be started; its error text says why. */
#define PIPED_NOT_STARTED 127

/* Where the child finds extra_fd. */
#define PIPED_EXTRA_FD   3
#define PIPED_EXTRA_PATH "/proc/self/fd/3"

struct piped_settings {
    const char *path;        /* absolute */
    const char *const *argv; /* ends with NULL */
    size_t max_output;       /* bytes; more ends the program */
    size_t max_errors;       /* bytes; the rest is read and dropped */
    uint64_t deadline_ns;    /* from the start */
    uint64_t max_file;       /* bytes of a file that it may write; 0: it writes none */
    uint64_t max_memory;     /* bytes of address space; 0: no limit */
    bool has_extra;          /* the child has extra_fd too, as PIPED_EXTRA_FD */
    int extra_fd;            /* borrowed */
    /* May free the program. */
    void (*done)(struct piped_program *p, void *data);
    void *data;
};

/* Starts it. All texts are borrowed for the call alone; *input is taken on success. 0, -ENOMEM, or
 * an errno of the kernel with *reterr. */
int piped_program_start(struct piped_program **ret, struct loop *loop,
                        const struct piped_settings *settings, struct buf *input,
                        struct error **reterr);
/* Kills it if it still runs. Accepts NULL, returns NULL; also inside done(). */
struct piped_program *piped_program_free(struct piped_program *p);
DEFINE_CLEANUP(struct piped_program *, piped_program_free)

/* The same, waited for on a loop of its own: blocks for as long as it runs. It gets no input;
 * settings->done and data are not looked at. Appends its output to out. 0; -EIO with its own words in
 * *reterr: it did not exit with status 0; -E2BIG (out's ceiling), -ENOMEM or another errno with
 * *reterr. */
int piped_program_run(const struct piped_settings *settings, struct buf *out,
                      struct error **reterr);

/* After done(). */
enum piped_outcome piped_program_outcome(const struct piped_program *p);
int piped_program_status(const struct piped_program *p);   /* of PIPED_EXITED; else the signal */
struct buf *piped_program_output(struct piped_program *p); /* the caller may take its content */
const char *piped_program_errors(const struct piped_program *p); /* borrowed */
