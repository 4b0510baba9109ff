/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The third judge: every row of the tables in test/verdicts that a task can be made to ask for real
 * is asked by a program in a container, on this kernel, through the hooks. Effect, counter and
 * record must be what the table says. Rows that no system call of ours asks for are counted and
 * named.
 */
#include "bpf/varmor_shared.h"
#include "test/verdicts/verdict_table.h"
#include "test/vm/bpf/container.h"
#include "test/vm/bpf/kernel_side.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SLOT      3
#define NOT_ASKED 1

static unsigned n_passed, n_failed, n_not_asked;
static struct kernel_side kernel;

/* How a path operation is done; %1$s is the path. */
struct path_command {
    unsigned asked;
    const char *command;
    bool needs_absence;
};
static const struct path_command path_commands[] = {
    {VARMOR_MAY_READ, "open\t0\t%1$s", false},
    {VARMOR_MAY_WRITE, "open\t1\t%1$s", false},
    {VARMOR_MAY_APPEND, "open\t02001\t%1$s", false},
    {VARMOR_MAY_CREATE, "open\t0301\t%1$s", true},
    {VARMOR_MAY_DELETE, "unlink\t%1$s", false},
    {VARMOR_MAY_RENAME, "rename\t%1$s\t/.moved", false},
    {VARMOR_MAY_LINK, "link\t%1$s\t/.linked", false},
    {VARMOR_MAY_TRUNCATE, "truncate\t%1$s", false},
    {VARMOR_MAY_CHMOD, "chmod\t%1$s", false},
    {VARMOR_MAY_CHOWN, "chown\t%1$s", false},
    {VARMOR_MAY_SETATTR, "setxattr\t%1$s", false},
    {VARMOR_MAY_EXEC, "exec\t%1$s", false},
};

static bool is_made_by_kernel(const char *path)
{
    return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0;
}

static bool is_folder(const char *path)
{
    char full[8192];
    struct stat st;

    snprintf(full, sizeof(full), CONTAINER_ROOT "%s", path);
    return stat(full, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Puts the file there, or away. 0 or -errno. */
static int prepare_path(const char *path, bool absent)
{
    char full[8192];
    int r;

    unlink(CONTAINER_ROOT "/.moved");
    unlink(CONTAINER_ROOT "/.linked");
    if (is_made_by_kernel(path))
        return 0;
    r = container_file_make(path);
    if (r < 0 || !absent)
        return r;
    snprintf(full, sizeof(full), CONTAINER_ROOT "%s", path);
    return unlink(full) < 0 ? -errno : 0;
}

static int ask_path(struct vm_container *c, const struct verdict_ask *a)
{
    for (size_t i = 0; i < ARRAY_SIZE(path_commands); i++) {
        const struct path_command *p = &path_commands[i];
        char command[8192];

        if (p->asked != a->asked)
            continue;
        if (prepare_path(a->text, p->needs_absence) < 0)
            return NOT_ASKED;
        if (a->asked == VARMOR_MAY_EXEC && is_folder(a->text)) /* refused before it is asked */
            return NOT_ASKED;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(command, sizeof(command), p->command, a->text);
#pragma GCC diagnostic pop
        kernel_side_read_events(&kernel);
        return container_do(c, "%s", command);
    }
    return NOT_ASKED;
}

static int ask_connect(struct vm_container *c, const struct verdict_ask *a)
{
    char text[ADDR_TEXT_SIZE];

    addr_format(&a->addr, text);
    return container_do(c, "connect\t2\t%s\t%u", text, a->numbers[0]);
}

static int ask(struct vm_container *c, const struct verdict_ask *a)
{
    switch (a->kind) {
    case VERDICT_ASK_PATH:
        return ask_path(c, a);
    case VERDICT_ASK_CAPABILITY: {
        int r = container_do(c, "capability\t%u", a->numbers[0]);

        return r == -ENOSYS ? NOT_ASKED : r;
    }
    case VERDICT_ASK_SOCKET:
        return container_do(c, "socket\t%u\t%u\t%u", a->numbers[0], a->numbers[1], a->numbers[2]);
    case VERDICT_ASK_CONNECT:
        return ask_connect(c, a);
    case VERDICT_ASK_MOUNT:
        if (a->numbers[0] & VARMOR_MOUNT_UMOUNT || a->numbers[0] == VARMOR_MOUNT_MOVE)
            return NOT_ASKED;
        return container_do(c, "mount\t%s\t/mnt\t%s\t%u", a->text, a->fstype, a->numbers[0]);
    case VERDICT_ASK_PTRACE:
        return NOT_ASKED; /* cases_test.c */
    }
    return NOT_ASKED;
}

/* True if effect, counter and record are as the row says; else says what is not. */
static bool is_as_expected(const struct verdict_ask *a, int r, uint64_t n_counted)
{
    bool denied = r == -EPERM, want_denied = a->mode & RULE_DENY;
    bool want_record = a->mode & RULE_AUDIT;
    size_t n_records = kernel_side_read_events(&kernel);
    const struct varmor_event *e = &kernel.events[0].event;

    if (denied != want_denied)
        printf("    effect: %s, expected %s\n", r < 0 ? strerror(-r) : "done",
               want_denied ? "a denial" : "none");
    else if (a->rule != VARMOR_NO_RULE && n_counted == 0)
        printf("    rule %u has not been counted\n", a->rule);
    else if ((n_records > 0) != want_record)
        printf("    %zu records, expected %s\n", n_records, want_record ? "one" : "none");
    else if (want_record && e->rule != a->rule)
        printf("    the record names rule %u, not %u\n", e->rule, a->rule);
    else if (want_record &&
             e->action != (want_denied ? VARMOR_ACTION_DENIED : VARMOR_ACTION_AUDITED))
        printf("    the record's action is %u\n", e->action);
    else if (want_record && a->kind == VERDICT_ASK_PATH &&
             strcmp(kernel.events[0].text, a->text) != 0)
        printf("    the record's path is '%s'\n", kernel.events[0].text);
    else
        return true;
    return false;
}

static void run_ask(struct vm_container *c, const struct verdict_ask *a, unsigned version,
                    const char *table)
{
    uint64_t before = kernel_side_count(&kernel, version, a->rule), after;
    int r;

    kernel_side_read_events(&kernel);
    r = ask(c, a);
    if (r == NOT_ASKED) {
        n_not_asked++;
        printf("  not asked: %s:%u\n", table, a->line);
        return;
    }
    after = kernel_side_count(&kernel, version, a->rule);
    if (is_as_expected(a, r, after - before)) {
        n_passed++;
        return;
    }
    n_failed++;
    printf("  FAILED %s:%u %s\n", table, a->line, a->text ? a->text : "");
}

static int run_profile(const struct verdict_profile *p, const char *table)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP(ruleset_free) struct ruleset *rules = NULL;
    struct vm_container c;
    int r, version;

    r = ruleset_build(&rules, p->profile, &e);
    if (r < 0) {
        printf("%s: %s\n", table, error_message(e));
        return r;
    }
    r = container_cgroup_make(&c, "tables");
    /* The program starts before its profile exists: the binding alone gives it a label. */
    if (r == 0)
        r = kernel_side_clear(&kernel, SLOT);
    if (r == 0)
        r = kernel_side_bind(&kernel, c.cgroup, SLOT, false);
    if (r == 0)
        r = container_start(&c, false);
    if (r < 0)
        return r;
    version = kernel_side_put(&kernel, SLOT, rules);
    for (size_t i = 0; version > 0 && i < p->n_asks; i++)
        run_ask(&c, &p->asks[i], (unsigned)version, table);
    container_stop(&c);
    return version < 0 ? version : 0;
}

static int run_table(const char *path)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP(verdict_table_free) struct verdict_table *t = NULL;
    int r = verdict_table_read(&t, path, &e);

    if (r < 0)
        printf("%s\n", error_message(e));
    for (size_t i = 0; r == 0 && i < t->n_profiles; i++)
        r = run_profile(&t->profiles[i], path);
    return r;
}

int main(int argc, char **argv)
{
    int r;

    setvbuf(stdout, NULL, _IOLBF, 0);
    r = kernel_side_load(&kernel);
    if (r == 0)
        r = kernel_side_attach(&kernel);
    if (r == 0)
        r = container_root_make("/inside");
    for (int i = 1; r == 0 && i < argc; i++)
        r = run_table(argv[i]);
    if (r < 0) {
        printf("%s\n", strerror(-r));
        n_failed++;
    }
    kernel_side_done(&kernel);
    printf("%u rows not asked\n%u passed, %u failed\n", n_not_asked, n_passed, n_failed);
    return n_failed != 0;
}
