/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of an API server as each kind of object. The first byte is the kind. */
#include <string.h>

#include "lib/policy/selector.h"
#include "proto/kubernetes_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What everybody who is given an object relies on. */
static void check_object(const struct object *o)
{
    const struct manifest *m = o->manifest;

    if (!o->name || !*o->name || !o->name_space || !m || !m->labels)
        abort();
    for (size_t i = 0; i < labels_size(m->labels); i++)
        if (labels_get(m->labels, labels_key(m->labels, i)) != labels_value(m->labels, i))
            abort();
    for (size_t i = 0; i < m->n_addresses; i++)
        if (m->addresses[i].family == ADDR_NONE)
            abort();
    for (size_t i = 0; i < m->n_ports; i++)
        if (m->ports[i].first == 0)
            abort();
    if (m->selector)
        selector_match(m->selector, m->labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct object o;

    if (size == 0 || !kubernetes_decodes(data[0]))
        return 0;
    if (kubernetes_decode(&o, data[0], data + 1, size - 1, &problem) == 0) {
        check_object(&o);
        object_done(&o);
    } else if (!problem) {
        abort();
    }
    return 0;
}
