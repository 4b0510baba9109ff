/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "agent/violation_log.h"
#include "lib/log.h"
#include "lib/options.h"

static const char *const log_levels[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
    NULL,
};

#define FIELD(name) offsetof(struct config, name)

static const struct option_spec specs[] = {
    {.name = "node-name",
     .type = OPTION_TEXT,
     .field = FIELD(node_name),
     .value = "NAME",
     .help = "what the manager calls this node (default: $NODE_NAME, else the host's name)"},
    {.name = "manager",
     .type = OPTION_TEXT,
     .field = FIELD(manager),
     .value = "ADDRESS",
     .default_text = "unix:/run/varmor/manager.sock",
     .help = "where the manager is: unix:PATH or tls://HOST:PORT"},
    {.name = "tls-ca",
     .type = OPTION_TEXT,
     .field = FIELD(tls_ca),
     .value = "FILE",
     .help = "certificates that the manager's is checked against (PEM)"},
    {.name = "tls-cert",
     .type = OPTION_TEXT,
     .field = FIELD(tls_cert),
     .value = "FILE",
     .help = "this agent's certificate, with its chain (PEM)"},
    {.name = "tls-key",
     .type = OPTION_TEXT,
     .field = FIELD(tls_key),
     .value = "FILE",
     .help = "the key of this agent's certificate (PEM)"},
    {.name = "tls-server-name",
     .type = OPTION_TEXT,
     .field = FIELD(tls_server_name),
     .value = "NAME",
     .help = "the name that the manager's certificate must carry (default: the host of --manager)"},
    {.name = "token-file",
     .type = OPTION_TEXT,
     .field = FIELD(token_file),
     .value = "FILE",
     .help = "a token that proves which node this is, read again at each connection"},
    {.name = "containerd-socket",
     .type = OPTION_TEXT,
     .field = FIELD(containerd_socket),
     .value = "PATH",
     .default_text = "/run/containerd/containerd.sock",
     .help = "containerd's gRPC socket; empty: containers are not looked for"},
    {.name = "nri-socket",
     .type = OPTION_TEXT,
     .field = FIELD(nri_socket),
     .value = "PATH",
     .default_text = "/var/run/nri/nri.sock",
     .help =
         "the runtime's NRI socket: pods' containers start once they are bound; empty: not used"},
    {.name = "state-dir",
     .type = OPTION_TEXT,
     .field = FIELD(state_dir),
     .value = "DIR",
     .default_text = "/var/lib/varmor/agent",
     .help = "where the profiles in force are kept for a restart without the manager"},
    {.name = "apparmor",
     .type = OPTION_FLAG,
     .field = FIELD(use_apparmor),
     .default_text = "true",
     .help = "use AppArmor where the kernel has it"},
    {.name = "bpf",
     .type = OPTION_FLAG,
     .field = FIELD(use_bpf),
     .default_text = "true",
     .help = "use BPF LSM where the kernel has it"},
    {.name = "seccomp",
     .type = OPTION_FLAG,
     .field = FIELD(use_seccomp),
     .default_text = "true",
     .help = "use seccomp where the kernel has it"},
    {.name = "apparmor-parser",
     .type = OPTION_TEXT,
     .field = FIELD(apparmor_parser),
     .value = "PATH",
     .help =
         "the program that compiles AppArmor profiles (default: looked for where it usually is)"},
    {.name = "apparmor-jobs",
     .type = OPTION_NUMBER,
     .field = FIELD(apparmor_jobs),
     .value = "N",
     .default_text = "0",
     .min = 0,
     .max = 64,
     .help =
         "how many AppArmor profiles are compiled at a time (0: as many as there are processors)"},
    {.name = "seccomp-dir",
     .type = OPTION_TEXT,
     .field = FIELD(seccomp_dir),
     .value = "DIR",
     .default_text = "/var/lib/kubelet/seccomp",
     .help = "where seccomp profiles are put, under their profiles' names, for runtimes to read"},
    {.name = "oci-runtime",
     .type = OPTION_TEXT,
     .field = FIELD(oci_runtime),
     .value = "PATH",
     .help = "the program that starts containers, asked once whether it lets seccomp denials be "
             "audited (default: runc where it usually is)"},
    {.name = "violation-log",
     .type = OPTION_TEXT,
     .field = FIELD(violation_log),
     .value = "FILE",
     .default_text = VIOLATION_LOG_PATH,
     .help = "where violations are written, one JSON object a line"},
    {.name = "install-namespace",
     .type = OPTION_TEXT,
     .field = FIELD(install_namespace),
     .value = "NAMESPACE",
     .default_text = "varmor",
     .help = "told in the metadata of violations"},
    {.name = "audit-log-paths",
     .type = OPTION_TEXT,
     .field = FIELD(audit_log_paths),
     .value = "FILE|FILE",
     .default_text = "/var/log/audit/audit.log|/var/log/kern.log",
     .help = "where audit records are read if the kernel's multicast group does not give them"},
    {.name = "audit-backlog",
     .type = OPTION_NUMBER,
     .field = FIELD(audit_backlog),
     .value = "N",
     .default_text = "8192",
     .min = 0,
     .max = 1048576,
     .help = "records that the kernel's audit system is to keep until they are read, at least; 0 "
             "leaves it as it is"},
    {.name = "foreign-violations",
     .type = OPTION_FLAG,
     .field = FIELD(foreign_violations),
     .help = "log what AppArmor and seccomp say of other profiles and processes as well"},
    {.name = "counts-interval",
     .type = OPTION_NUMBER,
     .field = FIELD(counts_interval_ms),
     .value = "MS",
     .default_text = "5000",
     .min = 100,
     .max = 3600000,
     .unit = "ms",
     .help = "how often the counters of rules are read and told if they changed"},
    {.name = "log-level",
     .type = OPTION_WORD,
     .field = FIELD(log_level),
     .words = log_levels,
     .default_text = "info",
     .help = "what is logged on stderr, as JSON lines"},
    {.name = "confine",
     .type = OPTION_FLAG,
     .field = FIELD(confine),
     .default_text = "true",
     .help =
         "give up capabilities and system calls that are not needed, once the kernel is set up"},
    {.name = "check",
     .type = OPTION_FLAG,
     .field = FIELD(check),
     .help = "say what each enforcer can do here and end: 0 if all are usable, else 1"},
    {.name = "health",
     .type = OPTION_FLAG,
     .field = FIELD(health),
     .help = "say how the agent is that runs with this state folder and end: 0 if it is ready, "
             "else 1"},
    {.name = "cleanup",
     .type = OPTION_FLAG,
     .field = FIELD(cleanup),
     .help =
         "take everything that varmor ever put there out of the kernel and the state folder, say what, "
         "and end"},
};

/* The node's name where none is given. */
static int find_node_name(struct config *c, struct error **reterr)
{
    const char *from_environment = getenv("NODE_NAME");
    char host[HOST_NAME_MAX + 1] = "";

    if (c->node_name && c->node_name[0])
        return 0;
    if (!from_environment || !from_environment[0]) {
        if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
            return error_set(reterr, -EINVAL, "this host has no name; give one with --node-name");
        from_environment = host;
    }
    free(c->node_name);
    c->node_name = strdup(from_environment);
    return c->node_name ? 0 : error_oom(reterr);
}

int config_parse(struct config *ret, int argc, char *const *argv, struct error **reterr)
{
    int r = options_parse(specs, ARRAY_SIZE(specs), ret, argc, argv, reterr);
    int r_name;

    if (r != OPTIONS_RUN && r != OPTIONS_PRINT_CONFIG)
        return r;
    r_name = find_node_name(ret, reterr);
    return r_name < 0 ? r_name : r;
}

void config_done(struct config *c)
{
    options_done(specs, ARRAY_SIZE(specs), c);
}

int config_format_help(struct buf *out)
{
    return options_format_help(
        specs, ARRAY_SIZE(specs), "varmor-agent",
        "Enforces the manager's profiles on this node and tells what is true.", out);
}

int config_format(const struct config *c, struct buf *out)
{
    return options_format_config(specs, ARRAY_SIZE(specs), c, out);
}
