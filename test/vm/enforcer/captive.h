/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A captive: a process as a container runtime makes one, without a runtime. It has a cgroup and a
 * root directory of its own, and does what it is told over pipes. Made in two steps, so that a test
 * can bind its cgroup before its program begins.
 */
#include "lib/base.h"

struct captive {
    char cgroup[64]; /* path of its folder */
    uint64_t cgroup_id;
    int pid;      /* 0: not started */
    int to, from; /* its standard input and output; -1 */
};

/* Makes the cgroup. program is a static executable of the guest. Both end the test program on
 * failure. */
void captive_make(struct captive *c, const char *name);
void captive_start(struct captive *c, const char *program);
/* Ends the process and removes the cgroup. */
void captive_end(struct captive *c);

/* Opens a path for reading: 0 or the errno (positive). The root has /secret and /public. */
int captive_open(struct captive *c, const char *path);
/* Opens it again and again until captive_stop(), which tells how often in all, and how often it
 * worked. */
void captive_loop(struct captive *c, const char *path);
void captive_stop(struct captive *c, unsigned long *ret_tries, unsigned long *ret_successes);
