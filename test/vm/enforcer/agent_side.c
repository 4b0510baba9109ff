/* SPDX-License-Identifier: Apache-2.0 */
#include "test/vm/enforcer/agent_side.h"

#include "agent/container.h"
#include "agent/violation.h"
#include "lib/loop.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define RUN_FOR_NS NS_PER_SEC

static void must(int r, struct error *e, const char *what)
{
    if (r >= 0)
        return;
    printf("agent: %s: %s\n", what, error_message(e));
    fflush(stdout);
    _exit(1);
}

static void on_violation(const struct violation *v, void *data)
{
    struct agent_side *a = data;
    struct seen_violation *seen;

    if (a->n_violations < AGENT_SIDE_VIOLATIONS) {
        seen = &a->violations[a->n_violations];
        snprintf(seen->profile, sizeof(seen->profile), "%s", v->profile_name);
        snprintf(seen->rule, sizeof(seen->rule), "%s", v->rule);
        snprintf(seen->json, sizeof(seen->json), "%s", v->event_json);
        snprintf(seen->container, sizeof(seen->container), "%s",
                 v->container ? v->container->id : "");
        seen->time_ns = v->time_ns;
        seen->lost = v->lost;
        seen->pid = v->pid;
        seen->denied = v->action == VIOLATION_DENIED;
    }
    a->n_violations++;
}

static const struct container *on_find(uint64_t cgroup_id, void *data)
{
    struct agent_side *a = data;

    return a->container && a->container->cgroup_id == cgroup_id ? a->container : NULL;
}

static void on_adopted(const struct enforcer_holding *h, void *data)
{
    struct agent_side *a = data;

    if (a->n_adopted < ARRAY_SIZE(a->adopted))
        a->adopted[a->n_adopted] = *h;
    a->n_adopted++;
}

void agent_side_begin(struct agent_side *a)
{
    struct enforcer_events events = {
        .violation = on_violation, .find_container = on_find, .data = a};
    struct error *e = NULL;

    memset(a, 0, sizeof(*a));
    must(loop_new(&a->loop, &e), e, "loop");
    must(enforcer_bpf_new(&a->enforcer, a->loop, &events, &e), e, "enforcer");
    must(a->enforcer->ops->probe(a->enforcer, &a->facts, &e), e, "probe");
    if (a->facts.usable)
        must(a->enforcer->ops->adopt(a->enforcer, on_adopted, a, &e), e, "adopt");
}

void agent_side_end(struct agent_side *a)
{
    a->enforcer->ops->free(a->enforcer);
    loop_free(a->loop);
}

void agent_side_add_rule(struct profile *p, const char *path, const char *origin)
{
    struct rule *rule = profile_add_rule(p, RULE_FILE, RULE_DENY | RULE_AUDIT, origin);

    rule->path.pattern = strdup(path);
    rule->path.permissions = PATH_READ;
}

struct profile *agent_side_profile(const char *name, const char *path, const char *origin,
                                   unsigned salt)
{
    struct profile *p = profile_new();

    p->name = strdup(name);
    p->enforcers = ENFORCER_BPF;
    must(digest_of(&p->digest, &salt, sizeof(salt)), NULL, "digest");
    agent_side_add_rule(p, path, origin);
    return p;
}

int agent_side_commit(struct agent_side *a, struct profile *p)
{
    const struct enforcer_ops *ops = a->enforcer->ops;
    CLEANUP(error_free) struct error *e = NULL;
    struct enforcer_version *v = NULL;
    int r = ops->prepare(a->enforcer, p, &v, &e);

    if (r == 0)
        r = ops->commit(a->enforcer, &v, &e);
    if (r < 0)
        printf("commit: %s\n", error_message(e));
    profile_unref(p);
    return r;
}

int agent_side_bind(struct agent_side *a, uint64_t cgroup_id, const char *profile, bool running)
{
    CLEANUP(container_free) struct container *c = container_new();
    CLEANUP(error_free) struct error *e = NULL;
    int r;

    c->cgroup_id = cgroup_id;
    r = a->enforcer->ops->bind(a->enforcer, c, profile, running, &e);
    if (r < 0)
        printf("bind: %s\n", error_message(e));
    return r;
}

struct run {
    struct agent_side *a;
    unsigned wanted;
    uint64_t until_ns;
    struct loop_timer *timer;
};

/* Looks after each few milliseconds whether enough has come in: the loop has no other way to say so
 * here. */
static void on_tick(void *data)
{
    struct run *run = data;

    if (run->a->n_violations >= run->wanted || loop_now_ns(run->a->loop) >= run->until_ns)
        loop_stop(run->a->loop);
    else
        loop_timer_set(run->timer, 5 * NS_PER_MSEC);
}

void agent_side_run(struct agent_side *a, unsigned n_violations)
{
    struct run run = {
        .a = a, .wanted = n_violations, .until_ns = loop_now_ns(a->loop) + RUN_FOR_NS};

    must(loop_timer_new(a->loop, &run.timer, on_tick, &run), NULL, "timer");
    loop_timer_set(run.timer, 0);
    must(loop_run(a->loop), NULL, "loop");
    loop_timer_free(run.timer);
}

void agent_side_drain(struct agent_side *a)
{
    agent_side_run(a, UINT_MAX);
    a->n_violations = 0;
}

static void on_binding(uint64_t cgroup_id UNUSED, const char *profile UNUSED, void *data)
{
    ++*(unsigned *)data;
}

unsigned agent_side_bindings(struct agent_side *a)
{
    struct error *e = NULL;
    unsigned n = 0;

    must(a->enforcer->ops->bindings(a->enforcer, on_binding, &n, &e), e, "bindings");
    return n;
}
