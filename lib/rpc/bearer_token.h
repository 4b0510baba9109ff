/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A token from a file, as the value of a call's authorization field. Kubernetes puts a new one into
 * the file's place before the old one ends: it is read for each call. */

#define BEARER_TOKEN_SIZE (8u << 10) /* a projected ServiceAccount token is 1 to 2 KiB */

/* "Bearer TOKEN" of the file's first line. 0, -E2BIG (it does not fit), -ENODATA (no token in it) or
 * an errno of the file system. Blocks for that. */
int bearer_token_read(char ret[static BEARER_TOKEN_SIZE], const char *path);
