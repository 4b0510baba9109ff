/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * What the kernel side and user space agree on. Fixed-width integers, explicit padding, no pointers, no
 * includes of kernel or libc. Every struct's size is asserted below; a change of any of them raises
 * VARMOR_LAYOUT, which is part of the pin path, so that an agent never adopts maps that it cannot read.
 *
 * How a verdict is found
 *
 *   task --(varmor_tasks: task storage)--> cgroup id
 *        --(varmor_cgroups: hash)--> struct varmor_binding: slot
 *        --(varmor_slots: array)--> version
 *        --(varmor_images: hash of maps)--> the image of the profile: an array of 64-byte lines
 *
 * One version of a profile is one image, one counter array (varmor_counts) and one address trie
 * (varmor_egress), all under the same version number, built and read back before varmor_slots names them.
 * The 32-bit store into varmor_slots is the switch: every judgement reads it once and uses that version for
 * everything. Version 0 means that the slot has no profile yet: its containers are not confined. A version is
 * taken out of the outer maps only after every judgement that may have read it is over: any successful update
 * of an outer map by bpf(2) after the store waits for that. A version without an image cannot be judged.
 *
 * Outer maps are made with inner maps of BPF_F_INNER_MAP | BPF_F_MMAPABLE (arrays) and BPF_F_NO_PREALLOC
 * (tries); an inner map with other flags is refused by the kernel.
 *
 * The image is position independent: all references are line numbers from its start.
 *
 *   line 0      struct varmor_front      what kinds of access any rule can concern; capabilities
 *   line 1, 2   struct varmor_index      where the tables are
 *   line 3, 4   struct varmor_name       profile name, profile digest
 *   then        automata, verdicts, socket tables, port sets, mount rules, in any order
 *
 * Example: a profile with the single rule "deny write of /etc/shadow" has front.file_concern =
 * VARMOR_MAY_WRITE | ... (the operations that write stands for), no capability bits, one forward automaton
 * whose accepting record points to a verdict line {deny = those bits, rule[...] = 0}; all else is zero.
 * Example: "deny net_raw" alone has cap_deny = 1 << 13, cap rule line, and index.automata all zero.
 */

#ifdef __bpf__ /* vmlinux types are in scope */
typedef __u8 varmor_u8;
typedef __u16 varmor_u16;
typedef __u32 varmor_u32;
typedef __u64 varmor_u64;
#else
typedef unsigned char varmor_u8;
typedef unsigned short varmor_u16;
typedef unsigned int varmor_u32;
typedef unsigned long long varmor_u64;
#endif

#define VARMOR_LAYOUT   1
#define VARMOR_BPF_ROOT "/sys/fs/bpf/varmor" /* pins are in its folder "layout-<LAYOUT>" */
#define VARMOR_MAGIC    0x524d5256u          /* "VRMR" */

/* ---- limits: each is refused with its number by lib/ruleset ---- */
#define VARMOR_MAX_SLOTS      4096    /* profiles of a node */
#define VARMOR_MAX_BINDINGS   16384   /* containers (cgroups) of a node */
#define VARMOR_MAX_VERSIONS   8192    /* slots, plus those being switched */
#define VARMOR_MAX_LINES      262144  /* lines of an image: 16 MiB */
#define VARMOR_MAX_RULES      65535   /* rules of a profile; a rule's number fits 16 bits */
#define VARMOR_MAX_CELLS      1048576 /* cells of one automaton: 8 MiB, some 500,000 states */
#define VARMOR_MAX_PORTRANGES 4096    /* disjoint ranges of one port set: 12 steps of bisection */
#define VARMOR_MAX_MOUNTRULES 32      /* mount rules that can apply to one source */
#define VARMOR_MAX_PREFIXES   65536   /* entries of an address trie */
#define VARMOR_MAX_DEPTH      128     /* components of a path */
#define VARMOR_NAME_BYTES     64      /* profile name with its NUL */

#define VARMOR_LINE_WORDS     16
struct varmor_line {
    varmor_u32 w[VARMOR_LINE_WORDS];
};

/* ---- what can be asked for: bits of front.file_concern and of a verdict's masks ----
 * A policy's words are expanded when the image is built: write = WRITE|APPEND|CREATE|DELETE|RENAME|LINK|
 * TRUNCATE|CHMOD|CHOWN|SETATTR; append = APPEND; read = READ; exec = EXEC. A hook asks for just the bits of
 * what is being done, and is denied if any of them is. */
#define VARMOR_MAY_EXEC     (1u << 0)
#define VARMOR_MAY_WRITE    (1u << 1)
#define VARMOR_MAY_READ     (1u << 2)
#define VARMOR_MAY_APPEND   (1u << 3)
#define VARMOR_MAY_CREATE   (1u << 4)
#define VARMOR_MAY_DELETE   (1u << 5)
#define VARMOR_MAY_RENAME   (1u << 6) /* both names */
#define VARMOR_MAY_LINK     (1u << 7) /* both names */
#define VARMOR_MAY_TRUNCATE (1u << 8)
#define VARMOR_MAY_CHMOD    (1u << 9)
#define VARMOR_MAY_CHOWN    (1u << 10)
#define VARMOR_MAY_SETATTR  (1u << 11) /* xattrs, times */
#define VARMOR_MAY_BITS     16

/* ---- line 0 ---- */
#define VARMOR_CONCERN_EXEC   (1u << 0)
#define VARMOR_CONCERN_SOCKET (1u << 1)
#define VARMOR_CONCERN_EGRESS (1u << 2)
#define VARMOR_CONCERN_MOUNT  (1u << 3)
#define VARMOR_CONCERN_PTRACE (1u << 4)
struct varmor_front {
    varmor_u32 magic;
    varmor_u32 n_lines;
    varmor_u64 cap_deny; /* 1 << capability */
    varmor_u64 cap_audit;
    varmor_u32 file_concern;   /* VARMOR_MAY_* of any file rule; others are allowed unseen */
    varmor_u32 concern;        /* VARMOR_CONCERN_* */
    varmor_u32 n_rules;        /* entries of varmor_counts */
    varmor_u32 cap_rules_line; /* u16[64] over two lines: the deciding rule of each capability */
    varmor_u32 ptrace_deny;    /* VARMOR_PTRACE_* */
    varmor_u32 ptrace_audit;
    varmor_u16 ptrace_rule[4]; /* by bit of VARMOR_PTRACE_*: deciding rule; NO_RULE if none */
    varmor_u32 any_deny; /* non-zero if any rule denies: what cannot be judged is then denied */
    varmor_u32 reserved;
};

#define VARMOR_NO_RULE          0xffffu

#define VARMOR_PTRACE_TRACE     (1u << 0)
#define VARMOR_PTRACE_READ      (1u << 1)
#define VARMOR_PTRACE_TRACEBY   (1u << 2)
#define VARMOR_PTRACE_READBY    (1u << 3)
#define VARMOR_PTRACE_STRICT(p) ((p) << 8) /* towards the own container too */

/* ---- lines 1 and 2 ---- */
enum varmor_automaton_id {
    VARMOR_FILE_FORWARD,  /* patterns with a literal front: from the root on */
    VARMOR_FILE_BACKWARD, /* patterns that begin with a wildcard: from the last byte back */
    VARMOR_EXEC_FORWARD,
    VARMOR_EXEC_BACKWARD,
    VARMOR_MOUNT_SOURCE, /* forward, over the source text as the hook resolved it */
    VARMOR_N_AUTOMATA,
};
/*
 * A deterministic automaton over bytes, its rows laid over each other (row displacement), so that a state costs
 * about two cells however many byte classes there are.
 *
 * Byte b has class  classes[b], 0 to n_classes - 1  (256 bytes: four lines from classes_line on). A state is the
 * number of a cell. Cell s is the record of state s:
 *     owner = VARMOR_CELL_RECORD | fallback state (| VARMOR_CELL_STOP),  next = line of its struct varmor_verdict
 *     or mount list, 0 for none.
 * The successor of state s by class c is in cell  s + 1 + c : if that cell's owner word equals s, its next word
 * is the successor; else the fallback in s's record is. A successor (next or fallback) has VARMOR_CELL_STOP set
 * when nothing that follows can change the verdict: the walk may end there. State 0 is dead (matches nothing,
 * never will); whatever leads there has STOP. s + n_classes is below n_cells for every state s. A walk that stays
 * in one state (a star) need not read the record again. The verdict is read from the record of the last state.
 * The input of the forward automata is the whole path from its first '/', of the backward ones the same bytes
 * in reverse order. n_cells 0: no such automaton.
 */
#define VARMOR_CELL_STOP      0x80000000u
#define VARMOR_CELL_RECORD    0x40000000u
#define VARMOR_CELL_STATE     0x3fffffffu
#define VARMOR_CELLS_PER_LINE 8
struct varmor_cell {
    varmor_u32 owner;
    varmor_u32 next;
};
struct varmor_automaton {
    varmor_u32 n_cells;
    varmor_u32 n_classes; /* 1 to 256 */
    varmor_u32 start;
    varmor_u32 classes_line;
    varmor_u32 cells_line; /* cell i is in line cells_line + i / VARMOR_CELLS_PER_LINE */
    varmor_u32 reserved;
};
struct varmor_index {
    struct varmor_automaton automata[VARMOR_N_AUTOMATA]; /* 120 bytes */
    varmor_u32 sockets_line; /* VARMOR_SOCKET_DOMAINS cells, 0 if none */
    varmor_u32 reserved;
};

/* ---- lines 3 and 4: who this is, for an agent that adopts ---- */
struct varmor_name {
    char profile[VARMOR_NAME_BYTES]; /* NUL-padded */
    varmor_u8 digest[32];            /* of the profile message */
    varmor_u8 reserved[32];
};

/* ---- what an accepting state of a path automaton says; one line ----
 * A permission is denied if its bit is in deny, reported if in audit. rule[bit] is the number of the rule
 * that decided: the first that denies it, else the first that audits it, else VARMOR_NO_RULE. Forward and
 * backward automata are both asked; the results are OR-ed, and the lower rule number of the denying ones wins. */
struct varmor_verdict {
    varmor_u32 deny;
    varmor_u32 audit;
    varmor_u16 rule[VARMOR_MAY_BITS];
    varmor_u32 reserved[6];
};

/* ---- sockets: a cell per address family; protocols are effective ones (0 with stream is TCP, ...) ---- */
#define VARMOR_SOCKET_DOMAINS 64
#define VARMOR_SOCKET_TYPES   16
#define VARMOR_PROTO_ICMP     0 /* 1 and 58, for inet and inet6 */
#define VARMOR_PROTO_TCP      1 /* 6, MPTCP 262, SMC; 0 with stream */
#define VARMOR_PROTO_UDP      2 /* 17 and UDP-Lite 136; 0 with dgram */
#define VARMOR_PROTO_OTHER    3
#define VARMOR_PROTO_KINDS    4
struct varmor_socket_cell { /* one line */
    varmor_u16 type_deny;   /* 1 << type */
    varmor_u16 type_audit;
    varmor_u16 proto_deny; /* 1 << VARMOR_PROTO_* */
    varmor_u16 proto_audit;
    varmor_u16 type_rule[VARMOR_SOCKET_TYPES];
    varmor_u16 proto_rule[VARMOR_PROTO_KINDS];
    varmor_u32 reserved[4];
};
/* sockets_line: VARMOR_SOCKET_DOMAINS cells, by address family. Families above are denied if any_deny. The first
 * of the type's and the protocol's rule that denies decides, else the first that audits. A request of type t and
 * protocol p is judged by bit t (flags like SOCK_CLOEXEC taken off) and by the bit of varmor_protocol_kind(). */
#define VARMOR_AF_INET  2
#define VARMOR_AF_INET6 10
#define VARMOR_AF_SMC   43
static inline varmor_u32 varmor_protocol_kind(varmor_u32 domain, varmor_u32 type,
                                              varmor_u32 protocol)
{
    if (domain == VARMOR_AF_SMC) /* carried by TCP, and falls back to it */
        return type == 1 ? VARMOR_PROTO_TCP : VARMOR_PROTO_OTHER;
    if (domain != VARMOR_AF_INET && domain != VARMOR_AF_INET6)
        return VARMOR_PROTO_OTHER; /* the numbers mean something else there */
    if (protocol == 1 || protocol == 58)
        return VARMOR_PROTO_ICMP;
    if (protocol == 6 || protocol == 256 || protocol == 262 || (protocol == 0 && type == 1))
        return VARMOR_PROTO_TCP; /* 256: SMC, 262: MPTCP; both fall back to TCP */
    if (protocol == 17 || protocol == 136 || (protocol == 0 && type == 2))
        return VARMOR_PROTO_UDP;
    return VARMOR_PROTO_OTHER;
}

/* ---- egress: varmor_egress[version] is an LPM trie over struct varmor_prefix ---- */
#define VARMOR_FAMILY_IPV4 4
#define VARMOR_FAMILY_IPV6 6
struct varmor_prefix {
    varmor_u32 prefix_len; /* bits of family and addr together: 8 + those of the block */
    varmor_u8 family;      /* VARMOR_FAMILY_*; an IPv4-mapped address is looked up as IPv4 */
    varmor_u8 addr[16];    /* network order, IPv4 in the first four, zero behind */
    varmor_u8 reserved[3];
};
/* The value: the line of the port set that holds for every address below this prefix (the union of all
 * covering rules, so that the longest match alone decides). "Every address" is a prefix of 8 bits per family. */
struct varmor_leaf {
    varmor_u32 ports_line;
};
/* At ports_line: one struct varmor_port_set header line, then its ranges, ascending and disjoint, 4 to a line. */
struct varmor_port_set {
    varmor_u32 n_ranges;
    varmor_u32 reserved[15];
};
#define VARMOR_PORT_DENY  1
#define VARMOR_PORT_AUDIT 2
struct varmor_port_range {  /* 16 bytes */
    varmor_u16 first, last; /* host order, inclusive; 0 to 65535 is every port and every protocol */
    varmor_u16 mode;        /* VARMOR_PORT_* */
    varmor_u16 rule;
    varmor_u32 reserved[2];
};

/* ---- mounts: a record of VARMOR_MOUNT_SOURCE names a list: header line, then one line a rule ---- */
struct varmor_mount_list {
    varmor_u32 n_rules; /* up to VARMOR_MAX_MOUNTRULES */
    varmor_u32 reserved[15];
};
#define VARMOR_MOUNT_MOVE   0x2000u /* MS_MOVE; what move_mount(2) is judged by */
#define VARMOR_MOUNT_UMOUNT 0x200u  /* pseudo flag of umount; mount(2) has it masked */
/* One line. Matches if fstype agrees and (flags & set) or (~flags & clear); an umount, and a move (flags exactly
 * VARMOR_MOUNT_MOVE), by set alone. fstype is NUL-terminated: "*" is any, "none" is bind, remount, move,
 * propagation, umount. */
struct varmor_mount_rule {
    varmor_u32 set;
    varmor_u32 clear;
    char fstype[16];
    varmor_u16 mode; /* VARMOR_PORT_DENY | VARMOR_PORT_AUDIT */
    varmor_u16 rule;
    varmor_u32 reserved[9];
};

/* ---- bindings ---- */
/* The container ran already when it was bound: tasks that were started before bound_ns and have a root of their
 * own are labelled at their next hook. */
#define VARMOR_BIND_RUNNING 1u
struct varmor_binding { /* value of varmor_cgroups, key: cgroup v2 id (u64) */
    varmor_u32 slot;
    varmor_u32 flags;
    varmor_u64 bound_ns; /* CLOCK_BOOTTIME */
};

/* The one cell of varmor_control. running_ns is the newest bound_ns of any binding that was made with
 * VARMOR_BIND_RUNNING, 0 if there was none; raise it (never lower it) after the binding is in varmor_cgroups.
 * A task that is younger, or that was looked at since, is not looked at again: so a container without a
 * profile costs no look-up by cgroup. */
struct varmor_control {
    varmor_u64 running_ns; /* CLOCK_BOOTTIME */
};

/* ---- what the kernel counts beside rules: varmor_stats, a per-CPU array of u64 ---- */
enum varmor_stat {
    VARMOR_STAT_JUDGED, /* accesses of labelled tasks that some rule could concern */
    VARMOR_STAT_DENIED,
    VARMOR_STAT_AUDITED,
    VARMOR_STAT_TOO_DEEP,     /* not judgeable: more than VARMOR_MAX_DEPTH components */
    VARMOR_STAT_UNREADABLE,   /* not judgeable: a kernel read failed */
    VARMOR_STAT_NO_SCRATCH,   /* not judgeable: no memory to work in */
    VARMOR_STAT_NO_IMAGE,     /* not judgeable: slot or version without an image */
    VARMOR_STAT_BAD_IMAGE,    /* not judgeable: the image contradicts itself */
    VARMOR_STAT_LABELLED,     /* tasks that got their label */
    VARMOR_STAT_LABEL_FAILED, /* no memory for a label: an exec or fork fails; a running container's
                               * task goes on, and is looked at again at its next hook */
    VARMOR_STAT_EVENTS,       /* records written */
    VARMOR_STAT_EVENTS_LOST,  /* records that found no room */
    VARMOR_N_STATS,
};

/* ---- records: varmor_events, a ring buffer; a record is as long as its text ---- */
enum varmor_event_kind {
    VARMOR_EVENT_NONE,
    VARMOR_EVENT_FILE,
    VARMOR_EVENT_EXEC,
    VARMOR_EVENT_CAPABILITY,
    VARMOR_EVENT_SOCKET,
    VARMOR_EVENT_CONNECT,
    VARMOR_EVENT_PTRACE,
    VARMOR_EVENT_MOUNT,
    VARMOR_N_EVENT_KINDS,
};
#define VARMOR_ACTION_DENIED  1
#define VARMOR_ACTION_AUDITED 2
struct varmor_event {
    varmor_u8 kind;   /* enum varmor_event_kind */
    varmor_u8 action; /* VARMOR_ACTION_* */
    varmor_u16 rule;  /* number in the profile, VARMOR_NO_RULE: the access could not be judged */
    varmor_u32 version;
    varmor_u64 cgroup;  /* the binding */
    varmor_u64 time_ns; /* CLOCK_BOOTTIME */
    varmor_u32 tgid, pid;
    varmor_u32 uid;
    varmor_u32 mnt_ns;
    varmor_u32 cause;       /* enum varmor_stat of an access that could not be judged, else 0 */
    varmor_u32 permissions; /* VARMOR_MAY_* or VARMOR_PTRACE_* asked for */
    varmor_u32 capability;
    varmor_u16 domain, type;
    varmor_u32 protocol;
    varmor_u16 port;   /* host order */
    varmor_u16 family; /* VARMOR_FAMILY_* of addr, 0 for none */
    varmor_u8 addr[16];
    varmor_u32 mount_flags;
    varmor_u32 external; /* ptrace: the other task is of another container */
    char fstype[16];
    char comm[16];
    varmor_u32 text_len; /* bytes of text that follow (path or mount source), without NUL */
    varmor_u32 text_cut; /* non-zero: the text is longer than what follows */
    /* then text_len bytes, up to VARMOR_EVENT_TEXT */
};
#define VARMOR_EVENT_TEXT   4096

#define VARMOR_ASSERT(cond) _Static_assert(cond, #cond)
VARMOR_ASSERT(sizeof(struct varmor_line) == 64);
VARMOR_ASSERT(sizeof(struct varmor_front) == 64);
VARMOR_ASSERT(sizeof(struct varmor_cell) * VARMOR_CELLS_PER_LINE == sizeof(struct varmor_line));
VARMOR_ASSERT(sizeof(struct varmor_automaton) == 24);
VARMOR_ASSERT(sizeof(struct varmor_index) == 128);
VARMOR_ASSERT(sizeof(struct varmor_name) == 128);
VARMOR_ASSERT(sizeof(struct varmor_verdict) == 64);
VARMOR_ASSERT(sizeof(struct varmor_socket_cell) == 64);
VARMOR_ASSERT(sizeof(struct varmor_prefix) == 24);
VARMOR_ASSERT(sizeof(struct varmor_port_set) == 64);
VARMOR_ASSERT(sizeof(struct varmor_port_range) == 16);
VARMOR_ASSERT(sizeof(struct varmor_mount_list) == 64);
VARMOR_ASSERT(sizeof(struct varmor_mount_rule) == 64);
VARMOR_ASSERT(sizeof(struct varmor_binding) == 16);
VARMOR_ASSERT(sizeof(struct varmor_control) == 8);
VARMOR_ASSERT(sizeof(struct varmor_event) == 128);
