/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the agent remembers of each seccomp file that it writes: of which version of a profile it is,
 * and the digest of its bytes. A folder of profiles belongs to the runtime and its users, and a file
 * there cannot say whose it is (an unknown member could be refused); so these records, in a folder
 * of our own, do.
 *
 * A record names the content that is there and, while one is about to replace it, the next: after a
 * crash the file is one of the two. Pure.
 */
#include "lib/buf.h"
#include "lib/digest.h"

#define SECCOMP_RECORD_MAX_BYTES 1024

struct seccomp_content {
    bool present;
    struct digest profile; /* of the version of the profile */
    struct digest text;    /* of the bytes of the file */
};
struct seccomp_record {
    struct seccomp_content now, next;
};

/* 0, -E2BIG or -ENOMEM. */
int seccomp_record_format(const struct seccomp_record *r, struct buf *out) MUST_CHECK;
/* 0, or -EBADMSG: it is no record. */
int seccomp_record_parse(struct seccomp_record *ret, const char *text) MUST_CHECK;
