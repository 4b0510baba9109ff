/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint8_t addr_mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void addr_mask(struct addr *a)
{
    for (unsigned bit = a->prefix_len; bit < 128; bit++)
        a->bytes[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
}

void addr_normalise(struct addr *a)
{
    if (a->family == ADDR_IPV6 && a->prefix_len >= 96 &&
        memcmp(a->bytes, addr_mapped_prefix, sizeof(addr_mapped_prefix)) == 0) {
        memmove(a->bytes, a->bytes + 12, 4);
        memset(a->bytes + 4, 0, 12);
        a->family = ADDR_IPV4;
        a->prefix_len = (uint8_t)(a->prefix_len - 96);
    }
    addr_mask(a);
}

static int addr_parse_bits(struct addr *ret, const char *text, int bits)
{
    struct addr a = {.family = ADDR_IPV4};

    if (inet_pton(AF_INET, text, a.bytes) != 1) {
        a.family = ADDR_IPV6;
        if (inet_pton(AF_INET6, text, a.bytes) != 1)
            return -EINVAL;
    }
    if (bits > (a.family == ADDR_IPV4 ? 32 : 128))
        return -EINVAL;
    a.prefix_len = (uint8_t)(bits >= 0 ? bits : a.family == ADDR_IPV4 ? 32 : 128);
    addr_normalise(&a);
    *ret = a;
    return 0;
}

int addr_parse(struct addr *ret, const char *text)
{
    return addr_parse_bits(ret, text, -1);
}

int addr_parse_block(struct addr *ret, const char *text)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t n_digits;
    int bits = 0;

    if (!slash || (size_t)(slash - text) >= sizeof(address))
        return -EINVAL;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    n_digits = strspn(slash + 1, "0123456789");
    if (n_digits < 1 || n_digits > 3 || slash[1 + n_digits] || (n_digits > 1 && slash[1] == '0'))
        return -EINVAL;
    for (size_t i = 0; i < n_digits; i++)
        bits = bits * 10 + (slash[1 + i] - '0');
    return addr_parse_bits(ret, address, bits);
}

bool addr_in_block(const struct addr *one, const struct addr *block)
{
    struct addr masked = *one;

    if (one->family != block->family || one->prefix_len < block->prefix_len)
        return false;
    masked.prefix_len = block->prefix_len;
    addr_mask(&masked);
    return memcmp(masked.bytes, block->bytes, sizeof(masked.bytes)) == 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && a->prefix_len == b->prefix_len &&
           memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

const char *addr_format(const struct addr *a, char text[static ADDR_TEXT_SIZE])
{
    unsigned full = a->family == ADDR_IPV4 ? 32 : 128;
    size_t n;

    if (a->family == ADDR_NONE) {
        snprintf(text, ADDR_TEXT_SIZE, "none");
        return text;
    }
    inet_ntop(a->family == ADDR_IPV4 ? AF_INET : AF_INET6, a->bytes, text, ADDR_TEXT_SIZE);
    n = strlen(text);
    if (a->prefix_len != full)
        snprintf(text + n, ADDR_TEXT_SIZE - n, "/%u", a->prefix_len);
    return text;
}
