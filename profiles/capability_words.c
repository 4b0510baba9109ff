/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/capability_words.h"

#include <linux/capability.h>

#define BIT(n)       (1ULL << (n))

#define CAPABILITIES 41 /* rules.md 0: chown (0) to checkpoint_restore (40) */

static const struct word items[] = {
    {.text = "all", .value = BIT(CAPABILITIES) - 1},
    {.text = "chown", .value = BIT(CAP_CHOWN)},
    {.text = "dac_override", .value = BIT(CAP_DAC_OVERRIDE)},
    {.text = "dac_read_search", .value = BIT(CAP_DAC_READ_SEARCH)},
    {.text = "fowner", .value = BIT(CAP_FOWNER)},
    {.text = "fsetid", .value = BIT(CAP_FSETID)},
    {.text = "kill", .value = BIT(CAP_KILL)},
    {.text = "setgid", .value = BIT(CAP_SETGID)},
    {.text = "setuid", .value = BIT(CAP_SETUID)},
    {.text = "setpcap", .value = BIT(CAP_SETPCAP)},
    {.text = "linux_immutable", .value = BIT(CAP_LINUX_IMMUTABLE)},
    {.text = "net_bind_service", .value = BIT(CAP_NET_BIND_SERVICE)},
    {.text = "net_broadcast", .value = BIT(CAP_NET_BROADCAST)},
    {.text = "net_admin", .value = BIT(CAP_NET_ADMIN)},
    {.text = "net_raw", .value = BIT(CAP_NET_RAW)},
    {.text = "ipc_lock", .value = BIT(CAP_IPC_LOCK)},
    {.text = "ipc_owner", .value = BIT(CAP_IPC_OWNER)},
    {.text = "sys_module", .value = BIT(CAP_SYS_MODULE)},
    {.text = "sys_rawio", .value = BIT(CAP_SYS_RAWIO)},
    {.text = "sys_chroot", .value = BIT(CAP_SYS_CHROOT)},
    {.text = "sys_ptrace", .value = BIT(CAP_SYS_PTRACE)},
    {.text = "sys_pacct", .value = BIT(CAP_SYS_PACCT)},
    {.text = "sys_admin", .value = BIT(CAP_SYS_ADMIN)},
    {.text = "sys_boot", .value = BIT(CAP_SYS_BOOT)},
    {.text = "sys_nice", .value = BIT(CAP_SYS_NICE)},
    {.text = "sys_resource", .value = BIT(CAP_SYS_RESOURCE)},
    {.text = "sys_time", .value = BIT(CAP_SYS_TIME)},
    {.text = "sys_tty_config", .value = BIT(CAP_SYS_TTY_CONFIG)},
    {.text = "mknod", .value = BIT(CAP_MKNOD)},
    {.text = "lease", .value = BIT(CAP_LEASE)},
    {.text = "audit_write", .value = BIT(CAP_AUDIT_WRITE)},
    {.text = "audit_control", .value = BIT(CAP_AUDIT_CONTROL)},
    {.text = "setfcap", .value = BIT(CAP_SETFCAP)},
    {.text = "mac_override", .value = BIT(CAP_MAC_OVERRIDE)},
    {.text = "mac_admin", .value = BIT(CAP_MAC_ADMIN)},
    {.text = "syslog", .value = BIT(CAP_SYSLOG)},
    {.text = "wake_alarm", .value = BIT(CAP_WAKE_ALARM)},
    {.text = "block_suspend", .value = BIT(CAP_BLOCK_SUSPEND)},
    {.text = "audit_read", .value = BIT(CAP_AUDIT_READ)},
    {.text = "perfmon", .value = BIT(CAP_PERFMON)},
    {.text = "bpf", .value = BIT(CAP_BPF)},
    {.text = "checkpoint_restore", .value = BIT(CAP_CHECKPOINT_RESTORE)},
};
_Static_assert(ARRAY_SIZE(items) == CAPABILITIES + 1, "each capability, and all");

const struct words capability_words = {"a capability", items, ARRAY_SIZE(items), false};
