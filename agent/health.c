/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/health.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/state_dir.h"

#define READY   "ready"
#define WAITING "waiting: "

struct health {
    int fd; /* owned; holds the lock */
};

static int path_of(char ret[static PATH_MAX], const char *state_dir, struct error **reterr)
{
    int n = snprintf(ret, PATH_MAX, "%s/" HEALTH_FILE, state_dir);

    return n < PATH_MAX
               ? 0
               : error_set(reterr, -ENAMETOOLONG, "'%s' is too long", error_quote(state_dir));
}

int health_new(struct health **ret, const char *state_dir, struct error **reterr)
{
    CLEANUP(health_free) struct health *h = calloc(1, sizeof(*h));
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[PATH_MAX];
    int r;

    if (!h)
        return error_oom(reterr);
    h->fd = -1;
    r = state_dir_make(state_dir, reterr);
    if (r == 0)
        r = path_of(path, state_dir, reterr);
    if (r < 0)
        return r;
    h->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (h->fd < 0)
        return error_errno(reterr, errno, "%s", path);
    if (fcntl(h->fd, F_OFD_SETLK, &whole) < 0)
        return errno == EAGAIN || errno == EACCES
                   ? error_set(reterr, -EBUSY, "another varmor-agent holds %s", path)
                   : error_errno(reterr, errno, "lock of %s", path);
    r = health_tell(h, "it starts");
    if (r < 0)
        return error_errno(reterr, r, "%s", path);
    *ret = TAKE(h);
    return 0;
}

struct health *health_free(struct health *h)
{
    if (!h)
        return NULL;
    if (h->fd >= 0)
        close(h->fd);
    free(h);
    return NULL;
}

/* A reader may come between the two calls: it takes the first line, and that is whole. */
int health_tell(struct health *h, const char *reason)
{
    char line[HEALTH_LINE_SIZE];
    int n = reason ? snprintf(line, sizeof(line) - 1, WAITING "%s", reason)
                   : snprintf(line, sizeof(line) - 1, READY);
    size_t len = MIN((size_t)n, sizeof(line) - 2);

    for (size_t i = 0; i < len; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[len++] = '\n';
    if (pwrite(h->fd, line, len, 0) != (ssize_t)len || ftruncate(h->fd, (off_t)len) < 0)
        return errno ? -errno : -EIO;
    return 0;
}

static int judge(char *line, struct error **reterr)
{
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, READY) == 0)
        return 0;
    if (strncmp(line, WAITING, strlen(WAITING)) == 0)
        return error_set(reterr, -EAGAIN, "not ready: %s", error_quote(line + strlen(WAITING)));
    return error_set(reterr, -EAGAIN, "not ready: it has said nothing yet");
}

int health_ask(const char *state_dir, struct error **reterr)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CLEANUP_CLOSE int fd = -1;
    char path[PATH_MAX], line[HEALTH_LINE_SIZE];
    ssize_t n;
    int r = path_of(path, state_dir, reterr);

    if (r < 0)
        return r;
    fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT)
        return error_errno(reterr, errno, "%s", path);
    if (fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) < 0)
        return error_errno(reterr, errno, "lock of %s", path);
    if (fd < 0 || whole.l_type == F_UNLCK)
        return error_set(reterr, -ESRCH, "no varmor-agent runs with the state folder '%s'",
                         error_quote(state_dir));
    n = pread(fd, line, sizeof(line) - 1, 0);
    if (n < 0)
        return error_errno(reterr, errno, "%s", path);
    line[n] = '\0';
    return judge(line, reterr);
}
