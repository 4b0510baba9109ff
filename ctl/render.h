/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* varmorctl render: what the agents would load for a policy. */

enum {
    RENDER_FINDINGS = 1,   /* the policy cannot be rendered */
    RENDER_UNREADABLE = 3, /* something could not be read */
};

/* argv[0] is for messages; the result is the exit status. */
int render_run(int argc, char **argv);
