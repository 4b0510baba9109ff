/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The one object that is loaded on every kernel: all families of hooks over one set of maps. They
 * are compiled together rather than linked, so that what they share is one definition for the
 * compiler too.
 */
#include "bpf/maps.h"

const volatile bool varmor_have_task_storage = false;
const volatile bool varmor_have_uring_override = false;
const volatile bool varmor_have_rename_flags = false;
const volatile unsigned int varmor_host_dev = 0;
const volatile unsigned long long varmor_host_ino = 0;

#include "bpf/path.bpf.c"
#include "bpf/walk.bpf.c"

#include "bpf/judge.bpf.c"

#include "bpf/label.bpf.c"

#include "bpf/capability.bpf.c"
#include "bpf/exec.bpf.c"
#include "bpf/file.bpf.c"
#include "bpf/mount.bpf.c"
#include "bpf/network.bpf.c"
#include "bpf/ptrace.bpf.c"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
