/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what a container runtime sends to its NRI plugin, cut where the input says; every second start is
 * answered at once, the others when their time is up. */
#include <assert.h>

#include "agent/nri_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct nri_session *session;
    unsigned n_starts;
};

static void on_ready(const char *runtime, void *data)
{
    (void)runtime;
    (void)data;
}

static void on_starting(const char *container_id, void *data)
{
    struct run *run = data;

    if (run->n_starts++ % 2 == 0)
        nri_session_let_start(run->session, container_id);
}

static void on_overdue(const char *container_id, void *data)
{
    (void)container_id;
    (void)data;
}

static const struct nri_session_owner owner = {
    .ready = on_ready, .starting = on_starting, .overdue = on_overdue};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = {0};
    uint64_t now_ns = 1;
    size_t step = size > 0 ? data[0] + 1u : 1;

    if (nri_session_new(&run.session, &owner, &run) < 0 ||
        nri_session_open(run.session, now_ns) < 0)
        abort();
    for (size_t at = size > 0; at < size; at += step) {
        struct buf *output = nri_session_output(run.session);

        if (nri_session_feed(run.session, data + at, MIN(step, size - at), now_ns++, NULL) < 0)
            break;
        buf_consume(output, output->len / 2);
    }
    if (nri_session_expire(run.session, UINT64_MAX, NULL) == 0)
        assert(nri_session_deadline_ns(run.session) == 0);
    nri_session_free(run.session);
    return 0;
}
