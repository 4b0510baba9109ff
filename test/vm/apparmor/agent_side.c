/* SPDX-License-Identifier: Apache-2.0 */
#include "test/vm/apparmor/agent_side.h"

#include "agent/enforcer_apparmor.h"
#include "lib/apparmor/apparmor.h"
#include "lib/loop.h"
#include "lib/policy/findings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PROFILES "/sys/kernel/security/apparmor/profiles"
#define REMOVE   "/sys/kernel/security/apparmor/.remove"

_Noreturn static void die(const char *what, const struct error *problem)
{
    printf("    %s: %s\n", what, problem ? error_message(problem) : strerror(errno));
    fflush(stdout);
    _exit(125);
}

static void on_prepared(const char *profile UNUSED, void *data)
{
    struct agent_side *a = data;

    a->n_prepared++;
    loop_stop(a->loop);
}

static void on_adopted(const struct enforcer_holding *h, void *data)
{
    struct agent_side *a = data;

    if (a->n_adopted < ARRAY_SIZE(a->adopted))
        a->adopted[a->n_adopted] = *h;
    a->n_adopted++;
}

void agent_side_begin(struct agent_side *a, const char *state_folder)
{
    CLEANUP(error_free) struct error *problem = NULL;
    const struct enforcer_apparmor_settings settings = {.state_folder = state_folder};
    const struct enforcer_events events = {.prepared = on_prepared, .data = a};

    memset(a, 0, sizeof(*a));
    if (loop_new(&a->loop, &problem) < 0 ||
        enforcer_apparmor_new(&a->enforcer, a->loop, &settings, &events, &problem) < 0 ||
        a->enforcer->ops->probe(a->enforcer, &a->facts, &problem) < 0)
        die("enforcer", problem);
    if (a->facts.usable && a->enforcer->ops->adopt(a->enforcer, on_adopted, a, &problem) < 0)
        die("adoption", problem);
}

void agent_side_end(struct agent_side *a)
{
    a->enforcer->ops->free(a->enforcer);
    loop_free(a->loop);
}

static struct profile *profile_of(const struct aa_profile *p, unsigned salt)
{
    struct buf text CLEANUP_BUF = BUF_INIT(1u << 20);
    struct profile *profile = profile_new();

    if (!profile || aa_profile_write(p, &text) < 0)
        die("profile", NULL);
    profile->name = strdup(p->name);
    profile->apparmor_text = strdup(buf_text(&text));
    profile->enforcers = ENFORCER_APPARMOR;
    if (digest_of(&profile->digest, &salt, sizeof(salt)) < 0)
        die("digest", NULL);
    return profile;
}

/* Raw rules; what is wrong with them ends the test. */
static void parse(struct aa_rules *ret, const char *text)
{
    struct findings findings = {0};

    if (aa_rules_parse(ret, text, strlen(text), 1, 1, &findings) < 0)
        die(text, NULL);
    for (size_t i = 0; i < ret->n; i++) {
        char origin[64];

        snprintf(origin, sizeof(origin), "appArmorRawRules[0] (line %u, column %u)",
                 ret->items[i].line, ret->items[i].column);
        free(ret->items[i].origin);
        ret->items[i].origin = strdup(origin);
    }
}

struct profile *agent_side_profile(const char *name, const char *path, unsigned n_children,
                                   unsigned salt)
{
    static const char *const targets[] = {"/usr/bin/cat", "/usr/bin/true"};
    struct aa_child children[2];
    struct aa_rules raw = {0}, none = {0};
    struct aa_profile p = {
        .name = name,
        .base = AA_TEMPLATE_RUNTIME_DEFAULT,
        .qualifiers = AA_DENY | AA_AUDIT,
        .rules = &none,
        .raw = &raw,
        .children = children,
        .n_children = n_children,
    };
    struct profile *profile;
    char text[128];

    snprintf(text, sizeof(text), "audit deny %s r,", path);
    parse(&raw, text);
    for (unsigned i = 0; i < n_children; i++)
        children[i] =
            (struct aa_child){.targets = &targets[i], .n_targets = 1, .rules = &none, .raw = &none};
    profile = profile_of(&p, salt);
    aa_rules_done(&raw);
    return profile;
}

struct profile *agent_side_raw(const char *name, const char *raw_text, unsigned salt)
{
    struct aa_rules raw = {0}, none = {0};
    const struct aa_profile p = {
        .name = name, .base = AA_TEMPLATE_ALLOW_ALL, .rules = &none, .raw = &raw};
    struct profile *profile;

    parse(&raw, raw_text);
    profile = profile_of(&p, salt);
    aa_rules_done(&raw);
    return profile;
}

int agent_side_prepare(struct agent_side *a, struct profile *p, struct enforcer_version **ret,
                       struct error **reterr)
{
    for (;;) {
        int r = a->enforcer->ops->prepare(a->enforcer, p, ret, reterr);

        if (r != -EINPROGRESS)
            return r;
        loop_run(a->loop);
    }
}

int agent_side_commit(struct agent_side *a, struct profile *p)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct enforcer_version *v = NULL;
    int r = agent_side_prepare(a, p, &v, &problem);

    if (r == 0)
        r = a->enforcer->ops->commit(a->enforcer, &v, &problem);
    if (r < 0)
        printf("    %s\n", error_message(problem));
    profile_unref(p);
    return r;
}

const char *agent_side_listed(const char *profile)
{
    static char mode[32];
    char line[256];
    FILE *f = fopen(PROFILES, "re");
    size_t len = strlen(profile);

    mode[0] = '\0';
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, profile, len) == 0 && line[len] == ' ')
            snprintf(mode, sizeof(mode), "%.*s", (int)strcspn(line + len + 2, ")"), line + len + 2);
    }
    if (f)
        fclose(f);
    return mode;
}

void agent_side_load_by_hand(const char *text)
{
    FILE *f = popen("apparmor_parser --config-file=/dev/null -q -r -K", "we");

    if (!f || fputs(text, f) < 0 || pclose(f) != 0)
        die("apparmor_parser", NULL);
}

void agent_side_remove_by_hand(const char *profile)
{
    FILE *f = fopen(REMOVE, "we");

    if (!f || fputs(profile, f) < 0 || fclose(f) != 0)
        die("removing by hand", NULL);
}
