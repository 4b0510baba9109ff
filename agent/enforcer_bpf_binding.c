/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_bpf.h"

#include "agent/cgroup.h"
#include "agent/container.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t boottime_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

int enforcer_bpf_slot_reserve(struct enforcer_bpf *e, const char *profile,
                              struct profile_slot **ret, struct error **reterr)
{
    char name[VARMOR_NAME_BYTES] = "";
    struct profile_slot *slot = profile_slots_find(e->table, profile);
    int r;

    if (slot) {
        *ret = slot;
        return 0;
    }
    r = profile_slots_add(e->table, profile, 0, &slot, reterr);
    if (!slot)
        return r;
    memcpy(name, slot->profile, sizeof(slot->profile));
    r = bpf_map_update_elem(e->maps[KERNEL_MAP_NAMES], &slot->number, name, BPF_ANY);
    if (r < 0) {
        profile_slots_drop(e->table, slot);
        return error_errno(reterr, r, "the kernel's name of slot %u", slot->number);
    }
    *ret = slot;
    return 0;
}

void enforcer_bpf_slot_release(struct enforcer_bpf *e, struct profile_slot *slot)
{
    if (slot->version || slot->n_bindings)
        return;
    bpf_map_delete_elem(e->maps[KERNEL_MAP_NAMES], &slot->number);
    profile_slots_drop(e->table, slot);
}

/* Programs look for tasks that began before this moment and have no label yet. Never goes back. */
static void running_raise(struct enforcer_bpf *e, uint64_t bound_ns)
{
    struct varmor_control *control = e->control.data;

    if (__atomic_load_n(&control->running_ns, __ATOMIC_ACQUIRE) < bound_ns)
        __atomic_store_n(&control->running_ns, bound_ns, __ATOMIC_RELEASE);
}

/* The binding of a cgroup: 1, 0 if there is none, or a negative errno. */
static int binding_get(const struct enforcer_bpf *e, uint64_t cgroup_id, struct varmor_binding *ret)
{
    int r = bpf_map_lookup_elem(e->maps[KERNEL_MAP_CGROUPS], &cgroup_id, ret);

    return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

const struct profile_slot *enforcer_bpf_slot_of_cgroup(const struct enforcer_bpf *e,
                                                       uint64_t cgroup_id)
{
    struct varmor_binding binding;

    return binding_get(e, cgroup_id, &binding) == 1 ? profile_slots_at(e->table, binding.slot)
                                                    : NULL;
}

/* One binding of the slot is gone. */
static void binding_left(struct enforcer_bpf *e, uint32_t number)
{
    struct profile_slot *slot = profile_slots_at(e->table, number);

    if (!slot)
        return;
    if (slot->n_bindings > 0)
        slot->n_bindings--;
    enforcer_bpf_slot_release(e, slot);
}

static int binding_put(struct enforcer_bpf *e, uint64_t cgroup_id,
                       const struct varmor_binding *binding, struct error **reterr)
{
    int r = bpf_map_update_elem(e->maps[KERNEL_MAP_CGROUPS], &cgroup_id, binding, BPF_ANY);

    if (r == -E2BIG)
        return error_set(reterr, r, "%d containers are bound on this node, which is the limit",
                         VARMOR_MAX_BINDINGS);
    return r < 0 ? error_errno(reterr, r, "binding of cgroup %llu", (unsigned long long)cgroup_id)
                 : 0;
}

int enforcer_bpf_bind(struct enforcer *base, const struct container *c, const char *profile_name,
                      bool running, struct error **reterr)
{
    struct enforcer_bpf *e = (struct enforcer_bpf *)base;
    struct varmor_binding old = {}, new = {};
    struct profile_slot *slot = NULL;
    int r, had;

    r = enforcer_bpf_require_usable(e, reterr);
    if (r < 0)
        return r;
    if (c->cgroup_id == 0)
        return error_set(reterr, -EINVAL, "the cgroup of container '%s' is not known",
                         error_quote(c->name));
    had = binding_get(e, c->cgroup_id, &old);
    if (had < 0)
        return error_errno(reterr, had, "binding of container '%s'", error_quote(c->name));
    r = enforcer_bpf_slot_reserve(e, profile_name, &slot, reterr);
    if (!slot)
        return r;
    if (had && old.slot == slot->number && (!running || (old.flags & VARMOR_BIND_RUNNING)))
        return 0; /* it holds since an earlier moment than now, so it stays as it is */

    new.slot = slot->number;
    new.bound_ns = boottime_ns();
    new.flags = running ? VARMOR_BIND_RUNNING : 0;
    r = binding_put(e, c->cgroup_id, &new, reterr);
    if (r < 0) {
        enforcer_bpf_slot_release(e, slot);
        return r;
    }
    slot->n_bindings++; /* before the old one leaves: it may be of the same slot */
    if (running)
        running_raise(e, new.bound_ns);
    if (had)
        binding_left(e, old.slot);
    return 0;
}

int enforcer_bpf_unbind(struct enforcer *base, uint64_t cgroup_id, struct error **reterr)
{
    struct enforcer_bpf *e = (struct enforcer_bpf *)base;
    struct varmor_binding old;
    int r = enforcer_bpf_require_usable(e, reterr);

    if (r < 0)
        return r;
    r = binding_get(e, cgroup_id, &old);
    if (r > 0)
        r = bpf_map_delete_elem(e->maps[KERNEL_MAP_CGROUPS], &cgroup_id);
    else if (r == 0)
        return 0;
    if (r < 0)
        return error_errno(reterr, r, "binding of cgroup %llu", (unsigned long long)cgroup_id);
    binding_left(e, old.slot);
    return 0;
}

/* The cgroups that have a binding; the list is the caller's to free. */
static int bound_cgroups(const struct enforcer_bpf *e, uint64_t **ret, size_t *ret_n)
{
    CLEANUP_FREE uint64_t *ids = calloc(VARMOR_MAX_BINDINGS, sizeof(ids[0]));
    uint64_t *previous = NULL, id;
    size_t n = 0;
    int r;

    if (!ids)
        return -ENOMEM;
    while ((r = bpf_map_get_next_key(e->maps[KERNEL_MAP_CGROUPS], previous, &id)) == 0) {
        if (n == VARMOR_MAX_BINDINGS)
            return -E2BIG;
        ids[n] = id;
        previous = &ids[n++];
    }
    if (r != -ENOENT)
        return r;
    *ret = TAKE(ids);
    *ret_n = n;
    return 0;
}

int enforcer_bpf_bindings(struct enforcer *base,
                          void (*found)(uint64_t cgroup_id, const char *profile, void *data),
                          void *data, struct error **reterr)
{
    struct enforcer_bpf *e = (struct enforcer_bpf *)base;
    CLEANUP_FREE uint64_t *ids = NULL;
    size_t n = 0;
    int r = enforcer_bpf_require_usable(e, reterr);

    if (r < 0)
        return r;
    r = bound_cgroups(e, &ids, &n);
    if (r < 0)
        return error_errno(reterr, r, "the kernel's bindings");
    for (size_t i = 0; i < n; i++) {
        struct varmor_binding binding;
        const struct profile_slot *slot;

        if (binding_get(e, ids[i], &binding) != 1)
            continue;
        slot = profile_slots_at(e->table, binding.slot);
        found(ids[i], slot ? slot->profile : "", data);
    }
    return 0;
}

#define FILEID_KERNFS 0xfe /* the kernel's enum fid_type; its handle is the cgroup's id */

/* True if it is certain that there is no cgroup with this id. */
static bool cgroup_is_gone(int hierarchy_fd, uint64_t id)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + sizeof(id)];
    } h = {.handle = {.handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS}};
    CLEANUP_CLOSE int fd = -1;

    memcpy(h.room + sizeof(struct file_handle), &id, sizeof(id));
    fd = open_by_handle_at(hierarchy_fd, &h.handle, O_PATH | O_CLOEXEC);
    return fd < 0 && errno == ESTALE;
}

static int hierarchy_open(void)
{
    struct cgroup_root root = CGROUP_ROOT_NONE;
    int fd = -1;

    if (cgroup_root_open(&root, NULL) == 0)
        fd = open(root.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cgroup_root_done(&root);
    return fd;
}

int enforcer_bpf_adopt_bindings(struct enforcer_bpf *e, struct error **reterr)
{
    CLEANUP_CLOSE int hierarchy_fd = hierarchy_open();
    CLEANUP_FREE uint64_t *ids = NULL;
    size_t n = 0;
    int r = bound_cgroups(e, &ids, &n);

    if (r < 0)
        return error_errno(reterr, r, "the kernel's bindings");
    for (size_t i = 0; i < n; i++) {
        struct varmor_binding binding;
        struct profile_slot *slot;

        if (binding_get(e, ids[i], &binding) != 1)
            continue;
        slot = profile_slots_at(e->table, binding.slot);
        if (!slot || (hierarchy_fd >= 0 && cgroup_is_gone(hierarchy_fd, ids[i])))
            bpf_map_delete_elem(e->maps[KERNEL_MAP_CGROUPS], &ids[i]);
        else
            slot->n_bindings++;
    }
    return 0;
}
