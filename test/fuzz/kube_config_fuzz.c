/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a kubeconfig. What must hold: it is refused with a message, or names a server by http or https, and a
 * namespace; files that it names are absolute.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/kube/kube_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_material(const struct kube_material *m)
{
    assert(!m->file || *m->file == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kube_config config = {0};
    struct error *error = NULL;
    int fd = memfd_create("kubeconfig", MFD_CLOEXEC);
    char path[64];
    int r;

    assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    r = kube_config_load(&config, path, NULL, &error);
    if (r == 0) {
        assert(!error && config.name_space);
        assert(strncmp(config.server, "http://", 7) == 0 ||
               strncmp(config.server, "https://", 8) == 0);
        check_material(&config.authority);
        check_material(&config.certificate);
        check_material(&config.key);
        check_material(&config.token);
    } else {
        assert(r == -EINVAL && strlen(error_message(error)) > 0);
    }
    error_free(error);
    kube_config_done(&config);
    close(fd);
    return 0;
}
