/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/apparmor.h"

#include <string.h>

#include "lib/apparmor/glob.h"
#include "lib/apparmor/rule_class.h"

#define DISKS "@{varmor_disks}" /* stands alone where rules use it */

/* A glob, or all disks of the node. */
static bool is_meant(const char *glob, const char *path, const struct aa_access *access)
{
    if (strcmp(glob, DISKS) != 0)
        return glob_matches(glob, path);
    for (size_t i = 0; access->disks && i < access->n_disks; i++)
        if (strcmp(access->disks[i], path) == 0)
            return true;
    return false;
}

/* Who links needs of the new name no more than what the old one has: so a denial may be about the
 * old one. */
static bool means_file(const struct aa_rule *rule, const struct aa_access *access)
{
    unsigned asked = access->permissions;

    if (!rule->file.path)
        return true;
    if (access->target && is_meant(rule->file.path, access->target, access))
        return true;
    if (asked & AA_APPEND)
        asked |= AA_WRITE; /* 'w' holds 'a', which is what a record says of O_APPEND */
    return (asked == 0 || (rule->file.permissions & asked)) && access->name &&
           is_meant(rule->file.path, access->name, access);
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

/* A record that tells a source and no type is of a bind mount or a move, which have none. */
static bool means_mount(const struct aa_rule *rule, const struct aa_access *access)
{
    bool has_type = access->fstype || !access->source;

    if (rule->mount.fstypes &&
        (!has_type || (access->fstype && !is_of_fstypes(rule->mount.fstypes, access->fstype))))
        return false;
    if (rule->mount.source && access->source &&
        !is_meant(rule->mount.source, access->source, access))
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
