/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/apparmor.h"

#include <string.h>

#include "lib/apparmor/glob.h"
#include "lib/apparmor/rule_class.h"

static bool means_file(const struct aa_rule *rule, const struct aa_access *access)
{
    unsigned permissions = rule->file.permissions;

    if (permissions & AA_WRITE) /* 'w' holds 'a', which is what a record says of O_APPEND */
        permissions |= AA_APPEND;
    if (rule->file.path && access->permissions && !(permissions & access->permissions))
        return false;
    return !rule->file.path || (access->name && glob_matches(rule->file.path, access->name));
}

static bool means_capability(const struct aa_rule *rule, const struct aa_access *access)
{
    const struct word *w;

    if (rule->capabilities == 0 || !access->name)
        return rule->capabilities == 0;
    w = words_find(&rule_capabilities, access->name);
    return w && (rule->capabilities & (1ULL << w->value));
}

/* "" in the rule is any; NULL in the record is not told, and may be any as well. */
static bool may_be(const char *rule, const char *told)
{
    return rule[0] == '\0' || !told || strcmp(rule, told) == 0;
}

/* What a rule of a protocol really is about: a type of inet sockets. */
static const struct {
    const char *protocol, *type;
    bool inet6;
} protocol_meanings[] = {
    {"tcp", "stream", true},
    {"udp", "dgram", true},
    {"icmp", "raw", false},
};

static bool means_network(const struct aa_rule *rule, const struct aa_access *access)
{
    if (!may_be(rule->network.family, access->family) || !may_be(rule->network.type, access->type))
        return false;
    if (rule->network.protocol[0] == '\0')
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(protocol_meanings); i++)
        if (strcmp(rule->network.protocol, protocol_meanings[i].protocol) == 0)
            return may_be(protocol_meanings[i].type, access->type) &&
                   (may_be("inet", access->family) ||
                    (protocol_meanings[i].inet6 && may_be("inet6", access->family)));
    return false;
}

static bool is_of_fstypes(const char *fstypes, const char *fstype)
{
    while (*fstypes != '\0') {
        size_t len = strcspn(fstypes, "\n");
        CLEANUP_FREE char *glob = strndup(fstypes, len);

        if (glob && glob_matches(glob, fstype))
            return true;
        fstypes += len + (fstypes[len] == '\n');
    }
    return false;
}

static bool means_mount(const struct aa_rule *rule, const struct aa_access *access)
{
    if (rule->mount.fstypes && access->fstype &&
        !is_of_fstypes(rule->mount.fstypes, access->fstype))
        return false;
    return !rule->mount.point || !access->name || glob_matches(rule->mount.point, access->name);
}

/* "mount" alone means remounts too. Where the kernel has no rules for unix sockets of their own, or
 * a profile has none, those of networks decide. */
static bool is_of_class(const struct aa_rule *rule, const struct aa_access *access)
{
    return rule->kind == access->kind || (access->kind == AA_REMOUNT && rule->kind == AA_MOUNT) ||
           (access->kind == AA_UNIX && rule->kind == AA_NETWORK);
}

static bool means(const struct aa_rule *rule, const struct aa_access *access)
{
    if (rule->child != access->child || !is_of_class(rule, access))
        return false;
    switch (rule->kind) {
    case AA_FILE:
        return means_file(rule, access);
    case AA_CAPABILITY:
        return means_capability(rule, access);
    case AA_NETWORK:
        return means_network(rule, access);
    case AA_MOUNT:
    case AA_REMOUNT:
    case AA_UMOUNT:
        return means_mount(rule, access);
    default:
        return true;
    }
}

const struct aa_rule *aa_rules_find(const struct aa_rules *r, const struct aa_access *access)
{
    static const unsigned wanted[] = {AA_DENY, AA_AUDIT};

    for (size_t w = 0; w < ARRAY_SIZE(wanted); w++)
        for (size_t i = 0; i < r->n; i++)
            if ((r->items[i].qualifiers & wanted[w]) && means(&r->items[i], access))
                return &r->items[i];
    return NULL;
}
