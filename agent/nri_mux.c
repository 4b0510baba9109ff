/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/nri_mux.h"

#include <errno.h>
#include <string.h>

static uint32_t read_number(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static void write_number(uint8_t *data, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        data[i] = (uint8_t)(number >> (24 - 8 * i));
}

/* Takes bytes of the header until it is whole. Returns how many, or -EBADMSG. */
static ssize_t take_header(struct nri_mux *m, const uint8_t *data, size_t len)
{
    size_t n = MIN(sizeof(m->header) - m->n_header, len);

    memcpy(m->header + m->n_header, data, n);
    m->n_header += n;
    if (m->n_header < sizeof(m->header))
        return (ssize_t)n;
    m->n_left = read_number(m->header + 4);
    if (m->n_left > NRI_MUX_PIECE_MAX)
        return -EBADMSG;
    if (m->n_left == 0)
        m->n_header = 0;
    return (ssize_t)n;
}

int nri_mux_feed(struct nri_mux *m, const uint8_t *data, size_t len,
                 int (*found)(uint32_t connection, const uint8_t *data, size_t len, void *arg),
                 void *arg)
{
    while (len > 0) {
        ssize_t n;
        int r = 0;

        if (m->n_left == 0) {
            n = take_header(m, data, len);
            if (n < 0)
                return (int)n;
        } else {
            n = (ssize_t)MIN(m->n_left, len);
            m->n_left -= (size_t)n;
            if (m->n_left == 0)
                m->n_header = 0;
            r = found(read_number(m->header), data, (size_t)n, arg);
        }
        if (r < 0)
            return r;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int nri_mux_encode(struct buf *out, enum nri_connection connection, const uint8_t *data, size_t len)
{
    uint8_t header[NRI_MUX_HEADER_BYTES];
    int r = len > NRI_MUX_PIECE_MAX ? -E2BIG : buf_reserve(out, sizeof(header) + len);

    write_number(header, connection);
    write_number(header + 4, (uint32_t)len);
    if (r == 0)
        r = buf_add(out, header, sizeof(header));
    if (r == 0)
        r = buf_add(out, data, len);
    return r;
}
