/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_apparmor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/apparmor_binary.h"
#include "agent/apparmor_kernel.h"
#include "agent/apparmor_records.h"
#include "lib/map.h"

struct apparmor_held *enforcer_apparmor_find(const struct enforcer_apparmor *e, const char *profile)
{
    return map_find(e->held, profile);
}

void enforcer_apparmor_forget_undo(struct enforcer_apparmor *e)
{
    apparmor_binary_unref(e->undo.binary);
    e->undo = (struct apparmor_undo){0};
}

/* The entry of a profile, made if there is none. NULL: no memory, or the ceiling. */
static struct apparmor_held *reserve(struct enforcer_apparmor *e, const char *profile)
{
    CLEANUP_FREE struct apparmor_held *held = NULL;
    struct apparmor_held *there = map_find(e->held, profile);

    if (there)
        return there;
    held = calloc(1, sizeof(*held));
    if (!held || map_put(e->held, profile, held) < 0)
        return NULL;
    return TAKE(held);
}

static const char *mode_of(bool complain)
{
    return complain ? "complain" : "enforce";
}

/* Is what the kernel holds the binary that we know of? Its own copy tells; where it keeps none, its
 * hash; where it has neither, nothing speaks against it. */
static bool is_binary(const struct apparmor_loaded *loaded, const struct digest *binary_digest,
                      const char *kernel_hash)
{
    if (loaded->has_data)
        return digest_equal(&loaded->digest, binary_digest);
    return strcmp(loaded->hash, kernel_hash) == 0;
}

static void fill_holding(const char *profile, const struct apparmor_held *held,
                         const struct apparmor_loaded *loaded, struct enforcer_holding *ret)
{
    bool is_ours = is_binary(loaded, &held->binary_digest, held->kernel_hash);

    *ret = (struct enforcer_holding){
        .digest = is_ours ? held->profile_digest : loaded->digest,
        .image_digest = is_ours ? held->binary_digest : loaded->digest,
    };
    snprintf(ret->profile, sizeof(ret->profile), "%s", profile);
    snprintf(ret->mode, sizeof(ret->mode), "%s", loaded->mode);
    snprintf(ret->policy_hash, sizeof(ret->policy_hash), "%s", loaded->hash);
}

/* ---- what an earlier agent left ---- */

/* loaded: NULL: it is not. */
static void hold_record(struct apparmor_held *held, const struct apparmor_record *record,
                        const struct apparmor_loaded *loaded)
{
    *held = (struct apparmor_held){
        .profile_digest = record->profile_digest,
        .key = record->key,
        .binary_digest = record->binary->digest,
        .n_children = record->binary->n_children,
        .complain = record->binary->complain,
        .loaded = loaded != NULL,
    };
    if (loaded)
        memcpy(held->kernel_hash, loaded->hash, sizeof(held->kernel_hash));
}

/* Is this the version that the kernel holds? */
static bool is_loaded(const struct apparmor_record *record, const struct apparmor_loaded *loaded)
{
    if (strcmp(loaded->mode, mode_of(record->binary->complain)) != 0)
        return false;
    return (loaded->has_data || record->this_boot) &&
           is_binary(loaded, &record->binary->digest, record->kernel_hash);
}

/* Reads one record. 0 (also when there is none that can be read: then *ret is zeroed), or -ENOMEM with
 * *reterr. One bad file must not keep the agent from looking after the others. */
static int read_record(struct enforcer_apparmor *e, const char *profile,
                       enum apparmor_record_kind kind, struct apparmor_record *ret,
                       struct error **reterr)
{
    return apparmor_records_read(e->records, profile, kind, ret, NULL) == -ENOMEM
               ? error_oom(reterr)
               : 0;
}

/* After a reboot: the record spares us the parser, if the version is still wanted. */
static int adopt_absent(struct enforcer_apparmor *e, const char *profile,
                        struct apparmor_held *held, struct error **reterr)
{
    struct apparmor_record record = {0};
    int r = read_record(e, profile, APPARMOR_RECORD_LOADED, &record, reterr);

    apparmor_records_unstage(e->records, profile);
    if (r < 0)
        return r;
    if (record.binary)
        hold_record(held, &record, NULL);
    apparmor_record_done(&record);
    return 0;
}

static int adopt_loaded(struct enforcer_apparmor *e, const char *profile,
                        const struct apparmor_loaded *loaded, struct apparmor_held *held,
                        struct error **reterr)
{
    struct apparmor_record published = {0}, staged = {0};
    int r = read_record(e, profile, APPARMOR_RECORD_LOADED, &published, reterr);

    if (r == 0)
        r = read_record(e, profile, APPARMOR_RECORD_LOADING, &staged, reterr);
    if (r == 0 && staged.binary && loaded->has_data && is_loaded(&staged, loaded)) {
        hold_record(held, &staged, loaded);
        r = apparmor_records_publish(e->records, profile, loaded->hash, reterr);
    } else if (r == 0 && published.binary && is_loaded(&published, loaded) &&
               (loaded->has_data || loaded->hash[0] || !staged.binary)) {
        hold_record(held, &published, loaded);
        apparmor_records_unstage(e->records, profile);
    } else if (r == 0) {
        *held = (struct apparmor_held){.loaded = true}; /* ours, but who knows what */
        apparmor_records_unstage(e->records, profile);
    }
    apparmor_record_done(&staged);
    apparmor_record_done(&published);
    return r;
}

struct adoption {
    struct enforcer_apparmor *enforcer;
    void (*found)(const struct enforcer_holding *h, void *data);
    void *data;
};

static int adopt_one(const char *profile, void *data, struct error **reterr)
{
    const struct adoption *a = data;
    struct enforcer_apparmor *e = a->enforcer;
    struct apparmor_held *held = reserve(e, profile);
    struct apparmor_loaded loaded;
    struct enforcer_holding h;
    int r;

    if (!held)
        return error_oom(reterr);
    r = apparmor_kernel_read(e->kernel, profile, &loaded, NULL, reterr);
    if (r == -ENOENT)
        return adopt_absent(e, profile, held, reterr);
    if (r == 0)
        r = adopt_loaded(e, profile, &loaded, held, reterr);
    if (r < 0)
        return error_wrap(reterr, r, "AppArmor profile '%s'", error_quote(profile));
    fill_holding(profile, held, &loaded, &h);
    a->found(&h, a->data);
    return 0;
}

int enforcer_apparmor_adopt(struct enforcer_apparmor *e,
                            void (*found)(const struct enforcer_holding *h, void *data), void *data,
                            struct error **reterr)
{
    struct adoption adoption = {.enforcer = e, .found = found, .data = data};

    return e->records ? apparmor_records_each(e->records, adopt_one, &adoption, reterr) : 0;
}

/* ---- loading ---- */

/* What the kernel holds now, to be put back if need be: its own copy, else the record's. 0 with
 * *ret (NULL: nothing is loaded, or nobody knows what) or a negative errno with *reterr. */
static int read_before(struct enforcer_apparmor *e, const char *profile,
                       struct apparmor_loaded *loaded, struct apparmor_binary **ret,
                       struct error **reterr)
{
    CLEANUP_BUF struct buf data = BUF_INIT(APPARMOR_BINARY_MAX);
    struct apparmor_record record = {0};
    int r = apparmor_kernel_read(e->kernel, profile, loaded, &data, reterr);

    if (r == -ENOENT) {
        *loaded = (struct apparmor_loaded){0};
        return 0;
    }
    if (r < 0)
        return r;
    if (loaded->has_data) {
        /* One that came with strangers in one policy is not ours to put back. */
        r = apparmor_binary_new(ret, profile, &data, NULL);
        return r == -ENOMEM ? error_oom(reterr) : 0;
    }
    r = e->records ? read_record(e, profile, APPARMOR_RECORD_LOADED, &record, reterr) : 0;
    if (r == 0 && record.binary && is_loaded(&record, loaded))
        *ret = apparmor_binary_ref(record.binary);
    apparmor_record_done(&record);
    return r;
}

/* Does the kernel hold just what was meant? */
static int check_read_back(struct enforcer_apparmor *e, const char *profile,
                           const struct apparmor_binary *binary, struct apparmor_loaded *ret,
                           struct error **reterr)
{
    struct apparmor_loaded loaded;
    int r = apparmor_kernel_read(e->kernel, profile, &loaded, NULL, reterr);

    if (r == -ENOENT)
        return error_set(reterr, -EIO, "the kernel does not list the profile that it has taken");
    if (r < 0)
        return r;
    if (strcmp(loaded.mode, mode_of(binary->complain)) != 0)
        return error_set(reterr, -EIO, "the kernel has the profile in %s mode, not in %s mode",
                         loaded.mode, mode_of(binary->complain));
    if (loaded.has_data && !digest_equal(&loaded.digest, &binary->digest))
        return error_set(reterr, -EIO, "what was read back from the kernel has another digest");
    *ret = loaded;
    return 0;
}

/* Puts back what was there: before, or nothing. Where something was that nobody knows, the profile
 * stays, since taking it away would set its processes free: -EIO. 0 or a negative errno with
 * *reterr. */
static int put_back(struct enforcer_apparmor *e, const char *profile,
                    const struct apparmor_binary *before, bool was_loaded, struct error **reterr)
{
    if (before)
        return apparmor_kernel_put(e->kernel, before, reterr);
    if (was_loaded)
        return error_set(reterr, -EIO,
                         "the kernel keeps no copy of the version before, which was not ours");
    return apparmor_kernel_drop(e->kernel, profile, reterr);
}

/* A record is for a restart; without it the profile is loaded all the same (invariant 4). */
static bool stage(struct enforcer_apparmor *e, const char *profile,
                  const struct apparmor_record *record)
{
    return e->records && apparmor_records_stage(e->records, profile, record, NULL) == 0;
}

/* The kernel gets the binary and is asked for it. *loaded is what it holds, before and after. */
static int put_and_check(struct enforcer_apparmor *e, const struct enforcer_version *v,
                         const struct apparmor_binary *before, struct apparmor_loaded *loaded,
                         struct error **reterr)
{
    CLEANUP(error_free) struct error *problem = NULL;
    const char *name = v->profile->name;
    bool was_loaded = loaded->mode[0] != '\0';
    int r;

    if (before && loaded->has_data && digest_equal(&before->digest, &v->binary->digest))
        return check_read_back(e, name, v->binary, loaded, reterr); /* nothing changes in there */
    r = apparmor_kernel_put(e->kernel, v->binary, reterr);
    if (r < 0)
        return r;
    r = check_read_back(e, name, v->binary, loaded, reterr);
    if (r < 0 && put_back(e, name, before, was_loaded, &problem) < 0)
        error_wrap(reterr, r, "the version before could not be put back (%s)",
                   error_message(problem));
    return r;
}

int enforcer_apparmor_load(struct enforcer_apparmor *e, const struct enforcer_version *v,
                           struct error **reterr)
{
    CLEANUP(apparmor_binary_unref) struct apparmor_binary *before = NULL;
    const char *name = v->profile->name;
    const struct apparmor_record record = {
        .profile_digest = v->profile->digest, .key = v->key, .binary = v->binary};
    struct apparmor_held *held = reserve(e, name);
    struct apparmor_loaded loaded;
    bool staged, was_loaded;
    int r;

    enforcer_apparmor_forget_undo(e);
    if (!held)
        return error_oom(reterr);
    r = read_before(e, name, &loaded, &before, reterr);
    if (r < 0)
        return r;
    staged = stage(e, name, &record);
    was_loaded = loaded.mode[0] != '\0';
    r = put_and_check(e, v, before, &loaded, reterr);
    if (r < 0) {
        if (staged)
            apparmor_records_unstage(e->records, name);
        return r;
    }
    if (staged)
        apparmor_records_publish(e->records, name, loaded.hash, NULL);
    snprintf(e->undo.profile, sizeof(e->undo.profile), "%s", name);
    e->undo.binary = TAKE(before);
    e->undo.was_loaded = was_loaded;
    e->undo.held = *held;
    hold_record(held, &record, &loaded);
    return 0;
}

int enforcer_apparmor_revert(struct enforcer_apparmor *e, const char *profile,
                             struct error **reterr)
{
    struct apparmor_binary *before = e->undo.binary;
    const struct apparmor_record record = {
        .profile_digest = e->undo.held.profile_digest, .key = e->undo.held.key, .binary = before};
    struct apparmor_held *held = map_find(e->held, profile);
    bool staged;
    int r;

    if (strcmp(e->undo.profile, profile) != 0 || !held)
        return error_set(reterr, -EINVAL, "AppArmor profile '%s' was not committed last",
                         error_quote(profile));
    staged = before && stage(e, profile, &record);
    r = put_back(e, profile, before, e->undo.was_loaded, reterr);
    if (r < 0) {
        if (staged)
            apparmor_records_unstage(e->records, profile);
        return r;
    }
    if (staged)
        apparmor_records_publish(e->records, profile, e->undo.held.kernel_hash, NULL);
    *held = e->undo.held;
    if (!before) {
        if (e->records)
            apparmor_records_drop(e->records, profile, NULL);
        map_drop(e->held, profile);
    }
    enforcer_apparmor_forget_undo(e);
    return 0;
}

int enforcer_apparmor_remove(struct enforcer_apparmor *e, const char *profile,
                             struct error **reterr)
{
    const struct apparmor_held *held = map_find(e->held, profile);
    int r;

    if (!held)
        return 0; /* whatever is loaded by that name is not ours */
    r = held->loaded ? apparmor_kernel_drop(e->kernel, profile, reterr) : 0;
    if (r == 0 && e->records)
        r = apparmor_records_drop(e->records, profile, reterr);
    if (r < 0)
        return r;
    map_drop(e->held, profile);
    if (strcmp(e->undo.profile, profile) == 0)
        enforcer_apparmor_forget_undo(e);
    return 0;
}

int enforcer_apparmor_settle(struct enforcer_apparmor *e, struct error **reterr)
{
    int first = 0;

    MAP_FOREACH (m, e->held) {
        const struct apparmor_held *held = map_value(m);
        int r;

        if (held->loaded)
            continue;
        r = e->records ? apparmor_records_drop(e->records, map_key(m), first < 0 ? NULL : reterr)
                       : 0;
        if (r == 0)
            map_drop(e->held, map_key(m));
        first = first < 0 ? first : r;
    }
    return first;
}

int enforcer_apparmor_describe(struct enforcer_apparmor *e, const char *profile,
                               struct enforcer_holding *ret, struct error **reterr)
{
    const struct apparmor_held *held = map_find(e->held, profile);
    struct apparmor_loaded loaded;
    int r;

    if (!held || !held->loaded)
        return -ENOENT;
    r = apparmor_kernel_read(e->kernel, profile, &loaded, NULL, reterr);
    if (r == 0)
        fill_holding(profile, held, &loaded, ret);
    return r;
}
