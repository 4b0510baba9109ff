/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * The kernel's types, as far as varmor reads them: only fields in use, relocated when the object is
 * loaded (CO-RE), so that order, size and padding here mean nothing. Fields that some kernel lacks
 * are asked for with bpf_core_field_exists() before they are read.
 *
 * Where a field was renamed or moved between 5.10 and the newest kernel of the matrix, its comment
 * says so. Numbers of the kernel's user interface stand at the end; they do not change.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* ---- files ---- */

struct qstr {
    union {
        struct {
            u32 hash;
            u32 len;
        };
        u64 hash_len;
    };
    const unsigned char *name;
};

struct inode {
    unsigned long i_ino; /* u64 from 7.1 on: the same size on the machines that we support */
};

struct file_system_type {
    const char *name;
};

struct super_block {
    u32 s_dev;
    unsigned long s_magic;
    unsigned long s_flags;
    struct file_system_type *s_type;
    struct dentry *s_root;
};

struct dentry {
    struct dentry *d_parent;
    struct qstr d_name; /* from 6.16 on inside a union, under the same name */
    struct inode *d_inode;
    struct super_block *d_sb;
};

struct user_namespace;
struct mnt_idmap;
struct posix_acl;

struct vfsmount {
    struct dentry *mnt_root;
    struct super_block *mnt_sb;
    struct user_namespace *mnt_userns; /* 5.12 to 6.1 */
    struct mnt_idmap *mnt_idmap;       /* from 6.2 on */
};

struct ns_common {
    unsigned int inum;
};

struct mnt_namespace {
    struct ns_common ns;
};

struct mount {
    struct mount *mnt_parent;
    struct dentry *mnt_mountpoint;
    struct vfsmount mnt;
    struct mnt_namespace *mnt_ns;
};

struct path {
    struct vfsmount *mnt;
    struct dentry *dentry;
};

struct iattr {
    unsigned int ia_valid; /* ATTR_* */
};

struct file {
    struct path f_path;
    unsigned int f_flags;
    unsigned int f_mode;
};

/* ---- tasks ---- */

struct cred;

struct fs_struct {
    struct path root;
};

struct nsproxy {
    struct mnt_namespace *mnt_ns;
};

struct kernfs_node {
    u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
    struct cgroup *cgroup;
    struct cgroup_subsys_state *parent;
};

struct cgroup {
    struct cgroup_subsys_state self;
    struct kernfs_node *kn;
};

struct css_set {
    struct cgroup *dfl_cgrp;
};

struct bpf_local_storage;
struct io_uring_task;

struct task_struct {
    struct fs_struct *fs;
    struct nsproxy *nsproxy;
    struct css_set *cgroups;
    const struct cred *cred;
    const struct cred *real_cred;
    u64 start_boottime;
    struct bpf_local_storage *bpf_storage; /* from 5.11 on */
    struct io_uring_task *io_uring;        /* from 5.10 on, if io_uring is built in */
};

struct linux_binprm {
    struct file *file;
    const char *filename; /* as it was typed */
    const char *interp;   /* the same string, until a script has named an interpreter */
};

/* ---- network ---- */

struct in6_addr {
    u32 words[4]; /* network order; not its name in the kernel: only read as a whole */
};

struct sock_common {
    unsigned short skc_family;
    u32 skc_rcv_saddr; /* that it is bound to; network order */
    struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
    struct sock_common __sk_common;
    u16 sk_protocol; /* a bit field of 8 before 5.6: none of our kernels */
    u16 sk_type;
};

struct socket {
    struct sock *sk;
};

struct unix_sock {
    struct path path; /* of its file, if it is bound to one; begins as a struct sock does */
};

struct msghdr {
    void *msg_name;
    int msg_namelen;
};

#pragma clang attribute pop

/* ---- numbers of the user interface ---- */

#define EPERM            1
#define ENOMEM           12

#define O_TRUNC          01000
#define O_APPEND         02000

#define AF_UNSPEC        0
#define AF_INET          2
#define AF_INET6         10

#define MS_REMOUNT       0x20u
#define MS_BIND          0x1000u
#define MS_MOVE          0x2000u
#define MS_UNBINDABLE    0x20000u
#define MS_PRIVATE       0x40000u
#define MS_SLAVE         0x80000u
#define MS_SHARED        0x100000u

#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC      0x62656572

#define RENAME_EXCHANGE  2u

/* The front of struct sockaddr_in and sockaddr_in6, as one record. */
struct socket_address {
    u16 family;
    u16 port; /* network order */
    union {
        u32 ipv4; /* network order, like all of it */
        struct {
            u32 flow;
            u32 ipv6[4];
        };
    };
};
#define SOCKET_ADDRESS_IPV4 8  /* bytes that an IPv4 address needs */
#define SOCKET_ADDRESS_IPV6 24 /* bytes that an IPv6 address needs */

/* ---- numbers inside the kernel ---- */

#define ATTR_UID     2u
#define ATTR_GID     4u

#define FMODE_READ   0x1u
#define FMODE_WRITE  0x2u
#define OPEN_TO_EXEC 0x20u /* __FMODE_EXEC in f_flags: no user can set it */

#define MNT_NS_INTERNAL                                                                            \
    ((u64)-22) /* mnt_ns of a mount that was never in a namespace; an unmounted one has NULL */

#define CAP_OPT_NOAUDIT     2u /* a question out of curiosity */
#define PTRACE_MODE_READ    1u
#define PTRACE_MODE_NOAUDIT 4u
