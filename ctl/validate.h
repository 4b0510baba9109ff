/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* varmorctl validate: the parser and the checks of the manager, on files, for people and for CI. */

enum {
    VALIDATE_CLEAN = 0,
    VALIDATE_FINDINGS = 1,   /* at least one error */
    VALIDATE_UNREADABLE = 3, /* something could not be read; outweighs findings */
};

/* argv[0] is for messages; the result is the exit status. */
int validate_run(int argc, char **argv);
