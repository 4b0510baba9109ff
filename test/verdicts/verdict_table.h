/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Verdict tables (test/verdicts/NAME.tbl): profiles, accesses and what must come of them, in a form
 * that every judge can be run against: the walkers in user space, the programs in bpf/, a kernel in
 * a machine.
 *
 *   profile NAME [complain]        begins a profile; its rules are numbered from 0
 *   rule file MODE PERMS PATTERN   PERMS: letters of r, w, a
 *   rule exec MODE PATTERN
 *   rule capability MODE N[,N]
 *   rule socket MODE DOMAINS TYPES PROTOCOLS    lists of numbers or of icmp,tcp,udp; - for any
 *   rule egress MODE BLOCK PORTS   BLOCK: an address or block, - for every one; PORTS: 80,8000-8999
 * or - rule ptrace MODE PERMS [strict]             PERMS: list of trace, read, traceby, readby rule
 * mount MODE PATTERN FSTYPE FLAGS REVERSE_FLAGS ask WHAT PATH = RESULT         WHAT: read, write,
 * append, create, delete, rename, link, truncate, chmod, chown, setattr, exec ask capability N =
 * RESULT ask socket DOMAIN TYPE PROTOCOL = RESULT ask connect ADDRESS PORT = RESULT ask ptrace PERM
 * own|external = RESULT ask mount SOURCE FSTYPE FLAGS = RESULT
 *
 * MODE is deny, audit, deny+audit or none. RESULT is allow, or a MODE with the number of the
 * deciding rule. Fields are separated by blanks; "" is the empty text; lines that begin with # are
 * comments. Numbers may be hexadecimal.
 */
#include "lib/error.h"
#include "lib/profile.h"

enum verdict_ask_kind {
    VERDICT_ASK_PATH,
    VERDICT_ASK_CAPABILITY,
    VERDICT_ASK_SOCKET,
    VERDICT_ASK_CONNECT,
    VERDICT_ASK_PTRACE,
    VERDICT_ASK_MOUNT,
};

struct verdict_ask {
    enum verdict_ask_kind kind;
    unsigned line;  /* in the file */
    char *text;     /* owned: path or mount source */
    char *fstype;   /* owned */
    unsigned asked; /* VARMOR_MAY_* or enum ptrace_permission_bit */
    bool external;
    uint32_t numbers[3]; /* capability; domain, type, protocol; port; flags */
    struct addr addr;
    unsigned mode; /* expected: enum rule_mode_bit */
    unsigned rule; /* expected: number of the deciding rule, VARMOR_NO_RULE */
};

struct verdict_profile {
    struct profile *profile;  /* owned */
    struct verdict_ask *asks; /* owned */
    size_t n_asks;
};

struct verdict_table {
    struct verdict_profile *profiles; /* owned */
    size_t n_profiles;
};

/* Reads a table. 0, -ENOMEM, -EIO (the file cannot be read) or -EINVAL, with *reterr ("paths.tbl:7:
 * ..."). */
int verdict_table_read(struct verdict_table **ret, const char *path, struct error **reterr);
struct verdict_table *verdict_table_free(struct verdict_table *t); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct verdict_table *, verdict_table_free)
