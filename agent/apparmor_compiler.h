/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Compiles AppArmor profiles with apparmor_parser: in children, a few at a time, the rest in a
 * queue. What came out, binary or error, is kept for a while under the digest of all that it
 * depends on, so that asking again costs nothing.
 *
 * Invariants
 * 1. Each text is in one state: waits, is being compiled, is finished and not told yet, is kept.
 * 2. What was told by done() is kept at least until KEPT_AT_LEAST others have been told.
 * 3. Of one profile only the newest version waits.
 * 4. A failure that is the text's own (a syntax error) is kept like a binary; one that may pass
 *    (time, memory, no parser) is told once, and the next question tries again.
 *
 * Never blocks, never touches the kernel's policy, no logging.
 */
#include "lib/digest.h"
#include "lib/error.h"
#include "lib/profile.h"

struct apparmor_binary;
struct apparmor_compiler; /* opaque */
struct loop;

#define APPARMOR_COMPILER_MAX_QUEUED    10000   /* as many as there are profiles on a node */
#define APPARMOR_COMPILER_MAX_TEXT      4456448 /* bytes: AA_MAX_PROFILE_TEXT, and 256 KiB of disks */
#define APPARMOR_COMPILER_MAX_ERRORS    (64u << 10)  /* bytes of what the parser says */
#define APPARMOR_COMPILER_MAX_MEMORY    (2ull << 30) /* bytes of address space of a child */
#define APPARMOR_COMPILER_KEPT_AT_LEAST 8

struct apparmor_compiler_settings {
    const char *parser;        /* absolute path; copied */
    const char *features_file; /* the kernel's features, copied; NULL: the running kernel's */
    const char *features_text; /* the same as text, borrowed: profiles are compiled for a part */
    struct digest environment; /* of parser and features: what else a binary depends on */
    unsigned max_children;     /* at least 1 */
    uint64_t deadline_ns;      /* of one child */
    size_t max_kept_bytes;     /* of binaries and errors */
    /* The profile has been compiled, or cannot be: apparmor_compiler_get() tells. On a turn of its
     * own; may call apparmor_compiler_get(). */
    void (*done)(const char *profile, void *data);
    void *data;
};

/* 0, -ENOMEM, -EBADMSG (features_text) or another errno with *reterr. */
int apparmor_compiler_new(struct apparmor_compiler **ret, struct loop *loop,
                          const struct apparmor_compiler_settings *settings, struct error **reterr);
struct apparmor_compiler *apparmor_compiler_free(struct apparmor_compiler *c); /* ends children */
DEFINE_CLEANUP(struct apparmor_compiler *, apparmor_compiler_free)

/* What a profile's binary is known by: the digest of environment, preamble and text. 0 or -ENOMEM.
 */
int apparmor_compiler_key(const struct apparmor_compiler *c, const char *preamble, const char *text,
                          struct digest *ret);

/*
 * Compiles preamble and the profile's text (newer: for all the classes that the kernel mediates,
 * apparmor_features.h), unless the answer is kept: 0 with a reference in *ret;
 * -EINPROGRESS: done() follows; -EINVAL with the parser's own words in *reterr ("line N" counts
 * from the preamble's first); -ETIMEDOUT, -E2BIG, -EBADMSG (apparmor_binary.h), -ENOMEM or another
 * errno with *reterr.
 */
int apparmor_compiler_get(struct apparmor_compiler *c, struct profile *profile,
                          const char *preamble, bool newer, struct apparmor_binary **ret,
                          struct error **reterr);

/* The profile is gone: what is not compiled yet will not be, and done() does not follow. */
void apparmor_compiler_drop(struct apparmor_compiler *c, const char *profile);

/* For tests and figures. */
unsigned apparmor_compiler_n_running(const struct apparmor_compiler *c);
unsigned apparmor_compiler_n_waiting(const struct apparmor_compiler *c);
uint64_t apparmor_compiler_n_started(const struct apparmor_compiler *c); /* since the start */
