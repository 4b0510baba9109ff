/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/apparmor.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lib/utf8.h"

#define SPECIAL "*?[]{}^@\\\""

int aa_check_target(const char *path, struct error **reterr)
{
    size_t len = strlen(path), n;

    if (path[0] != '/')
        return error_set(reterr, -EINVAL, "target '%s' is no absolute path", error_quote(path));
    if (len >= PATH_MAX)
        return error_set(reterr, -EINVAL, "target '%s' is longer than %d bytes", error_quote(path),
                         PATH_MAX - 1);
    if (path[len - 1] == '/')
        return error_set(reterr, -EINVAL, "target '%s' is a folder: name a program",
                         error_quote(path));
    for (size_t i = 0; i < len; i += n) {
        n = utf8_printable((const uint8_t *)path + i, len - i);
        if (n == 0)
            return error_set(reterr, -EINVAL,
                             "target '%s': byte %zu is a control character or no UTF-8",
                             error_quote(path), i + 1);
        if (strchr(SPECIAL, path[i]))
            return error_set(reterr, -EINVAL,
                             "target '%s': '%c' at byte %zu: a target is one program, without "
                             "patterns, variables and quotes",
                             error_quote(path), path[i], i + 1);
    }
    return 0;
}
