/* SPDX-License-Identifier: Apache-2.0 */
#include "test/apparmor/rule_maker.h"

#include <errno.h>
#include <string.h>

struct rule_maker rule_maker_new(uint64_t seed)
{
    return (struct rule_maker){seed * 0x9e3779b97f4a7c15ULL + 1};
}

unsigned rule_maker_below(struct rule_maker *m, unsigned n)
{
    m->state ^= m->state << 13;
    m->state ^= m->state >> 7;
    m->state ^= m->state << 17;
    return (unsigned)((m->state >> 32) % n);
}

#define PICK(m, list) (list)[rule_maker_below(m, ARRAY_SIZE(list))]

static const char *const path_parts[] = {
    "etc",     "usr",     "lib*", "**",      "*",       "{a,b}",    "{,x}",
    "[a-c]x",  "[^0-9]*", "a?b",  "x\\*y",   "x\\{y",   "@{pid}",   "{a,{b,c}}",
    "x.y-z_0", "a:b",     "a~",   "a+b",     "[abc,d]", "{a*,**b}", "x\\\\y",
    "%d",      "x^y",     "@x",   "{a/b,c}", "[^/]*",   "[\\]a]",   "[a\\-b]",
};
static const char *const quoted_parts[] = {"a b",       "a,b",      "a(b)",   "a=b",  "a#b",
                                           "\\\"q\\\"", "\xc3\xa9", "{a,,b}", "*.x,y"};
static const char *const roots[] = {
    "/", "/", "/", "@{PROC}/", "@{HOME}/", "@{run}/", "@{sys}/", "@{HOMEDIRS}/", "@{etc_ro}/"};

/* A path; quoted now and then. */
static int add_path(struct rule_maker *m, struct buf *out)
{
    bool quoted = rule_maker_below(m, 5) == 0;
    unsigned n = rule_maker_below(m, 4);
    int r = buf_format(out, "%s%s", quoted ? "\"" : "", PICK(m, roots));

    for (unsigned i = 0; i <= n && r == 0; i++)
        r = buf_format(out, "%s%s", i > 0 ? "/" : "",
                       quoted && rule_maker_below(m, 2) == 0 ? PICK(m, quoted_parts)
                                                             : PICK(m, path_parts));
    return r < 0 ? r : buf_add_text(out, quoted ? "\"" : "");
}

/* A list of 1 to 3 different words behind text, in parentheses or alone. */
static int add_words(struct rule_maker *m, const char *before, const char *const *words,
                     unsigned n_words, struct buf *out)
{
    unsigned n = 1 + rule_maker_below(m, MIN(3, n_words)), at = rule_maker_below(m, n_words);
    bool listed = n > 1 || strstr(before, " in ") || rule_maker_below(m, 2) == 0;
    int r = buf_format(out, "%s%s", before, listed ? "(" : "");

    for (unsigned i = 0; i < n && r == 0; i++)
        r = buf_format(out, "%s%s", i > 0 ? (rule_maker_below(m, 2) == 0 ? ", " : " ") : "",
                       words[(at + i) % n_words]);
    return r < 0 ? r : buf_add_text(out, listed ? ")" : "");
}
#define ADD_WORDS(m, before, words, out) add_words(m, before, words, ARRAY_SIZE(words), out)

static bool chance(struct rule_maker *m)
{
    return rule_maker_below(m, 2) == 0;
}

/* ---- the classes ---- */

static int add_file(struct rule_maker *m, bool deny, struct buf *out)
{
    static const char *const letters[] = {"r", "w",  "rw", "rwk", "rwlk",
                                          "a", "rm", "l",  "k",   "rak"};
    const char *owner = rule_maker_below(m, 4) == 0 ? "owner " : "";
    bool first = chance(m), exec = rule_maker_below(m, 3) == 0;
    const char *access = PICK(m, letters), *x = !exec ? "" : deny ? "x" : "ix";
    int r = buf_add_text(out, owner);

    if (rule_maker_below(m, 8) == 0) {
        r = r < 0 ? r : buf_add_text(out, chance(m) ? "link " : "link subset ");
        r = r < 0 ? r : add_path(m, out);
        r = r < 0 ? r : buf_add_text(out, " -> ");
        return r < 0 ? r : add_path(m, out);
    }
    if (r == 0 && rule_maker_below(m, 4) == 0)
        r = buf_add_text(out, "file ");
    if (r == 0 && first)
        r = buf_format(out, "%s%s ", access, x);
    if (r == 0)
        r = add_path(m, out);
    return r < 0 || first ? r : buf_format(out, " %s%s", access, x);
}

static int add_capability(struct rule_maker *m, bool deny, struct buf *out)
{
    static const char *const names[] = {"chown",      "dac_override", "net_raw",        "sys_admin",
                                        "sys_ptrace", "bpf",          "perfmon",        "mknod",
                                        "audit_read", "setfcap",      "sys_tty_config", "syslog"};
    int r = buf_add_text(out, "capability");

    (void)deny;
    for (unsigned n = rule_maker_below(m, 4); n > 0 && r == 0; n--)
        r = buf_format(out, " %s", PICK(m, names));
    return r;
}

static int add_network(struct rule_maker *m, bool deny, struct buf *out)
{
    static const char *const families[] = {
        "unix",  "inet", "ax25", "inet6", "netlink", "packet", "bluetooth",  "alg",
        "vsock", "xdp",  "can",  "tipc",  "key",     "smc",    "ieee802154", "rds"};
    static const char *const types[] = {"stream", "dgram", "seqpacket", "rdm", "raw", "packet"};
    static const char *const protocols[] = {"tcp", "udp", "icmp"};

    (void)deny;
    switch (rule_maker_below(m, 6)) {
    case 0:
        return buf_add_text(out, "network");
    case 1:
        return buf_format(out, "network %s", PICK(m, protocols));
    case 2:
        return buf_format(out, "network inet %s", PICK(m, protocols));
    case 3:
        return buf_format(out, "network %s", PICK(m, types));
    case 4:
        return buf_format(out, "network %s", PICK(m, families));
    default:
        return buf_format(out, "network %s %s", PICK(m, families), PICK(m, types));
    }
}

/* Options that go with a file system type and a source, and commands, which do not. */
static int add_mount_options(struct rule_maker *m, bool commands, struct buf *out)
{
    static const char *const flags[] = {"ro",    "nosuid",   "nodev",   "noexec",     "noatime",
                                        "async", "relatime", "dirsync", "nodiratime", "acl"};
    static const char *const mixed[] = {"bind",    "rbind",   "move",  "remount",
                                        "private", "rshared", "slave", "runbindable"};
    const char *before = chance(m) ? " options=" : " options in ";

    return commands ? ADD_WORDS(m, before, mixed, out) : ADD_WORDS(m, before, flags, out);
}

static int add_mount(struct rule_maker *m, bool deny, struct buf *out)
{
    static const char *const fstypes[] = {"proc", "tmpfs", "cgroup*", "sysfs", "ext[234]"};
    bool commands = chance(m);
    int r = buf_add_text(out, "mount");

    (void)deny;
    if (r == 0 && !commands && rule_maker_below(m, 3) == 0)
        r = ADD_WORDS(m, " fstype=", fstypes, out);
    if (r == 0 && (commands || chance(m)))
        r = add_mount_options(m, commands, out);
    if (r == 0 && !commands && chance(m)) {
        r = buf_add_text(out, " ");
        r = r < 0 ? r : chance(m) ? buf_add_text(out, "tmpfs") : add_path(m, out);
    }
    if (r == 0 && chance(m)) {
        r = buf_add_text(out, " -> ");
        r = r < 0 ? r : add_path(m, out);
    }
    return r;
}

static int add_umount(struct rule_maker *m, bool deny, struct buf *out)
{
    static const char *const words[] = {"remount", "umount", "unmount"};
    int r = buf_add_text(out, PICK(m, words));

    (void)deny;
    if (r == 0 && rule_maker_below(m, 3) == 0)
        r = add_mount_options(m, false, out);
    if (r == 0 && chance(m)) {
        r = buf_add_text(out, " ");
        r = r < 0 ? r : add_path(m, out);
    }
    return r;
}

static int add_pivot_root(struct rule_maker *m, bool deny, struct buf *out)
{
    int r = buf_add_text(out, "pivot_root");

    (void)deny;
    if (r == 0 && chance(m)) {
        r = buf_add_text(out, " oldroot=");
        r = r < 0 ? r : buf_add_text(out, "/a/");
    }
    if (r == 0 && chance(m))
        r = buf_add_text(out, " /b/{c,d}/");
    return r;
}

static int add_peer(struct rule_maker *m, struct buf *out)
{
    static const char *const peers[] = {"unconfined", "runc",  "varmor-*", "@{profile_name}",
                                        "a//b",       "{a,b}", "\"a b\"",  "**",
                                        "/usr/bin/x", "x[^y]z"};

    return chance(m) ? buf_format(out, " peer=%s", PICK(m, peers)) : 0;
}

static int add_ptrace(struct rule_maker *m, bool deny, struct buf *out)
{
    static const char *const access[] = {"read", "readby", "trace", "tracedby", "r", "w", "rw"};
    int r = buf_add_text(out, "ptrace");

    (void)deny;
    if (r == 0 && chance(m))
        r = ADD_WORDS(m, " ", access, out);
    return r < 0 ? r : add_peer(m, out);
}

static int add_signal(struct rule_maker *m, bool deny, struct buf *out)
{
    static const char *const access[] = {"send", "receive", "read", "write", "r", "w", "rw"};
    static const char *const names[] = {"hup",     "kill",       "term", "usr1",
                                        "exists",  "\"exists\"", "chld", "stop",
                                        "rtmin+0", "rtmin+32",   "segv"};
    int r = buf_add_text(out, "signal");

    (void)deny;
    if (r == 0 && chance(m))
        r = ADD_WORDS(m, " ", access, out);
    if (r == 0 && chance(m))
        r = ADD_WORDS(m, " set=", names, out);
    return r < 0 ? r : add_peer(m, out);
}

static int add_dbus(struct rule_maker *m, bool deny, struct buf *out)
{
    (void)deny;
    switch (rule_maker_below(m, 5)) {
    case 0:
        return buf_add_text(out, "dbus");
    case 1:
        return buf_add_text(out, "dbus (bind) bus=system name=a.b.C");
    case 2:
        return buf_add_text(out, "dbus send bus=session path=/a/{b,c} interface=d.e member=F*");
    case 3:
        return buf_add_text(out, "dbus (send, receive) peer=(name=a.b label=unconfined)");
    default:
        return buf_add_text(out, "dbus eavesdrop bus=session");
    }
}

static int add_unix(struct rule_maker *m, bool deny, struct buf *out)
{
    static const char *const locals[] = {"create",  "bind",   "listen",
                                         "getattr", "setopt", "shutdown"};
    static const char *const peers[] = {"connect", "send", "receive"};
    bool peer = chance(m);
    int r = buf_add_text(out, "unix");

    (void)deny;
    if (r == 0 && chance(m))
        r = peer ? ADD_WORDS(m, " ", peers, out) : ADD_WORDS(m, " ", locals, out);
    if (r == 0 && rule_maker_below(m, 3) == 0)
        r = buf_format(out, " type=%s", chance(m) ? "stream" : "(dgram)");
    if (r == 0 && rule_maker_below(m, 3) == 0)
        r = buf_format(out, " addr=%s", chance(m) ? "@x*" : "none");
    return r < 0 || !peer
               ? r
               : buf_format(out, " peer=(label=%s%s)", chance(m) ? "unconfined" : "\"a b\"",
                            chance(m) ? ", addr=@y" : "");
}

static int add_rlimit(struct rule_maker *m, bool deny, struct buf *out)
{
    static const char *const limits[] = {
        "nofile <= 10", "nproc <= infinity", "data <= 100M",  "fsize <= 5G",    "stack <= 8192K",
        "cpu <= 10s",   "rttime <= 60ms",    "nice <= -5",    "nice <= 19",     "core <= 0",
        "rtprio <= 3",  "memlock <= 64K",    "cpu <= 2hours", "rttime <= 1min", "as <= 1GB"};

    (void)deny;
    return buf_format(out, "set rlimit %s", PICK(m, limits));
}

static int add_newer(struct rule_maker *m, bool deny, struct buf *out)
{
    static const char *const rules[] = {"userns",
                                        "userns create",
                                        "io_uring",
                                        "io_uring (sqpoll, override_creds)",
                                        "io_uring sqpoll",
                                        "mqueue",
                                        "mqueue (create, read, write) type=posix /x/*",
                                        "mqueue getattr",
                                        "mqueue type=sysv"};

    (void)deny;
    return buf_add_text(out, PICK(m, rules));
}

int rule_maker_add(struct rule_maker *m, bool newer, struct buf *out)
{
    static const struct {
        int (*add)(struct rule_maker *m, bool deny, struct buf *out);
        bool qualified;
    } classes[] = {
        {add_file, true},       {add_file, true},    {add_file, true},   {add_file, true},
        {add_capability, true}, {add_network, true}, {add_mount, true},  {add_umount, true},
        {add_pivot_root, true}, {add_ptrace, true},  {add_signal, true}, {add_dbus, true},
        {add_unix, true},       {add_rlimit, false}, {add_newer, true},
    };
    static const char *const qualifiers[] = {"", "", "deny ", "audit ", "audit deny ", "allow "};
    unsigned class = rule_maker_below(m, ARRAY_SIZE(classes) - !newer);
    const char *qualifier = classes[class].qualified ? PICK(m, qualifiers) : "";
    int r = buf_add_text(out, qualifier);

    if (r == 0)
        r = classes[class].add(m, strstr(qualifier, "deny") != NULL, out);
    if (r == 0)
        r = buf_add_text(out, rule_maker_below(m, 6) == 0 ? ", # a comment\n" : ",\n");
    return r;
}
