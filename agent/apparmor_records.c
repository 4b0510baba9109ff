/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/apparmor_records.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/apparmor_binary.h"
#include "agent/whole_file.h"
#include "lib/map.h"
#include "lib/profile.h"

#define MAGIC        "varmor-apparmor" /* with its NUL it fills the head's field */
#define FORMAT       1
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_SIZE 40
#define NAME_SIZE    (PROFILE_NAME_MAX + sizeof(".loading"))

static const char *const suffixes[] = {
    [APPARMOR_RECORD_LOADED] = ".loaded",
    [APPARMOR_RECORD_LOADING] = ".loading",
};

/* The beginning of a file; the binary follows. Read on the machine that wrote it. */
struct head {
    char magic[16];
    uint32_t format;
    uint32_t reserved;
    char boot_id[BOOT_ID_SIZE];
    struct digest profile_digest, key, binary_digest;
    char kernel_hash[DIGEST_TEXT_SIZE];
    char padding[7]; /* written as zeroes */
};
#define HASH_OFFSET offsetof(struct head, kernel_hash)

static_assert(sizeof(struct head) % 8 == 0, "no byte of the head is left to the compiler");

struct apparmor_records {
    int fd;                     /* owned */
    char *path;                 /* owned; for messages */
    char boot_id[BOOT_ID_SIZE]; /* "" if the kernel has none */
};

DEFINE_CLEANUP(DIR *, closedir)

void apparmor_record_done(struct apparmor_record *r)
{
    apparmor_binary_unref(r->binary);
    *r = (struct apparmor_record){0};
}

static void read_boot_id(char ret[static BOOT_ID_SIZE])
{
    CLEANUP_BUF struct buf text = BUF_INIT(BOOT_ID_SIZE);

    if (whole_file_read_kernel(AT_FDCWD, BOOT_ID_FILE, &text) == 0)
        snprintf(ret, BOOT_ID_SIZE, "%s", buf_text(&text));
}

int apparmor_records_new(struct apparmor_records **ret, const char *folder, struct error **reterr)
{
    CLEANUP(apparmor_records_free) struct apparmor_records *r = calloc(1, sizeof(*r));

    if (!r)
        return error_oom(reterr);
    r->fd = -1;
    r->path = strdup(folder);
    if (!r->path)
        return error_oom(reterr);
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return error_errno(reterr, errno, "folder '%s'", error_quote(folder));
    r->fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (r->fd < 0)
        return error_errno(reterr, errno, "folder '%s'", error_quote(folder));
    read_boot_id(r->boot_id);
    *ret = TAKE(r);
    return 0;
}

struct apparmor_records *apparmor_records_free(struct apparmor_records *r)
{
    if (!r)
        return NULL;
    if (r->fd >= 0)
        close(r->fd);
    free(r->path);
    free(r);
    return NULL;
}

/* A profile's name as a part of a file's name: nothing that could leave the folder or hide in it.
 */
static int file_name(char ret[static NAME_SIZE], const char *profile,
                     enum apparmor_record_kind kind, struct error **reterr)
{
    size_t len = strlen(profile);

    if (len == 0 || len > PROFILE_NAME_MAX || profile[0] == '.' || strchr(profile, '/'))
        return error_set(reterr, -EINVAL, "profile name '%s' cannot be a file's name",
                         error_quote(profile));
    snprintf(ret, NAME_SIZE, "%s%s", profile, suffixes[kind]);
    return 0;
}

/* ---- reading ---- */

static int decode(const struct apparmor_records *r, const char *profile, struct buf *file,
                  struct apparmor_record *ret, struct error **reterr)
{
    struct apparmor_record record = {0};
    struct head head;
    int outcome;

    if (file->len < sizeof(head))
        return error_set(reterr, -EBADMSG, "it is cut short");
    memcpy(&head, file->data, sizeof(head));
    if (memcmp(head.magic, MAGIC, sizeof(head.magic)) != 0 || head.format != FORMAT)
        return error_set(reterr, -EBADMSG, "it is in no format that is known here");
    buf_consume(file, sizeof(head));
    outcome = apparmor_binary_new(&record.binary, profile, file, reterr);
    if (outcome < 0)
        return outcome;
    if (!digest_equal(&record.binary->digest, &head.binary_digest)) {
        apparmor_record_done(&record);
        return error_set(reterr, -EBADMSG, "its content is not what was written");
    }
    record.profile_digest = head.profile_digest;
    record.key = head.key;
    snprintf(record.kernel_hash, sizeof(record.kernel_hash), "%.*s",
             (int)sizeof(head.kernel_hash) - 1, head.kernel_hash);
    record.this_boot = r->boot_id[0] && memcmp(head.boot_id, r->boot_id, BOOT_ID_SIZE) == 0;
    *ret = record;
    return 0;
}

int apparmor_records_read(struct apparmor_records *r, const char *profile,
                          enum apparmor_record_kind kind, struct apparmor_record *ret,
                          struct error **reterr)
{
    CLEANUP_BUF struct buf file = BUF_INIT(APPARMOR_BINARY_MAX + sizeof(struct head));
    char name[NAME_SIZE];
    int outcome = file_name(name, profile, kind, reterr);

    if (outcome < 0)
        return outcome;
    outcome = whole_file_read(r->fd, name, &file);
    if (outcome == -ENOENT)
        return outcome;
    if (outcome < 0 && outcome != -E2BIG)
        return error_errno(reterr, outcome, "%s/%s", r->path, name);
    outcome = outcome == -E2BIG
                  ? error_set(reterr, -EBADMSG, "it is larger than %zu bytes", file.max)
                  : decode(r, profile, &file, ret, reterr);
    if (outcome == -EBADMSG)
        unlinkat(r->fd, name, 0);
    return outcome < 0 ? error_wrap(reterr, outcome, "%s/%s", r->path, name) : 0;
}

/* ---- writing ---- */

int apparmor_records_stage(struct apparmor_records *r, const char *profile,
                           const struct apparmor_record *record, struct error **reterr)
{
    struct head head = {
        .magic = MAGIC,
        .format = FORMAT,
        .profile_digest = record->profile_digest,
        .key = record->key,
        .binary_digest = record->binary->digest,
    };
    CLEANUP_CLOSE int fd = -1;
    char name[NAME_SIZE];
    int outcome = file_name(name, profile, APPARMOR_RECORD_LOADING, reterr);

    if (outcome < 0)
        return outcome;
    memcpy(head.boot_id, r->boot_id, sizeof(head.boot_id));
    unlinkat(r->fd, name, 0);
    fd = openat(r->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_errno(reterr, errno, "%s/%s", r->path, name);
    outcome = whole_file_write(fd, &head, sizeof(head));
    if (outcome == 0)
        outcome = whole_file_write(fd, record->binary->data, record->binary->len);
    if (outcome < 0) {
        unlinkat(r->fd, name, 0);
        return error_errno(reterr, outcome, "%s/%s", r->path, name);
    }
    return 0;
}

/* What the kernel said once it had the version. */
static int write_hash(struct apparmor_records *r, const char *file, const char *kernel_hash)
{
    CLEANUP_CLOSE int fd = openat(r->fd, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    char text[DIGEST_TEXT_SIZE] = "";

    snprintf(text, sizeof(text), "%s", kernel_hash);
    return fd < 0 || pwrite(fd, text, sizeof(text), HASH_OFFSET) != sizeof(text) ? -errno : 0;
}

int apparmor_records_publish(struct apparmor_records *r, const char *profile,
                             const char *kernel_hash, struct error **reterr)
{
    char from[NAME_SIZE], to[NAME_SIZE];
    int outcome = file_name(from, profile, APPARMOR_RECORD_LOADING, reterr);

    if (outcome == 0)
        outcome = file_name(to, profile, APPARMOR_RECORD_LOADED, reterr);
    if (outcome < 0)
        return outcome;
    outcome = write_hash(r, from, kernel_hash);
    if (outcome < 0)
        return error_errno(reterr, outcome, "%s/%s", r->path, from);
    if (renameat(r->fd, from, r->fd, to) < 0)
        return error_errno(reterr, errno, "%s/%s", r->path, from);
    return 0;
}

static int unlink_one(struct apparmor_records *r, const char *profile,
                      enum apparmor_record_kind kind, struct error **reterr)
{
    char name[NAME_SIZE];
    int outcome = file_name(name, profile, kind, reterr);

    if (outcome == 0 && unlinkat(r->fd, name, 0) < 0 && errno != ENOENT)
        outcome = error_errno(reterr, errno, "%s/%s", r->path, name);
    return outcome;
}

void apparmor_records_unstage(struct apparmor_records *r, const char *profile)
{
    unlink_one(r, profile, APPARMOR_RECORD_LOADING, NULL);
}

int apparmor_records_drop(struct apparmor_records *r, const char *profile, struct error **reterr)
{
    int outcome = unlink_one(r, profile, APPARMOR_RECORD_LOADING, reterr);

    return outcome < 0 ? outcome : unlink_one(r, profile, APPARMOR_RECORD_LOADED, reterr);
}

/* ---- all ---- */

/* The profile that a file is about; false: it is none of ours. */
static bool profile_of_file(const char *file, char ret[static PROFILE_NAME_MAX + 1])
{
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        size_t len = strlen(file), suffix_len = strlen(suffixes[i]);

        if (file[0] == '.' || len <= suffix_len || len - suffix_len > PROFILE_NAME_MAX ||
            strcmp(file + len - suffix_len, suffixes[i]) != 0)
            continue;
        memcpy(ret, file, len - suffix_len);
        ret[len - suffix_len] = '\0';
        return true;
    }
    return false;
}

static int list_names(struct apparmor_records *r, struct map *names, struct error **reterr)
{
    CLEANUP(closedir) DIR *dir = opendir(r->path);

    if (!dir)
        return error_errno(reterr, errno, "folder '%s'", error_quote(r->path));
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        char name[PROFILE_NAME_MAX + 1];
        int outcome = profile_of_file(e->d_name, name) ? map_put(names, name, NULL) : 0;

        if (outcome == -E2BIG)
            return error_set(reterr, outcome, "folder '%s' has records of more than %d profiles",
                             error_quote(r->path), APPARMOR_RECORDS_MAX);
        if (outcome < 0)
            return error_oom(reterr);
    }
    return 0;
}

int apparmor_records_each(struct apparmor_records *r,
                          int (*found)(const char *profile, void *data, struct error **reterr),
                          void *data, struct error **reterr)
{
    CLEANUP(map_free) struct map *names = map_new(NULL, APPARMOR_RECORDS_MAX);
    int outcome = names ? list_names(r, names, reterr) : error_oom(reterr);

    if (outcome < 0)
        return outcome;
    MAP_FOREACH (e, names) {
        outcome = found(map_key(e), data, reterr);
        if (outcome < 0)
            return outcome;
    }
    return 0;
}

void apparmor_records_remove_folder(struct apparmor_records *r)
{
    rmdir(r->path);
}
