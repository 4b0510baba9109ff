/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/disks.h"

#include <errno.h>
#include <string.h>

#include "lib/buf.h"

/* Writes the names as /proc/partitions has them, so that they are read as a node's are. */
static int write_partitions(struct buf *out, const char *names)
{
    int r = buf_add_text(out, "major minor  #blocks  name\n\n");

    while (r == 0) {
        size_t len = strcspn(names, ",");

        if (len > 0)
            r = buf_format(out, "8 0 1 %.*s\n", (int)MIN(len, (size_t)DISK_PATH_MAX), names);
        names += len;
        if (!*names++)
            break;
    }
    return r;
}

int disks_parse(struct disk_list *ret, const char *names, struct error **reterr)
{
    CLEANUP_BUF struct buf text = BUF_INIT(DISK_LIST_MAX_TEXT);
    int r = write_partitions(&text, names ? names : "");

    *ret = (struct disk_list){0};
    if (r == -E2BIG)
        return error_set(reterr, r, "--disks: more than %u bytes", DISK_LIST_MAX_TEXT);
    if (r < 0)
        return error_oom(reterr);
    r = disk_list_parse(ret, buf_text(&text), text.len, reterr);
    if (r < 0)
        return r == -ENOMEM ? error_oom(reterr) : error_wrap(reterr, r, "--disks");
    if (ret->n_refused == 0)
        return 0;
    disk_list_done(ret);
    return error_set(reterr, -EINVAL, "--disks '%s': names as in /proc/partitions, between commas",
                     error_quote(names));
}
