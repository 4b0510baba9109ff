/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * AppArmor rules: read from text, kept as values, written as text, compared with accesses.
 *
 * Nothing is ever pasted into a profile: what a user or a rule file writes is read rule by rule (apparmor.d(5)), and
 * what goes into a profile is written anew from what was read, one rule a line. So a raw rule cannot end its profile,
 * open another one, include a file, define a variable or hide behind a comment. What would lead out of the profile is
 * refused with the reason: a transition to another profile (px, cx, ux, change_profile, pivot_root -> ...), hats,
 * includes, blocks. Classes that the node's parser may not know (userns, io_uring, mqueue) are kept; the node says so.
 *
 * Stricter than apparmor_parser where two readers could differ: a comma outside of {} and [] ends a rule, parentheses
 * and '=' in names want quotes, a backslash escapes only what is special (no numbers: "\000"), and a name with a space
 * or the like is always written in quotes. What is read from a profile must be, byte for byte, what would be written.
 *
 * Positions count from 1, columns in characters. Pure: no I/O, no logging.
 */
#include "lib/buf.h"
#include "lib/error.h"

struct findings;
struct pattern;

enum aa_class {
    AA_FILE,
    AA_CAPABILITY,
    AA_NETWORK,
    AA_MOUNT,
    AA_REMOUNT,
    AA_UMOUNT,
    AA_PIVOT_ROOT,
    AA_PTRACE,
    AA_SIGNAL,
    AA_DBUS,
    AA_UNIX,
    AA_USERNS,
    AA_IO_URING,
    AA_MQUEUE,
    AA_RLIMIT,
    AA_CLASSES,
};

/* As written: what stood before the rule. */
enum aa_qualifier_bit { AA_DENY = 1, AA_AUDIT = 2, AA_OWNER = 4, AA_ALLOW = 8 };

enum aa_permission_bit {
    AA_READ = 1,
    AA_WRITE = 2,
    AA_APPEND = 4,
    AA_EXEC = 8, /* with a qualifier of aa_rule.exec */
    AA_LINK = 16,
    AA_LOCK = 32,
    AA_MMAP = 64,
};

struct aa_rule {
    enum aa_class kind;
    unsigned qualifiers;   /* enum aa_qualifier_bit */
    unsigned line, column; /* in the text it was read from */
    char *text;            /* owned: the rule in its canonical form, without qualifiers and comma:
                            "/etc/XX wl", "capability sys_admin", "mount fstype=proc" */
    struct {               /* AA_FILE */
        char *path;        /* owned; an AppArmor glob, variables as written; NULL: every file */
        char *
            link_target; /* owned; of "link PATH -> TARGET", the child of "cx -> CHILD"; NULL: none */
        unsigned permissions; /* enum aa_permission_bit */
        char exec[4];         /* with AA_EXEC: "x", "ix", of our own profiles also "cx"; else "" */
        bool subset;          /* link subset */
    } file;
    uint64_t capabilities; /* AA_CAPABILITY: 1 << number; 0: all */
    struct {               /* AA_NETWORK: the words as written; "" : any */
        char family[16], type[16], protocol[16];
    } network;
    struct {           /* AA_MOUNT, AA_REMOUNT, AA_UMOUNT */
        char *fstypes; /* owned; globs, one a line; NULL: any */
        char *source;  /* owned; what, a glob; NULL: anything */
        char *point;   /* owned; where to, a glob; NULL: anywhere */
    } mount;
    unsigned child; /* from aa_profile_read(): 1 + N of child_N, 0: the profile's own */
    char *
        origin; /* owned; where it comes from, for people: "hardeningRules: disallow-mount", "appArmorRawRules[0]
                     (line 3, column 5)", "base" */
};

/* True for classes that apparmor_parser 3 and older kernels do not know (userns, io_uring, mqueue). */
bool aa_class_is_newer(enum aa_class kind);

#define AA_MAX_RULES         4096
#define AA_MAX_PROFILE_RULES 65536 /* of a whole profile, those of children included */
#define AA_MAX_PROFILE_TEXT  (4 * 1024 * 1024)
#define AA_MAX_TEXT          (256 * 1024) /* bytes of one text of raw rules */
#define AA_MAX_RULE_BYTES    8192
struct aa_rules {
    struct aa_rule *items; /* owned */
    size_t n;
};
void aa_rules_done(struct aa_rules *r);

/*
 * Reads rules; each ends with a comma (the last one's may be missing in a rule file's list). first_line and
 * first_column are the position of text[0] in the user's file (1, 1 if it stands alone), as findings and
 * aa_rule.line tell it. Every problem is added to findings, with what is allowed. Origins are left NULL.
 * 0, -ENOMEM, or -EINVAL (there are findings; *ret is empty).
 */
int aa_rules_parse(struct aa_rules *ret, const char *text, size_t len, unsigned first_line,
                   unsigned first_column, struct findings *findings);
/* One rule without its comma, as rule files have it. 0, -ENOMEM, or -EINVAL with *reterr. */
int aa_rule_parse(struct aa_rule *ret, const char *text, struct error **reterr);
void aa_rule_done(struct aa_rule *r);
int aa_rule_copy(struct aa_rule *ret, const struct aa_rule *from); /* 0 or -ENOMEM */

/* The target of a child profile or of an exec rule: an absolute path without anything that AppArmor would read as
 * more than itself. 0 or -EINVAL with *reterr. */
int aa_check_target(const char *path, struct error **reterr);

/*
 * Writes "    audit deny /etc/XX wl, # ORIGIN\n" (indented by depth * 4). qualifiers replaces the rule's own DENY and
 * AUDIT if replace is true (rules.md 1.3); where a deny goes away, x becomes ix. 0, -E2BIG or -ENOMEM.
 */
int aa_rule_write(const struct aa_rule *r, bool replace, unsigned qualifiers, unsigned depth,
                  struct buf *out);

/* ---- profiles ---- */
enum aa_template { AA_TEMPLATE_ALLOW_ALL, AA_TEMPLATE_RUNTIME_DEFAULT }; /* rules.md 3.1, 3.2 */

struct aa_child { /* rules.md 2.9, 7.2 */
    const char *const *targets;
    size_t n_targets;
    const struct aa_rules *rules; /* built-in ones of the entry: take the profile's switches */
    const struct aa_rules *raw;
};
struct aa_profile {
    const char *name;
    enum aa_template base;
    unsigned qualifiers; /* of base denials and built-in rules: AA_DENY, AA_AUDIT, both or none */
    const struct aa_rules *rules; /* built-in, in order */
    const struct aa_rules *raw;   /* as the user qualified them */
    const struct aa_child *children;
    size_t n_children;
};
/*
 * Writes the whole profile: abi, tunables, flags, body, children (child_0, child_1, ...). The variable @{varmor_disks}
 * is used and not defined: the agent does (aa_write_preamble), since only a node knows its disks. Deterministic.
 * The text stands alone: no include of a file that the node might not have. 0, -E2BIG (out's ceiling) or -ENOMEM.
 */
int aa_profile_write(const struct aa_profile *p, struct buf *out);
/* The definition of @{varmor_disks}: paths as /dev/sda; none: a path that never is. 0, -EINVAL with *reterr (a name
 * with odd bytes), -E2BIG or -ENOMEM. */
int aa_write_preamble(const char *const *disks, size_t n, struct buf *out, struct error **reterr);

/* ---- reading a profile of our own again ---- */
/* The rules of a text that aa_profile_write() made, with their origins; line is the one in text, so that a message of
 * apparmor_parser can be told in terms of the origin, and an event's deciding rule can be found. The name must be the
 * only profile's (else -EINVAL with *reterr). 0, -EINVAL or -ENOMEM. */
int aa_profile_read(struct aa_rules *ret, const char *text, size_t len, const char *name,
                    struct error **reterr);

/* What an audit record says was asked. */
struct aa_access {
    enum aa_class kind;
    const char *name;                     /* path, capability name; NULL: none */
    const char *target;                   /* of a link: what it leads to; NULL: no link */
    unsigned permissions;                 /* enum aa_permission_bit */
    const char *family, *type, *protocol; /* of networks; NULL: not told */
    const char *fstype, *source;          /* of mounts; NULL: not told */
    const char *const *disks; /* what @{varmor_disks} means on this node; NULL: it means nothing */
    size_t n_disks;
    unsigned child; /* as aa_rule.child: "NAME//child_2" is 3 */
};
/* The first rule that means the access and denies (else audits) it, NULL: none does (what a profile does not allow is
 * denied by absence). Variables mean their usual values. Compiles patterns on the way: for single events. */
const struct aa_rule *aa_rules_find(const struct aa_rules *r, const struct aa_access *access);
