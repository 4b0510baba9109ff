/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An enforcer whose kernel is a table in memory: it keeps every promise of agent/enforcer.h, is slow
 * or fails when a test says so, and writes down what it was asked. For what the agent does with
 * several enforcers on a machine whose kernel has none.
 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/container.h"
#include "agent/enforcers.h"

#define MEMORY_PROFILES 8

struct memory_version {
    char name[PROFILE_NAME_MAX + 1];
    struct digest digest;
};

struct memory_enforcer {
    struct enforcer base; /* first */
    struct enforcer_ops ops;
    struct enforcer_facts facts;
    struct memory_version held[MEMORY_PROFILES], before[MEMORY_PROFILES]; /* "" name: free */
    bool is_slow;        /* prepare() answers in progress */
    bool forgets;        /* commit() says 0 and does nothing */
    const char *refusal; /* of prepare(); NULL: none */
    const char *commit_error, *revert_error, *remove_error;
    struct enforcer_hold hold; /* what inspect() says */
    int inspect_result;
    uint64_t bound_cgroup_id;  /* the last one */
    const char *found_profile; /* to which the kernel has it bound; NULL: bindings() tells none */
    unsigned n_prepared, n_versions, n_inspected, n_bound;
};

static char memory_log[512]; /* "A+p" AppArmor committed p, "A~p" reverted, "A-p" removed */

static inline struct memory_enforcer *memory_of(struct enforcer *e)
{
    return (struct memory_enforcer *)e;
}

static inline void memory_note(const struct memory_enforcer *m, const char *what, const char *name)
{
    size_t len = strlen(memory_log);

    snprintf(memory_log + len, sizeof(memory_log) - len, "%s%c%s%s", len ? " " : "", m->ops.name[0],
             what, name);
}

/* NULL: not there, and (with make) no room. */
static inline struct memory_version *memory_find(struct memory_version *table, const char *name,
                                                 bool make)
{
    for (size_t i = 0; i < MEMORY_PROFILES; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    for (size_t i = 0; make && i < MEMORY_PROFILES; i++)
        if (!table[i].name[0]) {
            snprintf(table[i].name, sizeof(table[i].name), "%s", name);
            return &table[i];
        }
    return NULL;
}

static inline int memory_adopt(struct enforcer *e,
                               void (*found)(const struct enforcer_holding *h, void *data),
                               void *data, struct error **reterr UNUSED)
{
    for (size_t i = 0; i < MEMORY_PROFILES; i++) {
        const struct memory_version *v = &memory_of(e)->held[i];
        struct enforcer_holding h = {.digest = v->digest};

        snprintf(h.profile, sizeof(h.profile), "%s", v->name);
        if (v->name[0])
            found(&h, data);
    }
    return 0;
}

static inline int memory_prepare(struct enforcer *e, struct profile *p,
                                 struct enforcer_version **ret, struct error **reterr)
{
    struct memory_enforcer *m = memory_of(e);
    struct memory_version *v;

    m->n_prepared++;
    if (m->is_slow)
        return -EINPROGRESS;
    if (m->refusal)
        return error_set(reterr, -EINVAL, "%s", m->refusal);
    v = calloc(1, sizeof(*v));
    if (!v)
        return error_oom(reterr);
    snprintf(v->name, sizeof(v->name), "%s", p->name);
    v->digest = p->digest;
    m->n_versions++;
    *ret = (struct enforcer_version *)v;
    return 0;
}

static inline void memory_discard(struct enforcer *e, struct enforcer_version *version)
{
    memory_of(e)->n_versions--;
    free(version);
}

static inline int memory_commit(struct enforcer *e, struct enforcer_version **version,
                                struct error **reterr)
{
    CLEANUP_FREE struct memory_version *v = (struct memory_version *)TAKE(*version);
    struct memory_enforcer *m = memory_of(e);
    struct memory_version *held, *before;

    m->n_versions--;
    if (m->commit_error)
        return error_set(reterr, -EIO, "%s", m->commit_error);
    memory_note(m, "+", v->name);
    if (m->forgets)
        return 0;
    held = memory_find(m->held, v->name, true);
    before = memory_find(m->before, v->name, true);
    if (!held || !before) /* Check would allocate, which a test may not let it */
        abort();
    before->digest = held->digest;
    held->digest = v->digest;
    return 0;
}

static inline int memory_revert(struct enforcer *e, const char *name, struct error **reterr)
{
    struct memory_enforcer *m = memory_of(e);
    struct memory_version *held = memory_find(m->held, name, false);
    const struct memory_version *before = memory_find(m->before, name, false);

    if (m->revert_error)
        return error_set(reterr, -EIO, "%s", m->revert_error);
    memory_note(m, "~", name);
    if (held && before && !digest_is_zero(&before->digest))
        held->digest = before->digest;
    else if (held)
        *held = (struct memory_version){0};
    return 0;
}

static inline int memory_remove(struct enforcer *e, const char *name, struct error **reterr)
{
    struct memory_enforcer *m = memory_of(e);
    struct memory_version *held = memory_find(m->held, name, false);

    if (m->remove_error)
        return error_set(reterr, -EIO, "%s", m->remove_error);
    memory_note(m, "-", name);
    if (held)
        *held = (struct memory_version){0};
    return 0;
}

static inline int memory_describe(struct enforcer *e, const char *name,
                                  struct enforcer_holding *ret, struct error **reterr UNUSED)
{
    struct memory_enforcer *m = memory_of(e);
    const struct memory_version *held = memory_find(m->held, name, false);

    if (!held)
        return -ENOENT;
    *ret = (struct enforcer_holding){.digest = held->digest, .image_digest = {{m->ops.name[0]}}};
    snprintf(ret->profile, sizeof(ret->profile), "%s", name);
    snprintf(ret->mode, sizeof(ret->mode), "enforce");
    return 0;
}

static inline int memory_bind(struct enforcer *e, const struct container *c,
                              const char *name UNUSED, bool running UNUSED,
                              struct error **reterr UNUSED)
{
    memory_of(e)->bound_cgroup_id = c->cgroup_id;
    memory_of(e)->n_bound++;
    return 0;
}

static inline int memory_unbind(struct enforcer *e, uint64_t cgroup_id,
                                struct error **reterr UNUSED)
{
    if (memory_of(e)->bound_cgroup_id == cgroup_id)
        memory_of(e)->bound_cgroup_id = 0;
    return 0;
}

static inline int memory_bindings(struct enforcer *e,
                                  void (*found)(uint64_t cgroup_id, const char *profile,
                                                void *data),
                                  void *data, struct error **reterr UNUSED)
{
    const struct memory_enforcer *m = memory_of(e);

    if (m->found_profile)
        found(m->bound_cgroup_id, m->found_profile, data);
    return 0;
}

static inline int memory_inspect(struct enforcer *e, const struct container *c UNUSED,
                                 const char *name UNUSED, struct enforcer_hold *ret,
                                 struct error **reterr)
{
    struct memory_enforcer *m = memory_of(e);

    m->n_inspected++;
    *ret = m->hold;
    if (m->inspect_result < 0 && m->inspect_result != -ESRCH)
        error_set(reterr, m->inspect_result, "no answer");
    return m->inspect_result;
}

/* One that binds by cgroup and cannot revert (BPF), or one that is asked and can. */
static inline void memory_enforcer_init(struct memory_enforcer *m, enum enforcer_bit bit)
{
    *m = (struct memory_enforcer){
        .ops = {.name = enforcer_set_name(bit),
                .bit = bit,
                .adopt = memory_adopt,
                .prepare = memory_prepare,
                .commit = memory_commit,
                .discard = memory_discard,
                .remove = memory_remove,
                .describe = memory_describe},
        .facts = {.usable = true},
        .hold = {.in_force = true, .mode = "enforce"},
    };
    if (bit == ENFORCER_BPF) {
        m->ops.bind = memory_bind;
        m->ops.unbind = memory_unbind;
        m->ops.bindings = memory_bindings;
    } else {
        m->ops.inspect = memory_inspect;
        m->ops.revert = memory_revert;
    }
    memory_log[0] = '\0';
}

/* The operations lie in the enforcer itself: it must not move. */
static inline void memory_enforcer_list(struct memory_enforcer *m, struct enforcers *list)
{
    m->base.ops = &m->ops;
    list->items[list->n++] = (struct node_enforcer){.enforcer = &m->base, .facts = &m->facts};
}
