/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/loop.h"
#include "lib/rpc/grpc.h"

struct listener {
    int fd;      /* owned, like the next */
    int reserve; /* a descriptor to spend when there are no others */
    struct loop_io *io;
    char *path; /* owned; of a Unix socket that is bound */
    struct stat file;
    uint16_t port;
    void (*accepted)(int fd, void *tag, void *data);
    void *tag, *data;
};

static void listener_on_ready(int fd, unsigned events UNUSED, void *data)
{
    struct listener *l = data;

    for (unsigned i = 0; i < LISTENER_ACCEPTS_PER_TURN; i++) {
        int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (accepted >= 0) {
            l->accepted(accepted, l->tag, l->data);
            continue;
        }
        if ((errno == EMFILE || errno == ENFILE) && l->reserve >= 0) {
            close(l->reserve);
            accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
            if (accepted >= 0)
                close(accepted);
            l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
            continue;
        }
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

/* True if path is a socket that nobody listens to any more. */
static bool listener_is_stale(const struct sockaddr_un *address)
{
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct stat file;

    if (fd < 0 || lstat(address->sun_path, &file) < 0 || !S_ISSOCK(file.st_mode))
        return false;
    return connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
           errno == ECONNREFUSED;
}

static int listener_bind_unix(struct listener *l, const struct grpc_address *a, unsigned mode,
                              struct error **reterr)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(a->host) >= sizeof(address.sun_path))
        return error_set(reterr, -EINVAL, "the path has more than %zu bytes",
                         sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, a->host, strlen(a->host) + 1);
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return error_errno(reterr, errno, "socket");
    fchmod(l->fd, mode); /* the file is created with it: nobody slips in before the chmod below */
    if (listener_is_stale(&address))
        unlink(address.sun_path);
    if (bind(l->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return error_errno(reterr, errno, "bind");
    l->path = strdup(a->host);
    if (!l->path) {
        unlink(address.sun_path);
        return error_oom(reterr);
    }
    if (stat(l->path, &l->file) < 0 || chmod(l->path, mode) < 0)
        return error_errno(reterr, errno, "chmod");
    return 0;
}

static int listener_bind_tcp(struct listener *l, const struct grpc_address *a,
                             struct error **reterr)
{
    /* Numbers only: what a server listens to must not depend on a resolver. */
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound = {};
    socklen_t len = sizeof(bound);
    char port[8];
    int r, on = 1;

    snprintf(port, sizeof(port), "%u", a->port);
    r = getaddrinfo(a->host, port, &hints, &found);
    if (r != 0)
        return error_set(reterr, -EINVAL, "'%s' is not an IP address", error_quote(a->host));
    l->fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0) {
        freeaddrinfo(found);
        return error_errno(reterr, errno, "socket");
    }
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on,
               sizeof(on)); /* inherited by what is accepted */
    r = bind(l->fd, found->ai_addr, found->ai_addrlen) < 0 ? errno : 0;
    freeaddrinfo(found);
    if (r != 0)
        return error_errno(reterr, r, "bind");
    if (getsockname(l->fd, &bound.any, &len) < 0)
        return error_errno(reterr, errno, "getsockname");
    l->port = ntohs(bound.any.sa_family == AF_INET ? bound.v4.sin_port : bound.v6.sin6_port);
    return 0;
}

int listener_new(struct listener **ret, struct loop *loop, const struct grpc_address *address,
                 unsigned mode, void (*accepted)(int fd, void *tag, void *data), void *tag,
                 void *data, struct error **reterr)
{
    CLEANUP(listener_free) struct listener *l = calloc(1, sizeof(*l));
    int r;

    if (!l)
        return error_oom(reterr);
    *l = (struct listener){.fd = -1, .reserve = -1, .accepted = accepted, .tag = tag, .data = data};
    l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (address->kind == GRPC_UNIX)
        r = listener_bind_unix(l, address, mode, reterr);
    else
        r = listener_bind_tcp(l, address, reterr);
    if (r < 0)
        return error_wrap(reterr, r, "cannot listen to '%s'", error_quote(address->host));
    if (listen(l->fd, LISTENER_BACKLOG) < 0)
        return error_errno(reterr, errno, "cannot listen to '%s'", error_quote(address->host));
    if (loop_io_new(loop, &l->io, l->fd, LOOP_READ, listener_on_ready, l) < 0)
        return error_oom(reterr);
    *ret = TAKE(l);
    return 0;
}

struct listener *listener_free(struct listener *l)
{
    struct stat now;

    if (!l)
        return NULL;
    loop_io_free(l->io);
    if (l->fd >= 0)
        close(l->fd);
    if (l->reserve >= 0)
        close(l->reserve);
    /* Only our own file: a successor may have put its socket there already. */
    if (l->path && lstat(l->path, &now) == 0 && now.st_dev == l->file.st_dev &&
        now.st_ino == l->file.st_ino)
        unlink(l->path);
    free(l->path);
    free(l);
    return NULL;
}

uint16_t listener_port(const struct listener *l)
{
    return l->port;
}
