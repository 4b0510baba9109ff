/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Pieces of messages that several codecs share: conversion between generated types and the plain
 * structs of proto/messages.h, field by field. Internal to proto/.
 *
 * "pack" makes a generated struct that borrows from the plain one; what it must allocate comes from
 * the arena. "unpack" makes a plain struct that borrows from the generated one in the same arena.
 */
#include "lib/arena.h"
#include "proto/messages.h"
#include "varmor/v1/agent.pb-c.h"

/* Unpacks any generated message into an arena of its own, without a look at its values. Both
 * outputs are the caller's on success. 0, -ENOMEM, or -EBADMSG with *reterr. */
int message_unpack(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t len,
                   ProtobufCMessage **ret, struct arena **ret_arena, struct error **reterr);

/* The same, and message_check_limits(). */
int message_unpack_checked(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
                           size_t len, ProtobufCMessage **ret, struct arena **ret_arena,
                           struct error **reterr);

/* Packs any generated message at the end of out. 0, -ENOMEM or -E2BIG. */
int message_pack(const ProtobufCMessage *m, struct buf *out);

/* Refuses repeated fields and texts beyond the ceilings of proto/messages.h, at any depth. Returns
 * 0 or -EBADMSG. */
int message_check_limits(const ProtobufCMessage *m, struct error **reterr);

Varmor__V1__Enforcer message_pack_enforcer(enum enforcer_bit bit);
/* Each bit of a set as an enumeration's value, in the order of the bits. 0 or -ENOMEM. */
int message_pack_enforcers(struct arena *a, unsigned set, size_t *ret_n,
                           Varmor__V1__Enforcer **ret);
int message_unpack_enforcer(enum enforcer_bit *ret, Varmor__V1__Enforcer e, struct error **reterr);

/* A digest field: empty is zero, else it must have 32 bytes. */
ProtobufCBinaryData message_pack_digest(const struct digest *d);
int message_unpack_digest(struct digest *ret, const ProtobufCBinaryData *b, struct error **reterr);

/* Texts of plain structs may be NULL when they are encoded; generated ones may not. */
char *message_pack_text(const char *text);

int message_pack_facts(struct arena *a, const struct msg_fact *items, size_t n,
                       Varmor__V1__Fact ***ret);
int message_unpack_facts(struct arena *a, Varmor__V1__Fact **items, size_t n,
                         const struct msg_fact **ret);
int message_pack_states(struct arena *a, const struct msg_enforcer_state *items, size_t n,
                        Varmor__V1__EnforcerState ***ret);
int message_unpack_states(struct arena *a, Varmor__V1__EnforcerState **items, size_t n,
                          const struct msg_enforcer_state **ret, struct error **reterr);
int message_pack_results(struct arena *a, const struct msg_enforcer_result *items, size_t n,
                         Varmor__V1__EnforcerResult ***ret);
int message_unpack_results(struct arena *a, Varmor__V1__EnforcerResult **items, size_t n,
                           const struct msg_enforcer_result **ret, struct error **reterr);

int message_pack_event_counts(struct arena *a, const struct msg_event_count *items, size_t n,
                              Varmor__V1__EventCount ***ret);
int message_unpack_event_counts(struct arena *a, Varmor__V1__EventCount **items, size_t n,
                                const struct msg_event_count **ret, struct error **reterr);

int message_pack_binding(struct arena *a, Varmor__V1__Binding *out, const struct msg_binding *in);
int message_unpack_binding(struct arena *a, struct msg_binding *out, const Varmor__V1__Binding *in,
                           struct error **reterr);
void message_pack_violation(Varmor__V1__Violation *out, const struct msg_violation *in);
void message_unpack_violation(struct msg_violation *out, const Varmor__V1__Violation *in);
