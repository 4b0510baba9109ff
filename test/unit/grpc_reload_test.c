/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "test/unit/grpc_bed.h"

/* What a side was told of its files. */
struct reloads {
    unsigned n_taken, n_refused;
    char problem[256];
};

static void on_reloaded(const char *problem, void *data)
{
    struct reloads *reloads = data;

    if (problem) {
        reloads->n_refused++;
        snprintf(reloads->problem, sizeof(reloads->problem), "%s", problem);
    } else {
        reloads->n_taken++;
    }
}

/* A side whose files lie in a folder of its own, under names that stay. */
struct side {
    char folder[64];
    char ca[96], certificate[96], key[96];
    struct grpc_tls tls;
    struct reloads reloads;
};

/* Puts another file of the keys in the place of one of the side's, as a careful writer does: by rename. */
static void side_put(const struct side *s, const char *name, const char *from)
{
    char command[512];

    snprintf(command, sizeof(command), "cp '%s/%s' '%s/new' && mv '%s/new' '%s/%s'", bed_keys, from,
             s->folder, s->folder, s->folder, name);
    ck_assert_int_eq(system(command), 0);
}

static void side_write(const struct side *s, const char *name, const char *text)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", s->folder, name);
    f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void side_put_party(const struct side *s, const char *party)
{
    char name[32];

    snprintf(name, sizeof(name), "%s.key", party);
    side_put(s, "key", name);
    snprintf(name, sizeof(name), "%s.pem", party);
    side_put(s, "certificate", name);
}

static void side_new(struct side *s, struct bed *b, const char *name, const char *party)
{
    char command[128];

    *s = (struct side){0};
    snprintf(s->folder, sizeof(s->folder), "%s/%s", b->folder, name);
    snprintf(command, sizeof(command), "mkdir '%s'", s->folder);
    ck_assert_int_eq(system(command), 0);
    side_put(s, "ca", "ca.pem");
    side_put_party(s, party);
    snprintf(s->ca, sizeof(s->ca), "%s/ca", s->folder);
    snprintf(s->certificate, sizeof(s->certificate), "%s/certificate", s->folder);
    snprintf(s->key, sizeof(s->key), "%s/key", s->folder);
    s->tls = (struct grpc_tls){.ca_file = s->ca,
                               .certificate_file = s->certificate,
                               .key_file = s->key,
                               .reloaded = on_reloaded,
                               .data = &s->reloads};
}

/* A server and a client that read their keys from files. */
struct reload_bed {
    struct bed bed;
    struct side server, client;
};

static void reload_bed_connect(struct reload_bed *r)
{
    struct error *e = NULL;

    r->bed.channel = grpc_channel_free(r->bed.channel);
    ck_assert_msg(grpc_channel_new(&r->bed.channel, r->bed.loop, &r->bed.address, &r->client.tls,
                                   NULL, &e) == 0,
                  "%s", error_message(e));
}

static void reload_bed_new(struct reload_bed *r)
{
    bed_new(&r->bed, GRPC_TLS, NULL, NULL);
    side_new(&r->server, &r->bed, "server", "server");
    side_new(&r->client, &r->bed, "client", "node");
    ck_assert_int_eq(grpc_server_set_tls(r->bed.server, &r->server.tls, NULL), 0);
    reload_bed_connect(r);
}

/* One whole call; the channel connects anew if it has no connection. */
static struct probe call_once(struct reload_bed *r)
{
    struct probe p;

    probe_start(&p, &r->bed, "/test.Echo/Echo", 0);
    grpc_client_call_half_close(p.call);
    probe_wait(&p);
    return p;
}

START_TEST(a_new_pair_is_for_new_connections_and_open_streams_stay)
{
    struct grpc_channel *first;
    struct reload_bed r;
    struct probe stream, p;

    reload_bed_new(&r);
    probe_start(&stream, &r.bed, "/test.Echo/Echo", 0);
    stream.n_wanted = 1;
    probe_send(&stream, "before");
    ck_assert_int_eq(loop_run(r.bed.loop), 0);
    first = TAKE(r.bed.channel);

    side_put_party(&r.server,
                   "other-server"); /* of an authority that the client does not know yet */
    reload_bed_connect(&r);
    p = call_once(&r);
    ck_assert_int_eq(p.status, GRPC_UNAVAILABLE);
    side_put(&r.client, "ca", "other.pem");
    p = call_once(&r);
    ck_assert_msg(p.status == GRPC_OK, "%s", p.text);
    ck_assert_uint_eq(r.server.reloads.n_taken, 1);
    ck_assert_uint_eq(r.client.reloads.n_taken, 1);

    stream.n_wanted = 2;
    probe_send(&stream, "after");
    ck_assert_int_eq(loop_run(r.bed.loop), 0);
    ck_assert_str_eq(buf_text(&stream.received), "before|after|");
    buf_done(&stream.received);
    grpc_channel_free(first);
    bed_done(&r.bed);
}
END_TEST

/* Ends every connection; the next one finds a new server at the same address. */
static void restart_server(struct reload_bed *r)
{
    struct bed *b = &r->bed;

    b->server = grpc_server_free(b->server);
    bed_let_pass(b, 20 * NS_PER_MSEC); /* the channel notices */
    ck_assert_int_eq(grpc_server_new(&b->server, b->loop, NULL, NULL), 0);
    ck_assert_int_eq(
        grpc_server_add(b->server, echo_methods, ARRAY_SIZE(echo_methods), &b->echo, NULL), 0);
    ck_assert_int_eq(grpc_server_listen(b->server, &b->address, &r->server.tls, 0, NULL), 0);
}

START_TEST(a_clients_new_certificate_is_shown_at_the_next_connection)
{
    struct reload_bed r;
    struct probe p;

    reload_bed_new(&r);
    p = call_once(&r);
    ck_assert_int_eq(p.status, GRPC_OK);
    ck_assert_str_eq(r.bed.echo.common_name, "node-1");
    side_put_party(&r.client, "node2");
    p = call_once(&r); /* on the connection that there is */
    ck_assert_str_eq(r.bed.echo.common_name, "node-1");
    ck_assert_uint_eq(r.client.reloads.n_taken, 0);
    restart_server(&r);
    p = call_once(&r);
    ck_assert_msg(p.status == GRPC_OK, "%s", p.text);
    ck_assert_str_eq(r.bed.echo.common_name, "node-2");
    ck_assert_uint_eq(r.client.reloads.n_taken, 1);
    bed_done(&r.bed);
}
END_TEST

static const struct {
    const char *name, *text, *problem;
} broken_cases[] = {
    {"certificate", "", "certificate': certificate: no start line"},
    {"certificate", "-----BEGIN CERTIFICATE-----\nMIIB", "certificate': certificate: "},
    {"key", "nonsense", "key': private key: "},
    {"ca", "", "ca': authority: no start line"},
    {"key", NULL, "key': private key: key values mismatch"}, /* a pair that is half written */
};

START_TEST(a_broken_file_keeps_the_old_pair_and_is_told_once)
{
    struct reload_bed r;
    struct probe p;

    reload_bed_new(&r);
    if (broken_cases[_i].text)
        side_write(&r.server, broken_cases[_i].name, broken_cases[_i].text);
    else
        side_put(&r.server, "key", "other-server.key");
    for (unsigned i = 0; i < 3; i++) {
        reload_bed_connect(&r);
        p = call_once(&r);
        ck_assert_msg(p.status == GRPC_OK, "%s", p.text);
    }
    ck_assert_uint_eq(r.server.reloads.n_taken, 0);
    ck_assert_uint_eq(r.server.reloads.n_refused, 1);
    ck_assert_msg(strstr(r.server.reloads.problem, broken_cases[_i].problem) != NULL, "%s",
                  r.server.reloads.problem);

    side_put_party(&r.server, "server");
    side_put(&r.server, "ca", "ca.pem");
    reload_bed_connect(&r);
    p = call_once(&r);
    ck_assert_int_eq(p.status, GRPC_OK);
    ck_assert_uint_eq(r.server.reloads.n_taken, 1);
    bed_done(&r.bed);
}
END_TEST

static char *read_key_file(const char *name)
{
    char path[96];
    char *text = calloc(1, 65536);
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", bed_keys, name);
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_gt(fread(text, 1, 65535, f), 0);
    fclose(f);
    return text;
}

START_TEST(an_address_waits_for_a_certificate_that_comes_from_memory)
{
    CLEANUP_FREE char *certificate = read_key_file("server.pem"),
                      *key = read_key_file("server.key"), *ca = read_key_file("ca.pem");
    const struct grpc_tls awaited = {.ca_text = ca, .is_awaited = true};
    const struct grpc_tls wrong = {.ca_text = ca, .certificate_text = certificate, .key_text = ca};
    const struct grpc_tls come = {.ca_text = ca, .certificate_text = certificate, .key_text = key};
    CLEANUP(error_free) struct error *e = NULL;
    struct grpc_server_stats stats;
    struct reload_bed r;
    struct probe p;

    reload_bed_new(&r);
    ck_assert_int_eq(grpc_server_set_tls(r.bed.server, &awaited, NULL), 0);
    p = call_once(&r);
    ck_assert_int_eq(p.status, GRPC_UNAVAILABLE);
    grpc_server_stats(r.bed.server, &stats);
    ck_assert_uint_eq(stats.refused_connections, 1);

    ck_assert_int_eq(grpc_server_set_tls(r.bed.server, &wrong, &e), -EINVAL);
    ck_assert_str_eq(error_message(e), "private key: unsupported");
    ck_assert_int_eq(grpc_server_set_tls(r.bed.server, &come, NULL), 0);
    p = call_once(&r);
    ck_assert_msg(p.status == GRPC_OK, "%s", p.text);
    ck_assert_str_eq(r.bed.echo.common_name, "node-1");
    bed_done(&r.bed);
}
END_TEST

START_TEST(a_client_may_wait_for_its_files)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct grpc_channel *strict = NULL;
    struct reload_bed r;
    struct probe p;

    reload_bed_new(&r);
    ck_assert_int_eq(unlink(r.client.ca), 0);
    ck_assert_int_eq(grpc_channel_new(&strict, r.bed.loop, &r.bed.address, &r.client.tls, NULL, &e),
                     -EINVAL);
    r.client.tls.is_awaited = true;
    reload_bed_connect(&r);
    p = call_once(&r);
    ck_assert_int_eq(p.status, GRPC_UNAVAILABLE);
    ck_assert_msg(strstr(p.text, "/client/ca': authority: No such file") != NULL, "%s", p.text);
    side_write(&r.client, "ca", "not yet");
    p = call_once(&r);
    ck_assert_int_eq(p.status, GRPC_UNAVAILABLE);
    ck_assert_msg(strstr(p.text, "/client/ca': authority: no start line") != NULL, "%s", p.text);
    side_put(&r.client, "ca", "ca.pem");
    p = call_once(&r);
    ck_assert_msg(p.status == GRPC_OK, "%s", p.text);
    bed_done(&r.bed);
}
END_TEST

static const struct {
    bool is_client_free, has_certificate;
    const char *party;
    enum grpc_status status;
} client_cases[] = {
    {false, true, "node", GRPC_OK},
    {false, false, "node", GRPC_UNAVAILABLE},
    {true, true, "node", GRPC_OK},
    {true, false, "node", GRPC_OK},
    {true, true, "stranger", GRPC_UNAVAILABLE}, /* free to show none, not to show a wrong one */
};

START_TEST(a_client_may_come_without_a_certificate_where_the_server_says_so)
{
    bool has_certificate = client_cases[_i].has_certificate;
    struct reload_bed r;
    struct probe p;

    reload_bed_new(&r);
    r.server.tls.is_client_free = client_cases[_i].is_client_free;
    ck_assert_int_eq(grpc_server_set_tls(r.bed.server, &r.server.tls, NULL), 0);
    side_put_party(&r.client, client_cases[_i].party);
    if (!has_certificate)
        r.client.tls.certificate_file = r.client.tls.key_file = NULL;
    reload_bed_connect(&r);
    p = call_once(&r);
    ck_assert_msg(p.status == client_cases[_i].status, "%s: %s", grpc_status_name(p.status),
                  p.text);
    if (p.status == GRPC_OK)
        ck_assert_str_eq(r.bed.echo.common_name, has_certificate ? "node-1" : "");
    bed_done(&r.bed);
}
END_TEST

static void make_keys(void)
{
    static const char script[] =
        "cd '%s' && new='openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2' && {"
        " $new -subj /CN=other-server -CA other.pem -CAkey other.key -keyout other-server.key"
        "  -out other-server.pem -addext subjectAltName=IP:127.0.0.1 &&"
        " $new -subj /CN=node-2 -CA ca.pem -CAkey ca.key -keyout node2.key -out node2.pem;"
        " } 2>>openssl.log";
    char command[1024];

    bed_make_keys();
    snprintf(command, sizeof(command), script, bed_keys);
    ck_assert_int_eq(system(command), 0);
}

Suite *unit_suite(void)
{
    Suite *s = suite_create("grpc_reload");
    TCase *t = tcase_create("grpc_reload");

    tcase_add_unchecked_fixture(t, make_keys, bed_drop_keys);
    tcase_add_test(t, a_new_pair_is_for_new_connections_and_open_streams_stay);
    tcase_add_test(t, a_clients_new_certificate_is_shown_at_the_next_connection);
    tcase_add_loop_test(t, a_broken_file_keeps_the_old_pair_and_is_told_once, 0,
                        (int)ARRAY_SIZE(broken_cases));
    tcase_add_test(t, an_address_waits_for_a_certificate_that_comes_from_memory);
    tcase_add_test(t, a_client_may_wait_for_its_files);
    tcase_add_loop_test(t, a_client_may_come_without_a_certificate_where_the_server_says_so, 0,
                        (int)ARRAY_SIZE(client_cases));
    suite_add_tcase(s, t);
    return s;
}
