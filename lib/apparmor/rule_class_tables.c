/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/rule_class.h"

#include <string.h>

#define WORDS(variable, description, ...)                                                          \
    static const struct word variable##_items[] = {__VA_ARGS__};                                   \
    static const struct words variable = {description, variable##_items,                           \
                                          ARRAY_SIZE(variable##_items), false}
#define W(name)                                                                                    \
    {                                                                                              \
        .text = name                                                                               \
    }

static const struct word capability_items[] = {
    {"chown", 0, 0, 0},
    {"dac_override", 1, 0, 0},
    {"dac_read_search", 2, 0, 0},
    {"fowner", 3, 0, 0},
    {"fsetid", 4, 0, 0},
    {"kill", 5, 0, 0},
    {"setgid", 6, 0, 0},
    {"setuid", 7, 0, 0},
    {"setpcap", 8, 0, 0},
    {"linux_immutable", 9, 0, 0},
    {"net_bind_service", 10, 0, 0},
    {"net_broadcast", 11, 0, 0},
    {"net_admin", 12, 0, 0},
    {"net_raw", 13, 0, 0},
    {"ipc_lock", 14, 0, 0},
    {"ipc_owner", 15, 0, 0},
    {"sys_module", 16, 0, 0},
    {"sys_rawio", 17, 0, 0},
    {"sys_chroot", 18, 0, 0},
    {"sys_ptrace", 19, 0, 0},
    {"sys_pacct", 20, 0, 0},
    {"sys_admin", 21, 0, 0},
    {"sys_boot", 22, 0, 0},
    {"sys_nice", 23, 0, 0},
    {"sys_resource", 24, 0, 0},
    {"sys_time", 25, 0, 0},
    {"sys_tty_config", 26, 0, 0},
    {"mknod", 27, 0, 0},
    {"lease", 28, 0, 0},
    {"audit_write", 29, 0, 0},
    {"audit_control", 30, 0, 0},
    {"setfcap", 31, 0, 0},
    {"mac_override", 32, 0, 0},
    {"mac_admin", 33, 0, 0},
    {"syslog", 34, 0, 0},
    {"wake_alarm", 35, 0, 0},
    {"block_suspend", 36, 0, 0},
    {"audit_read", 37, 0, 0},
    {"perfmon", 38, 0, 0},
    {"bpf", 39, 0, 0},
    {"checkpoint_restore", 40, 0, 0},
};
const struct words rule_capabilities = {"a capability", capability_items,
                                        ARRAY_SIZE(capability_items), false};

/* A mount option sets a flag or takes it away; only one of the two can hold. Which flag is which does not matter here,
 * but that those of mount's commands (rule_class.h) are told from the others. */
enum {
    RDONLY = 1 << 0,
    NOSUID = 1 << 1,
    NODEV = 1 << 2,
    NOEXEC = 1 << 3,
    SYNC = 1 << 4,
    MAND = 1 << 5,
    DIRSYNC = 1 << 6,
    NOATIME = 1 << 7,
    NODIRATIME = 1 << 8,
    SILENT = 1 << 9,
    ACL = 1 << 10,
    RELATIME = 1 << 11,
    NORELATIME = 1 << 12,
    IVERSION = 1 << 13,
    STRICTATIME = 1 << 14,
    NOUSER = 1 << 15,
};
#define SETS(name, flag)                                                                           \
    {                                                                                              \
        .text = (name), .value = (flag)                                                            \
    }
#define TAKES(name, flag)                                                                          \
    {                                                                                              \
        .text = (name), .reverse = (flag)                                                          \
    }
WORDS(mount_flags, "a mount option", SETS("ro", RDONLY), SETS("r", RDONLY),
      SETS("read-only", RDONLY), TAKES("rw", RDONLY), TAKES("w", RDONLY), SETS("nosuid", NOSUID),
      TAKES("suid", NOSUID), SETS("nodev", NODEV), TAKES("dev", NODEV), SETS("noexec", NOEXEC),
      TAKES("exec", NOEXEC), SETS("sync", SYNC), TAKES("async", SYNC), SETS("mand", MAND),
      TAKES("nomand", MAND), SETS("dirsync", DIRSYNC), SETS("noatime", NOATIME),
      TAKES("atime", NOATIME), SETS("nodiratime", NODIRATIME), TAKES("diratime", NODIRATIME),
      SETS("silent", SILENT), SETS("verbose", SILENT), TAKES("loud", SILENT), SETS("acl", ACL),
      TAKES("noacl", ACL), SETS("relatime", RELATIME), SETS("norelatime", NORELATIME),
      SETS("iversion", IVERSION), TAKES("noiversion", IVERSION), SETS("strictatime", STRICTATIME),
      SETS("nouser", NOUSER), TAKES("user", NOUSER), SETS("bind", RULE_MOUNT_BIND),
      SETS("B", RULE_MOUNT_BIND), SETS("rbind", RULE_MOUNT_BIND), SETS("R", RULE_MOUNT_BIND),
      SETS("move", RULE_MOUNT_MOVE), SETS("M", RULE_MOUNT_MOVE),
      SETS("remount", RULE_MOUNT_REMOUNT), SETS("unbindable", RULE_MOUNT_SHARING),
      SETS("make-unbindable", RULE_MOUNT_SHARING), SETS("runbindable", RULE_MOUNT_SHARING),
      SETS("make-runbindable", RULE_MOUNT_SHARING), SETS("private", RULE_MOUNT_SHARING),
      SETS("make-private", RULE_MOUNT_SHARING), SETS("rprivate", RULE_MOUNT_SHARING),
      SETS("make-rprivate", RULE_MOUNT_SHARING), SETS("slave", RULE_MOUNT_SHARING),
      SETS("make-slave", RULE_MOUNT_SHARING), SETS("rslave", RULE_MOUNT_SHARING),
      SETS("make-rslave", RULE_MOUNT_SHARING), SETS("shared", RULE_MOUNT_SHARING),
      SETS("make-shared", RULE_MOUNT_SHARING), SETS("rshared", RULE_MOUNT_SHARING),
      SETS("make-rshared", RULE_MOUNT_SHARING));
WORDS(ptrace_access, "an access of ptrace", W("read"), W("readby"), W("trace"), W("tracedby"),
      W("r"), W("w"), W("rw"));
WORDS(signal_access, "an access of signal", W("send"), W("receive"), W("read"), W("write"), W("r"),
      W("w"), W("rw"));
WORDS(signal_names, "a signal", W("hup"), W("int"), W("quit"), W("ill"), W("trap"), W("abrt"),
      W("bus"), W("fpe"), W("kill"), W("usr1"), W("segv"), W("usr2"), W("pipe"), W("alrm"),
      W("term"), W("stkflt"), W("chld"), W("cont"), W("stop"), W("stp"), W("ttin"), W("ttou"),
      W("urg"), W("xcpu"), W("xfsz"), W("vtalrm"), W("prof"), W("winch"), W("io"), W("pwr"),
      W("sys"), W("emt"), W("exists"));
WORDS(dbus_access, "an access of dbus", W("send"), W("receive"), W("bind"), W("eavesdrop"), W("r"),
      W("read"), W("w"), W("write"), W("rw"));
WORDS(unix_access, "an access of unix", W("create"), W("bind"), W("listen"), W("accept"),
      W("connect"), W("shutdown"), W("getattr"), W("setattr"), W("getopt"), W("setopt"), W("send"),
      W("receive"), W("r"), W("w"), W("rw"));
WORDS(socket_types, "a type of unix sockets", W("stream"), W("dgram"), W("seqpacket"));
WORDS(userns_access, "an access of userns", W("create"));
WORDS(io_uring_access, "an access of io_uring", W("sqpoll"), W("override_creds"));
WORDS(mqueue_access, "an access of mqueue", W("create"), W("open"), W("delete"), W("getattr"),
      W("setattr"), W("read"), W("write"), W("r"), W("w"), W("rw"));
WORDS(mqueue_types, "a type of message queues", W("posix"), W("sysv"));

static const struct rule_condition mount_conditions[] = {
    {"fstype", CONDITION_LIST, NULL, true},
    {"vfstype", CONDITION_LIST, NULL, true},
    {"options", CONDITION_WORDS, &mount_flags, true},
    {"option", CONDITION_WORDS, &mount_flags, true},
};
static const struct rule_condition pivot_conditions[] = {{"oldroot", CONDITION_GLOB, NULL, false}};
static const struct rule_condition ptrace_conditions[] = {{"peer", CONDITION_GLOB, NULL, false}};
static const struct rule_condition signal_conditions[] = {
    {"set", CONDITION_WORDS, &signal_names, false},
    {"peer", CONDITION_GLOB, NULL, false},
};
static const struct rule_condition dbus_conditions[] = {
    {"bus", CONDITION_GLOB, NULL, false},       {"path", CONDITION_GLOB, NULL, false},
    {"interface", CONDITION_GLOB, NULL, false}, {"member", CONDITION_GLOB, NULL, false},
    {"name", CONDITION_GLOB, NULL, false},      {"peer", CONDITION_NESTED, NULL, false},
};
static const struct rule_condition dbus_peer[] = {
    {"name", CONDITION_GLOB, NULL, false},
    {"label", CONDITION_GLOB, NULL, false},
};
static const struct rule_condition unix_conditions[] = {
    {"type", CONDITION_WORD, &socket_types, false},
    {"addr", CONDITION_GLOB, NULL, false},
    {"label", CONDITION_GLOB, NULL, false},
    {"peer", CONDITION_NESTED, NULL, false},
};
static const struct rule_condition unix_peer[] = {
    {"addr", CONDITION_GLOB, NULL, false},
    {"label", CONDITION_GLOB, NULL, false},
};
static const struct rule_condition label_conditions[] = {{"label", CONDITION_GLOB, NULL, false}};
static const struct rule_condition mqueue_conditions[] = {
    {"type", CONDITION_WORD, &mqueue_types, false},
    {"label", CONDITION_GLOB, NULL, false},
};

#define CONDITIONS(table) .conditions = (table), .n_conditions = ARRAY_SIZE(table)
#define NESTED(table)     .nested = (table), .n_nested = ARRAY_SIZE(table)

static const struct rule_class classes[] = {
    {"capability", AA_CAPABILITY, .access = NULL},
    {"network", AA_NETWORK, .access = NULL},
    {"mount", AA_MOUNT, CONDITIONS(mount_conditions), .takes_name = true, .takes_target = true},
    {"remount", AA_REMOUNT, CONDITIONS(mount_conditions), .takes_name = true},
    {"umount", AA_UMOUNT, CONDITIONS(mount_conditions), .takes_name = true},
    {"unmount", AA_UMOUNT, CONDITIONS(mount_conditions), .takes_name = true},
    {"pivot_root", AA_PIVOT_ROOT, CONDITIONS(pivot_conditions), .takes_name = true},
    {"ptrace", AA_PTRACE, &ptrace_access, CONDITIONS(ptrace_conditions)},
    {"signal", AA_SIGNAL, &signal_access, CONDITIONS(signal_conditions)},
    {"dbus", AA_DBUS, &dbus_access, CONDITIONS(dbus_conditions), NESTED(dbus_peer)},
    {"unix", AA_UNIX, &unix_access, CONDITIONS(unix_conditions), NESTED(unix_peer)},
    {"userns", AA_USERNS, .access = &userns_access},
    {"io_uring", AA_IO_URING, &io_uring_access, CONDITIONS(label_conditions)},
    {"mqueue", AA_MQUEUE, &mqueue_access, CONDITIONS(mqueue_conditions), .takes_name = true},
    {"set", AA_RLIMIT, .access = NULL},
};

const struct rule_class *rule_class_find(const char *keyword)
{
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
        if (strcmp(classes[i].keyword, keyword) == 0)
            return &classes[i];
    return NULL;
}

int rule_class_explain(const char *word, struct buf *out)
{
    const char *near =
        words_nearest(word, &classes[0].keyword, ARRAY_SIZE(classes), sizeof(classes[0]));
    int r = buf_add_text(out, "a path, file, link");

    for (size_t i = 0; i < ARRAY_SIZE(classes) && r == 0; i++)
        if (strcmp(classes[i].keyword, "unmount") != 0)
            r = buf_format(out, ", %s%s", classes[i].keyword,
                           classes[i].kind == AA_RLIMIT ? " rlimit" : "");
    return r == 0 && near ? buf_format(out, "; did you mean '%s'?", near) : r;
}
