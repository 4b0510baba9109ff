/* SPDX-License-Identifier: Apache-2.0 */
#include "test/vm/audit/bed.h"

#include "agent/cgroup.h"
#include "lib/apparmor/apparmor.h"
#include "lib/loop.h"
#include "lib/policy/findings.h"
#include "lib/seccomp/seccomp.h"
#include "lib/counted_text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char raw_rules[] = "audit deny /secret/** rwl,\n"
                                "audit /audited/** r,\n"
                                "audit deny capability net_raw,\n"
                                "audit deny mount,\n"
                                "audit deny network inet dgram,\n";

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bed: %s: %s\n", what, strerror(errno));
    exit(125);
}

static void write_file(const char *path, const char *text)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        die(path);
}

/* ---- the profile ---- */

static void write_apparmor(struct profile *p)
{
    struct findings findings = {0};
    struct aa_rules rules = {0}, none = {0};
    struct aa_profile profile = {
        .name = BED_PROFILE, .base = AA_TEMPLATE_ALLOW_ALL, .rules = &none, .raw = &rules};
    CLEANUP_BUF struct buf text = BUF_INIT(64 * 1024);

    if (aa_rules_parse(&rules, raw_rules, strlen(raw_rules), 1, 1, &findings) < 0)
        die("the rules");
    for (size_t i = 0; i < rules.n; i++) {
        if (asprintf(&rules.items[i].origin, "appArmorRawRules[0] (line %u)", rules.items[i].line) <
            0)
            die("asprintf");
    }
    if (aa_profile_write(&profile, &text) < 0)
        die("the profile");
    p->apparmor_text = strdup(buf_text(&text));
    aa_rules_done(&rules);
    findings_done(&findings);
}

static void write_seccomp(struct profile *p)
{
    struct sc_profile profile = {.default_action = SC_ALLOW, .log = true};
    CLEANUP_BUF struct buf json = BUF_INIT(64 * 1024);
    struct sc_rule *rule = sc_profile_add(&profile, SC_ERRNO, EPERM, "syscallRawRules[0]");

    if (!rule || sc_rule_add_name(rule, "unshare") < 0 ||
        sc_profile_write_json(&profile, NULL, 0, &json) < 0)
        die("the filter");
    p->seccomp_json = counted_text_new(buf_text(&json), strlen(buf_text(&json)));
    sc_profile_done(&profile);
}

static void load_profile(const struct profile *p)
{
    CLEANUP_BUF struct buf preamble = BUF_INIT(4096);
    FILE *parser = popen("apparmor_parser -r -K", "we");

    if (!parser || aa_write_preamble(NULL, 0, &preamble, NULL) < 0)
        die("apparmor_parser");
    fputs(buf_text(&preamble), parser);
    fputs(p->apparmor_text, parser);
    if (pclose(parser) != 0)
        die("loading the profile");
}

static void make_profile(struct bed *b)
{
    struct profile *p = profile_new();

    if (!p)
        die("profile");
    p->name = strdup(BED_PROFILE);
    p->enforcers = ENFORCER_APPARMOR | ENFORCER_SECCOMP;
    write_apparmor(p);
    write_seccomp(p);
    p->digest.bytes[0] = 1;
    load_profile(p);
    b->profile = p;
}

/* ---- what the node would answer ---- */

static void see(struct bed *b, const struct violation *v)
{
    struct bed_event *e = &b->seen[b->n_seen];

    snprintf(e->enforcer, sizeof(e->enforcer), "%s", v->enforcer);
    snprintf(e->profile, sizeof(e->profile), "%s", v->profile_name);
    snprintf(e->rule, sizeof(e->rule), "%s", v->rule);
    snprintf(e->container, sizeof(e->container), "%s", v->container ? v->container->id : "");
    snprintf(e->json, sizeof(e->json), "%s", v->event_json);
    e->action = v->action;
    e->pid = v->pid;
    e->mnt_ns = v->mnt_ns;
    e->late = v->late;
}

static void on_violation(const struct violation *v, void *data)
{
    struct bed *b = data;

    if (b->n_seen < BED_MAX_SEEN)
        see(b, v);
    b->n_seen++;
    b->n_lost += v->lost;
    if (b->n_seen >= b->wanted)
        loop_stop(b->loop);
}

static const struct container *find_container(uint64_t cgroup_id, void *data)
{
    struct bed *b = data;

    return cgroup_id == b->box.cgroup_id ? &b->box : NULL;
}

static const struct profile *find_profile(const char *name, void *data)
{
    struct bed *b = data;

    return strcmp(name, BED_PROFILE) == 0 ? b->profile : NULL;
}

static const struct profile *profile_of(const struct container *c UNUSED, void *data)
{
    struct bed *b = data;

    return b->profile_of_box ? b->profile : NULL;
}

static const struct container *only_container(const char *profile UNUSED, void *data)
{
    struct bed *b = data;

    return b->box_is_only_one ? &b->box : NULL;
}

static void on_tampered(const char *profile, const char *operation, int pid UNUSED, void *data)
{
    struct bed *b = data;

    snprintf(b->tampered, sizeof(b->tampered), "%s %s", operation, profile);
    b->n_tampered++;
}

/* ---- life ---- */

static void on_time(void *data)
{
    struct bed *b = data;

    loop_stop(b->loop);
}

static void make_box(struct bed *b)
{
    struct cgroup_root root = CGROUP_ROOT_NONE;

    mkdir(BED_BOX, 0755);
    mkdir(BED_BOX "/inner", 0755);
    if (cgroup_root_open(&root, NULL) < 0 || cgroup_id(&root, "/box", &b->box.cgroup_id, NULL) < 0)
        die(BED_BOX);
    cgroup_root_done(&root);
    b->box.id = strdup("box");
    b->box.pid = 0;
}

void bed_begin(struct bed *b, const struct audit_violations_settings *settings)
{
    const struct audit_violations_events events = {
        .violation = on_violation,
        .find_container = find_container,
        .find_profile = find_profile,
        .profile_of = profile_of,
        .only_container = only_container,
        .tampered = on_tampered,
        .data = b,
    };
    struct error *problem = NULL;

    memset(b, 0, sizeof(*b));
    b->profile_of_box = BED_PROFILE;
    mkdir("/secret", 0755);
    mkdir("/audited", 0755);
    fclose(fopen("/secret/a", "we"));
    fclose(fopen("/audited/a", "we"));
    make_box(b);
    make_profile(b);
    if (loop_new(&b->loop, NULL) < 0 || loop_timer_new(b->loop, &b->timer, on_time, b) < 0)
        die("loop");
    if (audit_violations_new(&b->violations, b->loop, settings, &events, &problem) < 0) {
        fprintf(stderr, "bed: %s\n", error_message(problem));
        exit(125);
    }
}

void bed_end(struct bed *b)
{
    audit_violations_free(b->violations);
    loop_timer_free(b->timer);
    loop_free(b->loop);
    profile_unref(b->profile);
    free(b->box.id);
}

bool bed_wait(struct bed *b, uint64_t n)
{
    b->wanted = n;
    if (b->n_seen >= n)
        return true;
    loop_timer_set(b->timer, BED_WAIT_MS * NS_PER_MSEC);
    loop_run(b->loop);
    loop_timer_unset(b->timer);
    return b->n_seen >= n;
}

void bed_run_ms(struct bed *b, unsigned ms)
{
    b->wanted = UINT64_MAX;
    loop_timer_set(b->timer, ms * NS_PER_MSEC);
    loop_run(b->loop);
}

/* ---- processes ---- */

static _Noreturn void act_child(const struct bed_act *act, int done)
{
    char path[128];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(path, sizeof(path), "%s/%s/cgroup.procs", BED_BOX, act->cgroup ? act->cgroup : ".");
    if (!act->outside)
        write_file(path, "0");
    if (act->confined)
        write_file("/proc/self/attr/current", "changeprofile " BED_PROFILE);
    if (act->func)
        act->func();
    if (write(done, "x", 1) == 1 && act->stays)
        pause();
    _exit(0);
}

int bed_act(struct bed *b UNUSED, const struct bed_act *act)
{
    int done[2], status;
    char byte;
    pid_t pid;

    if (pipe2(done, O_CLOEXEC) < 0)
        die("pipe");
    pid = fork();
    if (pid == 0)
        act_child(act, done[1]);
    close(done[1]);
    if (read(done[0], &byte, 1) < 0)
        die("read");
    close(done[0]);
    if (!act->stays)
        waitpid(pid, &status, 0);
    return pid;
}

void bed_release(int pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

int bed_keeper(struct bed *b)
{
    return b->box.pid = bed_act(b, &(struct bed_act){.stays = true});
}

void bed_filter(unsigned call, unsigned verdict, bool log_flag)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x40000003, 3, 0), /* i386: told */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 2, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_LOG),
        BPF_STMT(BPF_RET | BPF_K, verdict),
    };
    const struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, log_flag ? SECCOMP_FILTER_FLAG_LOG : 0,
                &program) < 0)
        die("seccomp");
}
