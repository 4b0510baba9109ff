/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The kernel tells when processes and events were by CLOCK_BOOTTIME, and people by CLOCK_REALTIME. */
#include "lib/base.h"

/* What to add to a time of CLOCK_BOOTTIME, at present: of three tries the one that was disturbed
 * least. */
int64_t boot_clock_to_real_ns(void);
