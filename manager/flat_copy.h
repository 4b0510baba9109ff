/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Copies of structs that live longer than the message they came with: the struct and its texts in
 * one piece of memory, freed with free(). */
#include <stddef.h>

/* A copy of size bytes at from, in which the texts (const char *, not NULL) at the given offsets
 * are copied too. The other pointers in it are copied as they are. NULL: no memory. */
void *flat_copy(const void *from, size_t size, const size_t *text_offsets, size_t n_texts);
