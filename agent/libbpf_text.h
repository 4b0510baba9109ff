/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What libbpf has to say, caught for our own error messages: its last lines, among them the end of
 * the verifier's log. libbpf has one place for a print function in a process, so this has one text;
 * not thread-safe. Never logs.
 */
#include "lib/base.h"

#define LIBBPF_TEXT_MAX 1024 /* bytes of the end that is kept */

/* From now on libbpf's warnings are kept, the text is empty. Without it they go to libbpf's own
 * stderr. */
void libbpf_text_begin(void);
/* From now on they are dropped. The text stays. */
void libbpf_text_end(void);

/* ": " and the last lines, joined by "; ", or "" if nothing was said. Borrowed until the next call
 * of any function here. */
const char *libbpf_text_last(void);

/* Takes one message as libbpf gives it, which may be many lines. */
void libbpf_text_add(const char *message);
