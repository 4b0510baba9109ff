/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/apparmor_compiler.h"
#include "agent/apparmor_kernel.h"
#include "agent/apparmor_records.h"
#include "agent/piped_program.h"
#include "agent/state_dir.h"
#include "agent/whole_file.h"

#define FOLDER             "apparmor" /* below the agent's state folder */
#define PARSER_MAX_BYTES   (64u << 20)
#define VERSION_MAX_BYTES  4096
#define VERSION_DEADLINE   (10 * NS_PER_SEC)
#define VERSION_WORD       "version "
#define RAW_DATA_PARAMETER "/sys/module/apparmor/parameters/export_binary"

static const char *const parser_places[] = {"/usr/sbin/apparmor_parser", "/sbin/apparmor_parser",
                                            "/usr/local/sbin/apparmor_parser",
                                            "/usr/bin/apparmor_parser"};

static void add_fact(struct enforcer_facts *facts, const char *name, const char *value)
{
    if (facts->n == ENFORCER_FACTS_MAX)
        return;
    facts->items[facts->n].name = name;
    snprintf(facts->items[facts->n++].value, sizeof(facts->items[0].value), "%s", value);
}

int enforcer_apparmor_folder(const char *state_folder, char ret[static PATH_MAX])
{
    int n = snprintf(ret, PATH_MAX, "%s/" FOLDER, state_folder);

    return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* ---- the parser ---- */

static int find_parser(struct enforcer_apparmor *e, struct error **reterr)
{
    if (e->parser && access(e->parser, X_OK) == 0)
        return 0;
    if (e->parser)
        return error_errno(reterr, errno, "the AppArmor parser '%s'", error_quote(e->parser));
    for (size_t i = 0; i < ARRAY_SIZE(parser_places); i++) {
        if (access(parser_places[i], X_OK) < 0)
            continue;
        e->parser = strdup(parser_places[i]);
        return e->parser ? 0 : error_oom(reterr);
    }
    return error_set(reterr, -ENOENT,
                     "apparmor_parser is not installed; install the package apparmor, or say with "
                     "--apparmor-parser where it is");
}

static int run_for_version(const char *parser, struct buf *out, struct error **reterr)
{
    static const char *const argv[] = {"apparmor_parser", "--version", NULL};
    const struct piped_settings settings = {
        .path = parser,
        .argv = argv,
        .max_output = VERSION_MAX_BYTES,
        .max_errors = VERSION_MAX_BYTES,
        .deadline_ns = VERSION_DEADLINE,
    };

    return piped_program_run(&settings, out, reterr);
}

/* "AppArmor parser version 3.0.8": the last word of the line. */
static int tell_version(struct enforcer_apparmor *e, struct enforcer_facts *facts,
                        struct error **reterr)
{
    CLEANUP_BUF struct buf text = BUF_INIT(VERSION_MAX_BYTES);
    char value[sizeof(facts->items[0].value)];
    const char *version;
    int r = run_for_version(e->parser, &text, reterr);

    if (r < 0)
        return r;
    version = strstr(buf_text(&text), VERSION_WORD);
    version = version ? version + strlen(VERSION_WORD) : "of no version that it tells";
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(version, "\n"), version);
    add_fact(facts, "apparmor_parser", value);
    return 0;
}

/* What a binary depends on beside its text: the parser itself, whatever version it says that it is,
 * and what the kernel can do. */
static int read_environment(const struct enforcer_apparmor *e, struct digest *ret,
                            struct error **reterr)
{
    CLEANUP_BUF struct buf program = BUF_INIT(PARSER_MAX_BYTES);
    const char *features = apparmor_kernel_features_text(e->kernel);
    struct digest parts[2];
    int r = whole_file_read_kernel(AT_FDCWD, e->parser, &program);

    if (r < 0)
        return error_errno(reterr, r, "the AppArmor parser '%s'", error_quote(e->parser));
    if (digest_of(&parts[0], program.data, program.len) < 0 ||
        digest_of(&parts[1], features, strlen(features)) < 0 ||
        digest_of(ret, parts, sizeof(parts)) < 0)
        return error_oom(reterr);
    return 0;
}

static void on_compiled(const char *profile, void *data)
{
    const struct enforcer_apparmor *e = data;

    if (e->events.prepared)
        e->events.prepared(profile, e->events.data);
}

static int make_compiler(struct enforcer_apparmor *e, struct error **reterr)
{
    struct apparmor_compiler_settings settings = {
        .parser = e->parser,
        .features_text = apparmor_kernel_features_text(e->kernel),
        .max_children = e->max_children,
        .deadline_ns = e->deadline_ns,
        .max_kept_bytes = APPARMOR_MAX_KEPT_BYTES,
        .done = on_compiled,
        .data = e,
    };
    int r = read_environment(e, &settings.environment, reterr);

    return r < 0 ? r : apparmor_compiler_new(&e->compiler, e->loop, &settings, reterr);
}

/* ---- all ---- */

static int open_records(struct enforcer_apparmor *e, struct error **reterr)
{
    char folder[PATH_MAX];
    int r;

    if (!e->state_folder)
        return 0;
    r = enforcer_apparmor_folder(e->state_folder, folder);
    if (r < 0)
        return error_errno(reterr, r, "state folder '%s'", error_quote(e->state_folder));
    r = state_dir_make(e->state_folder, reterr);
    return r < 0 ? r : apparmor_records_new(&e->records, folder, reterr);
}

/* Whether the kernel can be asked what it holds: without, its hash has to do. */
static void tell_introspection(struct enforcer_facts *facts)
{
    CLEANUP_BUF struct buf text = BUF_INIT(16);
    int r = whole_file_read_kernel(AT_FDCWD, RAW_DATA_PARAMETER, &text);

    /* Kernels before 6.0 have no such switch, and always keep a copy where they are built so. */
    if (r == 0 && buf_text(&text)[0] != 'Y')
        add_fact(facts, "apparmor_read_back", "no: apparmor.export_binary=0");
    else
        add_fact(facts, "apparmor_read_back", "yes");
}

int enforcer_apparmor_probe(struct enforcer_apparmor *e, struct enforcer_facts *facts,
                            struct error **reterr)
{
    int r = apparmor_kernel_open(&e->kernel, reterr);

    add_fact(facts, "apparmor", r == 0 ? "yes" : "no");
    if (r < 0)
        return r;
    add_fact(facts, "apparmor_features", apparmor_kernel_features(e->kernel));
    tell_introspection(facts);
    r = find_parser(e, reterr);
    if (r == 0)
        r = tell_version(e, facts, reterr);
    if (r == 0)
        r = make_compiler(e, reterr);
    if (r == 0)
        r = open_records(e, reterr);
    return r;
}
