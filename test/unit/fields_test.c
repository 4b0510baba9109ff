/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of fields, and what is made of them: CustomResourceDefinitions, explanations, a page. */
#include "test/unit/unit.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <regex.h>

#include "ctl/field_path.h"
#include "ctl/openapi.h"
#include "lib/error.h"
#include "lib/policy/policy_words.h"
#include "test/unit/ctl_run.h"

#define HELP_MAX 400 /* bytes that still read as one or two sentences */

/* ---- The tables ---- */

static int check_help(const char *path, const struct field *f, void *data)
{
    unsigned *n = data;
    size_t len;

    ck_assert_msg(f->help, "%s has no help", path);
    len = strlen(f->help);
    ck_assert_msg(len <= HELP_MAX && f->help[len - 1] == '.' && !islower((unsigned char)*f->help) &&
                      !strstr(f->help, "  "),
                  "%s: '%s'", path, f->help);
    ++*n;
    return 0;
}

START_TEST(every_field_says_what_it_means)
{
    unsigned n = 0;

    for (size_t i = 0; i < CUSTOM_RESOURCES; i++)
        ck_assert_int_eq(field_path_each(custom_resources[i].root, "", check_help, &n), 0);
    ck_assert_uint_gt(n, 200);
}
END_TEST

static int check_type(const char *path, const struct field *f, void *data UNUSED)
{
    const struct value_type *t = f->type;
    bool wants_param =
        t->shape == SHAPE_NUMBER || t->shape == SHAPE_WORD || t->shape == SHAPE_OBJECT;

    ck_assert_msg(t->shape != SHAPE_NONE, "%s has no shape", path);
    ck_assert_msg(!wants_param || field_param(f), "%s has no param", path);
    ck_assert_msg(!t->min_items || t->min_items <= field_max_items(f), "%s", path);
    ck_assert_msg(!f->list_keys || t->list, "%s has keys and is no list", path);
    return 0;
}

START_TEST(every_field_has_a_shape_that_can_be_described)
{
    for (size_t i = 0; i < CUSTOM_RESOURCES; i++)
        ck_assert_int_eq(field_path_each(custom_resources[i].root, "", check_type, NULL), 0);
}
END_TEST

static int check_bounded(const char *path, const struct field *f, void *data UNUSED)
{
    ck_assert_msg(!f->type->list || field_max_items(f), "%s has no ceiling", path);
    ck_assert_msg(f->type->shape != SHAPE_TEXT || f->type->max_length, "%s has no ceiling", path);
    return 0;
}

START_TEST(everything_that_a_user_writes_has_a_ceiling)
{
    const struct field *spec = &custom_resources[0].root->fields[0];

    ck_assert_str_eq(spec->name, "spec");
    ck_assert_int_eq(field_path_each(field_param(spec), "", check_bounded, NULL), 0);
}
END_TEST

static int check_rules(const char *path, const struct field *f, void *data)
{
    const struct schema *schema = f->type->shape == SHAPE_OBJECT ? field_param(f) : NULL;
    unsigned *n = data;

    for (size_t i = 0; schema && i < schema->n_rules; i++) {
        const struct schema_rule *rule = &schema->rules[i];
        const char *message = rule->message ? rule->message : "";

        ck_assert_msg(!rule->message != !rule->expression, "%s: one message for '%s'", path,
                      rule->rule);
        ck_assert_msg(!strchr(message, '\n') && !strchr(rule->rule, '\n'), "%s", path);
        ck_assert_msg(!*message || message[strlen(message) - 1] != '.', "%s: '%s'", path, message);
        ck_assert_msg(!rule->field || *rule->field == '.', "%s: '%s'", path, rule->field);
        ++*n;
    }
    return 0;
}

START_TEST(every_rule_has_one_message)
{
    unsigned n = 0;

    ck_assert_int_eq(field_path_each(custom_resources[0].root, "", check_rules, &n), 0);
    ck_assert_uint_gt(n, 30);
}
END_TEST

/* The patterns, as a regular expression of POSIX has them, on texts that fit and do not. */
static const struct {
    const char *path, *text;
    bool fits;
} patterns[] = {
    {"spec.policy.enforcer", "AppArmor", true},
    {"spec.policy.enforcer", "SeccompBPFAppArmor", true},
    {"spec.policy.enforcer", "BPFSeccomp", true},
    {"spec.policy.enforcer", "BPFBPF", false},
    {"spec.policy.enforcer", "", false},
    {"spec.policy.enforcer", "AppArmor,BPF", false},
    {"spec.target.name", "web-1.x", true},
    {"spec.target.name", "-web", false},
    {"spec.target.name", "we..b", false},
    {"spec.target.containers", "a", true},
    {"spec.target.containers", "a.b", false},
    {"spec.target.selector.matchExpressions.key", "app", true},
    {"spec.target.selector.matchExpressions.key", "example.com/App_1", true},
    {"spec.target.selector.matchExpressions.key", "/app", false},
    {"spec.target.selector.matchExpressions.key", "Example.com/app", false},
    {"spec.target.selector.matchExpressions.values", "", true},
    {"spec.target.selector.matchExpressions.values", "v-1", true},
    {"spec.target.selector.matchExpressions.values", "v-", false},
    {"spec.policy.enhanceProtect.attackProtectionRules.targets", "/bin/sh", true},
    {"spec.policy.enhanceProtect.attackProtectionRules.targets", "sh", false},
};

START_TEST(patterns_take_what_the_reader_takes)
{
    const char *pattern;
    struct field_place place;
    regex_t regex;

    ck_assert_int_eq(field_path_find(&place, patterns[_i].path, NULL), 0);
    pattern = place.field->type->pattern;
    if (strncmp(pattern, "(?i)", 4) == 0)
        pattern += 4;
    ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    ck_assert_int_eq(regexec(&regex, patterns[_i].text, 0, NULL, 0) == 0, patterns[_i].fits);
    regfree(&regex);
}
END_TEST

/* ---- OpenAPI ---- */

static const struct words colours = {
    .what = "a colour",
    .items = (const struct word[]){{.text = "all"}, {.text = "*"}, {.text = "red"}},
    .n = 3,
    .any_case = true,
};
static const struct words sizes = {
    .what = "a size", .items = (const struct word[]){{.text = "S"}, {.text = "L"}}, .n = 2};
static const struct number weight = {.min = -1, .max = UINT32_MAX};
static const struct number huge = {.max = UINT64_MAX};
static const struct value_type colours_type = {
    .shape = SHAPE_WORD, .list = true, .min_items = 1, .max_items = 3, .param = &colours};
static const struct value_type map_type = {.shape = SHAPE_MAP, .max_items = 4, .max_length = 5};
static const struct field inner_fields[] = {
    {.name = "a", .type = &text_type, .required = true, .help = "A."}};
static const struct schema_rule inner_rules[] = {
    {.rule = "true", .message = "m", .field = ".a"},
    {.rule = "false", .expression = "self.a"},
};
static const struct schema inner = {
    .fields = inner_fields, .n_fields = 1, .rules = inner_rules, .n_rules = 2};
static const struct value_type atomic_type = {
    .shape = SHAPE_OBJECT, .atomic = true, .param = &(const struct schema){0}};

static const struct {
    struct field field;
    const char *json;
} described[] = {
    {{.name = "x", .type = &flag_type, .help = "X."},
     "{\"description\": \"X.\", \"type\": \"boolean\"}"},
    {{.name = "x", .type = &time_type, .help = "X."},
     "{\"description\": \"X.\", \"type\": \"string\", \"format\": \"date-time\"}"},
    {{.name = "x", .type = &filled_text_type, .help = "X."},
     "{\"description\": \"X.\", \"type\": \"string\", \"minLength\": 1}"},
    {{.name = "x", .type = &number_type, .param = &weight, .help = "X."},
     "{\"description\": \"X.\", \"type\": \"integer\", \"format\": \"int64\", \"minimum\": -1, "
     "\"maximum\": 4294967295}"},
    {{.name = "x", .type = &number_type, .param = &huge, .help = "X."},
     "{\"description\": \"X.\", \"type\": \"integer\", \"format\": \"int64\", \"minimum\": 0}"},
    {{.name = "x", .type = &word_type, .param = &sizes, .help = "X."},
     "{\"description\": \"X.\", \"type\": \"string\", \"enum\": [\"S\", \"L\"]}"},
    {{.name = "x", .type = &colours_type, .help = "X."},
     "{\"description\": \"X.\", \"type\": \"array\", \"minItems\": 1, \"maxItems\": 3, "
     "\"x-kubernetes-list-type\": \"atomic\", \"items\": {\"type\": \"string\", \"pattern\": "
     "\"(?i)^(all|\\\\*|red)$\"}}"},
    {{.name = "x", .type = &map_type, .help = "X."},
     "{\"description\": \"X.\", \"type\": \"object\", \"maxProperties\": 4, "
     "\"additionalProperties\": {\"type\": \"string\", \"maxLength\": 5}}"},
    {{.name = "x", .type = &atomic_type, .help = "X."},
     "{\"description\": \"X.\", \"type\": \"object\", \"x-kubernetes-map-type\": \"atomic\"}"},
    {{.name = "x",
      .type = &list_type,
      .param = &inner,
      .max_items = 2,
      .list_keys = "a,b",
      .help = "X."},
     "{\"description\": \"X.\", \"type\": \"array\", \"maxItems\": 2, \"x-kubernetes-list-type\": "
     "\"map\", \"x-kubernetes-list-map-keys\": [\"a\", \"b\"], \"items\": {\"type\": \"object\", "
     "\"required\": [\"a\"], \"x-kubernetes-validations\": [{\"rule\": \"true\", \"message\": "
     "\"m\", \"fieldPath\": \".a\"}, {\"rule\": \"false\", \"messageExpression\": \"self.a\"}], "
     "\"properties\": {\"a\": {\"description\": \"A.\", \"type\": \"string\"}}}}"},
};

START_TEST(a_field_is_described_as_openapi_has_it)
{
    json_t *json = openapi_field_json(&described[_i].field);
    char *text;

    ck_assert_ptr_nonnull(json);
    text = json_dumps(json, 0);
    ck_assert_str_eq(text, described[_i].json);
    free(text);
    json_decref(json);
}
END_TEST

/* ---- Paths ---- */

static const struct {
    const char *path, *kind, *field, *problem;
} paths[] = {
    {"spec.policy.mode", "VarmorPolicy", "mode", NULL},
    {"spec", "VarmorPolicy", "spec", NULL},
    {"vpol", "VarmorPolicy", NULL, NULL},
    {"", "VarmorPolicy", NULL, NULL},
    {"vcpol.spec.target", "VarmorClusterPolicy", "target", NULL},
    {"VarmorClusterPolicies.status", "VarmorClusterPolicy", "status", NULL},
    {"ArmorProfile.status.nodes.enforcers.state", "ArmorProfile", "state", NULL},
    {"armorprofilemodels.data.dynamicResult.apparmor.files", "ArmorProfileModel", "files", NULL},
    {"spec.policy.enhanceProtect.bpfRawRules.files[0].pattern", "VarmorPolicy", "pattern", NULL},
    {"spec.target.selector.matchLabels['app']", "VarmorPolicy", "matchLabels", NULL},
    {"spec.polisy", NULL, NULL, "'spec' has no field 'polisy'; did you mean 'policy'?"},
    {"spec.policy.mode.x", NULL, NULL, "'mode' has no fields, so no 'x'"},
    {"nonsense", NULL, NULL, "'VarmorPolicy' has no field 'nonsense'"},
    {"spec..policy", NULL, NULL, "'spec' has no field ''"},
    {"armorprofilemodel.data.staticResult.x", NULL, NULL,
     "'staticResult' has no fields, so no 'x'"},
};

START_TEST(a_field_is_found_by_its_path)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct field_place place;
    int r = field_path_find(&place, paths[_i].path, &e);

    ck_assert_int_eq(r, paths[_i].problem ? -ENOENT : 0);
    if (paths[_i].problem) {
        ck_assert_str_eq(error_message(e), paths[_i].problem);
        return;
    }
    ck_assert_str_eq(place.resource->kind, paths[_i].kind);
    ck_assert_int_eq(!place.field, !paths[_i].field);
    if (place.field)
        ck_assert_str_eq(place.field->name, paths[_i].field);
}
END_TEST

START_TEST(a_path_longer_than_any_field_is_not_found)
{
    char path[4 * FIELD_PATH_SIZE];
    struct field_place place;

    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    ck_assert_int_eq(field_path_find(&place, path, NULL), -ENOENT);
}
END_TEST

/* ---- The commands ---- */

static char *run(const char *command, const char *const *args, int status)
{
    CLEANUP_BUF struct buf out = BUF_INIT(OUTPUT_MAX), err = BUF_INIT(OUTPUT_MAX);

    ck_assert_int_eq(ctl_run(command, args, NULL, &out, &err), status);
    return strdup(buf_text(status == 0 ? &out : &err));
}
#define RUN(status, command, ...) run(command, (const char *const[MAX_ARGS]){__VA_ARGS__}, status)

static void expect_output(char *output, const char *expected)
{
    ck_assert_str_eq(output, expected);
    free(output);
}

START_TEST(explain_tells_all_of_a_field)
{
    expect_output(RUN(0, "explain",
                      "spec.policy.enhanceProtect.bpfRawRules.network.egress."
                      "toDestinations[3].ports"),
                  "KIND:       VarmorPolicy\n"
                  "VERSION:    crd.varmor.org/v1beta1\n"
                  "\n"
                  "FIELD: ports <[]object>\n"
                  "\n"
                  "DESCRIPTION:\n"
                  "    The ports, of any protocol; none: every port.\n"
                  "\n"
                  "VALUES:\n"
                  "    at most 64\n"
                  "\n"
                  "REFUSED:\n"
                  "    endPort is less than port\n"
                  "\n"
                  "FIELDS:\n"
                  "  port <integer> required\n"
                  "      The port, or the first of a range.\n"
                  "\n"
                  "  endPort <integer>\n"
                  "      The last port of the range that begins with port.\n");
    expect_output(RUN(0, "explain", "-r", "vcpol.status.nodes"),
                  "KIND:       VarmorClusterPolicy\n"
                  "VERSION:    crd.varmor.org/v1beta1\n"
                  "\n"
                  "FIELD: nodes <object>\n"
                  "\n"
                  "DESCRIPTION:\n"
                  "    How many nodes have the profile.\n"
                  "\n"
                  "FIELDS:\n"
                  "  desired <integer>\n"
                  "  ready <integer>\n"
                  "  failed <integer>\n"
                  "  summary <string>\n");
    expect_output(RUN(0, "explain", "-o", "name", "spec.target.selector"),
                  "spec.target.selector\n"
                  "spec.target.selector.matchLabels\n"
                  "spec.target.selector.matchExpressions\n"
                  "spec.target.selector.matchExpressions.key\n"
                  "spec.target.selector.matchExpressions.operator\n"
                  "spec.target.selector.matchExpressions.values\n");
    expect_output(
        RUN(0, "explain", "-o", "yaml", "spec.updateExistingWorkloads"),
        "description: Restart the workloads that the policy is for when it is created and "
        "when it is deleted, so that what takes hold only at the start of a container "
        "does. Never Pods.\n"
        "type: boolean\n");
    expect_output(RUN(1, "explain", "spec.targets"),
                  "varmorctl explain: 'spec' has no field 'targets'; did you mean 'target'?\n");
}
END_TEST

/* All paths that are listed can be explained, in lines that fit a terminal. */
START_TEST(every_listed_field_is_explained)
{
    char *names = RUN(0, "explain", "-o", "name"), *rest = names, *name;
    unsigned n = 0;

    while ((name = strsep(&rest, "\n")) && *name) {
        char *text = RUN(0, "explain", name), *lines = text, *line;

        while ((line = strsep(&lines, "\n")))
            ck_assert_msg(strlen(line) <= 80 || !strchr(line + 4, ' '), "%s: '%s'", name, line);
        free(text);
        n++;
    }
    ck_assert_uint_gt(n, 100);
    free(names);
}
END_TEST

static const struct {
    const char *args[MAX_ARGS];
    const char *message;
} usage_errors[] = {
    {{"-o", "xml"}, "varmorctl crds: 'xml' is not an output format: yaml, json, markdown\n"},
    {{"x"}, "varmorctl crds: takes no argument 'x'\n"},
    {{"--frob"}, "varmorctl crds: unrecognized option '--frob'\n"},
};

START_TEST(crds_refuses_what_it_does_not_know)
{
    expect_output(run("crds", usage_errors[_i].args, 2), usage_errors[_i].message);
}
END_TEST

static void expect_file(const char *path, char *expected)
{
    CLEANUP_FREE char *text = NULL;
    FILE *file = fopen(path, "re");
    size_t size = 0;

    ck_assert_msg(file, "%s is not there: run 'make golden'", path);
    ck_assert_int_gt(getdelim(&text, &size, '\0', file), 0);
    fclose(file);
    ck_assert_msg(strcmp(text, expected) == 0, "%s is not what the tables say: run 'make golden'",
                  path);
    free(expected);
}

START_TEST(files_made_of_the_tables_are_up_to_date)
{
    expect_file("charts/varmor/files/crds/crds.yaml", RUN(0, "crds"));
    expect_file("docs/fields.md", RUN(0, "crds", "-o", "markdown"));
}
END_TEST

START_TEST(crds_as_json_are_a_list)
{
    CLEANUP_FREE char *text = RUN(0, "crds", "--output=json");
    json_t *json = json_loads(text, 0, NULL), *first;
    const char *scope;

    ck_assert_uint_eq(json_array_size(json_object_get(json, "items")), CUSTOM_RESOURCES);
    first = json_array_get(json_object_get(json, "items"), 1);
    ck_assert_int_eq(json_unpack(first, "{s:{s:s}}", "spec", "scope", &scope), 0);
    ck_assert_str_eq(scope, "Cluster");
    json_decref(json);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("fields");
    TCase *t = tcase_create("fields");

    tcase_add_test(t, every_field_says_what_it_means);
    tcase_add_test(t, every_field_has_a_shape_that_can_be_described);
    tcase_add_test(t, everything_that_a_user_writes_has_a_ceiling);
    tcase_add_test(t, every_rule_has_one_message);
    tcase_add_loop_test(t, patterns_take_what_the_reader_takes, 0, (int)ARRAY_SIZE(patterns));
    tcase_add_loop_test(t, a_field_is_described_as_openapi_has_it, 0, (int)ARRAY_SIZE(described));
    tcase_add_loop_test(t, a_field_is_found_by_its_path, 0, (int)ARRAY_SIZE(paths));
    tcase_add_test(t, a_path_longer_than_any_field_is_not_found);
    tcase_add_test(t, explain_tells_all_of_a_field);
    tcase_add_test(t, every_listed_field_is_explained);
    tcase_add_loop_test(t, crds_refuses_what_it_does_not_know, 0, (int)ARRAY_SIZE(usage_errors));
    tcase_add_test(t, files_made_of_the_tables_are_up_to_date);
    tcase_add_test(t, crds_as_json_are_a_list);
    suite_add_tcase(s, t);
    return s;
}
