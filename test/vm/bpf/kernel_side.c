/* SPDX-License-Identifier: Apache-2.0 */
#include "test/vm/bpf/kernel_side.h"

#include "bpf/hooks.h"
#include "bpf/varmor.skel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct hook {
    const char *program, *hook;
    enum varmor_hook_kind kind;
};
#define ROW(program, hook, kind, covers) {#program, #hook, kind},
static const struct hook hooks[] = {VARMOR_HOOKS(ROW)};

static PRINTF_FORMAT(2, 0) int print_all(enum libbpf_print_level level, const char *format,
                                         va_list args)
{
    return level == LIBBPF_DEBUG ? 0 : vprintf(format, args);
}

static uint64_t now_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int32_t hook_btf_id(const struct btf *btf, const char *hook)
{
    char name[128];

    snprintf(name, sizeof(name), "bpf_lsm_%s", hook);
    return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
}

static unsigned hook_n_params(const struct btf *btf, const char *hook)
{
    const struct btf_type *func = btf__type_by_id(btf, (unsigned)hook_btf_id(btf, hook));

    return func ? btf_vlen(btf__type_by_id(btf, func->type)) : 0;
}

/* The root directory of process 1: the last mount on "/" of its mountinfo, and its inode. */
static int read_host_root(uint32_t *ret_dev, uint64_t *ret_ino)
{
    FILE *f = fopen("/proc/1/mountinfo", "re");
    char line[4096], where[1024];
    unsigned major, minor;
    struct stat st;
    int r = -ENOENT;

    if (!f)
        return -errno;
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%*d %*d %u:%u %*s %1023s", &major, &minor, where) == 3 &&
            strcmp(where, "/") == 0) {
            *ret_dev = major << 20 | minor;
            r = 0;
        }
    }
    fclose(f);
    if (stat("/proc/1/root/", &st) < 0)
        return -errno;
    *ret_ino = st.st_ino;
    return r;
}

static bool wanted(const struct kernel_side *k, const struct btf *btf, const struct hook *h)
{
    return varmor_hook_wanted(h->kind, h->kind == HOOK_NEEDED || hook_btf_id(btf, h->hook) > 0,
                              k->has_task_storage);
}

static int set_facts(struct kernel_side *k, const struct btf *btf)
{
    uint32_t dev = 0;
    uint64_t ino = 0;
    int r;

    r = read_host_root(&dev, &ino);
    if (r < 0)
        return r;
    k->has_task_storage = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) == 1;
    k->skel->rodata->varmor_have_task_storage = k->has_task_storage;
    k->skel->rodata->varmor_have_uring_override = hook_btf_id(btf, "uring_override_creds") > 0;
    k->skel->rodata->varmor_have_rename_flags = hook_n_params(btf, "path_rename") == 5;
    k->skel->rodata->varmor_host_dev = dev;
    k->skel->rodata->varmor_host_ino = ino;
    bpf_map__set_autocreate(k->skel->maps.varmor_tasks, k->has_task_storage);
    bpf_map__set_autocreate(k->skel->maps.varmor_walks, k->has_task_storage);
    bpf_map__set_autocreate(k->skel->maps.varmor_labels, !k->has_task_storage);
    return 0;
}

int kernel_side_load(struct kernel_side *k)
{
    struct btf *btf = btf__load_vmlinux_btf();
    int r;

    *k = (struct kernel_side){.next_version = 1};
    if (!btf)
        return -errno;
    libbpf_set_print(print_all);
    k->skel = varmor_bpf__open();
    if (!k->skel) {
        r = -errno;
        goto out;
    }
    r = set_facts(k, btf);
    for (size_t i = 0; r == 0 && i < sizeof(hooks) / sizeof(hooks[0]); i++) {
        struct bpf_program *p = bpf_object__find_program_by_name(k->skel->obj, hooks[i].program);

        r = p ? bpf_program__set_autoload(p, wanted(k, btf, &hooks[i])) : -ENOENT;
        if (r < 0)
            printf("program %s: %s\n", hooks[i].program, strerror(-r));
    }
    if (r == 0) {
        uint64_t began = now_ns(CLOCK_MONOTONIC);

        r = varmor_bpf__load(k->skel);
        printf("loading took %llu ms\n",
               (unsigned long long)(now_ns(CLOCK_MONOTONIC) - began) / 1000000);
    }
out:
    btf__free(btf);
    return r;
}

static int take_event(void *data, void *record, size_t size)
{
    struct kernel_side *k = data;
    const struct varmor_event *e = record;
    struct kernel_side_event *kept = &k->events[k->n_events % KERNEL_SIDE_EVENTS];

    if (size < sizeof(*e) || size - sizeof(*e) < e->text_len || e->text_len >= sizeof(kept->text))
        return -EBADMSG;
    kept->event = *e;
    memcpy(kept->text, e + 1, e->text_len);
    kept->text[e->text_len] = '\0';
    k->n_events++;
    return 0;
}

int kernel_side_attach(struct kernel_side *k)
{
    k->ring = ring_buffer__new(bpf_map__fd(k->skel->maps.varmor_events), take_event, k, NULL);
    if (!k->ring)
        return -errno;
    return varmor_bpf__attach(k->skel);
}

size_t kernel_side_read_events(struct kernel_side *k)
{
    int r;

    k->n_events = 0;
    r = ring_buffer__consume(k->ring);
    if (r < 0)
        printf("a record cannot be read: %s\n", strerror(-r));
    return k->n_events;
}

void kernel_side_done(struct kernel_side *k)
{
    ring_buffer__free(k->ring);
    varmor_bpf__destroy(k->skel);
    k->ring = NULL;
    k->skel = NULL;
}

struct bpf_object *kernel_side_object(const struct kernel_side *k)
{
    return k->skel->obj;
}

void kernel_side_print_costs(const struct kernel_side *k)
{
    struct bpf_program *p;
    unsigned long total = 0;

    bpf_object__for_each_program(p, k->skel->obj)
    {
        struct bpf_prog_info info = {};
        uint32_t size = sizeof(info);
        int fd = bpf_program__fd(p);

        if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
            continue;
        printf("  %-24s %6u instructions, %7u verified\n", bpf_program__name(p),
               (unsigned)(info.xlated_prog_len / 8), info.verified_insns);
        total += info.verified_insns;
    }
    printf("  %lu instructions verified in all\n", total);
}

static int make_array(uint32_t cell, uint32_t n, const void *data, size_t data_n)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "varmor_inner", 4, cell, n, &options);

    if (fd < 0)
        return -errno;
    for (uint32_t i = 0; i < data_n; i++)
        if (bpf_map_update_elem(fd, &i, (const char *)data + (size_t)i * cell, 0) < 0)
            return -errno;
    return fd;
}

static int make_trie(const struct ruleset *rules)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
    int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "varmor_trie", sizeof(struct varmor_prefix),
                            sizeof(struct varmor_leaf), rules->n_prefixes + 1, &options);

    if (fd < 0)
        return -errno;
    for (size_t i = 0; i < rules->n_prefixes; i++)
        if (bpf_map_update_elem(fd, &rules->prefixes[i].key, &rules->prefixes[i].leaf, 0) < 0)
            return -errno;
    return fd;
}

int kernel_side_make_image(const struct ruleset *rules)
{
    return make_array(sizeof(struct varmor_line), (uint32_t)rules->n_lines, rules->lines,
                      rules->n_lines);
}

int kernel_side_put(struct kernel_side *k, uint32_t slot, const struct ruleset *rules)
{
    int image = kernel_side_make_image(rules);
    int counts = make_array(sizeof(uint64_t), rules->n_rules, NULL, 0);
    int trie = make_trie(rules);
    uint32_t version = k->next_version++;
    int r = 0;

    if (image < 0 || counts < 0 || trie < 0)
        return -EIO;
    if (bpf_map_update_elem(bpf_map__fd(k->skel->maps.varmor_images), &version, &image, 0) < 0 ||
        bpf_map_update_elem(bpf_map__fd(k->skel->maps.varmor_counts), &version, &counts, 0) < 0 ||
        bpf_map_update_elem(bpf_map__fd(k->skel->maps.varmor_egress), &version, &trie, 0) < 0 ||
        bpf_map_update_elem(bpf_map__fd(k->skel->maps.varmor_slots), &slot, &version, 0) < 0)
        r = -errno;
    close(image);
    close(counts);
    close(trie);
    return r < 0 ? r : (int)version;
}

int kernel_side_clear(struct kernel_side *k, uint32_t slot)
{
    uint32_t none = 0;

    return bpf_map_update_elem(bpf_map__fd(k->skel->maps.varmor_slots), &slot, &none, 0) < 0
               ? -errno
               : 0;
}

int kernel_side_bind(struct kernel_side *k, uint64_t cgroup, uint32_t slot, bool running)
{
    struct varmor_binding binding = {
        .slot = slot,
        .flags = running ? VARMOR_BIND_RUNNING : 0,
        .bound_ns = now_ns(CLOCK_BOOTTIME),
    };
    struct varmor_control control = {.running_ns = binding.bound_ns};
    uint32_t zero = 0;

    if (bpf_map_update_elem(bpf_map__fd(k->skel->maps.varmor_cgroups), &cgroup, &binding, 0) < 0)
        return -errno;
    if (running &&
        bpf_map_update_elem(bpf_map__fd(k->skel->maps.varmor_control), &zero, &control, 0))
        return -errno;
    return 0;
}

uint64_t kernel_side_count(const struct kernel_side *k, uint32_t version, uint32_t rule)
{
    uint32_t id = 0;
    uint64_t value = 0;
    int fd;

    if (bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.varmor_counts), &version, &id) < 0)
        return 0;
    fd = bpf_map_get_fd_by_id(id);
    if (fd < 0)
        return 0;
    bpf_map_lookup_elem(fd, &rule, &value);
    close(fd);
    return value;
}

uint64_t kernel_side_stat(const struct kernel_side *k, enum varmor_stat stat)
{
    uint64_t values[256] = {}, sum = 0;
    uint32_t key = stat;
    int n = libbpf_num_possible_cpus();

    if (n < 0 || n > 256 ||
        bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.varmor_stats), &key, values) < 0)
        return 0;
    for (int i = 0; i < n; i++)
        sum += values[i];
    return sum;
}
