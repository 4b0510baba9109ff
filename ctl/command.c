/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/command.h"

#include <string.h>

#include "ctl/crds.h"
#include "ctl/explain.h"
#include "ctl/get.h"
#include "ctl/render.h"
#include "ctl/test.h"
#include "ctl/validate.h"

#define CONNECTION_WORDS                                                                           \
    "--manager --tls-ca --tls-cert --tls-key --tls-server-name --token-file --timeout --help"
#define STATUS_WORDS "--namespace --output --no-headers " CONNECTION_WORDS

const struct command commands[] = {
    {
        .name = "validate",
        .summary = "check files of policies and say all that is wrong with them",
        .words = "--output --quiet --install-namespace --help",
        .takes_files = true,
        .run = validate_run,
    },
    {
        .name = "render",
        .summary = "print what the agents would load for a policy",
        .words = "--policy --enforcer --output --arch --states --disks --install-namespace --help",
        .takes_files = true,
        .run = render_run,
    },
    {
        .name = "test",
        .summary = "say what an action would get under a policy, or check expectations",
        .words = "--read --write --append --create --delete --rename --link --truncate --chmod "
                 "--chown --setattr --exec --capability --connect --socket --mount --umount "
                 "--ptrace --syscall --expect --policy --arch --program --disks --output "
                 "--install-namespace --help",
        .takes_files = true,
        .run = test_run,
    },
    {
        .name = "explain",
        .summary = "tell what a field of a policy means, or what a built-in rule does",
        .words = "rule --output --recursive --help",
        .takes_rules = true,
        .takes_fields = true,
        .run = explain_run,
    },
    {
        .name = "get",
        .summary = "list policies, profiles, nodes, bindings or rules, and go on with changes",
        .words = "policies profiles nodes bindings rules --watch --category " STATUS_WORDS,
        .takes_rules = true,
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
        .words = "policy --for --namespace " CONNECTION_WORDS,
        .run = wait_run,
    },
    {
        .name = "crds",
        .summary = "print the CustomResourceDefinitions for Kubernetes",
        .words = "--output --help",
        .run = crds_run,
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
