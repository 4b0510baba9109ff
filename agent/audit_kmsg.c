/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit_kmsg.h"

#include "agent/audit_record.h"
#include "agent/audit_turn.h"
#include "lib/loop.h"

#include <errno.h>
#include <fcntl.h>

#define RECORDS_PER_TURN 256
#define KMSG_MAX         8192 /* bytes; a longer record would fail to be read, and the kernel has none */

struct audit_kmsg {
    int fd; /* owned, like the next */
    struct loop_io *io;
    struct audit_events events;
    struct audit_record record;
    char text[KMSG_MAX];
};

static void on_readable(int fd, unsigned events UNUSED, void *data)
{
    struct audit_kmsg *k = data;
    struct audit_turn turn = audit_turn_begin();

    for (unsigned i = 0; i < RECORDS_PER_TURN && !audit_turn_is_over(&turn); i++) {
        ssize_t n = read(fd, k->text, sizeof(k->text)); /* one record */
        int outcome;

        if (n < 0 && errno == EPIPE) { /* overwritten; how many of them were audit's is not known */
            k->events.lost(1, k->events.data);
            continue;
        }
        if (n <= 0)
            return;
        outcome = audit_record_read_kmsg(&k->record, k->text, (size_t)n);
        if (outcome != AUDIT_NOTHING)
            k->events.record(outcome, &k->record, k->events.data);
    }
}

int audit_kmsg_new(struct audit_kmsg **ret, struct loop *loop, const struct audit_events *events,
                   struct error **reterr)
{
    CLEANUP(audit_kmsg_free) struct audit_kmsg *k = calloc(1, sizeof(*k));

    if (!k)
        return error_oom(reterr);
    k->events = *events;
    k->fd = open(AUDIT_KMSG_PATH, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (k->fd < 0 || lseek(k->fd, 0, SEEK_END) < 0)
        return error_errno(reterr, errno, AUDIT_KMSG_PATH);
    if (loop_io_new(loop, &k->io, k->fd, LOOP_READ, on_readable, k) < 0)
        return error_oom(reterr);
    *ret = TAKE(k);
    return 0;
}

struct audit_kmsg *audit_kmsg_free(struct audit_kmsg *k)
{
    if (!k)
        return NULL;
    loop_io_free(k->io);
    if (k->fd >= 0)
        close(k->fd);
    free(k);
    return NULL;
}
