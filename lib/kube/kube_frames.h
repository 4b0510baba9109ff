/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Frames of a stream of protobuf messages as Kubernetes' watches have them: four bytes of length, the highest first, and
 * so many bytes. Bytes in, frames out. A frame beyond the ceiling is told by its beginning, and the next one found again.
 */
#include "lib/buf.h"

#define KUBE_FRAME_HEADER 4

/* A plain value; to be given back with kube_frames_done(). */
struct kube_frames {
    size_t max_bytes; /* of a frame */
    uint8_t header[KUBE_FRAME_HEADER];
    size_t n_header;  /* bytes of it that have come */
    size_t left;      /* bytes of the frame that have not come */
    struct buf frame; /* owned; its beginning, at most max_bytes */
    bool is_cut;
    int (*complete)(const uint8_t *frame, size_t len, bool is_cut, void *data);
    void *data;
};

void kube_frames_init(struct kube_frames *f, size_t max_bytes,
                      int (*complete)(const uint8_t *frame, size_t len, bool is_cut, void *data),
                      void *data);
void kube_frames_done(struct kube_frames *f);
/* 0, -ENOMEM, or what complete() returned, which ends the feeding. */
int kube_frames_feed(struct kube_frames *f, const uint8_t *data, size_t len) MUST_CHECK;
bool kube_frames_is_between(const struct kube_frames *f);
