/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/apparmor_kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/apparmor.h>
#include <sys/syscall.h>

#include "agent/apparmor_binary.h"
#include "agent/apparmor_features.h"
#include "agent/whole_file.h"
#include "lib/profile.h"

#define ENABLED_FILE    "/sys/module/apparmor/parameters/enabled"
#define PROFILES_FOLDER "policy/profiles"
#define SMALL_FILE_MAX  4096

struct apparmor_kernel {
    aa_kernel_interface *interface; /* owned */
    int fd;                         /* owned; AppArmor's folder of securityfs */
    char features[APPARMOR_FEATURES_MAX];
    struct buf features_text; /* owned */
};

DEFINE_CLEANUP(DIR *, closedir)
DEFINE_CLEANUP(aa_features *, aa_features_unref)

/* A file of one line, without its end. */
static int read_line(int dir_fd, const char *path, char *ret, size_t size)
{
    CLEANUP_BUF struct buf text = BUF_INIT(SMALL_FILE_MAX);
    int r = whole_file_read_kernel(dir_fd, path, &text);

    if (r < 0)
        return r;
    snprintf(ret, size, "%.*s", (int)strcspn(buf_text(&text), "\n"), buf_text(&text));
    return 0;
}

/* ---- what there is ---- */

static int check_enabled(struct error **reterr)
{
    char enabled[8] = "";
    int r = read_line(AT_FDCWD, ENABLED_FILE, enabled, sizeof(enabled));

    if (r == -ENOENT)
        return error_set(reterr, -ENODEV, "this kernel has no AppArmor");
    if (r < 0)
        return error_errno(reterr, r, ENABLED_FILE);
    if (enabled[0] != 'Y')
        return error_set(reterr, -ENODEV,
                         "AppArmor is switched off; add apparmor=1 and lsm=...,apparmor to the "
                         "kernel's command line");
    return 0;
}

static int check_may_load(struct error **reterr)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3] = {0};

    if (syscall(SYS_capget, &head, now) < 0)
        return error_errno(reterr, errno, "capabilities");
    if (!(now[CAP_TO_INDEX(CAP_MAC_ADMIN)].effective & CAP_TO_MASK(CAP_MAC_ADMIN)))
        return error_set(reterr, -EPERM,
                         "loading AppArmor profiles takes the capability MAC_ADMIN, which the "
                         "agent was not given");
    return 0;
}

static int open_folder(struct apparmor_kernel *k, struct error **reterr)
{
    CLEANUP_FREE char *path = NULL;

    if (aa_find_mountpoint(&path) < 0)
        return error_errno(reterr, errno,
                           "AppArmor's files are not to be found; mount securityfs at "
                           "/sys/kernel/security");
    k->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return k->fd < 0 ? error_errno(reterr, errno, "%s", path) : 0;
}

/* The library writes them to a descriptor alone. */
static int read_features(aa_features *features, struct buf *out)
{
    CLEANUP_CLOSE int fd = whole_file_in_memory("apparmor-features");
    char path[32];

    if (fd < 0)
        return fd;
    if (aa_features_write_to_fd(features, fd) < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return whole_file_read_kernel(AT_FDCWD, path, out);
}

static int open_interface(struct apparmor_kernel *k, struct error **reterr)
{
    CLEANUP(aa_features_unref) aa_features *features = NULL;
    CLEANUP_FREE char *name = NULL;
    int r;

    if (aa_features_new_from_kernel(&features) < 0)
        return error_errno(reterr, errno, "the features of the kernel's AppArmor");
    name = aa_features_id(features);
    if (!name)
        return error_errno(reterr, errno, "the features of the kernel's AppArmor");
    snprintf(k->features, sizeof(k->features), "%s", name);
    r = read_features(features, &k->features_text);
    if (r < 0)
        return error_errno(reterr, r, "the features of the kernel's AppArmor");
    if (aa_kernel_interface_new(&k->interface, features, NULL) < 0)
        return error_errno(reterr, errno, "the interface to the kernel's AppArmor");
    return 0;
}

int apparmor_kernel_open(struct apparmor_kernel **ret, struct error **reterr)
{
    CLEANUP(apparmor_kernel_free) struct apparmor_kernel *k = NULL;
    int r = check_enabled(reterr);

    if (r == 0)
        r = check_may_load(reterr);
    if (r < 0)
        return r;
    k = calloc(1, sizeof(*k));
    if (!k)
        return error_oom(reterr);
    k->fd = -1;
    k->features_text = BUF_INIT(APPARMOR_FEATURES_TEXT_MAX);
    r = open_folder(k, reterr);
    if (r == 0)
        r = open_interface(k, reterr);
    if (r == 0)
        *ret = TAKE(k);
    return r;
}

struct apparmor_kernel *apparmor_kernel_free(struct apparmor_kernel *k)
{
    if (!k)
        return NULL;
    if (k->interface)
        aa_kernel_interface_unref(k->interface);
    if (k->fd >= 0)
        close(k->fd);
    buf_done(&k->features_text);
    free(k);
    return NULL;
}

const char *apparmor_kernel_features(const struct apparmor_kernel *k)
{
    return k->features;
}

const char *apparmor_kernel_features_text(const struct apparmor_kernel *k)
{
    return buf_text(&k->features_text);
}

/* ---- loading ---- */

/* What the kernel means by an errno here. */
static const char *refusal(int code)
{
    switch (code) {
    case EPROTO:
        return "the kernel cannot read the compiled profile";
    case EPROTONOSUPPORT:
        return "the kernel does not know this version of compiled profiles";
    case EEXIST:
        return "a profile of that name cannot be replaced";
    case EACCES:
    case EPERM:
        return "the kernel does not let us load profiles";
    default:
        return "the kernel refuses the profile";
    }
}

int apparmor_kernel_put(struct apparmor_kernel *k, const struct apparmor_binary *policy,
                        struct error **reterr)
{
    if (aa_kernel_interface_replace_policy(k->interface, (const char *)policy->data, policy->len) <
        0)
        return error_errno(reterr, errno, "%s", refusal(errno));
    return 0;
}

int apparmor_kernel_drop(struct apparmor_kernel *k, const char *profile, struct error **reterr)
{
    if (aa_kernel_interface_remove_policy(k->interface, profile) < 0 && errno != ENOENT)
        return error_errno(reterr, errno, "removing the profile from the kernel");
    return 0;
}

/* ---- reading back ---- */

/* "NAME.17": the kernel adds a number to a profile's name. */
static bool is_folder_of(const char *folder, const char *profile)
{
    size_t len = strlen(profile);

    if (strncmp(folder, profile, len) != 0 || folder[len] != '.' || !folder[len + 1])
        return false;
    return folder[len + 1 + strspn(folder + len + 1, "0123456789")] == '\0';
}

/* NULL, and errno. */
static DIR *open_profiles(const struct apparmor_kernel *k)
{
    int fd = openat(k->fd, PROFILES_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd); /* owns it from here on */

    if (fd >= 0 && !dir)
        close(fd);
    return dir;
}

/* The folder of a profile; names of ours have no byte that the kernel writes differently there.
 * -ENOENT: there is none. */
static int open_profile(struct apparmor_kernel *k, const char *profile, struct error **reterr)
{
    CLEANUP(closedir) DIR *dir = open_profiles(k);
    int folder = dir ? dirfd(dir) : -1;

    if (!dir)
        return error_errno(reterr, errno == ENOENT ? EIO : errno,
                           "the kernel's list of AppArmor profiles");
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        CLEANUP_CLOSE int found = -1;
        char name[PROFILE_NAME_MAX + 2] = "";

        if (!is_folder_of(e->d_name, profile))
            continue;
        found = openat(folder, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (found >= 0 && read_line(found, "name", name, sizeof(name)) == 0 &&
            strcmp(name, profile) == 0)
            return TAKE_FD(found);
    }
    return -ENOENT;
}

static int read_data(int fd, struct apparmor_loaded *ret, struct buf *data, struct error **reterr)
{
    int r = whole_file_read_kernel(fd, "raw_data", data);

    ret->has_data = r == 0 && data->len > 0;
    if (r == -ENOMEM || (ret->has_data && digest_of(&ret->digest, data->data, data->len) < 0))
        return error_oom(reterr);
    return 0; /* a kernel that keeps no copy has not failed */
}

int apparmor_kernel_read(struct apparmor_kernel *k, const char *profile,
                         struct apparmor_loaded *ret, struct buf *data, struct error **reterr)
{
    CLEANUP_BUF struct buf own = BUF_INIT(APPARMOR_BINARY_MAX);
    CLEANUP_CLOSE int fd = open_profile(k, profile, reterr);
    struct apparmor_loaded loaded = {0};
    int r = fd;

    if (r < 0)
        return r;
    r = read_line(fd, "mode", loaded.mode, sizeof(loaded.mode));
    if (r == -ENOENT) /* it was removed meanwhile */
        return r;
    if (r < 0)
        return error_errno(reterr, r, "the mode of AppArmor profile '%s'", error_quote(profile));
    /* Its name says how it was made, which depends on the kernel. */
    if (read_line(fd, "sha256", loaded.hash, sizeof(loaded.hash)) < 0 &&
        read_line(fd, "sha1", loaded.hash, sizeof(loaded.hash)) < 0)
        loaded.hash[0] = '\0';
    r = read_data(fd, &loaded, data ? data : &own, reterr);
    if (r == 0)
        *ret = loaded;
    return r;
}
