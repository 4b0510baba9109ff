/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The AppArmor enforcer: profiles compiled by apparmor_parser, loaded by us, tied to containers by
 * the containers' own settings.
 *
 *   enforcer_apparmor.c        the operations, in terms of the parts below
 *   enforcer_apparmor_probe.c  what this node can do: kernel, parser, state folder
 *   enforcer_apparmor_held.c   what the kernel holds of ours: adopted, loaded, taken back
 *   enforcer_apparmor_cleanup.c  everything of ours out of kernel and state folder
 *   apparmor_compiler.c        the queue in front of apparmor_parser (piped_program.c: one child)
 *   apparmor_features.c        the classes of rules that a profile is compiled for
 *   apparmor_binary.c          a compiled policy, checked to be what it should be
 *   apparmor_kernel.c          loading, removing, reading back
 *   apparmor_records.c         what is remembered on disk
 *   apparmor_label.c           what a container runs under
 *   apparmor_message.c         the parser's words in terms of origins
 *
 * Invariants
 * 1. Only profiles that are in our records, or that the manager names, are ever touched: what else
 * is loaded belongs to the node.
 * 2. A text is read again, rule by rule, before it reaches the parser, and what the parser made of
 * it is looked at before it reaches the kernel.
 * 3. After a commit the kernel's own copy equals the binary, where the kernel keeps one; when it
 * does not, what was there before is put back.
 * 4. A record is staged before the kernel is changed and published after it. A disk that cannot be
 * written to does not keep a profile from being loaded: a restart then finds another version than
 * it remembers, and loads it anew.
 */
#include <limits.h>

#include "agent/enforcer.h"

struct apparmor_binary;
struct apparmor_compiler;
struct apparmor_kernel;
struct apparmor_loaded;
struct apparmor_records;
struct map;
struct node_devices;

#define APPARMOR_DEFAULT_DEADLINE_NS (60 * NS_PER_SEC)
#define APPARMOR_MAX_KEPT_BYTES      (1u << 20) /* of compiled profiles in memory; a dozen */

struct enforcer_apparmor_settings { /* texts are copied */
    const char *parser;             /* absolute path; NULL or "": looked for where it usually is */
    const char *state_folder; /* the agent's; ours is "apparmor" below it; NULL: nothing is kept */
    unsigned max_children;    /* parsers at a time; 0: as many as there are processors */
    uint64_t deadline_ns;     /* of one parser; 0: APPARMOR_DEFAULT_DEADLINE_NS */
    const struct node_devices *devices; /* borrowed; NULL: this node's disks are not known */
};

/* Does not touch the kernel yet. events is copied, and may be NULL. 0 or -ENOMEM with *reterr. */
int enforcer_apparmor_new(struct enforcer **ret, struct loop *loop,
                          const struct enforcer_apparmor_settings *settings,
                          const struct enforcer_events *events, struct error **reterr);
/* Removes from the kernel what the records below state_folder say is ours and unchanged, and the
 * records; calls told() with one line a thing ("AppArmor profile varmor-shop-web"). 0, or the first
 * error with *reterr after having gone on. */
int enforcer_apparmor_cleanup(const char *state_folder, void (*told)(const char *what, void *data),
                              void *data, struct error **reterr);

/* ---- for its own sources ---- */

/* What is known of a profile of ours. */
struct apparmor_held {
    struct digest profile_digest; /* of the version that the kernel holds */
    struct digest key;            /* of the recorded binary (apparmor_compiler_key()) */
    struct digest binary_digest;
    unsigned n_children;
    bool complain;
    char kernel_hash[DIGEST_TEXT_SIZE]; /* of what was loaded; "": the kernel gives none */
    bool loaded; /* the kernel has it; else there is a record alone, as after a reboot */
};

/* The last commit, for as long as it may be reverted. */
struct apparmor_undo {
    char profile[PROFILE_NAME_MAX + 1]; /* "": there is nothing to revert */
    struct apparmor_binary *binary; /* counted; what was loaded before; NULL: nothing was, or nobody
                                       knows what */
    bool was_loaded;
    struct apparmor_held held; /* as it was */
};

struct enforcer_apparmor {
    struct enforcer base;
    struct loop *loop; /* borrowed */
    struct enforcer_events events;
    char *parser, *state_folder; /* owned; NULL: not given */
    unsigned max_children;
    uint64_t deadline_ns;
    const struct node_devices *devices; /* borrowed; may be NULL */
    struct apparmor_kernel *kernel;     /* owned, like the next three; NULL: not usable */
    struct apparmor_compiler *compiler;
    struct apparmor_records *records; /* NULL also without a state folder */
    struct map *held;                 /* profile name -> struct apparmor_held; owned */
    struct apparmor_undo undo;
};

struct enforcer_version {
    struct profile *profile; /* counted, like binary */
    struct apparmor_binary *binary;
    struct digest key;
};

/* ---- enforcer_apparmor_probe.c ---- */

/* The folder of our records below the agent's state folder. 0 or -ENAMETOOLONG. */
int enforcer_apparmor_folder(const char *state_folder, char ret[static PATH_MAX]);

/* Opens everything, and says in facts what there is. 0, or a negative errno with *reterr: then a
 * part may be open. */
int enforcer_apparmor_probe(struct enforcer_apparmor *e, struct enforcer_facts *facts,
                            struct error **reterr);

/* ---- enforcer_apparmor_held.c ---- */

/* Fills held from records and kernel; calls found() for each profile of ours that is loaded. One
 * that somebody has changed since is told with the digest of its binary, or with none where the
 * kernel keeps no copy: that is no profile's. 0 or a negative errno with *reterr. */
int enforcer_apparmor_adopt(struct enforcer_apparmor *e,
                            void (*found)(const struct enforcer_holding *h, void *data), void *data,
                            struct error **reterr);
/* NULL: not ours, or never loaded. Borrowed. */
struct apparmor_held *enforcer_apparmor_find(const struct enforcer_apparmor *e,
                                             const char *profile);
/* Loads a version and reads it back. 0, or a negative errno with *reterr: what was there before is
 * in force, or *reterr says that it is not. */
int enforcer_apparmor_load(struct enforcer_apparmor *e, const struct enforcer_version *v,
                           struct error **reterr);
int enforcer_apparmor_revert(struct enforcer_apparmor *e, const char *profile,
                             struct error **reterr);
int enforcer_apparmor_remove(struct enforcer_apparmor *e, const char *profile,
                             struct error **reterr);
/* Drops the records of what is not loaded: nobody wants it any more. 0, or the first error with
 * *reterr after having gone on. */
int enforcer_apparmor_settle(struct enforcer_apparmor *e, struct error **reterr);
/* -ENOENT: we hold none of that name. */
int enforcer_apparmor_describe(struct enforcer_apparmor *e, const char *profile,
                               struct enforcer_holding *ret, struct error **reterr);
void enforcer_apparmor_forget_undo(struct enforcer_apparmor *e);
