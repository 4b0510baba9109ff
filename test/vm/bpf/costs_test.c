/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an open and close costs, in instructions: run in a guest with --icount, where a nanosecond
 * is one. The budgets are for what each adds to the same call before the programs were attached;
 * they are exact enough to be held (the kernel's own path varies by a few instructions in a
 * thousand).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test/vm/bpf/container.h"
#include "test/vm/bpf/kernel_side.h"

#define SLOT   2
#define ROUNDS 2000
#define FILE64 "/usr/lib/x86_64-linux-gnu/some-application/data/file-in-use.conf"

struct cost {
    const char *what;
    int budget; /* instructions that may be added */
    unsigned n_rules;
    const char *prefix; /* of the rules' patterns; a number follows */
    unsigned permissions;
};
static const struct cost confined[] = {
    {"confined, no rule about reading", 700, 1, "/etc/file-", PATH_WRITE},
    {"confined, one rule, elsewhere", 2700, 1, "/etc/file-", PATH_READ},
    {"confined, 64 rules, elsewhere", 2700, 64, "/etc/file-", PATH_READ},
    {"confined, 1000 rules, elsewhere", 2700, 1000, "/etc/file-", PATH_READ},
    {"confined, 1000 rules beside it", 9000, 1000,
     "/usr/lib/x86_64-linux-gnu/some-application/data/", PATH_READ},
    {"confined, 1000 names anywhere", 2700, 1000, "**/name-", PATH_READ},
};

static unsigned n_passed, n_failed;
static struct kernel_side kernel;

static int put_rules(const struct cost *c)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP(ruleset_free) struct ruleset *built = NULL;
    int r;

    for (unsigned i = 0; p && i < c->n_rules; i++) {
        struct rule *rule = profile_add_rule(p, RULE_FILE, RULE_DENY, "cost");

        if (!rule || asprintf(&rule->path.pattern, "%s%u", c->prefix, i) < 0)
            return -ENOMEM;
        rule->path.permissions = c->permissions;
    }
    p->name = strdup("cost");
    r = ruleset_build(&built, p, &e);
    if (r < 0)
        printf("%s\n", error_message(e));
    return r < 0 ? r : kernel_side_put(&kernel, SLOT, built);
}

static int measure(struct vm_container *c)
{
    return container_do(c, "cost\t%u\t%s", ROUNDS, FILE64);
}

static void report(const char *what, int cost, int base, int budget)
{
    bool ok = cost > 0 && cost - base <= budget;

    printf("  %-36s %6d, %+6d (budget %+d)%s\n", what, cost, cost - base, budget,
           ok ? "" : " FAILED");
    n_passed += ok;
    n_failed += !ok;
}

static int measure_all(void)
{
    struct vm_container host, unbound, bound;
    int r, host_base, base;

    r = container_cgroup_make(&host, "host");
    if (r == 0)
        r = container_cgroup_make(&unbound, "unbound");
    if (r == 0)
        r = container_cgroup_make(&bound, "bound");
    if (r == 0)
        r = container_start(&host, true);
    if (r == 0)
        r = container_start(&unbound, false);
    if (r < 0)
        return r;
    host_base = container_do(&host, "cost\t%u\t" CONTAINER_ROOT FILE64, ROUNDS);
    base = measure(&unbound);
    printf("  open and close of 64 bytes, no program attached: %d on the host, %d in a container\n",
           host_base, base);
    r = kernel_side_attach(&kernel);
    if (r == 0)
        r = kernel_side_bind(&kernel, bound.cgroup, SLOT, true);
    if (r == 0)
        r = container_start(&bound, false);
    if (r < 0)
        return r;
    report("host", container_do(&host, "cost\t%u\t" CONTAINER_ROOT FILE64, ROUNDS), host_base, 350);
    report("a container without a profile", measure(&unbound), base, 400);
    for (size_t i = 0; i < ARRAY_SIZE(confined); i++) {
        r = put_rules(&confined[i]);
        if (r < 0)
            return r;
        report(confined[i].what, measure(&bound), base, confined[i].budget);
    }
    container_stop(&host);
    container_stop(&unbound);
    container_stop(&bound);
    return 0;
}

int main(void)
{
    int r;

    setvbuf(stdout, NULL, _IOLBF, 0);
    r = kernel_side_load(&kernel);
    if (r == 0)
        r = container_root_make("/inside");
    if (r == 0)
        r = container_file_make(FILE64);
    if (r == 0)
        r = measure_all();
    if (r < 0) {
        printf("%s\n", strerror(-r));
        n_failed++;
    }
    kernel_side_done(&kernel);
    printf("%u passed, %u failed\n", n_passed, n_failed);
    return n_failed != 0;
}
