/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who a container is, from what containerd says about it: its pod, names, workload and labels.
 * Pure.
 *
 * A container that the CRI made has kubelet's labels and annotations, and its pod's labels and
 * opt-outs are those of its sandbox. Any other container speaks for itself by labels of its own
 * (docs/targets.md): varmor.org/namespace, /pod, /container and /workload ("Deployment/web"); its
 * own labels stand for the pod's.
 */
#include "lib/error.h"

struct container;
struct containerd_container;

/* True for a pod's sandbox, which runs nothing but a pause program and is nobody's target. */
bool container_identity_is_sandbox(const struct containerd_container *cc);
/* The id of the sandbox that the container belongs to; NULL if it belongs to none. Borrowed. */
const char *container_identity_sandbox(const struct containerd_container *cc);

/* Sets the id, image, pod, name, workload, labels and opt-outs of c; the rest stays. sandbox may be
 * NULL (it has none, or it is gone: nothing is opted out of). 0, or -ENOMEM: c is then as it was. */
int container_identity_fill(struct container *c, const struct containerd_container *cc,
                            const struct containerd_container *sandbox);
