/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/policy_status.h"

#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/map.h"
#include "manager/nodes.h"

#define NODES_NAMED       5    /* in the message of a condition; the others are counted */
#define STATUS_TEXT_BYTES 4096 /* of such a message */

const char *policy_phase_name(enum policy_phase phase)
{
    static const char *const names[] = {
        [PHASE_PENDING] = "Pending",
        [PHASE_PROTECTING] = "Protecting",
        [PHASE_ERROR] = "Error",
    };

    _Static_assert(ARRAY_SIZE(names) == POLICY_PHASES, "each phase has a name");
    return names[phase];
}

/* What is found when the nodes are gone through. */
struct survey {
    unsigned n, n_applied, n_failed, n_waiting, n_away;
    unsigned n_missing;               /* agents that should be there, and have never been */
    struct buf failed, waiting, away; /* texts with the first few nodes */
};

/* "node 'n1': BPF enforcer: why"; a reason that comes from the enforcer itself may begin with its
 * name. */
static int add_failure(struct buf *out, const struct node *node, enum enforcer_bit enforcer,
                       const char *reason)
{
    char prefix[64];

    snprintf(prefix, sizeof(prefix), "%s enforcer: ", enforcer_set_name(enforcer));
    if (strncmp(reason, prefix, strlen(prefix)) == 0)
        prefix[0] = '\0';
    return buf_format(out, "%snode '%s': %s%s", out->len ? "; " : "", error_quote(node->name),
                      prefix, reason);
}

/* Texts are cut when they are full: a message that is too short is better than no status. */
static void survey_add(struct survey *found, const struct node *node, unsigned slot,
                       const struct profile *profile)
{
    enum enforcer_bit enforcer = 0;
    const char *reason = NULL;
    int r = 0;

    found->n++;
    switch (node_standing(node, slot, profile, &enforcer, &reason)) {
    case NODE_APPLIED:
        if (node->connected)
            found->n_applied++;
        else if (found->n_away++ <
                 NODES_NAMED) /* its kernel may hold the profile; nobody confirms it */
            r = buf_format(&found->away, "%s'%s'", found->away.len ? ", " : "",
                           error_quote(node->name));
        break;
    case NODE_FAILED:
        if (found->n_failed++ < NODES_NAMED)
            r = add_failure(&found->failed, node, enforcer, reason);
        break;
    case NODE_WAITING:
        if (found->n_waiting++ < NODES_NAMED)
            r = buf_format(&found->waiting, "%s'%s'%s", found->waiting.len ? ", " : "",
                           error_quote(node->name), node->connected ? "" : " (away)");
        break;
    }
    (void)r;
}

/* "; WHAT 'a', 'b' and 7 more", if there are any. */
static int add_names(struct buf *message, const char *what, const struct buf *names, unsigned n)
{
    int r;

    if (n == 0)
        return 0;
    r = buf_format(message, "; %s %s", what, buf_text(names));
    if (r == 0 && n > NODES_NAMED)
        r = buf_format(message, " and %u more", n - NODES_NAMED);
    return r;
}

static void set_ready(struct policy_status *now, const struct survey *found, struct buf *message)
{
    unsigned n = found->n + found->n_missing;
    bool ready = n > 0 && found->n_applied == n;
    const char *reason = "AllAgentsReady";
    int r = 0;

    if (found->n_failed > 0) {
        reason = "Error";
        r = buf_add_text(message, buf_text(&found->failed));
        if (r == 0 && found->n_failed > NODES_NAMED)
            r = buf_format(message, "; and %u more nodes", found->n_failed - NODES_NAMED);
    } else if (found->n == 0) {
        reason = "NoNodes";
        r = buf_add_text(message, "no agent has connected");
        if (r == 0 && found->n_missing)
            r = buf_format(message, "; %u should", found->n_missing);
    } else {
        r = buf_format(message, "applied on %u of %u nodes", found->n_applied, n);
        if (!ready)
            reason = found->n_waiting > 0 ? "Processing"
                     : found->n_away > 0  ? "AgentAway"
                                          : "AgentMissing";
        r = r < 0 ? r : add_names(message, "waiting for", &found->waiting, found->n_waiting);
        r = r < 0 ? r : add_names(message, "no agent confirms it on", &found->away, found->n_away);
        if (r == 0 && found->n_missing)
            r = buf_format(message, "; from %u nodes no agent has connected", found->n_missing);
    }
    (void)r; /* the message is cut */
    now->ready.status = ready ? CONDITION_TRUE : CONDITION_FALSE;
    now->ready.reason = reason;
}

bool policy_status_update(struct policy_status *status, const struct stored_policy *policy,
                          const struct nodes *nodes, int64_t now_ns)
{
    struct survey found = {.failed = BUF_INIT(STATUS_TEXT_BYTES / 2),
                           .waiting = BUF_INIT(STATUS_TEXT_BYTES / 4),
                           .away = BUF_INIT(STATUS_TEXT_BYTES / 4)};
    CLEANUP_BUF struct buf message = BUF_INIT(STATUS_TEXT_BYTES);
    struct policy_status now = {0};
    bool changed;

    if (policy->profile) {
        MAP_FOREACH (e, nodes_all(nodes))
            survey_add(&found, map_value(e), policy->slot, policy->profile);
        if (nodes_expected(nodes) > found.n)
            found.n_missing = nodes_expected(nodes) - found.n;
        set_ready(&now, &found, &message);
    }
    if (policy->in_error || !policy->profile || found.n_failed > 0)
        now.phase = PHASE_ERROR;
    else
        now.phase = found.n_applied + found.n_away > 0 ? PHASE_PROTECTING : PHASE_PENDING;
    now.is_ready = now.ready.status == CONDITION_TRUE && !policy->in_error &&
                   policy->updated.status != CONDITION_FALSE;
    changed = status->is_ready != now.is_ready || status->phase != now.phase ||
              status->nodes_desired != found.n + found.n_missing ||
              status->nodes_ready != found.n_applied || status->nodes_failed != found.n_failed;
    status->is_ready = now.is_ready;
    status->phase = now.phase;
    status->nodes_desired = found.n + found.n_missing;
    status->nodes_ready = found.n_applied;
    status->nodes_failed = found.n_failed;
    changed |= condition_set(&status->ready, now.ready.status, now.ready.reason,
                             message.len ? buf_text(&message) : NULL, now_ns);
    buf_done(&found.failed);
    buf_done(&found.waiting);
    buf_done(&found.away);
    return changed;
}

void policy_status_done(struct policy_status *status)
{
    condition_done(&status->ready);
}
