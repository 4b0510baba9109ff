/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * IP addresses and blocks as plain values. An IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) is the
 * IPv4 address: it is normalised when parsed, so that two texts of one destination are one value.
 */
#include "lib/base.h"

#define ADDR_TEXT_SIZE 64 /* the longest block in text, with its NUL */

enum addr_family { ADDR_NONE, ADDR_IPV4, ADDR_IPV6 };

struct addr {
    enum addr_family family;
    uint8_t bytes[16];  /* network order; IPv4 uses the first four, the rest is zero */
    uint8_t prefix_len; /* bits that count: 32 or 128 for one address */
};

/* Parses one address ("10.0.0.1", "fd00::1"). 0 or -EINVAL. *ret is written on success only. */
int addr_parse(struct addr *ret, const char *text);
/* Parses a block ("10.0.0.0/8"); bits behind the prefix are cleared. 0 or -EINVAL. */
int addr_parse_block(struct addr *ret, const char *text);
/* Brings a value with a family and a prefix_len that fits it into the form that parsing gives: an
 * IPv4-mapped address becomes IPv4, bits behind the prefix are cleared. */
void addr_normalise(struct addr *a);
/* True if one lies in block. */
bool addr_in_block(const struct addr *one, const struct addr *block);
bool addr_equal(const struct addr *a, const struct addr *b);
/* Text of an address or block ("/n" is left out where all bits count); returns text. */
const char *addr_format(const struct addr *a, char text[static ADDR_TEXT_SIZE]);
