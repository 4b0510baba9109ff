/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/violation.h"

#include <assert.h>

const char *violation_action_name(enum violation_action a)
{
    static const char *const names[] = {
        [VIOLATION_DENIED] = "DENIED",
        [VIOLATION_AUDITED] = "AUDIT",
        [VIOLATION_ALLOWED] = "ALLOWED",
        [VIOLATION_AUDITED_OR_ALLOWED] = "AUDIT|ALLOWED",
    };

    static_assert(ARRAY_SIZE(names) == VIOLATION_ACTIONS, "a name for each action");
    return names[a];
}
