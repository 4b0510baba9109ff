/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as /proc/partitions and as a uevent: what is taken from the former expands to patterns that compile. */
#include <stdlib.h>
#include <string.h>

#include "lib/ruleset/disk_list.h"
#include "agent/node_devices.h"
#include "lib/match/pattern.h"
#include "lib/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_expansion(const struct disk_list *l)
{
    struct profile *p = profile_new(), *e = NULL;
    struct rule *r = profile_add_rule(p, RULE_FILE, RULE_DENY, "base");

    p->name = strdup("p");
    r->path.pattern = strdup(DISK_PLACEHOLDER);
    if (disk_list_expand(l, p, &e, NULL) < 0)
        abort();
    for (size_t i = 0; i < e->n_rules; i++)
        if (pattern_check(e->rules[i].path.pattern, NULL) < 0)
            abort();
    profile_unref(e);
    profile_unref(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct disk_list l = {};

    node_devices_is_block_event((const char *)data, size);
    if (disk_list_parse(&l, (const char *)data, size, NULL) < 0)
        return 0;
    for (size_t i = 0; i < l.n; i++)
        if (strlen(l.paths[i]) > DISK_PATH_MAX || strncmp(l.paths[i], "/dev/", 5) != 0 ||
            strpbrk(l.paths[i], "*?[]{}\\,\"' \t@^") || strstr(l.paths[i], "/."))
            abort();
    check_expansion(&l);
    disk_list_done(&l);
    return 0;
}
