/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kernel_features.h"

#include "agent/enforcer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/utsname.h>

#define SECURITY_FOLDER "/sys/kernel/security"
#define BTF_FILE        "/sys/kernel/btf/vmlinux"

/* Reads a small file of one line without its newline. 0 or a negative errno; text is "" then. */
static int line_read(int folder_fd, const char *name, char *text, size_t size)
{
    CLEANUP_CLOSE int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    text[0] = '\0';
    if (fd < 0)
        return -errno;
    n = read(fd, text, size - 1);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return 0;
}

/* A descriptor of the root of securityfs: where it is mounted, else of a mount of our own that is
 * in no namespace and ends with the descriptor (a container often does not see the host's). */
static int security_folder_open(void)
{
    CLEANUP_CLOSE int context_fd = -1;
    int fd = open(SECURITY_FOLDER, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && faccessat(fd, "lsm", F_OK, 0) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    context_fd = fsopen("securityfs", FSOPEN_CLOEXEC);
    if (context_fd < 0)
        return -errno;
    if (fsconfig(context_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    fd = fsmount(context_fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    return fd < 0 ? -errno : fd;
}

static void security_read(struct kernel_features *f)
{
    CLEANUP_CLOSE int fd = security_folder_open();
    char line[64];

    if (fd < 0) {
        f->lsm_errno = fd;
        return;
    }
    f->lsm_errno = line_read(fd, "lsm", f->lsm, sizeof(f->lsm));
    if (line_read(fd, "lockdown", line, sizeof(line)) == 0)
        kernel_features_parse_lockdown(line, f->lockdown, sizeof(f->lockdown));
}

void kernel_features_read(struct kernel_features *ret)
{
    struct kernel_features f = {};
    struct utsname name;
    int fd;

    if (uname(&name) == 0)
        snprintf(f.release, sizeof(f.release), "%.64s", name.release);
    security_read(&f);
    f.btf_errno = access(BTF_FILE, R_OK) == 0 ? 0 : -errno;
    fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "varmor_probe", sizeof(uint32_t), sizeof(uint64_t), 1,
                        NULL);
    f.map_errno = fd < 0 ? fd : 0;
    if (fd >= 0) {
        close(fd);
        f.ring_buffer = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 1;
        f.task_storage = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) == 1;
    }
    *ret = f;
}

bool kernel_features_has_lsm(const struct kernel_features *f, const char *name)
{
    size_t len = strlen(name);

    for (const char *word = f->lsm; *word; word += strspn(word, ",")) {
        size_t n = strcspn(word, ",");

        if (n == len && memcmp(word, name, n) == 0)
            return true;
        word += n;
    }
    return false;
}

void kernel_features_parse_lockdown(const char *text, char *word, size_t word_size)
{
    const char *begin = strchr(text, '[');
    const char *end = begin ? strchr(begin, ']') : NULL;

    word[0] = '\0';
    if (end && (size_t)(end - begin) <= word_size)
        snprintf(word, word_size, "%.*s", (int)(end - begin - 1), begin + 1);
}

/* Says why BPF enforcement cannot be had; false if nothing known stands against it. */
static bool reason_find(const struct kernel_features *f, char *reason, size_t size)
{
    if (f->lsm_errno)
        snprintf(reason, size,
                 "the kernel's LSM list cannot be read from " SECURITY_FOLDER "/lsm: %s; mount "
                 "securityfs there",
                 strerror(-f->lsm_errno));
    else if (!kernel_features_has_lsm(f, "bpf"))
        snprintf(
            reason, size,
            "'bpf' is not in the kernel's LSM list (%s); add it with lsm= on the kernel command "
            "line",
            f->lsm);
    else if (strcmp(f->lockdown, "confidentiality") == 0)
        snprintf(reason, size,
                 "kernel lockdown is in confidentiality mode, which forbids BPF programs to read "
                 "kernel memory; integrity mode allows it");
    else if (f->map_errno)
        snprintf(reason, size,
                 "BPF objects cannot be made: %s; the agent needs root or CAP_BPF, CAP_PERFMON and "
                 "CAP_SYS_ADMIN",
                 strerror(-f->map_errno));
    else if (f->btf_errno)
        snprintf(reason, size, "the kernel does not describe its types (" BTF_FILE "): %s",
                 strerror(-f->btf_errno));
    else if (!f->ring_buffer)
        snprintf(reason, size, "the kernel has no BPF ring buffer (it came with Linux 5.8)");
    else
        return false;
    return true;
}

static void fact_add(struct enforcer_facts *facts, const char *name, const char *value)
{
    struct enforcer_fact *fact;

    if (facts->n >= ENFORCER_FACTS_MAX)
        return;
    fact = &facts->items[facts->n++];
    fact->name = name;
    snprintf(fact->value, sizeof(fact->value), "%.*s", (int)sizeof(fact->value) - 1, value);
}

static void fact_add_errno(struct enforcer_facts *facts, const char *name, int code)
{
    char value[sizeof(facts->items[0].value)];

    snprintf(value, sizeof(value), "no: %s", strerror(-code));
    fact_add(facts, name, code ? value : "yes");
}

void kernel_features_tell(const struct kernel_features *f, struct enforcer_facts *facts)
{
    char reason[sizeof(facts->reason)];

    fact_add(facts, "kernel", f->release);
    if (f->lsm_errno)
        fact_add_errno(facts, "lsm", f->lsm_errno);
    else
        fact_add(facts, "lsm", f->lsm);
    fact_add(facts, "lockdown", f->lockdown[0] ? f->lockdown : "absent");
    fact_add_errno(facts, "btf", f->btf_errno);
    fact_add_errno(facts, "bpf_permitted", f->map_errno);
    fact_add(facts, "ring_buffer", f->ring_buffer ? "yes" : "no");
    fact_add(facts, "task_storage", f->task_storage ? "yes" : "no");
    if (reason_find(f, reason, sizeof(reason))) {
        facts->usable = false;
        memcpy(facts->reason, reason, sizeof(reason));
    }
}
