/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/status_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_DEFAULT_SEC 10
#define TIMEOUT_MAX_SEC     3600

const char status_options_help[] =
    "  -n, --namespace NS       only objects of this namespace (default: all)\n"
    "  -o, --output FORMAT      wide, json, yaml, name (get, describe; default: a table)\n"
    "  -w, --watch              go on with each change (get)\n"
    "      --no-headers         a table without its first line (get, describe)\n"
    "      --category CATEGORY  hardening, attack-protection, vulnerability-mitigation (get rules)\n"
    "      --manager ADDRESS    unix:PATH, tls://HOST:PORT or tcp://HOST:PORT\n"
    "                           (default: $VARMOR_MANAGER, else " CONNECTION_DEFAULT_MANAGER ")\n"
    "      --tls-ca FILE        whom to believe, with tls://\n"
    "      --tls-cert FILE      our certificate\n"
    "      --tls-key FILE       its key\n"
    "      --tls-server-name NAME  what the manager's certificate must carry (default: HOST)\n"
    "      --token-file FILE    a token that says who we are, where there is no certificate of ours\n"
    "      --timeout SECONDS    how long to wait for an answer (default: 10)\n"
    "  -h, --help               this text\n";

const char status_resource_words[] = "policies, profiles, nodes, bindings";

static const struct {
    const char *word;
    enum status_resource resource;
} resource_words[] = {
    {"policies", STATUS_POLICIES},
    {"policy", STATUS_POLICIES},
    {"varmorpolicies", STATUS_POLICIES},
    {"varmorpolicy", STATUS_POLICIES},
    {"vpol", STATUS_POLICIES},
    {"varmorclusterpolicies", STATUS_POLICIES},
    {"varmorclusterpolicy", STATUS_POLICIES},
    {"vcpol", STATUS_POLICIES},
    {"profiles", STATUS_PROFILES},
    {"profile", STATUS_PROFILES},
    {"armorprofiles", STATUS_PROFILES},
    {"armorprofile", STATUS_PROFILES},
    {"nodes", STATUS_NODES},
    {"node", STATUS_NODES},
    {"no", STATUS_NODES},
    {"bindings", STATUS_BINDINGS},
    {"binding", STATUS_BINDINGS},
};

enum status_resource status_resource_parse(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(resource_words); i++)
        if (strcasecmp(word, resource_words[i].word) == 0)
            return resource_words[i].resource;
    return STATUS_NONE;
}

const char *status_resource_method(enum status_resource resource)
{
    static const char *const methods[] = {
        [STATUS_POLICIES] = "/varmor.v1.StatusService/ListPolicies",
        [STATUS_PROFILES] = "/varmor.v1.StatusService/ListProfiles",
        [STATUS_NODES] = "/varmor.v1.StatusService/ListNodes",
        [STATUS_BINDINGS] = "/varmor.v1.StatusService/ListBindings",
    };

    return methods[resource];
}

static int status_output_parse(enum status_output *ret, const char *word)
{
    static const struct {
        const char *word;
        enum status_output output;
    } words[] = {
        {"wide", OUTPUT_WIDE}, {"json", OUTPUT_JSON}, {"yaml", OUTPUT_YAML}, {"name", OUTPUT_NAME}};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcmp(word, words[i].word) == 0) {
            *ret = words[i].output;
            return 0;
        }
    }
    fprintf(stderr, "varmorctl: '%s' is not an output format: wide, json, yaml, name\n",
            error_quote(word));
    return -EINVAL;
}

static int status_timeout_parse(unsigned *ret, const char *text)
{
    unsigned long value = strtoul(text, NULL, 10);

    if (text[strspn(text, "0123456789")] || value == 0 || value > TIMEOUT_MAX_SEC) {
        fprintf(stderr, "varmorctl: --timeout '%s': 1 to %d seconds\n", error_quote(text),
                TIMEOUT_MAX_SEC);
        return -EINVAL;
    }
    *ret = (unsigned)value;
    return 0;
}

enum {
    OPT_MANAGER = 256,
    OPT_TLS_CA,
    OPT_TLS_CERT,
    OPT_TLS_KEY,
    OPT_TLS_SERVER_NAME,
    OPT_TOKEN_FILE,
    OPT_TIMEOUT,
    OPT_NO_HEADERS,
    OPT_FOR,
    OPT_CATEGORY
};

static const struct option long_options[] = {
    {"namespace", required_argument, NULL, 'n'},
    {"output", required_argument, NULL, 'o'},
    {"watch", no_argument, NULL, 'w'},
    {"no-headers", no_argument, NULL, OPT_NO_HEADERS},
    {"manager", required_argument, NULL, OPT_MANAGER},
    {"tls-ca", required_argument, NULL, OPT_TLS_CA},
    {"tls-cert", required_argument, NULL, OPT_TLS_CERT},
    {"tls-key", required_argument, NULL, OPT_TLS_KEY},
    {"tls-server-name", required_argument, NULL, OPT_TLS_SERVER_NAME},
    {"token-file", required_argument, NULL, OPT_TOKEN_FILE},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"for", required_argument, NULL, OPT_FOR},
    {"category", required_argument, NULL, OPT_CATEGORY},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int status_option_take(struct status_options *o, int option)
{
    switch (option) {
    case 'n':
        o->name_space = optarg;
        return 0;
    case 'o':
        return status_output_parse(&o->output, optarg);
    case 'w':
        o->watch = true;
        return 0;
    case OPT_NO_HEADERS:
        o->headings = false;
        return 0;
    case OPT_MANAGER:
        o->connection.manager = optarg;
        return 0;
    case OPT_TLS_CA:
        o->connection.tls.ca_file = optarg;
        return 0;
    case OPT_TLS_CERT:
        o->connection.tls.certificate_file = optarg;
        return 0;
    case OPT_TLS_KEY:
        o->connection.tls.key_file = optarg;
        return 0;
    case OPT_TLS_SERVER_NAME:
        o->connection.tls.server_name = optarg;
        return 0;
    case OPT_TOKEN_FILE:
        o->connection.token_file = optarg;
        return 0;
    case OPT_TIMEOUT:
        return status_timeout_parse(&o->connection.timeout_sec, optarg);
    case OPT_FOR:
        o->condition = optarg;
        return 0;
    case OPT_CATEGORY:
        o->category = optarg;
        return 0;
    case 'h':
        o->help = true;
        return 0;
    default:
        return -EINVAL; /* getopt_long() has said what is wrong */
    }
}

/* The bit of an option that not every command takes; 0 for the others. */
static unsigned status_option_bit(int option)
{
    switch (option) {
    case 'o':
    case OPT_NO_HEADERS:
        return STATUS_TAKES_OUTPUT;
    case 'w':
        return STATUS_TAKES_WATCH;
    case OPT_FOR:
        return STATUS_TAKES_CONDITION;
    case OPT_CATEGORY:
        return STATUS_TAKES_CATEGORY;
    default:
        return 0;
    }
}

static const char *status_option_name(int option)
{
    for (size_t i = 0; long_options[i].name; i++)
        if (long_options[i].val == option)
            return long_options[i].name;
    return "";
}

int status_options_parse(struct status_options *ret, unsigned taken, int argc, char **argv)
{
    const char *from_environment = getenv("VARMOR_MANAGER");
    int option;

    *ret = (struct status_options){
        .connection = {.manager = from_environment ? from_environment : CONNECTION_DEFAULT_MANAGER,
                       .timeout_sec = TIMEOUT_DEFAULT_SEC},
        .name_space = "",
        .headings = true,
    };
    optind = 0; /* GNU: start over, also after an earlier parse */
    while ((option = getopt_long(argc, argv, "n:o:wh", long_options, NULL)) != -1) {
        if (status_option_bit(option) & ~taken) {
            fprintf(stderr, "%s: --%s is an option of other commands\n", argv[0],
                    status_option_name(option));
            return -EINVAL;
        }
        if (status_option_take(ret, option) < 0)
            return -EINVAL;
    }
    ret->arguments = argv + optind;
    ret->n_arguments = argc - optind;
    return 0;
}
