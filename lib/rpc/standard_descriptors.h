/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The file descriptors of the two standard services, made from lib/rpc/protos at build time. */

extern const unsigned char standard_descriptors_bytes[];
extern const unsigned long standard_descriptors_size;
