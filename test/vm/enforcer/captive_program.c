/* SPDX-License-Identifier: Apache-2.0 */
/* What runs inside a captive (static: its root holds nothing else). Commands, a line each:
 * oPATH: open and answer the errno; lPATH: open until the next command, which is s: answer tries,
 * successes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int try_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static bool command_waits(void)
{
    struct pollfd fd = {.fd = 0, .events = POLLIN};

    return poll(&fd, 1, 0) != 0;
}

int main(void)
{
    unsigned long tries = 0, successes = 0;
    char line[256];

    setvbuf(stdin, NULL, _IONBF, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == 'o') {
            printf("%d\n", try_open(line + 1));
        } else if (line[0] == 'l') {
            tries = successes = 0;
            do {
                tries++;
                successes += try_open(line + 1) == 0;
            } while (!command_waits());
        } else {
            printf("%lu %lu\n", tries, successes);
        }
    }
    return 0;
}
