/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/cgroup.h"

START_TEST(the_v2_line_is_found_among_others)
{
    static const struct {
        const char *text;
        int result;
        const char *path;
    } cases[] = {
        {"0::/system.slice/cri-1.scope\n", 0, "/system.slice/cri-1.scope"},
        {"0::/\n", 0, "/"},
        {"0::/a b/c:d\n", 0, "/a b/c:d"},
        {"12:pids:/x\n1:name=systemd:/y\n0::/z\n", 0, "/z"},
        {"0::/no/newline", 0, "/no/newline"},
        {"10::/not/zero\n", -ENOENT, NULL},
        {"1:name=0::/x:/y\n", -ENOENT, NULL}, /* a hierarchy's name is the owner's choice */
        {"1:cpu:/0::/evil\n", -ENOENT, NULL},
        {"", -ENOENT, NULL},
        {"0::", -EBADMSG, NULL},
        {"0::relative\n", -EBADMSG, NULL},
        {"0::/gone (deleted)\n", -ESTALE, NULL},
        {"0::/../kubepods\n", -EXDEV, NULL},
        {"0::/..\n", -EXDEV, NULL},
        {"0::/a/../b\n", -EXDEV, NULL},
        {"0::/..a/b..\n", 0, "/..a/b.."},
        {"0::/...\n", 0, "/..."},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        CLEANUP_FREE char *path = NULL;
        int r = cgroup_parse(&path, cases[i].text, strlen(cases[i].text), &problem);

        ck_assert_msg(r == cases[i].result, "'%s': %d, %s", cases[i].text, r,
                      error_message(problem));
        ck_assert_pstr_eq(path, cases[i].path);
        ck_assert((r < 0) == (problem != NULL));
    }
}
END_TEST

START_TEST(a_nul_byte_in_a_path_is_refused)
{
    static const char text[] = "0::/a\0b\n";
    CLEANUP_FREE char *path = NULL;

    ck_assert_int_eq(cgroup_parse(&path, text, sizeof(text) - 1, NULL), -EBADMSG);
}
END_TEST

START_TEST(a_path_at_its_ceiling_is_taken_and_one_past_it_refused)
{
    for (size_t len = CGROUP_PATH_MAX - 1; len <= CGROUP_PATH_MAX; len++) {
        char text[CGROUP_PATH_MAX + 8] = "0::/";
        CLEANUP_FREE char *path = NULL;

        memset(text + 4, 'a', len - 1);
        ck_assert_int_eq(cgroup_parse(&path, text, 3 + len, NULL),
                         len < CGROUP_PATH_MAX ? 0 : -E2BIG);
    }
}
END_TEST

START_TEST(a_containers_own_cgroup_is_never_below_it)
{
    static const struct {
        const char *path, *cgroups_path, *result;
    } cases[] = {
        /* cgroupfs: the path itself */
        {"/default/c1", "/default/c1", "/default/c1"},
        {"/default/c1/init.scope", "/default/c1", "/default/c1"},
        {"/default/c1/default/c1", "/default/c1", "/default/c1"},
        {"/default/c10", "/default/c1", "/default/c10"},
        {"/docker/abc/default/c1/x", "/default/c1",
         "/docker/abc/default/c1"}, /* a nested containerd */
        {"/a/c1/b", "c1", "/a/c1"},
        /* systemd: slice:prefix:name */
        {"/kubepods.slice/kubepods-pod1.slice/cri-containerd-abc.scope/init.scope",
         "kubepods-pod1.slice:cri-containerd:abc",
         "/kubepods.slice/kubepods-pod1.slice/cri-containerd-abc.scope"},
        {"/system.slice/abc.scope/x", ":" /* no slice, no prefix */ ":abc",
         "/system.slice/abc.scope"},
        {"/machine.slice/x.slice/y", "machine.slice::x.slice", "/machine.slice/x.slice"},
        /* nothing fits: left as it is */
        {"/some/where", "/default/c1", "/some/where"},
        {"/some/where", "", "/some/where"},
        {"/some/where", "/", "/some/where"},
        {"/", "/default/c1", "/"},
        {"/some/where", "a:b:c", "/some/where"},
        {"/some/where", "a:b", "/some/where"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char path[256];

        snprintf(path, sizeof(path), "%s", cases[i].path);
        cgroup_trim(path, cases[i].cgroups_path);
        ck_assert_str_eq(path, cases[i].result);
    }
}
END_TEST

START_TEST(a_process_that_does_not_exist_is_said_to)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct cgroup_root root = {.fd = 0, .path = "/", .layout = "unified"};
    CLEANUP_FREE char *path = NULL;
    uint64_t id, mnt_ns;

    /* above the kernel's highest pid */
    ck_assert_int_eq(cgroup_of_container(&root, 1 << 30, NULL, &path, &id, &problem), -ESRCH);
    ck_assert_str_eq(error_message(problem),
                     "process 1073741824: process 1073741824: No such process");
    ck_assert_int_eq(cgroup_mount_namespace(1 << 30, &mnt_ns, NULL), -ESRCH);
}
END_TEST

START_TEST(our_own_mount_namespace_is_that_of_proc)
{
    struct stat st;
    uint64_t mnt_ns;

    ck_assert_int_eq(cgroup_mount_namespace(getpid(), &mnt_ns, NULL), 0);
    ck_assert_int_eq(stat("/proc/self/ns/mnt", &st), 0);
    ck_assert_uint_eq(mnt_ns, st.st_ino);
}
END_TEST

START_TEST(without_a_v2_hierarchy_there_is_no_cgroup)
{
    CLEANUP(error_free) struct error *problem = NULL;
    const struct cgroup_root none = CGROUP_ROOT_NONE;
    CLEANUP_FREE char *path = NULL;
    uint64_t id;

    ck_assert_int_eq(cgroup_of_container(&none, getpid(), NULL, &path, &id, &problem), -ENOENT);
    ck_assert_str_eq(error_message(problem), "this node has no cgroup v2 hierarchy");
}
END_TEST

/* Without the right to leave it, or to look at process 1, the agent stays where it is. */
START_TEST(a_cgroup_namespace_of_ones_own_is_left_for_that_of_process_1)
{
    struct cgroup_root root = CGROUP_ROOT_NONE;
    struct stat own, here, host;
    bool may_leave = unshare(CLONE_NEWCGROUP) == 0;

    ck_assert(may_leave || errno == EPERM);
    ck_assert_int_eq(stat("/proc/self/ns/cgroup", &own), 0);
    cgroup_root_open(&root, NULL);
    cgroup_root_done(&root);
    ck_assert_int_eq(stat("/proc/self/ns/cgroup", &here), 0);
    if (may_leave && stat("/proc/1/ns/cgroup", &host) == 0) {
        ck_assert_uint_ne(own.st_ino, here.st_ino);
        ck_assert_uint_eq(host.st_ino, here.st_ino);
    } else {
        ck_assert_uint_eq(own.st_ino, here.st_ino);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("cgroup");
    TCase *t = tcase_create("cgroup");

    tcase_add_test(t, the_v2_line_is_found_among_others);
    tcase_add_test(t, a_nul_byte_in_a_path_is_refused);
    tcase_add_test(t, a_path_at_its_ceiling_is_taken_and_one_past_it_refused);
    tcase_add_test(t, a_containers_own_cgroup_is_never_below_it);
    tcase_add_test(t, a_process_that_does_not_exist_is_said_to);
    tcase_add_test(t, our_own_mount_namespace_is_that_of_proc);
    tcase_add_test(t, without_a_v2_hierarchy_there_is_no_cgroup);
    tcase_add_test(t, a_cgroup_namespace_of_ones_own_is_left_for_that_of_process_1);
    suite_add_tcase(s, t);
    return s;
}
