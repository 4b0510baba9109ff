/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_bpf.h"

#include "agent/libbpf_text.h"
#include "agent/pins.h"
#include "agent/program_object.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/*
 * The folders of pins (agent/pins.h):
 *
 *   layout-1/varmor_*       the maps; programs of any build with this layout use them
 *   layout-1/links-<build>  the links of one build, named after the digest of its programs
 *
 * So "these programs are attached" is one folder that is there or not. Another build of the same
 * layout is attached beside the old one, over the same maps, and then the old one's links go: in
 * between both judge, which counts twice and reports twice but lets nothing through. (The kernel
 * has no update of a link in place for LSM programs: bpf_link_update() answers EINVAL there on
 * every kernel of the matrix.)
 */
#define LAYOUT_TEXT_(n) #n
#define LAYOUT_TEXT(n)  LAYOUT_TEXT_(n)
#define LAYOUT_FOLDER   "layout-" LAYOUT_TEXT(VARMOR_LAYOUT)
#define LINKS_PREFIX    "links-"

static const char *const kernel_map_names[] = {
    [KERNEL_MAP_CGROUPS] = "varmor_cgroups", [KERNEL_MAP_SLOTS] = "varmor_slots",
    [KERNEL_MAP_CONTROL] = "varmor_control", [KERNEL_MAP_IMAGES] = "varmor_images",
    [KERNEL_MAP_COUNTS] = "varmor_counts",   [KERNEL_MAP_EGRESS] = "varmor_egress",
    [KERNEL_MAP_STATS] = "varmor_stats",     [KERNEL_MAP_EVENTS] = "varmor_events",
    [KERNEL_MAP_NAMES] = "varmor_names",
};
_Static_assert(ARRAY_SIZE(kernel_map_names) == KERNEL_MAPS, "a name for each map");

const char *enforcer_bpf_layout_folder(void)
{
    return LAYOUT_FOLDER;
}

/* The map that only the agent uses: it remembers which name a slot has. */
static int make_names_map(const char *folder, struct error **reterr)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
    CLEANUP_CLOSE int fd =
        bpf_map_create(BPF_MAP_TYPE_HASH, kernel_map_names[KERNEL_MAP_NAMES], sizeof(uint32_t),
                       VARMOR_NAME_BYTES, VARMOR_MAX_SLOTS, &options);
    char path[PINS_PATH_SIZE];
    int r;

    if (fd < 0)
        return error_errno(reterr, fd, "map %s", kernel_map_names[KERNEL_MAP_NAMES]);
    if (snprintf(path, sizeof(path), "%s/%s", folder, kernel_map_names[KERNEL_MAP_NAMES]) >=
        (int)sizeof(path))
        return error_set(reterr, -ENAMETOOLONG, "the path of a pin below %s is too long", folder);
    r = bpf_obj_pin(fd, path);
    return r < 0 ? error_errno(reterr, r, "pinning %s", path) : 0;
}

/* Nothing of this layout is there: maps and links are made in staging and get their name together.
 */
static int load_first(struct pins *pins, const struct kernel_features *features, const char *links,
                      struct error **reterr)
{
    char below[PINS_PATH_SIZE], maps_path[PINS_PATH_SIZE], links_path[PINS_PATH_SIZE];
    int r;

    r = pins_stage(pins, reterr);
    if (r < 0)
        return r;
    if (snprintf(below, sizeof(below), PINS_STAGING "/%s", links) >= (int)sizeof(below))
        return error_set(reterr, -ENAMETOOLONG, "'%s' is too long a name", links);
    pins_path(pins, PINS_STAGING, maps_path);
    if (mkdir(pins_path(pins, below, links_path), 0700) < 0)
        return error_errno(reterr, errno, "%s", links_path);
    r = make_names_map(maps_path, reterr);
    if (r == 0)
        r = program_object_attach(features, maps_path, links_path, reterr);
    return r < 0 ? r : pins_publish(pins, LAYOUT_FOLDER, reterr);
}

/* Another build is attached: ours goes beside it, over the same maps. */
static int load_beside(struct pins *pins, const struct kernel_features *features, const char *links,
                       struct error **reterr)
{
    char below[PINS_PATH_SIZE], maps_path[PINS_PATH_SIZE], links_path[PINS_PATH_SIZE];
    int r;

    if (snprintf(below, sizeof(below), LAYOUT_FOLDER "/%s", links) >= (int)sizeof(below))
        return error_set(reterr, -ENAMETOOLONG, "'%s' is too long a name", links);
    r = pins_stage(pins, reterr);
    if (r < 0)
        return r;
    r = program_object_attach(features, pins_path(pins, LAYOUT_FOLDER, maps_path),
                              pins_path(pins, PINS_STAGING, links_path), reterr);
    return r < 0 ? r : pins_publish(pins, below, reterr);
}

struct others {
    struct pins *pins;
    const char *links; /* of this build */
    struct error **reterr;
};

static int drop_other_build(const char *name, bool is_folder, void *data)
{
    const struct others *others = data;
    char below[PINS_PATH_SIZE];

    if (!is_folder || strcmp(name, others->links) == 0 ||
        snprintf(below, sizeof(below), LAYOUT_FOLDER "/%s", name) >= (int)sizeof(below))
        return 0;
    return pins_drop(others->pins, below, NULL, NULL, others->reterr);
}

int enforcer_bpf_load(struct pins *pins, const struct kernel_features *features,
                      char ret_links[static PINS_PATH_SIZE], struct error **reterr)
{
    char id[PROGRAM_OBJECT_ID_SIZE], links[sizeof(id) + sizeof(LINKS_PREFIX)];
    char below[sizeof(links) + sizeof(LAYOUT_FOLDER)];
    struct others others = {.pins = pins, .links = links, .reterr = reterr};
    int r;

    r = program_object_build_id(id);
    if (r < 0)
        return error_oom(reterr);
    snprintf(links, sizeof(links), LINKS_PREFIX "%s", id);
    snprintf(below, sizeof(below), LAYOUT_FOLDER "/%s", links);
    if (!pins_has(pins, below)) {
        libbpf_text_begin();
        if (pins_has(pins, LAYOUT_FOLDER))
            r = load_beside(pins, features, links, reterr);
        else
            r = load_first(pins, features, links, reterr);
        libbpf_text_end();
        malloc_trim(0); /* loading took some 20 MiB that are not needed any more */
        if (r < 0) {
            pins_drop(pins, PINS_STAGING, NULL, NULL, NULL); /* else the next pins_open() does it */
            return r;
        }
    }
    r = pins_list(pins, LAYOUT_FOLDER, drop_other_build, &others, reterr);
    if (r == 0)
        pins_path(pins, below, ret_links);
    return r;
}

static int drop_other_layout(const char *name, bool is_folder UNUSED, void *data)
{
    const struct others *others = data;

    if (strcmp(name, LAYOUT_FOLDER) == 0 || strcmp(name, PINS_STAGING) == 0)
        return 0;
    return pins_drop(others->pins, name, NULL, NULL, others->reterr);
}

int enforcer_bpf_drop_other_layouts(struct pins *pins, struct error **reterr)
{
    struct others others = {.pins = pins, .reterr = reterr};

    return pins_list(pins, ".", drop_other_layout, &others, reterr);
}

int enforcer_bpf_open_maps(const struct pins *pins, int maps[static KERNEL_MAPS],
                           struct error **reterr)
{
    char below[PINS_PATH_SIZE], path[PINS_PATH_SIZE];
    int fds[KERNEL_MAPS];

    for (int i = 0; i < KERNEL_MAPS; i++) {
        snprintf(below, sizeof(below), LAYOUT_FOLDER "/%s", kernel_map_names[i]);
        fds[i] = bpf_obj_get(pins_path(pins, below, path));
        if (fds[i] >= 0)
            continue;
        error_errno(reterr, fds[i], "%s", path);
        for (int n = 0; n < i; n++)
            close(fds[n]);
        return fds[i];
    }
    memcpy(maps, fds, sizeof(fds));
    return 0;
}
