/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/command.h"

#include <stdio.h>
#include <string.h>

#include "lib/error.h"

/* What a shell runs for the names of the built-in rules. */
#define RULE_NAMES "varmorctl get rules --output name 2>/dev/null"

/* The same for the fields of policies. */
#define FIELD_NAMES "varmorctl explain --output name 2>/dev/null"

static void print_names(void)
{
    for (size_t i = 0; i < n_commands; i++)
        printf("%s ", commands[i].name);
    printf("help");
}

static void print_bash(void)
{
    printf("# varmorctl completion for bash: eval \"$(varmorctl completion bash)\"\n"
           "_varmorctl()\n"
           "{\n"
           "    local words='' files='' rules='' fields='' word=${COMP_WORDS[COMP_CWORD]}\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "        words='");
    print_names();
    printf(" --help --version'\n"
           "    else\n"
           "        case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; i < n_commands; i++)
        printf("        %s) words='%s' files='%s' rules='%s' fields='%s' ;;\n", commands[i].name,
               commands[i].words, commands[i].takes_files ? "yes" : "",
               commands[i].takes_rules ? "yes" : "", commands[i].takes_fields ? "yes" : "");
    printf("        help) words='");
    print_names();
    printf("' ;;\n"
           "        esac\n"
           "    fi\n"
           "    case $rules${COMP_WORDS[2]} in\n"
           "    yesrule|yesrules)\n"
           "        [ \"$COMP_CWORD\" -eq 2 ] || words+=\" $(" RULE_NAMES ")\" ;;\n"
           "    esac\n"
           "    [ -z \"$fields\" ] || [ \"$COMP_CWORD\" -ne 2 ] || words+=\" $(" FIELD_NAMES ")\"\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
           "    [ -z \"$files\" ] || COMPREPLY+=($(compgen -f -- \"$word\"))\n"
           "}\n"
           "complete -o filenames -F _varmorctl varmorctl\n");
}

static void print_zsh(void)
{
    printf("#compdef varmorctl\n"
           "# varmorctl completion for zsh: a file _varmorctl in a folder of $fpath\n"
           "_varmorctl()\n"
           "{\n"
           "    if (( CURRENT == 2 )); then\n"
           "        local -a commands=(\n");
    for (size_t i = 0; i < n_commands; i++)
        printf("            '%s:%s'\n", commands[i].name, commands[i].summary);
    printf("            'help:explain a command')\n"
           "        _describe command commands\n"
           "        return\n"
           "    fi\n"
           "    case $words[2] in\n");
    for (size_t i = 0; i < n_commands; i++)
        printf("    %s) compadd -- %s%s%s%s ;;\n", commands[i].name, commands[i].words,
               commands[i].takes_files ? "; _files" : "",
               commands[i].takes_rules ? "; [[ $words[3] == rule* ]] && compadd -- $(" RULE_NAMES
                                         ")"
                                       : "",
               commands[i].takes_fields ? "; (( CURRENT == 3 )) && compadd -- $(" FIELD_NAMES ")"
                                        : "");
    printf("    help) compadd -- ");
    print_names();
    printf(" ;;\n"
           "    esac\n"
           "}\n"
           "compdef _varmorctl varmorctl\n");
}

static void print_fish(void)
{
    printf("# varmorctl completion for fish: a file varmorctl.fish in ~/.config/fish/completions\n"
           "complete -c varmorctl -f\n");
    for (size_t i = 0; i < n_commands; i++) {
        printf("complete -c varmorctl -n __fish_use_subcommand -a %s -d '%s'\n", commands[i].name,
               commands[i].summary);
        printf("complete -c varmorctl -n '__fish_seen_subcommand_from %s' -a '%s'%s\n",
               commands[i].name, commands[i].words, commands[i].takes_files ? " -F" : "");
        if (commands[i].takes_rules)
            printf("complete -c varmorctl -n '__fish_seen_subcommand_from %s; and "
                   "__fish_seen_subcommand_from rule rules' -a '(" RULE_NAMES ")'\n",
                   commands[i].name);
        if (commands[i].takes_fields)
            printf("complete -c varmorctl -n '__fish_seen_subcommand_from %s; and not "
                   "__fish_seen_subcommand_from rule' -a '(" FIELD_NAMES ")'\n",
                   commands[i].name);
    }
    printf("complete -c varmorctl -n __fish_use_subcommand -a help -d 'explain a command'\n");
}

static const struct {
    const char *name;
    void (*print)(void);
} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

static const char completion_help[] =
    "Usage: varmorctl completion bash|zsh|fish\n"
    "\n"
    "Prints the script that completes varmorctl's commands and options in a shell.\n"
    "\n"
    "Exit status: 0, 2 (usage).\n";

int completion_run(int argc, char **argv)
{
    const char *shell = argc == 2 ? argv[1] : "";

    if (strcmp(shell, "--help") == 0 || strcmp(shell, "-h") == 0) {
        fputs(completion_help, stdout);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
        if (strcmp(shell, shells[i].name) == 0) {
            shells[i].print();
            return 0;
        }
    if (argc == 2)
        fprintf(stderr, "varmorctl: '%s' is not a shell: bash, zsh, fish\n", error_quote(shell));
    else
        fprintf(stderr, "varmorctl: completion takes one shell: bash, zsh, fish\n");
    return EXIT_USAGE;
}
