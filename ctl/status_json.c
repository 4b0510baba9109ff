/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/status_json.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "ctl/text.h"
#include "lib/json_value.h"

const char *status_json_time(int64_t time_ns, char text[static STATUS_TIME_SIZE])
{
    time_t seconds = (time_t)(time_ns / (int64_t)NS_PER_SEC);
    struct tm utc;

    text[0] = '\0';
    if (time_ns && gmtime_r(&seconds, &utc))
        strftime(text, STATUS_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
}

static json_t *digest_json(const struct digest *d)
{
    char text[DIGEST_TEXT_SIZE];

    return json_string(digest_is_zero(d) ? "" : digest_format(d, text));
}

static json_t *time_json(int64_t time_ns)
{
    char text[STATUS_TIME_SIZE];

    return json_string(status_json_time(time_ns, text));
}

/* A list of n items made one by one; NULL when any of them could not be made. */
#define LIST_JSON(list, count, make)                                                               \
    __extension__({                                                                                \
        json_t *list_json_ = json_array();                                                         \
        for (size_t i_ = 0; list_json_ && i_ < (count); i_++) {                                    \
            if (json_array_append_new(list_json_, make(&(list)[i_])) < 0) {                        \
                json_decref(list_json_);                                                           \
                list_json_ = NULL;                                                                 \
            }                                                                                      \
        }                                                                                          \
        list_json_;                                                                                \
    })

static json_t *enforcer_result_json(const struct msg_enforcer_result *e)
{
    return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o}", "enforcer",
                     enforcer_set_name(e->enforcer), "applied", e->applied, "reason",
                     text_json(e->reason), "mode", text_json(e->mode), "imageDigest",
                     digest_json(&e->image_digest), "policyHash", text_json(e->policy_hash),
                     "since", time_json(e->since_ns));
}

static json_t *enforcer_bindings_json(const struct status_enforcer_bindings *b)
{
    return json_pack("{s:s, s:I, s:I, s:I}", "enforcer", enforcer_set_name(b->enforcer), "inForce",
                     (json_int_t)b->n_in_force, "restartNeeded", (json_int_t)b->n_restart_needed,
                     "without", (json_int_t)b->n_without);
}

static json_t *condition_json(const struct status_condition *c)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "type", text_json(c->type), "status",
                     text_json(c->status), "reason", text_json(c->reason), "message",
                     text_json(c->message), "lastTransitionTime", time_json(c->since_ns));
}

static json_t *node_result_json(const struct status_node_result *n)
{
    return json_pack("{s:o, s:b, s:o, s:b, s:I, s:o, s:o}", "nodeName", text_json(n->node),
                     "connected", n->connected, "digest", digest_json(&n->digest), "current",
                     n->current, "boundContainers", (json_int_t)n->n_bound, "enforcers",
                     LIST_JSON(n->enforcers, n->n_enforcers, enforcer_result_json), "bindings",
                     LIST_JSON(n->bindings, n->n_bindings, enforcer_bindings_json));
}

json_t *status_json_policy(const struct status_policy *p)
{
    json_t *metadata = json_pack("{s:o, s:o, s:I, s:o}", "name", text_json(p->name), "namespace",
                                 text_json(p->name_space), "generation", (json_int_t)p->generation,
                                 "creationTimestamp", time_json(p->created_ns));
    json_t *target =
        json_pack("{s:o, s:o, s:o}", "kind", text_json(p->target_kind), "name",
                  text_json(p->target_name), "selector", text_json(p->target_selector));
    json_t *spec = json_pack("{s:o, s:{s:o, s:o}}", "target", target, "policy", "enforcer",
                             text_json(p->enforcer), "mode", text_json(p->mode));
    json_t *status = json_pack(
        "{s:o, s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "profileName",
        text_json(p->profile_name), "ready", p->ready, "phase", text_json(p->phase), "conditions",
        LIST_JSON(p->conditions, p->n_conditions, condition_json), "digest",
        digest_json(&p->digest), "desiredNodes", (json_int_t)p->nodes_desired, "readyNodes",
        (json_int_t)p->nodes_ready, "boundContainers", (json_int_t)p->n_bound, "containersWithout",
        (json_int_t)p->n_without, "containersToRestart", (json_int_t)p->n_restart_needed, "nodes",
        LIST_JSON(p->nodes, p->n_nodes, node_result_json), "source", text_json(p->source));

    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "apiVersion", "crd.varmor.org/v1beta1", "kind",
                     text_json(p->kind), "metadata", metadata, "spec", spec, "status", status);
}

json_t *status_json_profile(const struct status_profile *p)
{
    json_t *metadata =
        json_pack("{s:o, s:o, s:o}", "name", text_json(p->name), "namespace",
                  text_json(p->name_space), "creationTimestamp", time_json(p->created_ns));
    json_t *owner = json_pack("{s:o, s:o, s:o}", "kind", text_json(p->policy_kind), "namespace",
                              text_json(p->policy_namespace), "name", text_json(p->policy_name));
    json_t *spec = json_pack("{s:o, s:o, s:o, s:I}", "policy", owner, "enforcer",
                             text_json(enforcer_set_name(p->enforcers)), "mode", text_json(p->mode),
                             "rules", (json_int_t)p->n_rules);
    json_t *status =
        json_pack("{s:o, s:I, s:I}", "digest", digest_json(&p->digest), "desiredNumberLoaded",
                  (json_int_t)p->nodes_desired, "currentNumberLoaded", (json_int_t)p->nodes_ready);

    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "apiVersion", "crd.varmor.org/v1beta1", "kind",
                     "ArmorProfile", "metadata", metadata, "spec", spec, "status", status);
}

static json_t *enforcer_state_json(const struct msg_enforcer_state *e)
{
    return json_pack("{s:s, s:b, s:o}", "enforcer", enforcer_set_name(e->enforcer), "usable",
                     e->usable, "reason", text_json(e->reason));
}

static json_t *fact_json(const struct msg_fact *f)
{
    return json_pack("{s:o, s:o}", "name", text_json(f->name), "value", text_json(f->value));
}

json_t *status_json_node(const struct status_node *n)
{
    json_t *status = json_pack(
        "{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "connected", n->connected,
        "since", time_json(n->since_ns), "agentVersion", text_json(n->agent_version), "kernel",
        text_json(n->kernel), "architecture", text_json(n->architecture), "runtime",
        text_json(n->runtime), "enforcers",
        LIST_JSON(n->enforcers, n->n_enforcers, enforcer_state_json), "facts",
        LIST_JSON(n->facts, n->n_facts, fact_json), "profiles", (json_int_t)n->n_profiles,
        "currentProfiles", (json_int_t)n->n_current, "boundContainers", (json_int_t)n->n_bound);

    return json_pack("{s:s, s:{s:o}, s:o}", "kind", "Node", "metadata", "name", text_json(n->name),
                     "status", status);
}

static json_t *binding_enforcer_json(const struct msg_binding_enforcer *e)
{
    return json_pack("{s:s, s:b, s:b, s:b, s:o, s:o, s:o}", "enforcer",
                     enforcer_set_name(e->enforcer), "inForce", e->in_force, "restartNeeded",
                     e->restart_needed, "optedOut", e->opted_out, "mode", text_json(e->mode),
                     "since", time_json(e->since_ns), "reason", text_json(e->reason));
}

json_t *status_json_binding(const struct status_binding *b)
{
    const struct msg_binding *m = &b->binding;
    json_t *pod = json_pack("{s:o, s:o, s:o}", "namespace", text_json(m->pod_namespace), "name",
                            text_json(m->pod_name), "uid", text_json(m->pod_uid));
    json_t *workload = json_pack("{s:o, s:o}", "kind", text_json(m->workload_kind), "name",
                                 text_json(m->workload_name));

    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:b, s:o, s:b, s:o, s:o}",
                     "kind", "Binding", "nodeName", text_json(b->node), "containerID",
                     text_json(m->container_id), "runtimeNamespace",
                     text_json(m->runtime_namespace), "containerName", text_json(m->container_name),
                     "image", text_json(m->image), "pod", pod, "workload", workload, "pid", m->pid,
                     "profileName", text_json(m->profile), "bound", message_is_bound(m), "since",
                     time_json(m->since_ns), "beforeFirstInstruction", m->before_first_instruction,
                     "reason", text_json(m->reason), "enforcers",
                     LIST_JSON(m->enforcers, m->n_enforcers, binding_enforcer_json));
}

json_t *status_json_list(const struct status_list *l)
{
    json_t *items = NULL;

    switch (l->resource) {
    case STATUS_POLICIES:
        items = LIST_JSON(l->policies, l->n, status_json_policy);
        break;
    case STATUS_PROFILES:
        items = LIST_JSON(l->profiles, l->n, status_json_profile);
        break;
    case STATUS_NODES:
        items = LIST_JSON(l->nodes, l->n, status_json_node);
        break;
    case STATUS_BINDINGS:
        items = LIST_JSON(l->bindings, l->n, status_json_binding);
        break;
    case STATUS_NONE:
    case STATUS_RESOURCES:
        break;
    }
    return json_pack("{s:s, s:s, s:o}", "apiVersion", "v1", "kind", "List", "items", items);
}

static json_t *violation_json(const struct status_violation *v)
{
    const struct msg_violation *m = &v->violation;
    json_t *event = json_value_read(m->event, strlen(m->event), 0, NULL);

    return json_pack(
        "{s:o, s:o, s:o, s:o, s:i, s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "nodeName",
        text_json(v->node), "time", time_json(m->time_ns), "profileName", text_json(m->profile),
        "rule", text_json(m->rule), "ruleNumber", m->rule_number, "action",
        m->denied ? "DENIED" : "ALLOWED", "pid", m->pid, "enforcer", text_json(m->enforcer),
        "podNamespace", text_json(m->pod_namespace), "podName", text_json(m->pod_name),
        "containerName", text_json(m->container_name), "event", event ? event : json_null());
}

static json_t *rule_count_json(const struct status_rule_count *r)
{
    return json_pack("{s:o, s:o, s:o, s:I}", "origin", text_json(r->origin), "kind",
                     text_json(r->kind), "rule", text_json(r->text), "verdicts",
                     (json_int_t)r->count);
}

static json_t *origin_count_json(const struct msg_event_count *e)
{
    return json_pack("{s:s, s:o, s:I}", "enforcer", enforcer_set_name(e->enforcer), "origin",
                     text_json(e->origin), "violations", (json_int_t)e->count);
}

static json_t *finding_json(const char *const *finding)
{
    return text_json(*finding);
}

json_t *status_json_policy_description(const struct status_policy_description *d)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "policy",
                     status_json_policy(&d->policy), "bindings",
                     LIST_JSON(d->bindings, d->n_bindings, status_json_binding), "violations",
                     LIST_JSON(d->violations, d->n_violations, violation_json), "rules",
                     LIST_JSON(d->rules, d->n_rules, rule_count_json), "events",
                     LIST_JSON(d->events, d->n_events, origin_count_json), "findings",
                     LIST_JSON(d->findings, d->n_findings, finding_json), "warnings",
                     LIST_JSON(d->warnings, d->n_warnings, finding_json));
}

json_t *status_json_node_description(const struct status_node_description *d)
{
    return json_pack("{s:o, s:o, s:o}", "node", status_json_node(&d->node), "bindings",
                     LIST_JSON(d->bindings, d->n_bindings, status_json_binding), "violations",
                     LIST_JSON(d->violations, d->n_violations, violation_json));
}

int status_json_print(const json_t *document, FILE *out, struct error **reterr)
{
    if (!document)
        return error_oom(reterr);
    if (json_dumpf(document, out, JSON_INDENT(2)) < 0 || fputc('\n', out) == EOF ||
        fflush(out) == EOF)
        return error_errno(reterr, errno ? errno : EIO, "standard output");
    return 0;
}
