/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profiles/builder_state.h"

/* One address or block; no ports: every port. */
static int add_rule(struct builder *b, unsigned mode, const struct addr *block,
                    const struct port_range *ports, size_t n_ports, const char *origin)
{
    struct rule *rule;
    int r = builder_new_rule(b, &rule, RULE_EGRESS, mode, origin);

    if (r < 0)
        return r;
    rule->egress.block = *block;
    if (n_ports == 0)
        return 0;
    rule->egress.ports = calloc(n_ports, sizeof(*rule->egress.ports));
    if (!rule->egress.ports)
        return error_oom(b->reterr);
    memcpy(rule->egress.ports, ports, n_ports * sizeof(*rule->egress.ports));
    rule->egress.n_ports = n_ports;
    return 0;
}

/* The blocks that an entity stands for; loopback is all of 127/8, as the kernel has it. */
static const char *const entity_blocks[][2] = {
    [POLICY_LOCALHOST] = {"127.0.0.0/8", "::1/128"},
    [POLICY_UNSPECIFIED] = {"0.0.0.0/32", "::/128"},
};

static int add_entity_rules(struct builder *b, const struct policy_destination *raw,
                            const char *origin)
{
    unsigned mode = builder_raw_mode(b, raw->has_qualifiers, raw->qualifiers);

    for (size_t i = 0; i < ARRAY_SIZE(entity_blocks[0]); i++) {
        struct addr block;
        int r = addr_parse_block(&block, entity_blocks[raw->entity][i]);

        assert(r == 0);
        r = add_rule(b, mode, &block, raw->ports.items, raw->ports.n, origin);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_destinations(struct builder *b, const struct policy_bpf_rules *bpf)
{
    for (size_t i = 0; i < bpf->n_destinations; i++) {
        const struct policy_destination *raw = &bpf->destinations[i];
        char origin[64];
        int r;

        snprintf(origin, sizeof(origin), "bpfRawRules.network.egress.toDestinations[%zu]", i);
        if (raw->entity == POLICY_POD_SELF)
            r = builder_note(b, BUILDER_UNSUPPORTED, raw->at, ENHANCE ".%s: 'pod-self'", origin);
        else if (raw->entity != POLICY_ENTITY_NONE)
            r = add_entity_rules(b, raw, origin);
        else
            r = add_rule(b, builder_raw_mode(b, raw->has_qualifiers, raw->qualifiers), &raw->block,
                         raw->ports.items, raw->ports.n, origin);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- Services and pods ---- */

/* Its own addresses on every port, those behind it on their ports (rules.md 4.8). */
static int add_service(struct builder *b, const struct builder_service *s, unsigned mode,
                       const char *origin)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < s->n_cluster_ips; i++)
        r = add_rule(b, mode, &s->cluster_ips[i], NULL, 0, origin);
    for (size_t i = 0; i < s->n_endpoints; i++) {
        const struct builder_endpoints *e = &s->endpoints[i];

        for (size_t k = 0; r == 0 && k < e->n_addresses; k++)
            r = add_rule(b, mode, &e->addresses[k], e->ports, e->n_ports, origin);
    }
    return r;
}

static bool is_named(const struct builder_service *s, const char *name_space, const char *name)
{
    return strcmp(s->name_space, name_space) == 0 && strcmp(s->name, name) == 0;
}

int builder_add_services(struct builder *b, const struct chosen_rule *c)
{
    bool known = false;
    int r = 0;

    for (size_t i = 0; i < c->rule->n_services; i++) {
        const struct builtin_service *wanted = &c->rule->services[i];

        for (size_t k = 0; r == 0 && k < b->facts->n_services; k++) {
            const struct builder_service *s = &b->facts->services[k];

            if (!is_named(s, wanted->name_space, wanted->name))
                continue;
            known = true;
            r = add_service(b, s, b->mode, c->origin);
        }
    }
    if (r < 0 || known || c->rule->n_services == 0 || b->facts->peers_unknown)
        return r;
    return builder_note(
        b, BUILDER_WARNING, c->at,
        "%s: there is no service '%s/%s' yet: '%s' blocks nothing until it is known", c->path,
        c->rule->services[0].name_space, c->rule->services[0].name, c->rule->name);
}

/* By name, or by labels in one namespace or in all. */
static bool wants_service(const struct policy_to_service *raw, const struct builder_service *s)
{
    if (raw->name_space && *raw->name_space && strcmp(raw->name_space, s->name_space) != 0)
        return false;
    if (raw->service_selector)
        return selector_match(raw->service_selector, s->labels);
    return raw->name && strcmp(raw->name, s->name) == 0;
}

static int add_to_service(struct builder *b, const struct policy_to_service *raw,
                          const char *origin)
{
    unsigned mode = builder_raw_mode(b, raw->has_qualifiers, raw->qualifiers);
    bool known = false;
    int r = 0;

    for (size_t i = 0; r == 0 && i < b->facts->n_services; i++) {
        if (!wants_service(raw, &b->facts->services[i]))
            continue;
        known = true;
        r = add_service(b, &b->facts->services[i], mode, origin);
    }
    if (r < 0 || known || b->facts->peers_unknown)
        return r;
    return builder_note(b, BUILDER_WARNING, raw->at,
                        ENHANCE ".%s: no service is known that it names: it blocks nothing yet",
                        origin);
}

static bool wants_pod(const struct policy_to_pods *raw, const struct builder_pod *p)
{
    if (raw->name_space && *raw->name_space && strcmp(raw->name_space, p->name_space) != 0)
        return false;
    return selector_match(raw->pod_selector, p->labels);
}

static int pod_order(const void *a, const void *b)
{
    const struct builder_pod *x = *(const struct builder_pod *const *)a;
    const struct builder_pod *y = *(const struct builder_pod *const *)b;
    int order = strcmp(x->name_space, y->name_space);

    return order ? order : strcmp(x->name, y->name);
}

/* The pods that the rule means, sorted, so that equal facts give equal profiles. Owned by the caller, and not empty of
 * memory where there are none. NULL: no memory. */
static const struct builder_pod **wanted_pods(const struct builder *b,
                                              const struct policy_to_pods *raw, size_t *ret_n)
{
    CLEANUP_FREE const struct builder_pod **pods = NULL;
    size_t n = 0, cap = 0;

    for (size_t i = 0; i < b->facts->n_pods; i++) {
        if (!wants_pod(raw, &b->facts->pods[i]))
            continue;
        if (n == cap) {
            const struct builder_pod **more;

            cap = MAX(cap * 2, (size_t)16);
            more = reallocarray(pods, cap, sizeof(*pods));
            if (!more)
                return NULL;
            pods = more;
        }
        pods[n++] = &b->facts->pods[i];
    }
    if (!pods)
        pods = malloc(sizeof(*pods));
    else
        qsort(pods, n, sizeof(*pods), pod_order);
    *ret_n = n;
    return TAKE(pods);
}

static int add_to_pods(struct builder *b, const struct policy_to_pods *raw, const char *origin)
{
    unsigned mode = builder_raw_mode(b, raw->has_qualifiers, raw->qualifiers);
    size_t n = 0;
    CLEANUP_FREE const struct builder_pod **pods = wanted_pods(b, raw, &n);
    int r = pods ? 0 : error_oom(b->reterr);

    for (size_t i = 0; r == 0 && i < n; i++)
        for (size_t k = 0; r == 0 && k < pods[i]->n_addresses; k++)
            r = add_rule(b, mode, &pods[i]->addresses[k], raw->ports.items, raw->ports.n, origin);
    return r;
}

int builder_add_egress(struct builder *b)
{
    const struct policy_bpf_rules *bpf = &b->policy->enhance.bpf;
    char origin[64];
    int r = add_destinations(b, bpf);

    for (size_t i = 0; r == 0 && i < bpf->n_pods; i++) {
        snprintf(origin, sizeof(origin), "bpfRawRules.network.egress.toPods[%zu]", i);
        r = add_to_pods(b, &bpf->pods[i], origin);
    }
    for (size_t i = 0; r == 0 && i < bpf->n_services; i++) {
        snprintf(origin, sizeof(origin), "bpfRawRules.network.egress.toServices[%zu]", i);
        r = add_to_service(b, &bpf->services[i], origin);
    }
    return r;
}
