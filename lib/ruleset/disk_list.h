/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The disks of a node, as rules about disks mean them: the names in /proc/partitions (whole disks and partitions, loop,
 * device-mapper, md and ram ones), as paths below /dev.
 *
 * A policy cannot know them, so its profile says DISK_PLACEHOLDER where a path pattern or a mount source stands for
 * all of them, and each agent puts its own node's disks there (disk_list_expand) before the profile is compiled.
 *
 * Invariants
 * 1. A list is sorted and has no name twice: equal disks give equal lists, whatever order the kernel tells them in.
 * 2. A name holds letters, digits and . _ - + : alone (and '/' where the kernel writes '!'), so that it means itself in
 * every pattern and in AppArmor's text. Other names are not in the list, and are counted.
 *
 * Pure: no I/O, no logging.
 */
#include "lib/error.h"

struct profile;

#define DISK_PLACEHOLDER   "{{.DiskDevices}}"
#define DISK_NONE          "/dev//" /* what the placeholder becomes without disks; no path is like that */
#define DISK_LIST_MAX      4096         /* disks and partitions of a node */
#define DISK_LIST_MAX_TEXT (256u << 10) /* bytes of /proc/partitions: 64 for each of them */
#define DISK_PATH_MAX      63 /* bytes; the kernel's own names have at most 31 behind "/dev/" */

struct disk_list {
    char **paths; /* owned, each "/dev/sda" */
    size_t n;
    size_t n_refused; /* lines whose name is none that could be told (invariant 2) */
};
#define CLEANUP_DISK_LIST __attribute__((cleanup(disk_list_done)))
void disk_list_done(struct disk_list *l); /* the list may be used again as an empty one */

/* Reads /proc/partitions. 0, -ENOMEM, or -E2BIG with *reterr (DISK_LIST_MAX); *ret is written on success only. */
int disk_list_parse(struct disk_list *ret, const char *text, size_t len, struct error **reterr);
bool disk_list_equal(const struct disk_list *a, const struct disk_list *b); /* of the paths alone */

/* Whether the profile's meaning depends on the node's disks: in a BPF rule, or in its AppArmor text. */
bool disk_list_concerns(const struct profile *p);

/*
 * The profile with the node's disks in place of the placeholder, for ruleset_build(); with one reference. Where no rule
 * has the placeholder that is p itself, with one reference more. Otherwise a new one that has p's name, digest, mode and
 * rules, and nothing else; more disks than one pattern holds (PATTERN_MAX_BRANCHES, PATTERN_MAX_BYTES) become several
 * rules of the same origin. 0, -ENOMEM, or -E2BIG with *reterr (PROFILE_MAX_RULES).
 */
int disk_list_expand(const struct disk_list *l, struct profile *p, struct profile **ret,
                     struct error **reterr);
