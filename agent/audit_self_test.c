/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit_self_test.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* In the child: nothing but system calls. Never returns. */
static _Noreturn void child(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_LOG),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        _exit(errno & 0x7f);
    syscall(SYS_getppid);
    _exit(0);
}

int audit_self_test_provoke(int *ret_pid, struct error **reterr)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        child();
    if (pid < 0)
        return error_errno(reterr, errno, "the audit self-test's process");
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return error_errno(reterr, errno, "the audit self-test's process");
    }
    if (!WIFEXITED(status))
        return error_set(reterr, -EIO, "the audit self-test's process ended by signal %d",
                         WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return error_errno(reterr, WEXITSTATUS(status), "the audit self-test's filter");
    *ret_pid = pid;
    return 0;
}
