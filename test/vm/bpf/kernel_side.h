/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The LSM programs, loaded and attached for a test: every program by itself, so that the report
 * says which one a kernel refuses and why. Nothing is pinned; all of it ends with the process.
 */
#include "bpf/varmor_shared.h"
#include "lib/ruleset/ruleset.h"

struct varmor_bpf; /* the skeleton */
struct bpf_object;
struct ring_buffer;

#define KERNEL_SIDE_EVENTS 16
struct kernel_side_event {
    struct varmor_event event;
    char text[VARMOR_EVENT_TEXT];
};

struct kernel_side {
    struct varmor_bpf *skel;
    bool has_task_storage;
    uint32_t next_version;
    struct ring_buffer *ring;
    /* the last records, since kernel_side_read_events() */
    struct kernel_side_event events[KERNEL_SIDE_EVENTS];
    size_t n_events;
};

/* Opens, sets the facts and loads. Prints what fails, with the verifier's words. 0 or a negative
 * errno. */
int kernel_side_load(struct kernel_side *k);
int kernel_side_attach(struct kernel_side *k);
void kernel_side_done(struct kernel_side *k);

struct bpf_object *kernel_side_object(const struct kernel_side *k); /* borrowed */

/* Prints name, instructions and instructions verified of each loaded program, and the time to load.
 */
void kernel_side_print_costs(const struct kernel_side *k);

/* A ruleset's image as an inner map of varmor_images. A descriptor that is the caller's, or a negative errno. */
int kernel_side_make_image(const struct ruleset *rules);
/* Makes a new version from a ruleset and switches a slot to it. Returns the version or a negative
 * errno. */
int kernel_side_put(struct kernel_side *k, uint32_t slot, const struct ruleset *rules);
/* Takes the profile out of a slot. 0 or a negative errno. */
int kernel_side_clear(struct kernel_side *k, uint32_t slot);
/* Ties a cgroup to a slot. running: VARMOR_BIND_RUNNING, as of now. 0 or a negative errno. */
int kernel_side_bind(struct kernel_side *k, uint64_t cgroup, uint32_t slot, bool running);

uint64_t kernel_side_count(const struct kernel_side *k, uint32_t version, uint32_t rule);
uint64_t kernel_side_stat(const struct kernel_side *k, enum varmor_stat stat);

/* Reads the records that are there into k->events; returns how many there were. */
size_t kernel_side_read_events(struct kernel_side *k);
