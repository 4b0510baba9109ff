/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which policies an object of a cluster can concern: of a thousand policies one change must make no more anew than those
 * that it can change. Pure.
 */
#include "lib/policy/object.h"

/* True if the policy's profile may be another with this workload, Service, EndpointSlice or Pod than without it. Where a
 * Service is wanted by its labels, any of the namespaces in question counts. */
bool affected_by(const struct policy *policy, const struct object *o);
