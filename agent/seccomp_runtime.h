/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the program that starts containers (runc, crun) makes of a seccomp profile. runc before 1.2
 * refuses to start a container whose profile has a flag, so the one that has denials audited is
 * written only where the program says that it knows it (`runc features`), or is crun.
 */
#include "lib/error.h"

struct seccomp_runtime {
    bool takes_log_flag;
    char told[96]; /* for status: "runc 1.2.5", "runc 1.1.15 takes no flags", "no runc was found" */
};

/* program: absolute path; NULL or "": runc where it usually is. Starts it once, on a loop of its
 * own; blocks. A program that is not there, or does not answer, takes no flag. 0 or -ENOMEM. */
int seccomp_runtime_ask(struct seccomp_runtime *ret, const char *program, struct error **reterr);
/* The answer of `runc features`, from outside. Pure. */
void seccomp_runtime_parse(struct seccomp_runtime *ret, const char *json, size_t len);
