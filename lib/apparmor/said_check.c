/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/said_check.h"

/* Accesses to the local socket alone. */
static const char *const local_unix[] = {"create",  "bind",    "listen", "shutdown",
                                         "getattr", "setattr", "getopt", "setopt"};
static const char *const message_dbus[] = {"path", "interface", "member", "peer"};

static int check_unix(struct rule_text *t, const struct rule_class *class,
                      const struct rule_said *said)
{
    if (!rule_said_condition(said, class, "peer"))
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(local_unix); i++)
        if (rule_said_access(said, class, local_unix[i]))
            return rule_text_problem(
                t, "a unix rule with peer= may not say '%s', which has no peer", local_unix[i]);
    return 0;
}

static int check_dbus(struct rule_text *t, const struct rule_class *class,
                      const struct rule_said *said)
{
    static const char *const sends[] = {"send", "receive", "r", "read", "w", "write", "rw"};
    bool named = rule_said_condition(said, class, "name"), message = false;

    for (size_t i = 0; i < ARRAY_SIZE(message_dbus); i++)
        message |= rule_said_condition(said, class, message_dbus[i]);
    if (named && message)
        return rule_text_problem(
            t,
            "a dbus rule with name= (a service) may not say path=, interface=, member= or peer=");
    if (message && rule_said_access(said, class, "bind"))
        return rule_text_problem(t, "'bind' is for services: a dbus rule with it says name= only");
    for (size_t i = 0; named && i < ARRAY_SIZE(sends); i++)
        if (rule_said_access(said, class, sends[i]))
            return rule_text_problem(t, "'%s' is for messages: a dbus rule with name= says 'bind'",
                                     sends[i]);
    if ((named || message) && rule_said_access(said, class, "eavesdrop"))
        return rule_text_problem(t, "a dbus rule with 'eavesdrop' may say bus= only");
    return 0;
}

int said_check_option(struct rule_text *t, const struct rule_condition *condition, bool in,
                      struct rule_said *list)
{
    const struct word *w =
        condition->words ? words_find(condition->words, buf_text(&t->value)) : NULL;

    if (!w)
        return 0;
    list->set |= w->value;
    list->taken |= w->reverse;
    if (!in && (list->set & list->taken))
        return rule_text_problem(t,
                                 "'%s' and its opposite never hold together: write two rules, or "
                                 "'%s in (...)' for any of them",
                                 buf_text(&t->value), condition->name);
    return 0;
}

/* Some of what a mount rule says has no meaning together, and where nothing is left apparmor_parser gives up. */
static int check_mount(struct rule_text *t, const struct rule_class *class,
                       const struct rule_said *said)
{
    const uint64_t commands =
        RULE_MOUNT_BIND | RULE_MOUNT_MOVE | RULE_MOUNT_REMOUNT | RULE_MOUNT_SHARING;
    bool fstype =
        rule_said_condition(said, class, "fstype") || rule_said_condition(said, class, "vfstype");
    bool options = said->set != 0 || said->taken != 0;

    if (class->kind == AA_REMOUNT && fstype &&
        (!options || !((said->set & ~commands) | said->taken)))
        return rule_text_problem(t, "a remount has no file system type");
    if (class->kind != AA_MOUNT || !options || (said->set & ~commands) || said->taken)
        return 0;
    if (fstype)
        return rule_text_problem(t, "bind, move, remount, private and the like have no file system "
                                    "type: leave 'fstype' out");
    if (said->name && !(said->set & (RULE_MOUNT_BIND | RULE_MOUNT_MOVE)))
        return rule_text_problem(t,
                                 "remount, private and the like have no source: write '-> PATH'");
    return 0;
}

int said_check(struct rule_text *t, const struct rule_class *class, const struct rule_said *said)
{
    switch (class->kind) {
    case AA_MOUNT:
    case AA_REMOUNT:
        return check_mount(t, class, said);
    case AA_UNIX:
        return check_unix(t, class, said);
    case AA_DBUS:
        return check_dbus(t, class, said);
    default:
        return 0;
    }
}
