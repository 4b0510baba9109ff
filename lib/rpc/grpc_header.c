/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/grpc_header.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GRPC_TIMEOUT_MAX_DIGITS 8
#define GRPC_TIMEOUT_MAX_VALUE  99999999ULL

/* From the finest unit to the coarsest. */
static const struct {
    char letter;
    uint64_t ns;
} grpc_units[] = {
    {'n', 1},
    {'u', 1000},
    {'m', NS_PER_MSEC},
    {'S', NS_PER_SEC},
    {'M', 60 * NS_PER_SEC},
    {'H', 3600 * NS_PER_SEC},
};

int grpc_timeout_parse(uint64_t *ret_ns, const char *text)
{
    uint64_t value = 0;
    size_t n = 0;

    for (; text[n] >= '0' && text[n] <= '9'; n++) {
        if (n == GRPC_TIMEOUT_MAX_DIGITS)
            return -EINVAL;
        value = value * 10 + (uint64_t)(text[n] - '0');
    }
    if (n == 0 || text[n] == '\0' || text[n + 1] != '\0')
        return -EINVAL;
    for (size_t i = 0; i < ARRAY_SIZE(grpc_units); i++) {
        if (grpc_units[i].letter == text[n]) {
            *ret_ns = value > UINT64_MAX / grpc_units[i].ns ? UINT64_MAX : value * grpc_units[i].ns;
            return 0;
        }
    }
    return -EINVAL;
}

const char *grpc_timeout_format(uint64_t timeout_ns, char text[static GRPC_TIMEOUT_TEXT_SIZE])
{
    size_t last = ARRAY_SIZE(grpc_units) - 1, i = 0;
    uint64_t value = timeout_ns;

    while (value > GRPC_TIMEOUT_MAX_VALUE && i < last) {
        i++;
        value = timeout_ns / grpc_units[i].ns + (timeout_ns % grpc_units[i].ns != 0);
    }
    snprintf(text, GRPC_TIMEOUT_TEXT_SIZE, "%u%c", (unsigned)MIN(value, GRPC_TIMEOUT_MAX_VALUE),
             grpc_units[i].letter);
    return text;
}

const char *grpc_message_encode(const char *text, char out[static GRPC_MESSAGE_TEXT_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;

    for (size_t i = 0; i < GRPC_MESSAGE_MAX_BYTES && text[i] != '\0'; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x20 && c <= 0x7e && c != '%') {
            out[n++] = (char)c;
        } else {
            out[n++] = '%';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        }
    }
    out[n] = '\0';
    return out;
}

static int grpc_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

const char *grpc_message_decode(const char *text, char out[static GRPC_MESSAGE_MAX_BYTES + 1])
{
    size_t n = 0;

    for (size_t i = 0; n < GRPC_MESSAGE_MAX_BYTES && text[i] != '\0'; i++) {
        int high = text[i] == '%' ? grpc_hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? grpc_hex_digit(text[i + 2]) : -1;

        /* An encoded NUL would hide what follows it. */
        if (low >= 0 && (high != 0 || low != 0)) {
            out[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = text[i];
        }
    }
    out[n] = '\0';
    return out;
}

enum grpc_status grpc_status_parse(const char *text)
{
    unsigned value = 0;
    size_t n;

    for (n = 0; text[n] >= '0' && text[n] <= '9' && n < 2; n++)
        value = value * 10 + (unsigned)(text[n] - '0');
    if (n == 0 || text[n] != '\0' || value > GRPC_UNAUTHENTICATED)
        return GRPC_UNKNOWN;
    return (enum grpc_status)value;
}

enum grpc_status grpc_status_of_http(const char *text)
{
    static const struct {
        const char *http;
        enum grpc_status status;
    } table[] = {
        {"400", GRPC_INTERNAL},      {"401", GRPC_UNAUTHENTICATED}, {"403", GRPC_PERMISSION_DENIED},
        {"404", GRPC_UNIMPLEMENTED}, {"429", GRPC_UNAVAILABLE},     {"502", GRPC_UNAVAILABLE},
        {"503", GRPC_UNAVAILABLE},   {"504", GRPC_UNAVAILABLE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (strcmp(text, table[i].http) == 0)
            return table[i].status;
    return GRPC_UNKNOWN;
}

bool grpc_content_type_is_ours(const char *text)
{
    static const char ours[] = "application/grpc";
    size_t len = sizeof(ours) - 1;

    return strncmp(text, ours, len) == 0 &&
           (text[len] == '\0' || text[len] == '+' || text[len] == ';');
}

struct grpc_limits grpc_limits_fill(const struct grpc_limits *limits)
{
    struct grpc_limits l = limits ? *limits : (struct grpc_limits){};

    if (l.message_bytes == 0)
        l.message_bytes = GRPC_DEFAULT_MESSAGE_BYTES;
    if (l.queue_bytes == 0)
        l.queue_bytes = GRPC_DEFAULT_QUEUE_BYTES;
    if (l.calls == 0)
        l.calls = GRPC_DEFAULT_CALLS;
    if (l.connections == 0)
        l.connections = GRPC_DEFAULT_CONNECTIONS;
    if (l.metadata_bytes == 0)
        l.metadata_bytes = GRPC_DEFAULT_METADATA_BYTES;
    if (l.keepalive_ns == 0)
        l.keepalive_ns = GRPC_DEFAULT_KEEPALIVE_NS;
    if (l.handshake_ns == 0)
        l.handshake_ns = GRPC_DEFAULT_HANDSHAKE_NS;
    return l;
}
