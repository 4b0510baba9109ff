/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/program_object.h"

#include "agent/kernel_features.h"
#include "agent/libbpf_text.h"
#include "bpf/hooks.h"
#include "bpf/varmor.skel.h"
#include "lib/buf.h"
#include "lib/digest.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MOUNTINFO_MAX (1024 * 1024)
#define MINOR_BITS    20          /* of a device number inside the kernel */
#define INIT_PID_NS   0xeffffffcU /* inode of the first PID namespace, fixed in the kernel */
#define PATH_SIZE     512         /* of a pin, with its NUL */
/* Of the hook path_rename where it is told the flags of renameat2(2). */
#define RENAME_PARAMETERS 5

DEFINE_CLEANUP(struct varmor_bpf *, varmor_bpf__destroy)
DEFINE_CLEANUP(struct bpf_link *, bpf_link__destroy)
DEFINE_CLEANUP(struct btf *, btf__free)

struct hook {
    const char *program, *name, *covers;
    enum varmor_hook_kind kind;
};
#define HOOK_ROW(program, hook, kind, covers) {#program, #hook, covers, kind},
static const struct hook hooks[] = {VARMOR_HOOKS(HOOK_ROW)};

int program_object_build_id(char text[static PROGRAM_OBJECT_ID_SIZE])
{
    char digest_text[DIGEST_TEXT_SIZE];
    struct digest digest;
    const void *bytes;
    size_t size;
    int r;

    bytes = varmor_bpf__elf_bytes(&size);
    r = digest_of(&digest, bytes, size);
    if (r < 0)
        return r;
    snprintf(text, PROGRAM_OBJECT_ID_SIZE, "%.*s", PROGRAM_OBJECT_ID_SIZE - 1,
             digest_format(&digest, digest_text));
    return 0;
}

/* ---- what the programs are told about this host ---- */

/* The text behind n fields, each ended by a space; NULL if the line has no more. */
static const char *fields_skip(const char *text, unsigned n)
{
    for (; n > 0; n--) {
        text += strcspn(text, " \n");
        if (*text++ != ' ')
            return NULL;
    }
    return text;
}

/* "254:1 ", as the kernel encodes it. */
static bool device_read(const char *text, uint32_t *ret)
{
    unsigned long major_number, minor_number;
    char *end;

    major_number = strtoul(text, &end, 10);
    if (end == text || *end != ':')
        return false;
    text = end + 1;
    minor_number = strtoul(text, &end, 10);
    if (end == text || *end != ' ')
        return false;
    *ret = (uint32_t)(major_number << MINOR_BITS | minor_number);
    return true;
}

int program_object_parse_root_device(const char *mountinfo, uint32_t *ret)
{
    bool found = false;

    /* 23 1 254:1 / / rw,relatime ...: identifiers, device, root, mount point; the last mount of "/"
     * counts */
    for (const char *line = mountinfo; line && *line; line = strchr(line, '\n')) {
        const char *device, *mount_point;

        line += *line == '\n';
        device = fields_skip(line, 2);
        mount_point = device ? fields_skip(device, 2) : NULL;
        if (mount_point && strncmp(mount_point, "/ ", 2) == 0 && device_read(device, ret))
            found = true;
    }
    return found ? 0 : -EINVAL;
}

static int file_read(const char *path, struct buf *b)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    char chunk[4096];
    int r;

    if (fd < 0)
        return -errno;
    while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
        r = buf_add(b, chunk, (size_t)n);
        if (r < 0)
            return r;
    }
    return n < 0 ? -errno : 0;
}

/* Device and inode of the host's root directory, which is that of its first process. */
static int host_root_read(uint32_t *ret_dev, uint64_t *ret_ino, struct error **reterr)
{
    struct buf CLEANUP_BUF mountinfo = BUF_INIT(MOUNTINFO_MAX);
    struct stat ns, root;
    int r;

    if (stat("/proc/self/ns/pid", &ns) < 0)
        return error_errno(reterr, errno, "/proc/self/ns/pid");
    if (ns.st_ino != INIT_PID_NS)
        return error_set(reterr, -EINVAL,
                         "the agent runs in a PID namespace of its own and cannot see "
                         "the host's first process; share the host's (hostPID: true)");
    r = file_read("/proc/1/mountinfo", &mountinfo);
    if (r == 0)
        r = program_object_parse_root_device(buf_text(&mountinfo), ret_dev);
    if (r < 0)
        return error_errno(reterr, r, "/proc/1/mountinfo");
    if (stat("/proc/1/root/", &root) < 0)
        return error_errno(reterr, errno, "/proc/1/root");
    *ret_ino = root.st_ino;
    return 0;
}

/* ---- making it fit this kernel ---- */

/* Programs can be attached to functions that take a structure by value since the kernel's model of
 * a function describes the kinds of its arguments. */
static bool structs_can_be_passed(const struct btf *btf)
{
    int id = btf__find_by_name_kind(btf, "btf_func_model", BTF_KIND_STRUCT);
    const struct btf_type *model = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

    for (unsigned i = 0; model && i < btf_vlen(model); i++)
        if (strcmp(btf__name_by_offset(btf, btf_members(model)[i].name_off), "arg_flags") == 0)
            return true;
    return false;
}

static bool takes_struct(const struct btf *btf, const struct btf_type *prototype)
{
    for (unsigned i = 0; i < btf_vlen(prototype); i++) {
        int id = btf__resolve_type(btf, btf_params(prototype)[i].type);

        if (id > 0 && btf_is_composite(btf__type_by_id(btf, (uint32_t)id)))
            return true;
    }
    return false;
}

/* The type of a hook that programs can be attached to; NULL if the kernel has none. */
static const struct btf_type *hook_type(const struct btf *btf, const char *hook)
{
    const struct btf_type *function, *prototype;
    char name[128];
    int id;

    snprintf(name, sizeof(name), "bpf_lsm_%s", hook);
    id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
    function = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
    prototype = function ? btf__type_by_id(btf, function->type) : NULL;
    if (prototype && takes_struct(btf, prototype) && !structs_can_be_passed(btf))
        return NULL;
    return prototype;
}

static int choose_programs(struct varmor_bpf *skel, const struct kernel_features *features,
                           const struct btf *btf, struct error **reterr)
{
    for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
        const struct hook *hook = &hooks[i];
        struct bpf_program *program = bpf_object__find_program_by_name(skel->obj, hook->program);
        bool is_there = hook_type(btf, hook->name) != NULL;

        if (!program)
            return error_set(reterr, -ENOENT, "the BPF object has no program %s", hook->program);
        if (!is_there && hook->kind == HOOK_NEEDED)
            return error_set(reterr, -EOPNOTSUPP,
                             "this kernel has no LSM hook %s, without which %s cannot "
                             "be enforced",
                             hook->name, hook->covers);
        bpf_program__set_autoload(program,
                                  varmor_hook_wanted(hook->kind, is_there, features->task_storage));
    }
    return 0;
}

static int set_facts(struct varmor_bpf *skel, const struct kernel_features *features,
                     const struct btf *btf, struct error **reterr)
{
    const struct btf_type *rename = hook_type(btf, "path_rename");
    uint32_t dev = 0;
    uint64_t ino = 0;
    int r = host_root_read(&dev, &ino, reterr);

    if (r < 0)
        return r;
    skel->rodata->varmor_host_dev = dev;
    skel->rodata->varmor_host_ino = ino;
    skel->rodata->varmor_have_task_storage = features->task_storage;
    skel->rodata->varmor_have_uring_override = hook_type(btf, "uring_override_creds") != NULL;
    skel->rodata->varmor_have_rename_flags = rename && btf_vlen(rename) == RENAME_PARAMETERS;
    return 0;
}

/* Which maps this kernel needs, and where they are or shall be pinned. libbpf takes over a map
 * whose pin is there, and refuses one of another shape. */
static int choose_maps(struct varmor_bpf *skel, const struct kernel_features *features,
                       const char *folder, struct error **reterr)
{
    char path[PATH_SIZE];
    struct bpf_map *map;
    int r = 0;

    bpf_map__set_autocreate(skel->maps.varmor_tasks, features->task_storage);
    bpf_map__set_autocreate(skel->maps.varmor_walks, features->task_storage);
    bpf_map__set_autocreate(skel->maps.varmor_labels, !features->task_storage);
    bpf_object__for_each_map(map, skel->obj)
    {
        if (bpf_map__is_internal(map) || !bpf_map__autocreate(map))
            continue;
        if (snprintf(path, sizeof(path), "%s/%s", folder, bpf_map__name(map)) >= (int)sizeof(path))
            return error_set(reterr, -ENAMETOOLONG, "the path of a pin below %s is too long",
                             folder);
        r = bpf_map__set_pin_path(map, path);
        if (r < 0)
            return error_errno(reterr, r, "map %s", bpf_map__name(map));
    }
    return 0;
}

/* Opens the object and makes it fit; nothing is in the kernel yet. */
static int object_open(struct varmor_bpf **ret, const struct kernel_features *features,
                       const char *maps_folder, struct error **reterr)
{
    CLEANUP(btf__free) struct btf *btf = btf__load_vmlinux_btf();
    CLEANUP(varmor_bpf__destroy) struct varmor_bpf *skel = NULL;
    int r;

    if (!btf)
        return error_errno(reterr, errno, "the kernel's type information");
    skel = varmor_bpf__open();
    if (!skel)
        return error_errno(reterr, errno, "the BPF object%s", libbpf_text_last());
    r = set_facts(skel, features, btf, reterr);
    if (r == 0)
        r = choose_programs(skel, features, btf, reterr);
    if (r == 0)
        r = choose_maps(skel, features, maps_folder, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(skel);
    return 0;
}

/* Attaches a program and leaves the link to its pin. */
static int attach(struct bpf_program *program, const char *hook, const char *folder,
                  struct error **reterr)
{
    CLEANUP(bpf_link__destroy) struct bpf_link *link = bpf_program__attach_lsm(program);
    char path[PATH_SIZE];
    int r;

    if (!link)
        return error_errno(reterr, errno, "attaching %s%s", bpf_program__name(program),
                           libbpf_text_last());
    if (snprintf(path, sizeof(path), "%s/%s", folder, hook) >= (int)sizeof(path))
        return error_set(reterr, -ENAMETOOLONG, "the path of a pin below %s is too long", folder);
    r = bpf_link__pin(link, path);
    if (r < 0)
        return error_errno(reterr, r, "pinning %s", path);
    return 0; /* closes our descriptor; the pin keeps the link */
}

int program_object_attach(const struct kernel_features *features, const char *maps_folder,
                          const char *links_folder, struct error **reterr)
{
    CLEANUP(varmor_bpf__destroy) struct varmor_bpf *skel = NULL;
    int r;

    r = object_open(&skel, features, maps_folder, reterr);
    if (!skel)
        return r;
    r = varmor_bpf__load(skel);
    if (r < 0)
        return error_errno(reterr, r, "loading the BPF programs%s", libbpf_text_last());
    for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
        struct bpf_program *program = bpf_object__find_program_by_name(skel->obj, hooks[i].program);

        if (!bpf_program__autoload(program))
            continue;
        r = attach(program, hooks[i].name, links_folder, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

void program_object_tell_gaps(const char *links_folder,
                              void (*told)(const char *covers, void *data), void *data)
{
    char path[PATH_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
        if (hooks[i].kind != HOOK_GAP_IF_MISSING && hooks[i].kind != HOOK_WITH_TASK_STORAGE)
            continue;
        snprintf(path, sizeof(path), "%s/%s", links_folder, hooks[i].name);
        if (access(path, F_OK) < 0)
            told(hooks[i].covers, data);
    }
}
