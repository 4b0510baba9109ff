/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/policy_words.h"

#include <assert.h>
#include <linux/mount.h>
#include <sys/socket.h>

#include "lib/policy/policy.h"

#define BIT(n)   (1ULL << (n))

#define FAMILIES 46 /* AF_UNSPEC to AF_MCTP: what "all" stands for */
static_assert(AF_MCTP == FAMILIES - 1, "the last address family that a policy can name");

/* Defines <name>_words from <name>_items. */
#define WORDS(name, description, ignore_case)                                                      \
    const struct words name##_words = {                                                            \
        .what = (description),                                                                     \
        .items = name##_items,                                                                     \
        .n = ARRAY_SIZE(name##_items),                                                             \
        .any_case = (ignore_case),                                                                 \
    }

static const struct word target_kind_items[] = {
    {.text = "Deployment", .value = TARGET_DEPLOYMENT},
    {.text = "StatefulSet", .value = TARGET_STATEFULSET},
    {.text = "DaemonSet", .value = TARGET_DAEMONSET},
    {.text = "Pod", .value = TARGET_POD},
};
static_assert(ARRAY_SIZE(target_kind_items) == TARGET_KINDS - 1, "one word for each kind");
WORDS(target_kind, "a kind of target", false);

static const struct word mode_items[] = {
    {.text = "AlwaysAllow", .value = POLICY_ALWAYS_ALLOW},
    {.text = "RuntimeDefault", .value = POLICY_RUNTIME_DEFAULT},
    {.text = "EnhanceProtect", .value = POLICY_ENHANCE_PROTECT},
    {.text = "BehaviorModeling", .value = POLICY_BEHAVIOR_MODELING},
    {.text = "DefenseInDepth", .value = POLICY_DEFENSE_IN_DEPTH},
};
static_assert(ARRAY_SIZE(mode_items) == POLICY_MODES - 1, "one word for each mode");
WORDS(mode, "a mode", false);

static const struct word enforcer_items[] = {
    {.text = "AppArmor", .value = ENFORCER_APPARMOR},
    {.text = "BPF", .value = ENFORCER_BPF},
    {.text = "Seccomp", .value = ENFORCER_SECCOMP},
    {.text = "AppArmorBPF", .value = ENFORCER_APPARMOR | ENFORCER_BPF},
    {.text = "AppArmorSeccomp", .value = ENFORCER_APPARMOR | ENFORCER_SECCOMP},
    {.text = "BPFSeccomp", .value = ENFORCER_BPF | ENFORCER_SECCOMP},
    {.text = "AppArmorBPFSeccomp", .value = ENFORCER_APPARMOR | ENFORCER_BPF | ENFORCER_SECCOMP},
};
WORDS(enforcer, "an enforcer", true);

static const struct word profile_type_items[] = {
    {.text = "BehaviorModel", .value = 1},
    {.text = "Custom", .value = 0},
};
WORDS(profile_type, "a type of profile", false);

static const struct word selector_operator_items[] = {
    {.text = "In", .value = SELECTOR_IN},
    {.text = "NotIn", .value = SELECTOR_NOT_IN},
    {.text = "Exists", .value = SELECTOR_EXISTS},
    {.text = "DoesNotExist", .value = SELECTOR_DOES_NOT_EXIST},
};
WORDS(selector_operator, "an operator", false);

#define PATH_ALL (PATH_READ | PATH_WRITE | PATH_EXEC | PATH_APPEND)
static const struct word path_permission_items[] = {
    {.text = "all", .value = PATH_ALL},
    {.text = "*", .value = PATH_ALL},
    {.text = "read", .value = PATH_READ},
    {.text = "r", .value = PATH_READ},
    {.text = "write", .value = PATH_WRITE | PATH_APPEND},
    {.text = "w", .value = PATH_WRITE | PATH_APPEND},
    {.text = "exec", .value = PATH_EXEC},
    {.text = "x", .value = PATH_EXEC},
    {.text = "append", .value = PATH_APPEND},
    {.text = "a", .value = PATH_APPEND},
};
WORDS(path_permission, "a permission", true);

#define PTRACE_ALL (PTRACE_TRACE | PTRACE_READ | PTRACE_TRACEBY | PTRACE_READBY)
static const struct word ptrace_permission_items[] = {
    {.text = "all", .value = PTRACE_ALL},         {.text = "*", .value = PTRACE_ALL},
    {.text = "trace", .value = PTRACE_TRACE},     {.text = "read", .value = PTRACE_READ},
    {.text = "traceby", .value = PTRACE_TRACEBY}, {.text = "readby", .value = PTRACE_READBY},
};
WORDS(ptrace_permission, "a ptrace permission", true);

#define DOMAIN(word, family)                                                                       \
    {                                                                                              \
        .text = (word), .value = BIT(family)                                                       \
    }
static const struct word socket_domain_items[] = {
    {.text = "all", .value = BIT(FAMILIES) - 1},
    {.text = "*", .value = BIT(FAMILIES) - 1},
    DOMAIN("unix", AF_UNIX),
    DOMAIN("inet", AF_INET),
    DOMAIN("ax25", AF_AX25),
    DOMAIN("ipx", AF_IPX),
    DOMAIN("appletalk", AF_APPLETALK),
    DOMAIN("netrom", AF_NETROM),
    DOMAIN("bridge", AF_BRIDGE),
    DOMAIN("atmpvc", AF_ATMPVC),
    DOMAIN("x25", AF_X25),
    DOMAIN("inet6", AF_INET6),
    DOMAIN("rose", AF_ROSE),
    DOMAIN("netbeui", AF_NETBEUI),
    DOMAIN("security", AF_SECURITY),
    DOMAIN("key", AF_KEY),
    DOMAIN("netlink", AF_NETLINK),
    DOMAIN("packet", AF_PACKET),
    DOMAIN("ash", AF_ASH),
    DOMAIN("econet", AF_ECONET),
    DOMAIN("atmsvc", AF_ATMSVC),
    DOMAIN("rds", AF_RDS),
    DOMAIN("sna", AF_SNA),
    DOMAIN("irda", AF_IRDA),
    DOMAIN("pppox", AF_PPPOX),
    DOMAIN("wanpipe", AF_WANPIPE),
    DOMAIN("llc", AF_LLC),
    DOMAIN("ib", AF_IB),
    DOMAIN("mpls", AF_MPLS),
    DOMAIN("can", AF_CAN),
    DOMAIN("tipc", AF_TIPC),
    DOMAIN("bluetooth", AF_BLUETOOTH),
    DOMAIN("iucv", AF_IUCV),
    DOMAIN("rxrpc", AF_RXRPC),
    DOMAIN("isdn", AF_ISDN),
    DOMAIN("phonet", AF_PHONET),
    DOMAIN("ieee802154", AF_IEEE802154),
    DOMAIN("caif", AF_CAIF),
    DOMAIN("alg", AF_ALG),
    DOMAIN("nfc", AF_NFC),
    DOMAIN("vsock", AF_VSOCK),
    DOMAIN("kcm", AF_KCM),
    DOMAIN("qipcrtr", AF_QIPCRTR),
    DOMAIN("smc", AF_SMC),
    DOMAIN("xdp", AF_XDP),
    DOMAIN("mctp", AF_MCTP),
};
#undef DOMAIN
WORDS(socket_domain, "a socket domain", true);

#define TYPES_ALL                                                                                  \
    (BIT(SOCK_STREAM) | BIT(SOCK_DGRAM) | BIT(SOCK_RAW) | BIT(SOCK_RDM) | BIT(SOCK_SEQPACKET) |    \
     BIT(SOCK_DCCP) | BIT(SOCK_PACKET))
static const struct word socket_type_items[] = {
    {.text = "all", .value = TYPES_ALL},
    {.text = "*", .value = TYPES_ALL},
    {.text = "stream", .value = BIT(SOCK_STREAM)},
    {.text = "dgram", .value = BIT(SOCK_DGRAM)},
    {.text = "raw", .value = BIT(SOCK_RAW)},
    {.text = "rdm", .value = BIT(SOCK_RDM)},
    {.text = "seqpacket", .value = BIT(SOCK_SEQPACKET)},
    {.text = "dccp", .value = BIT(SOCK_DCCP)},
    {.text = "packet", .value = BIT(SOCK_PACKET)},
};
WORDS(socket_type, "a socket type", true);

#define PROTOCOLS_ALL (SOCKET_ICMP | SOCKET_TCP | SOCKET_UDP)
static const struct word socket_protocol_items[] = {
    {.text = "all", .value = PROTOCOLS_ALL}, {.text = "*", .value = PROTOCOLS_ALL},
    {.text = "icmp", .value = SOCKET_ICMP},  {.text = "tcp", .value = SOCKET_TCP},
    {.text = "udp", .value = SOCKET_UDP},
};
WORDS(socket_protocol, "a protocol", true);

/* A flag that must be set, one that must not be set, and the recursive form of a bind or
 * propagation flag. */
#define SET(word, bits)                                                                            \
    {                                                                                              \
        .text = (word), .value = (bits)                                                            \
    }
#define UNSET(word, bits)                                                                          \
    {                                                                                              \
        .text = (word), .reverse = (bits)                                                          \
    }
#define RECURSIVE(bits) (MS_BIND | MS_REC | (bits))
static const struct word mount_flag_items[] = {
    {.text = "all", .value = UINT32_MAX, .reverse = UINT32_MAX},
    {.text = "*", .value = UINT32_MAX, .reverse = UINT32_MAX},
    SET("ro", MS_RDONLY),
    SET("r", MS_RDONLY),
    SET("read-only", MS_RDONLY),
    UNSET("rw", MS_RDONLY),
    UNSET("w", MS_RDONLY),
    SET("nosuid", MS_NOSUID),
    UNSET("suid", MS_NOSUID),
    SET("nodev", MS_NODEV),
    UNSET("dev", MS_NODEV),
    SET("noexec", MS_NOEXEC),
    UNSET("exec", MS_NOEXEC),
    SET("sync", MS_SYNCHRONOUS),
    UNSET("async", MS_SYNCHRONOUS),
    SET("mand", MS_MANDLOCK),
    UNSET("nomand", MS_MANDLOCK),
    SET("dirsync", MS_DIRSYNC),
    SET("noatime", MS_NOATIME),
    UNSET("atime", MS_NOATIME),
    SET("nodiratime", MS_NODIRATIME),
    UNSET("diratime", MS_NODIRATIME),
    SET("silent", MS_SILENT),
    UNSET("loud", MS_SILENT),
    SET("relatime", MS_RELATIME),
    UNSET("norelatime", MS_RELATIME),
    SET("iversion", MS_I_VERSION),
    UNSET("noiversion", MS_I_VERSION),
    SET("strictatime", MS_STRICTATIME),
    UNSET("nostrictatime", MS_STRICTATIME),
    SET("remount", MS_REMOUNT),
    SET("bind", MS_BIND),
    {.text = "B", .value = MS_BIND, .exact_case = true},
    SET("move", MS_MOVE),
    {.text = "M", .value = MS_MOVE, .exact_case = true},
    SET("rbind", RECURSIVE(0)),
    {.text = "R", .value = RECURSIVE(0), .exact_case = true}, /* "r" is ro */
    SET("make-unbindable", MS_UNBINDABLE),
    SET("make-private", MS_PRIVATE),
    SET("make-slave", MS_SLAVE),
    SET("make-shared", MS_SHARED),
    SET("make-runbindable", RECURSIVE(MS_UNBINDABLE)),
    SET("make-rprivate", RECURSIVE(MS_PRIVATE)),
    SET("make-rslave", RECURSIVE(MS_SLAVE)),
    SET("make-rshared", RECURSIVE(MS_SHARED)),
    SET("unbindable", MS_UNBINDABLE),
    SET("private", MS_PRIVATE),
    SET("slave", MS_SLAVE),
    SET("shared", MS_SHARED),
    SET("runbindable", RECURSIVE(MS_UNBINDABLE)),
    SET("rprivate", RECURSIVE(MS_PRIVATE)),
    SET("rslave", RECURSIVE(MS_SLAVE)),
    SET("rshared", RECURSIVE(MS_SHARED)),
    SET("umount", MOUNT_FLAG_UMOUNT),
};
WORDS(mount_flag, "a mount flag", true);

static const struct word qualifier_items[] = {
    {.text = "deny", .value = RULE_DENY},
    {.text = "audit", .value = RULE_AUDIT},
};
WORDS(qualifier, "a qualifier", true);

static const struct word entity_items[] = {
    {.text = "pod-self", .value = POLICY_POD_SELF},
    {.text = "unspecified", .value = POLICY_UNSPECIFIED},
    {.text = "localhost", .value = POLICY_LOCALHOST},
};
WORDS(entity, "an IP address (10.0.0.1, fd00::1) or one of", false);

static const struct word syscall_action_items[] = {
    {.text = "SCMP_ACT_KILL"},  {.text = "SCMP_ACT_KILL_PROCESS"}, {.text = "SCMP_ACT_KILL_THREAD"},
    {.text = "SCMP_ACT_TRAP"},  {.text = "SCMP_ACT_ERRNO"},        {.text = "SCMP_ACT_TRACE"},
    {.text = "SCMP_ACT_ALLOW"}, {.text = "SCMP_ACT_LOG"},          {.text = "SCMP_ACT_NOTIFY"},
};
WORDS(syscall_action, "a seccomp action", false);

static const struct word syscall_operator_items[] = {
    {.text = "SCMP_CMP_NE"},        {.text = "SCMP_CMP_LT"}, {.text = "SCMP_CMP_LE"},
    {.text = "SCMP_CMP_EQ"},        {.text = "SCMP_CMP_GE"}, {.text = "SCMP_CMP_GT"},
    {.text = "SCMP_CMP_MASKED_EQ"},
};
WORDS(syscall_operator, "a comparison", false);
