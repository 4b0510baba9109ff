/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_frames.h"

void kube_frames_init(struct kube_frames *f, size_t max_bytes,
                      int (*complete)(const uint8_t *frame, size_t len, bool is_cut, void *data),
                      void *data)
{
    *f = (struct kube_frames){
        .max_bytes = max_bytes,
        .frame = BUF_INIT(max_bytes),
        .complete = complete,
        .data = data,
    };
}

void kube_frames_done(struct kube_frames *f)
{
    buf_done(&f->frame);
}

bool kube_frames_is_between(const struct kube_frames *f)
{
    return f->n_header == 0;
}

static size_t take_header(struct kube_frames *f, const uint8_t *data, size_t len)
{
    size_t n = 0;

    while (n < len && f->n_header < KUBE_FRAME_HEADER)
        f->header[f->n_header++] = data[n++];
    if (f->n_header == KUBE_FRAME_HEADER) {
        f->left = (size_t)f->header[0] << 24 | (size_t)f->header[1] << 16 |
                  (size_t)f->header[2] << 8 | f->header[3];
        buf_clear(&f->frame);
        f->is_cut = f->left > f->max_bytes;
    }
    return n;
}

int kube_frames_feed(struct kube_frames *f, const uint8_t *data, size_t len)
{
    size_t n, room;
    int r = 0;

    while (r == 0 && len > 0) {
        if (f->n_header < KUBE_FRAME_HEADER) {
            n = take_header(f, data, len);
        } else {
            n = MIN(len, f->left);
            room = MIN(n, f->max_bytes - f->frame.len);
            r = room > 0 ? buf_add(&f->frame, data, room) : 0;
            f->left -= n;
        }
        data += n;
        len -= n;
        if (r == 0 && f->n_header == KUBE_FRAME_HEADER && f->left == 0) {
            f->n_header = 0;
            r = f->complete(f->frame.data, f->frame.len, f->is_cut, f->data);
        }
    }
    return r;
}
