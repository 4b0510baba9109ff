/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/test.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/disks.h"
#include "ctl/expectations.h"
#include "ctl/inputs.h"
#include "ctl/policy_set.h"
#include "ctl/test_output.h"

#define MAX_EXPECT_FILES 100
#define MAX_QUESTIONS    1000 /* of a command line */

static const char test_help[] =
    "Usage: varmorctl test [OPTION]... FILE|FOLDER|-...\n"
    "\n"
    "Says what actions of a container would get under a policy, from each of its enforcers, with the rule that\n"
    "decides; and checks expectations, for CI. No cluster and no kernel is needed: the BPF enforcer's own\n"
    "automata are walked, and the seccomp filter is run. AppArmor's answer is found by comparing rules one by\n"
    "one: it is 'unknown' where they are about sources, targets or options of mounts or about peers, and what a\n"
    "profile does not mention at all, which the kernel denies, is not noticed.\n"
    "\n"
    "Questions (any number):\n"
    "      --read PATH             also --write, --append, --create, --delete, --rename, --link, --truncate,\n"
    "                              --chmod, --chown, --setattr, --exec\n"
    "      --capability NAME       sys_admin\n"
    "      --connect ADDR:PORT     10.0.0.1:443, [fd00::1]:443; to AppArmor, a TCP socket\n"
    "      --socket DOMAIN,TYPE[,PROTOCOL]\n"
    "                              inet,stream,tcp; words as in policies, or numbers\n"
    "      --mount SOURCE[,FSTYPE[,FLAG...]]\n"
    "                              /dev/sda,ext4,ro; flags as in policies\n"
    "      --umount PATH\n"
    "      --ptrace PERMISSION[,own]\n"
    "                              trace, read, traceby, readby; own: a process of the same container\n"
    "      --syscall NAME[,ARG...] unshare,0x10000000\n"
    "\n"
    "Options:\n"
    "      --expect FILE           check the expectations of a file (YAML or JSON, see below)\n"
    "      --policy [NS/]NAME      which policy, if there are several\n"
    "      --arch ARCH             of system calls: x86_64 (the default), x86, x32, aarch64, arm\n"
    "      --program PATH          the executable that acts, for AppArmor's rules for single executables\n"
    "      --disks NAME,...        the node's disks, for the rules about them, as in /proc/partitions\n"
    "                              (default: none)\n"
    "  -o, --output FORMAT         text (the default), json, or junit\n"
    "      --install-namespace NS  as for validate (default: " DEFAULT_INSTALL_NAMESPACE ")\n"
    "  -h, --help                  this text\n"
    "\n"
    "A file of expectations (a name like web.expect: folders of policies pass it over):\n"
    "  policy: shop/web            # may be left out if there is one policy\n"
    "  expect:\n"
    "  - {read: /etc/shadow, verdict: deny, rule: \"bpfRawRules.files[0]\"}\n"
    "  - {write: /tmp/x, verdict: allow}\n"
    "  - {syscall: \"unshare,0x10000000\", arch: x86, verdict: deny, audited: true, enforcer: Seccomp}\n"
    "\n"
    "Exit status: 0, 1 (an expectation differs, or the policy is wrong), 2 (usage), 3 (something could not be\n"
    "read), 4 (internal error).\n";

/* What was given on the command line; borrows from argv. */
struct test_options {
    bool help;
    enum test_format format;
    enum sc_arch arch;
    const char *policy, *disks, *install_namespace, *program;
    const char *expect[MAX_EXPECT_FILES];
    size_t n_expect;
    struct {
        const char *word, *text;
    } asked[MAX_QUESTIONS];
    size_t n_asked;
};

/* ---- Options ---- */

enum {
    OPT_EXPECT = 256,
    OPT_POLICY,
    OPT_ARCH,
    OPT_DISKS,
    OPT_PROGRAM,
    OPT_INSTALL_NAMESPACE,
    OPT_QUESTION, /* this and those that follow: question_words[] */
};

static const struct option plain_options[] = {
    {"expect", required_argument, NULL, OPT_EXPECT},
    {"policy", required_argument, NULL, OPT_POLICY},
    {"arch", required_argument, NULL, OPT_ARCH},
    {"disks", required_argument, NULL, OPT_DISKS},
    {"program", required_argument, NULL, OPT_PROGRAM},
    {"output", required_argument, NULL, 'o'},
    {"install-namespace", required_argument, NULL, OPT_INSTALL_NAMESPACE},
    {"help", no_argument, NULL, 'h'},
};

/* The options above and one for each word of a question, ended; owned. NULL: no memory. */
static struct option *all_options(void)
{
    struct option *o = calloc(ARRAY_SIZE(plain_options) + n_question_words + 1, sizeof(*o));

    if (!o)
        return NULL;
    memcpy(o, plain_options, sizeof(plain_options));
    for (size_t i = 0; i < n_question_words; i++)
        o[ARRAY_SIZE(plain_options) + i] = (struct option){
            .name = question_words[i], .has_arg = required_argument, .val = OPT_QUESTION + (int)i};
    return o;
}

static int usage(const struct error *e)
{
    fprintf(stderr, "varmorctl test: %s\n", error_message(e));
    return -EINVAL;
}

static int parse_format(struct test_options *o)
{
    static const char *const words[] = {
        [TEST_TEXT] = "text", [TEST_JSON] = "json", [TEST_JUNIT] = "junit"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(words[i], optarg) == 0) {
            o->format = (enum test_format)i;
            return 0;
        }
    fprintf(stderr, "varmorctl test: '%s' is not an output format: text, json, junit\n",
            error_quote(optarg));
    return -EINVAL;
}

static int parse_arch(struct test_options *o)
{
    CLEANUP(error_free) struct error *e = NULL;

    return arch_parse(&o->arch, optarg, &e) < 0 ? usage(e) : 0;
}

static int too_many(const char *what, unsigned max)
{
    fprintf(stderr, "varmorctl test: more than %u %s\n", max, what);
    return -EINVAL;
}

static int parse_question(struct test_options *o, int option)
{
    if (o->n_asked == MAX_QUESTIONS)
        return too_many("questions", MAX_QUESTIONS);
    o->asked[o->n_asked].word = question_words[option - OPT_QUESTION];
    o->asked[o->n_asked++].text = optarg;
    return 0;
}

static int parse_option(struct test_options *o, int option)
{
    switch (option) {
    case OPT_EXPECT:
        if (o->n_expect == MAX_EXPECT_FILES)
            return too_many("files of expectations", MAX_EXPECT_FILES);
        o->expect[o->n_expect++] = optarg;
        return 0;
    case OPT_POLICY:
        o->policy = optarg;
        return 0;
    case OPT_ARCH:
        return parse_arch(o);
    case OPT_DISKS:
        o->disks = optarg;
        return 0;
    case OPT_PROGRAM:
        o->program = optarg;
        return 0;
    case 'o':
        return parse_format(o);
    case OPT_INSTALL_NAMESPACE:
        o->install_namespace = optarg;
        return 0;
    case 'h':
        o->help = true;
        return 0;
    default:
        if (option < OPT_QUESTION)
            return -EINVAL; /* getopt_long() has said what is wrong */
        return parse_question(o, option);
    }
}

static int parse_options(struct test_options *ret, int argc, char **argv)
{
    CLEANUP_FREE struct option *options = all_options();
    int option;

    *ret = (struct test_options){.install_namespace = DEFAULT_INSTALL_NAMESPACE};
    if (!options)
        return -ENOMEM;
    optind = 0; /* GNU: start over */
    while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1)
        if (parse_option(ret, option) < 0)
            return -EINVAL;
    if (ret->help)
        return 0;
    if (optind == argc || (ret->n_asked == 0 && ret->n_expect == 0)) {
        fprintf(stderr, "varmorctl test: no %s given\n",
                optind == argc ? "file, folder or - is" : "question or --expect is");
        return -EINVAL;
    }
    return 0;
}

/* ---- Running ---- */

struct run {
    const struct test_options *options;
    struct policy_set set;
    struct disk_list disks;
    struct test_cases cases;
    struct error *error; /* owned; for standard error */
};

/* An exit status for a failure whose text is in *reterr. */
static int failed(int r)
{
    return r == -ENOMEM ? EXIT_INTERNAL : TEST_DIFFERENT;
}

/* Runs the cases from first on under a policy. 0 or an exit status. */
static int run_cases(struct run *run, const char *policy_name, size_t first)
{
    CLEANUP(profile_unref) struct profile *p = NULL;
    CLEANUP(judges_free) struct judges *judges = NULL;
    struct chosen_policy policy;
    int r;

    if (policy_set_choose(&run->set, policy_name, &policy, &run->error) < 0)
        return TEST_DIFFERENT;
    r = policy_set_build(&run->set, &policy, run->options->install_namespace, true, &p);
    if (r < 0)
        return failed(error_oom(&run->error));
    if (r == 0)
        return TEST_DIFFERENT; /* the report says why */
    r = judges_new(&judges, p, &run->disks, &run->error);
    if (r == 0)
        r = test_cases_run(&run->cases, first, judges, &run->error);
    return r < 0 ? failed(r) : 0;
}

/* The questions of the command line. 0 or an exit status. */
static int run_asked(struct run *run)
{
    const struct test_options *o = run->options;
    size_t first = run->cases.n;

    for (size_t i = 0; i < o->n_asked; i++) {
        struct test_case *c = test_cases_add(&run->cases);
        int r = c ? 0 : error_oom(&run->error);

        if (r == 0)
            r = question_parse(&c->question, o->asked[i].word, o->asked[i].text, &run->error);
        if (r < 0)
            return r == -ENOMEM ? EXIT_INTERNAL : EXIT_USAGE;
        c->arch = o->arch;
        c->program = o->program ? strdup(o->program) : NULL;
        if (o->program && !c->program)
            return failed(error_oom(&run->error));
    }
    return o->n_asked ? run_cases(run, o->policy, first) : 0;
}

/* Reads one file of expectations. 0 or an exit status. */
static int read_expectations(struct run *run, const char *path, struct expectations *ret)
{
    CLEANUP_BUF struct buf text = BUF_INIT((size_t)OBJECT_FILE_MAX_BYTES + 1);
    const struct input input = {.path = (char *)path};
    struct findings findings = {0};
    bool wrong;
    int r = input_read(&input, &text, &run->error);

    if (r < 0) {
        error_wrap(&run->error, r, "%s", path);
        return r == -ENOMEM ? EXIT_INTERNAL : TEST_UNREADABLE;
    }
    r = expectations_read(ret, &run->cases, path, buf_text(&text), text.len, &findings);
    wrong = findings.n_errors > 0;
    if (report_add_findings(&run->set.report, path, &findings) < 0 || r < 0)
        return failed(error_oom(&run->error));
    return wrong ? TEST_DIFFERENT : 0;
}

static int run_expectations(struct run *run, const char *path)
{
    CLEANUP_EXPECTATIONS struct expectations x = {0};
    int status = read_expectations(run, path, &x);

    for (size_t i = 0; i < x.n_policies && status == 0; i++) {
        size_t all = run->cases.n;
        const char *policy = x.policies[i].policy;

        /* up to the next policy's */
        run->cases.n = i + 1 < x.n_policies ? x.policies[i + 1].first : all;
        status = run_cases(run, policy ? policy : run->options->policy, x.policies[i].first);
        run->cases.n = all;
    }
    return status;
}

static int run_all(struct run *run, char *const *paths, size_t n_paths)
{
    const struct test_options *o = run->options;
    int status = 0;

    if (disks_parse(&run->disks, o->disks, &run->error) < 0)
        return EXIT_USAGE;
    if (policy_set_read(&run->set, paths, n_paths, &run->error) < 0)
        return EXIT_INTERNAL;
    if (run->set.report.n_unreadable)
        return TEST_UNREADABLE;
    if (run->set.report.n_errors)
        return TEST_DIFFERENT;
    status = run_asked(run);
    for (size_t i = 0; i < o->n_expect && status == 0; i++)
        status = run_expectations(run, o->expect[i]);
    if (status == 0 && test_print(&run->cases, o->format) < 0)
        status = failed(error_oom(&run->error));
    if (status == 0)
        test_print_summary(&run->cases);
    return status ? status : run->cases.n_different ? TEST_DIFFERENT : 0;
}

int test_run(int argc, char **argv)
{
    CLEANUP_FREE struct test_options *options = calloc(1, sizeof(*options));
    struct run run = {.options = options};
    int status, r = options ? parse_options(options, argc, argv) : -ENOMEM;

    if (r == -ENOMEM) {
        fprintf(stderr, "varmorctl test: out of memory\n");
        return EXIT_INTERNAL;
    }
    if (r < 0)
        return EXIT_USAGE;
    if (options->help) {
        fputs(test_help, stdout);
        return 0;
    }
    status = run_all(&run, argv + optind, (size_t)(argc - optind));
    report_print_text(&run.set.report, stderr, false);
    if (run.error)
        fprintf(stderr, "varmorctl test: %s\n", error_message(run.error));
    test_cases_done(&run.cases);
    disk_list_done(&run.disks);
    policy_set_done(&run.set);
    error_free(run.error);
    return status;
}
