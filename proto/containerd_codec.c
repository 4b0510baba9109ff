/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/containerd_codec.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pb_decode.h>
#include <pb_encode.h>
#include <string.h>

#include "containerd/containerd.pb.h"
#include "lib/policy/selector.h"
#include "proto/oci_spec.h"
#include "proto/pod_opt_outs.h"

static_assert(sizeof(((containerd_Container *)NULL)->id) == CONTAINERD_ID_SIZE,
              "see containerd.options");
static_assert(sizeof(((containerd_Container *)NULL)->image) == CONTAINERD_IMAGE_SIZE,
              "see containerd.options");
static_assert(sizeof(((containerd_VersionResponse *)NULL)->version) == CONTAINERD_VERSION_SIZE,
              "see containerd.options");

/* A nanopb callback can only say "false"; what it was waits here for the decoder's caller. */
struct collector {
    int result;       /* 0, or the negative errno of a callback of ours */
    struct buf bytes; /* of one bytes field */
    struct labels *labels, *opt_outs;
    int (*found_task)(const struct containerd_task *task, void *arg);
    int (*found_name)(const char *name, void *arg);
    void *arg;
};

/* ---- encoding ---- */

static bool buf_write(pb_ostream_t *stream, const pb_byte_t *data, size_t len)
{
    struct buf *out = stream->state;

    return buf_add(out, data, len) == 0;
}

static int encode(struct buf *out, const pb_msgdesc_t *fields, const void *message)
{
    pb_ostream_t stream = {.callback = buf_write, .state = out, .max_size = SIZE_MAX};
    size_t len_before = out->len;
    size_t size;

    if (!pb_get_encoded_size(&size, fields, message))
        return -E2BIG;
    if (buf_reserve(out, size) < 0)
        return out->max - out->len < size ? -E2BIG : -ENOMEM;
    if (!pb_encode(&stream, fields, message)) {
        out->len = len_before;
        return -E2BIG;
    }
    return 0;
}

static int copy_text(char *to, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len >= size)
        return -E2BIG;
    memcpy(to, text, len + 1);
    return 0;
}

int containerd_encode_subscribe(struct buf *out, const char *const *filters, size_t n_filters)
{
    containerd_SubscribeRequest m = containerd_SubscribeRequest_init_zero;

    if (n_filters > ARRAY_SIZE(m.filters))
        return -E2BIG;
    for (size_t i = 0; i < n_filters; i++) {
        if (copy_text(m.filters[i], sizeof(m.filters[i]), filters[i]) < 0)
            return -E2BIG;
    }
    m.filters_count = (pb_size_t)n_filters;
    return encode(out, containerd_SubscribeRequest_fields, &m);
}

int containerd_encode_publish(struct buf *out, const char *topic)
{
    containerd_PublishRequest m = containerd_PublishRequest_init_zero;

    if (copy_text(m.topic, sizeof(m.topic), topic) < 0)
        return -E2BIG;
    m.has_event = true; /* containerd's log readers expect a type that they know */
    if (copy_text(m.event.type_url, sizeof(m.event.type_url), "containerd.events.NamespaceUpdate") <
        0)
        return -E2BIG;
    return encode(out, containerd_PublishRequest_fields, &m);
}

int containerd_encode_get(struct buf *out, const char *container_id)
{
    containerd_ContainerGetRequest m = containerd_ContainerGetRequest_init_zero;

    if (copy_text(m.id, sizeof(m.id), container_id) < 0)
        return -E2BIG;
    return encode(out, containerd_ContainerGetRequest_fields, &m);
}

/* ---- decoding ---- */

static int decode(const pb_msgdesc_t *fields, void *message, const uint8_t *data, size_t len,
                  const struct collector *collector, const char *what, struct error **reterr)
{
    pb_istream_t stream = pb_istream_from_buffer(data, len);

    if (pb_decode(&stream, fields, message))
        return 0;
    if (collector && collector->result == -ENOMEM)
        return error_oom(reterr);
    if (collector && collector->result < 0)
        return reterr && *reterr ? collector->result
                                 : error_set(reterr, collector->result, "containerd's %s: %s", what,
                                             strerror(-collector->result));
    return error_set(reterr, -EBADMSG, "containerd's %s: %s", what, PB_GET_ERROR(&stream));
}

/* A bytes field into the collector's buffer. Occurring twice, the last one counts, as protobuf has
 * it. */
static bool take_bytes(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct collector *c = *arg;
    size_t len = stream->bytes_left;
    int r;

    (void)field;
    buf_clear(&c->bytes);
    r = buf_reserve(&c->bytes, len);
    if (r < 0) {
        c->result = r == -ENOMEM ? r : -EBADMSG;
        return false;
    }
    if (len > 0 && !pb_read(stream, c->bytes.data, len))
        return false;
    c->bytes.len = len;
    c->bytes.data[len] = '\0';
    return true;
}

static bool take_label(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    containerd_Label label = containerd_Label_init_zero;
    struct collector *c = *arg;
    int r;

    (void)field;
    if (!pb_decode(stream, containerd_Label_fields, &label))
        return false;
    r = labels_put(c->labels, label.key, label.value);
    if (r < 0) {
        c->result = r == -ENOMEM ? r : -EBADMSG;
        return false;
    }
    return true;
}

/* One entry of a container's extensions. */
struct extension {
    struct buf value;
    bool is_sandbox_metadata;
    int result; /* 0 or -ENOMEM */
};

static bool take_extension_key(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct extension *e = *arg;
    char key[sizeof(POD_OPT_OUTS_EXTENSION)] = "";

    (void)field;
    e->is_sandbox_metadata = false;
    if (stream->bytes_left != sizeof(key) - 1)
        return pb_read(stream, NULL, stream->bytes_left);
    if (!pb_read(stream, (pb_byte_t *)key, sizeof(key) - 1))
        return false;
    e->is_sandbox_metadata = strcmp(key, POD_OPT_OUTS_EXTENSION) == 0;
    return true;
}

/* A value that is too long counts as none: of other extensions we know no ceiling. */
static bool take_extension_value(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct extension *e = *arg;
    size_t len = stream->bytes_left;

    (void)field;
    buf_clear(&e->value);
    if (len > POD_OPT_OUTS_MAX_BYTES)
        return pb_read(stream, NULL, len);
    e->result = buf_reserve(&e->value, len);
    if (e->result < 0)
        return false;
    if (len > 0 && !pb_read(stream, e->value.data, len))
        return false;
    e->value.len = len;
    return true;
}

/* Opt-outs that cannot be read are none: the container is confined, and not lost from view. */
static bool take_extension(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    CLEANUP_BUF struct buf value = BUF_INIT(0);
    containerd_Extension m = containerd_Extension_init_zero;
    struct extension e = {.value = BUF_INIT(POD_OPT_OUTS_MAX_BYTES + 1)};
    struct collector *c = *arg;
    bool is_whole;

    (void)field;
    m.key = (pb_callback_t){.funcs.decode = take_extension_key, .arg = &e};
    m.value.value = (pb_callback_t){.funcs.decode = take_extension_value, .arg = &e};
    is_whole = pb_decode(stream, containerd_Extension_fields, &m);
    value = e.value; /* freed on every way out */
    if (is_whole && e.is_sandbox_metadata && value.len > 0 &&
        pod_opt_outs_read(c->opt_outs, buf_text(&value), value.len, NULL) == -ENOMEM)
        e.result = -ENOMEM;
    c->result = e.result < 0 ? e.result : c->result;
    return is_whole && e.result == 0;
}

/* A pid as the kernel can have it; anything else from the wire becomes 0, "none". */
static int pid_of(uint32_t pid)
{
    return pid <= INT_MAX ? (int)pid : 0;
}

static void task_of(struct containerd_task *ret, const containerd_Process *p)
{
    *ret = (struct containerd_task){.pid = pid_of(p->pid), .status = CONTAINERD_TASK_UNKNOWN};
    memcpy(ret->container_id, p->container_id[0] ? p->container_id : p->id,
           sizeof(ret->container_id));
    if (p->status <= CONTAINERD_TASK_PAUSING)
        ret->status = (enum containerd_task_status)p->status;
}

static bool take_task(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    containerd_Process process = containerd_Process_init_zero;
    struct collector *c = *arg;
    struct containerd_task task;

    (void)field;
    if (!pb_decode(stream, containerd_Process_fields, &process))
        return false;
    task_of(&task, &process);
    if (!task.container_id[0])
        PB_RETURN_ERROR(stream, "a task has no container");
    c->result = c->found_task(&task, c->arg);
    return c->result >= 0;
}

static bool take_namespace(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    containerd_Namespace ns = containerd_Namespace_init_zero;
    struct collector *c = *arg;

    (void)field;
    if (!pb_decode(stream, containerd_Namespace_fields, &ns))
        return false;
    c->result = c->found_name(ns.name, c->arg);
    return c->result >= 0;
}

/* What the five kinds of event messages have in common. */
struct event_parts {
    const char *container_id, *process_id; /* process_id NULL: the first process */
    uint32_t pid;
};

static int decode_task_event(struct containerd_event *ev, const struct buf *b,
                             struct error **reterr)
{
    union {
        containerd_TaskCreate create;
        containerd_TaskStart start;
        containerd_TaskExit exit;
        containerd_TaskDelete delete;
        containerd_ContainerEvent container;
    } m;
    struct event_parts parts = {0};
    int r;

    switch (ev->kind) {
    case CONTAINERD_TASK_CREATE:
        r = decode(containerd_TaskCreate_fields, &m, b->data, b->len, NULL, "TaskCreate", reterr);
        parts = (struct event_parts){m.create.container_id, NULL, m.create.pid};
        break;
    case CONTAINERD_TASK_START:
        r = decode(containerd_TaskStart_fields, &m, b->data, b->len, NULL, "TaskStart", reterr);
        parts = (struct event_parts){m.start.container_id, NULL, m.start.pid};
        break;
    case CONTAINERD_TASK_EXIT:
        r = decode(containerd_TaskExit_fields, &m, b->data, b->len, NULL, "TaskExit", reterr);
        parts = (struct event_parts){m.exit.container_id, m.exit.id, m.exit.pid};
        break;
    case CONTAINERD_TASK_DELETE:
        r = decode(containerd_TaskDelete_fields, &m, b->data, b->len, NULL, "TaskDelete", reterr);
        parts = (struct event_parts){m.delete.container_id, m.delete.id, m.delete.pid};
        break;
    default:
        r = decode(containerd_ContainerEvent_fields, &m, b->data, b->len, NULL, "container event",
                   reterr);
        parts = (struct event_parts){m.container.id, NULL, 0};
        break;
    }
    if (r < 0)
        return r;
    memcpy(ev->container_id, parts.container_id, sizeof(ev->container_id));
    ev->pid = pid_of(parts.pid);
    ev->first_process = !parts.process_id || !parts.process_id[0] ||
                        strcmp(parts.process_id, parts.container_id) == 0;
    return 0;
}

static const char *const event_types[CONTAINERD_EVENT_KINDS] = {
    [CONTAINERD_TASK_CREATE] = "containerd.events.TaskCreate",
    [CONTAINERD_TASK_START] = "containerd.events.TaskStart",
    [CONTAINERD_TASK_EXIT] = "containerd.events.TaskExit",
    [CONTAINERD_TASK_DELETE] = "containerd.events.TaskDelete",
    [CONTAINERD_CONTAINER_CREATE] = "containerd.events.ContainerCreate",
    [CONTAINERD_CONTAINER_UPDATE] = "containerd.events.ContainerUpdate",
    [CONTAINERD_CONTAINER_DELETE] = "containerd.events.ContainerDelete",
};

int containerd_event_decode(struct containerd_event *ret, const uint8_t *data, size_t len,
                            struct error **reterr)
{
    CLEANUP_BUF struct buf value = BUF_INIT(0);
    struct collector c = {.bytes = BUF_INIT(CONTAINERD_EVENT_MAX_BYTES)};
    containerd_Envelope m = containerd_Envelope_init_zero;
    struct containerd_event ev = {.kind = CONTAINERD_EVENT_OTHER};
    int r;

    m.event.value = (pb_callback_t){.funcs.decode = take_bytes, .arg = &c};
    r = decode(containerd_Envelope_fields, &m, data, len, &c, "event", reterr);
    value = c.bytes; /* freed on every way out */
    if (r < 0)
        return r;
    memcpy(ev.name_space, m.namespace, sizeof(ev.name_space));
    memcpy(ev.topic, m.topic, sizeof(ev.topic));
    for (unsigned i = 1; i < CONTAINERD_EVENT_KINDS; i++) {
        if (strcmp(m.event.type_url, event_types[i]) == 0)
            ev.kind = (enum containerd_event_kind)i;
    }
    if (ev.kind != CONTAINERD_EVENT_OTHER) {
        r = decode_task_event(&ev, &value, reterr);
        if (r < 0)
            return r;
        if (!ev.container_id[0])
            return error_set(reterr, -EBADMSG, "containerd's event '%s' has no container id",
                             error_quote(ev.topic));
    }
    *ret = ev;
    return 0;
}

void containerd_container_done(struct containerd_container *c)
{
    c->labels = labels_free(c->labels);
    c->annotations = labels_free(c->annotations);
    c->opt_outs = labels_free(c->opt_outs);
    free(c->apparmor_profile);
    free(c->cgroups_path);
    c->cgroups_path = c->apparmor_profile = NULL;
}

int containerd_container_decode(struct containerd_container *ret, const uint8_t *data, size_t len,
                                struct error **reterr)
{
    CLEANUP_BUF struct buf json = BUF_INIT(0);
    CLEANUP(labels_free) struct labels *labels = labels_new();
    CLEANUP(labels_free) struct labels *opt_outs = labels_new();
    struct oci_spec spec = {0};
    struct collector c = {
        .bytes = BUF_INIT(CONTAINERD_SPEC_MAX_BYTES), .labels = labels, .opt_outs = opt_outs};
    containerd_ContainerMessage m = containerd_ContainerMessage_init_zero;
    int r;

    if (!labels || !opt_outs)
        return error_oom(reterr);
    m.container.labels = (pb_callback_t){.funcs.decode = take_label, .arg = &c};
    m.container.extensions = (pb_callback_t){.funcs.decode = take_extension, .arg = &c};
    m.container.spec.value = (pb_callback_t){.funcs.decode = take_bytes, .arg = &c};
    r = decode(containerd_ContainerMessage_fields, &m, data, len, &c, "container", reterr);
    json = c.bytes;
    if (r < 0)
        return r;
    if (!m.container.id[0])
        return error_set(reterr, -EBADMSG, "containerd's container has no id");

    /* A container without a spec is possible in the API: it has no annotations then. */
    r = json.len > 0 ? oci_spec_parse(&spec, buf_text(&json), json.len, reterr)
                     : oci_spec_parse(&spec, "{}", 2, reterr);
    if (r < 0)
        return error_wrap(reterr, r, "containerd's container '%s'", error_quote(m.container.id));
    if (json.len > 0 && !spec.apparmor_profile)
        spec.apparmor_profile = strdup("");
    if (json.len > 0 && !spec.apparmor_profile) {
        oci_spec_done(&spec);
        return error_oom(reterr);
    }

    memcpy(ret->id, m.container.id, sizeof(ret->id));
    memcpy(ret->image, m.container.image, sizeof(ret->image));
    ret->labels = TAKE(labels);
    ret->opt_outs = TAKE(opt_outs);
    ret->annotations = TAKE(spec.annotations);
    ret->cgroups_path = TAKE(spec.cgroups_path);
    ret->apparmor_profile = TAKE(spec.apparmor_profile);
    ret->seccomp = json.len > 0 ? spec.seccomp : OCI_SECCOMP_UNKNOWN;
    ret->seccomp_digest = spec.seccomp_digest;
    return 0;
}

int containerd_task_decode(struct containerd_task *ret, const uint8_t *data, size_t len,
                           struct error **reterr)
{
    containerd_TaskGetResponse m = containerd_TaskGetResponse_init_zero;
    int r = decode(containerd_TaskGetResponse_fields, &m, data, len, NULL, "task", reterr);

    if (r < 0)
        return r;
    task_of(ret, &m.process);
    return 0;
}

int containerd_tasks_decode(const uint8_t *data, size_t len,
                            int (*found)(const struct containerd_task *task, void *arg), void *arg,
                            struct error **reterr)
{
    struct collector c = {.found_task = found, .arg = arg};
    containerd_TaskListResponse m = {.tasks = {.funcs.decode = take_task, .arg = &c}};

    return decode(containerd_TaskListResponse_fields, &m, data, len, &c, "task list", reterr);
}

int containerd_namespaces_decode(const uint8_t *data, size_t len,
                                 int (*found)(const char *name, void *arg), void *arg,
                                 struct error **reterr)
{
    struct collector c = {.found_name = found, .arg = arg};
    containerd_NamespaceListResponse m = {
        .namespaces = {.funcs.decode = take_namespace, .arg = &c}};

    return decode(containerd_NamespaceListResponse_fields, &m, data, len, &c, "namespace list",
                  reterr);
}

int containerd_version_decode(char ret[static CONTAINERD_VERSION_SIZE], const uint8_t *data,
                              size_t len, struct error **reterr)
{
    containerd_VersionResponse m = containerd_VersionResponse_init_zero;
    int r = decode(containerd_VersionResponse_fields, &m, data, len, NULL, "version", reterr);

    if (r == 0)
        memcpy(ret, m.version, sizeof(m.version));
    return r;
}
