/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A file read whole, up to a ceiling, or written whole: of procfs, securityfs or a disk. Blocks, no
 * logging. */
#include "lib/buf.h"

/* Appends the content to out; path is below dir_fd, and no link. 0, -E2BIG (out's ceiling), -ENOMEM
 * or another negative errno; out may then hold a part. */
int whole_file_read(int dir_fd, const char *path, struct buf *out);
/* The same for a path of the kernel's own file systems, where links are followed. */
int whole_file_read_kernel(int dir_fd, const char *path, struct buf *out);

/* Writes all of it where fd is. 0 or a negative errno; then a part may be written. */
int whole_file_write(int fd, const void *data, size_t len);

/* A new empty file that lives in memory alone, close-on-exec, can be sealed, and is never executable.
 * name is for people who look. A descriptor or a negative errno. */
int whole_file_in_memory(const char *name);
