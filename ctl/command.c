/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/command.h"

#include <string.h>

#include "ctl/get.h"
#include "ctl/validate.h"

#define STATUS_WORDS                                                                               \
    "--namespace --output --manager --tls-ca --tls-cert --tls-key --timeout --no-headers --help"

const struct command commands[] = {
    {
        .name = "validate",
        .summary = "check files of policies and say all that is wrong with them",
        .words = "--output --quiet --install-namespace --help",
        .takes_files = true,
        .run = validate_run,
    },
    {
        .name = "get",
        .summary = "list policies, profiles, nodes or bindings, and go on with changes",
        .words = "policies profiles nodes bindings --watch " STATUS_WORDS,
        .run = get_run,
    },
    {
        .name = "describe",
        .summary = "tell everything about one policy or node",
        .words = "policy node " STATUS_WORDS,
        .run = describe_run,
    },
    {
        .name = "wait",
        .summary = "wait until a policy is ready, gone or bound",
        .words =
            "policy --for --namespace --manager --tls-ca --tls-cert --tls-key --timeout --help",
        .run = wait_run,
    },
    {
        .name = "completion",
        .summary = "print the completion script of a shell",
        .words = "bash zsh fish --help",
        .run = completion_run,
    },
};
const size_t n_commands = ARRAY_SIZE(commands);

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < n_commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}
