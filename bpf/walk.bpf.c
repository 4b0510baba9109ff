/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The second half of walk.h: from names to a verdict. */
#include "bpf/walk.h"

/* Reads a name behind name[0], which becomes '/'. Returns the length of both, 0 if it cannot be
 * read, or NAME_CHANGED if it was renamed meanwhile: then what was read may be neither name. */
#define NAME_CHANGED (WORK_NAME_BYTES + 1)
static __always_inline u32 read_name(u8 *name, u64 collected)
{
    struct dentry *dentry = (void *)collected;
    struct qstr before, after;
    u32 len;

    name[0] = '/';
    if (BPF_CORE_READ_INTO(&before, dentry, d_name))
        return 0;
    len = before.len;
    if (len == 0 || len > WORK_NAME_BYTES - 1)
        return 0;
    if (bpf_probe_read_kernel(name + 1, len, before.name))
        return 0;
    if (BPF_CORE_READ_INTO(&after, dentry, d_name))
        return 0;
    if (after.hash_len != before.hash_len || after.name != before.name)
        return NAME_CHANGED;
    return len + 1;
}

#define NAME_ATTEMPTS 4

__noinline int varmor_read_name(u32 at)
{
    struct varmor_walk *w = walk_get(0);
    u32 len = NAME_CHANGED;
    u64 collected;

    if (!w)
        return VARMOR_STAT_NO_SCRATCH;
    collected = w->dentries[at & (VARMOR_MAX_DEPTH - 1)];
    if (collected == WORK_NAME_PROC) {
        __builtin_memcpy(w->name, "/proc", 5);
        len = 5;
    } else if (collected == WORK_NAME_SYS) {
        __builtin_memcpy(w->name, "/sys", 4);
        len = 4;
    }
    for (u32 attempt = 0; attempt < NAME_ATTEMPTS && len == NAME_CHANGED; attempt++)
        len = read_name(w->name, collected);
    w->name_len = len == NAME_CHANGED ? 0 : len;
    return 0;
}

/* The verifier follows each value that it knows of a variable through a loop of its own. A value
 * that went through memory is any value, and one loop. */
static __always_inline u32 forgotten(u32 *place, u32 value)
{
    *(volatile u32 *)place = value;
    return *(volatile u32 *)place;
}

static __always_inline struct varmor_cell *cell_get(void *image, u32 cells_line, u32 cell)
{
    struct varmor_cell *line = image_line(image, cells_line + cell / VARMOR_CELLS_PER_LINE);

    if (!line)
        return NULL;
    return line + (cell & (VARMOR_CELLS_PER_LINE - 1));
}

/* Reads a collected name; the rare cases are a function of their own, so that they cost the verifier little. */
static __always_inline void fetch_name(struct varmor_walk *w, u32 at)
{
    u64 collected = w->dentries[at & (VARMOR_MAX_DEPTH - 1)];
    u32 len = NAME_CHANGED;

    if (collected > WORK_NAME_SYS)
        len = read_name(w->name, collected);
    if (len == NAME_CHANGED)
        varmor_read_name(at);
    else
        w->name_len = len;
}

static __always_inline int give_up(struct varmor_walk *w, u32 cause)
{
    w->cause = cause;
    return FEED_MAY_END;
}

/* One byte. Sets *state; returns 0, or 1 if the walk may end, or -1 if the image contradicts
 * itself. */
static __always_inline int step(void *image, u32 cells_line, u32 *state, u32 class)
{
    struct varmor_cell *cell = cell_get(image, cells_line, *state + 1 + class);
    u32 next;

    if (!cell)
        return -1;
    next = cell->next;
    if (cell->owner != *state) {
        cell = cell_get(image, cells_line, *state);
        if (!cell)
            return -1;
        next = cell->owner;
    }
    *state = next & VARMOR_CELL_STATE;
    return (next & VARMOR_CELL_STOP) != 0;
}

__noinline int varmor_feed(u32 version, u32 at, u32 backward)
{
    struct varmor_walk *w = walk_get(0);
    u32 state, len, first, direction, cells_line;
    struct varmor_place *place;
    void *image;

    if (!w)
        return FEED_MAY_END;
    place = &w->places[backward & 1];
    image = bpf_map_lookup_elem(&varmor_images, &version);
    if (!image)
        return give_up(w, VARMOR_STAT_NO_IMAGE);
    if (at != WALK_MORE)
        w->n_fed = 0;
    if (at < VARMOR_MAX_DEPTH)
        fetch_name(w, at);
    len = w->name_len - w->n_fed;
    if (w->name_len == 0 && at < VARMOR_MAX_DEPTH)
        return give_up(w, VARMOR_STAT_UNREADABLE);
    len = forgotten(&w->spare, len);
    first = forgotten(&w->spare, backward ? w->name_len - 1 - w->n_fed : w->n_fed);
    direction = forgotten(&w->spare, backward ? -1u : 1);
    state = w->state;
    cells_line = place->cells_line;
    for (u32 i = 0; i < FEED_BYTES; i++) {
        u32 byte = w->name[(first + i * direction) & (WORK_NAME_BYTES - 1)];
        int r;

        if (i >= len) {
            w->state = state;
            return FEED_ALL;
        }
        r = step(image, cells_line, &state, place->classes[byte]);
        if (r < 0)
            return give_up(w, VARMOR_STAT_BAD_IMAGE);
        if (r > 0) {
            w->state = state;
            return FEED_MAY_END;
        }
    }
    w->state = state;
    w->n_fed += FEED_BYTES;
    return FEED_MORE;
}

__noinline int varmor_feed_name(u32 version, u32 at, u32 backward)
{
    int r = varmor_feed(version, at, backward);

    for (u32 piece = 1; piece < WORK_NAME_BYTES / FEED_BYTES && r == FEED_MORE; piece++)
        r = varmor_feed(version, WALK_MORE, backward);
    return r == FEED_MAY_END;
}

/* Reads an automaton's place from the image. */
static __always_inline bool place_fill(struct varmor_walk *w, void *image, u32 version,
                                       u32 automaton)
{
    struct varmor_place *place = &w->places[automaton & 1];
    u32 n_words = sizeof(struct varmor_automaton) / sizeof(u32);
    u32 words[sizeof(struct varmor_automaton) / sizeof(u32)];

    place->version = 0;
    for (u32 i = 0; i < n_words; i++) {
        u32 word = automaton * n_words + i;
        struct varmor_line *line = image_line(image, 1 + word / VARMOR_LINE_WORDS);

        if (!line)
            return false;
        words[i] = line->w[word & (VARMOR_LINE_WORDS - 1)];
    }
    place->n_cells = words[0];
    place->start = words[2];
    place->cells_line = words[4];
    for (u32 i = 0; words[0] && i < sizeof(place->classes) / sizeof(struct varmor_line); i++) {
        void *line = image_line(image, words[3] + i);

        if (!line)
            return false;
        __builtin_memcpy(place->classes + i * sizeof(struct varmor_line), line,
                         sizeof(struct varmor_line));
    }
    place->automaton = automaton;
    place->digest = w->request.digest;
    place->version = version;
    return true;
}

__noinline int varmor_place(u32 version, u32 automaton)
{
    struct varmor_walk *w = walk_get(0);
    void *image = bpf_map_lookup_elem(&varmor_images, &version);

    if (!w)
        return VARMOR_STAT_NO_SCRATCH;
    if (!image)
        w->cause = VARMOR_STAT_NO_IMAGE;
    else if (!place_fill(w, image, version, automaton))
        w->cause = VARMOR_STAT_BAD_IMAGE;
    return 0;
}

static __always_inline u32 lower(u32 a, u32 b)
{
    return a < b ? a : b;
}

/* Adds what the automaton's last state says. */
static __always_inline void run_end(struct varmor_walk *w, void *image, u32 automaton)
{
    struct varmor_cell *record = cell_get(image, w->places[automaton & 1].cells_line, w->state);
    struct varmor_verdict *verdict;
    u32 deny, audit;

    if (!record) {
        w->cause = VARMOR_STAT_BAD_IMAGE;
        return;
    }
    if (record->next == 0)
        return;
    verdict = image_line(image, record->next);
    if (!verdict) {
        w->cause = VARMOR_STAT_BAD_IMAGE;
        return;
    }
    deny = verdict->deny & w->request.asked;
    audit = verdict->audit & w->request.asked;
    w->deny |= deny;
    w->audit |= audit;
    for (u32 bit = 0; bit < VARMOR_MAY_BITS; bit++) {
        if (deny & (1u << bit))
            w->deny_rule = lower(w->deny_rule, verdict->rule[bit]);
        else if (audit & (1u << bit))
            w->audit_rule = lower(w->audit_rule, verdict->rule[bit]);
    }
}

static __always_inline void run_end_mount(struct varmor_walk *w, void *image, u32 automaton)
{
    struct varmor_cell *record = cell_get(image, w->places[automaton & 1].cells_line, w->state);

    if (record)
        w->mount_list = record->next;
    else
        w->cause = VARMOR_STAT_BAD_IMAGE;
}

/* Feeds n collected dentries. */
static __always_inline void run_dentries(struct varmor_walk *w, u32 version, u32 n, u32 backward)
{
    u32 first, direction;

    if (n == 0) { /* the root directory itself */
        w->name[0] = '/';
        w->name_len = 1;
        varmor_feed_name(version, WALK_NAME, backward);
        return;
    }
    first = forgotten(&w->spare, backward ? 0 : n - 1); /* they lie leaf first */
    direction = forgotten(&w->spare, backward ? 1 : -1u);
    for (u32 i = 0; i < VARMOR_MAX_DEPTH; i++) {
        u32 at = first + i * direction;

        if (i >= n || varmor_feed_name(version, at & (VARMOR_MAX_DEPTH - 1), backward))
            return;
    }
}

#define TEXT_MAX_PIECES 17 /* a string of PATH_MAX bytes */

/* Feeds the request's text, forward or backward. */
static __always_inline void run_text(struct varmor_walk *w, u32 version, u32 backward)
{
    u32 step = WORK_NAME_BYTES - 1; /* what a read brings beside its NUL */
    u64 text = w->request.text;
    u32 n_whole = 0;

    if (!text)
        return;
    if (backward) { /* where does it end? */
        for (u32 i = 0; i < TEXT_MAX_PIECES; i++) {
            long n = bpf_probe_read_kernel_str(w->name, WORK_NAME_BYTES, (void *)(text + i * step));

            if (n <= 0)
                goto unreadable;
            n_whole = i;
            if (n - 1 < step)
                break;
        }
    }
    for (u32 i = 0; i < TEXT_MAX_PIECES; i++) {
        u64 from = text + (backward ? n_whole - i : i) * step;
        long n;

        if (backward && i > n_whole)
            return;
        n = bpf_probe_read_kernel_str(w->name, WORK_NAME_BYTES, (void *)from);
        if (n <= 0)
            goto unreadable;
        w->name_len = n - 1;
        if (varmor_feed_name(version, WALK_NAME, backward))
            return;
        if (!backward && w->name_len < step)
            return;
    }
    if (backward)
        return;
    w->cause = VARMOR_STAT_TOO_DEEP;
    return;
unreadable:
    w->cause = VARMOR_STAT_UNREADABLE;
}

/* Begins a run; false if there is no such automaton, or no way to it. */
static __always_inline bool run_begin(struct varmor_walk *w, u32 version, u32 automaton)
{
    struct varmor_place *place = &w->places[automaton & 1];

    if (!place_is_of(w, version, automaton))
        varmor_place(version, automaton);
    if (w->cause || place->n_cells == 0)
        return false;
    w->state = place->start;
    return true;
}

static __always_inline void run_finish(struct varmor_walk *w, u32 version, u32 automaton)
{
    void *image = bpf_map_lookup_elem(&varmor_images, &version);

    if (w->cause)
        return;
    if (!image)
        w->cause = VARMOR_STAT_NO_IMAGE;
    else if (automaton == VARMOR_MOUNT_SOURCE)
        run_end_mount(w, image, automaton);
    else
        run_end(w, image, automaton);
}

static __always_inline bool is_backward(u32 automaton)
{
    return automaton == VARMOR_FILE_BACKWARD || automaton == VARMOR_EXEC_BACKWARD;
}

__noinline int varmor_run(u32 version, u32 automaton, u32 n)
{
    struct varmor_walk *w = walk_get(0);

    if (!w)
        return VARMOR_STAT_NO_SCRATCH;
    if (!run_begin(w, version, automaton))
        return w->cause;
    run_dentries(w, version, n, is_backward(automaton));
    run_finish(w, version, automaton);
    return w->cause;
}

__noinline int varmor_run_text(u32 version, u32 automaton)
{
    struct varmor_walk *w = walk_get(0);

    if (!w)
        return VARMOR_STAT_NO_SCRATCH;
    if (!run_begin(w, version, automaton))
        return w->cause;
    run_text(w, version, is_backward(automaton));
    run_finish(w, version, automaton);
    return w->cause;
}
