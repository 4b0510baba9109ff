/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/apparmor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/apparmor/profile_text.h"
#include "lib/apparmor/rule_reader.h"

#define ORIGIN_BASE   "base"
#define ORIGIN_TARGET "targets"
#define OWN_NAME      "@{profile_name}" /* of the profile or child that it stands in */

/* What abstractions/base grants beyond files, which are all allowed anyway. */
#define ABSTRACTION                                                                                \
    "ptrace (readby, tracedby)", "signal (send, receive) set=exists",                              \
        "unix (create, getattr, getopt, setopt, shutdown)", "unix peer=(label=" OWN_NAME ")",      \
        "unix (receive) peer=(label=unconfined)"

static const char *const allow_all[] = {
    "file",       "capability", "network", "mount", "remount", "umount",
    "pivot_root", "ptrace",     "signal",  "dbus",  "unix",
};
static const char *const default_allowed[] = {
    "network",
    "capability",
    "file",
    "umount",
    "signal (receive) peer=unconfined",
    "signal (receive) peer=runc",
    "signal (receive) peer=crun",
    "signal (send, receive) peer=" OWN_NAME,
    "ptrace (trace, read, tracedby, readby) peer=" OWN_NAME,
    ABSTRACTION,
};
/* Denied, or only audited, or neither, as the policy's switches say. */
static const char *const default_denied[] = {
    "mount",
    "@{PROC}/* w",
    "@{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}/** w",
    "@{PROC}/sys/[^k]** w",
    "@{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w",
    "@{PROC}/sysrq-trigger rwklx",
    "@{PROC}/mem rwklx",
    "@{PROC}/kmem rwklx",
    "@{PROC}/kcore rwklx",
    "/sys/[^f]*/** wklx",
    "/sys/f[^s]*/** wklx",
    "/sys/fs/[^c]*/** wklx",
    "/sys/fs/c[^g]*/** wklx",
    "/sys/fs/cg[^r]*/** wklx",
    "/sys/firmware/** rwklx",
    "/sys/devices/virtual/powercap/** rwklx",
    "/sys/kernel/security/** rwklx",
};
/* Denied by absence. Where nothing is to be denied they are allowed; those that a container never needs by itself
 * are audited then, as the rest of the base is. */
static const char *const default_absent[] = {"pivot_root", "dbus"};
static const char *const default_absent_quiet[] = {"ptrace", "signal", "unix"};
/* Mediated only for a profile that has a rule about one of them: then the base has to allow the rest. */
static const char *const newer_classes[] = {"userns", "io_uring", "mqueue"};

static int add(struct aa_rules *rules, struct aa_rule *rule, unsigned child)
{
    if (rules->n == AA_MAX_PROFILE_RULES)
        return -E2BIG;
    rule->child = child;
    return rule_reader_add(rules, rule);
}

/* A rule that we know to be right. */
static int add_text(struct aa_rules *rules, unsigned child, const char *text,
                    enum rule_author author, unsigned qualifiers, const char *origin)
{
    struct aa_rule rule = {0};
    int r = rule_reader_one(&rule, text, author, NULL);

    if (r < 0)
        return r;
    rule.qualifiers = qualifiers;
    rule.origin = strdup(origin);
    r = rule.origin ? add(rules, &rule, child) : -ENOMEM;
    aa_rule_done(&rule);
    return r;
}

static int add_texts(struct aa_rules *rules, unsigned child, const char *const *texts, size_t n,
                     unsigned qualifiers)
{
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++)
        r = add_text(rules, child, texts[i], AUTHOR_WRITER, qualifiers, ORIGIN_BASE);
    return r;
}

/* The same as add_text(), of a format. */
static int PRINTF_FORMAT(4, 5)
    add_format(struct aa_rules *rules, unsigned child, const char *origin, const char *format, ...)
{
    CLEANUP_FREE char *text = NULL;
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        text = NULL;
        return -ENOMEM;
    }
    return add_text(rules, child, text, AUTHOR_WRITER, 0, origin);
}

/* ---- the base ---- */

static bool is_newer(const struct aa_rules *rules)
{
    for (size_t i = 0; rules && i < rules->n; i++)
        if (aa_class_is_newer(rules->items[i].kind))
            return true;
    return false;
}

static bool has_newer(const struct aa_profile *p)
{
    bool newer = is_newer(p->rules) || is_newer(p->raw);

    for (size_t i = 0; i < p->n_children; i++)
        newer |= is_newer(p->children[i].rules) || is_newer(p->children[i].raw);
    return newer;
}

static int add_runtime_default(struct aa_rules *rules, unsigned child, unsigned qualifiers)
{
    int r = add_texts(rules, child, default_allowed, ARRAY_SIZE(default_allowed), 0);

    if (r == 0 && !(qualifiers & AA_DENY))
        r = add_texts(rules, child, default_absent_quiet, ARRAY_SIZE(default_absent_quiet), 0);
    if (r == 0 && !(qualifiers & AA_DENY))
        r = add_texts(rules, child, default_absent, ARRAY_SIZE(default_absent), qualifiers);
    for (size_t i = 0; i < ARRAY_SIZE(default_denied) && r == 0; i++)
        r = add_text(rules, child, default_denied[i], AUTHOR_BUILT_IN, qualifiers, ORIGIN_BASE);
    return r;
}

static int add_base(struct aa_rules *rules, const struct aa_profile *p, unsigned child)
{
    int r = p->base == AA_TEMPLATE_ALLOW_ALL
                ? add_texts(rules, child, allow_all, ARRAY_SIZE(allow_all), 0)
                : add_runtime_default(rules, child, p->qualifiers);

    if (r == 0 && has_newer(p))
        r = add_texts(rules, child, newer_classes, ARRAY_SIZE(newer_classes), 0);
    return r;
}

/* ---- rules of the policy ---- */

static int add_rules(struct aa_rules *to, unsigned child, const struct aa_rules *rules,
                     bool replace, unsigned qualifiers)
{
    for (size_t i = 0; rules && i < rules->n; i++) {
        struct aa_rule rule = {0};
        int r = aa_rule_copy(&rule, &rules->items[i]);

        if (r < 0)
            return r;
        if (replace)
            rule.qualifiers = (rule.qualifiers & AA_OWNER) | (qualifiers & (AA_DENY | AA_AUDIT));
        r = add(to, &rule, child);
        aa_rule_done(&rule);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- children ---- */

static int add_target(struct aa_rules *rules, unsigned child, const char *target,
                      const char *access)
{
    CLEANUP_BUF struct buf word = BUF_INIT(AA_MAX_RULE_BYTES);
    int r = rule_text_write_word(&word, target);

    return r < 0 ? r : add_format(rules, child, ORIGIN_TARGET, "%s %s", buf_text(&word), access);
}

/* What the profile says about its child number n. */
static int add_way_in(struct aa_rules *rules, const struct aa_profile *p, size_t n)
{
    char access[64];
    int r = 0;

    if (p->base == AA_TEMPLATE_RUNTIME_DEFAULT) {
        r = add_format(rules, 0, ORIGIN_TARGET, "signal (send) peer=%s//child_%zu", p->name, n);
        if (r == 0)
            r = add_format(rules, 0, ORIGIN_TARGET, "ptrace (trace, read) peer=%s//child_%zu",
                           p->name, n);
    }
    snprintf(access, sizeof(access), "cx -> child_%zu", n);
    for (size_t i = 0; i < p->children[n].n_targets && r == 0; i++)
        r = add_target(rules, 0, p->children[n].targets[i], access);
    return r;
}

static int add_child(struct aa_rules *rules, const struct aa_profile *p, size_t n)
{
    const struct aa_child *c = &p->children[n];
    unsigned child = (unsigned)n + 1;
    int r = 0;

    for (size_t i = 0; i < c->n_targets && r == 0; i++)
        r = add_target(rules, child, c->targets[i], "rix");
    if (r == 0)
        r = add_base(rules, p, child);
    if (r == 0 && p->base == AA_TEMPLATE_RUNTIME_DEFAULT)
        r = add_format(rules, child, ORIGIN_TARGET, "signal (receive) peer=%s", p->name);
    if (r == 0 && p->base == AA_TEMPLATE_RUNTIME_DEFAULT)
        r = add_format(rules, child, ORIGIN_TARGET, "ptrace (tracedby, readby) peer=%s", p->name);
    if (r == 0)
        r = add_rules(rules, child, p->rules, true, p->qualifiers);
    if (r == 0)
        r = add_rules(rules, child, p->raw, false, 0);
    if (r == 0)
        r = add_rules(rules, child, c->rules, true, p->qualifiers);
    return r < 0 ? r : add_rules(rules, child, c->raw, false, 0);
}

static int collect(struct aa_rules *rules, const struct aa_profile *p)
{
    int r = add_base(rules, p, 0);

    if (r == 0)
        r = add_rules(rules, 0, p->rules, true, p->qualifiers);
    if (r == 0)
        r = add_rules(rules, 0, p->raw, false, 0);
    for (size_t i = 0; i < p->n_children && r == 0; i++)
        r = add_way_in(rules, p, i);
    for (size_t i = 0; i < p->n_children && r == 0; i++)
        r = add_child(rules, p, i);
    return r;
}

int aa_profile_write(const struct aa_profile *p, struct buf *out)
{
    struct aa_rules rules = {0};
    int r = profile_text_is_name(p->name) ? 0 : -EINVAL;

    if (r == 0)
        r = collect(&rules, p);
    if (r == 0)
        r = profile_text_write(p->name, &rules, out);
    aa_rules_done(&rules);
    return r;
}
