/* SPDX-License-Identifier: Apache-2.0 */
/* The webhook's server in a process of its own, asked by curl and by raw sockets. */
#include "test/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/loop.h"
#include "manager/admission_server.h"
#include "manager/certificate_pair.h"
#include "test/unit/admission_bed.h"

#define NAME        "varmor-webhook-svc"
#define CONNECTIONS 8

/* What both processes know. */
struct server {
    char folder[32];
    struct certificate_pair pairs[2]; /* the second comes with SIGUSR1 */
    struct admission_server_limits limits;
    bool without_certificate; /* at first */
    pid_t pid;
    uint16_t port;
};

/* ---- In the server's process ---- */

struct process {
    const struct server *known;
    struct loop *loop;
    struct profile_store *store;
    struct admission_server *server;
    bool ready;
};

static void on_facts(struct admission_facts *ret, void *data)
{
    const struct process *p = data;

    *ret = (struct admission_facts){
        .store = p->store, .install_namespace = "varmor", .settings = {.apparmor_fields = true}};
}

static bool on_is_ready(void *data)
{
    const struct process *p = data;

    return p->ready;
}

static const struct admission_server_handler handler = {.facts = on_facts, .is_ready = on_is_ready};

static void on_user_signal(int signal_number UNUSED, void *data)
{
    struct process *p = data;
    const struct certificate_pair *pair = &p->known->pairs[1];

    p->ready = true;
    ck_assert_int_eq(
        admission_server_set_certificate(p->server, pair->certificate, pair->key, NULL), 0);
    ck_assert_int_eq(admission_server_set_certificate(p->server, "x", pair->key, NULL), -EINVAL);
    ck_assert_int_eq(admission_server_set_certificate(p->server, p->known->pairs[0].certificate,
                                                      pair->key, NULL),
                     -EINVAL);
}

static void on_stop(int signal_number UNUSED, void *data)
{
    struct process *p = data;

    loop_stop(p->loop);
}

static void serve(const struct server *known, int port_fd)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct process p = {.known = known, .store = admission_store_new()};
    struct loop_signal *user = NULL, *stop = NULL;
    uint16_t port;

    ck_assert_int_eq(loop_new(&p.loop, NULL), 0);
    ck_assert_msg(admission_server_new(&p.server, p.loop, "127.0.0.1:0", &known->limits, &handler,
                                       &p, &e) == 0,
                  "%s", error_message(e));
    if (!known->without_certificate)
        ck_assert_int_eq(admission_server_set_certificate(p.server, known->pairs[0].certificate,
                                                          known->pairs[0].key, NULL),
                         0);
    ck_assert_int_eq(loop_signal_new(p.loop, &user, SIGUSR1, on_user_signal, &p), 0);
    ck_assert_int_eq(loop_signal_new(p.loop, &stop, SIGTERM, on_stop, &p), 0);
    port = admission_server_port(p.server);
    ck_assert_int_eq((int)write(port_fd, &port, sizeof(port)), (int)sizeof(port));
    close(port_fd);
    loop_run(p.loop);
    loop_signal_free(user);
    loop_signal_free(stop);
    admission_server_free(p.server);
    loop_free(p.loop);
    profile_store_free(p.store);
}

/* ---- In the test's process ---- */

static void write_file(const struct server *s, const char *name, const char *text)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", s->folder, name);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void server_start(struct server *s)
{
    static const char *const items[] = {NAME, "127.0.0.1"};
    const struct certificate_names names = {items, 2};
    int fds[2];

    snprintf(s->folder, sizeof(s->folder), "/tmp/admission-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->folder));
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(certificate_pair_make(&s->pairs[i], &names, time(NULL), NULL), 0);
    write_file(s, "ca0", s->pairs[0].authority);
    write_file(s, "ca1", s->pairs[1].authority);
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    s->pid = fork();
    if (s->pid == 0) {
        close(fds[0]);
        serve(s, fds[1]);
        certificate_pair_done(&s->pairs[0]);
        certificate_pair_done(&s->pairs[1]);
        exit(0);
    }
    close(fds[1]);
    ck_assert_int_eq((int)read(fds[0], &s->port, sizeof(s->port)), (int)sizeof(s->port));
    close(fds[0]);
}

/* It must have ended well: without a leak, and without a failed assertion. */
static void server_stop(struct server *s)
{
    char command[64];
    int status;

    kill(s->pid, SIGTERM);
    ck_assert_int_eq(waitpid(s->pid, &status, 0), s->pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with %d", status);
    certificate_pair_done(&s->pairs[0]);
    certificate_pair_done(&s->pairs[1]);
    snprintf(command, sizeof(command), "rm -r %s", s->folder);
    ck_assert_int_eq(system(command), 0);
}

/* The status that curl gets with further arguments; 0: no answer. */
static int ask(const struct server *s, const char *authority, const char *arguments,
               const char *path)
{
    char command[512];
    int status = 0;
    FILE *pipe;

    snprintf(command, sizeof(command),
             "curl -s --max-time 5 -o /dev/null -w '%%{http_code}' --cacert %s/%s "
             "--resolve " NAME ":%u:127.0.0.1 %s https://" NAME ":%u%s",
             s->folder, authority, s->port, arguments, s->port, path);
    pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    ck_assert_int_eq(fscanf(pipe, "%d", &status), 1);
    pclose(pipe);
    return status;
}

static int connect_raw(const struct server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(s->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* True if the peer has closed within two seconds. */
static bool is_closed(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char bytes[64];

    while (poll(&p, 1, 2000) == 1)
        if (read(fd, bytes, sizeof(bytes)) <= 0)
            return true;
    return false;
}

#define JSON   "-H 'Content-Type: application/json' "
#define REVIEW "-d '{\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\"}}'"

static const struct {
    const char *arguments, *path;
    int status;
} requests[] = {
    {JSON REVIEW, "/mutate", 200},
    {JSON REVIEW, "/mutate?timeout=10s", 200},
    {JSON REVIEW, "/validate?timeout=10s", 200},
    {JSON REVIEW, "/convert", 404},
    {JSON REVIEW, "/mutate/", 404},
    {JSON REVIEW, "/health/liveness", 404},
    {JSON "-d ''", "/mutate", 400},
    {JSON "-d '{'", "/mutate", 417},
    {JSON "-d '{}'", "/validate", 417},
    {REVIEW, "/mutate", 415},
    {"-H 'Content-Type: application/json; charset=utf-8' " REVIEW, "/mutate", 415},
    {"-H 'Content-Type:' " REVIEW, "/mutate", 415},
    {"", "/health/liveness", 200},
    {"", "/health/readiness", 503},
    {"", "/mutate", 404},
    {"-X PUT", "/mutate", 501},
    {"--http2 " JSON REVIEW, "/mutate", 200}, /* goes on with 1.1 */
    {"--tls-max 1.2", "/health/liveness", 0},
    {"-H \"X: $(head -c 17000 /dev/zero | tr '\\0' x)\"", "/health/liveness", 400},
};

START_TEST(each_request_gets_its_status)
{
    struct server s = {0};

    server_start(&s);
    ck_assert_int_eq(ask(&s, "ca0", requests[_i].arguments, requests[_i].path),
                     requests[_i].status);
    ck_assert_int_eq(ask(&s, "ca0", "", "/health/liveness"), 200); /* none the worse */
    server_stop(&s);
}
END_TEST

START_TEST(a_body_that_is_too_large_is_not_read)
{
    struct server s = {0};
    char command[128];
    int status;

    server_start(&s);
    snprintf(command, sizeof(command), "head -c %u /dev/zero > %s/body", ADMISSION_MAX_BYTES + 1,
             s.folder);
    ck_assert_int_eq(system(command), 0);
    snprintf(command, sizeof(command), JSON "-H 'Expect:' --data-binary @%s/body", s.folder);
    status = ask(&s, "ca0", command, "/mutate");
    ck_assert(status == 413 ||
              status == 0); /* a client that is still sending may miss the answer */
    ck_assert_int_eq(ask(&s, "ca0", "", "/health/liveness"), 200);
    server_stop(&s);
}
END_TEST

START_TEST(a_new_certificate_is_for_the_connections_to_come)
{
    struct server s = {.without_certificate = _i};

    server_start(&s);
    if (s.without_certificate)
        ck_assert_int_eq(ask(&s, "ca0", "--max-time 0.3", "/health/liveness"), 0);
    else
        ck_assert_int_eq(ask(&s, "ca0", "", "/health/liveness"), 200);
    ck_assert_int_eq(ask(&s, "ca1", "--max-time 0.3", "/health/liveness"), 0);
    kill(s.pid, SIGUSR1);
    for (int i = 0; i < 50 && ask(&s, "ca1", "", "/health/readiness") != 200; i++)
        ;
    ck_assert_int_eq(ask(&s, "ca1", "", "/health/readiness"), 200);
    ck_assert_int_eq(ask(&s, "ca0", "", "/health/liveness"), 0);
    server_stop(&s);
}
END_TEST

START_TEST(without_tls_there_is_no_answer)
{
    static const char request[] = "GET /health/liveness HTTP/1.0\r\n\r\n";
    struct server s = {0};
    char bytes[64];
    ssize_t n;
    int fd;

    server_start(&s);
    fd = connect_raw(&s);
    ck_assert_int_eq((int)write(fd, request, sizeof(request) - 1), (int)sizeof(request) - 1);
    n = read(fd, bytes, sizeof(bytes)); /* an alert of TLS, or the end */
    ck_assert(n <= 0 || bytes[0] != 'H');
    close(fd);
    server_stop(&s);
}
END_TEST

START_TEST(silent_connections_make_room_for_others)
{
    struct server s = {.limits = {.connections = CONNECTIONS}};
    int fds[4 * CONNECTIONS];
    size_t n_closed = 0;

    server_start(&s);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        fds[i] = connect_raw(&s);
    ck_assert_int_eq(ask(&s, "ca0", "", "/health/liveness"), 200);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        struct pollfd p = {.fd = fds[i], .events = POLLIN};

        n_closed += poll(&p, 1, 0) == 1;
        close(fds[i]);
    }
    ck_assert_uint_ge(n_closed, ARRAY_SIZE(fds) - CONNECTIONS);
    server_stop(&s);
}
END_TEST

/* A TLS client that asks once, gets its answer and stays until the server ends it. */
static FILE *stay(const struct server *s, size_t i)
{
    char command[256], path[64];
    struct stat answer = {0};
    FILE *client;

    snprintf(path, sizeof(path), "%s/answer%zu", s->folder, i);
    snprintf(command, sizeof(command),
             "openssl s_client -quiet -connect 127.0.0.1:%u >%s 2>/dev/null", s->port, path);
    client = popen(command, "w");
    ck_assert_ptr_nonnull(client);
    fputs("GET /health/liveness HTTP/1.1\r\nHost: x\r\n\r\n", client);
    fflush(client);
    for (int tries = 0; tries < 500 && (stat(path, &answer) < 0 || answer.st_size == 0); tries++)
        poll(NULL, 0, 10);
    ck_assert_int_gt(answer.st_size, 0);
    return client;
}

START_TEST(connections_that_were_answered_do_not_keep_others_out)
{
    struct server s = {.limits = {.connections = CONNECTIONS}};
    FILE *clients[CONNECTIONS];

    server_start(&s);
    for (size_t i = 0; i < CONNECTIONS; i++)
        clients[i] = stay(&s, i);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(ask(&s, "ca0", "", "/health/liveness"), 200);
    server_stop(&s); /* ends the clients */
    for (size_t i = 0; i < CONNECTIONS; i++)
        pclose(clients[i]);
}
END_TEST

START_TEST(connections_that_are_open_at_the_end_are_freed)
{
    struct server s = {0};
    int fd;

    server_start(&s);
    fd = connect_raw(&s);
    ck_assert_int_eq(ask(&s, "ca0", "", "/health/liveness"), 200); /* so it has been accepted */
    server_stop(&s);
    close(fd);
}
END_TEST

START_TEST(a_connection_that_asks_nothing_is_closed_in_time)
{
    struct server s = {.limits = {.first_ns = 200 * NS_PER_MSEC}};
    int fd;

    server_start(&s);
    fd = connect_raw(&s);
    ck_assert(is_closed(fd));
    close(fd);
    ck_assert_int_eq(ask(&s, "ca0", "", "/health/liveness"), 200);
    server_stop(&s);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("admission_server");
    TCase *t = tcase_create("admission_server");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, each_request_gets_its_status, 0, ARRAY_SIZE(requests));
    tcase_add_test(t, a_body_that_is_too_large_is_not_read);
    tcase_add_loop_test(t, a_new_certificate_is_for_the_connections_to_come, 0, 2);
    tcase_add_test(t, without_tls_there_is_no_answer);
    tcase_add_test(t, silent_connections_make_room_for_others);
    tcase_add_test(t, connections_that_were_answered_do_not_keep_others_out);
    tcase_add_test(t, connections_that_are_open_at_the_end_are_freed);
    tcase_add_test(t, a_connection_that_asks_nothing_is_closed_in_time);
    suite_add_tcase(s, t);
    return s;
}
