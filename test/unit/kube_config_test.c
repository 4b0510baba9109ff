/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/kube/kube_config.h"

static char folder[PATH_MAX];

static void make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/varmor-kube-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[PATH_MAX + 16];

    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *write_file(const char *name, const char *text)
{
    static char path[PATH_MAX + 32];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

static const char complete[] = "apiVersion: v1\n"
                               "kind: Config\n"
                               "clusters:\n"
                               "  - name: far\n"
                               "    cluster: {server: 'https://far.test'}\n"
                               "  - name: near\n"
                               "    cluster:\n"
                               "      server: https://10.0.0.1:6443/\n"
                               "      certificate-authority: pki/ca.pem\n"
                               "      tls-server-name: kubernetes\n"
                               "      proxy-url: http://proxy:3128\n"
                               "      insecure-skip-tls-verify: false\n"
                               "users:\n"
                               "  - name: robot\n"
                               "    user: {token: abc, tokenFile: /run/token}\n"
                               "  - name: admin\n"
                               "    user:\n"
                               "      client-certificate-data: aGVs\n"
                               "        bG8=\n"
                               "      client-certificate: ignored.pem\n"
                               "      client-key: /keys/admin.key\n"
                               "      exec: null\n"
                               "contexts:\n"
                               "  - name: a\n"
                               "    context: {cluster: near, user: admin, namespace: shop}\n"
                               "  - name: b\n"
                               "    context: {cluster: far, user: robot}\n"
                               "  - name: c\n"
                               "    context: {cluster: far}\n"
                               "current-context: a\n"
                               "preferences: {}\n";

START_TEST(the_current_context_names_cluster_user_and_namespace)
{
    struct kube_config c = {0};
    char authority[PATH_MAX + 32];

    ck_assert_int_eq(kube_config_load(&c, write_file("config", complete), NULL, NULL), 0);
    ck_assert_str_eq(c.server, "https://10.0.0.1:6443");
    ck_assert_str_eq(c.tls_server_name, "kubernetes");
    ck_assert_str_eq(c.proxy, "http://proxy:3128");
    ck_assert_str_eq(c.name_space, "shop");
    /* Relative to the kubeconfig. */
    snprintf(authority, sizeof(authority), "%s/pki/ca.pem", folder);
    ck_assert_str_eq(c.authority.file, authority);
    /* What stands in the file itself goes before a file. */
    ck_assert_str_eq(c.certificate.data, "hello");
    ck_assert_ptr_null(c.certificate.file);
    ck_assert_str_eq(c.key.file, "/keys/admin.key");
    ck_assert(!c.insecure && !c.token.file && !c.token.data);
    kube_config_done(&c);
}
END_TEST

START_TEST(another_context_can_be_asked_for)
{
    struct kube_config c = {0};
    const char *path = write_file("config", complete);

    ck_assert_int_eq(kube_config_load(&c, path, "b", NULL), 0);
    ck_assert_str_eq(c.server, "https://far.test");
    ck_assert_str_eq(c.token.data, "abc");
    ck_assert_str_eq(c.token.file, "/run/token");
    ck_assert_str_eq(c.name_space, "default");
    kube_config_done(&c);
    /* Without a user: whatever the server lets everybody do. */
    ck_assert_int_eq(kube_config_load(&c, path, "c", NULL), 0);
    ck_assert(!c.token.data && !c.certificate.file);
    kube_config_done(&c);
}
END_TEST

START_TEST(a_relative_name_of_the_kubeconfig_is_taken_from_the_working_folder)
{
    struct kube_config c = {0};
    char authority[PATH_MAX + 32];

    write_file("config", complete);
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(kube_config_load(&c, "config", NULL, NULL), 0);
    snprintf(authority, sizeof(authority), "%s/pki/ca.pem", folder);
    ck_assert_str_eq(c.authority.file, authority);
    kube_config_done(&c);
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

#define CONTEXT "contexts: [{name: x, context: {cluster: x, user: x}}]\ncurrent-context: x\n"
#define CLUSTER "clusters: [{name: x, cluster: {server: 'https://h'}}]\n"

static const struct {
    const char *text, *context, *message; /* behind the name of the file */
} refused[] = {
    {"clusters: []\n", NULL,
     " (line 1, column 1): there is no current-context, and no context was asked for"},
    {CLUSTER CONTEXT, "y", " (line 2, column 11): contexts has no entry named 'y'"},
    {CONTEXT, NULL, " (line 1, column 1): clusters has no entry named 'x'"},
    {CLUSTER CONTEXT, NULL, " (line 1, column 1): users has no entry named 'x'"},
    {CONTEXT "clusters: [{name: x}]\n", NULL,
     " (line 3, column 12): the entry 'x' of clusters has no cluster"},
    {CONTEXT "clusters: [{name: x, cluster: {}}]\n", NULL,
     " (line 3, column 31): the cluster 'x' has no server"},
    {CONTEXT "clusters: [{name: x, cluster: {server: [1]}}]\n", NULL,
     " (line 3, column 40): server: a list where a text is expected"},
    {CONTEXT "clusters: [{name: x, cluster: {server: 'ftp://h'}}]\n", NULL,
     " (line 3, column 40): server: 'ftp://h' is not http:// or https:// with a host"},
    {CONTEXT "clusters: [{name: x, cluster: {server: 'https:///x'}}]\n", NULL,
     " (line 3, column 40): server: 'https:///x' is not http:// or https:// with a host"},
    {CONTEXT "clusters: [{name: x, cluster: {server: 'https://u:p@h'}}]\n", NULL,
     " (line 3, column 40): server: 'https://u:p@h' is not http:// or https:// with a host"},
    {CONTEXT
     "clusters: [{name: x, cluster: {server: 'https://h', insecure-skip-tls-verify: yes}}]\n",
     NULL,
     " (line 3, column 79): insecure-skip-tls-verify: the text 'yes' where true or false is expected"},
    {CONTEXT
     "clusters: [{name: x, cluster: {server: 'https://h', certificate-authority-data: '!!!'}}]\n",
     NULL, " (line 3, column 81): certificate-authority-data is not base64"},
    {CONTEXT
     "clusters: [{name: x, cluster: {server: 'https://h', certificate-authority-data: AAAA}}]\n",
     NULL, " (line 3, column 81): certificate-authority-data holds a NUL byte: it is no PEM text"},
    {CLUSTER CONTEXT "users:\n- name: x\n  user:\n    exec: {command: aws}\n", NULL,
     " (line 7, column 5): exec: exec plugins are not run: give a token, a tokenFile or a client certificate"},
    {CLUSTER CONTEXT "users:\n- name: x\n  user: {auth-provider: {name: gcp}}\n", NULL,
     " (line 6, column 10): auth-provider: auth providers are not run: give a token, a tokenFile or a client certificate"},
    {CLUSTER CONTEXT "users:\n- name: x\n  user: {username: u, password: p}\n", NULL,
     " (line 6, column 10): username: API servers no longer take passwords: give a token or a client certificate"},
    {"contexts: [{name: x, context: {user: x}}]\ncurrent-context: x\n", NULL,
     " (line 1, column 31): the context 'x' names no cluster"},
    {"a: &x 1\nb: *x\n", NULL, NULL}, /* whatever the reader of YAML says */
    {"[1, 2]\n", NULL, ": it is not one object"},
    {"", NULL, ": it is not one object"},
    {"a: [\n", NULL, NULL},
};

START_TEST(what_cannot_be_used_is_refused_with_its_position)
{
    struct kube_config c = {0};
    CLEANUP(error_free) struct error *error = NULL;
    const char *path = write_file("config", refused[_i].text);
    char message[PATH_MAX + 512];

    ck_assert_int_eq(kube_config_load(&c, path, refused[_i].context, &error), -EINVAL);
    snprintf(message, sizeof(message), "kubeconfig '%s'%s", path,
             refused[_i].message ? refused[_i].message : " (line ");
    if (refused[_i].message)
        ck_assert_str_eq(error_message(error), message);
    else
        ck_assert_int_eq(strncmp(error_message(error), message, strlen(message)), 0);
    kube_config_done(&c);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_said_so)
{
    struct kube_config c = {0};
    CLEANUP(error_free) struct error *error = NULL;

    ck_assert_int_eq(kube_config_load(&c, "/nowhere/config", NULL, &error), -ENOENT);
    ck_assert_str_eq(error_message(error),
                     "kubeconfig '/nowhere/config': No such file or directory");
    kube_config_done(&c);
}
END_TEST

START_TEST(a_kubeconfig_has_a_ceiling)
{
    struct kube_config c = {0};
    CLEANUP_FREE char *text = malloc(KUBE_CONFIG_MAX_BYTES + 2);

    memset(text, '#', KUBE_CONFIG_MAX_BYTES + 1);
    memcpy(text, complete, sizeof(complete) - 1);
    text[KUBE_CONFIG_MAX_BYTES] = '\0';
    ck_assert_int_eq(kube_config_load(&c, write_file("config", text), NULL, NULL), 0);
    kube_config_done(&c);
    text[KUBE_CONFIG_MAX_BYTES] = '#';
    text[KUBE_CONFIG_MAX_BYTES + 1] = '\0';
    ck_assert_int_eq(kube_config_load(&c, write_file("config", text), NULL, NULL), -EINVAL);
    kube_config_done(&c);
}
END_TEST

static const struct {
    const char *host, *port, *server;
} pods[] = {
    {"10.96.0.1", "443", "https://10.96.0.1:443"},
    {"fd00::1", "6443", "https://[fd00::1]:6443"},
};

START_TEST(a_pod_is_told_by_its_environment_and_its_service_account)
{
    struct kube_config c = {0};
    char path[PATH_MAX + 32];

    write_file("token", "t");
    write_file("namespace", "varmor\n");
    ck_assert_int_eq(kube_config_in_cluster(&c, pods[_i].host, pods[_i].port, folder, NULL), 0);
    ck_assert_str_eq(c.server, pods[_i].server);
    ck_assert_str_eq(c.name_space, "varmor");
    snprintf(path, sizeof(path), "%s/token", folder);
    ck_assert_str_eq(c.token.file, path);
    snprintf(path, sizeof(path), "%s/ca.crt", folder);
    ck_assert_str_eq(c.authority.file, path);
    ck_assert(!c.insecure);
    kube_config_done(&c);
}
END_TEST

START_TEST(what_is_no_pod_is_said_so)
{
    struct kube_config c = {0};
    CLEANUP(error_free) struct error *error = NULL;

    ck_assert_int_eq(kube_config_in_cluster(&c, NULL, "443", folder, &error), -ENOENT);
    ck_assert_str_eq(
        error_message(error),
        "this is not a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; name a kubeconfig");
    kube_config_done(&c);
    ck_assert_int_eq(kube_config_in_cluster(&c, "10.96.0.1", "443", folder, NULL), -ENOENT);
    kube_config_done(&c);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_config");
    TCase *t = tcase_create("kube_config");

    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, the_current_context_names_cluster_user_and_namespace);
    tcase_add_test(t, another_context_can_be_asked_for);
    tcase_add_test(t, a_relative_name_of_the_kubeconfig_is_taken_from_the_working_folder);
    tcase_add_loop_test(t, what_cannot_be_used_is_refused_with_its_position, 0,
                        ARRAY_SIZE(refused));
    tcase_add_test(t, a_file_that_is_not_there_is_said_so);
    tcase_add_test(t, a_kubeconfig_has_a_ceiling);
    tcase_add_loop_test(t, a_pod_is_told_by_its_environment_and_its_service_account, 0,
                        ARRAY_SIZE(pods));
    tcase_add_test(t, what_is_no_pod_is_said_so);
    suite_add_tcase(s, t);
    return s;
}
