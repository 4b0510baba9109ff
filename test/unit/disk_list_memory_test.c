/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of the list of disks fails once: the answer is -ENOMEM, and nothing leaks. */
#include "test/unit/unit.h"

#include "lib/ruleset/disk_list.h"
#include "agent/node_devices.h"
#include "lib/profile.h"
#include "test/unit/alloc_failure.h"

static const char text[] = " 8 0 1 sda\n 8 1 1 sda1\n 8 2 1 sda2\n";

static struct profile *profile; /* of the test; made without failures */
static struct disk_list disks;
static struct loop *loop;

static void setup(void)
{
    struct rule *r;

    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_int_eq(disk_list_parse(&disks, text, strlen(text), NULL), 0);
    profile = profile_new();
    profile->name = strdup("varmor-shop-web");
    r = profile_add_rule(profile, RULE_FILE, RULE_DENY, "base");
    r->path.pattern = strdup(DISK_PLACEHOLDER);
    r = profile_add_rule(profile, RULE_EGRESS, RULE_DENY, "base");
    r->egress.ports = calloc(1, sizeof(*r->egress.ports));
    r->egress.n_ports = 1;
    r = profile_add_rule(profile, RULE_MOUNT, RULE_DENY, "base");
    r->mount.pattern = strdup(DISK_PLACEHOLDER);
    r->mount.fstype = strdup("*");
}

static void teardown(void)
{
    profile_unref(profile);
    disk_list_done(&disks);
    loop_free(loop);
}

static int run_parse(struct error **reterr)
{
    CLEANUP_DISK_LIST struct disk_list l = {};

    return disk_list_parse(&l, text, strlen(text), reterr);
}

static int run_expand(struct error **reterr)
{
    CLEANUP(profile_unref) struct profile *expanded = NULL;

    return disk_list_expand(&disks, profile, &expanded, reterr);
}

static void unexpected(void *data UNUSED)
{
}

static int run_node_devices(struct error **reterr)
{
    CLEANUP(node_devices_free) struct node_devices *d = NULL;

    return node_devices_new(&d, loop, NULL, unexpected, NULL, reterr);
}

static int (*const runs[])(struct error **reterr) = {run_parse, run_expand, run_node_devices};

START_TEST(each_allocation_fails_once)
{
    unsigned n;

    for (n = 1;; n++) {
        CLEANUP(error_free) struct error *why = NULL;
        int r;
        bool failed;

        alloc_failure_arm(n);
        r = runs[_i](&why);
        failed = alloc_failure_disarm();
        if (!failed) {
            ck_assert_int_eq(r, 0);
            break;
        }
        ck_assert_int_eq(r, -ENOMEM);
        ck_assert_ptr_nonnull(why);
    }
    ck_assert_uint_gt(n, 3);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("disk_list_memory");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_loop_test(all, each_allocation_fails_once, 0, (int)ARRAY_SIZE(runs));
    suite_add_tcase(suite, all);
    return suite;
}
