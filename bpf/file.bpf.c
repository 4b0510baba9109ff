/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Files: opening them, changing them, changing their names.
 *
 * Names are judged before anything is made or removed, so a denied open(O_CREAT) leaves no file
 * behind (path_mknod) and a denied rename moves nothing. A link or a new name would be a way round
 * a rule about reading, so the old name is judged as if it were read as well. rename(2) with
 * RENAME_EXCHANGE moves both. Extended attributes come without a mount: they are judged by the path
 * inside the file system. Connecting or sending to a socket's file is writing it (unix(7)).
 */
#include "bpf/judge.h"

/* What open(2) asks for. */
static __always_inline u32 asked_of_open(u32 mode, u32 flags)
{
    u32 asked = 0;

    if (flags & OPEN_TO_EXEC)
        return 0; /* the kernel reads a program; exec.bpf.c judges that */
    if (mode & FMODE_READ)
        asked |= VARMOR_MAY_READ;
    if (mode & FMODE_WRITE)
        asked |= flags & O_APPEND ? VARMOR_MAY_APPEND : VARMOR_MAY_WRITE;
    if (flags & O_TRUNC)
        asked |= VARMOR_MAY_TRUNCATE;
    return asked;
}

SEC("lsm/file_open")
int BPF_PROG(varmor_file_open, struct file *file, int prev)
{
    if (prev)
        return prev;
    return judge_file(asked_of_open(file->f_mode, file->f_flags), file->f_path.mnt,
                      file->f_path.dentry);
}

SEC("lsm/path_truncate")
int BPF_PROG(varmor_path_truncate, const struct path *path, int prev)
{
    if (prev)
        return prev;
    return judge_file(VARMOR_MAY_TRUNCATE, path->mnt, path->dentry);
}

SEC("?lsm/file_truncate")
int BPF_PROG(varmor_file_truncate, struct file *file, int prev)
{
    if (prev)
        return prev;
    return judge_file(VARMOR_MAY_TRUNCATE, file->f_path.mnt, file->f_path.dentry);
}

/* Who connects to a socket's file needs to write it; the file is where its owner has bound it. */
static __always_inline int judge_socket_file(const struct sock *sk)
{
    const struct unix_sock *u = (const void *)sk;
    const struct dentry *dentry = BPF_CORE_READ(u, path.dentry);

    return dentry ? judge_file_of(VARMOR_MAY_WRITE, BPF_CORE_READ(u, path.mnt), dentry, true) : 0;
}

SEC("lsm/unix_stream_connect")
int BPF_PROG(varmor_unix_connect, struct sock *sock, struct sock *other, struct sock *made,
             int prev)
{
    if (prev)
        return prev;
    return judge_socket_file(other);
}

SEC("lsm/unix_may_send")
int BPF_PROG(varmor_unix_send, struct socket *sock, struct socket *other, int prev)
{
    if (prev)
        return prev;
    return judge_socket_file(BPF_CORE_READ(other, sk));
}

SEC("lsm/path_unlink")
int BPF_PROG(varmor_path_unlink, const struct path *dir, struct dentry *dentry, int prev)
{
    if (prev)
        return prev;
    return judge_file(VARMOR_MAY_DELETE, dir->mnt, dentry);
}

SEC("lsm/path_rmdir")
int BPF_PROG(varmor_path_rmdir, const struct path *dir, struct dentry *dentry, int prev)
{
    if (prev)
        return prev;
    return judge_file(VARMOR_MAY_DELETE, dir->mnt, dentry);
}

SEC("lsm/path_mkdir")
int BPF_PROG(varmor_path_mkdir, const struct path *dir, struct dentry *dentry, unsigned short mode,
             int prev)
{
    if (prev)
        return prev;
    return judge_file(VARMOR_MAY_CREATE, dir->mnt, dentry);
}

SEC("lsm/path_mknod")
int BPF_PROG(varmor_path_mknod, const struct path *dir, struct dentry *dentry, unsigned short mode,
             unsigned int dev, int prev)
{
    if (prev)
        return prev;
    return judge_file(VARMOR_MAY_CREATE, dir->mnt, dentry);
}

SEC("lsm/path_symlink")
int BPF_PROG(varmor_path_symlink, const struct path *dir, struct dentry *dentry, const char *target,
             int prev)
{
    if (prev)
        return prev;
    return judge_file(VARMOR_MAY_CREATE, dir->mnt, dentry);
}

SEC("lsm/path_link")
int BPF_PROG(varmor_path_link, struct dentry *old_dentry, const struct path *new_dir,
             struct dentry *new_dentry, int prev)
{
    int r;

    if (prev)
        return prev;
    /* A link never leaves its mount: the new folder's mount is the old file's. */
    r = judge_file(VARMOR_MAY_LINK | VARMOR_MAY_READ, new_dir->mnt, old_dentry);
    if (r)
        return r;
    return judge_file(VARMOR_MAY_LINK, new_dir->mnt, new_dentry);
}

/* The hook got its flags in 5.19 (before, an exchange called it twice). The previous verdict is the
 * last argument, so its place tells: the loader sets which. */
SEC("lsm/path_rename")
int BPF_PROG(varmor_path_rename, const struct path *old_dir, struct dentry *old_dentry,
             const struct path *new_dir, struct dentry *new_dentry)
{
    u64 fifth = ctx[4];
    u32 flags = 0;
    int prev = (int)fifth, r;

    if (varmor_have_rename_flags) {
        flags = (u32)fifth;
        prev = (int)ctx[5];
    }
    if (prev)
        return prev;
    r = judge_file(VARMOR_MAY_RENAME | VARMOR_MAY_READ, old_dir->mnt, old_dentry);
    if (r)
        return r;
    return judge_file(VARMOR_MAY_RENAME | (flags & RENAME_EXCHANGE ? VARMOR_MAY_READ : 0),
                      new_dir->mnt, new_dentry);
}

SEC("lsm/path_chmod")
int BPF_PROG(varmor_path_chmod, const struct path *path, unsigned short mode, int prev)
{
    if (prev)
        return prev;
    return judge_file(VARMOR_MAY_CHMOD, path->mnt, path->dentry);
}

SEC("?lsm/path_chown")
int BPF_PROG(varmor_path_chown, const struct path *path, unsigned int uid, unsigned int gid,
             int prev)
{
    if (prev)
        return prev;
    return judge_file(VARMOR_MAY_CHOWN, path->mnt, path->dentry);
}

/* ---- what comes without a mount ---- */

/* From 5.12 on an idmapping stands in front of the dentry. */
static __always_inline bool has_idmapping(void)
{
    struct vfsmount *mnt = NULL;

    return bpf_core_field_exists(mnt->mnt_idmap) || bpf_core_field_exists(mnt->mnt_userns);
}

SEC("lsm/inode_setxattr")
int varmor_setxattr(unsigned long long *ctx)
{
    int prev;

    if (has_idmapping()) {
        prev = (int)ctx[6];
        return prev ? prev : judge_file(VARMOR_MAY_SETATTR, NULL, (void *)ctx[1]);
    }
    prev = (int)ctx[5];
    return prev ? prev : judge_file(VARMOR_MAY_SETATTR, NULL, (void *)ctx[0]);
}

SEC("lsm/inode_removexattr")
int varmor_rmxattr(unsigned long long *ctx)
{
    int prev;

    if (has_idmapping()) {
        prev = (int)ctx[3];
        return prev ? prev : judge_file(VARMOR_MAY_SETATTR, NULL, (void *)ctx[1]);
    }
    prev = (int)ctx[2];
    return prev ? prev : judge_file(VARMOR_MAY_SETATTR, NULL, (void *)ctx[0]);
}

SEC("?lsm/inode_set_acl")
int BPF_PROG(varmor_set_acl, struct mnt_idmap *idmap, struct dentry *dentry, const char *name,
             struct posix_acl *acl, int prev)
{
    if (prev)
        return prev;
    return judge_file(VARMOR_MAY_SETATTR, NULL, dentry);
}

SEC("?lsm/inode_remove_acl")
int BPF_PROG(varmor_rm_acl, struct mnt_idmap *idmap, struct dentry *dentry, const char *name,
             int prev)
{
    if (prev)
        return prev;
    return judge_file(VARMOR_MAY_SETATTR, NULL, dentry);
}

/* chown(2) on kernels whose hook path_chown no program can be attached to (see hooks.h). */
SEC("lsm/inode_setattr")
int BPF_PROG(varmor_setattr, struct dentry *dentry, struct iattr *attributes, int prev)
{
    if (prev)
        return prev;
    if (!(attributes->ia_valid & (ATTR_UID | ATTR_GID)))
        return 0;
    return judge_file(VARMOR_MAY_CHOWN, NULL, dentry);
}
