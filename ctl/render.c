/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/render.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/disks.h"
#include "ctl/policy_set.h"
#include "ctl/render_bpf.h"
#include "ctl/text.h"
#include "lib/json_value.h"
#include "lib/apparmor/apparmor.h"
#include "lib/policy/policy_words.h"
#include "lib/profile.h"
#include "lib/ruleset/ruleset.h"
#include "lib/seccomp/seccomp.h"

#define RENDER_MAX   (1u << 30) /* bytes of one dump: the states of the largest automata */
#define JSON_INDENTS 2

static const char render_help[] =
    "Usage: varmorctl render [OPTION]... FILE|FOLDER|-...\n"
    "\n"
    "Prints what the agents would load for a policy: the AppArmor profile, the seccomp profile (OCI JSON),\n"
    "or the rules of the BPF enforcer and the automata and tables that they are compiled to. Services,\n"
    "EndpointSlices and Pods in the same files resolve the rules that name them, as in the manager.\n"
    "What is wrong, and warnings, go to standard error as `varmorctl validate` prints them.\n"
    "\n"
    "Options:\n"
    "      --policy [NS/]NAME      which policy, if there are several\n"
    "      --enforcer ENFORCER     AppArmor, BPF or Seccomp (default: each of the policy's enforcers)\n"
    "  -o, --output FORMAT         text (the default) or json: one object with name, digest, mode, and\n"
    "                              appArmor (text), seccomp (object), bpf (rules, automata, addresses)\n"
    "      --arch MACHINE          seccomp: with the architectures that a node of this kind adds: x86_64,\n"
    "                              aarch64 (default: none, as the manager sends it)\n"
    "      --states                BPF: each state of the automata too\n"
    "      --disks NAME,...        the node's disks, for the rules about them, as in /proc/partitions\n"
    "                              (default: none)\n"
    "      --install-namespace NS  where the manager runs, for the names of cluster policies' profiles\n"
    "                              (default: " DEFAULT_INSTALL_NAMESPACE ")\n"
    "  -h, --help                  this text\n"
    "\n"
    "Exit status: 0, 1 (the policy cannot be rendered, or is not there), 2 (usage), 3 (something could not\n"
    "be read), 4 (internal error).\n";

struct render_options {
    bool json, states, help;
    const char *policy, *arch, *disks, *install_namespace;
    unsigned enforcers; /* enum enforcer_bit; 0: those of the policy */
};

/* ---- One enforcer ---- */

static int render_apparmor(const struct profile *p, const struct disk_list *disks, struct buf *out,
                           struct error **reterr)
{
    int r = aa_write_preamble((const char *const *)disks->paths, disks->n, out, reterr);

    return r < 0 ? r : buf_add_text(out, p->apparmor_text ? p->apparmor_text : "");
}

static int render_seccomp(const struct profile *p, const char *machine, struct buf *out,
                          struct error **reterr)
{
    CLEANUP_SC_PROFILE struct sc_profile seccomp = {0};
    const char *json = p->seccomp_json ? p->seccomp_json : "";
    enum sc_arch arches[SC_ARCHES] = {0};
    size_t n = 0;
    int r;

    if (!machine)
        return buf_add_text(out, json);
    r = sc_profile_read_json(&seccomp, json, strlen(json), reterr);
    if (r == 0)
        r = sc_profile_arches(&seccomp, machine, arches, &n);
    return r < 0 ? r : sc_profile_write_json(&seccomp, arches, n, out);
}

static int compile_bpf(struct profile *p, const struct disk_list *disks, struct profile **ret_full,
                       struct ruleset **ret, struct error **reterr)
{
    int r = disk_list_expand(disks, p, ret_full, reterr);

    return r < 0 ? r : ruleset_build(ret, *ret_full, reterr);
}

static int render_bpf(struct profile *p, const struct disk_list *disks, bool states,
                      struct buf *out, struct error **reterr)
{
    CLEANUP(profile_unref) struct profile *full = NULL;
    CLEANUP(ruleset_free) struct ruleset *ruleset = NULL;
    int r = compile_bpf(p, disks, &full, &ruleset, reterr);

    return r < 0 ? r : render_bpf_text(full, ruleset, states, out);
}

/* Appends what one enforcer would load, as text. */
static int render_text(struct profile *p, enum enforcer_bit enforcer,
                       const struct render_options *o, const struct disk_list *disks,
                       struct buf *out, struct error **reterr)
{
    switch (enforcer) {
    case ENFORCER_APPARMOR:
        return render_apparmor(p, disks, out, reterr);
    case ENFORCER_SECCOMP:
        return render_seccomp(p, o->arch, out, reterr);
    case ENFORCER_BPF:
        return render_bpf(p, disks, o->states, out, reterr);
    }
    return 0;
}

/* ---- All of them ---- */

static const enum enforcer_bit enforcers[] = {ENFORCER_APPARMOR, ENFORCER_BPF, ENFORCER_SECCOMP};

/* With a heading in front of each, if there are several. */
static int print_text(struct profile *p, const struct render_options *o,
                      const struct disk_list *disks, struct error **reterr)
{
    bool several = o->enforcers & (o->enforcers - 1);

    for (size_t i = 0; i < ARRAY_SIZE(enforcers); i++) {
        CLEANUP_BUF struct buf out = BUF_INIT(RENDER_MAX);
        int r;

        if (!(o->enforcers & enforcers[i]))
            continue;
        r = render_text(p, enforcers[i], o, disks, &out, reterr);
        if (r < 0)
            return error_wrap(reterr, r, "%s", enforcer_set_name(enforcers[i]));
        if (several)
            printf("# ---- %s ----\n", enforcer_set_name(enforcers[i]));
        fwrite(buf_text(&out), 1, out.len, stdout);
        if (out.len && out.data[out.len - 1] != '\n')
            putchar('\n');
    }
    return 0;
}

/* The value of AppArmor's or BPF's member; NULL with *reterr. */
static json_t *enforcer_json(struct profile *p, enum enforcer_bit enforcer,
                             const struct disk_list *disks, struct error **reterr)
{
    CLEANUP(profile_unref) struct profile *full = NULL;
    CLEANUP(ruleset_free) struct ruleset *ruleset = NULL;
    CLEANUP_BUF struct buf out = BUF_INIT(RENDER_MAX);
    json_t *json = NULL;

    if (enforcer == ENFORCER_BPF) {
        if (compile_bpf(p, disks, &full, &ruleset, reterr) < 0)
            return NULL;
        json = render_bpf_json(full, ruleset);
    } else {
        if (render_apparmor(p, disks, &out, reterr) < 0)
            return NULL;
        json = text_json(buf_text(&out));
    }
    if (!json)
        error_oom(reterr);
    return json;
}

/* All members but seccomp's; NULL with *reterr. */
static json_t *object_json(struct profile *p, const struct render_options *o,
                           const struct disk_list *disks, struct error **reterr)
{
    static const struct {
        const char *name;
        enum enforcer_bit enforcer;
    } members[] = {{"appArmor", ENFORCER_APPARMOR}, {"bpf", ENFORCER_BPF}};
    CLEANUP(json_decref) json_t *all = NULL;
    char digest[DIGEST_TEXT_SIZE];

    all = json_pack("{s:s, s:s, s:s}", "name", p->name, "digest", digest_format(&p->digest, digest),
                    "mode", p->complain ? "complain" : "enforce");
    if (!all) {
        error_oom(reterr);
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        json_t *value;

        if (!(o->enforcers & members[i].enforcer))
            continue;
        value = enforcer_json(p, members[i].enforcer, disks, reterr);
        if (!value)
            return NULL;
        if (json_object_set_new(all, members[i].name, value) < 0) {
            error_oom(reterr);
            return NULL;
        }
    }
    return TAKE(all);
}

/* Seccomp's member is printed as it is: its numbers have 64 bits without a sign, which jansson
 * cannot hold. */
static int print_json(struct profile *p, const struct render_options *o,
                      const struct disk_list *disks, struct error **reterr)
{
    CLEANUP(json_decref) json_t *all = object_json(p, o, disks, reterr);
    CLEANUP_BUF struct buf seccomp = BUF_INIT(RENDER_MAX);
    CLEANUP_FREE char *text = NULL;
    int r = all ? 0 : reterr && *reterr ? error_code(*reterr) : -ENOMEM;

    if (r == 0 && (o->enforcers & ENFORCER_SECCOMP))
        r = render_seccomp(p, o->arch, &seccomp, reterr);
    if (r < 0)
        return r;
    text = json_dumps(all, JSON_INDENT(JSON_INDENTS));
    if (!text)
        return error_oom(reterr);
    fwrite(text, 1, strlen(text) - strlen("\n}"), stdout);
    if (seccomp.len)
        printf(",\n%*s\"seccomp\": %s", JSON_INDENTS, "", buf_text(&seccomp));
    puts(seccomp.len ? "}" : "\n}");
    return 0;
}

/* ---- The command ---- */

enum { OPT_POLICY = 256, OPT_ENFORCER, OPT_ARCH, OPT_STATES, OPT_DISKS, OPT_INSTALL_NAMESPACE };

static const struct option long_options[] = {
    {"policy", required_argument, NULL, OPT_POLICY},
    {"enforcer", required_argument, NULL, OPT_ENFORCER},
    {"output", required_argument, NULL, 'o'},
    {"arch", required_argument, NULL, OPT_ARCH},
    {"states", no_argument, NULL, OPT_STATES},
    {"disks", required_argument, NULL, OPT_DISKS},
    {"install-namespace", required_argument, NULL, OPT_INSTALL_NAMESPACE},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int parse_enforcer(struct render_options *o)
{
    const struct word *word = words_find(&enforcer_words, optarg);

    if (!word || (word->value & (word->value - 1))) {
        fprintf(stderr, "varmorctl render: '%s' is not an enforcer: AppArmor, BPF, Seccomp\n",
                error_quote(optarg));
        return -EINVAL;
    }
    o->enforcers = (unsigned)word->value;
    return 0;
}

static int parse_arch(struct render_options *o)
{
    size_t n;

    if (!sc_arches_of(optarg, &n)) {
        fprintf(stderr, "varmorctl render: '%s' is not a machine: x86_64, aarch64\n",
                error_quote(optarg));
        return -EINVAL;
    }
    o->arch = optarg;
    return 0;
}

static int parse_option(struct render_options *o, int option)
{
    switch (option) {
    case OPT_POLICY:
        o->policy = optarg;
        return 0;
    case OPT_ENFORCER:
        return parse_enforcer(o);
    case 'o':
        o->json = strcmp(optarg, "json") == 0;
        if (o->json || strcmp(optarg, "text") == 0)
            return 0;
        fprintf(stderr, "varmorctl render: '%s' is not an output format: text, json\n",
                error_quote(optarg));
        return -EINVAL;
    case OPT_ARCH:
        return parse_arch(o);
    case OPT_STATES:
        o->states = true;
        return 0;
    case OPT_DISKS:
        o->disks = optarg;
        return 0;
    case OPT_INSTALL_NAMESPACE:
        o->install_namespace = optarg;
        return 0;
    case 'h':
        o->help = true;
        return 0;
    default:
        return -EINVAL; /* getopt_long() has said what is wrong */
    }
}

static int parse_options(struct render_options *ret, int argc, char **argv)
{
    int option;

    *ret = (struct render_options){.install_namespace = DEFAULT_INSTALL_NAMESPACE};
    optind = 0; /* GNU: start over */
    while ((option = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1)
        if (parse_option(ret, option) < 0)
            return -EINVAL;
    if (!ret->help && optind == argc) {
        fprintf(stderr, "varmorctl render: no file, folder or - is given\n");
        return -EINVAL;
    }
    return 0;
}

/* Prints the chosen policy. 0 or an exit status. */
static int render_policy(struct policy_set *s, struct render_options *o,
                         const struct disk_list *disks, struct error **reterr)
{
    CLEANUP(profile_unref) struct profile *p = NULL;
    struct chosen_policy policy;
    int r;

    if (policy_set_choose(s, o->policy, &policy, reterr) < 0)
        return RENDER_FINDINGS;
    r = policy_set_build(s, &policy, o->install_namespace, true, &p);
    report_print_text(&s->report, stderr, false);
    if (r < 0) {
        error_oom(reterr);
        return EXIT_INTERNAL;
    }
    if (r == 0)
        return RENDER_FINDINGS;
    if (o->enforcers & ~p->enforcers) {
        error_set(reterr, -ENOENT, "the policy's enforcer is %s", enforcer_set_name(p->enforcers));
        return RENDER_FINDINGS;
    }
    if (!o->enforcers)
        o->enforcers = p->enforcers;
    r = o->json ? print_json(p, o, disks, reterr) : print_text(p, o, disks, reterr);
    if (r == -ENOMEM && reterr && !*reterr)
        error_oom(reterr);
    return r == 0 ? 0 : r == -ENOMEM ? EXIT_INTERNAL : RENDER_FINDINGS;
}

static int render_files(struct render_options *o, char *const *paths, size_t n_paths,
                        struct error **reterr)
{
    CLEANUP_POLICY_SET struct policy_set s = {0};
    CLEANUP_DISK_LIST struct disk_list disks = {0};

    if (disks_parse(&disks, o->disks, reterr) < 0)
        return EXIT_USAGE;
    if (policy_set_read(&s, paths, n_paths, reterr) < 0)
        return EXIT_INTERNAL;
    if (s.report.n_errors || s.report.n_unreadable) {
        report_print_text(&s.report, stderr, false);
        return s.report.n_unreadable ? RENDER_UNREADABLE : RENDER_FINDINGS;
    }
    return render_policy(&s, o, &disks, reterr);
}

int render_run(int argc, char **argv)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct render_options options;
    int status;

    if (parse_options(&options, argc, argv) < 0)
        return EXIT_USAGE;
    if (options.help) {
        fputs(render_help, stdout);
        return 0;
    }
    status = render_files(&options, argv + optind, (size_t)(argc - optind), &e);
    if (e)
        fprintf(stderr, "varmorctl render: %s\n", error_message(e));
    return status;
}
