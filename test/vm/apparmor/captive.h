/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A captive: a process that runs under an AppArmor profile as a container's does, having been
 * executed under it, and does what it is told over pipes. It has a cgroup of its own.
 */
#include "lib/base.h"

struct captive {
    int pid;         /* 0: not started */
    int to, from;    /* its standard input and output; -1 */
    char cgroup[64]; /* its path in the hierarchy, "/captive" */
};

/* Runs this very program as captive_serve(), under the profile; NULL: unconfined. 0 or an errno
 * (positive): the profile is not there. */
int captive_start(struct captive *c, const char *profile);
void captive_end(struct captive *c);

/* Each returns 0 or the errno (positive) that the captive got. */
int captive_open(struct captive *c, const char *path);
int captive_mount(struct captive *c);
int captive_userns(struct captive *c);

/* What a captive does until its standard input ends. */
int captive_serve(void);
