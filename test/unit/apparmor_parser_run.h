/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the host's own apparmor_parser makes of a text, for tests: with a file of features, since the
 * host's kernel may have no AppArmor. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"

#define TEST_PARSER   "/usr/sbin/apparmor_parser"
#define TEST_FEATURES "/etc/apparmor.d/abi/3.0"

static inline void parser_run(const char *text, struct buf *out)
{
    char path[] = "/tmp/parser-run.XXXXXX", command[256];
    uint8_t chunk[4096];
    int fd = mkstemp(path);
    FILE *f;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    snprintf(command, sizeof(command),
             TEST_PARSER " --config-file=/dev/null --quiet --kernel-features " TEST_FEATURES
                         " -QKS <%s",
             path);
    f = popen(command, "re");
    ck_assert_ptr_nonnull(f);
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
        ck_assert_int_eq(buf_add(out, chunk, n), 0);
    ck_assert_int_eq(pclose(f), 0);
    unlink(path);
}
