/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Maps of the kernel that are looked at from user space: arrays through a window of shared memory,
 * the outer maps by version, address tries by bulk.
 *
 * A window shows the kernel's own pages: what is stored there is what the programs see, and what is
 * read is what they have. So a version is filled and read back without a system call a line,
 * counters can be added to atomically while programs count, and the switch of a slot is one aligned
 * 32-bit store.
 *
 * Descriptors are one of three owners of a map, beside an outer map that holds it and a pin:
 * closing one here ends the map only if nothing else holds it. A window holds its map as well.
 *
 * Putting into or dropping from an outer map returns only after every program that might still use
 * what was there has ended (the kernel waits for that: 8 to 16 ms on an idle machine with two
 * processors). No logging.
 */
#include "bpf/varmor_shared.h"
#include "lib/error.h"

struct ruleset_prefix;

/* A map's array, mapped. */
struct kernel_window {
    void *data; /* NULL: none */
    size_t n_bytes;
};

/* Makes an inner map: an array of n cells of cell_bytes that can be windowed, all zero; or a trie
 * with room for n prefixes. The descriptor is the caller's. A negative errno with *reterr on
 * failure. */
int kernel_map_new_array(int *ret_fd, const char *name, uint32_t cell_bytes, uint32_t n,
                         struct error **reterr);
int kernel_map_new_trie(int *ret_fd, const char *name, uint32_t n, struct error **reterr);

/* Cells of the map (its max_entries). 0 or a negative errno. */
int kernel_map_size(int fd, uint32_t *ret_n);

/* Opens a window on the first n_bytes of an array. Cells lie at multiples of 8 bytes. 0 or a
 * negative errno. */
int kernel_window_open(struct kernel_window *ret, int fd, size_t n_bytes);
void kernel_window_done(struct kernel_window *w); /* may be called again */
#define CLEANUP_WINDOW __attribute__((cleanup(kernel_window_done)))

/* Opens the inner map that an outer one holds under a version. 1, 0 if it holds none, or a negative
 * errno. */
int kernel_map_open_inner(int outer_fd, uint32_t version, int *ret_fd);
/* Puts an inner map under a version / takes it away. 0 or a negative errno; dropping what is not
 * there is 0. */
int kernel_map_put_inner(int outer_fd, uint32_t version, int inner_fd);
int kernel_map_drop_inner(int outer_fd, uint32_t version);
/* The versions that an outer map holds: a list that the caller frees. 0, -ENOMEM, -E2BIG (more than
 * VARMOR_MAX_VERSIONS) or another errno. */
int kernel_map_versions(int outer_fd, uint32_t **ret, size_t *ret_n);

/* Fills an empty trie. 0 or a negative errno. */
int kernel_map_fill_trie(int fd, const struct ruleset_prefix *prefixes, size_t n);
/* Reads all of a trie, in the order of ruleset_sort_prefixes(); the list is the caller's to free.
 * 0, -ENOMEM, -E2BIG (more than max) or another errno. */
int kernel_map_read_trie(int fd, struct ruleset_prefix **ret, size_t *ret_n, size_t max);
