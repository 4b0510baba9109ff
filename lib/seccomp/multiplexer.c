/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/seccomp/multiplexer.h"

#include <string.h>

#define SOCKETCALL "socketcall" /* linux/net.h */
#define IPC        "ipc"        /* linux/ipc.h */

const struct sc_multiplexed *sc_multiplexed_find(const char *name)
{
    static const struct sc_multiplexed table[] = {
        {"socket", SOCKETCALL, 1, 359},
        {"bind", SOCKETCALL, 2, 361},
        {"connect", SOCKETCALL, 3, 362},
        {"listen", SOCKETCALL, 4, 363},
        {"accept", SOCKETCALL, 5, -1},
        {"getsockname", SOCKETCALL, 6, 367},
        {"getpeername", SOCKETCALL, 7, 368},
        {"socketpair", SOCKETCALL, 8, 360},
        {"send", SOCKETCALL, 9, -1},
        {"recv", SOCKETCALL, 10, -1},
        {"sendto", SOCKETCALL, 11, 369},
        {"recvfrom", SOCKETCALL, 12, 371},
        {"shutdown", SOCKETCALL, 13, 373},
        {"setsockopt", SOCKETCALL, 14, 366},
        {"getsockopt", SOCKETCALL, 15, 365},
        {"sendmsg", SOCKETCALL, 16, 370},
        {"recvmsg", SOCKETCALL, 17, 372},
        {"accept4", SOCKETCALL, 18, 364},
        {"recvmmsg", SOCKETCALL, 19, 337},
        {"sendmmsg", SOCKETCALL, 20, 345},
        {"semop", IPC, 1, -1},
        {"semget", IPC, 2, 393},
        {"semctl", IPC, 3, 394},
        {"semtimedop", IPC, 4, -1},
        {"msgsnd", IPC, 11, 400},
        {"msgrcv", IPC, 12, 401},
        {"msgget", IPC, 13, 399},
        {"msgctl", IPC, 14, 402},
        {"shmat", IPC, 21, 397},
        {"shmdt", IPC, 22, 398},
        {"shmget", IPC, 23, 395},
        {"shmctl", IPC, 24, 396},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}
