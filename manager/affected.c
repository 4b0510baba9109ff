/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/affected.h"

#include "manager/resolver.h"
#include "profiles/builder.h"
#include "profiles/peers.h"

bool affected_by(const struct policy *policy, const struct object *o)
{
    const char *service;

    if (resolver_wants(o->kind))
        return resolver_means(policy, o);
    if (o->kind == OBJECT_POD)
        return o->manifest->n_addresses > 0 &&
               builder_names_pod(policy, o->name_space, o->manifest->labels);
    service = peers_service_of(o);
    return service && builder_names_service(policy, o->name_space, service);
}
