/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from containerd's socket into each decoder. The first byte chooses it. */
#include <string.h>

#include "lib/policy/selector.h"
#include "proto/containerd_codec.h"
#include "proto/oci_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_task(const struct containerd_task *task, void *arg)
{
    (void)arg;
    /* every text ends within its array */
    return strnlen(task->container_id, CONTAINERD_ID_SIZE) < CONTAINERD_ID_SIZE ? 0 : (abort(), -1);
}

static int on_name(const char *name, void *arg)
{
    (void)arg;
    return strlen(name) < CONTAINERD_ID_SIZE ? 0 : (abort(), -1);
}

static void decode_event(const uint8_t *data, size_t size, struct error **reterr)
{
    struct containerd_event ev;

    if (containerd_event_decode(&ev, data, size, reterr) < 0)
        return;
    if (ev.kind != CONTAINERD_EVENT_OTHER && !ev.container_id[0])
        abort();
    if (ev.pid < 0)
        abort();
}

static void decode_container(const uint8_t *data, size_t size, struct error **reterr)
{
    struct containerd_container c = {0};

    if (containerd_container_decode(&c, data, size, reterr) < 0)
        return;
    if (!c.id[0] || !c.labels || !c.annotations)
        abort();
    containerd_container_done(&c);
}

static void decode_spec(const uint8_t *data, size_t size, struct error **reterr)
{
    struct oci_spec spec = {0};

    if (oci_spec_parse(&spec, (const char *)data, size, reterr) == 0)
        oci_spec_done(&spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(error_free) struct error *problem = NULL;
    char version[CONTAINERD_VERSION_SIZE];
    struct containerd_task task;

    if (size == 0)
        return 0;
    size--;
    switch (data++[0] % 7) {
    case 0:
        decode_event(data, size, &problem);
        break;
    case 1:
        decode_container(data, size, &problem);
        break;
    case 2:
        decode_spec(data, size, &problem);
        break;
    case 3:
        containerd_tasks_decode(data, size, on_task, NULL, &problem);
        break;
    case 4:
        containerd_namespaces_decode(data, size, on_name, NULL, &problem);
        break;
    case 5:
        containerd_task_decode(&task, data, size, &problem);
        break;
    default:
        containerd_version_decode(version, data, size, &problem);
        break;
    }
    return 0;
}
