/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/apparmor_compiler.h"

#include <errno.h>
#include <string.h>

#include <utlist.h>

#include "agent/apparmor_binary.h"
#include "agent/apparmor_features.h"
#include "agent/piped_program.h"
#include "lib/loop.h"
#include "lib/map.h"

enum state { WAITING, RUNNING, FINISHED, KEPT, STATES };

struct entry {
    char key[DIGEST_TEXT_SIZE];
    enum state state; /* and so the list that it is in */
    struct apparmor_compiler *compiler;
    struct profile *profile; /* counted; NULL once it was told */
    bool newer;
    char *preamble;                 /* owned; until it is compiled */
    struct piped_program *program;  /* owned; while it is compiled */
    struct apparmor_binary *binary; /* counted; NULL: it failed */
    char *failure;                  /* owned */
    int failure_code;
    bool failure_passes;
    struct entry *prev, *next;
};

struct apparmor_compiler {
    struct loop *loop;
    char *parser, *features_file; /* owned */
    int policy_features[2];       /* owned; files: the classes of every profile, and all of them */
    struct digest environment;
    unsigned max_children;
    uint64_t deadline_ns;
    size_t max_kept_bytes, kept_bytes;
    void (*done)(const char *profile, void *data);
    void *data;
    struct map *entries;         /* key -> struct entry; owned */
    struct entry *lists[STATES]; /* the oldest first */
    unsigned counts[STATES];
    uint64_t n_started;
    struct loop_task *turn; /* tells what is finished, starts what waits */
};

/* ---- entries ---- */

static size_t entry_bytes(const struct entry *e)
{
    return sizeof(*e) + (e->binary ? e->binary->len : 0) + (e->failure ? strlen(e->failure) : 0);
}

static void list_add(struct entry *e, enum state state)
{
    struct apparmor_compiler *c = e->compiler;

    e->state = state;
    DL_APPEND(c->lists[state], e);
    c->counts[state]++;
    if (state == KEPT)
        c->kept_bytes += entry_bytes(e);
}

static void list_drop(struct entry *e)
{
    struct apparmor_compiler *c = e->compiler;

    DL_DELETE(c->lists[e->state], e);
    c->counts[e->state]--;
    if (e->state == KEPT)
        c->kept_bytes -= entry_bytes(e);
}

static void move(struct entry *e, enum state state)
{
    list_drop(e);
    list_add(e, state);
}

static void entry_free(void *value)
{
    struct entry *e = value;

    list_drop(e);
    piped_program_free(e->program);
    apparmor_binary_unref(e->binary);
    profile_unref(e->profile);
    free(e->preamble);
    free(e->failure);
    free(e);
}

static void forget(struct entry *e)
{
    map_drop(e->compiler->entries, e->key);
}

static void forget_old(struct apparmor_compiler *c)
{
    while (c->kept_bytes > c->max_kept_bytes && c->counts[KEPT] > APPARMOR_COMPILER_KEPT_AT_LEAST)
        forget(c->lists[KEPT]);
}

/* ---- compiling ---- */

static void finish(struct entry *e)
{
    free(e->preamble);
    e->preamble = NULL;
    move(e, FINISHED);
    loop_task_set(e->compiler->turn);
}

/* passes: another try may go better. Without memory for the text, the code alone has to do. */
static void fail(struct entry *e, int code, bool passes, const char *text)
{
    e->failure_code = code;
    e->failure_passes = passes;
    e->failure = strdup(text);
    finish(e);
}

static void fail_with(struct entry *e, const struct error *problem, bool passes)
{
    fail(e, error_code(problem), passes, error_message(problem));
}

static void take_binary(struct entry *e, struct buf *output)
{
    CLEANUP(error_free) struct error *problem = NULL;
    int r = apparmor_binary_new(&e->binary, e->profile->name, output, &problem);

    if (r < 0)
        fail_with(e, problem, r == -ENOMEM);
    else
        finish(e);
}

static void exited(struct entry *e, struct piped_program *p)
{
    CLEANUP(error_free) struct error *problem = NULL;
    int status = piped_program_status(p);
    const char *said = piped_program_errors(p);

    if (status == 0) {
        take_binary(e, piped_program_output(p));
    } else if (status == PIPED_NOT_STARTED) {
        error_set(&problem, -EIO, "%s: %s", e->compiler->parser, said);
        fail_with(e, problem, true);
    } else if (!said[0]) {
        error_set(&problem, -EINVAL, "%s ended with status %d and no word", e->compiler->parser,
                  status);
        fail_with(e, problem, false);
    } else {
        fail(e, -EINVAL, false, said);
    }
}

static void on_program_done(struct piped_program *p, void *data)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct entry *e = data;
    const char *parser = e->compiler->parser;

    switch (piped_program_outcome(p)) {
    case PIPED_EXITED:
        exited(e, p);
        break;
    case PIPED_SIGNALLED:
        error_set(&problem, -EIO, "%s was ended by signal %d", parser, piped_program_status(p));
        break;
    case PIPED_LATE:
        error_set(&problem, -ETIMEDOUT, "%s took longer than %llu ms and was ended", parser,
                  (unsigned long long)(e->compiler->deadline_ns / NS_PER_MSEC));
        break;
    case PIPED_TOO_MUCH:
        error_set(&problem, -E2BIG, "the compiled profile is larger than %u bytes",
                  APPARMOR_BINARY_MAX);
        break;
    case PIPED_NO_MEMORY:
        error_oom(&problem);
        break;
    }
    if (problem)
        fail_with(e, problem, error_code(problem) != -E2BIG);
    e->program = piped_program_free(p);
}

static int start_program(struct entry *e, struct error **reterr)
{
    struct apparmor_compiler *c = e->compiler;
    CLEANUP_BUF struct buf input = BUF_INIT(APPARMOR_COMPILER_MAX_TEXT);
    /* To standard output, neither to the kernel nor to a cache; no threads of its own; no file of
     * settings but what is given here. */
    const char *argv[] = {"apparmor_parser", "--config-file=/dev/null",
                          "--quiet",         "--jobs=1",
                          "--skip-cache",    "--skip-kernel-load",
                          "--stdout",        "--policy-features",
                          PIPED_EXTRA_PATH,  c->features_file ? "--kernel-features" : NULL,
                          c->features_file,  NULL};
    const struct piped_settings settings = {
        .path = c->parser,
        .argv = argv,
        .max_output = APPARMOR_BINARY_MAX,
        .max_errors = APPARMOR_COMPILER_MAX_ERRORS,
        .deadline_ns = c->deadline_ns,
        .max_memory = APPARMOR_COMPILER_MAX_MEMORY,
        .has_extra = true,
        .extra_fd = c->policy_features[e->newer],
        .done = on_program_done,
        .data = e,
    };
    int r = buf_add_text(&input, e->preamble);

    if (r == 0)
        r = buf_add_text(&input, e->profile->apparmor_text);
    if (r == -E2BIG)
        return error_set(reterr, r, "the profile's text is larger than %d bytes",
                         APPARMOR_COMPILER_MAX_TEXT);
    if (r < 0)
        return error_oom(reterr);
    return piped_program_start(&e->program, c->loop, &settings, &input, reterr);
}

static void start(struct entry *e)
{
    CLEANUP(error_free) struct error *problem = NULL;
    int r = start_program(e, &problem);

    if (r < 0) {
        fail_with(e, problem, r != -E2BIG);
        return;
    }
    move(e, RUNNING);
    e->compiler->n_started++;
}

static void keep(struct entry *e)
{
    profile_unref(e->profile);
    e->profile = NULL;
    move(e, KEPT);
}

static void tell(struct entry *e)
{
    struct apparmor_compiler *c = e->compiler;
    struct profile *profile = profile_ref(e->profile); /* done() may make us forget the entry */

    keep(e);
    c->done(profile->name, c->data);
    profile_unref(profile);
}

static void on_turn(void *data)
{
    struct apparmor_compiler *c = data;

    while (c->lists[FINISHED])
        tell(c->lists[FINISHED]);
    forget_old(c);
    while (c->lists[WAITING] && c->counts[RUNNING] < c->max_children)
        start(c->lists[WAITING]);
}

/* ---- public ---- */

static int make_features(struct apparmor_compiler *c, const char *kernel, struct error **reterr)
{
    for (size_t i = 0; i < ARRAY_SIZE(c->policy_features); i++) {
        CLEANUP_BUF struct buf text = BUF_INIT(APPARMOR_FEATURES_TEXT_MAX);
        int r = apparmor_features_select(kernel, i == 1, &text);

        if (r == 0)
            r = c->policy_features[i] = apparmor_features_file(&text);
        if (r < 0)
            return error_errno(reterr, r, "the features of the kernel's AppArmor");
    }
    return 0;
}

int apparmor_compiler_new(struct apparmor_compiler **ret, struct loop *loop,
                          const struct apparmor_compiler_settings *settings, struct error **reterr)
{
    CLEANUP(apparmor_compiler_free) struct apparmor_compiler *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return error_oom(reterr);
    c->loop = loop;
    c->policy_features[0] = c->policy_features[1] = -1;
    c->parser = strdup(settings->parser);
    c->features_file = settings->features_file ? strdup(settings->features_file) : NULL;
    c->environment = settings->environment;
    c->max_children = MAX(settings->max_children, 1u);
    c->deadline_ns = settings->deadline_ns;
    c->max_kept_bytes = settings->max_kept_bytes;
    c->done = settings->done;
    c->data = settings->data;
    c->entries = map_new(entry_free, 0); /* the queue and the kept ones have ceilings */
    if (!c->parser || (settings->features_file && !c->features_file) || !c->entries ||
        loop_task_new(loop, &c->turn, on_turn, c) < 0)
        return error_oom(reterr);
    r = make_features(c, settings->features_text, reterr);
    if (r == 0)
        *ret = TAKE(c);
    return r;
}

struct apparmor_compiler *apparmor_compiler_free(struct apparmor_compiler *c)
{
    if (!c)
        return NULL;
    map_free(c->entries);
    for (size_t i = 0; i < ARRAY_SIZE(c->policy_features); i++)
        if (c->policy_features[i] >= 0)
            close(c->policy_features[i]);
    loop_task_free(c->turn);
    free(c->features_file);
    free(c->parser);
    free(c);
    return NULL;
}

int apparmor_compiler_key(const struct apparmor_compiler *c, const char *preamble, const char *text,
                          struct digest *ret)
{
    struct digest parts[3] = {c->environment};
    int r = digest_of(&parts[1], preamble, strlen(preamble));

    if (r == 0)
        r = digest_of(&parts[2], text, strlen(text));
    return r == 0 ? digest_of(ret, parts, sizeof(parts)) : r;
}

/* Forgets what is in a state of a profile. */
static void forget_of(struct apparmor_compiler *c, enum state state, const char *profile)
{
    struct entry *e = NULL, *next = NULL;

    DL_FOREACH_SAFE(c->lists[state], e, next)
    {
        if (strcmp(e->profile->name, profile) == 0)
            forget(e);
    }
}

void apparmor_compiler_drop(struct apparmor_compiler *c, const char *profile)
{
    forget_of(c, WAITING, profile);
    forget_of(c, RUNNING, profile);
    forget_of(c, FINISHED, profile);
}

/* Puts a text into the queue; an older version of the profile that still waits leaves it. */
static int enqueue(struct apparmor_compiler *c, const char *key, struct profile *profile,
                   const char *preamble, bool newer, struct error **reterr)
{
    struct entry *e;

    forget_of(c, WAITING, profile->name);
    if (c->counts[WAITING] >= APPARMOR_COMPILER_MAX_QUEUED)
        return error_set(reterr, -EBUSY, "more than %d profiles wait to be compiled",
                         APPARMOR_COMPILER_MAX_QUEUED);
    e = calloc(1, sizeof(*e));
    if (!e)
        return error_oom(reterr);
    e->compiler = c;
    memcpy(e->key, key, sizeof(e->key));
    e->profile = profile_ref(profile);
    e->newer = newer;
    e->preamble = strdup(preamble);
    list_add(e, WAITING);
    if (!e->preamble || map_put(c->entries, key, e) < 0) {
        entry_free(e);
        return error_oom(reterr);
    }
    loop_task_set(c->turn);
    return -EINPROGRESS;
}

/* What came of an entry. */
static int answer(struct entry *e, struct apparmor_binary **ret, struct error **reterr)
{
    int r;

    keep(e); /* also at the end of the list: it was asked for last */
    if (e->binary) {
        *ret = apparmor_binary_ref(e->binary);
        return 0;
    }
    r = e->failure ? error_set(reterr, e->failure_code, "%s", e->failure)
                   : error_set(reterr, e->failure_code, "apparmor_parser refuses the profile");
    if (e->failure_passes)
        forget(e);
    return r;
}

int apparmor_compiler_get(struct apparmor_compiler *c, struct profile *profile,
                          const char *preamble, bool newer, struct apparmor_binary **ret,
                          struct error **reterr)
{
    char key[DIGEST_TEXT_SIZE];
    struct digest digest;
    struct entry *e;

    if (apparmor_compiler_key(c, preamble, profile->apparmor_text, &digest) < 0)
        return error_oom(reterr);
    e = map_find(c->entries, digest_format(&digest, key));
    if (!e)
        return enqueue(c, key, profile, preamble, newer, reterr);
    return e->state == WAITING || e->state == RUNNING ? -EINPROGRESS : answer(e, ret, reterr);
}

unsigned apparmor_compiler_n_running(const struct apparmor_compiler *c)
{
    return c->counts[RUNNING];
}

unsigned apparmor_compiler_n_waiting(const struct apparmor_compiler *c)
{
    return c->counts[WAITING];
}

uint64_t apparmor_compiler_n_started(const struct apparmor_compiler *c)
{
    return c->n_started;
}
