/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A coordination.k8s.io/v1 Lease, as far as an election needs it: read from the server's JSON, and written as what is
 * sent back. Fields that other writers may have added to metadata are not kept: an update replaces the object's spec
 * and says by its resource version which object it has read. Pure.
 */
#include "lib/buf.h"
#include "lib/error.h"

#define LEASE_HOLDER_MAX  253   /* bytes; a pod's name with what makes a process unique behind it */
#define LEASE_VERSION_MAX 63    /* bytes of a resource version; the server's are numbers */
#define LEASE_TIME_MAX    40    /* bytes of a time as the server writes it */
#define LEASE_MAX_BYTES   65536 /* of the server's JSON; ours has 500 */

/* Texts are kept in place: one record is one value. */
struct lease_record {
    char holder[LEASE_HOLDER_MAX + 1];   /* "": nobody */
    char version[LEASE_VERSION_MAX + 1]; /* resourceVersion; "": the object is still to be made */
    char acquired[LEASE_TIME_MAX + 1];   /* acquireTime, as written; "": not given */
    char renewed[LEASE_TIME_MAX + 1];    /* renewTime */
    int64_t duration_s;                  /* how long after a renewal it may not be taken */
    int64_t transitions;                 /* how often the holder has been another */
};

/* 0, -ENOMEM, or -EBADMSG with *reterr (no Lease, or a text that is too long). *ret is written on success only. */
int lease_record_parse(struct lease_record *ret, const uint8_t *json, size_t len,
                       struct error **reterr);
/* The object that a record is kept in. */
struct lease_place {
    const char *name_space, *name;
    const char *owners; /* metadata.ownerReferences, as JSON */
};
/* The body of a create (version "") or an update. 0, -E2BIG (out's ceiling), -ENOMEM, or -EINVAL (owners is no list). */
int lease_record_format(const struct lease_record *r, const struct lease_place *place,
                        struct buf *out);
/* CLOCK_REALTIME as Lease objects have it ("2026-11-25T09:30:00.000001Z"): for people, no decision rests on it. */
void lease_time_format(char text[static LEASE_TIME_MAX + 1], int64_t real_ns);
