/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/get.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/builtin_view.h"
#include "ctl/command.h"
#include "ctl/status_json.h"
#include "ctl/status_options.h"
#include "ctl/status_table.h"
#include "ctl/text.h"

#define REQUEST_MAX 4096 /* a namespace and a name */

static void get_help(FILE *out)
{
    fprintf(
        out,
        "Usage: varmorctl get RESOURCE [NAME] [OPTION]...\n"
        "\n"
        "Shows what the manager knows: policies and whether they are enforced, the profiles that they\n"
        "became, the nodes, and which containers are bound to which profile. The built-in rules are those\n"
        "of varmorctl itself: no manager is asked.\n"
        "\n"
        "Resources: %s, rules\n"
        "\n"
        "Options:\n%s\n"
        "Exit status: 0, 1 (not found, no answer), 2 (usage).\n",
        status_resource_words, status_options_help);
}

static int64_t get_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * (int64_t)NS_PER_SEC + now.tv_nsec;
}

static int get_print_table(const struct status_list *l, const struct status_options *o,
                           struct error **reterr)
{
    CLEANUP(table_free) struct table *t = status_table_new(l->resource, o->output == OUTPUT_WIDE);

    if (!t || status_table_add_list(t, l, get_now_ns()) < 0)
        return error_oom(reterr);
    table_print(t, stdout, o->headings);
    return fflush(stdout) == EOF ? error_errno(reterr, errno, "standard output") : 0;
}

static void get_print_name(const char *kind, const char *name)
{
    text_print(kind, stdout);
    putchar('/');
    text_print(name, stdout);
    putchar('\n');
}

static int get_print_names(const struct status_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        switch (l->resource) {
        case STATUS_POLICIES:
            get_print_name(l->policies[i].kind, l->policies[i].name);
            break;
        case STATUS_PROFILES:
            get_print_name("ArmorProfile", l->profiles[i].name);
            break;
        case STATUS_NODES:
            get_print_name("Node", l->nodes[i].name);
            break;
        case STATUS_BINDINGS:
            get_print_name("Binding", l->bindings[i].binding.container_id);
            break;
        case STATUS_NONE:
        case STATUS_RESOURCES:
            return -EINVAL;
        }
    }
    return 0;
}

static int get_print_list(const struct status_list *l, const struct status_options *o,
                          struct error **reterr)
{
    json_t *document;
    int r;

    switch (o->output) {
    case OUTPUT_TABLE:
    case OUTPUT_WIDE:
        return get_print_table(l, o, reterr);
    case OUTPUT_NAME:
        return get_print_names(l);
    case OUTPUT_JSON:
    case OUTPUT_YAML:
        break;
    }
    document = status_json_list(l);
    r = o->output == OUTPUT_JSON ? status_json_print(document, stdout, reterr)
                                 : status_json_print_yaml(document, stdout, reterr);
    json_decref(document);
    return r;
}

static int get_list(enum status_resource resource, const char *name, const struct status_options *o,
                    struct error **reterr)
{
    const struct status_list_request request = {.name_space = o->name_space, .name = name};
    CLEANUP_BUF struct buf encoded = BUF_INIT(REQUEST_MAX);
    CLEANUP_BUF struct buf answer = BUF_INIT(CONNECTION_MAX_ANSWER);
    struct status_list list = {0};
    int r = status_list_request_encode(&request, &encoded);

    if (r < 0)
        return error_set(reterr, r, "the names have more than %d bytes", REQUEST_MAX);
    r = connection_call(&o->connection, status_resource_method(resource), &encoded, &answer,
                        reterr);
    if (r == 0)
        r = status_list_decode(&list, resource, answer.data, answer.len, reterr);
    if (r < 0)
        return r;
    if (list.n == 0 && *name)
        r = error_set(reterr, -ENOENT, "no such object: '%s'", error_quote(name));
    else if (list.n == 0 && (o->output == OUTPUT_TABLE || o->output == OUTPUT_WIDE))
        fprintf(stderr, "No resources found.\n");
    else
        r = get_print_list(&list, o, reterr);
    status_list_done(&list);
    return r;
}

/* ---- watching ---- */

struct get_watch {
    enum status_resource resource;
    const struct status_options *options;
    struct table *table; /* owned; NULL for other outputs */
    bool listed;         /* what was there at the start has been shown */
    bool headed;
    int failure;
    struct error *error; /* owned */
};

static int get_watch_add_row(struct get_watch *w, const struct status_watch_event *e)
{
    int64_t now_ns = get_now_ns();

    switch (e->resource) {
    case STATUS_POLICIES:
        return status_table_add_policy(w->table, &e->policy, now_ns);
    case STATUS_PROFILES:
        return status_table_add_profile(w->table, &e->profile, now_ns);
    case STATUS_NODES:
        return status_table_add_node(w->table, &e->node, now_ns);
    case STATUS_BINDINGS:
        return status_table_add_binding(w->table, &e->binding, now_ns);
    case STATUS_NONE:
    case STATUS_RESOURCES:
        break;
    }
    return 0;
}

static json_t *get_watch_json(const struct status_watch_event *e)
{
    json_t *object = NULL;

    switch (e->resource) {
    case STATUS_POLICIES:
        object = status_json_policy(&e->policy);
        break;
    case STATUS_PROFILES:
        object = status_json_profile(&e->profile);
        break;
    case STATUS_NODES:
        object = status_json_node(&e->node);
        break;
    case STATUS_BINDINGS:
        object = status_json_binding(&e->binding);
        break;
    case STATUS_NONE:
    case STATUS_RESOURCES:
        break;
    }
    return json_pack("{s:s, s:o}", "type", e->type == STATUS_WATCH_REMOVED ? "DELETED" : "MODIFIED",
                     "object", object);
}

static void get_watch_print_name(const struct status_watch_event *e)
{
    switch (e->resource) {
    case STATUS_POLICIES:
        get_print_name(e->policy.kind, e->policy.name);
        break;
    case STATUS_PROFILES:
        get_print_name("ArmorProfile", e->profile.name);
        break;
    case STATUS_NODES:
        get_print_name("Node", e->node.name);
        break;
    case STATUS_BINDINGS:
        get_print_name("Binding", e->binding.binding.container_id);
        break;
    case STATUS_NONE:
    case STATUS_RESOURCES:
        break;
    }
}

static int get_watch_show(struct get_watch *w, const struct status_watch_event *e)
{
    json_t *document;
    int r;

    if (e->type == STATUS_WATCH_LISTED)
        w->listed = true;
    else if (w->table && e->type == STATUS_WATCH_PUT && get_watch_add_row(w, e) < 0)
        return error_oom(&w->error);
    if (w->table) {
        if (w->listed) {
            table_print(w->table, stdout, w->options->headings && !w->headed);
            w->headed = true;
        }
        return fflush(stdout) == EOF ? error_errno(&w->error, errno, "standard output") : 0;
    }
    if (e->type == STATUS_WATCH_LISTED)
        return 0;
    if (w->options->output == OUTPUT_NAME) {
        get_watch_print_name(e);
        return fflush(stdout) == EOF ? error_errno(&w->error, errno, "standard output") : 0;
    }
    document = get_watch_json(e);
    if (w->options->output == OUTPUT_YAML)
        puts("---");
    r = w->options->output == OUTPUT_YAML ? status_json_print_yaml(document, stdout, &w->error)
                                          : status_json_print(document, stdout, &w->error);
    json_decref(document);
    return r;
}

static bool get_watch_message(const uint8_t *data, size_t len, void *data_arg)
{
    struct get_watch *w = data_arg;
    struct status_watch_event e;

    w->failure = status_watch_event_decode(&e, data, len, &w->error);
    if (w->failure < 0)
        return false;
    w->failure = get_watch_show(w, &e);
    status_watch_event_done(&e);
    return w->failure == 0;
}

static int get_watch(enum status_resource resource, const char *name,
                     const struct status_options *o, struct error **reterr)
{
    const struct status_watch_request request = {
        .resource = resource, .name_space = o->name_space, .name = name};
    struct get_watch w = {.resource = resource, .options = o};
    CLEANUP_BUF struct buf encoded = BUF_INIT(REQUEST_MAX);
    int r = status_watch_request_encode(&request, &encoded);

    if (r < 0)
        return error_set(reterr, r, "the names have more than %d bytes", REQUEST_MAX);
    if (o->output == OUTPUT_TABLE || o->output == OUTPUT_WIDE) {
        w.table = status_table_new(resource, o->output == OUTPUT_WIDE);
        if (!w.table)
            return error_oom(reterr);
    }
    r = connection_stream(&o->connection, "/varmor.v1.StatusService/Watch", &encoded, 0,
                          get_watch_message, &w, reterr);
    table_free(w.table);
    if (w.failure < 0 && reterr) {
        error_free(*reterr);
        *reterr = TAKE(w.error);
        r = w.failure;
    }
    error_free(w.error);
    return r;
}

/* True if the word is that of the built-in rules, which varmorctl knows itself. */
static bool is_rules(const char *word)
{
    return strcmp(word, "rules") == 0 || strcmp(word, "rule") == 0;
}

static int get_rules(const struct status_options *o, const char *name)
{
    CLEANUP(error_free) struct error *error = NULL;
    int r;

    if (o->watch) {
        fprintf(stderr, "varmorctl: built-in rules do not change: no --watch\n");
        return EXIT_USAGE;
    }
    r = builtin_view_list(o, name, &error);
    if (r == 0)
        return 0;
    fprintf(stderr, "varmorctl: %s\n", error_message(error));
    return r == -EINVAL ? EXIT_USAGE : GET_EXIT_FAILURE;
}

int get_run(int argc, char **argv)
{
    CLEANUP(error_free) struct error *error = NULL;
    enum status_resource resource;
    struct status_options options;
    const char *name;
    int r;

    if (status_options_parse(&options,
                             STATUS_TAKES_OUTPUT | STATUS_TAKES_WATCH | STATUS_TAKES_CATEGORY, argc,
                             argv) < 0)
        return EXIT_USAGE;
    if (options.help) {
        get_help(stdout);
        return 0;
    }
    if (options.n_arguments < 1 || options.n_arguments > 2) {
        fprintf(stderr, "varmorctl: get takes a resource (%s, rules) and at most one name\n",
                status_resource_words);
        return EXIT_USAGE;
    }
    name = options.n_arguments == 2 ? options.arguments[1] : "";
    if (is_rules(options.arguments[0]))
        return get_rules(&options, name);
    if (options.category) {
        fprintf(stderr, "varmorctl: --category is an option of get rules\n");
        return EXIT_USAGE;
    }
    resource = status_resource_parse(options.arguments[0]);
    if (resource == STATUS_NONE) {
        fprintf(stderr, "varmorctl: '%s' is not a resource: %s, rules\n",
                error_quote(options.arguments[0]), status_resource_words);
        return EXIT_USAGE;
    }
    r = options.watch ? get_watch(resource, name, &options, &error)
                      : get_list(resource, name, &options, &error);
    if (r < 0) {
        fprintf(stderr, "varmorctl: %s\n", error_message(error));
        return GET_EXIT_FAILURE;
    }
    return 0;
}
