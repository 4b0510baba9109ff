/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which enforcers a pod's user has opted a container out of, by annotations of the pod:
 * "container.bpf.security.beta.varmor.org/{c}: unconfined" and its like (docs/targets.md).
 *
 * containerd's CRI keeps what kubelet asked for of a pod as JSON, in an extension of the sandbox's
 * container; only the annotations that matter here are taken from it. Pure: no I/O, no logging.
 */
#include "lib/error.h"

struct labels;

/* The extension's key, and its ceiling: a pod's annotations have at most 256 KiB, escaping included
 * they stay below. */
#define POD_OPT_OUTS_EXTENSION "io.cri-containerd.sandbox.metadata"
#define POD_OPT_OUTS_MAX_BYTES (1u << 20)

/* Puts the annotations of ours that opt out into ret, whole: all others are passed over. At most
 * LABELS_MAX are. 0; -EBADMSG (it is not such a JSON text, or there are more) or -ENOMEM, with
 * *reterr: ret may then have some of them. */
int pod_opt_outs_read(struct labels *ret, const char *json, size_t len, struct error **reterr);

/* The enforcers (bits) that these annotations opt a container out of. NULL: there are none. */
unsigned pod_opt_outs_of(const struct labels *opt_outs, const char *container_name);
