/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit_violations.h"

#include "agent/audit_process.h"
#include "agent/cgroup.h"
#include "agent/container.h"
#include "agent/exited_processes.h"
#include "agent/violation_apparmor.h"
#include "agent/violation_rules.h"
#include "agent/violation_seccomp.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DESCRIPTION_MAX        4096
#define REASON_MAX             512
#define ENFORCER_NAME_APPARMOR "AppArmor"
#define ENFORCER_NAME_SECCOMP  "Seccomp"

struct audit_violations {
    struct audit_violations_events events;
    struct cgroup_root cgroups; /* owned, like the rest */
    struct audit_source *source;
    struct exited_processes *exits; /* NULL: they are not followed */
    char no_exits[REASON_MAX];      /* why not; "": they are, or are not to be */
    struct violation_rules *rules;
    struct buf event, kind, description;
    bool foreign_too;
    struct audit_counts counts;
    uint64_t lost; /* not told yet */
    struct violation_apparmor_access access;
};

/* What is known about who made a record. */
struct subject {
    int pid;
    bool is_there; /* the process still is, and is the one meant */
    const struct container *container;
    const struct profile *profile;    /* ours; NULL: none */
    char label[PROFILE_NAME_MAX + 1]; /* the profile that the record names, ours or not */
};

/* ---- who ---- */

static const struct container *find_container_of_exited(const struct audit_violations *v, int pid,
                                                        uint64_t time_ns)
{
    uint64_t cgroups[VARMOR_EXIT_CGROUPS];
    size_t n = v->exits && pid > 0 ? exited_processes_find(v->exits, pid, time_ns, cgroups) : 0;
    const struct container *c = NULL;

    for (size_t i = 0; i < n && !c; i++)
        c = v->events.find_container(cgroups[i], v->events.data);
    return c;
}

static void find_subject(struct audit_violations *v, const struct audit_record *r,
                         const char *label_key, struct subject *ret)
{
    struct audit_text label = audit_record_get(r, label_key);
    uint64_t pid = 0;

    memset(ret, 0, sizeof(*ret));
    if (!audit_record_number(r, "pid", &pid) || pid > INT_MAX)
        pid = 0;
    ret->pid = (int)pid;
    if (label.len > 0 && label.data[0] == '=') /* seccomp's records double it */
        label = (struct audit_text){label.data + 1, label.len - 1};
    violation_label_profile(label, ret->label);
    /* the look-up stands between two looks at the process, so that both mean the same one */
    if (audit_process_is_of(ret->pid, audit_record_time_ns(r)))
        ret->container = audit_process_container(ret->pid, &v->cgroups, v->events.find_container,
                                                 v->events.data);
    ret->is_there = audit_process_is_of(ret->pid, audit_record_time_ns(r));
    if (!ret->is_there)
        ret->container = find_container_of_exited(v, ret->pid, audit_record_time_ns(r));
}

/* A profile that one container alone is under tells the container, if that one was there when the
 * record was made. */
static void find_container_of_profile(struct audit_violations *v, const struct audit_record *r,
                                      struct subject *s)
{
    const struct container *c;

    if (s->container || s->is_there || !s->profile)
        return;
    c = v->events.only_container(s->profile->name, v->events.data);
    if (c && audit_process_is_of(c->pid, audit_record_time_ns(r)))
        s->container = c;
}

static const struct profile *profile_of(const struct audit_violations *v, const struct container *c)
{
    return c ? v->events.profile_of(c, v->events.data) : NULL;
}

/* ---- telling ---- */

static void on_lost(uint64_t n, void *data)
{
    struct audit_violations *v = data;

    v->lost += n;
    v->counts.lost += n;
}

static uint64_t mount_namespace(const struct subject *s)
{
    uint64_t inode = 0;

    if (s->is_there && cgroup_mount_namespace(s->pid, &inode, NULL) == 0)
        return inode;
    return s->container ? s->container->mnt_ns : 0;
}

static void tell(struct audit_violations *v, const struct audit_record *r, const struct subject *s,
                 struct violation *violation)
{
    violation->time_ns = audit_record_time_ns(r);
    violation->late = r->late;
    violation->pid = s->pid;
    violation->mnt_ns = mount_namespace(s);
    violation->container = s->container;
    violation->rule_number = -1; /* these enforcers' rules have no numbers in the kernel */
    violation->event_json = buf_text(&v->event);
    violation->event_kind = buf_text(&v->kind);
    violation->lost = v->lost;
    v->lost = 0;
    v->events.violation(violation, v->events.data);
}

/* Counts a record; true if it is to be told. */
static bool is_told(struct audit_violations *v, unsigned of, const struct subject *s, bool ours)
{
    v->counts.ours[of] += ours;
    v->counts.foreign[of] += !ours;
    v->counts.unattributed[of] += ours && !s->container;
    return ours || v->foreign_too;
}

/* ---- AppArmor ---- */

static const char *origin_of_access(struct audit_violations *v, const struct audit_record *r,
                                    const struct profile *p)
{
    const struct aa_rules *rules = p ? violation_rules_apparmor(v->rules, p) : NULL;
    const struct aa_rule *rule = NULL;

    if (!rules || !violation_apparmor_access(r, &v->access))
        return "";
    if (v->events.disks)
        v->access.access.disks = v->events.disks(&v->access.access.n_disks, v->events.data);
    rule = aa_rules_find(rules, &v->access.access);
    return rule && rule->origin ? rule->origin : "";
}

static const char *const policy_operations[] = {"profile_load", "profile_replace",
                                                "profile_remove"};

/* Somebody else loads or removes a profile: it is told if the profile is ours. */
static void take_status(struct audit_violations *v, const struct audit_record *r)
{
    struct audit_text operation = audit_record_get(r, "operation");
    char name[PROFILE_NAME_MAX + 1];
    uint64_t pid = 0;

    audit_record_number(r, "pid", &pid);
    violation_label_profile(audit_record_get(r, "name"), name);
    if (r->late) /* profiles are read back after that */
        return;
    if (!v->events.tampered || pid == (uint64_t)getpid() || audit_record_has(r, "namespace") ||
        !v->events.find_profile(name, v->events.data))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(policy_operations); i++) {
        if (audit_text_equal(operation, policy_operations[i]))
            v->events.tampered(name, policy_operations[i], (int)pid, v->events.data);
    }
}

static void take_apparmor(struct audit_violations *v, const struct audit_record *r)
{
    struct violation violation = {.enforcer = ENFORCER_NAME_APPARMOR};
    struct subject s;
    bool ours;

    if (!violation_apparmor_action(r, &violation.action)) {
        take_status(v, r);
        return;
    }
    find_subject(v, r, audit_record_has(r, "profile") ? "profile" : "label", &s);
    /* a profile of that name in a policy namespace of somebody's is not the one that we loaded */
    if (!audit_record_has(r, "namespace"))
        s.profile = v->events.find_profile(s.label, v->events.data);
    find_container_of_profile(v, r, &s);
    ours = s.profile || profile_of(v, s.container);
    if (!is_told(v, 0, &s, ours))
        return;
    buf_clear(&v->event);
    buf_clear(&v->kind);
    if (violation_apparmor_format(&v->event, r, false) < 0 ||
        violation_apparmor_format(&v->kind, r, true) < 0) {
        on_lost(1, v);
        return;
    }
    violation.profile_name = s.label;
    violation.rule = origin_of_access(v, r, s.profile);
    tell(v, r, &s, &violation);
}

/* ---- seccomp ---- */

static const char *origin_of_call(struct audit_violations *v, const struct violation_seccomp *what,
                                  const struct profile *p)
{
    const struct sc_profile *rules = p ? violation_rules_seccomp(v->rules, p) : NULL;
    const struct sc_rule *rule = rules ? sc_profile_find(rules, what->call, what->verdict) : NULL;

    return rule && rule->origin ? rule->origin : "";
}

/* The profile whose filter the process is under. The record names AppArmor's profile at best, which
 * is of use only if the same one has a filter. */
static const struct profile *filter_of(const struct audit_violations *v, const struct subject *s)
{
    const struct profile *p = s->container  ? profile_of(v, s->container)
                              : s->is_there ? NULL /* it is in no container */
                                            : v->events.find_profile(s->label, v->events.data);

    return p && p->enforcers & ENFORCER_SECCOMP ? p : NULL;
}

static void take_seccomp(struct audit_violations *v, const struct audit_record *r)
{
    struct violation violation = {.enforcer = ENFORCER_NAME_SECCOMP};
    struct violation_seccomp what;
    struct subject s;

    if (violation_seccomp_read(r, &what) < 0) {
        v->counts.unparsed[1]++;
        return;
    }
    find_subject(v, r, "subj", &s);
    s.profile = filter_of(v, &s);
    find_container_of_profile(v, r, &s);
    if (!is_told(v, 1, &s, s.profile != NULL))
        return;
    buf_clear(&v->event);
    buf_clear(&v->kind);
    if (violation_seccomp_format(&v->event, r, &what, false) < 0 ||
        violation_seccomp_format(&v->kind, r, &what, true) < 0) {
        on_lost(1, v);
        return;
    }
    violation.action = what.action;
    violation.profile_name = s.profile ? s.profile->name : "";
    violation.rule = origin_of_call(v, &what, s.profile);
    tell(v, r, &s, &violation);
}

/* ---- what the source tells ---- */

static void on_record(int outcome, const struct audit_record *r, void *data)
{
    struct audit_violations *v = data;

    if (outcome < 0)
        v->counts.unparsed[r->type == AUDIT_RECORD_SECCOMP]++;
    else if (outcome != AUDIT_READ)
        v->counts.other++;
    else if (r->type == AUDIT_RECORD_APPARMOR)
        take_apparmor(v, r);
    else
        take_seccomp(v, r);
}

/* ---- life ---- */

static int follow_exits(struct audit_violations *v)
{
    CLEANUP(error_free) struct error *problem = NULL;
    int r = exited_processes_new(&v->exits, &problem);

    if (r < 0 && r != -ENOMEM)
        snprintf(v->no_exits, sizeof(v->no_exits), "%s", error_message(problem));
    return r == -ENOMEM ? r : 0;
}

int audit_violations_new(struct audit_violations **ret, struct loop *loop,
                         const struct audit_violations_settings *settings,
                         const struct audit_violations_events *events, struct error **reterr)
{
    CLEANUP(audit_violations_free) struct audit_violations *v = calloc(1, sizeof(*v));
    const struct audit_source_settings source = {.log_paths = settings->log_paths,
                                                 .no_netlink = settings->no_netlink,
                                                 .backlog = settings->backlog,
                                                 .position_path = settings->position_path};
    int r;

    if (!v)
        return error_oom(reterr);
    v->cgroups = CGROUP_ROOT_NONE;
    v->events = *events;
    v->foreign_too = settings->foreign_too;
    v->event = BUF_INIT(VIOLATION_AUDIT_JSON_MAX);
    v->kind = BUF_INIT(VIOLATION_AUDIT_JSON_MAX);
    v->description = BUF_INIT(DESCRIPTION_MAX);
    v->rules = violation_rules_new();
    if (!v->rules)
        return error_oom(reterr);
    /* without the hierarchy containers are told by their profile alone */
    if (cgroup_root_open(&v->cgroups, NULL) < 0)
        v->cgroups = CGROUP_ROOT_NONE;
    if (settings->follow_exits && follow_exits(v) < 0)
        return error_oom(reterr);
    r = audit_source_new(&v->source, loop, &source,
                         &(struct audit_events){.record = on_record, .lost = on_lost, .data = v},
                         reterr);
    if (r < 0)
        return r;
    *ret = TAKE(v);
    return 0;
}

struct audit_violations *audit_violations_free(struct audit_violations *v)
{
    if (!v)
        return NULL;
    audit_source_free(v->source);
    exited_processes_free(v->exits);
    violation_rules_free(v->rules);
    cgroup_root_done(&v->cgroups);
    buf_done(&v->description);
    buf_done(&v->kind);
    buf_done(&v->event);
    free(v);
    return NULL;
}

void audit_violations_catch_up(struct audit_violations *v)
{
    audit_source_catch_up(v->source);
}

const char *audit_violations_describe(struct audit_violations *v)
{
    buf_clear(&v->description);
    if (audit_source_describe(v->source, &v->description) < 0 ||
        (v->no_exits[0] && buf_format(&v->description,
                                      "; records of processes that have ended may "
                                      "miss their container: %s",
                                      v->no_exits) < 0))
        buf_clear(&v->description);
    return buf_text(&v->description);
}

const char *audit_violations_source(const struct audit_violations *v)
{
    return audit_source_name(v->source);
}

bool audit_violations_are_lossy(const struct audit_violations *v)
{
    return audit_source_is_lossy(v->source);
}

void audit_violations_count(const struct audit_violations *v, struct audit_counts *ret)
{
    *ret = v->counts;
}
