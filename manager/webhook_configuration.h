/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The two webhook configurations as they should stand at the API server, and how one that stands there
 * is compared with them. Both fail open: with the manager away, workloads are admitted as they are and
 * policies are judged when it is back. Every field that could change what they do is said, so that
 * server-side apply puts back whatever somebody else made of it.
 *
 * Pure: no I/O, no logging.
 */
#include "lib/error.h"

struct labels;

enum webhook_kind { WEBHOOK_MUTATING, WEBHOOK_VALIDATING, WEBHOOK_KINDS };

struct webhook_settings {
    const char *name_space; /* of the service */
    const char *url; /* "https://127.0.0.1:3443" instead of the service: out of the cluster */
    const char *match_label; /* "sandbox.varmor.org/enable=true"; "": every workload and pod */
    unsigned timeout_s;
    const char *owners; /* JSON of metadata.ownerReferences; "[]": nobody */
};

/* "varmor-resource-mutating-webhook-cfg"; with "-debug" behind it for a URL. Static. */
const char *webhook_configuration_name(enum webhook_kind kind, bool has_url);
/* "mutatingwebhookconfigurations". Static. */
const char *webhook_configuration_resource(enum webhook_kind kind);

/* The object as JSON, for server-side apply; authority: PEM. *ret is owned by the caller. 0, -ENOMEM, or
 * -EINVAL with *reterr (a match label that is none). */
int webhook_configuration_format(char **ret, enum webhook_kind kind,
                                 const struct webhook_settings *settings, const char *authority,
                                 struct error **reterr);

/* Is a label that an objectSelector can ask for: "" or KEY=VALUE? 0, or -EINVAL with *reterr. */
int webhook_match_label_check(const char *label, struct error **reterr);
/* Would the API server ask about an object with these labels? label: a right one. */
bool webhook_match_label_fits(const char *label, const struct labels *labels);
