/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as what the CRI keeps of a pod: only annotations that opt out are taken from it. */
#include <stdlib.h>
#include <string.h>

#include "lib/policy/selector.h"
#include "lib/profile.h"
#include "proto/pod_opt_outs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(labels_free) struct labels *found = labels_new();

    if (!found || pod_opt_outs_read(found, (const char *)data, size, NULL) < 0)
        return 0;
    for (size_t i = 0; i < labels_size(found); i++) {
        const char *key = labels_key(found, i), *value = labels_value(found, i);

        if (strncmp(key, "container.", 10) != 0 || strlen(key) > 255 ||
            (strcmp(value, "unconfined") != 0 && strcmp(value, "bpf-exclusive") != 0))
            abort();
        if (pod_opt_outs_of(found, strchr(key, '/') + 1) &
            ~(unsigned)(ENFORCER_APPARMOR | ENFORCER_BPF | ENFORCER_SECCOMP))
            abort();
    }
    return 0;
}
