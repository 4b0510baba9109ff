/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * All maps; included once, by varmor.bpf.c. No policy is in a map that forgets.
 *
 * varmor_cgroups, varmor_slots, varmor_images, varmor_counts, varmor_egress, varmor_control:
 * written by the agent, see varmor_shared.h; each is as large as the limit there, and full means
 * refused in user space. varmor_events: 512 KiB, some 1,300 records with short paths (the agent maps it twice); full means that
 * a record is lost and counted. varmor_labels (kernels without task storage only): a label each
 * task of a container; full means that the container cannot fork.
 */
#include "bpf/kernel.h"
#include "bpf/work.h"

#define MAPS_EVENT_BYTES (512 << 10)
#define MAPS_MAX_LABELS  65536

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct varmor_label);
} varmor_tasks SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct varmor_walk);
} varmor_walks SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, MAPS_MAX_LABELS);
    __type(key, u64); /* struct task_struct * */
    __type(value, struct varmor_label);
} varmor_labels SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, struct varmor_walk);
} varmor_scratch SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, VARMOR_MAX_BINDINGS);
    __type(key, u64);
    __type(value, struct varmor_binding);
} varmor_cgroups SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, VARMOR_MAX_SLOTS);
    __type(key, u32);
    __type(value, u32);
} varmor_slots SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, struct varmor_control);
} varmor_control SEC(".maps");

struct image_template {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __uint(key_size,
           sizeof(u32)); /* clang 14 leaves a struct that only an inner map names incomplete */
    __uint(value_size, sizeof(struct varmor_line));
};
struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, VARMOR_MAX_VERSIONS);
    __type(key, u32);
    __array(values, struct image_template);
} varmor_images SEC(".maps");

struct count_template {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u64);
};
struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, VARMOR_MAX_VERSIONS);
    __type(key, u32);
    __array(values, struct count_template);
} varmor_counts SEC(".maps");

struct trie_template {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, VARMOR_MAX_PREFIXES);
    __uint(key_size, sizeof(struct varmor_prefix));
    __uint(value_size, sizeof(struct varmor_leaf));
};
struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, VARMOR_MAX_VERSIONS);
    __type(key, u32);
    __array(values, struct trie_template);
} varmor_egress SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, VARMOR_N_STATS);
    __type(key, u32);
    __type(value, u64);
} varmor_stats SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, MAPS_EVENT_BYTES);
} varmor_events SEC(".maps");

/* Map keys lie on the stack; one word each. */
static __always_inline void *image_line(void *image, u32 line)
{
    return bpf_map_lookup_elem(image, &line);
}

static __always_inline void stat_add(u32 stat)
{
    u64 *count = bpf_map_lookup_elem(&varmor_stats, &stat);

    if (count)
        *count += 1;
}
