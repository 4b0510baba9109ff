/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/rule_words.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/profile.h"

#define BIT(n)       (1ULL << (n))

#define CAPABILITIES 41 /* rules.md 0: chown (0) to checkpoint_restore (40) */
#define FAMILIES     46 /* AF_UNSPEC (0) to AF_MCTP (45) */

struct rule_word {
    const char *word;
    uint64_t bits;
};

static const struct rule_word capability_words[] = {
    {"all", BIT(CAPABILITIES) - 1},
    {"chown", BIT(CAP_CHOWN)},
    {"dac_override", BIT(CAP_DAC_OVERRIDE)},
    {"dac_read_search", BIT(CAP_DAC_READ_SEARCH)},
    {"fowner", BIT(CAP_FOWNER)},
    {"fsetid", BIT(CAP_FSETID)},
    {"kill", BIT(CAP_KILL)},
    {"setgid", BIT(CAP_SETGID)},
    {"setuid", BIT(CAP_SETUID)},
    {"setpcap", BIT(CAP_SETPCAP)},
    {"linux_immutable", BIT(CAP_LINUX_IMMUTABLE)},
    {"net_bind_service", BIT(CAP_NET_BIND_SERVICE)},
    {"net_broadcast", BIT(CAP_NET_BROADCAST)},
    {"net_admin", BIT(CAP_NET_ADMIN)},
    {"net_raw", BIT(CAP_NET_RAW)},
    {"ipc_lock", BIT(CAP_IPC_LOCK)},
    {"ipc_owner", BIT(CAP_IPC_OWNER)},
    {"sys_module", BIT(CAP_SYS_MODULE)},
    {"sys_rawio", BIT(CAP_SYS_RAWIO)},
    {"sys_chroot", BIT(CAP_SYS_CHROOT)},
    {"sys_ptrace", BIT(CAP_SYS_PTRACE)},
    {"sys_pacct", BIT(CAP_SYS_PACCT)},
    {"sys_admin", BIT(CAP_SYS_ADMIN)},
    {"sys_boot", BIT(CAP_SYS_BOOT)},
    {"sys_nice", BIT(CAP_SYS_NICE)},
    {"sys_resource", BIT(CAP_SYS_RESOURCE)},
    {"sys_time", BIT(CAP_SYS_TIME)},
    {"sys_tty_config", BIT(CAP_SYS_TTY_CONFIG)},
    {"mknod", BIT(CAP_MKNOD)},
    {"lease", BIT(CAP_LEASE)},
    {"audit_write", BIT(CAP_AUDIT_WRITE)},
    {"audit_control", BIT(CAP_AUDIT_CONTROL)},
    {"setfcap", BIT(CAP_SETFCAP)},
    {"mac_override", BIT(CAP_MAC_OVERRIDE)},
    {"mac_admin", BIT(CAP_MAC_ADMIN)},
    {"syslog", BIT(CAP_SYSLOG)},
    {"wake_alarm", BIT(CAP_WAKE_ALARM)},
    {"block_suspend", BIT(CAP_BLOCK_SUSPEND)},
    {"audit_read", BIT(CAP_AUDIT_READ)},
    {"perfmon", BIT(CAP_PERFMON)},
    {"bpf", BIT(CAP_BPF)},
    {"checkpoint_restore", BIT(CAP_CHECKPOINT_RESTORE)},
    {0},
};
_Static_assert(ARRAY_SIZE(capability_words) == CAPABILITIES + 2, "each capability, all, the end");

static const struct rule_word path_words[] = {
    {"read", PATH_READ},
    {"write", PATH_WRITE},
    {"append", PATH_APPEND},
    {0},
};
static const struct rule_word ptrace_words[] = {
    {"trace", PTRACE_TRACE},
    {"read", PTRACE_READ},
    {"traceby", PTRACE_TRACEBY},
    {"readby", PTRACE_READBY},
    {0},
};
/* Only the families that a rule file names; a policy may name all of them. */
static const struct rule_word domain_words[] = {
    {"all", BIT(FAMILIES) - 1}, {"unix", BIT(AF_UNIX)}, {"inet", BIT(AF_INET)},
    {"inet6", BIT(AF_INET6)},   {"alg", BIT(AF_ALG)},   {0},
};
static const struct rule_word protocol_words[] = {
    {"icmp", SOCKET_ICMP},
    {"tcp", SOCKET_TCP},
    {"udp", SOCKET_UDP},
    {0},
};

static const struct rule_word *const word_sets[] = {
    [RULE_WORDS_CAPABILITIES] = capability_words, [RULE_WORDS_PATH] = path_words,
    [RULE_WORDS_PTRACE] = ptrace_words,           [RULE_WORDS_DOMAINS] = domain_words,
    [RULE_WORDS_PROTOCOLS] = protocol_words,
};

uint64_t rule_word_bits(enum rule_word_set set, const char *word)
{
    for (const struct rule_word *w = word_sets[set]; w->word; w++)
        if (strcmp(w->word, word) == 0)
            return w->bits;
    return 0;
}
