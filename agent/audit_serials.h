/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Holes in the serials of audit records: what a source did not bring.
 *
 * The kernel numbers its records from one counter, whatever their type, and may deliver them a
 * little out of order (a serial is taken when a record begins, on any processor). The last
 * AUDIT_SERIALS_WINDOW serials are therefore remembered: a serial that has not come when the window
 * leaves it behind is lost, and so is one that has not come when the source has been quiet for a
 * while (audit_serials_settle()). What the kernel drops before it numbers a record is not seen
 * here. Pure.
 */
#include "lib/base.h"

#define AUDIT_SERIALS_WINDOW 4096
#define AUDIT_SERIALS_JUMP   (1U << 20) /* more than that is another boot's counter, and no hole */

struct audit_serials {
    bool begun;
    uint64_t next;                            /* after the highest one seen */
    uint64_t first;                           /* the lowest one that counts */
    uint64_t seen[AUDIT_SERIALS_WINDOW / 64]; /* bit N: a serial that is N modulo the window */
};

/* A serial has come. Returns how many are lost by now that were not before. */
uint64_t audit_serials_put(struct audit_serials *s, uint64_t serial);
/* True if a serial among the last AUDIT_SERIALS_WINDOW has come. */
bool audit_serials_has(const struct audit_serials *s, uint64_t serial);
/* The source is quiet: what has not come will not come. Returns how many are lost. */
uint64_t audit_serials_settle(struct audit_serials *s);
