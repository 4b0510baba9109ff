/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * What the loader says before the programs are loaded: read-only data, so that the verifier removes
 * the branches that this kernel cannot run. Set through the skeleton (skel->rodata->...).
 */
#include "bpf/kernel.h"

/* 5.11 and later: labels and the memory to work in hang on the task. Else labels are in
 * varmor_labels and work is done in varmor_scratch, and varmor_tasks and varmor_walks must not be
 * created. */
extern const volatile bool varmor_have_task_storage;
/* The hook uring_override_creds is attached: credentials that a task lent itself are known. */
extern const volatile bool varmor_have_uring_override;
/* 5.19 and later: path_rename is told the flags of renameat2(2). */
extern const volatile bool varmor_have_rename_flags;
/* The root directory of the host, which is that of process 1: device of its file system as
 * /proc/1/mountinfo tells it, in the kernel's own encoding (major << 20 | minor), and inode. */
extern const volatile unsigned int varmor_host_dev;
extern const volatile unsigned long long varmor_host_ino;
