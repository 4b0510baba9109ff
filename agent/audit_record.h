/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A record of the kernel's audit system, taken apart: AppArmor's (type 1400) and seccomp's (1326).
 *
 * Records come in several envelopes: bare from netlink, with "audit: type=N" from the kernel log,
 * with "type=NAME msg=" from auditd's file. Each source has its own reader, which takes nothing but
 * its own form, from the first byte on: text that a program wrote into a log is never searched for
 * a record.
 *
 * Invariants
 * 1. A value ends where its form says, and nowhere else: at the closing quote, or at a space. What
 *    the kernel did not write cannot end a value, since it writes text with a quote, a space or a
 *    control byte as hexadecimal.
 * 2. Keys that are not known are kept. The first of two fields with one key counts.
 * 3. No input makes it read or write outside, allocate, or take longer than its length.
 *
 * Pure: no allocation, no I/O, no clock, no logging.
 */
#include "lib/base.h"

#define AUDIT_RECORD_MAX        9216 /* bytes of a record; the kernel makes none over 8970 */
#define AUDIT_RECORD_MAX_FIELDS 64   /* the richest of AppArmor's has about 25 */

/* The types that are read; of all others only the serial is of use. */
enum { AUDIT_RECORD_APPARMOR = 1400, AUDIT_RECORD_SECCOMP = 1326 };

/* Text in a record; not terminated, and any byte may be in it once it is decoded. */
struct audit_text {
    const char *data; /* "" if the field is not there, never NULL */
    size_t len;
};

struct audit_field {
    struct audit_text key;
    struct audit_text value; /* without quotes, decoded */
    bool undecoded;          /* should have been hexadecimal, and is not */
};

/* About 12 KiB: for a place of its owner's, to be used again for each record. */
struct audit_record {
    unsigned type;
    struct audit_text id; /* "1740366282.121:674" */
    uint64_t seconds;     /* since 1970 */
    unsigned milliseconds;
    uint64_t serial;
    struct audit_field fields[AUDIT_RECORD_MAX_FIELDS];
    size_t n_fields;
    bool late; /* made while no agent read it: of its owner, the readers below leave it as it is */
    char text[AUDIT_RECORD_MAX]; /* what the texts point into */
};

enum audit_outcome {
    AUDIT_NOTHING, /* no record of the audit system (another line of a log) */
    AUDIT_OTHER,   /* a record of another type or another module: type, id and serial are set */
    AUDIT_READ,    /* AppArmor's or seccomp's: everything is set */
};

/* Each answers an enum audit_outcome; or -EBADMSG: it is a record of a type that we read, but cut off
 * or garbled. *ret may be changed in any case, and is whole only for what the outcome says. */

/* From netlink: the type of the header and the text behind it, "audit(ID): ...". */
int audit_record_read_message(struct audit_record *ret, unsigned type, const char *text,
                              size_t len);
/* A record of /dev/kmsg: "5,1234,98765432,-;audit: type=1400 audit(ID): ...". What programs wrote
 * there (its facility is not the kernel's) is AUDIT_NOTHING. */
int audit_record_read_kmsg(struct audit_record *ret, const char *text, size_t len);
/* A line of auditd's file or of a syslog daemon's, without its newline. */
int audit_record_read_line(struct audit_record *ret, const char *line, size_t len);

/* A field's text by its key; "" if it is not there. Borrowed. */
struct audit_text audit_record_get(const struct audit_record *r, const char *key);
bool audit_record_has(const struct audit_record *r, const char *key);
/* A field that is a decimal number; of one with a minus sign the absolute value. False if it is not
 * there, or is another text. */
bool audit_record_number(const struct audit_record *r, const char *key, uint64_t *ret);
/* A field that is a hexadecimal number of at most 32 bits, with or without "0x". */
bool audit_record_hex(const struct audit_record *r, const char *key, uint32_t *ret);

bool audit_text_equal(struct audit_text text, const char *word);
/* Nanoseconds since 1970. */
uint64_t audit_record_time_ns(const struct audit_record *r);
