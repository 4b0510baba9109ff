/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The identity of an object as a key of maps: "VarmorPolicy/shop/web"; the namespace of cluster
 * kinds is empty. */
#include <stddef.h>

/* Kind, namespace (63 bytes) and name (253), which the reader of policies limits, with room to
 * spare. */
#define OBJECT_KEY_SIZE 640

/* Writes and returns key. */
const char *object_key(char key[static OBJECT_KEY_SIZE], const char *kind, const char *name_space,
                       const char *name);
