/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/grpc.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "lib/addr.h"

#define GRPC_HOST_MAX_BYTES 253 /* a DNS name */

const char *grpc_status_name(enum grpc_status status)
{
    static const char *const names[] = {
        [GRPC_OK] = "OK",
        [GRPC_CANCELLED] = "CANCELLED",
        [GRPC_UNKNOWN] = "UNKNOWN",
        [GRPC_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
        [GRPC_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
        [GRPC_NOT_FOUND] = "NOT_FOUND",
        [GRPC_ALREADY_EXISTS] = "ALREADY_EXISTS",
        [GRPC_PERMISSION_DENIED] = "PERMISSION_DENIED",
        [GRPC_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
        [GRPC_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
        [GRPC_ABORTED] = "ABORTED",
        [GRPC_OUT_OF_RANGE] = "OUT_OF_RANGE",
        [GRPC_UNIMPLEMENTED] = "UNIMPLEMENTED",
        [GRPC_INTERNAL] = "INTERNAL",
        [GRPC_UNAVAILABLE] = "UNAVAILABLE",
        [GRPC_DATA_LOSS] = "DATA_LOSS",
        [GRPC_UNAUTHENTICATED] = "UNAUTHENTICATED",
    };

    _Static_assert(ARRAY_SIZE(names) == GRPC_UNAUTHENTICATED + 1, "a status has no name");
    return (size_t)status < ARRAY_SIZE(names) ? names[status] : names[GRPC_UNKNOWN];
}

static bool grpc_host_is_loopback(const char *host)
{
    struct addr address, block;
    bool is_loopback = false;

    if (addr_parse(&address, host) < 0)
        return false;
    if (addr_parse_block(&block, "127.0.0.0/8") == 0)
        is_loopback = addr_in_block(&address, &block);
    if (addr_parse_block(&block, "::1/128") == 0)
        is_loopback = is_loopback || addr_in_block(&address, &block);
    return is_loopback;
}

static int grpc_port_parse(uint16_t *ret, const char *text)
{
    unsigned long port = 0;
    size_t n;

    for (n = 0; text[n] >= '0' && text[n] <= '9' && n < 5; n++)
        port = port * 10 + (unsigned long)(text[n] - '0');
    if (n == 0 || text[n] != '\0' || port > UINT16_MAX)
        return -EINVAL;
    *ret = (uint16_t)port;
    return 0;
}

/* "host:port" or "[address]:port" behind the scheme of text. */
static int grpc_host_parse(struct grpc_address *a, const char *host, const char *text,
                           struct error **reterr)
{
    const char *colon = strrchr(host, ':');
    size_t len = colon ? (size_t)(colon - host) : 0;

    if (!colon || grpc_port_parse(&a->port, colon + 1) < 0)
        return error_set(reterr, -EINVAL,
                         "address '%s': no port behind the host: host:port, port 0 to 65535",
                         error_quote(text));
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    } else if (memchr(host, ':', len)) {
        return error_set(reterr, -EINVAL,
                         "address '%s': write an IPv6 address in brackets: [::1]:%u",
                         error_quote(text), a->port);
    }
    if (len == 0 || len > GRPC_HOST_MAX_BYTES)
        return error_set(reterr, -EINVAL, "address '%s': the host must have 1 to %d characters",
                         error_quote(text), GRPC_HOST_MAX_BYTES);
    a->host = strndup(host, len);
    if (!a->host)
        return error_oom(reterr);
    return 0;
}

static int grpc_tcp_check(struct grpc_address *a, const char *text, struct error **reterr)
{
    if (strcmp(a->host, "localhost") == 0) { /* what it means must not depend on a resolver */
        free(a->host);
        a->host = strdup("127.0.0.1");
        return a->host ? 0 : error_oom(reterr);
    }
    if (!grpc_host_is_loopback(a->host))
        return error_set(
            reterr, -EINVAL,
            "address '%s': TCP in the clear is for loopback addresses only; use tls://",
            error_quote(text));
    return 0;
}

static int grpc_path_parse(struct grpc_address *a, const char *path, const char *text,
                           struct error **reterr)
{
    size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

    if (path[0] != '/' || strlen(path) > max)
        return error_set(
            reterr, -EINVAL,
            "address '%s': the path of a Unix socket is absolute and has at most %zu bytes",
            error_quote(text), max);
    a->host = strdup(path);
    return a->host ? 0 : error_oom(reterr);
}

int grpc_address_parse(struct grpc_address *ret, const char *text, struct error **reterr)
{
    struct grpc_address a = {};
    int r;

    if (strncmp(text, "unix:", 5) == 0) {
        a.kind = GRPC_UNIX;
        r = grpc_path_parse(&a, text + 5, text, reterr);
    } else if (strncmp(text, "tls://", 6) == 0) {
        a.kind = GRPC_TLS;
        r = grpc_host_parse(&a, text + 6, text, reterr);
    } else if (strncmp(text, "tcp://", 6) == 0) {
        a.kind = GRPC_TCP;
        r = grpc_host_parse(&a, text + 6, text, reterr);
        if (r == 0 && a.host)
            r = grpc_tcp_check(&a, text, reterr);
    } else {
        r = error_set(reterr, -EINVAL,
                      "address '%s' is none of unix:/path, tls://host:port, tcp://host:port",
                      error_quote(text));
    }
    if (r < 0) {
        grpc_address_done(&a);
        return r;
    }
    *ret = a;
    return 0;
}

void grpc_address_done(struct grpc_address *a)
{
    free(a->host);
    a->host = NULL;
}
