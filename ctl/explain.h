/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* varmorctl explain: what a field of a policy takes, and what a built-in rule does on every enforcer,
 * and what not. */

enum { EXPLAIN_UNKNOWN = 1 }; /* there is no such rule or field */

/* argv[0] is for messages; the result is the exit status. */
int explain_run(int argc, char **argv);
