/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Questions to an encoded FileDescriptorSet (google/protobuf/descriptor.proto): which file has this
 * name, which one defines this symbol. The set is walked for each question and never copied: it is
 * small, and questions are rare.
 */
#include "lib/rpc/pb_fields.h"

/* 0, or -EBADMSG if something in it cannot be read. */
int descriptor_files_check(struct pb_bytes set);

/* The encoded FileDescriptorProto of that name, in *ret. True if there is one. */
bool descriptor_files_by_name(struct pb_bytes set, struct pb_bytes name, struct pb_bytes *ret);

/* The file that defines a message, field, enum, enum value, extension, service or method of that
 * full name
 * ("package.Message.field"). A dot in front, as protoc writes it, is allowed. */
bool descriptor_files_by_symbol(struct pb_bytes set, struct pb_bytes symbol, struct pb_bytes *ret);
