/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The encoded FileDescriptorSet of proto/varmor/v1, made at build time. */
extern const unsigned char descriptor_set_bytes[];
extern const unsigned long descriptor_set_size;
