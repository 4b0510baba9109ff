/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_seccomp.h"

#include <errno.h>
#include <stdio.h>

#include "agent/enforcer_seccomp_files.h"
#include "agent/file_folder.h"
#include "lib/map.h"

/* Of the records: what is adopted is what is removed. */
static void on_adopted(const struct enforcer_holding *h UNUSED, void *data UNUSED)
{
}

static int remove_all(struct enforcer_seccomp *e, void (*told)(const char *what, void *data),
                      void *data, struct error **reterr)
{
    int result = 0;

    MAP_FOREACH (entry, e->held) {
        CLEANUP(error_free) struct error *problem = NULL;
        char what[PROFILE_NAME_MAX + 32], profile[PROFILE_NAME_MAX + 1];
        bool removed;
        int r;

        snprintf(profile, sizeof(profile), "%s", map_key(entry)); /* the entry goes */
        snprintf(what, sizeof(what), "seccomp profile %s", profile);
        r = enforcer_seccomp_remove(e, profile, &removed, &problem);
        if (r == 0 && removed)
            told(what, data);
        else if (r < 0 && result == 0)
            result = error_set(reterr, r, "%s", error_message(problem));
    }
    return result;
}

int enforcer_seccomp_cleanup(const struct enforcer_seccomp_settings *settings,
                             void (*told)(const char *what, void *data), void *data,
                             struct error **reterr)
{
    char path[PATH_MAX];
    struct enforcer *base = NULL;
    struct enforcer_seccomp *e;
    int r;

    if (!settings->state_folder || enforcer_seccomp_folder(settings->state_folder, path) < 0 ||
        access(path, F_OK) < 0 || access(settings->folder, F_OK) < 0)
        return 0; /* nothing was ever written */
    r = enforcer_seccomp_new(&base, settings, reterr);
    if (r < 0)
        return r;
    e = (struct enforcer_seccomp *)base;
    r = file_folder_new(&e->folder, settings->folder, reterr);
    if (r == 0)
        r = file_folder_new(&e->records, path, reterr);
    if (r == 0)
        r = enforcer_seccomp_adopt(e, on_adopted, NULL, reterr);
    if (r == 0)
        r = remove_all(e, told, data, reterr);
    if (r == 0)
        file_folder_remove_folder(e->records);
    base->ops->free(base);
    return r;
}
