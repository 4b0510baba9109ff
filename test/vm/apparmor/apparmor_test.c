/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AppArmor enforcer on a real kernel: what it loads, what it reads back, what a new agent finds,
 * what it leaves alone. apparmor_test [TEST], or "unusable" in a guest without AppArmor, "no-copies"
 * in one whose kernel keeps no copy of what is loaded. Runs in a guest (test/vm/apparmor/run), needs
 * root.
 */
#include "test/vm/apparmor/agent_side.h"
#include "test/vm/apparmor/captive.h"

#include "agent/apparmor_binary.h"
#include "agent/apparmor_kernel.h"
#include "agent/apparmor_records.h"
#include "agent/confinement.h"
#include "agent/container.h"
#include "agent/enforcer_apparmor.h"
#include "lib/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define NAME     "varmor-shop-web"
#define FOREIGN  "someone-elses"
#define SECRET   "/run/varmor-test/secret"
#define PUBLIC   "/run/varmor-test/public"
#define RECORD   AGENT_SIDE_STATE "/apparmor/" NAME ".loaded"
#define MANY     40
#define KMSG_MAX 4096

static int n_passed, n_failed;
static bool failed;
static bool has_copies = true; /* the kernel keeps a copy of what is loaded */

/* Notes a failure and leaves the test. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("    line %d: %s\n", __LINE__, #condition);                                     \
            failed = true;                                                                         \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool is_listed(const char *profile, const char *mode)
{
    return strcmp(agent_side_listed(profile), mode) == 0;
}

static struct digest digest_with(unsigned salt)
{
    struct digest d;

    if (digest_of(&d, &salt, sizeof(salt)) < 0)
        abort();
    return d;
}

static bool holds(struct agent_side *a, unsigned salt)
{
    struct enforcer_holding h;
    struct digest d = digest_with(salt);

    return a->enforcer->ops->describe(a->enforcer, NAME, &h, NULL) == 0 &&
           digest_equal(&h.digest, &d) && !digest_is_zero(&h.image_digest) &&
           strcmp(h.mode, "enforce") == 0 && strlen(h.policy_hash) >= 40;
}

static struct enforcer_hold inspect(struct agent_side *a, const struct captive *captive)
{
    struct container c = {.pid = captive->pid, .cgroup_path = (char *)captive->cgroup};
    struct enforcer_hold hold = {0};
    CLEANUP(error_free) struct error *problem = NULL;

    if (a->enforcer->ops->inspect(a->enforcer, &c, NAME, &hold, &problem) < 0)
        snprintf(hold.reason, sizeof(hold.reason), "%s", error_message(problem));
    return hold;
}

/* ---- tests ---- */

static void the_node_says_what_it_can(void)
{
    struct agent_side a;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    for (size_t i = 0; i < a.facts.n; i++)
        printf("    %s: %s\n", a.facts.items[i].name, a.facts.items[i].value);
    CHECK(a.facts.usable);
    CHECK(a.n_adopted == 0);
    agent_side_end(&a);
}

static void a_profile_is_loaded_and_read_back(void)
{
    struct agent_side a;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 1, 1)) == 0);
    CHECK(a.n_prepared == 1);
    CHECK(holds(&a, 1));
    CHECK(is_listed(NAME, "enforce"));
    CHECK(is_listed(NAME "//child_0", "enforce"));
    CHECK(exists(RECORD));
    CHECK(!exists(AGENT_SIDE_STATE "/apparmor/" NAME ".loading"));
    agent_side_end(&a);
}

/* Whether the kernel's log has a record with all of these. */
static bool is_logged(const char *kind, const char *one, const char *two)
{
    CLEANUP_CLOSE int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char record[KMSG_MAX];
    ssize_t n;

    while (fd >= 0 && (n = read(fd, record, sizeof(record) - 1)) > 0) {
        record[n] = '\0';
        if (strstr(record, kind) && strstr(record, one) && strstr(record, two))
            return true;
    }
    return false;
}

static void a_captive_is_denied_and_audited(void)
{
    struct agent_side a;
    struct captive c;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(captive_start(&c, NAME) != 0);
    captive_end(&c);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 1)) == 0);
    CHECK(captive_start(&c, NAME) == 0);
    CHECK(captive_open(&c, SECRET) == EACCES);
    CHECK(captive_open(&c, PUBLIC) == 0);
    CHECK(captive_mount(&c) == EACCES);
    CHECK(captive_userns(&c) == 0); /* nothing of the profile speaks of it */
    CHECK(is_logged("apparmor=\"DENIED\"", "profile=\"" NAME "\"", "name=\"" SECRET "\""));
    CHECK(inspect(&a, &c).in_force);
    CHECK(strcmp(inspect(&a, &c).mode, "enforce") == 0);
    captive_end(&c);
    agent_side_end(&a);
}

static void a_new_version_takes_hold_of_what_runs(void)
{
    struct agent_side a;
    struct captive c;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 1)) == 0);
    CHECK(captive_start(&c, NAME) == 0);
    CHECK(captive_open(&c, SECRET) == EACCES);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, PUBLIC, 0, 2)) == 0);
    CHECK(captive_open(&c, SECRET) == 0);
    CHECK(captive_open(&c, PUBLIC) == EACCES);
    CHECK(inspect(&a, &c).in_force);
    CHECK(holds(&a, 2));
    captive_end(&c);
    agent_side_end(&a);
}

static void the_same_text_with_another_digest_is_another_version(void)
{
    struct agent_side a;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 1)) == 0);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 2)) == 0);
    CHECK(a.n_prepared == 1); /* the parser ran once */
    CHECK(holds(&a, 2));
    agent_side_end(&a);
    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(holds(&a, 2));
    agent_side_end(&a);
}

static void a_text_that_is_not_ours_reaches_nobody(void)
{
    static const char *const texts[] = {"", "profile " NAME " { file, }\n",
                                        "profile other { file, }\n", "}", NULL};

    struct agent_side a;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 1)) == 0);
    for (size_t i = 0; texts[i]; i++) {
        CLEANUP(profile_unref) struct profile *p = agent_side_profile(NAME, SECRET, 0, 2);
        struct enforcer_version *v = NULL;
        CLEANUP(error_free) struct error *problem = NULL;

        free(p->apparmor_text);
        p->apparmor_text = strdup(texts[i]);
        CHECK(agent_side_prepare(&a, p, &v, &problem) == -EINVAL);
    }
    CHECK(holds(&a, 1));
    agent_side_end(&a);
}

/* apparmor_parser 3 does not know the word; 4 does, and older kernels do not mediate it. */
static void a_rule_of_a_newer_class_acts_or_is_refused_with_its_origin(void)
{
    CLEANUP(profile_unref) struct profile *p = agent_side_raw(NAME, "deny userns,", 2);
    CLEANUP(error_free) struct error *problem = NULL;
    struct enforcer_version *v = NULL;
    struct agent_side a;
    int r;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 1)) == 0);
    r = agent_side_prepare(&a, p, &v, &problem);
    if (r == 0) {
        struct captive c;

        printf("    this parser and kernel know 'userns'\n");
        CHECK(a.enforcer->ops->commit(a.enforcer, &v, NULL) == 0);
        CHECK(captive_start(&c, NAME) == 0);
        CHECK(captive_userns(&c) == EACCES);
        captive_end(&c);
        CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 1)) == 0);
    } else {
        printf("    %s\n", error_message(problem));
        CHECK(r == -EINVAL || r == -EOPNOTSUPP);
        CHECK(strstr(error_message(problem),
                     "appArmorRawRules[0] (line 1, column 1): rule 'userns'"));
    }
    CHECK(holds(&a, 1));
    CHECK(is_listed(NAME, "enforce"));
    agent_side_end(&a);
}

/* A binary that is well formed, and of a version that no kernel knows. */
static struct enforcer_version spoilt_version(struct agent_side *a, struct profile *p)
{
    struct buf data CLEANUP_BUF = BUF_INIT(APPARMOR_BINARY_MAX);
    struct enforcer_version spoilt = {.profile = p}, *v = NULL;

    if (agent_side_prepare(a, p, &v, NULL) < 0 ||
        buf_add(&data, v->binary->data, v->binary->len) < 0)
        abort();
    a->enforcer->ops->discard(a->enforcer, v);
    data.data[12] ^= 0xff; /* behind the name "version" and the number's tag */
    if (apparmor_binary_new(&spoilt.binary, p->name, &data, NULL) < 0)
        abort();
    return spoilt;
}

static void a_binary_that_the_kernel_refuses_leaves_the_old_one_in_force(void)
{
    CLEANUP(profile_unref) struct profile *p = agent_side_profile(NAME, PUBLIC, 0, 2);
    CLEANUP(error_free) struct error *problem = NULL;
    struct enforcer_version spoilt;
    struct agent_side a;
    struct captive c;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 1)) == 0);
    CHECK(captive_start(&c, NAME) == 0);
    spoilt = spoilt_version(&a, p);
    CHECK(enforcer_apparmor_load((struct enforcer_apparmor *)a.enforcer, &spoilt, &problem) < 0);
    printf("    %s\n", error_message(problem));
    CHECK(holds(&a, 1));
    CHECK(captive_open(&c, SECRET) == EACCES);
    CHECK(captive_open(&c, PUBLIC) == 0);
    CHECK(!exists(AGENT_SIDE_STATE "/apparmor/" NAME ".loading"));
    apparmor_binary_unref(spoilt.binary);
    captive_end(&c);
    agent_side_end(&a);
}

static void a_commit_is_taken_back(void)
{
    struct agent_side a;
    struct captive c;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 1)) == 0);
    CHECK(a.enforcer->ops->revert(a.enforcer, NAME, NULL) == 0);
    CHECK(is_listed(NAME, ""));
    CHECK(!exists(RECORD));
    CHECK(a.enforcer->ops->revert(a.enforcer, NAME, NULL) == -EINVAL);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 1, 1)) == 0);
    CHECK(captive_start(&c, NAME) == 0);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, PUBLIC, 0, 2)) == 0);
    CHECK(captive_open(&c, SECRET) == 0);
    CHECK(a.enforcer->ops->revert(a.enforcer, NAME, NULL) == 0);
    CHECK(captive_open(&c, SECRET) == EACCES);
    CHECK(holds(&a, 1));
    captive_end(&c);
    agent_side_end(&a);
    agent_side_begin(&a, AGENT_SIDE_STATE); /* the record went back too */
    CHECK(holds(&a, 1));
    agent_side_end(&a);
}

static void a_new_agent_finds_what_the_old_one_left(void)
{
    struct digest d = digest_with(3);
    struct agent_side a;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 3)) == 0);
    agent_side_end(&a);
    CHECK(is_listed(NAME, "enforce"));
    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(a.n_adopted == 1);
    CHECK(strcmp(a.adopted[0].profile, NAME) == 0);
    CHECK(digest_equal(&a.adopted[0].digest, &d));
    CHECK(holds(&a, 3));
    CHECK(a.enforcer->ops->remove(a.enforcer, NAME, NULL) == 0);
    CHECK(is_listed(NAME, ""));
    agent_side_end(&a);
}

static void what_somebody_changed_is_not_taken_for_ours(void)
{
    struct digest d = digest_with(3);
    struct agent_side a;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 3)) == 0);
    agent_side_load_by_hand("profile " NAME " { file, }\n");
    CHECK(!holds(&a, 3));
    agent_side_end(&a);
    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(a.n_adopted == 1);
    CHECK(!digest_equal(&a.adopted[0].digest, &d));
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 3)) == 0);
    CHECK(holds(&a, 3));
    agent_side_end(&a);
}

static void after_a_reboot_the_parser_is_not_needed(void)
{
    struct agent_side a;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 1, 3)) == 0);
    agent_side_end(&a);
    agent_side_remove_by_hand(NAME); /* a reboot, as far as the kernel's profiles go */
    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(a.n_adopted == 0);
    CHECK(!holds(&a, 3));
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 1, 3)) == 0);
    CHECK(a.n_prepared == 0);
    CHECK(holds(&a, 3));
    agent_side_end(&a);
}

static void a_record_that_nobody_wants_goes_once_all_is_settled(void)
{
    struct agent_side a;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 3)) == 0);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME "-2", SECRET, 0, 3)) == 0);
    agent_side_end(&a);
    agent_side_remove_by_hand(NAME);
    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(a.n_adopted == 1);
    CHECK(exists(RECORD));
    CHECK(a.enforcer->ops->settle(a.enforcer, NULL) == 0);
    CHECK(!exists(RECORD));
    CHECK(is_listed(NAME "-2", "enforce"));
    CHECK(a.enforcer->ops->remove(a.enforcer, NAME "-2", NULL) == 0);
    agent_side_end(&a);
}

/* The agent dies after the kernel has the new version and before its record is published. */
static void a_crash_between_kernel_and_record_is_found_out(void)
{
    struct digest d = digest_with(2);
    struct agent_side a;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 1)) == 0);
    CHECK(link(RECORD, AGENT_SIDE_STATE "/apparmor/old") == 0);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, PUBLIC, 0, 2)) == 0);
    agent_side_end(&a);
    CHECK(rename(RECORD, AGENT_SIDE_STATE "/apparmor/" NAME ".loading") == 0);
    CHECK(rename(AGENT_SIDE_STATE "/apparmor/old", RECORD) == 0);
    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(a.n_adopted == 1);
    CHECK(digest_equal(&a.adopted[0].digest, &d) == has_copies); /* else it is loaded anew */
    CHECK(holds(&a, 2) == has_copies);
    CHECK(!holds(&a, 1));
    CHECK(!exists(AGENT_SIDE_STATE "/apparmor/" NAME ".loading"));
    agent_side_end(&a);
}

static void told(const char *what, void *data)
{
    ++*(unsigned *)data;
    printf("    removed: %s\n", what);
}

static void profiles_of_others_are_left_alone(void)
{
    struct agent_side a;
    unsigned n = 0;

    agent_side_load_by_hand("profile " FOREIGN " { file, }\nprofile varmor-by-hand { file, }\n");
    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(a.n_adopted == 0);
    CHECK(a.enforcer->ops->remove(a.enforcer, FOREIGN, NULL) == 0);
    CHECK(a.enforcer->ops->remove(a.enforcer, "varmor-by-hand", NULL) == 0);
    CHECK(is_listed(FOREIGN, "enforce"));
    CHECK(is_listed("varmor-by-hand", "enforce"));
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 2, 1)) == 0);
    CHECK(a.enforcer->ops->remove(a.enforcer, NAME, NULL) == 0);
    CHECK(is_listed(NAME, ""));
    CHECK(is_listed(NAME "//child_1", ""));
    CHECK(!exists(RECORD));
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 1)) == 0);
    agent_side_end(&a);
    CHECK(enforcer_apparmor_cleanup(AGENT_SIDE_STATE, told, &n, NULL) == 0);
    CHECK(n == 2);
    CHECK(is_listed(NAME, ""));
    CHECK(!exists(AGENT_SIDE_STATE "/apparmor"));
    CHECK(is_listed(FOREIGN, "enforce"));
    CHECK(enforcer_apparmor_cleanup(AGENT_SIDE_STATE, told, &n, NULL) == 0);
    agent_side_remove_by_hand(FOREIGN);
    agent_side_remove_by_hand("varmor-by-hand");
}

static void a_container_says_what_it_runs_under(void)
{
    struct agent_side a;
    struct captive c;
    struct enforcer_hold hold;

    agent_side_load_by_hand("profile " FOREIGN " { file, }\n");
    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(captive_start(&c, NULL) == 0);
    CHECK(strstr(inspect(&a, &c).reason, "no version of this AppArmor profile is loaded"));
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 1)) == 0);
    hold = inspect(&a, &c);
    CHECK(!hold.in_force && hold.restart_needed && strstr(hold.reason, "unconfined"));
    captive_end(&c);
    CHECK(captive_start(&c, FOREIGN) == 0);
    hold = inspect(&a, &c);
    CHECK(!hold.in_force && hold.restart_needed && strstr(hold.reason, "'" FOREIGN));
    snprintf(c.cgroup, sizeof(c.cgroup), "/another");
    CHECK(strstr(inspect(&a, &c).reason, "no longer the container's"));
    snprintf(c.cgroup, sizeof(c.cgroup), "/captive");
    captive_end(&c);
    agent_side_remove_by_hand(FOREIGN);
    agent_side_end(&a);
}

static void a_child_that_the_new_version_lacks_needs_a_restart(void)
{
    struct agent_side a;
    struct captive c;
    struct enforcer_hold hold;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 1, 1)) == 0);
    CHECK(captive_start(&c, NAME "//child_0") == 0);
    CHECK(inspect(&a, &c).in_force);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 2)) == 0);
    hold = inspect(&a, &c);
    printf("    %s\n", hold.reason);
    CHECK(!hold.in_force && hold.restart_needed);
    CHECK(captive_open(&c, SECRET) == EACCES); /* it is not let loose */
    captive_end(&c);
    agent_side_end(&a);
}

/* The builder has no such mode yet; the text is made by hand and loaded as commit() does. */
static void complain_mode_denies_nothing_and_is_told(void)
{
    struct buf data CLEANUP_BUF = BUF_INIT(APPARMOR_BINARY_MAX);
    CLEANUP(profile_unref) struct profile *p = agent_side_profile(NAME, SECRET, 0, 5);
    struct enforcer_version v = {.profile = p};
    struct enforcer_holding h;
    struct agent_side a;
    struct captive c;
    uint8_t chunk[4096];
    FILE *f;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    f = popen("echo 'profile " NAME " flags=(complain) { /** ix, }' | "
              "apparmor_parser --config-file=/dev/null -qQKS",
              "re");
    CHECK(f);
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
        CHECK(buf_add(&data, chunk, n) == 0);
    CHECK(pclose(f) == 0);
    CHECK(apparmor_binary_new(&v.binary, NAME, &data, NULL) == 0);
    CHECK(enforcer_apparmor_load((struct enforcer_apparmor *)a.enforcer, &v, NULL) == 0);
    apparmor_binary_unref(v.binary);
    CHECK(a.enforcer->ops->describe(a.enforcer, NAME, &h, NULL) == 0);
    CHECK(strcmp(h.mode, "complain") == 0);
    CHECK(captive_start(&c, NAME) == 0);
    CHECK(captive_open(&c, SECRET) == 0);
    CHECK(inspect(&a, &c).in_force);
    CHECK(strcmp(inspect(&a, &c).mode, "complain") == 0);
    captive_end(&c);
    agent_side_end(&a);
}

static void many_profiles_are_compiled_side_by_side(void)
{
    static struct enforcer_version *versions[MANY];
    static struct profile *profiles[MANY];
    struct agent_side a;
    struct timespec began, ended;
    unsigned n_ready = 0;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (unsigned i = 0; i < MANY; i++) {
        char name[64];

        snprintf(name, sizeof(name), NAME "-%u", i);
        profiles[i] = agent_side_profile(name, SECRET, 1, i);
        CHECK(a.enforcer->ops->prepare(a.enforcer, profiles[i], &versions[i], NULL) ==
              -EINPROGRESS);
    }
    for (unsigned i = 0; i < MANY; i++)
        CHECK(agent_side_prepare(&a, profiles[i], &versions[i], NULL) == 0);
    for (unsigned i = 0; i < MANY; i++)
        n_ready += a.enforcer->ops->commit(a.enforcer, &versions[i], NULL) == 0;
    clock_gettime(CLOCK_MONOTONIC, &ended);
    CHECK(n_ready == MANY);
    printf("    %d profiles compiled and loaded in %ld ms\n", MANY,
           (ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000);
    for (unsigned i = 0; i < MANY; i++) {
        CHECK(a.enforcer->ops->remove(a.enforcer, profiles[i]->name, NULL) == 0);
        profile_unref(profiles[i]);
    }
    agent_side_end(&a);
}

static void a_profile_that_is_removed_is_not_compiled(void)
{
    CLEANUP(profile_unref) struct profile *p = agent_side_profile(NAME, SECRET, 0, 1);
    struct enforcer_version *v = NULL;
    struct agent_side a;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(a.enforcer->ops->prepare(a.enforcer, p, &v, NULL) == -EINPROGRESS);
    CHECK(a.enforcer->ops->remove(a.enforcer, NAME, NULL) == 0);
    agent_side_end(&a);
    CHECK(p->n_refs == 1);
}

static void a_full_disk_does_not_keep_a_profile_out(void)
{
    struct agent_side a;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 0, 1)) == 0);
    CHECK(system("mount -t tmpfs -o ro none " AGENT_SIDE_STATE "/apparmor") == 0);
    agent_side_end(&a);
    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(a.facts.usable);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, PUBLIC, 0, 2)) == 0);
    CHECK(holds(&a, 2));
    agent_side_end(&a);
    CHECK(system("umount " AGENT_SIDE_STATE "/apparmor") == 0);
    agent_side_begin(&a, AGENT_SIDE_STATE); /* another version than the one that is remembered */
    CHECK(a.n_adopted == 1);
    CHECK(!holds(&a, 1) && !holds(&a, 2));
    agent_side_end(&a);
}

static void a_confined_agent_can_do_all_that(void)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct agent_side a;
    struct captive c;
    int r;

    CHECK(captive_start(&c, NULL) == 0);
    agent_side_begin(&a, AGENT_SIDE_STATE);
    r = confinement_enter(true, &problem);
    if (r < 0)
        printf("    %s\n", error_message(problem));
    CHECK(r == 0);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, SECRET, 1, 1)) == 0);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, PUBLIC, 1, 2)) == 0);
    CHECK(a.n_prepared == 2);
    CHECK(holds(&a, 2));
    CHECK(strstr(inspect(&a, &c).reason, "unconfined"));
    CHECK(a.enforcer->ops->revert(a.enforcer, NAME, NULL) == 0);
    CHECK(holds(&a, 1));
    CHECK(a.enforcer->ops->remove(a.enforcer, NAME, NULL) == 0);
    CHECK(is_listed(NAME, ""));
    agent_side_end(&a);
    CHECK(!is_logged("type=1326", "apparmor_parser", "")); /* the filter refused it nothing */
    CHECK(!is_logged("type=1326", "apparmor_test", ""));
}

/* ---- a kernel without AppArmor ---- */

static void without_apparmor_the_reason_is_told(void)
{
    CLEANUP(profile_unref) struct profile *p = agent_side_profile(NAME, SECRET, 0, 1);
    CLEANUP(error_free) struct error *problem = NULL;
    struct enforcer_version *v = NULL;
    struct agent_side a;
    unsigned n = 0;

    agent_side_begin(&a, AGENT_SIDE_STATE);
    CHECK(!a.facts.usable);
    printf("    %s\n", a.facts.reason);
    CHECK(strstr(a.facts.reason, "AppArmor"));
    CHECK(a.enforcer->ops->prepare(a.enforcer, p, &v, &problem) == -ENODEV);
    CHECK(!exists(AGENT_SIDE_STATE "/apparmor"));
    agent_side_end(&a);
    CHECK(enforcer_apparmor_cleanup(AGENT_SIDE_STATE, told, &n, NULL) == 0);
}

/* ---- running them ---- */

struct test {
    const char *name;
    void (*func)(void);
};

#define TEST(func)                                                                                 \
    {                                                                                              \
#func, func                                                                                \
    }

static const struct test tests[] = {
    TEST(the_node_says_what_it_can),
    TEST(a_profile_is_loaded_and_read_back),
    TEST(a_captive_is_denied_and_audited),
    TEST(a_new_version_takes_hold_of_what_runs),
    TEST(the_same_text_with_another_digest_is_another_version),
    TEST(a_text_that_is_not_ours_reaches_nobody),
    TEST(a_rule_of_a_newer_class_acts_or_is_refused_with_its_origin),
    TEST(a_binary_that_the_kernel_refuses_leaves_the_old_one_in_force),
    TEST(a_commit_is_taken_back),
    TEST(a_new_agent_finds_what_the_old_one_left),
    TEST(what_somebody_changed_is_not_taken_for_ours),
    TEST(after_a_reboot_the_parser_is_not_needed),
    TEST(a_record_that_nobody_wants_goes_once_all_is_settled),
    TEST(a_crash_between_kernel_and_record_is_found_out),
    TEST(profiles_of_others_are_left_alone),
    TEST(a_container_says_what_it_runs_under),
    TEST(a_child_that_the_new_version_lacks_needs_a_restart),
    TEST(complain_mode_denies_nothing_and_is_told),
    TEST(many_profiles_are_compiled_side_by_side),
    TEST(a_profile_that_is_removed_is_not_compiled),
    TEST(a_full_disk_does_not_keep_a_profile_out),
    TEST(a_confined_agent_can_do_all_that),
};
static const struct test unusable_tests[] = {TEST(without_apparmor_the_reason_is_told)};

/* Each test is a process of its own, and finds nothing of the last one's. */
static void run(const struct test *test)
{
    int status = 1;
    pid_t pid;

    printf("  %s\n", test->name);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        test->func();
        fflush(stdout);
        _exit(failed);
    }
    waitpid(pid, &status, 0);
    if (status == 0)
        n_passed++;
    else
        n_failed++, printf("  FAILED (status %d): %s\n", status, test->name);
    if (strcmp(agent_side_listed(NAME), "") != 0)
        agent_side_remove_by_hand(NAME);
    if (system("umount " AGENT_SIDE_STATE "/apparmor 2>/dev/null; rm -rf " AGENT_SIDE_STATE) < 0)
        n_failed++;
}

static void make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    bool usable = argc < 2 || strcmp(argv[1], "unusable") != 0;
    const struct test *list = usable ? tests : unusable_tests;
    size_t n = usable ? ARRAY_SIZE(tests) : ARRAY_SIZE(unusable_tests);

    if (argc > 1 && strcmp(argv[1], "captive") == 0)
        return captive_serve();
    has_copies = argc < 2 || strcmp(argv[1], "no-copies") != 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    mkdir("/run/varmor-test", 0755);
    make_file(SECRET);
    make_file(PUBLIC);
    for (size_t i = 0; i < n; i++) {
        if (usable && has_copies && argc > 1 && strcmp(argv[1], list[i].name) != 0)
            continue;
        run(&list[i]);
    }
    printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed ? 1 : 0;
}
