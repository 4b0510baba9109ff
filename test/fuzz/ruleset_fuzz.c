/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images as they might be read back from a kernel that someone else wrote to: the input changes
 * words of a good image (four bytes of place, four of value, again and again; the last bytes are a
 * path). What the check lets through must be safe to judge by: the sanitizers are the judges of the
 * judges.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/ruleset/ruleset.h"

#define PATH_BYTES 24

static void add_path(struct profile *p, enum rule_kind kind, unsigned permissions,
                     const char *pattern)
{
    struct rule *r = profile_add_rule(p, kind, RULE_DENY, "fuzz");

    if (!r)
        abort();
    r->path.permissions = permissions;
    r->path.pattern = strdup(pattern);
}

/* An image with every table that there is. */
static struct ruleset *build_good(void)
{
    struct profile *p = profile_new();
    struct ruleset *r = NULL;
    struct rule *rule;

    if (!p)
        abort();
    add_path(p, RULE_FILE, PATH_WRITE, "/etc/{passwd,shadow}*");
    add_path(p, RULE_FILE, PATH_READ, "**/secret/**");
    add_path(p, RULE_EXEC, PATH_EXEC, "/bin/*sh");
    add_path(p, RULE_EXEC, PATH_EXEC, "nc");
    rule = profile_add_rule(p, RULE_CAPABILITY, RULE_DENY, "fuzz");
    rule->capability.mask = 1 << 13;
    rule = profile_add_rule(p, RULE_SOCKET, RULE_DENY, "fuzz");
    rule->socket.protocols = SOCKET_UDP;
    rule = profile_add_rule(p, RULE_EGRESS, RULE_DENY, "fuzz");
    addr_parse_block(&rule->egress.block, "10.0.0.0/8");
    rule = profile_add_rule(p, RULE_EGRESS, RULE_DENY, "fuzz");
    addr_parse_block(&rule->egress.block, "10.1.0.0/16");
    rule->egress.ports = calloc(1, sizeof(*rule->egress.ports));
    rule->egress.ports[0] = (struct port_range){80, 90};
    rule->egress.n_ports = 1;
    rule = profile_add_rule(p, RULE_MOUNT, RULE_DENY, "fuzz");
    rule->mount.pattern = strdup("/dev/**");
    rule->mount.fstype = strdup("ext4");
    rule->mount.flags = 1;
    if (ruleset_build(&r, p, NULL) < 0)
        abort();
    profile_unref(p);
    return r;
}

static void judge_everything(const struct ruleset *r, const char *path, size_t len)
{
    struct addr a;

    ruleset_judge_path(r, path, len, 0xffff);
    ruleset_judge_path(r, "/etc/passwd-", 12, 0xffff);
    for (unsigned i = 0; i < 70; i++) {
        ruleset_judge_capability(r, i);
        ruleset_judge_socket(r, i, i, i);
    }
    for (unsigned i = 0; i < 16; i++)
        ruleset_judge_ptrace(r, i, i % 2);
    addr_parse(&a, "10.1.2.3");
    for (unsigned port = 0; port < 100; port += 5)
        ruleset_judge_connect(r, &a, port);
    ruleset_judge_mount(r, "/dev/sda", "ext4", 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ruleset *good;
    struct ruleset copy;
    size_t path_len;

    if (!good)
        good = build_good();
    copy = *good;
    /* Of just the right size, so that a read behind the end is seen. */
    copy.lines = malloc(good->n_lines * sizeof(*copy.lines));
    if (!copy.lines)
        return 0;
    memcpy(copy.lines, good->lines, good->n_lines * sizeof(*copy.lines));
    path_len = size < PATH_BYTES ? size : PATH_BYTES;
    for (size_t i = 0; i + 8 <= size - path_len; i += 8) {
        uint32_t place, value;

        memcpy(&place, data + i, sizeof(place));
        memcpy(&value, data + i + 4, sizeof(value));
        place %= (uint32_t)(copy.n_lines * VARMOR_LINE_WORDS);
        copy.lines[place / VARMOR_LINE_WORDS].w[place % VARMOR_LINE_WORDS] = value;
    }
    if (ruleset_check_image(copy.lines, copy.n_lines, NULL) == 0)
        judge_everything(&copy, (const char *)data + size - path_len, path_len);
    free(copy.lines);
    return 0;
}
