/* SPDX-License-Identifier: Apache-2.0 */
#include "test/attacks/program/attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CONNECT_TIMEOUT_MS 5000

/* ---- addresses ---- */

static const struct {
    const char *name;
    int number;
} families[] =
    {
        {"unix", AF_UNIX}, {"inet", AF_INET},     {"inet6", AF_INET6}, {"netlink", AF_NETLINK},
        {"alg", AF_ALG},   {"packet", AF_PACKET}, {"vsock", AF_VSOCK},
},
  types[] = {
      {"stream", SOCK_STREAM},
      {"dgram", SOCK_DGRAM},
      {"raw", SOCK_RAW},
      {"seqpacket", SOCK_SEQPACKET},
};

static int family_of(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(families); i++)
        if (strcmp(families[i].name, word) == 0)
            return families[i].number;
    return (int)attempt_number(word);
}

static int type_of(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (strcmp(types[i].name, word) == 0)
            return types[i].number;
    return (int)attempt_number(word);
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
};

/* "1.2.3.4", "::1" or "/path" or "@abstract"; port is for the first two. Returns the length. */
static socklen_t address_of(union address *ret, const char *text, const char *port)
{
    uint16_t number = htons(port ? (uint16_t)attempt_number(port) : 0);

    *ret = (union address){};
    if (text[0] == '/' || text[0] == '@') {
        ret->un.sun_family = AF_UNIX;
        snprintf(ret->un.sun_path, sizeof(ret->un.sun_path), "%s", text);
        if (text[0] == '@')
            ret->un.sun_path[0] = '\0';
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text) +
                           (text[0] == '/'));
    }
    if (inet_pton(AF_INET, text, &ret->v4.sin_addr) == 1) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = number;
        return sizeof(ret->v4);
    }
    ret->v6.sin6_family = AF_INET6;
    ret->v6.sin6_port = number;
    inet_pton(AF_INET6, text, &ret->v6.sin6_addr);
    return sizeof(ret->v6);
}

/* ---- sockets ---- */

static int do_socket(struct attempt *a, char **w) /* FAMILY TYPE [PROTOCOL] */
{
    return attempt_keep(a, socket(family_of(w[1]), type_of(w[2]) | SOCK_CLOEXEC,
                                  w[3] ? (int)attempt_number(w[3]) : 0));
}

static int do_socketpair(struct attempt *a, char **w) /* FAMILY TYPE */
{
    int fds[2];

    if (socketpair(family_of(w[1]), type_of(w[2]) | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    close(fds[1]);
    return attempt_keep(a, fds[0]);
}

static int listening(struct attempt *a, const union address *at, socklen_t len, int type)
{
    const int one = 1;
    int r = attempt_keep(a, socket(at->any.sa_family, type | SOCK_CLOEXEC, 0));

    if (r < 0)
        return r;
    setsockopt(a->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    r = attempt_result(bind(a->fd, &at->any, len));
    if (r == 0 && type != SOCK_DGRAM)
        r = attempt_result(listen(a->fd, 1024));
    return r;
}

static int do_listen(struct attempt *a, char **w) /* TYPE ADDRESS [PORT] */
{
    union address at;
    socklen_t len = address_of(&at, w[2], w[3]);

    if (w[2][0] == '/')
        unlink(w[2]);
    return listening(a, &at, len, type_of(w[1]));
}

/* Waits for what a non-blocking connect comes to. */
static int connected(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    socklen_t len = sizeof(int);
    int r = 0;

    if (poll(&p, 1, CONNECT_TIMEOUT_MS) <= 0)
        return -ETIMEDOUT;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &r, &len) < 0)
        return -errno;
    return -r;
}

static int connect_to(int fd, const union address *to, socklen_t len)
{
    int r;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    r = attempt_result(connect(fd, &to->any, len));
    return r == -EINPROGRESS ? connected(fd) : r;
}

static int do_connect(struct attempt *a, char **w) /* TYPE ADDRESS [PORT [FAMILY-OF-THE-SOCKET]] */
{
    union address to;
    socklen_t len = address_of(&to, w[2], w[3]);
    int family = w[3] && w[4] ? family_of(w[4]) : to.any.sa_family;
    int r = attempt_keep(a, socket(family, type_of(w[1]) | SOCK_CLOEXEC, 0));

    return r < 0 ? r : connect_to(a->fd, &to, len);
}

/* With the socket that the step before opened, or that the attacker kept. */
static int do_connect_kept(struct attempt *a, char **w) /* NAME ADDRESS PORT */
{
    union address to;
    socklen_t len = address_of(&to, w[2], w[3]);
    int fd = attacker_kept(w[1]), r;

    if (fd < 0)
        return -EBADF;
    r = connect_to(fd, &to, len);
    if (r == 0)
        attempt_undo(a, "disconnect-kept %s", w[1]);
    return r;
}

static int do_disconnect_kept(struct attempt *a UNUSED, char **w) /* NAME: as if it were new */
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};

    return attempt_result(connect(attacker_kept(w[1]), &none, sizeof(none)));
}

static int do_send(struct attempt *a, char **w) /* ADDRESS PORT: a datagram without connect() */
{
    union address to;
    socklen_t len = address_of(&to, w[1], w[2]);
    int r = attempt_keep(a, socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));

    return r < 0 ? r : attempt_result(sendto(a->fd, "x", 1, MSG_DONTWAIT, &to.any, len));
}

static int do_send_messages(struct attempt *a, char **w) /* ADDRESS PORT: by sendmmsg */
{
    union address to;
    socklen_t len = address_of(&to, w[1], w[2]);
    struct iovec iov = {.iov_base = (char[]){"x"}, .iov_len = 1};
    struct mmsghdr m = {
        .msg_hdr = {.msg_name = &to, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1}};
    int r = attempt_keep(a, socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));

    return r < 0 ? r : attempt_result(sendmmsg(a->fd, &m, 1, 0));
}

static int do_fast_open(struct attempt *a, char **w) /* ADDRESS PORT: data with the first packet */
{
    union address to;
    socklen_t len = address_of(&to, w[1], w[2]);
    int r = attempt_keep(a, socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));

    return r < 0 ? r : attempt_result(sendto(a->fd, "x", 1, MSG_FASTOPEN, &to.any, len));
}

/* A packet with an own IP header, of protocol 255: says where it goes by itself. */
static int do_raw_packet(struct attempt *a, char **w) /* ADDRESS */
{
    unsigned char packet[20] = {0x45, 0, 0, 20, 0, 1, 0, 0, 64, 255};
    union address to;
    socklen_t len = address_of(&to, w[1], NULL);
    int r = attempt_keep(a, socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 255));

    if (r < 0)
        return r;
    memcpy(packet + 16, &to.v4.sin_addr, 4);
    return attempt_result(sendto(a->fd, packet, sizeof(packet), 0, &to.any, len));
}

/* An algorithm socket that is bound to one: what the rule is about. */
static int do_algorithm(struct attempt *a, char **w UNUSED)
{
    struct sockaddr_alg sa = {.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha256"};
    int r = attempt_keep(a, socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));

    if (r < 0)
        return r;
    r = attempt_result(bind(a->fd, (const struct sockaddr *)&sa, sizeof(sa)));
    return r == -ENOENT ? 0 : r; /* the kernel has no such algorithm: the socket is what counts */
}

static int do_option(struct attempt *a, char **w) /* LEVEL OPTION NUMBER: of a new UDP socket */
{
    int value = (int)attempt_number(w[3]);
    int r = attempt_keep(a, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

    return r < 0 ? r
                 : attempt_result(setsockopt(a->fd, (int)attempt_number(w[1]),
                                             (int)attempt_number(w[2]), &value, sizeof(value)));
}

const struct verb network_verbs[] = {
    {"socket", 2, do_socket},
    {"socketpair", 2, do_socketpair},
    {"listen", 2, do_listen},
    {"connect", 2, do_connect},
    {"connect-kept", 3, do_connect_kept},
    {"disconnect-kept", 1, do_disconnect_kept},
    {"send", 2, do_send},
    {"send-messages", 2, do_send_messages},
    {"fast-open", 2, do_fast_open},
    {"raw-packet", 1, do_raw_packet},
    {"algorithm", 0, do_algorithm},
    {"option", 3, do_option},
    {},
};
