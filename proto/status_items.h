/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The items that lists, descriptions and watch events are made of: between the plain structs of
 * proto/messages.h and the generated ones. Internal to proto/; pack and unpack as in
 * message_fields.h.
 */
#include "proto/message_fields.h"
#include "varmor/v1/status.pb-c.h"

/* Makes n zeroed generated items and the array of pointers to them that protobuf-c wants; leaves
 * the calling function with -ENOMEM. */
#define STATUS_ARRAY_OR_RETURN(a, storage, pointers, count)                                        \
    do {                                                                                           \
        (storage) = arena_array(a, count, sizeof(*(storage)));                                     \
        (pointers) = arena_array(a, count, sizeof(*(pointers)));                                   \
        if (!(storage) || !(pointers))                                                             \
            return -ENOMEM;                                                                        \
    } while (0)

int status_pack_policy(struct arena *a, Varmor__V1__Policy *out, const struct status_policy *in);
int status_pack_profile(struct arena *a, Varmor__V1__Profile *out, const struct status_profile *in);
int status_pack_node(struct arena *a, Varmor__V1__Node *out, const struct status_node *in);
int status_pack_binding(struct arena *a, Varmor__V1__NodeBinding *out,
                        const struct status_binding *in);
int status_unpack_policy(struct arena *a, struct status_policy *out, const Varmor__V1__Policy *in,
                         struct error **reterr);
int status_unpack_profile(struct status_profile *out, const Varmor__V1__Profile *in,
                          struct error **reterr);
int status_unpack_node(struct arena *a, struct status_node *out, const Varmor__V1__Node *in,
                       struct error **reterr);
int status_unpack_binding(struct arena *a, struct status_binding *out,
                          const Varmor__V1__NodeBinding *in, struct error **reterr);
int status_pack_bindings(struct arena *a, const struct status_binding *in, size_t n,
                         Varmor__V1__NodeBinding ***ret);
int status_unpack_bindings(struct arena *a, Varmor__V1__NodeBinding **in, size_t n,
                           const struct status_binding **ret, struct error **reterr);
int status_pack_violations(struct arena *a, const struct status_violation *in, size_t n,
                           Varmor__V1__NodeViolation ***ret);
int status_unpack_violations(struct arena *a, Varmor__V1__NodeViolation **in, size_t n,
                             const struct status_violation **ret, struct error **reterr);
