/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What an action of a container would get is asked in the words of `varmorctl test`, on the command
 * line and in files of expectations alike:
 *
 *     read|write|append|create|delete|rename|link|truncate|chmod|chown|setattr|exec   PATH
 *     capability   NAME
 *     connect      ADDRESS:PORT, [ADDRESS]:PORT
 *     socket       DOMAIN,TYPE[,PROTOCOL]           inet,stream,tcp
 *     mount        SOURCE[,FSTYPE[,FLAG...]]        /dev/sda,ext4,ro
 *     umount       PATH
 *     ptrace       trace|read|traceby|readby[,own]  of another container's process, or of the own
 *     syscall      NAME[,ARGUMENT...]               unshare,0x10000000
 *
 * Pure: no I/O, no logging.
 */
#include "lib/addr.h"
#include "lib/error.h"
#include "lib/seccomp/seccomp.h"

enum question_kind {
    QUESTION_PATH,
    QUESTION_CAPABILITY,
    QUESTION_CONNECT,
    QUESTION_SOCKET,
    QUESTION_MOUNT,
    QUESTION_PTRACE,
    QUESTION_SYSCALL,
};

struct question {
    enum question_kind kind;
    char *text; /* owned; as people read it: "read /etc/shadow" */
    union {
        struct {
            char *path;    /* owned */
            unsigned may;  /* VARMOR_MAY_*, one bit */
            unsigned asks; /* enum aa_permission_bit */
        } path;
        struct {
            char *name; /* owned; "sys_admin" */
            unsigned number;
        } capability;
        struct {
            struct addr addr;
            unsigned port;
        } connect;
        struct {
            char *domain, *type, *protocol; /* owned; words, "" for a number without one */
            unsigned numbers[3];            /* of the three */
        } socket;
        struct {
            char *source, *fstype; /* owned */
            uint32_t flags; /* with VARMOR_MOUNT_UMOUNT for umount, whose source is the path */
        } mount;
        struct {
            unsigned permission; /* enum ptrace_permission_bit */
            bool external;
        } ptrace;
        struct {
            char *name; /* owned */
            uint64_t args[SC_MAX_ARGS];
        } syscall;
    };
};
void question_done(struct question *q); /* the question may be used again as an empty one */

/* The words, "read" ..., with which questions begin. */
extern const char *const question_words[];
extern const size_t n_question_words;

/* Reads what stands behind a word. *ret is written on success only. 0, -ENOMEM, or -EINVAL with
 * *reterr. */
int question_parse(struct question *ret, const char *word, const char *text, struct error **reterr);
