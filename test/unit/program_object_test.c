/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/libbpf_text.h"
#include "agent/program_object.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *mountinfo;
    int r;
    uint32_t device;
} device_cases[] = {
    {"23 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n", 0, 254u << 20 | 1},
    /* the newest mount of "/" covers the others */
    {"1 1 0:2 / / rw - rootfs rootfs rw\n30 1 0:28 / /sys rw - sysfs sysfs rw\n40 1 0:33 /x / rw - tmpfs t rw\n",
     0, 33},
    {"23 1 259:1048575 / / rw - xfs /dev/nvme0n1 rw\n", 0, 259u << 20 | 1048575},
    {"30 1 0:28 / /sys rw - sysfs sysfs rw\n", -EINVAL, 0},
    {"30 1 0:28 / /root rw - tmpfs / rw\n", -EINVAL, 0},
    {"", -EINVAL, 0},
    {"\n\n", -EINVAL, 0},
    {"not a mountinfo", -EINVAL, 0},
};

START_TEST(the_device_of_the_host_root_is_that_of_its_last_mount)
{
    uint32_t device = 0;

    ck_assert_int_eq(program_object_parse_root_device(device_cases[_i].mountinfo, &device),
                     device_cases[_i].r);
    ck_assert_uint_eq(device, device_cases[_i].device);
}
END_TEST

START_TEST(a_build_is_known_by_sixteen_characters_that_do_not_change)
{
    char one[PROGRAM_OBJECT_ID_SIZE] = "", two[PROGRAM_OBJECT_ID_SIZE] = "";

    ck_assert_int_eq(program_object_build_id(one), 0);
    ck_assert_int_eq(program_object_build_id(two), 0);
    ck_assert_str_eq(one, two);
    ck_assert_uint_eq(strspn(one, "0123456789abcdef"), 16);
}
END_TEST

START_TEST(libbpfs_last_lines_are_joined)
{
    libbpf_text_begin();
    ck_assert_str_eq(libbpf_text_last(), "");
    libbpf_text_add("libbpf: prog 'x': BPF program load failed: Permission denied\n");
    libbpf_text_add("\nprocessed 4 insns\n");
    ck_assert_str_eq(
        libbpf_text_last(),
        ": libbpf: prog 'x': BPF program load failed: Permission denied; processed 4 insns");
    libbpf_text_end();
    libbpf_text_begin();
    ck_assert_str_eq(libbpf_text_last(), "");
    libbpf_text_end();
}
END_TEST

START_TEST(only_the_end_of_a_long_log_is_kept)
{
    static char log[5 * LIBBPF_TEXT_MAX];
    const char *text;

    memset(log, 'x', sizeof(log) - 1);
    memcpy(log + sizeof(log) - 9, "the end\n", 8);
    libbpf_text_begin();
    libbpf_text_add("the beginning\n");
    libbpf_text_add(log);
    text = libbpf_text_last();
    ck_assert_uint_le(strlen(text), LIBBPF_TEXT_MAX + 2);
    ck_assert_str_eq(text + strlen(text) - 7, "the end");
    ck_assert_ptr_null(strstr(text, "beginning"));
    memset(log, '\n', sizeof(log) - 1);
    for (size_t i = 0; i < sizeof(log) - 1; i += 2)
        log[i] = 'y';
    libbpf_text_add(log); /* nothing but short lines: joined they are longer than they were */
    ck_assert_uint_gt(strlen(libbpf_text_last()), LIBBPF_TEXT_MAX);
    libbpf_text_end();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("program_object");
    TCase *t = tcase_create("program_object");

    tcase_add_loop_test(t, the_device_of_the_host_root_is_that_of_its_last_mount, 0,
                        (int)ARRAY_SIZE(device_cases));
    tcase_add_test(t, a_build_is_known_by_sixteen_characters_that_do_not_change);
    tcase_add_test(t, libbpfs_last_lines_are_joined);
    tcase_add_test(t, only_the_end_of_a_long_log_is_kept);
    suite_add_tcase(s, t);
    return s;
}
