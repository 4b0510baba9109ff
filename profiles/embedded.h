/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The files of profiles/rules/ and profiles/base/, and that of profiles/seccomp/, as data of the
 * binary; made by profiles/embed.awk. */
#include <stddef.h>

struct embedded_file {
    const char *name; /* "profiles/rules/disable-cap-all.yaml" */
    const char *text;
};
extern const struct embedded_file embedded_files[];
extern const size_t n_embedded_files;
extern const struct embedded_file seccomp_base_files[]; /* one */
extern const size_t n_seccomp_base_files;
