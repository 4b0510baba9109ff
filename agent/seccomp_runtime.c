/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/seccomp_runtime.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/piped_program.h"
#include "lib/json_value.h"

#define ANSWER_MAX_BYTES (256u << 10)
#define ERRORS_MAX_BYTES 1024
#define COPY_MAX_BYTES   (64u << 20) /* crun runs as a copy of itself in memory */
#define DEADLINE         (5 * NS_PER_SEC)
#define LOG_FLAG         "SECCOMP_FILTER_FLAG_LOG"
#define RUNC_VERSION     "org.opencontainers.runc.version"
#define CRUN_VERSION     "run.oci.crun.version"

static const char *const places[] = {"/usr/sbin/runc", "/usr/bin/runc", "/usr/local/sbin/runc",
                                     "/usr/local/bin/runc"};

static bool list_has(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));

        if (item && strcmp(item, text) == 0)
            return true;
    }
    return false;
}

/* crun does not list flags of filters among its features, and has taken this one ever since it has
 * features to tell. */
void seccomp_runtime_parse(struct seccomp_runtime *ret, const char *json, size_t len)
{
    CLEANUP(json_decref) json_t *top = json_value_read(json, len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *seccomp = json_object_get(json_object_get(top, "linux"), "seccomp");
    const json_t *annotations = json_object_get(top, "annotations");
    const char *crun = json_string_value(json_object_get(annotations, CRUN_VERSION));
    const char *runc = json_string_value(json_object_get(annotations, RUNC_VERSION));
    const char *version = crun ? crun : runc;
    bool takes = crun ? json_is_true(json_object_get(seccomp, "enabled"))
                      : list_has(json_object_get(seccomp, "supportedFlags"), LOG_FLAG);

    *ret = (struct seccomp_runtime){.takes_log_flag = takes};
    if (!top)
        snprintf(ret->told, sizeof(ret->told), "the runtime does not say what it can do");
    else
        snprintf(ret->told, sizeof(ret->told), "%s%.40s%s",
                 crun   ? "crun "
                 : runc ? "runc "
                        : "the runtime",
                 version ? version : "", takes ? "" : " takes no such flag");
}

static int run(const char *program, struct seccomp_runtime *ret)
{
    static const char *const argv[] = {"oci-runtime", "features", NULL};
    CLEANUP_BUF struct buf answer = BUF_INIT(ANSWER_MAX_BYTES);
    const struct piped_settings settings = {
        .path = program,
        .argv = argv,
        .max_output = ANSWER_MAX_BYTES,
        .max_errors = ERRORS_MAX_BYTES,
        .max_file = COPY_MAX_BYTES,
        .deadline_ns = DEADLINE,
    };
    int r = piped_program_run(&settings, &answer, NULL);

    if (r == 0)
        seccomp_runtime_parse(ret, buf_text(&answer), answer.len);
    return r;
}

int seccomp_runtime_ask(struct seccomp_runtime *ret, const char *program, struct error **reterr)
{
    int r;

    *ret = (struct seccomp_runtime){0};
    for (size_t i = 0; (!program || !*program) && i < ARRAY_SIZE(places); i++)
        if (access(places[i], X_OK) == 0)
            program = places[i];
    if (!program || !*program) {
        snprintf(ret->told, sizeof(ret->told), "no runc was found to ask");
        return 0;
    }
    r = run(program, ret);
    if (r == -ENOMEM)
        return error_oom(reterr);
    if (r < 0)
        snprintf(ret->told, sizeof(ret->told), "'%.40s features' does not answer", program);
    return 0;
}
