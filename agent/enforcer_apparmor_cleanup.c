/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_apparmor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/apparmor_kernel.h"
#include "agent/apparmor_records.h"
#include "lib/map.h"

struct cleanup {
    struct enforcer_apparmor enforcer; /* its kernel is NULL where there is no AppArmor */
    void (*told)(const char *what, void *data);
    void *data;
    struct error **reterr; /* of the first failure */
    int r;
};

/* Goes on after a failure; the first one is what is told. */
static void note(struct cleanup *c, int r, struct error *problem)
{
    if (r < 0 && c->r == 0)
        c->r = error_set(c->reterr, r, "%s", error_message(problem));
}

static int drop_profile(struct cleanup *c, const char *profile, struct error **reterr)
{
    const struct apparmor_held *held = enforcer_apparmor_find(&c->enforcer, profile);
    char what[PROFILE_NAME_MAX + 32];
    int r;

    /* One that somebody has changed since is theirs. */
    if (!held || !held->loaded || digest_is_zero(&held->binary_digest))
        return 0;
    r = apparmor_kernel_drop(c->enforcer.kernel, profile, reterr);
    if (r < 0)
        return r;
    snprintf(what, sizeof(what), "AppArmor profile %s", profile);
    c->told(what, c->data);
    return 0;
}

static int on_record(const char *profile, void *data, struct error **reterr UNUSED)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct cleanup *c = data;
    char what[PROFILE_NAME_MAX + 32];
    int r = drop_profile(c, profile, &problem);

    if (r == 0)
        r = apparmor_records_drop(c->enforcer.records, profile, &problem);
    note(c, r, problem);
    if (r == 0) {
        snprintf(what, sizeof(what), "record of AppArmor profile %s", profile);
        c->told(what, c->data);
    }
    return 0;
}

static void on_adopted(const struct enforcer_holding *h UNUSED, void *data UNUSED)
{
}

static void clean(struct cleanup *c)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct enforcer_apparmor *e = &c->enforcer;
    int r = 0;

    e->held = map_new(free, APPARMOR_RECORDS_MAX);
    if (!e->held)
        r = error_oom(&problem);
    if (r == 0 && e->kernel)
        r = enforcer_apparmor_adopt(e, on_adopted, NULL, &problem);
    if (r == 0)
        r = apparmor_records_each(e->records, on_record, c, &problem);
    note(c, r, problem);
    if (c->r == 0)
        apparmor_records_remove_folder(e->records);
}

int enforcer_apparmor_cleanup(const char *state_folder, void (*told)(const char *what, void *data),
                              void *data, struct error **reterr)
{
    struct cleanup c = {.told = told, .data = data, .reterr = reterr};
    char folder[PATH_MAX];
    int r = enforcer_apparmor_folder(state_folder, folder);

    if (r < 0)
        return error_errno(reterr, r, "state folder '%s'", error_quote(state_folder));
    if (access(folder, F_OK) < 0)
        return errno == ENOENT ? 0 : error_errno(reterr, errno, "folder '%s'", error_quote(folder));
    r = apparmor_kernel_open(&c.enforcer.kernel, NULL);
    if (r == 0 || r == -ENODEV) /* a kernel without AppArmor holds nothing of ours */
        r = apparmor_records_new(&c.enforcer.records, folder, reterr);
    else
        r = error_errno(reterr, r, "the kernel's AppArmor");
    if (r == 0) {
        clean(&c);
        r = c.r;
    }
    map_free(c.enforcer.held);
    apparmor_records_free(c.enforcer.records);
    apparmor_kernel_free(c.enforcer.kernel);
    return r;
}
