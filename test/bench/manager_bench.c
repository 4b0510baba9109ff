/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manager_bench MANAGER: the real varmor-manager with simulated agents, which are real gRPC clients
 * of this one process over its Unix socket; each has a connection of its own and confirms whatever
 * it gets at once.
 *
 * Prints for 1 and for 1,000 agents, with 100 policies: how long until every agent had everything,
 * how long from rename() of a policy file until the last agent had sent its confirmation (p50, p99,
 * max), and the manager's resident memory. Where a row is beyond its goal the row says so; the exit
 * status is 1 then.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/loop.h"
#include "lib/rpc/grpc_client.h"
#include "proto/messages.h"

#define MAX_AGENTS   1000
#define MAX_POLICIES 100
#define STEP_NS      (120 * NS_PER_SEC) /* nothing may take longer */

struct agent {
    struct bench *bench;
    struct grpc_channel *channel;
    struct grpc_client_call *call; /* NULL: closed */
    unsigned n_confirmed;          /* profiles, since the last mark */
    bool in_sync;
};

struct bench {
    struct loop *loop;
    struct loop_timer *deadline;
    char folder[64];
    pid_t manager;
    struct agent agents[MAX_AGENTS];
    unsigned n_agents, n_done; /* agents that have confirmed what is waited for */
    unsigned n_wanted;         /* confirmations of each */
    unsigned n_closed;
    /* The last message that was decoded: all agents get the same bytes. */
    struct buf last;
    struct digest last_digest;
    char last_name[PROFILE_NAME_MAX + 1];
};

struct row {
    unsigned n_agents, n_policies, n_changes;
    double sync_ms, p50_ms, p99_ms, max_ms;
    long idle_kib, full_kib; /* resident memory of the manager: agents only, policies too */
};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "manager_bench: %s: %s\n", what, why);
    exit(1);
}

static void check(int r, const char *what)
{
    if (r < 0)
        die(what, strerror(-r));
}

/* ---- Policies ---- */

/* Writes a policy whose content depends on the round, and renames it into place. Returns when that
 * was. */
static uint64_t write_policy(const struct bench *b, unsigned number, unsigned round)
{
    char hidden[128], path[128];
    uint64_t started;
    FILE *f;

    snprintf(hidden, sizeof(hidden), "%s/policies/.new", b->folder);
    snprintf(path, sizeof(path), "%s/policies/p%u.yaml", b->folder, number);
    f = fopen(hidden, "w");
    if (!f)
        die(hidden, strerror(errno));
    fprintf(f,
            "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
            "metadata: {name: p%u, namespace: bench}\nspec:\n"
            "  target: {kind: Deployment, selector: {matchLabels: {app: a%u}}}\n"
            "  policy:\n    enforcer: BPF\n    mode: EnhanceProtect\n    enhanceProtect:\n"
            "      hardeningRules: [disable-cap-privileged]\n      bpfRawRules:\n        files:\n",
            number, number);
    for (unsigned i = 0; i < 20; i++)
        fprintf(f, "        - {pattern: /srv/%u/%u/**, permissions: [write]}\n", round, i);
    if (fclose(f) == EOF)
        die(hidden, strerror(errno));
    started = now_ns();
    if (rename(hidden, path) < 0)
        die(path, strerror(errno));
    return started;
}

/* ---- Agents ---- */

static void send_message(struct agent *a, const struct agent_message *m)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT(1 << 20);

    check(agent_message_encode(m, &bytes), "encode");
    check(grpc_client_call_send(a->call, bytes.data, bytes.len), "send");
}

static void say_hello(struct agent *a, unsigned number)
{
    const struct msg_enforcer_state bpf = {.enforcer = ENFORCER_BPF, .usable = true, .reason = ""};
    static const struct msg_fact facts[] = {
        {"lsm", "lockdown,capability,yama,apparmor,bpf"}, {"task_storage", "yes"}, {"btf", "yes"}};
    char node[32];

    snprintf(node, sizeof(node), "node-%04u", number);
    send_message(a, &(struct agent_message){.kind = AGENT_HELLO,
                                            .hello = {.protocol = MESSAGE_PROTOCOL,
                                                      .node = node,
                                                      .agent_version = VARMOR_VERSION,
                                                      .kernel = "6.1.0-18-cloud-amd64",
                                                      .architecture = "x86_64",
                                                      .runtime = "containerd 1.7.24",
                                                      .facts = facts,
                                                      .n_facts = ARRAY_SIZE(facts),
                                                      .enforcers = &bpf,
                                                      .n_enforcers = 1}});
}

static void confirm(struct agent *a)
{
    struct bench *b = a->bench;
    const struct msg_enforcer_result bpf = {.enforcer = ENFORCER_BPF,
                                            .applied = true,
                                            .reason = "",
                                            .image_digest = b->last_digest,
                                            .since_ns = 1};

    send_message(a, &(struct agent_message){.kind = AGENT_RESULT,
                                            .result = {.name = b->last_name,
                                                       .digest = b->last_digest,
                                                       .enforcers = &bpf,
                                                       .n_enforcers = 1}});
    if (++a->n_confirmed == b->n_wanted && ++b->n_done == b->n_agents)
        loop_stop(b->loop);
}

static void on_message(struct grpc_client_call *call UNUSED, const uint8_t *data, size_t len,
                       void *data_arg)
{
    struct agent *a = data_arg;
    struct bench *b = a->bench;
    struct manager_message m;

    if (b->last.len == len && memcmp(b->last.data, data, len) == 0) {
        confirm(a);
        return;
    }
    check(manager_message_decode(&m, data, len, NULL), "decode");
    if (m.kind == MANAGER_PROFILE) {
        buf_clear(&b->last);
        check(buf_add(&b->last, data, len), "copy");
        b->last_digest = m.profile->digest;
        snprintf(b->last_name, sizeof(b->last_name), "%s", m.profile->name);
        confirm(a);
    } else if (m.kind == MANAGER_IN_SYNC && b->n_wanted == 0) {
        a->in_sync = true;
        if (++b->n_done == b->n_agents)
            loop_stop(b->loop);
    }
    manager_message_done(&m);
}

static void on_closed(struct grpc_client_call *call UNUSED, enum grpc_status status,
                      const char *text, void *data_arg)
{
    struct agent *a = data_arg;

    a->call = NULL;
    if (status != GRPC_CANCELLED)
        die(grpc_status_name(status), text);
}

static const struct grpc_client_handler agent_handler = {.message = on_message,
                                                         .closed = on_closed};

static void start_agents(struct bench *b)
{
    struct grpc_address address = {0};
    char text[128];

    snprintf(text, sizeof(text), "unix:%s/m.sock", b->folder);
    check(grpc_address_parse(&address, text, NULL), text);
    for (unsigned i = 0; i < b->n_agents; i++) {
        struct agent *a = &b->agents[i];

        a->bench = b;
        check(grpc_channel_new(&a->channel, b->loop, &address, NULL, NULL, NULL), "channel");
        check(grpc_channel_call(a->channel, &a->call, "/varmor.v1.AgentService/Sync", NULL, 0, 0,
                                &agent_handler, a),
              "call");
        say_hello(a, i);
    }
    grpc_address_done(&address);
}

/* ---- Waiting ---- */

static void on_deadline(void *data)
{
    const struct bench *b = data;
    char text[64];

    snprintf(text, sizeof(text), "%u of %u agents", b->n_done, b->n_agents);
    kill(b->manager, SIGKILL);
    die("waited in vain", text);
}

/* Begins to count anew: each agent is to confirm n profiles (0: to be in sync). */
static void want(struct bench *b, unsigned n)
{
    b->n_wanted = n;
    b->n_done = 0;
    for (unsigned i = 0; i < b->n_agents; i++)
        b->agents[i].n_confirmed = 0;
}

static void run(struct bench *b)
{
    loop_timer_set(b->deadline, STEP_NS);
    while (b->n_done < b->n_agents)
        check(loop_run(b->loop), "loop");
    loop_timer_unset(b->deadline);
}

/* ---- The manager ---- */

static bool is_listening(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof(address.sun_path))
        die(path, "too long for a socket");
    memcpy(address.sun_path, path, strlen(path) + 1);
    return fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

/* Starts it and waits until it listens. */
static void start_manager(struct bench *b, const char *program)
{
    char policies[128], listen[128], path[128];

    snprintf(b->folder, sizeof(b->folder), "/tmp/varmor-bench-XXXXXX");
    if (!mkdtemp(b->folder))
        die("mkdtemp", strerror(errno));
    snprintf(path, sizeof(path), "%s/policies", b->folder);
    check(mkdir(path, 0700) < 0 ? -errno : 0, path);
    snprintf(policies, sizeof(policies), "--policies=%s/policies", b->folder);
    snprintf(listen, sizeof(listen), "--listen=unix:%s/m.sock", b->folder);
    snprintf(path, sizeof(path), "%s/m.sock", b->folder);
    b->manager = fork();
    if (b->manager == 0) {
        execl(program, program, policies, listen, "--log-level=error", (char *)NULL);
        _exit(127);
    }
    for (uint64_t end = now_ns() + STEP_NS; !is_listening(path);) {
        if (now_ns() > end || waitpid(b->manager, NULL, WNOHANG) != 0)
            die(program, "did not start");
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static long resident_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = -1;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

static void stop(struct bench *b)
{
    char command[128];
    int status;

    for (unsigned i = 0; i < b->n_agents; i++)
        b->agents[i].channel = grpc_channel_free(b->agents[i].channel);
    loop_timer_free(b->deadline);
    loop_free(b->loop);
    buf_done(&b->last);
    kill(b->manager, SIGTERM);
    if (waitpid(b->manager, &status, 0) < 0 || status != 0)
        die("the manager", "did not end well");
    snprintf(command, sizeof(command), "rm -rf '%s'", b->folder);
    if (system(command) != 0)
        die(command, "failed");
}

/* ---- One row ---- */

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void measure_changes(struct bench *b, struct row *row)
{
    uint64_t *spent = calloc(row->n_changes, sizeof(*spent));

    if (!spent)
        die("memory", "none");
    for (unsigned i = 0; i < row->n_changes; i++) {
        uint64_t started;

        want(b, 1);
        started = write_policy(b, i % row->n_policies, i + 1);
        run(b);
        spent[i] = now_ns() - started;
    }
    qsort(spent, row->n_changes, sizeof(*spent), by_size);
    row->p50_ms = (double)spent[row->n_changes / 2] / 1e6;
    row->p99_ms = (double)spent[row->n_changes * 99 / 100] / 1e6;
    row->max_ms = (double)spent[row->n_changes - 1] / 1e6;
    free(spent);
}

static void measure(const char *program, struct row *row)
{
    static struct bench b;
    uint64_t started;

    b = (struct bench){.n_agents = row->n_agents, .last = BUF_INIT(1 << 20)};
    check(loop_new(&b.loop, NULL), "loop");
    check(loop_timer_new(b.loop, &b.deadline, on_deadline, &b), "timer");
    start_manager(&b, program);
    want(&b, 0);
    start_agents(&b);
    run(&b);
    row->idle_kib = resident_kib(b.manager);

    want(&b, row->n_policies);
    started = now_ns();
    for (unsigned i = 0; i < row->n_policies; i++)
        write_policy(&b, i, 0);
    run(&b);
    row->sync_ms = (double)(now_ns() - started) / 1e6;
    measure_changes(&b, row);
    row->full_kib = resident_kib(b.manager);
    stop(&b);
}

int main(int argc, char **argv)
{
    struct row rows[] = {
        {.n_agents = 1, .n_policies = 1, .n_changes = 200},
        {.n_agents = 1, .n_policies = MAX_POLICIES, .n_changes = 200},
        {.n_agents = MAX_AGENTS, .n_policies = MAX_POLICIES, .n_changes = 50},
    };
    static const struct {
        double p99_ms;
        long kib;
    } goals[ARRAY_SIZE(rows)] = {{50, 16 << 10}, {50, 16 << 10}, {0, 64 << 10}};
    struct rlimit files = {.rlim_cur = 8192, .rlim_max = 8192};
    bool missed = false;

    if (argc != 2) {
        fprintf(stderr, "usage: manager_bench MANAGER\n");
        return 2;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    printf("agents policies  all_synced   rename() to the last confirmation  manager_MiB\n"
           "                         ms     p50 ms     p99 ms     max ms      idle  full\n");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        bool late, fat;

        measure(argv[1], &rows[i]);
        late = goals[i].p99_ms > 0 && rows[i].p99_ms > goals[i].p99_ms;
        fat = rows[i].full_kib > goals[i].kib;
        missed |= late || fat;
        printf("%6u %8u %11.1f %10.2f %10.2f %10.2f %9.1f %5.1f%s%s\n", rows[i].n_agents,
               rows[i].n_policies, rows[i].sync_ms, rows[i].p50_ms, rows[i].p99_ms, rows[i].max_ms,
               (double)rows[i].idle_kib / 1024, (double)rows[i].full_kib / 1024,
               late ? "  p99 beyond its goal" : "", fat ? "  memory beyond its goal" : "");
        fflush(stdout);
    }
    return missed;
}
