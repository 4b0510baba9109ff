/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_apparmor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/apparmor_binary.h"
#include "agent/apparmor_compiler.h"
#include "agent/apparmor_features.h"
#include "agent/apparmor_kernel.h"
#include "agent/apparmor_label.h"
#include "agent/apparmor_message.h"
#include "agent/apparmor_records.h"
#include "agent/container.h"
#include "agent/node_devices.h"
#include "lib/apparmor/apparmor.h"
#include "lib/map.h"

#define PREAMBLE_MAX (256u << 10) /* bytes: the paths of a node's disks */

static struct enforcer_apparmor *self(struct enforcer *base)
{
    return (struct enforcer_apparmor *)base;
}

static int require_usable(const struct enforcer_apparmor *e, struct error **reterr)
{
    return e->kernel ? 0 : error_set(reterr, -ENODEV, "AppArmor cannot be had on this node");
}

/* ---- probe ---- */

/* Closes everything that probe opens; the kernel keeps what it has. */
static void let_go(struct enforcer_apparmor *e)
{
    enforcer_apparmor_forget_undo(e);
    e->compiler = apparmor_compiler_free(e->compiler);
    e->records = apparmor_records_free(e->records);
    e->kernel = apparmor_kernel_free(e->kernel);
}

static int on_probe(struct enforcer *base, struct enforcer_facts *ret, struct error **reterr)
{
    struct enforcer_apparmor *e = self(base);
    struct enforcer_facts facts = {.usable = true};
    CLEANUP(error_free) struct error *why = NULL;

    if (e->kernel)
        return error_set(reterr, -EIO, "the AppArmor enforcer was probed already");
    if (enforcer_apparmor_probe(e, &facts, &why) < 0) {
        let_go(e);
        if (error_code(why) == -ENOMEM)
            return error_oom(reterr);
        facts.usable = false;
        snprintf(facts.reason, sizeof(facts.reason), "%s", error_message(why));
    }
    *ret = facts;
    return 0;
}

static int on_adopt(struct enforcer *base,
                    void (*found)(const struct enforcer_holding *h, void *data), void *data,
                    struct error **reterr)
{
    struct enforcer_apparmor *e = self(base);
    int r = require_usable(e, reterr);

    return r < 0 ? r : enforcer_apparmor_adopt(e, found, data, reterr);
}

/* ---- preparing ---- */

static void on_discard(struct enforcer *base UNUSED, struct enforcer_version *version)
{
    if (!version)
        return;
    apparmor_binary_unref(version->binary);
    profile_unref(version->profile);
    free(version);
}

static unsigned count_lines(const char *text)
{
    unsigned n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static int write_preamble(const struct enforcer_apparmor *e, struct buf *out, struct error **reterr)
{
    size_t n = 0;
    const char *const *disks = e->devices ? node_devices_names(e->devices, &n) : NULL;
    int r = aa_write_preamble(disks, n, out, reterr);

    if (r == -E2BIG)
        return error_set(reterr, r, "the paths of this node's disks are longer than %u bytes",
                         PREAMBLE_MAX);
    return r == -ENOMEM ? error_oom(reterr) : r;
}

/* The binary that was loaded from the same text before, perhaps before a reboot. NULL: it has to be
 * compiled. */
static struct apparmor_binary *find_recorded(struct enforcer_apparmor *e, const char *profile,
                                             const struct digest *key)
{
    const struct apparmor_held *held = enforcer_apparmor_find(e, profile);
    struct apparmor_record record = {0};
    struct apparmor_binary *found = NULL;

    if (!held || !e->records || !digest_equal(&held->key, key) ||
        apparmor_records_read(e->records, profile, APPARMOR_RECORD_LOADED, &record, NULL) < 0)
        return NULL;
    if (digest_equal(&record.key, key))
        found = apparmor_binary_ref(record.binary);
    apparmor_record_done(&record);
    return found;
}

/* 0 with a reference, -EINPROGRESS, or another negative errno with *reterr. */
static int compile(struct enforcer_apparmor *e, struct profile *profile, const char *preamble,
                   const struct aa_rules *rules, struct apparmor_binary **ret,
                   struct error **reterr)
{
    CLEANUP(error_free) struct error *problem = NULL;
    int r = apparmor_compiler_get(e->compiler, profile, preamble,
                                  apparmor_features_need_newer(rules), ret, &problem);

    if (r == -EINVAL)
        return apparmor_message_explain(error_message(problem), count_lines(preamble), rules,
                                        reterr);
    if (r < 0 && r != -EINPROGRESS)
        return error_set(reterr, r, "%s", error_message(problem));
    return r;
}

static int prepare(struct enforcer_apparmor *e, struct enforcer_version *v,
                   const struct aa_rules *rules, struct error **reterr)
{
    CLEANUP_BUF struct buf preamble = BUF_INIT(PREAMBLE_MAX);
    int r = apparmor_features_check(apparmor_kernel_features_text(e->kernel), rules, reterr);

    if (r == 0)
        r = write_preamble(e, &preamble, reterr);
    if (r < 0)
        return r;
    if (apparmor_compiler_key(e->compiler, buf_text(&preamble), v->profile->apparmor_text,
                              &v->key) < 0)
        return error_oom(reterr);
    v->binary = find_recorded(e, v->profile->name, &v->key);
    if (!v->binary)
        r = compile(e, v->profile, buf_text(&preamble), rules, &v->binary, reterr);
    if (r == 0 && v->binary->complain != v->profile->complain)
        r = error_set(reterr, -EINVAL, "the profile's text is in %s mode, the profile in %s mode",
                      v->binary->complain ? "complain" : "enforce",
                      v->profile->complain ? "complain" : "enforce");
    return r;
}

static int read_text(const struct profile *profile, struct aa_rules *ret, struct error **reterr)
{
    int r;

    if (!profile->apparmor_text)
        return error_set(reterr, -EINVAL, "the manager has sent no AppArmor text for the profile");
    r = aa_profile_read(ret, profile->apparmor_text, strlen(profile->apparmor_text), profile->name,
                        reterr);
    return r == -ENOMEM ? error_oom(reterr) : r;
}

static int on_prepare(struct enforcer *base, struct profile *profile, struct enforcer_version **ret,
                      struct error **reterr)
{
    struct enforcer_apparmor *e = self(base);
    struct enforcer_version *v;
    struct aa_rules rules = {0};
    int r = require_usable(e, reterr);

    if (r == 0)
        r = read_text(profile, &rules, reterr);
    if (r < 0)
        return r;
    v = calloc(1, sizeof(*v));
    if (v) {
        v->profile = profile_ref(profile);
        r = prepare(e, v, &rules, reterr);
    } else {
        r = error_oom(reterr);
    }
    aa_rules_done(&rules);
    if (r < 0)
        on_discard(base, v);
    else
        *ret = v;
    return r;
}

/* ---- the kernel ---- */

static int on_commit(struct enforcer *base, struct enforcer_version **version,
                     struct error **reterr)
{
    struct enforcer_apparmor *e = self(base);
    struct enforcer_version *v = TAKE(*version);
    int r = require_usable(e, reterr);

    if (r == 0)
        r = enforcer_apparmor_load(e, v, reterr);
    if (r < 0)
        error_wrap(reterr, r, "profile '%s'", error_quote(v->profile->name));
    on_discard(base, v);
    return r;
}

static int on_revert(struct enforcer *base, const char *profile_name, struct error **reterr)
{
    struct enforcer_apparmor *e = self(base);
    int r = require_usable(e, reterr);

    return r < 0 ? r : enforcer_apparmor_revert(e, profile_name, reterr);
}

static int on_remove(struct enforcer *base, const char *profile_name, struct error **reterr)
{
    struct enforcer_apparmor *e = self(base);
    int r = require_usable(e, reterr);

    if (r < 0)
        return r;
    apparmor_compiler_drop(e->compiler, profile_name);
    return enforcer_apparmor_remove(e, profile_name, reterr);
}

static int on_describe(struct enforcer *base, const char *profile_name,
                       struct enforcer_holding *ret, struct error **reterr)
{
    struct enforcer_apparmor *e = self(base);
    int r = require_usable(e, reterr);

    return r < 0 ? r : enforcer_apparmor_describe(e, profile_name, ret, reterr);
}

static int on_settle(struct enforcer *base, struct error **reterr)
{
    struct enforcer_apparmor *e = self(base);
    int r = require_usable(e, reterr);

    return r < 0 ? r : enforcer_apparmor_settle(e, reterr);
}

static int on_inspect(struct enforcer *base, const struct container *c, const char *profile_name,
                      struct enforcer_hold *ret, struct error **reterr)
{
    struct enforcer_apparmor *e = self(base);
    const struct apparmor_held *held;
    char label[APPARMOR_LABEL_MAX];
    int r = require_usable(e, reterr);

    if (r < 0)
        return r;
    r = apparmor_label_read(c->pid, c->cgroup_path, label, reterr);
    if (r < 0)
        return r;
    held = enforcer_apparmor_find(e, profile_name);
    if (held && held->loaded) {
        apparmor_label_judge(label, profile_name, held->complain, held->n_children, ret);
        apparmor_label_explain(c->apparmor_profile, profile_name, ret);
    } else {
        *ret = (struct enforcer_hold){0};
        snprintf(ret->reason, sizeof(ret->reason), "no version of this AppArmor profile is loaded");
    }
    return 0;
}

/* ---- life ---- */

static void on_free(struct enforcer *base)
{
    struct enforcer_apparmor *e = self(base);

    let_go(e);
    map_free(e->held);
    free(e->state_folder);
    free(e->parser);
    free(e);
}

/* The runtime ties containers to profiles, so there is nothing to bind; the kernel counts nothing,
 * so the agent does (agent/violation_counts.h). */
static const struct enforcer_ops ops = {
    .name = "AppArmor",
    .bit = ENFORCER_APPARMOR,
    .probe = on_probe,
    .adopt = on_adopt,
    .prepare = on_prepare,
    .commit = on_commit,
    .discard = on_discard,
    .revert = on_revert,
    .remove = on_remove,
    .inspect = on_inspect,
    .describe = on_describe,
    .settle = on_settle,
    .free = on_free,
};

static int copy_text(char **ret, const char *text)
{
    if (!text || !text[0])
        return 0;
    *ret = strdup(text);
    return *ret ? 0 : -ENOMEM;
}

int enforcer_apparmor_new(struct enforcer **ret, struct loop *loop,
                          const struct enforcer_apparmor_settings *settings,
                          const struct enforcer_events *events, struct error **reterr)
{
    struct enforcer_apparmor *e = calloc(1, sizeof(*e));
    long n_processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (!e)
        return error_oom(reterr);
    e->base.ops = &ops;
    e->loop = loop;
    if (events)
        e->events = *events;
    e->max_children = n_processors > 0 ? (unsigned)n_processors : 1;
    if (settings->max_children > 0)
        e->max_children = MIN(e->max_children, settings->max_children);
    e->deadline_ns =
        settings->deadline_ns > 0 ? settings->deadline_ns : APPARMOR_DEFAULT_DEADLINE_NS;
    e->devices = settings->devices;
    e->held = map_new(free, 0); /* the store has a ceiling, and so have the records */
    if (!e->held || copy_text(&e->parser, settings->parser) < 0 ||
        copy_text(&e->state_folder, settings->state_folder) < 0) {
        on_free(&e->base);
        return error_oom(reterr);
    }
    *ret = &e->base;
    return 0;
}
