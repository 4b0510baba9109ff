/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The few messages of NRI (nri.pkg.api.v1alpha1) that a plugin needs which changes nothing and wants to be told before
 * a container starts. Decoding reads the fields that we use and steps over the rest; texts have a ceiling. Pure.
 */
#include "lib/buf.h"
#include "lib/rpc/pb_fields.h"

#define NRI_PLUGIN_SERVICE  "nri.pkg.api.v1alpha1.Plugin"
#define NRI_RUNTIME_SERVICE "nri.pkg.api.v1alpha1.Runtime"
#define NRI_ID_SIZE         128 /* of a container's id, with its NUL */
#define NRI_NAME_SIZE       64 /* of the runtime's name or version, with its NUL; longer ones are cut */

/* Events as NRI numbers them; a subscription is a set of bits, the lowest of them for the first. */
enum nri_event { NRI_EVENT_NONE = 0, NRI_EVENT_START_CONTAINER = 6 };
#define NRI_EVENT_BIT(event) (1u << ((event)-1))

struct nri_configure {
    char runtime[NRI_NAME_SIZE], version[NRI_NAME_SIZE];
};
struct nri_state_change {
    uint32_t event;                 /* an enum nri_event, or another */
    char container_id[NRI_ID_SIZE]; /* "": it is about a pod */
};

/* 0 or -EBADMSG (malformed, or an id that is too long). *ret is written on success only. */
int nri_configure_decode(struct nri_configure *ret, struct pb_bytes data);
int nri_state_change_decode(struct nri_state_change *ret, struct pb_bytes data);
/* The request of the method StartContainer, which newer runtimes call instead; an event of the same meaning. */
int nri_start_decode(struct nri_state_change *ret, struct pb_bytes data);
/* Whether more of a list follows, which has to be said back. */
int nri_synchronize_decode(bool *ret_more, struct pb_bytes data);

/* Append. 0, -E2BIG or -ENOMEM. */
int nri_encode_register(struct buf *out, const char *name, const char *index) MUST_CHECK;
int nri_encode_configured(struct buf *out, uint32_t events) MUST_CHECK;
int nri_encode_synchronized(struct buf *out, bool more) MUST_CHECK;
