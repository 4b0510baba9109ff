/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/get.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/status_json.h"
#include "ctl/status_options.h"
#include "ctl/status_table.h"
#include "ctl/table.h"
#include "ctl/text.h"

#define REQUEST_MAX 4096 /* a kind, a namespace and a name */

static void describe_help(FILE *out)
{
    fprintf(
        out,
        "Usage: varmorctl describe policy|node NAME [OPTION]...\n"
        "\n"
        "Shows everything about one policy (conditions, nodes with the reason where one does not enforce it,\n"
        "bound containers, verdicts by rule, the last violations) or about one node.\n"
        "\n"
        "Options:\n%s\n"
        "Exit status: 0, 1 (not found, no answer), 2 (usage).\n",
        status_options_help);
}

static const char *or_none(const char *text)
{
    return *text ? text : "<none>";
}

/* A line "Name:   value". */
static void describe_line(const char *name, const char *value)
{
    printf("%-16s", name);
    text_print(or_none(value), stdout);
    putchar('\n');
}

static void describe_digest(const char *name, const struct digest *d)
{
    char text[DIGEST_TEXT_SIZE];

    describe_line(name, digest_is_zero(d) ? "" : digest_format(d, text));
}

static void describe_time(const char *name, int64_t time_ns)
{
    char text[STATUS_TIME_SIZE];

    describe_line(name, status_json_time(time_ns, text));
}

static void describe_print_table(struct table *t, const char *title, size_t n)
{
    printf("%s:%s\n", title, n ? "" : "  <none>");
    if (n)
        table_print(t, stdout, true);
}

static int describe_conditions(const struct status_policy *p)
{
    static const char *const headings[] = {"  TYPE", "STATUS", "REASON", "SINCE", "MESSAGE"};
    CLEANUP(table_free) struct table *t = table_new(headings, ARRAY_SIZE(headings));

    for (size_t i = 0; t && i < p->n_conditions; i++) {
        const struct status_condition *c = &p->conditions[i];
        char type[64], since[STATUS_TIME_SIZE];
        const char *cells[] = {type, c->status, c->reason, since, c->message};

        snprintf(type, sizeof(type), "  %s", c->type);
        status_json_time(c->since_ns, since);
        if (table_add(t, cells) < 0)
            return -ENOMEM;
    }
    if (!t)
        return -ENOMEM;
    describe_print_table(t, "Conditions", p->n_conditions);
    return 0;
}

/* What an enforcer of a node says of the containers; zeroes if it has said nothing. */
static struct status_enforcer_bindings describe_find_bindings(const struct status_node_result *n,
                                                              enum enforcer_bit enforcer)
{
    for (size_t i = 0; i < n->n_bindings; i++)
        if (n->bindings[i].enforcer == enforcer)
            return n->bindings[i];
    return (struct status_enforcer_bindings){0};
}

/* One row: a node and one of its enforcers; NULL: it has not answered yet. */
static int describe_add_result(struct table *t, const struct status_node_result *n,
                               const struct msg_enforcer_result *e)
{
    struct status_enforcer_bindings b = describe_find_bindings(n, e ? e->enforcer : 0);
    char node[300], since[STATUS_TIME_SIZE] = "", holds[16], without[16], restart[16];
    const char *cells[] = {
        node,
        n->connected ? "true" : "false",
        n->current ? "true" : "false",
        e ? enforcer_set_name(e->enforcer) : "",
        e && e->applied ? "true" : "false",
        e ? e->mode : "",
        since,
        holds,
        without,
        restart,
        e ? e->reason : "no answer yet",
    };

    snprintf(node, sizeof(node), "  %s", n->node);
    snprintf(holds, sizeof(holds), "%u", b.n_in_force);
    snprintf(without, sizeof(without), "%u", b.n_without);
    snprintf(restart, sizeof(restart), "%u", b.n_restart_needed);
    if (e)
        status_json_time(e->since_ns, since);
    return table_add(t, cells);
}

/* Per node and enforcer one row: applied or the reason, and the containers that it holds. */
static int describe_node_results(const struct status_policy *p)
{
    static const char *const headings[] = {"  NODE",  "CONNECTED", "CURRENT", "ENFORCER",
                                           "APPLIED", "MODE",      "SINCE",   "HOLDS",
                                           "WITHOUT", "RESTART",   "REASON"};
    CLEANUP(table_free) struct table *t = table_new(headings, ARRAY_SIZE(headings));

    for (size_t i = 0; t && i < p->n_nodes; i++) {
        const struct status_node_result *n = &p->nodes[i];

        for (size_t k = 0; k < MAX(n->n_enforcers, (size_t)1); k++)
            if (describe_add_result(t, n, n->n_enforcers ? &n->enforcers[k] : NULL) < 0)
                return -ENOMEM;
    }
    if (!t)
        return -ENOMEM;
    describe_print_table(t, "Nodes", p->n_nodes);
    return 0;
}

/* One row: a container, the enforcers that hold it, and why one does not. */
static int describe_add_binding(struct table *t, const struct status_binding *binding)
{
    const struct msg_binding *b = &binding->binding;
    CLEANUP_BUF struct buf reasons = BUF_INIT(4096);
    char node[300], since[STATUS_TIME_SIZE], enforcers[STATUS_ENFORCERS_SIZE];
    const char *cells[] = {
        node,
        b->pod_namespace,
        b->pod_name,
        b->container_name,
        b->profile,
        *b->reason ? "false" : "true",
        status_table_enforcers(b, enforcers),
        b->before_first_instruction ? "true" : "false",
        since,
        NULL,
    };
    int r = buf_add_text(&reasons, b->reason);

    for (size_t i = 0; i < b->n_enforcers && r == 0; i++)
        if (*b->enforcers[i].reason && !strstr(b->reason, b->enforcers[i].reason))
            r = buf_format(&reasons, "%s%s: %s", reasons.len ? "; " : "",
                           enforcer_set_name(b->enforcers[i].enforcer), b->enforcers[i].reason);
    if (r == -ENOMEM)
        return r; /* beyond the ceiling they are cut */
    snprintf(node, sizeof(node), "  %s", binding->node);
    status_json_time(b->since_ns, since);
    cells[ARRAY_SIZE(cells) - 1] = buf_text(&reasons);
    return table_add(t, cells);
}

static int describe_bindings(const struct status_binding *bindings, size_t n)
{
    static const char *const headings[] = {"  NODE",  "NAMESPACE", "POD",       "CONTAINER",
                                           "PROFILE", "BOUND",     "ENFORCERS", "FROM-START",
                                           "SINCE",   "REASON"};
    CLEANUP(table_free) struct table *t = table_new(headings, ARRAY_SIZE(headings));

    for (size_t i = 0; t && i < n; i++)
        if (describe_add_binding(t, &bindings[i]) < 0)
            return -ENOMEM;
    if (!t)
        return -ENOMEM;
    describe_print_table(t, "Bindings", n);
    return 0;
}

static int describe_violations(const struct status_violation *violations, size_t n)
{
    static const char *const headings[] = {"  TIME", "NODE", "CONTAINER",
                                           "ACTION", "RULE", "EVENT"};
    CLEANUP(table_free) struct table *t = table_new(headings, ARRAY_SIZE(headings));

    for (size_t i = 0; t && i < n; i++) {
        const struct msg_violation *v = &violations[i].violation;
        char when[STATUS_TIME_SIZE + 2] = "  ";
        const char *cells[] = {
            when,    violations[i].node, v->container_name, v->denied ? "DENIED" : "ALLOWED",
            v->rule, v->event,
        };

        status_json_time(v->time_ns, when + 2);
        if (table_add(t, cells) < 0)
            return -ENOMEM;
    }
    if (!t)
        return -ENOMEM;
    describe_print_table(t, "Last violations", n);
    return 0;
}

static int describe_rules(const struct status_policy_description *d)
{
    static const char *const headings[] = {"  VERDICTS", "KIND", "ORIGIN", "RULE"};
    CLEANUP(table_free) struct table *t = table_new(headings, ARRAY_SIZE(headings));

    for (size_t i = 0; t && i < d->n_rules; i++) {
        char count[32];
        const char *cells[] = {count, d->rules[i].kind, d->rules[i].origin, d->rules[i].text};

        snprintf(count, sizeof(count), "  %llu", (unsigned long long)d->rules[i].count);
        if (table_add(t, cells) < 0)
            return -ENOMEM;
    }
    if (!t)
        return -ENOMEM;
    describe_print_table(t, "Rules", d->n_rules);
    return 0;
}

/* What the agents have counted for AppArmor and seccomp, whose kernels do not count by rule. */
static int describe_events(const struct status_policy_description *d)
{
    static const char *const headings[] = {"  EVENTS", "ENFORCER", "ORIGIN"};
    CLEANUP(table_free) struct table *t = table_new(headings, ARRAY_SIZE(headings));

    for (size_t i = 0; t && i < d->n_events; i++) {
        char count[32];
        const char *cells[] = {count, enforcer_set_name(d->events[i].enforcer),
                               d->events[i].origin};

        snprintf(count, sizeof(count), "  %llu", (unsigned long long)d->events[i].count);
        if (table_add(t, cells) < 0)
            return -ENOMEM;
    }
    if (!t)
        return -ENOMEM;
    if (d->n_events)
        describe_print_table(t, "Events", d->n_events);
    return 0;
}

/* Texts below a title; nothing if there are none. */
static void describe_texts(const char *title, const char *const *texts, size_t n)
{
    if (n)
        printf("%s:\n", title);
    for (size_t i = 0; i < n; i++) {
        fputs("  ", stdout);
        text_print(texts[i], stdout);
        putchar('\n');
    }
}

static int describe_print_policy(const struct status_policy_description *d)
{
    const struct status_policy *p = &d->policy;
    char text[64];
    int r;

    describe_line("Name:", p->name);
    describe_line("Namespace:", p->name_space);
    describe_line("Kind:", p->kind);
    describe_line("Source:", p->source);
    describe_time("Created:", p->created_ns);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)p->generation);
    describe_line("Generation:", text);
    describe_line("Enforcer:", p->enforcer);
    describe_line("Mode:", p->mode);
    describe_line("Target kind:", p->target_kind);
    describe_line("Target name:", p->target_name);
    describe_line("Selector:", p->target_selector);
    describe_line("Profile:", p->profile_name);
    describe_digest("Digest:", &p->digest);
    describe_line("Phase:", p->phase);
    snprintf(text, sizeof(text), "%s (%u of %u nodes)", p->ready ? "true" : "false", p->nodes_ready,
             p->nodes_desired);
    describe_line("Ready:", text);
    r = describe_conditions(p);
    r = r < 0 ? r : describe_node_results(p);
    r = r < 0 ? r : describe_bindings(d->bindings, d->n_bindings);
    r = r < 0 ? r : describe_rules(d);
    r = r < 0 ? r : describe_events(d);
    r = r < 0 ? r : describe_violations(d->violations, d->n_violations);
    describe_texts("Findings", d->findings, d->n_findings);
    describe_texts("Warnings", d->warnings, d->n_warnings);
    return r;
}

static void describe_enforcer(const struct msg_enforcer_state *e)
{
    printf("  %-10s%s", enforcer_set_name(e->enforcer), e->usable ? "usable" : "not usable: ");
    text_print(e->usable ? "" : e->reason, stdout);
    putchar('\n');
}

static void describe_fact(const struct msg_fact *f)
{
    printf("  %-28s", error_quote(f->name));
    text_print(f->value, stdout);
    putchar('\n');
}

static int describe_print_node(const struct status_node_description *d)
{
    const struct status_node *n = &d->node;
    char text[64];
    int r;

    describe_line("Name:", n->name);
    describe_line("Connected:", n->connected ? "true" : "false");
    describe_time("Since:", n->since_ns);
    describe_line("Agent:", n->agent_version);
    describe_line("Kernel:", n->kernel);
    describe_line("Architecture:", n->architecture);
    describe_line("Runtime:", n->runtime);
    snprintf(text, sizeof(text), "%u of %u current", n->n_current, n->n_profiles);
    describe_line("Profiles:", text);
    printf("Enforcers:\n");
    for (size_t i = 0; i < n->n_enforcers; i++)
        describe_enforcer(&n->enforcers[i]);
    printf("Facts:\n");
    for (size_t i = 0; i < n->n_facts; i++)
        describe_fact(&n->facts[i]);
    r = describe_bindings(d->bindings, d->n_bindings);
    return r < 0 ? r : describe_violations(d->violations, d->n_violations);
}

static int describe_print_document(json_t *document, enum status_output output,
                                   struct error **reterr)
{
    int r = output == OUTPUT_YAML ? status_json_print_yaml(document, stdout, reterr)
                                  : status_json_print(document, stdout, reterr);

    json_decref(document);
    return r;
}

static int describe_show_policy(const struct buf *answer, enum status_output output,
                                struct error **reterr)
{
    struct status_policy_description d;
    void *arena = NULL;
    int r = status_policy_description_decode(&d, &arena, answer->data, answer->len, reterr);

    if (r < 0)
        return r;
    if (output == OUTPUT_TABLE || output == OUTPUT_WIDE)
        r = describe_print_policy(&d) < 0 ? error_oom(reterr) : 0;
    else
        r = describe_print_document(status_json_policy_description(&d), output, reterr);
    status_arena_free(arena);
    return r;
}

static int describe_show_node(const struct buf *answer, enum status_output output,
                              struct error **reterr)
{
    struct status_node_description d;
    void *arena = NULL;
    int r = status_node_description_decode(&d, &arena, answer->data, answer->len, reterr);

    if (r < 0)
        return r;
    if (output == OUTPUT_TABLE || output == OUTPUT_WIDE)
        r = describe_print_node(&d) < 0 ? error_oom(reterr) : 0;
    else
        r = describe_print_document(status_json_node_description(&d), output, reterr);
    status_arena_free(arena);
    return r;
}

static int describe_object(enum status_resource resource, const struct status_options *o,
                           struct error **reterr)
{
    const struct status_describe_request request = {
        .kind = "", .name_space = o->name_space, .name = o->arguments[1]};
    const char *method = resource == STATUS_NODES ? "/varmor.v1.StatusService/DescribeNode"
                                                  : "/varmor.v1.StatusService/DescribePolicy";
    CLEANUP_BUF struct buf encoded = BUF_INIT(REQUEST_MAX);
    CLEANUP_BUF struct buf answer = BUF_INIT(CONNECTION_MAX_ANSWER);
    int r = status_describe_request_encode(&request, &encoded);

    if (r < 0)
        return error_set(reterr, r, "the names have more than %d bytes", REQUEST_MAX);
    r = connection_call(&o->connection, method, &encoded, &answer, reterr);
    if (r < 0)
        return r;
    return resource == STATUS_NODES ? describe_show_node(&answer, o->output, reterr)
                                    : describe_show_policy(&answer, o->output, reterr);
}

int describe_run(int argc, char **argv)
{
    CLEANUP(error_free) struct error *error = NULL;
    enum status_resource resource;
    struct status_options options;

    if (status_options_parse(&options, STATUS_TAKES_OUTPUT, argc, argv) < 0)
        return EXIT_USAGE;
    if (options.help) {
        describe_help(stdout);
        return 0;
    }
    if (options.n_arguments != 2) {
        fprintf(stderr, "varmorctl: describe takes policy or node, and a name\n");
        return EXIT_USAGE;
    }
    resource = status_resource_parse(options.arguments[0]);
    if (resource != STATUS_POLICIES && resource != STATUS_NODES) {
        fprintf(stderr, "varmorctl: '%s' cannot be described: policy, node\n",
                error_quote(options.arguments[0]));
        return EXIT_USAGE;
    }
    if (describe_object(resource, &options, &error) < 0) {
        fprintf(stderr, "varmorctl: %s\n", error_message(error));
        return GET_EXIT_FAILURE;
    }
    return 0;
}
