/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "agent/container.h"
#include "agent/container_process.h"
#include "agent/enforcer_seccomp_files.h"
#include "agent/file_folder.h"
#include "agent/whole_file.h"
#include "lib/map.h"

#define ACTIONS_AVAILABLE "/proc/sys/kernel/seccomp/actions_avail"
#define ACTIONS_LOGGED    "/proc/sys/kernel/seccomp/actions_logged"
#define ACTIONS_MAX_BYTES 256
#define STATUS_MAX_BYTES  (64u << 10) /* of /proc/PID/status */
#define STATUS_MODE       "\nSeccomp:\t"
#define MODE_FILTER       '2'

static struct enforcer_seccomp *self(struct enforcer *base)
{
    return (struct enforcer_seccomp *)base;
}

static int require_usable(const struct enforcer_seccomp *e, struct error **reterr)
{
    return e->folder ? 0 : error_set(reterr, -ENODEV, "seccomp cannot be had on this node");
}

/* ---- probe ---- */

static void add_fact(struct enforcer_facts *facts, const char *name, const char *value)
{
    if (facts->n == ENFORCER_FACTS_MAX)
        return;
    facts->items[facts->n].name = name;
    snprintf(facts->items[facts->n++].value, sizeof(facts->items[0].value), "%.*s",
             (int)strcspn(value, "\n"), value);
}

static void add_kernel_fact(struct enforcer_facts *facts, const char *name, const char *path)
{
    CLEANUP_BUF struct buf text = BUF_INIT(ACTIONS_MAX_BYTES);

    if (whole_file_read_kernel(AT_FDCWD, path, &text) == 0)
        add_fact(facts, name, buf_text(&text));
}

/* The kernel must know filters, and the actions that profiles use. */
static int check_kernel(struct error **reterr)
{
    static const uint32_t actions[] = {SECCOMP_RET_ERRNO, SECCOMP_RET_LOG,
                                       SECCOMP_RET_KILL_PROCESS};

    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]) < 0)
            return error_errno(reterr, errno,
                               "the kernel has no seccomp filters, or not all of their actions");
    return 0;
}

static int open_records(struct enforcer_seccomp *e, struct error **reterr)
{
    char path[PATH_MAX];

    if (!e->state_folder)
        return 0;
    if (enforcer_seccomp_folder(e->state_folder, path) < 0)
        return error_set(reterr, -ENAMETOOLONG, "the state folder's path is too long");
    return file_folder_new(&e->records, path, reterr);
}

static int open_folders(struct enforcer_seccomp *e, struct error **reterr)
{
    int r = file_folder_new(&e->folder, e->folder_path, reterr);

    if (r < 0)
        return r;
    r = file_folder_writable(e->folder);
    if (r < 0)
        return error_errno(reterr, r, "the folder of seccomp profiles '%s' cannot be written to",
                           error_quote(e->folder_path));
    return open_records(e, reterr);
}

static int probe(struct enforcer_seccomp *e, struct enforcer_facts *facts, struct error **reterr)
{
    struct utsname name;
    size_t n_arches;
    int r = check_kernel(reterr);

    if (r < 0)
        return r;
    if (uname(&name) < 0)
        return error_errno(reterr, errno, "the machine's architecture");
    snprintf(e->machine, sizeof(e->machine), "%s", name.machine);
    if (!sc_arches_of(e->machine, &n_arches))
        return error_set(reterr, -ENODEV, "seccomp profiles are not made for machine '%s'",
                         error_quote(e->machine));
    add_kernel_fact(facts, "actions_avail", ACTIONS_AVAILABLE);
    add_kernel_fact(facts, "actions_logged", ACTIONS_LOGGED);
    r = seccomp_runtime_ask(&e->runtime, e->runtime_path, reterr);
    if (r < 0)
        return r;
    add_fact(facts, "denials_audited", e->runtime.takes_log_flag ? "yes" : "no");
    add_fact(facts, "runtime", e->runtime.told);
    add_fact(facts, "folder", e->folder_path);
    return open_folders(e, reterr);
}

static void let_go(struct enforcer_seccomp *e)
{
    buf_done(&e->undo.text);
    e->undo = (struct seccomp_undo){.text = BUF_INIT(SC_MAX_JSON)};
    e->records = file_folder_free(e->records);
    e->folder = file_folder_free(e->folder);
}

static int on_probe(struct enforcer *base, struct enforcer_facts *ret, struct error **reterr)
{
    struct enforcer_seccomp *e = self(base);
    struct enforcer_facts facts = {.usable = true};
    CLEANUP(error_free) struct error *why = NULL;

    if (e->folder)
        return error_set(reterr, -EIO, "the seccomp enforcer was probed already");
    if (probe(e, &facts, &why) < 0) {
        let_go(e);
        if (error_code(why) == -ENOMEM)
            return error_oom(reterr);
        facts.usable = false;
        snprintf(facts.reason, sizeof(facts.reason), "%s", error_message(why));
    }
    *ret = facts;
    return 0;
}

/* ---- versions ---- */

static void on_discard(struct enforcer *base UNUSED, struct enforcer_version *version)
{
    if (!version)
        return;
    profile_unref(version->profile);
    buf_done(&version->text);
    free(version);
}

/* Compiles for this machine, as the runtime will, and writes what the runtime reads. */
static int render(const struct enforcer_seccomp *e, struct enforcer_version *v,
                  const struct sc_profile *rules, struct error **reterr)
{
    CLEANUP(sc_program_free) struct sc_program *program = NULL;
    enum sc_arch arches[SC_ARCHES];
    size_t n_arches;
    int r = sc_profile_arches(rules, e->machine, arches, &n_arches);

    if (r == -ENOMEM)
        return error_oom(reterr);
    if (r < 0)
        return error_set(reterr, r, "the conditions of its rules cannot be told apart");
    r = sc_compile(&program, rules, arches, n_arches, NULL, NULL, reterr);
    if (r < 0)
        return r;
    r = sc_profile_write_json(rules, arches, n_arches, &v->text);
    if (r == -E2BIG)
        return error_set(reterr, r, "more than %d bytes", SC_MAX_JSON);
    v->held.content.present = true;
    v->held.content.profile = v->profile->digest;
    if (r < 0 || digest_of(&v->held.content.text, v->text.data, v->text.len) < 0 ||
        sc_profile_digest(rules, &v->held.meaning) < 0)
        return error_oom(reterr);
    return 0;
}

static int prepare(const struct enforcer_seccomp *e, struct enforcer_version *v,
                   struct error **reterr)
{
    CLEANUP_SC_PROFILE struct sc_profile rules = {0};
    const char *json = v->profile->seccomp_json;
    int r;

    if (!json)
        return error_set(reterr, -EINVAL, "the manager has sent no seccomp rules for the profile");
    r = sc_profile_read_json(&rules, json, strlen(json), reterr);
    if (r < 0)
        return r;
    rules.log = rules.log && e->runtime.takes_log_flag;
    return render(e, v, &rules, reterr);
}

static int on_prepare(struct enforcer *base, struct profile *profile, struct enforcer_version **ret,
                      struct error **reterr)
{
    struct enforcer_seccomp *e = self(base);
    struct enforcer_version *v;
    int r = require_usable(e, reterr);

    if (r < 0)
        return r;
    v = calloc(1, sizeof(*v));
    if (!v)
        return error_oom(reterr);
    v->text = BUF_INIT(SC_MAX_JSON);
    v->profile = profile_ref(profile);
    r = prepare(e, v, reterr);
    if (r < 0)
        on_discard(base, v);
    else
        *ret = v;
    return r;
}

static int on_adopt(struct enforcer *base,
                    void (*found)(const struct enforcer_holding *h, void *data), void *data,
                    struct error **reterr)
{
    struct enforcer_seccomp *e = self(base);
    int r = require_usable(e, reterr);

    return r < 0 ? r : enforcer_seccomp_adopt(e, found, data, reterr);
}

static int on_commit(struct enforcer *base, struct enforcer_version **version,
                     struct error **reterr)
{
    struct enforcer_seccomp *e = self(base);
    struct enforcer_version *v = TAKE(*version);
    int r = require_usable(e, reterr);

    if (r == 0)
        r = enforcer_seccomp_write(e, v, reterr);
    if (r < 0)
        error_wrap(reterr, r, "profile '%s'", error_quote(v->profile->name));
    on_discard(base, v);
    return r;
}

static int on_revert(struct enforcer *base, const char *profile_name, struct error **reterr)
{
    struct enforcer_seccomp *e = self(base);
    int r = require_usable(e, reterr);

    return r < 0 ? r : enforcer_seccomp_revert(e, profile_name, reterr);
}

static int on_remove(struct enforcer *base, const char *profile_name, struct error **reterr)
{
    struct enforcer_seccomp *e = self(base);
    int r = require_usable(e, reterr);

    return r < 0 ? r : enforcer_seccomp_remove(e, profile_name, NULL, reterr);
}

static int on_describe(struct enforcer *base, const char *profile_name,
                       struct enforcer_holding *ret, struct error **reterr)
{
    struct enforcer_seccomp *e = self(base);
    int r = require_usable(e, reterr);

    return r < 0 ? r : enforcer_seccomp_describe(e, profile_name, ret, reterr);
}

/* ---- containers ---- */

/* Has the container's first process a filter? 0, or a negative errno with *reterr. */
static int read_mode(const struct container *c, bool *ret_filter, struct error **reterr)
{
    CLEANUP_BUF struct buf status = BUF_INIT(STATUS_MAX_BYTES);
    CLEANUP_CLOSE int fd = container_process_open(c->pid, c->cgroup_path, reterr);
    const char *mode;
    int r;

    if (fd < 0)
        return fd;
    r = whole_file_read_kernel(fd, "status", &status);
    if (r < 0)
        return error_errno(reterr, r == -ENOENT ? -ESRCH : r, "the status of process %d", c->pid);
    mode = strstr(buf_text(&status), STATUS_MODE);
    if (!mode)
        return error_set(reterr, -EINVAL, "the kernel does not say whether process %d has a filter",
                         c->pid);
    *ret_filter = mode[strlen(STATUS_MODE)] == MODE_FILTER;
    return 0;
}

static void set_reason(struct enforcer_hold *h, bool restart_needed, const char *reason)
{
    h->restart_needed = restart_needed;
    snprintf(h->reason, sizeof(h->reason), "%s", reason);
}

/* A filter cannot be read back: which one it is, the container's own setting says, by which the
 * runtime has made it. */
static void judge(const struct container *c, bool has_filter, const struct seccomp_held *held,
                  struct enforcer_hold *ret)
{
    if (!held)
        set_reason(ret, false, "there is no file of this seccomp profile");
    else if (!has_filter)
        set_reason(ret, c->seccomp == OCI_SECCOMP_PROFILE,
                   c->seccomp == OCI_SECCOMP_NONE
                       ? "it was started without a seccomp profile: its own setting names none"
                       : "its first process has no seccomp filter");
    else if (c->seccomp == OCI_SECCOMP_UNKNOWN)
        set_reason(ret, false,
                   "the runtime does not say which seccomp profile it was started with");
    else if (c->seccomp == OCI_SECCOMP_PROFILE && digest_equal(&c->seccomp_digest, &held->meaning))
        ret->in_force = true;
    else
        set_reason(ret, true,
                   "it was started with another version of the seccomp profile, or another one");
}

static int on_inspect(struct enforcer *base, const struct container *c, const char *profile_name,
                      struct enforcer_hold *ret, struct error **reterr)
{
    struct enforcer_seccomp *e = self(base);
    struct enforcer_hold hold = {0};
    bool has_filter;
    int r = require_usable(e, reterr);

    if (r == 0)
        r = read_mode(c, &has_filter, reterr);
    if (r < 0)
        return r;
    judge(c, has_filter, enforcer_seccomp_find(e, profile_name), &hold);
    *ret = hold;
    return 0;
}

/* ---- life ---- */

static void on_free(struct enforcer *base)
{
    struct enforcer_seccomp *e = self(base);

    let_go(e);
    map_free(e->held);
    free(e->folder_path);
    free(e->state_folder);
    free(e->runtime_path);
    free(e);
}

/* The runtime ties containers to profiles, so there is nothing to bind; the kernel counts nothing,
 * so the agent does (agent/violation_counts.h). */
static const struct enforcer_ops ops = {
    .name = "Seccomp",
    .bit = ENFORCER_SECCOMP,
    .probe = on_probe,
    .adopt = on_adopt,
    .prepare = on_prepare,
    .commit = on_commit,
    .discard = on_discard,
    .revert = on_revert,
    .remove = on_remove,
    .inspect = on_inspect,
    .describe = on_describe,
    .free = on_free,
};

static int copy_text(char **ret, const char *text)
{
    if (!text || !text[0])
        return 0;
    *ret = strdup(text);
    return *ret ? 0 : -ENOMEM;
}

int enforcer_seccomp_new(struct enforcer **ret, const struct enforcer_seccomp_settings *settings,
                         struct error **reterr)
{
    struct enforcer_seccomp *e = calloc(1, sizeof(*e));

    if (!e)
        return error_oom(reterr);
    e->base.ops = &ops;
    e->undo.text = BUF_INIT(SC_MAX_JSON);
    e->held = map_new(free, 0); /* the store has a ceiling, and so have the records */
    if (!e->held || copy_text(&e->folder_path, settings->folder) < 0 ||
        copy_text(&e->state_folder, settings->state_folder) < 0 ||
        copy_text(&e->runtime_path, settings->runtime) < 0) {
        on_free(&e->base);
        return error_oom(reterr);
    }
    *ret = &e->base;
    return 0;
}
