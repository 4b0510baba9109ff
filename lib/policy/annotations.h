/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Annotations of pods, each with "/{container}" behind it: admission writes the profile there
 * ("localhost/..."), and users opt a container out (ANNOTATION_UNCONFINED). Manager and agent read
 * them.
 */
#define ANNOTATION_BPF             "container.bpf.security.beta.varmor.org"
#define ANNOTATION_APPARMOR        "container.apparmor.security.beta.varmor.org"
#define ANNOTATION_APPARMOR_LEGACY "container.apparmor.security.beta.kubernetes.io"
#define ANNOTATION_SECCOMP         "container.seccomp.security.beta.varmor.org"

#define ANNOTATION_UNCONFINED      "unconfined"
/* Of ANNOTATION_APPARMOR: varmor wrote "unconfined" into the legacy one, not the user. */
#define ANNOTATION_LIFTED "bpf-exclusive"
