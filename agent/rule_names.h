/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The origins of a profile's rules by number ("bpfRawRules.files[2]"), in a form that can lie in
 * the kernel.
 *
 * A version's image in the kernel is longer than what the programs walk: behind its last line
 * (front.n_lines) lie the names of its rules, so that an agent that adopts it can say which rule
 * decided, and can carry the counters of equal rules over to the next version. The programs never
 * look there; the image's digest does not cover it.
 *
 *   line 0      magic, number of names, bytes of text, zeros
 *   line 1 ...  the names, each with its NUL, then zeros
 *
 * Immutable, shared by reference count (plain integers: one thread). No I/O, no logging.
 */
#include "bpf/varmor_shared.h"
#include "lib/error.h"

struct profile;
struct rule_names; /* opaque */

#define RULE_NAME_MAX        255 /* bytes of a name; the rest of a longer one is cut off */
#define RULE_NAMES_MAX_LINES (1 + (VARMOR_MAX_RULES * (RULE_NAME_MAX + 1)) / 64 + 1)

/* The names of a profile's rules, with one reference. NULL: no memory. */
struct rule_names *rule_names_new(const struct profile *profile);
struct rule_names *rule_names_ref(struct rule_names *names);   /* accepts NULL; returns names */
struct rule_names *rule_names_unref(struct rule_names *names); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct rule_names *, rule_names_unref)

size_t rule_names_count(const struct rule_names *names);
/* The name of a rule; "" for a number that no rule has. Borrowed. */
const char *rule_names_get(const struct rule_names *names, size_t number);

/* Lines that rule_names_encode() writes: at least 1. */
size_t rule_names_lines(const struct rule_names *names);
void rule_names_encode(const struct rule_names *names, struct varmor_line *lines);
/* Reads what rule_names_encode() wrote. 0, -ENOMEM, or -EINVAL with *reterr if it is something
 * else. */
int rule_names_decode(struct rule_names **ret, const struct varmor_line *lines, size_t n_lines,
                      struct error **reterr);

/* Adds from[i] to to[j] where rule i of old and rule j of new have the same name; of several rules
 * with one name the first goes to the first, and so on. What has no counterpart is left out. The
 * arrays are as long as their names. to may be counted on by the kernel meanwhile: the additions
 * are atomic. 0 or -ENOMEM (then nothing was added). */
int rule_names_carry(const struct rule_names *old, const uint64_t *from,
                     const struct rule_names *new, uint64_t *to);
