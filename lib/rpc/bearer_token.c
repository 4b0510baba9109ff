/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/bearer_token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base.h"

#define SCHEME "Bearer "

int bearer_token_read(char ret[static BEARER_TOKEN_SIZE], const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    const size_t start = strlen(SCHEME);
    size_t len;
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = read(fd, ret + start, BEARER_TOKEN_SIZE - start);
    if (n < 0)
        return -errno;
    if ((size_t)n == BEARER_TOKEN_SIZE - start)
        return -E2BIG;
    memcpy(ret, SCHEME, start);
    ret[start + (size_t)n] = '\0';
    len = strcspn(ret + start, "\r\n");
    ret[start + len] = '\0';
    return len > 0 ? 0 : -ENODATA;
}
