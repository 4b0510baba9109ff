/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/violation_rules.h"

#include "lib/apparmor/apparmor.h"
#include "lib/profile.h"
#include "lib/seccomp/seccomp.h"

#include <string.h>

struct kept {
    struct digest digest;
    uint64_t used; /* when, in calls; 0: free */
    bool has_apparmor, has_seccomp;
    struct aa_rules apparmor;
    struct sc_profile seccomp;
};

struct violation_rules {
    uint64_t n_calls;
    struct kept items[VIOLATION_RULES_KEPT];
};

struct violation_rules *violation_rules_new(void)
{
    return calloc(1, sizeof(struct violation_rules));
}

static void kept_done(struct kept *k)
{
    if (k->has_apparmor)
        aa_rules_done(&k->apparmor);
    if (k->has_seccomp)
        sc_profile_done(&k->seccomp);
    memset(k, 0, sizeof(*k));
}

struct violation_rules *violation_rules_free(struct violation_rules *v)
{
    if (!v)
        return NULL;
    for (size_t i = 0; i < VIOLATION_RULES_KEPT; i++)
        kept_done(&v->items[i]);
    free(v);
    return NULL;
}

static void kept_read(struct kept *k, const struct profile *p)
{
    const char *text = p->apparmor_text, *json = p->seccomp_json;

    k->digest = p->digest;
    k->has_apparmor = text && aa_profile_read(&k->apparmor, text, strlen(text), p->name, NULL) == 0;
    k->has_seccomp = json && sc_profile_read_json(&k->seccomp, json, strlen(json), NULL) == 0;
}

/* What is kept of a profile, instead of what was not asked for longest. */
static struct kept *find(struct violation_rules *v, const struct profile *p)
{
    struct kept *oldest = &v->items[0];

    for (size_t i = 0; i < VIOLATION_RULES_KEPT; i++) {
        struct kept *k = &v->items[i];

        if (k->used > 0 && digest_equal(&k->digest, &p->digest)) {
            k->used = ++v->n_calls;
            return k;
        }
        if (k->used < oldest->used)
            oldest = k;
    }
    kept_done(oldest);
    kept_read(oldest, p);
    oldest->used = ++v->n_calls;
    return oldest;
}

const struct aa_rules *violation_rules_apparmor(struct violation_rules *v, const struct profile *p)
{
    const struct kept *k = find(v, p);

    return k->has_apparmor ? &k->apparmor : NULL;
}

const struct sc_profile *violation_rules_seccomp(struct violation_rules *v, const struct profile *p)
{
    const struct kept *k = find(v, p);

    return k->has_seccomp ? &k->seccomp : NULL;
}
