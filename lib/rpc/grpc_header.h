/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The values of gRPC's own header fields, as text and back. Pure; of outside text, nothing is
 * trusted. */
#include "lib/rpc/grpc.h"

#define GRPC_TIMEOUT_TEXT_SIZE 10   /* eight digits, a unit, NUL */
#define GRPC_MESSAGE_MAX_BYTES 1024 /* of a status message, decoded: more is cut */
#define GRPC_MESSAGE_TEXT_SIZE (3 * GRPC_MESSAGE_MAX_BYTES + 1)

/* grpc-timeout: "20S", "100m". 0 or -EINVAL. */
int grpc_timeout_parse(uint64_t *ret_ns, const char *text);
/* The shortest timeout in that form that is not below timeout_ns, as far as eight digits go;
 * returns text. */
const char *grpc_timeout_format(uint64_t timeout_ns, char text[static GRPC_TIMEOUT_TEXT_SIZE]);

/* grpc-message: percent-encoded; returns out. */
const char *grpc_message_encode(const char *text, char out[static GRPC_MESSAGE_TEXT_SIZE]);
/* Wrong escapes stay as they are, as the protocol demands; returns out. */
const char *grpc_message_decode(const char *text, char out[static GRPC_MESSAGE_MAX_BYTES + 1]);

/* grpc-status: GRPC_UNKNOWN for what is no number of a status. */
enum grpc_status grpc_status_parse(const char *text);
/* What an HTTP status without gRPC status means (the protocol's http-grpc-status-mapping). */
enum grpc_status grpc_status_of_http(const char *text);

/* "application/grpc", alone or with a suffix ("+proto") or parameters. */
bool grpc_content_type_is_ours(const char *text);

/* The limits with every zero replaced by its default. limits may be NULL. */
struct grpc_limits grpc_limits_fill(const struct grpc_limits *limits);
