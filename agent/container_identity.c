/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/container_identity.h"

#include <errno.h>
#include <string.h>

#include "agent/container.h"
#include "lib/policy/selector.h"
#include "proto/containerd_codec.h"
#include "proto/pod_opt_outs.h"

/* What kubelet and containerd's CRI write. */
#define LABEL_POD_NAME            "io.kubernetes.pod.name"
#define LABEL_POD_NAMESPACE       "io.kubernetes.pod.namespace"
#define LABEL_POD_UID             "io.kubernetes.pod.uid"
#define LABEL_CONTAINER_NAME      "io.kubernetes.container.name"
#define LABEL_KIND                "io.cri-containerd.kind"
#define ANNOTATION_KIND           "io.kubernetes.cri.container-type"
#define ANNOTATION_SANDBOX_ID     "io.kubernetes.cri.sandbox-id"
#define ANNOTATION_CONTAINER_NAME "io.kubernetes.cri.container-name"

/* What the owner of a plain container may write. */
#define LABEL_OWN_NAMESPACE "varmor.org/namespace"
#define LABEL_OWN_POD       "varmor.org/pod"
#define LABEL_OWN_CONTAINER "varmor.org/container"
#define LABEL_OWN_WORKLOAD  "varmor.org/workload"

static const char *const labels_of_cri[] = {LABEL_POD_NAME, LABEL_POD_NAMESPACE, LABEL_POD_UID,
                                            LABEL_CONTAINER_NAME, LABEL_KIND};

/* The texts of a container on their way into it: all or none are replaced. */
struct identity {
    char *id, *image, *pod_uid, *pod_name, *pod_namespace, *name, *workload_kind, *workload_name,
        *apparmor_profile; /* NULL: not known */
    struct labels *labels;
};

static void identity_done(struct identity *i)
{
    free(i->id);
    free(i->image);
    free(i->apparmor_profile);
    free(i->pod_uid);
    free(i->pod_name);
    free(i->pod_namespace);
    free(i->name);
    free(i->workload_kind);
    free(i->workload_name);
    labels_free(i->labels);
}

static bool is_text(const char *text, const char *wanted)
{
    return text && strcmp(text, wanted) == 0;
}

bool container_identity_is_sandbox(const struct containerd_container *cc)
{
    /* Not by its label: a plain container takes that from its image, and would escape every policy. */
    return is_text(labels_get(cc->annotations, ANNOTATION_KIND), "sandbox");
}

const char *container_identity_sandbox(const struct containerd_container *cc)
{
    const char *id = labels_get(cc->annotations, ANNOTATION_SANDBOX_ID);

    return id && id[0] && !container_identity_is_sandbox(cc) ? id : NULL;
}

/* The first of the texts that is there and not empty. */
static char *copy_first(const char *a, const char *b)
{
    return strdup(a && a[0] ? a : b ? b : "");
}

static bool is_label_of_cri(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(labels_of_cri); i++) {
        if (strcmp(labels_of_cri[i], key) == 0)
            return true;
    }
    return false;
}

/* A pod's labels: those of its sandbox without what kubelet and the CRI added. */
static struct labels *copy_pod_labels(const struct labels *of_sandbox)
{
    CLEANUP(labels_free) struct labels *copy = labels_new();

    for (size_t i = 0; copy && i < labels_size(of_sandbox); i++) {
        const char *key = labels_key(of_sandbox, i);

        if (!is_label_of_cri(key) && labels_put(copy, key, labels_value(of_sandbox, i)) < 0)
            return NULL;
    }
    return TAKE(copy);
}

/* "Deployment/web" -> its two parts; anything else: "" and "". */
static void fill_workload(struct identity *i, const struct labels *labels)
{
    const char *text = labels_get(labels, LABEL_OWN_WORKLOAD);
    const char *slash = text ? strchr(text, '/') : NULL;

    if (slash && slash > text && slash[1]) {
        i->workload_kind = strndup(text, (size_t)(slash - text));
        i->workload_name = strdup(slash + 1);
    } else {
        i->workload_kind = strdup("");
        i->workload_name = strdup("");
    }
}

static void fill_pod(struct identity *i, const struct containerd_container *cc,
                     const struct containerd_container *sandbox)
{
    const struct labels *own = cc->labels;
    const char *name = labels_get(own, LABEL_CONTAINER_NAME);

    i->pod_name = copy_first(labels_get(own, LABEL_POD_NAME), NULL);
    i->pod_namespace = copy_first(labels_get(own, LABEL_POD_NAMESPACE), "default");
    i->pod_uid = copy_first(labels_get(own, LABEL_POD_UID), NULL);
    i->name =
        copy_first(name ? name : labels_get(cc->annotations, ANNOTATION_CONTAINER_NAME), cc->id);
    i->labels = copy_pod_labels(sandbox ? sandbox->labels : own);
}

static void fill_plain(struct identity *i, const struct containerd_container *cc)
{
    const struct labels *own = cc->labels;

    i->pod_name = copy_first(labels_get(own, LABEL_OWN_POD), cc->id);
    i->pod_namespace = copy_first(labels_get(own, LABEL_OWN_NAMESPACE), "default");
    i->pod_uid = strdup("");
    i->name = copy_first(labels_get(own, LABEL_OWN_CONTAINER), cc->id);
    i->labels = labels_copy(own);
}

/* Swaps, so that identity_done() frees what was in the container before. */
static void swap_text(char **a, char **b)
{
    char *t = *a;

    *a = *b;
    *b = t;
}

int container_identity_fill(struct container *c, const struct containerd_container *cc,
                            const struct containerd_container *sandbox)
{
    __attribute__((cleanup(identity_done))) struct identity i = {
        .id = strdup(cc->id),
        .image = strdup(cc->image),
        .apparmor_profile = cc->apparmor_profile ? strdup(cc->apparmor_profile) : NULL,
    };
    struct labels *labels_before;

    if (labels_get(cc->labels, LABEL_POD_NAME))
        fill_pod(&i, cc, sandbox);
    else
        fill_plain(&i, cc);
    if (i.labels)
        fill_workload(&i, i.labels);
    if (!i.id || !i.image || !i.pod_uid || !i.pod_name || !i.pod_namespace || !i.name ||
        !i.labels || !i.workload_kind || !i.workload_name ||
        (cc->apparmor_profile && !i.apparmor_profile))
        return -ENOMEM;

    swap_text(&c->id, &i.id);
    swap_text(&c->image, &i.image);
    swap_text(&c->pod_uid, &i.pod_uid);
    swap_text(&c->pod_name, &i.pod_name);
    swap_text(&c->pod_namespace, &i.pod_namespace);
    swap_text(&c->name, &i.name);
    swap_text(&c->workload_kind, &i.workload_kind);
    swap_text(&c->workload_name, &i.workload_name);
    swap_text(&c->apparmor_profile, &i.apparmor_profile);
    labels_before = c->labels;
    c->labels = i.labels;
    i.labels = labels_before;
    c->opted_out = sandbox ? pod_opt_outs_of(sandbox->opt_outs, c->name) : 0;
    c->seccomp = cc->seccomp;
    c->seccomp_digest = cc->seccomp_digest;
    return 0;
}
