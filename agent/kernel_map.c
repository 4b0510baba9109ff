/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kernel_map.h"

#include "lib/ruleset/ruleset.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>

int kernel_map_new_array(int *ret_fd, const char *name, uint32_t cell_bytes, uint32_t n,
                         struct error **reterr)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), cell_bytes, n, &options);

    if (fd < 0)
        return error_errno(reterr, fd, "map %s of %u cells", name, n);
    *ret_fd = fd;
    return 0;
}

int kernel_map_new_trie(int *ret_fd, const char *name, uint32_t n, struct error **reterr)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
    int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, name, sizeof(struct varmor_prefix),
                            sizeof(struct varmor_leaf), n, &options);

    if (fd < 0)
        return error_errno(reterr, fd, "map %s of %u prefixes", name, n);
    *ret_fd = fd;
    return 0;
}

int kernel_map_size(int fd, uint32_t *ret_n)
{
    struct bpf_map_info info = {};
    uint32_t size = sizeof(info);
    int r = bpf_obj_get_info_by_fd(fd, &info, &size);

    if (r < 0)
        return r;
    *ret_n = info.max_entries;
    return 0;
}

int kernel_window_open(struct kernel_window *ret, int fd, size_t n_bytes)
{
    void *data = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (data == MAP_FAILED)
        return -errno;
    *ret = (struct kernel_window){.data = data, .n_bytes = n_bytes};
    return 0;
}

void kernel_window_done(struct kernel_window *w)
{
    if (w->data)
        munmap(w->data, w->n_bytes);
    *w = (struct kernel_window){};
}

int kernel_map_open_inner(int outer_fd, uint32_t version, int *ret_fd)
{
    uint32_t id;
    int r, fd;

    r = bpf_map_lookup_elem(outer_fd, &version, &id);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    fd = bpf_map_get_fd_by_id(id);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    *ret_fd = fd;
    return 1;
}

int kernel_map_put_inner(int outer_fd, uint32_t version, int inner_fd)
{
    return bpf_map_update_elem(outer_fd, &version, &inner_fd, BPF_ANY);
}

int kernel_map_drop_inner(int outer_fd, uint32_t version)
{
    int r = bpf_map_delete_elem(outer_fd, &version);

    return r == -ENOENT ? 0 : r;
}

int kernel_map_versions(int outer_fd, uint32_t **ret, size_t *ret_n)
{
    CLEANUP_FREE uint32_t *versions = calloc(VARMOR_MAX_VERSIONS, sizeof(versions[0]));
    uint32_t *previous = NULL;
    size_t n = 0;
    uint32_t key;
    int r;

    if (!versions)
        return -ENOMEM;
    while ((r = bpf_map_get_next_key(outer_fd, previous, &key)) == 0) {
        if (n == VARMOR_MAX_VERSIONS)
            return -E2BIG;
        versions[n] = key;
        previous = &versions[n++];
    }
    if (r != -ENOENT)
        return r;
    *ret = TAKE(versions);
    *ret_n = n;
    return 0;
}

/* All in one system call. A kernel that cannot do this for tries answers before it stores anything.
 */
static int trie_fill_at_once(int fd, const struct ruleset_prefix *prefixes, size_t n)
{
    CLEANUP_FREE struct varmor_prefix *keys = calloc(n, sizeof(keys[0]));
    CLEANUP_FREE struct varmor_leaf *leaves = calloc(n, sizeof(leaves[0]));
    uint32_t count = (uint32_t)n;

    if (!keys || !leaves)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        keys[i] = prefixes[i].key;
        leaves[i] = prefixes[i].leaf;
    }
    return bpf_map_update_batch(fd, keys, leaves, &count, NULL);
}

#define ERRNO_NOTSUPP                                                                              \
    524 /* the kernel's own ENOTSUPP, which it hands out for missing map operations */

int kernel_map_fill_trie(int fd, const struct ruleset_prefix *prefixes, size_t n)
{
    int r;

    if (n == 0)
        return 0;
    r = trie_fill_at_once(fd, prefixes, n);
    if (r != -ERRNO_NOTSUPP && r != -EOPNOTSUPP && r != -EINVAL)
        return r;
    for (size_t i = 0; i < n; i++) {
        r = bpf_map_update_elem(fd, &prefixes[i].key, &prefixes[i].leaf, BPF_ANY);
        if (r < 0)
            return r;
    }
    return 0;
}

int kernel_map_read_trie(int fd, struct ruleset_prefix **ret, size_t *ret_n, size_t max)
{
    CLEANUP_FREE struct ruleset_prefix *prefixes = calloc(max + 1, sizeof(prefixes[0]));
    struct varmor_prefix *previous = NULL;
    struct varmor_prefix key;
    size_t n = 0;
    int r;

    if (!prefixes)
        return -ENOMEM;
    while ((r = bpf_map_get_next_key(fd, previous, &key)) == 0) {
        if (n == max)
            return -E2BIG;
        prefixes[n].key = key;
        previous = &prefixes[n].key;
        r = bpf_map_lookup_elem(fd, &key, &prefixes[n].leaf);
        if (r < 0)
            return r;
        n++;
    }
    if (r != -ENOENT)
        return r;
    ruleset_sort_prefixes(prefixes, n);
    *ret = TAKE(prefixes);
    *ret_n = n;
    return 0;
}
