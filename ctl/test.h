/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* varmorctl test: what an action would get under a policy, and whether that is what is expected. */

enum {
    TEST_DIFFERENT = 1,  /* an expectation differs, or the policy is wrong */
    TEST_UNREADABLE = 3, /* something could not be read */
};

/* argv[0] is for messages; the result is the exit status. */
int test_run(int argc, char **argv);
