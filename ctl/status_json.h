/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Status as JSON and YAML for machines: objects in the shape of Kubernetes' (kind, metadata, spec,
 * status), so that jq expressions written for kubectl's output read the same fields.
 */
#include "lib/error.h"
#include "proto/messages.h"

#include <jansson.h>
#include <stdio.h>

/* New references; NULL: no memory. */
json_t *status_json_policy(const struct status_policy *p);
json_t *status_json_profile(const struct status_profile *p);
json_t *status_json_node(const struct status_node *n);
json_t *status_json_binding(const struct status_binding *b);
json_t *status_json_list(const struct status_list *l); /* kind List with items */
json_t *status_json_policy_description(const struct status_policy_description *d);
json_t *status_json_node_description(const struct status_node_description *d);

/* Prints a document. 0 or -EIO with *reterr (the output cannot be written), -ENOMEM. */
int status_json_print(const json_t *document, FILE *out, struct error **reterr);
int status_json_print_yaml(const json_t *document, FILE *out, struct error **reterr);

/* "2026-11-25T01:02:03Z" for CLOCK_REALTIME nanoseconds; "" for 0. */
#define STATUS_TIME_SIZE 32
const char *status_json_time(int64_t time_ns, char text[static STATUS_TIME_SIZE]);
