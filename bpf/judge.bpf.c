/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* See judge.h. */
#include "bpf/judge.h"

/* Most profiles have one of the two only; that is known from the last time. */
static __always_inline bool is_known_absent(struct varmor_walk *w, u32 version, u32 automaton)
{
    return place_is_of(w, version, automaton) && w->places[automaton & 1].n_cells == 0;
}

/* Both automata over the first n dentries. */
static __always_inline void judge_view(struct varmor_walk *w, u32 version, u32 n)
{
    u32 automaton = w->request.automaton;

    if (!is_known_absent(w, version, automaton))
        varmor_run(version, automaton, n);
    if (!w->cause && !is_known_absent(w, version, automaton + 1))
        varmor_run(version, automaton + 1, n);
}

/* True if the container's root mount is where it was when the label was given: then what was
 * collected up to it is the whole path, and the only view. */
static __always_inline bool is_root_in_place(struct varmor_walk *w)
{
    struct mount *mount = (void *)(w->request.mnt - bpf_core_field_offset(struct mount, mnt));

    return (u64)BPF_CORE_READ(mount, mnt_parent) == w->request.root_parent &&
           (u64)BPF_CORE_READ(mount, mnt_mountpoint) == w->request.root_mountpoint;
}

static __always_inline int judge_both_views(struct varmor_walk *w, u32 version)
{
    w->cause = varmor_collect();
    w->n_shown = w->n_dentries;
    if (w->cause || (w->is_internal && w->request.skips_internal))
        return 0;
    if (w->request.mnt) { /* a dentry without a mount has the inner view only */
        judge_view(w, version, w->n_dentries);
        if (w->cause || w->deny)
            return 0;
    }
    w->cause = varmor_collect_inside();
    if (w->cause || w->n_dentries == 0)
        return 0;
    w->n_shown = w->n_dentries;
    judge_view(w, version, w->n_dentries);
    return 0;
}

__noinline int varmor_judge_path(u32 version)
{
    struct varmor_walk *w = walk_get(0);

    if (!w)
        return VARMOR_STAT_NO_SCRATCH;
    if (!w->request.is_collected || !is_root_in_place(w))
        return judge_both_views(w, version);
    w->n_shown = w->n_dentries;
    judge_view(w, version, w->n_dentries);
    return 0;
}

/* ---- records ---- */

/* A record is written in place: no buffer that another task could write over. Its size must be
 * known to the verifier, and room for one whole name must be behind any place where a name may
 * begin. */
#define TEXT_SHORT 256
struct short_record {
    struct varmor_event event;
    char text[TEXT_SHORT + WORK_NAME_BYTES];
};
struct long_record {
    struct varmor_event event;
    char text[VARMOR_EVENT_TEXT + WORK_NAME_BYTES];
};

/* Appends names, root first, while they begin at or before limit. */
static __always_inline void write_path(struct varmor_event *event, char *text, u32 limit,
                                       struct varmor_walk *w)
{
    u32 n = w->n_shown, used = 0;

    if (n == 0) {
        text[0] = '/';
        used = 1;
    }
    for (u32 i = 0; i < VARMOR_MAX_DEPTH; i++) {
        u32 len;

        if (i >= n)
            break;
        len = varmor_read_name(n - 1 - i) ? 0 : w->name_len;
        if (used > limit || len == 0 || len > WORK_NAME_BYTES) {
            event->text_cut = 1;
            break;
        }
        bpf_probe_read_kernel(text + used, len, w->name);
        used += len;
    }
    event->text_len = used;
}

static __always_inline void write_string(struct varmor_event *event, char *text, u32 size, u64 from)
{
    long n = bpf_probe_read_kernel_str(text, size, (void *)from);

    event->text_len = n > 0 ? n - 1 : 0;
    event->text_cut = n == size;
}

static __always_inline int lost(void)
{
    stat_add(VARMOR_STAT_EVENTS_LOST);
    return 0;
}

/* A path that is longer than a short record holds. */
static __always_inline int report_long(struct varmor_walk *w)
{
    struct long_record *record = bpf_ringbuf_reserve(&varmor_events, sizeof(*record), 0);

    if (!record)
        return lost();
    record->event = w->event;
    write_path(&record->event, record->text, VARMOR_EVENT_TEXT - WORK_NAME_BYTES, w);
    bpf_ringbuf_submit(record, 0);
    stat_add(VARMOR_STAT_EVENTS);
    return 0;
}

__noinline int varmor_report(u32 with_text)
{
    struct varmor_walk *w = walk_get(0);
    struct short_record *record;

    if (!w)
        return lost();
    record = bpf_ringbuf_reserve(&varmor_events, sizeof(*record), 0);
    if (!record)
        return lost();
    record->event = w->event;
    if (with_text && w->request.text) {
        write_string(&record->event, record->text, sizeof(record->text), w->request.text);
    } else if (with_text) {
        write_path(&record->event, record->text, TEXT_SHORT, w);
        if (record->event.text_cut) {
            bpf_ringbuf_discard(record, 0);
            return report_long(w);
        }
    }
    bpf_ringbuf_submit(record, 0);
    stat_add(VARMOR_STAT_EVENTS);
    return 0;
}
