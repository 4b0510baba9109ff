/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The calls of a server's connections: what the session tells is turned into the method's
 * callbacks. The session's owner is its struct server_connection. The calls themselves are in
 * grpc_server.h. */
struct h2_handler;

extern const struct h2_handler server_call_handler;
