/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* varmorctl crds: the CustomResourceDefinitions, made of the tables that policies are read by. */

/* argv[0] is for messages; the result is the exit status. */
int crds_run(int argc, char **argv);
