/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * containerd's messages <-> plain structs: the border behind which no generated type is named.
 *
 * Decoding is by nanopb with a ceiling on every text (containerd/containerd.options), so that
 * memory is bounded whatever the socket's other end sends; what we do not need is skipped and never
 * stored. A message that passes a ceiling or is malformed is refused with -EBADMSG. Encoding
 * appends to a buffer and fails with -ENOMEM or -E2BIG. No I/O, no logging.
 */
#include "lib/buf.h"
#include "lib/error.h"
#include "proto/oci_spec.h"

struct labels;

#define CONTAINERD_ID_SIZE        128  /* identifiers with their NUL; containerd allows 76 bytes */
#define CONTAINERD_IMAGE_SIZE     1024 /* an image reference with its NUL */
#define CONTAINERD_VERSION_SIZE   64   /* a version with its NUL */
#define CONTAINERD_SPEC_MAX_BYTES (2u << 20) /* an OCI spec; CRI's are 20 to 100 KiB */
#define CONTAINERD_EVENT_MAX_BYTES                                                                 \
    (256u << 10) /* one event's own message: rootfs options can be long */

enum containerd_event_kind {
    CONTAINERD_EVENT_OTHER,
    CONTAINERD_TASK_CREATE, /* the first process exists and waits for the start order */
    CONTAINERD_TASK_START,
    CONTAINERD_TASK_EXIT,
    CONTAINERD_TASK_DELETE,
    CONTAINERD_CONTAINER_CREATE,
    CONTAINERD_CONTAINER_UPDATE,
    CONTAINERD_CONTAINER_DELETE,
    CONTAINERD_EVENT_KINDS,
};

struct containerd_event {
    enum containerd_event_kind kind;
    char name_space[CONTAINERD_ID_SIZE];
    char topic[CONTAINERD_ID_SIZE];
    char container_id[CONTAINERD_ID_SIZE]; /* "" for CONTAINERD_EVENT_OTHER */
    bool first_process; /* it is about the container's first process, not about an exec session */
    int pid;            /* 0 where the event has none */
};

enum containerd_task_status {
    CONTAINERD_TASK_UNKNOWN,
    CONTAINERD_TASK_CREATED,
    CONTAINERD_TASK_RUNNING,
    CONTAINERD_TASK_STOPPED,
    CONTAINERD_TASK_PAUSED,
    CONTAINERD_TASK_PAUSING,
};

struct containerd_task {
    char container_id[CONTAINERD_ID_SIZE];
    int pid; /* 0: none */
    enum containerd_task_status status;
};

struct containerd_container {
    char id[CONTAINERD_ID_SIZE];
    char image[CONTAINERD_IMAGE_SIZE];
    struct labels *labels;      /* owned; never NULL after a decode */
    struct labels *annotations; /* owned; of the OCI spec; never NULL after a decode */
    struct labels *opt_outs;    /* owned; of a sandbox: pod_opt_outs.h; never NULL after a decode */
    char *cgroups_path;         /* owned; linux.cgroupsPath of the OCI spec; NULL: none */
    char *apparmor_profile;     /* owned; of the OCI spec; "": none; NULL: there is no spec */
    enum oci_seccomp seccomp;   /* of the OCI spec */
    struct digest seccomp_digest;
};
void containerd_container_done(struct containerd_container *c);

/* ---- requests ---- */
int containerd_encode_subscribe(struct buf *out, const char *const *filters, size_t n_filters);
/* Publishes an event without content under topic ("/varmor/x"). */
int containerd_encode_publish(struct buf *out, const char *topic);
/* Containers/Get and Tasks/Get have the same request: the container's id in field 1. */
int containerd_encode_get(struct buf *out, const char *container_id);

/* ---- answers; 0, -EBADMSG with *reterr, or -ENOMEM; *ret is written on success only ---- */
int containerd_event_decode(struct containerd_event *ret, const uint8_t *data, size_t len,
                            struct error **reterr);
/* Containers/Get and each message of Containers/ListStream. The result is to be given back by
 * containerd_container_done(). */
int containerd_container_decode(struct containerd_container *ret, const uint8_t *data, size_t len,
                                struct error **reterr);
int containerd_task_decode(struct containerd_task *ret, const uint8_t *data, size_t len,
                           struct error **reterr);
/* Calls found() for each task in turn, valid during the call; a negative result of it ends the
 * decoding and is returned. Tasks before a malformed one have been told. */
int containerd_tasks_decode(const uint8_t *data, size_t len,
                            int (*found)(const struct containerd_task *task, void *arg), void *arg,
                            struct error **reterr);
/* The same for the names of containerd's namespaces. */
int containerd_namespaces_decode(const uint8_t *data, size_t len,
                                 int (*found)(const char *name, void *arg), void *arg,
                                 struct error **reterr);
int containerd_version_decode(char ret[static CONTAINERD_VERSION_SIZE], const uint8_t *data,
                              size_t len, struct error **reterr);
