/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Telling the service manager how we are (systemd's sd_notify protocol: a datagram to
 * $NOTIFY_SOCKET). */

/* Sends a line such as "READY=1". Does nothing where nobody listens: a service manager that cannot
 * be told is no reason to stop. */
void service_notify(const char *state);
