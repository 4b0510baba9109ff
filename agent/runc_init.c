/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/runc_init.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_DESCRIPTORS 256 /* runc's init has about ten; who has more is not it */

DEFINE_CLEANUP(DIR *, closedir)

bool runc_init_waits(const char *state_folder, const char *name_space, const char *id, int pid)
{
    char path[PATH_MAX];
    struct stat fifo, st;
    unsigned n = 0;
    CLEANUP(closedir) DIR *dir = NULL;

    if (strchr(name_space, '/') || strchr(id, '/') ||
        snprintf(path, sizeof(path), "%s/%s/%s/exec.fifo", state_folder, name_space, id) >=
            (int)sizeof(path) ||
        lstat(path, &fifo) < 0 || !S_ISFIFO(fifo.st_mode))
        return false;
    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    dir = opendir(path);
    if (!dir)
        return false;
    for (const struct dirent *e = readdir(dir); e && n < MAX_DESCRIPTORS; e = readdir(dir), n++) {
        if (fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && S_ISFIFO(st.st_mode) &&
            st.st_dev == fifo.st_dev && st.st_ino == fifo.st_ino)
            return true;
    }
    return false;
}
