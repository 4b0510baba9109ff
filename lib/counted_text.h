/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A text that several owners may have: plain C text to who reads it, with a count of references in
 * front of it. For long texts that many objects have in common. One thread.
 */
#include "lib/base.h"

/* A copy with one reference. NULL: no memory. */
char *counted_text_new(const char *text, size_t len);
/* Gives a reference up; frees with the last. Accepts NULL, returns NULL. */
char *counted_text_unref(char *text);
/* If both say the same, gives up *text for another reference to like. True then, and if they are one
 * already. Both may be NULL. */
bool counted_text_share(char **text, char *like);
