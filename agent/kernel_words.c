/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kernel_words.h"

#include "bpf/varmor_shared.h"

#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>

static const char *const capability_words[] = {
    [CAP_CHOWN] = "chown",
    [CAP_DAC_OVERRIDE] = "dac_override",
    [CAP_DAC_READ_SEARCH] = "dac_read_search",
    [CAP_FOWNER] = "fowner",
    [CAP_FSETID] = "fsetid",
    [CAP_KILL] = "kill",
    [CAP_SETGID] = "setgid",
    [CAP_SETUID] = "setuid",
    [CAP_SETPCAP] = "setpcap",
    [CAP_LINUX_IMMUTABLE] = "linux_immutable",
    [CAP_NET_BIND_SERVICE] = "net_bind_service",
    [CAP_NET_BROADCAST] = "net_broadcast",
    [CAP_NET_ADMIN] = "net_admin",
    [CAP_NET_RAW] = "net_raw",
    [CAP_IPC_LOCK] = "ipc_lock",
    [CAP_IPC_OWNER] = "ipc_owner",
    [CAP_SYS_MODULE] = "sys_module",
    [CAP_SYS_RAWIO] = "sys_rawio",
    [CAP_SYS_CHROOT] = "sys_chroot",
    [CAP_SYS_PTRACE] = "sys_ptrace",
    [CAP_SYS_PACCT] = "sys_pacct",
    [CAP_SYS_ADMIN] = "sys_admin",
    [CAP_SYS_BOOT] = "sys_boot",
    [CAP_SYS_NICE] = "sys_nice",
    [CAP_SYS_RESOURCE] = "sys_resource",
    [CAP_SYS_TIME] = "sys_time",
    [CAP_SYS_TTY_CONFIG] = "sys_tty_config",
    [CAP_MKNOD] = "mknod",
    [CAP_LEASE] = "lease",
    [CAP_AUDIT_WRITE] = "audit_write",
    [CAP_AUDIT_CONTROL] = "audit_control",
    [CAP_SETFCAP] = "setfcap",
    [CAP_MAC_OVERRIDE] = "mac_override",
    [CAP_MAC_ADMIN] = "mac_admin",
    [CAP_SYSLOG] = "syslog",
    [CAP_WAKE_ALARM] = "wake_alarm",
    [CAP_BLOCK_SUSPEND] = "block_suspend",
    [CAP_AUDIT_READ] = "audit_read",
    [CAP_PERFMON] = "perfmon",
    [CAP_BPF] = "bpf",
    [CAP_CHECKPOINT_RESTORE] = "checkpoint_restore",
};
_Static_assert(ARRAY_SIZE(capability_words) == CAP_LAST_CAP + 1, "a word for each capability");

static const char *const family_words[] = {
    [AF_UNSPEC] = "AF_UNSPEC",
    [AF_UNIX] = "AF_UNIX",
    [AF_INET] = "AF_INET",
    [AF_AX25] = "AF_AX25",
    [AF_IPX] = "AF_IPX",
    [AF_APPLETALK] = "AF_APPLETALK",
    [AF_NETROM] = "AF_NETROM",
    [AF_BRIDGE] = "AF_BRIDGE",
    [AF_ATMPVC] = "AF_ATMPVC",
    [AF_X25] = "AF_X25",
    [AF_INET6] = "AF_INET6",
    [AF_ROSE] = "AF_ROSE",
    [AF_DECnet] = "AF_DECnet",
    [AF_NETBEUI] = "AF_NETBEUI",
    [AF_SECURITY] = "AF_SECURITY",
    [AF_KEY] = "AF_KEY",
    [AF_NETLINK] = "AF_NETLINK",
    [AF_PACKET] = "AF_PACKET",
    [AF_ASH] = "AF_ASH",
    [AF_ECONET] = "AF_ECONET",
    [AF_ATMSVC] = "AF_ATMSVC",
    [AF_RDS] = "AF_RDS",
    [AF_SNA] = "AF_SNA",
    [AF_IRDA] = "AF_IRDA",
    [AF_PPPOX] = "AF_PPPOX",
    [AF_WANPIPE] = "AF_WANPIPE",
    [AF_LLC] = "AF_LLC",
    [AF_IB] = "AF_IB",
    [AF_MPLS] = "AF_MPLS",
    [AF_CAN] = "AF_CAN",
    [AF_TIPC] = "AF_TIPC",
    [AF_BLUETOOTH] = "AF_BLUETOOTH",
    [AF_IUCV] = "AF_IUCV",
    [AF_RXRPC] = "AF_RXRPC",
    [AF_ISDN] = "AF_ISDN",
    [AF_PHONET] = "AF_PHONET",
    [AF_IEEE802154] = "AF_IEEE802154",
    [AF_CAIF] = "AF_CAIF",
    [AF_ALG] = "AF_ALG",
    [AF_NFC] = "AF_NFC",
    [AF_VSOCK] = "AF_VSOCK",
    [AF_KCM] = "AF_KCM",
    [AF_QIPCRTR] = "AF_QIPCRTR",
    [AF_SMC] = "AF_SMC",
    [AF_XDP] = "AF_XDP",
    [AF_MCTP] = "AF_MCTP",
};
_Static_assert(ARRAY_SIZE(family_words) <= AF_MAX, "no family beyond the last");

static const char *const socket_type_words[] = {
    [SOCK_STREAM] = "SOCK_STREAM", [SOCK_DGRAM] = "SOCK_DGRAM",         [SOCK_RAW] = "SOCK_RAW",
    [SOCK_RDM] = "SOCK_RDM",       [SOCK_SEQPACKET] = "SOCK_SEQPACKET", [SOCK_DCCP] = "SOCK_DCCP",
    [SOCK_PACKET] = "SOCK_PACKET",
};

static const struct kernel_word protocol_words[] = {
    {IPPROTO_ICMP, "IPPROTO_ICMP"},     {IPPROTO_IGMP, "IPPROTO_IGMP"},
    {IPPROTO_IPIP, "IPPROTO_IPIP"},     {IPPROTO_TCP, "IPPROTO_TCP"},
    {IPPROTO_EGP, "IPPROTO_EGP"},       {IPPROTO_PUP, "IPPROTO_PUP"},
    {IPPROTO_UDP, "IPPROTO_UDP"},       {IPPROTO_IDP, "IPPROTO_IDP"},
    {IPPROTO_TP, "IPPROTO_TP"},         {IPPROTO_DCCP, "IPPROTO_DCCP"},
    {IPPROTO_IPV6, "IPPROTO_IPV6"},     {IPPROTO_RSVP, "IPPROTO_RSVP"},
    {IPPROTO_GRE, "IPPROTO_GRE"},       {IPPROTO_ESP, "IPPROTO_ESP"},
    {IPPROTO_AH, "IPPROTO_AH"},         {IPPROTO_MTP, "IPPROTO_MTP"},
    {IPPROTO_BEETPH, "IPPROTO_BEETPH"}, {IPPROTO_ENCAP, "IPPROTO_ENCAP"},
    {IPPROTO_PIM, "IPPROTO_PIM"},       {IPPROTO_COMP, "IPPROTO_COMP"},
    {IPPROTO_SCTP, "IPPROTO_SCTP"},     {IPPROTO_UDPLITE, "IPPROTO_UDPLITE"},
    {IPPROTO_MPLS, "IPPROTO_MPLS"},     {IPPROTO_ETHERNET, "IPPROTO_ETHERNET"},
    {IPPROTO_RAW, "IPPROTO_RAW"},       {IPPROTO_MPTCP, "IPPROTO_MPTCP"},
    {IPPROTO_ICMPV6, "IPPROTO_ICMPV6"}, {0, NULL},
};

const struct kernel_word kernel_words_file[] = {
    {VARMOR_MAY_EXEC, "exec"},
    {VARMOR_MAY_WRITE, "write"},
    {VARMOR_MAY_READ, "read"},
    {VARMOR_MAY_APPEND, "append"},
    {VARMOR_MAY_CREATE, "create"},
    {VARMOR_MAY_DELETE, "delete"},
    {VARMOR_MAY_RENAME, "rename"},
    {VARMOR_MAY_LINK, "link"},
    {VARMOR_MAY_TRUNCATE, "truncate"},
    {VARMOR_MAY_CHMOD, "chmod"},
    {VARMOR_MAY_CHOWN, "chown"},
    {VARMOR_MAY_SETATTR, "setattr"},
    {0, NULL},
};

const struct kernel_word kernel_words_ptrace[] = {
    {VARMOR_PTRACE_TRACE, "trace"},
    {VARMOR_PTRACE_READ, "read"},
    {VARMOR_PTRACE_TRACEBY, "traceby"},
    {VARMOR_PTRACE_READBY, "readby"},
    {0, NULL},
};

/* The words that a policy uses (rules.md 4.10). What is recursive comes before what is not: the
 * first entry whose bits are all there is the one that is told, and its bits are told no more. */
const struct kernel_word kernel_words_mount_flags[] = {
    {MS_RDONLY, "ro"},
    {MS_NOSUID, "nosuid"},
    {MS_NODEV, "nodev"},
    {MS_NOEXEC, "noexec"},
    {MS_SYNCHRONOUS, "sync"},
    {MS_REMOUNT, "remount"},
    {MS_MANDLOCK, "mand"},
    {MS_DIRSYNC, "dirsync"},
    {VARMOR_MOUNT_UMOUNT, "umount"},
    {MS_NOATIME, "noatime"},
    {MS_NODIRATIME, "nodiratime"},
    {MS_BIND | MS_REC, "rbind"},
    {MS_BIND, "bind"},
    {MS_MOVE, "move"},
    {MS_UNBINDABLE | MS_REC, "make-runbindable"},
    {MS_PRIVATE | MS_REC, "make-rprivate"},
    {MS_SLAVE | MS_REC, "make-rslave"},
    {MS_SHARED | MS_REC, "make-rshared"},
    {MS_UNBINDABLE, "make-unbindable"},
    {MS_PRIVATE, "make-private"},
    {MS_SLAVE, "make-slave"},
    {MS_SHARED, "make-shared"},
    {MS_SILENT, "silent"},
    {MS_RELATIME, "relatime"},
    {MS_I_VERSION, "iversion"},
    {MS_STRICTATIME, "strictatime"},
    {0, NULL},
};

static const char *word_at(const char *const *words, size_t n, unsigned number, const char *absent)
{
    return number < n && words[number] ? words[number] : absent;
}

const char *kernel_word_capability(unsigned capability)
{
    return word_at(capability_words, ARRAY_SIZE(capability_words), capability, "unknown");
}

const char *kernel_word_family(unsigned family)
{
    return word_at(family_words, ARRAY_SIZE(family_words), family, "");
}

const char *kernel_word_socket_type(unsigned type)
{
    return word_at(socket_type_words, ARRAY_SIZE(socket_type_words), type, "");
}

const char *kernel_word_protocol(unsigned family, unsigned protocol)
{
    if (family != AF_INET && family != AF_INET6)
        return "";
    for (const struct kernel_word *w = protocol_words; w->word; w++)
        if (w->bits == protocol)
            return w->word;
    return "";
}
