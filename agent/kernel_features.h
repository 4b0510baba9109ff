/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What this kernel can do for the BPF enforcer, asked once, by trying and never by version number.
 *
 * Everything that could not be found out is recorded with its errno, not guessed: a fact says "no:
 * Operation not permitted", and the reason why BPF enforcement cannot be had names the cause and
 * the way out. Reading the facts makes and closes a few small kernel objects, blocks for
 * milliseconds, changes nothing, logs nothing.
 */
#include "lib/base.h"

struct enforcer_facts;

struct kernel_features {
    char release[65];  /* uname -r */
    char lsm[160];     /* the kernel's LSM list, "lockdown,yama,bpf"; "" if it cannot be read */
    int lsm_errno;     /* 0, or why not (negative) */
    char lockdown[24]; /* "none", "integrity", "confidentiality"; "" if there is no lockdown */
    int btf_errno;     /* 0: the kernel describes its types (/sys/kernel/btf/vmlinux) */
    int map_errno;     /* 0: this process may make BPF objects */
    bool ring_buffer;
    bool task_storage; /* without it the cgroup alone decides whose an access is */
};

/* Asks the kernel. Cannot fail: what it cannot learn is in the *_errno members. */
void kernel_features_read(struct kernel_features *ret);

/* True if name is one of the words of the list, matched whole. */
bool kernel_features_has_lsm(const struct kernel_features *f, const char *name);

/* The word in brackets of the lockdown file ("none [integrity] confidentiality"); "" if there is
 * none. */
void kernel_features_parse_lockdown(const char *text, char *word, size_t word_size);

/* Appends the facts. If they rule BPF enforcement out, sets usable to false and reason to why; else
 * leaves these two as they are. */
void kernel_features_tell(const struct kernel_features *f, struct enforcer_facts *facts);
