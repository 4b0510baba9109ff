/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The nodes in an order that depends on them alone, not on when their agents came: those that failed a profile first,
 * then those that have not answered, then those that have applied it, each by name. What is cut off at a ceiling is
 * then what matters least, and a manager that starts anew writes what the one before wrote. Pure.
 */
#include "manager/nodes.h"

struct stored_policy;

struct ordered_node {
    const struct node *node;
    enum node_standing standing; /* towards the policy's profile */
};

/* An array that the caller frees, also for no node; the policy has a profile. NULL: no memory. */
struct ordered_node *node_order(const struct nodes *nodes, const struct stored_policy *policy,
                                size_t *ret_n);
