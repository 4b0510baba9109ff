/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How the agent is, for `varmor-agent --health`, which a kubelet runs as its probe: one line in the
 * state folder's file `health`, locked for as long as the agent runs. So there is no port to reach
 * the agent by, and a line that a killed agent has left counts for nothing.
 *
 * An agent is ready once what an earlier one left is in force and a manager has said everything
 * once. It stays ready while the manager is away: enforcement does not depend on it. Blocks for the
 * file system; no logging.
 */
#include "lib/error.h"

#define HEALTH_FILE      "health" /* in the state folder */
#define HEALTH_LINE_SIZE 512      /* of the line; a longer reason is cut */

struct health; /* opaque */

/* Makes the folder and the file where they are not there, takes the lock and says that the agent
 * starts. 0, -EBUSY (another agent has the lock), -ENOMEM or an errno, with *reterr. */
int health_new(struct health **ret, const char *state_dir, struct error **reterr);
/* Gives the lock back; accepts NULL, returns NULL. */
struct health *health_free(struct health *h);
DEFINE_CLEANUP(struct health *, health_free)

/* Replaces the line. reason: why it is not ready; NULL: it is. 0 or an errno of the file system:
 * then the line may be the one before. */
int health_tell(struct health *h, const char *reason);

/* What the agent with that state folder says. 0: ready; with *reterr: -EAGAIN (not ready: why),
 * -ESRCH (no agent runs), -ENOMEM or an errno. */
int health_ask(const char *state_dir, struct error **reterr);
