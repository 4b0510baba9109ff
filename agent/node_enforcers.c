/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/node_enforcers.h"

#include <errno.h>
#include <stdio.h>

#include "agent/config.h"
#include "agent/enforcer_apparmor.h"
#include "agent/enforcer_seccomp.h"

struct node_enforcers {
    struct enforcer *items[ENFORCERS_KINDS];      /* owned; NULL: not made */
    struct enforcer_facts facts[ENFORCERS_KINDS]; /* as items, which is as enforcers_kinds */
    struct enforcers list;
};

/* What the enforcers are made from. */
struct makings {
    struct loop *loop;
    const struct config *config;
    const struct node_devices *devices;
    const struct enforcer_events *events;
};

/* ---- each kind ---- */

static const char *text_or_null(const char *text)
{
    return text && text[0] ? text : NULL;
}

static int make_apparmor(struct enforcer **ret, const struct makings *m, struct error **reterr)
{
    const struct enforcer_apparmor_settings settings = {
        .parser = m->config->apparmor_parser,
        .state_folder = text_or_null(m->config->state_dir),
        .max_children = (unsigned)m->config->apparmor_jobs,
        .devices = m->devices,
    };

    return enforcer_apparmor_new(ret, m->loop, &settings, m->events, reterr);
}

static int make_bpf(struct enforcer **ret, const struct makings *m, struct error **reterr)
{
    int r = enforcer_bpf_new(ret, m->loop, m->events, reterr);

    if (r == 0)
        enforcer_bpf_set_devices(*ret, m->devices);
    return r;
}

static struct enforcer_seccomp_settings settings_of_seccomp(const struct config *config)
{
    return (struct enforcer_seccomp_settings){
        .folder = config->seccomp_dir,
        .state_folder = text_or_null(config->state_dir),
        .runtime = config->oci_runtime,
    };
}

static int make_seccomp(struct enforcer **ret, const struct makings *m, struct error **reterr)
{
    const struct enforcer_seccomp_settings settings = settings_of_seccomp(m->config);

    return enforcer_seccomp_new(ret, &settings, reterr);
}

static int clean_apparmor(const struct config *config, void (*told)(const char *what, void *data),
                          void *data, struct error **reterr)
{
    const char *state_folder = text_or_null(config->state_dir);

    return state_folder ? enforcer_apparmor_cleanup(state_folder, told, data, reterr) : 0;
}

static int clean_bpf(const struct config *config UNUSED, void (*told)(const char *what, void *data),
                     void *data, struct error **reterr)
{
    return enforcer_bpf_cleanup(told, data, reterr);
}

static int clean_seccomp(const struct config *config, void (*told)(const char *what, void *data),
                         void *data, struct error **reterr)
{
    const struct enforcer_seccomp_settings settings = settings_of_seccomp(config);

    return enforcer_seccomp_cleanup(&settings, told, data, reterr);
}

static const struct kind {
    enum enforcer_bit bit;
    int (*make)(struct enforcer **ret, const struct makings *m, struct error **reterr);
    int (*clean_up)(const struct config *config, void (*told)(const char *what, void *data),
                    void *data, struct error **reterr);
} kinds[] = {
    {ENFORCER_APPARMOR, make_apparmor, clean_apparmor},
    {ENFORCER_SECCOMP, make_seccomp, clean_seccomp},
    {ENFORCER_BPF, make_bpf, clean_bpf},
};

static bool is_switched_off(const struct config *config, enum enforcer_bit bit)
{
    switch (bit) {
    case ENFORCER_APPARMOR:
        return !config->use_apparmor;
    case ENFORCER_BPF:
        return !config->use_bpf;
    case ENFORCER_SECCOMP:
        return !config->use_seccomp;
    default:
        return false;
    }
}

/* ---- together ---- */

/* Makes and probes one. 0, -ENOMEM or -EBUSY with *reterr. */
static int add(struct node_enforcers *n, const struct kind *kind, const struct makings *m,
               struct error **reterr)
{
    CLEANUP(error_free) struct error *problem = NULL;
    size_t i = n->list.n;
    struct enforcer_facts *facts = &n->facts[i];
    int r = kind->make(&n->items[i], m, &problem);

    if (r < 0)
        return error_oom(reterr);
    if (is_switched_off(m->config, kind->bit))
        r = error_set(&problem, -EOPNOTSUPP, "it is switched off by an option of the agent");
    else
        r = n->items[i]->ops->probe(n->items[i], facts, &problem);
    if (r == 0 && facts->busy) /* for a moment, when a new agent takes over from an old one */
        return error_set(reterr, -EBUSY, "%s enforcer: %s", n->items[i]->ops->name, facts->reason);
    if (r == -ENOMEM)
        return error_oom(reterr);
    if (r < 0) {
        facts->usable = false;
        snprintf(facts->reason, sizeof(facts->reason), "%s", error_message(problem));
    }
    n->list.items[n->list.n++] = (struct node_enforcer){.enforcer = n->items[i], .facts = facts};
    return 0;
}

int node_enforcers_new(struct node_enforcers **ret, struct loop *loop, const struct config *config,
                       const struct node_devices *devices, const struct enforcer_events *events,
                       struct error **reterr)
{
    const struct makings makings = {
        .loop = loop, .config = config, .devices = devices, .events = events};
    CLEANUP(node_enforcers_free) struct node_enforcers *n = calloc(1, sizeof(*n));

    if (!n)
        return error_oom(reterr);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        int r = add(n, &kinds[i], &makings, reterr);

        if (r < 0)
            return r;
    }
    *ret = TAKE(n);
    return 0;
}

struct node_enforcers *node_enforcers_free(struct node_enforcers *n)
{
    if (!n)
        return NULL;
    for (size_t i = ENFORCERS_KINDS; i-- > 0;) {
        if (n->items[i])
            n->items[i]->ops->free(n->items[i]);
    }
    free(n);
    return NULL;
}

const struct enforcers *node_enforcers_list(const struct node_enforcers *n)
{
    return &n->list;
}

bool node_enforcers_are_usable(const struct node_enforcers *n, enum enforcer_bit kind)
{
    const struct node_enforcer *found = enforcers_find(&n->list, kind);

    return found && found->facts->usable;
}

int node_enforcers_clean_up(const struct config *config, void (*told)(const char *what, void *data),
                            void *data, struct error **reterr)
{
    int result = 0;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        int r = kinds[i].clean_up(config, told, data, &problem);

        if (r < 0 && result == 0)
            result = error_set(reterr, r, "%s: %s", enforcer_set_name(kinds[i].bit),
                               error_message(problem));
    }
    return result;
}
