/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which classes of rules a profile is about ("policy features", apparmor_parser(8)).
 *
 * A class that a profile is compiled for and has no rule about is denied. So a profile is compiled
 * for the classes that its base speaks of, and not for whatever the running kernel happens to know:
 * else a new kernel would take user namespaces, say, from every container. A profile with a rule
 * about one of the newer classes (aa_class_is_newer()) is compiled for all, since its base then
 * allows the others. Pure, but for apparmor_features_file().
 */
#include "lib/buf.h"
#include "lib/error.h"

struct aa_rules;

#define APPARMOR_FEATURES_TEXT_MAX (64u << 10) /* bytes; a kernel of 2026 has 4 KiB */

/* kernel: the features as libapparmor writes them, "file {mask {create read\n}\n}\n...". Appends the
 * part that a profile is compiled for. 0, -EBADMSG (braces that do not match), -E2BIG or -ENOMEM. */
int apparmor_features_select(const char *kernel, bool newer, struct buf *out);

/* True if a rule is about a newer class. */
bool apparmor_features_need_newer(const struct aa_rules *rules);
/* Whether the kernel mediates the newer classes that rules deny or audit: else they would be dropped
 * in silence. 0, or -EOPNOTSUPP with *reterr, which names the rule. */
int apparmor_features_check(const char *kernel, const struct aa_rules *rules,
                            struct error **reterr);

/* A file in memory with the text, which nobody can change; the descriptor is the caller's. A
 * descriptor or a negative errno. */
int apparmor_features_file(const struct buf *text);
