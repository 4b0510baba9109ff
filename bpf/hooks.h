/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * The programs of the object, for the loader: which hook each needs, and what is not covered
 * without it.
 *
 * A hook is there if the kernel's BTF has the function bpf_lsm_<hook>. A program of kind
 * HOOK_NEEDED whose hook is missing means that BPF enforcement cannot be had; one of
 * HOOK_IF_PRESENT is left out, because its kernel has nothing to cover there or another hook covers
 * it; one of HOOK_GAP_IF_MISSING is left out too, and the text is a fact for status.
 * HOOK_WITHOUT_TASK_STORAGE is loaded on kernels without task storage only, and
 * HOOK_WITH_TASK_STORAGE on others only (where its hook is there): before 5.11 no program can be
 * attached to a hook that has a structure among its parameters.
 *
 * What the loader sets in read-only data beside: varmor_have_task_storage;
 * varmor_have_uring_override (hook uring_override_creds is there); varmor_have_rename_flags
 * (bpf_lsm_path_rename has five parameters); varmor_host_dev and varmor_host_ino (bpf/facts.h).
 * Without task storage the maps varmor_tasks and varmor_walks are not created, with it
 * varmor_labels is not.
 */
#include <stdbool.h>

enum varmor_hook_kind {
    HOOK_NEEDED,
    HOOK_IF_PRESENT,
    HOOK_GAP_IF_MISSING,
    HOOK_WITHOUT_TASK_STORAGE,
    HOOK_WITH_TASK_STORAGE,
};

static inline bool varmor_hook_wanted(enum varmor_hook_kind kind, bool is_there,
                                      bool has_task_storage)
{
    if (kind == HOOK_WITHOUT_TASK_STORAGE)
        return is_there && !has_task_storage;
    if (kind == HOOK_WITH_TASK_STORAGE)
        return is_there && has_task_storage;
    return is_there;
}

/* X(program, hook, kind, what it covers) */
#define VARMOR_HOOKS(X)                                                                            \
    X(varmor_label_exec, bprm_creds_for_exec, HOOK_NEEDED, "the start of a container's program")   \
    X(varmor_label_commit, bprm_committed_creds, HOOK_NEEDED,                                      \
      "the start of a container's program")                                                        \
    X(varmor_label_child, task_alloc, HOOK_NEEDED, "child processes")                              \
    X(varmor_label_free, task_free, HOOK_WITHOUT_TASK_STORAGE, "the end of a process")             \
    X(varmor_label_uring, uring_override_creds, HOOK_IF_PRESENT, "credentials lent to io_uring")   \
    X(varmor_capable, capable, HOOK_NEEDED, "capabilities")                                        \
    X(varmor_exec, bprm_check_security, HOOK_NEEDED, "programs")                                   \
    X(varmor_socket, socket_create, HOOK_NEEDED, "sockets")                                        \
    X(varmor_connect, socket_connect, HOOK_NEEDED, "connect")                                      \
    X(varmor_send, socket_sendmsg, HOOK_NEEDED, "sendto and sendmsg")                              \
    X(varmor_ptrace, ptrace_access_check, HOOK_NEEDED, "ptrace")                                   \
    X(varmor_traceme, ptrace_traceme, HOOK_NEEDED, "PTRACE_TRACEME")                               \
    X(varmor_mount, sb_mount, HOOK_NEEDED, "mount")                                                \
    X(varmor_new_mount, sb_kern_mount, HOOK_NEEDED, "fsmount")                                     \
    X(varmor_remount, sb_remount, HOOK_NEEDED, "fspick and reconfigure")                           \
    X(varmor_move_mount, move_mount, HOOK_NEEDED, "move_mount")                                    \
    X(varmor_umount, sb_umount, HOOK_NEEDED, "umount")                                             \
    X(varmor_file_open, file_open, HOOK_NEEDED, "opening files")                                   \
    X(varmor_path_truncate, path_truncate, HOOK_NEEDED, "truncate")                                \
    X(varmor_file_truncate, file_truncate, HOOK_IF_PRESENT,                                        \
      "ftruncate, where path_truncate is not asked")                                               \
    X(varmor_unix_connect, unix_stream_connect, HOOK_NEEDED, "connect to a socket's file")         \
    X(varmor_unix_send, unix_may_send, HOOK_NEEDED, "sendto and sendmsg to a socket's file")       \
    X(varmor_path_unlink, path_unlink, HOOK_NEEDED, "unlink")                                      \
    X(varmor_path_rmdir, path_rmdir, HOOK_NEEDED, "rmdir")                                         \
    X(varmor_path_mkdir, path_mkdir, HOOK_NEEDED, "mkdir")                                         \
    X(varmor_path_mknod, path_mknod, HOOK_NEEDED, "creating files and nodes")                      \
    X(varmor_path_symlink, path_symlink, HOOK_NEEDED, "symbolic links")                            \
    X(varmor_path_link, path_link, HOOK_NEEDED, "hard links")                                      \
    X(varmor_path_rename, path_rename, HOOK_NEEDED, "rename")                                      \
    X(varmor_path_chmod, path_chmod, HOOK_NEEDED, "chmod")                                         \
    X(varmor_path_chown, path_chown, HOOK_WITH_TASK_STORAGE, "chown")                              \
    X(varmor_setattr, inode_setattr, HOOK_WITHOUT_TASK_STORAGE,                                    \
      "chown, where path_chown cannot be used")                                                    \
    X(varmor_setxattr, inode_setxattr, HOOK_NEEDED, "setxattr")                                    \
    X(varmor_rmxattr, inode_removexattr, HOOK_NEEDED, "removexattr")                               \
    X(varmor_set_acl, inode_set_acl, HOOK_IF_PRESENT, "ACLs, where setxattr does not set them")    \
    X(varmor_rm_acl, inode_remove_acl, HOOK_IF_PRESENT,                                            \
      "ACLs, where removexattr does not remove them")
