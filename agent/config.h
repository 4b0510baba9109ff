/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The settings of varmor-agent: filled once from the command line, then const. The table in
 * config.c is the parser, the help and --print-config. */
#include "lib/buf.h"
#include "lib/error.h"

struct config {
    char *node_name; /* never NULL after a parse */
    char *manager;
    char *tls_ca, *tls_cert, *tls_key, *tls_server_name, *token_file; /* NULL: not given */
    char *containerd_socket; /* NULL or "": no runtime is asked */
    char *nri_socket;        /* NULL or "": no start is held */
    char *state_dir;
    char *apparmor_parser; /* NULL or "": looked for where it usually is */
    char *seccomp_dir;
    char *oci_runtime; /* NULL or "": looked for where it usually is */
    char *violation_log;
    char *install_namespace;
    int64_t audit_backlog;      /* records; 0: the kernel's own */
    char *audit_log_paths;      /* separated by "|"; NULL: none */
    int64_t apparmor_jobs;      /* parsers at a time; 0: as many as there are processors */
    unsigned log_level;         /* enum log_level */
    int64_t counts_interval_ms; /* how often counters are compared with what was told */
    bool foreign_violations;    /* of profiles and processes that are not ours, too */
    bool use_apparmor, use_bpf, use_seccomp;
    bool confine, check, health, cleanup;
};

/* An enum options_outcome (lib/options.h), -EINVAL with *reterr, or -ENOMEM. Call config_done() in
 * any case. */
int config_parse(struct config *ret, int argc, char *const *argv, struct error **reterr);
void config_done(struct config *c);
/* 0, -E2BIG or -ENOMEM. */
int config_format_help(struct buf *out);
int config_format(const struct config *c, struct buf *out);
