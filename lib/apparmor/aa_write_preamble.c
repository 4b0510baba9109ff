/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/apparmor.h"

#include <errno.h>
#include <string.h>

#define NO_DISK "/dev/.varmor-no-disk" /* the variable must have a value; no device has this name */

/* What kernel names of disks are made of (cciss!c0d0 is /dev/cciss/c0d0); nothing that a pattern means. */
static bool is_device(const char *path)
{
    return strncmp(path, "/dev/", 5) == 0 && path[5] != '\0' &&
           path[strspn(path,
                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.:+-")] ==
               '\0';
}

int aa_write_preamble(const char *const *disks, size_t n, struct buf *out, struct error **reterr)
{
    int r;

    for (size_t i = 0; i < n; i++)
        if (!is_device(disks[i]))
            return error_set(reterr, -EINVAL, "disk '%s': not a name that a profile can hold",
                             error_quote(disks[i]));
    r = buf_add_text(out, "@{varmor_disks}=");
    for (size_t i = 0; i < n && r == 0; i++)
        r = buf_format(out, "%s%s", i > 0 ? " " : "", disks[i]);
    if (r == 0 && n == 0)
        r = buf_add_text(out, NO_DISK);
    return r < 0 ? r : buf_add_text(out, "\n");
}
