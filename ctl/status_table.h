/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Status as rows of a table: which columns each resource has, and what stands in them. */
#include "ctl/table.h"
#include "proto/messages.h"

/* An empty table with the columns of a resource. NULL: no memory. */
struct table *status_table_new(enum status_resource resource, bool wide);

/* One row each; 0 or -ENOMEM. now_ns: CLOCK_REALTIME, for ages. */
int status_table_add_policy(struct table *t, const struct status_policy *p, int64_t now_ns);
int status_table_add_profile(struct table *t, const struct status_profile *p, int64_t now_ns);
int status_table_add_node(struct table *t, const struct status_node *n, int64_t now_ns);
int status_table_add_binding(struct table *t, const struct status_binding *b, int64_t now_ns);
int status_table_add_list(struct table *t, const struct status_list *l, int64_t now_ns);

/* The enforcers of a bound container: "AppArmor,BPF,Seccomp(restart needed)"; "(no)" behind one that
 * does not hold it; returns text. */
#define STATUS_ENFORCERS_SIZE 128
const char *status_table_enforcers(const struct msg_binding *b,
                                   char text[static STATUS_ENFORCERS_SIZE]);
