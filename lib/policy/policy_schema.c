/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/policy_schema.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "lib/policy/metadata.h"
#include "lib/policy/policy_words.h"

/* ---- spec.target ---- */

static int check_target(struct decoder *d, const struct node *map, void *object UNUSED)
{
    const struct node *name = node_find(map, "name"), *selector = node_find(map, "selector");

    if (!name && !selector)
        decoder_error(d, map, "neither a name nor a selector is given: one of them is needed");
    if (name && selector)
        decoder_error(d, selector->key, "name and selector exclude each other");
    return 0;
}

static const struct field target_fields[] = {
    {.name = "kind",
     .type = &word_type,
     .offset = offsetof(struct profile_target, kind),
     .param = &target_kind_words,
     .required = true,
     .help = "The kind of workload: Deployment, StatefulSet, DaemonSet, or Pod."},
    {.name = "name",
     .type = &subdomain_type,
     .offset = offsetof(struct profile_target, name),
     .help = "The name of one workload. Instead of a selector."},
    {.name = "selector",
     .type = &selector_type,
     .offset = offsetof(struct profile_target, selector),
     .help = "The workloads, by their own labels. Instead of a name."},
    {.name = "containers",
     .type = &dns_labels_type,
     .offset = offsetof(struct profile_target, containers),
     .also = offsetof(struct profile_target, n_containers),
     .help =
         "The names of the containers that are meant; none: all but init and ephemeral containers."},
};
static const struct schema_rule target_rules[] = {
    {.rule = "has(self.name) || has(self.selector)",
     .message = "neither a name nor a selector is given: one of them is needed"},
    {.rule = "!(has(self.name) && has(self.selector))",
     .message = "name and selector exclude each other",
     .field = ".selector"},
};
const struct schema policy_target_schema = {
    .fields = target_fields,
    .n_fields = ARRAY_SIZE(target_fields),
    .rules = target_rules,
    .n_rules = ARRAY_SIZE(target_rules),
    .size = sizeof(struct profile_target),
    .check = check_target,
};

static int decode_target(struct decoder *d, const struct node *value, const struct field *f UNUSED,
                         void *object)
{
    struct policy *p = object;

    p->target_at = (struct policy_position){value->line, value->column};
    return decoder_struct(d, value, &policy_target_schema, &p->target);
}
static const struct value_type target_type = {
    .decode = decode_target, .shape = SHAPE_OBJECT, .param = &policy_target_schema};

/* ---- spec.policy ---- */

#define ENFORCER_TEXT_MAX 18 /* bytes: each word once */

/* The enforcers of a text: the words AppArmor, BPF and Seccomp in any order, each at most once,
 * without regard to case, and nothing else. 0: it is none of these. */
static unsigned parse_enforcers(const char *text)
{
    static const struct {
        const char *name;
        unsigned bit;
    } words[] = {
        {"AppArmor", ENFORCER_APPARMOR}, {"BPF", ENFORCER_BPF}, {"Seccomp", ENFORCER_SECCOMP}};
    unsigned set = 0;

    while (*text) {
        size_t i = 0;

        while (i < ARRAY_SIZE(words) &&
               strncasecmp(text, words[i].name, strlen(words[i].name)) != 0)
            i++;
        if (i == ARRAY_SIZE(words) || set & words[i].bit)
            return 0;
        set |= words[i].bit;
        text += strlen(words[i].name);
    }
    return set;
}

static int decode_enforcer(struct decoder *d, const struct node *value, const struct field *f,
                           void *object)
{
    CLEANUP_BUF struct buf allowed = BUF_INIT(DECODER_PATH_MAX);
    struct policy *p = object;
    const char *text = decoder_word_text(d, value);

    if (!text)
        return 0;
    p->enforcers = parse_enforcers(text);
    p->enforcer_at = (struct policy_position){value->line, value->column};
    if (p->enforcers)
        return decode_text(d, value, f, object);
    if (words_explain(&enforcer_words, text, &allowed) < 0)
        return -ENOMEM;
    decoder_error(d, value, "'%s' is not an enforcer: %s", error_quote(text), buf_text(&allowed));
    return 0;
}
/* The words of parse_enforcers() in any order. */
#define ORDERS(a, b, c) a "(" b ")?(" c ")?|" a "(" c ")?(" b ")?"
#define ENFORCERS_PATTERN                                                                          \
    "(?i)^(" ORDERS("AppArmor", "BPF", "Seccomp") "|" ORDERS(                                      \
        "BPF", "AppArmor", "Seccomp") "|" ORDERS("Seccomp", "AppArmor", "BPF") ")$"
static const struct value_type enforcer_type = {
    .decode = decode_enforcer,
    .shape = SHAPE_TEXT,
    .max_length = ENFORCER_TEXT_MAX,
    .pattern = ENFORCERS_PATTERN,
};

static int decode_mode(struct decoder *d, const struct node *value, const struct field *f,
                       void *object)
{
    struct policy *p = object;

    p->mode_at = (struct policy_position){value->line, value->column};
    return decode_word(d, value, f, object);
}
static const struct value_type mode_type = {.decode = decode_mode, .shape = SHAPE_WORD};

static const struct number duration_number = {
    .min = 1, .max = INT32_MAX, .size = sizeof(int64_t), .what = "a duration in minutes"};
static const struct field modeling_fields[] = {
    {.name = "duration",
     .type = &number_type,
     .offset = offsetof(struct policy, modeling_minutes),
     .param = &duration_number,
     .required = true,
     .help = "How long the containers are watched, in minutes from the start."},
};
static int check_modeling(struct decoder *d UNUSED, const struct node *map UNUSED, void *object)
{
    struct policy *p = object;

    p->has_modeling = true;
    return 0;
}
static const struct schema modeling_schema = {
    .fields = modeling_fields,
    .n_fields = ARRAY_SIZE(modeling_fields),
    .size = sizeof(struct policy),
    .check = check_modeling,
};

static const struct field defense_fields[] = {
    {.name = "allowViolations",
     .type = &flag_type,
     .offset = offsetof(struct policy, defense_allow_violations),
     .help = "Deny nothing; only write down what would have been denied."},
    {.name = "appArmor",
     .type = &object_type,
     .offset = offsetof(struct policy, defense_apparmor),
     .param = &custom_apparmor_schema,
     .help = "The AppArmor profile; needed if the enforcers include AppArmor."},
    {.name = "seccomp",
     .type = &object_type,
     .offset = offsetof(struct policy, defense_seccomp),
     .param = &custom_seccomp_schema,
     .help = "The seccomp profile; needed if the enforcers include Seccomp."},
};
static int check_defense(struct decoder *d UNUSED, const struct node *map UNUSED, void *object)
{
    struct policy *p = object;

    p->has_defense = true;
    return 0;
}
static const struct schema defense_schema = {
    .fields = defense_fields,
    .n_fields = ARRAY_SIZE(defense_fields),
    .size = sizeof(struct policy),
    .check = check_defense,
};

/* ---- What mode, enforcer and sections demand of each other ---- */

/* The section that each mode reads. */
static const struct {
    enum policy_mode mode;
    const char *section;
} mode_sections[] = {
    {POLICY_ENHANCE_PROTECT, "enhanceProtect"},
    {POLICY_BEHAVIOR_MODELING, "modelingOptions"},
    {POLICY_DEFENSE_IN_DEPTH, "defenseInDepth"},
};

static void check_sections(struct decoder *d, const struct node *map, const struct policy *p)
{
    for (size_t i = 0; p->mode && i < ARRAY_SIZE(mode_sections); i++) {
        const struct node *section = node_find(map, mode_sections[i].section);

        if (mode_sections[i].mode == p->mode && !section)
            decoder_error_in(d, node_find(map, "mode"), "mode %s needs the field '%s'",
                             policy_mode_name(p->mode), mode_sections[i].section);
        if (mode_sections[i].mode != p->mode && section)
            decoder_warning(d, section->key, "'%s' has no effect in mode %s",
                            mode_sections[i].section, policy_mode_name(p->mode));
    }
}

/* A part that only an enforcer carries out that the policy does not name would be dropped in
 * silence. */
static void check_needs(struct decoder *d, const struct policy *p, const struct node *part,
                        const char *name, unsigned enforcer)
{
    if (part && p->enforcers && !(p->enforcers & enforcer))
        decoder_error(d, part->key, "%s need the enforcer %s, which '%s' does not include", name,
                      enforcer == ENFORCER_APPARMOR ? "AppArmor"
                      : enforcer == ENFORCER_BPF    ? "BPF"
                                                    : "Seccomp",
                      error_quote(p->enforcer_text));
}

static void check_enhance_parts(struct decoder *d, const struct node *map, const struct policy *p)
{
    const struct node *enhance = node_find(map, "enhanceProtect");
    const struct node *attack = node_find(enhance, "attackProtectionRules");

    check_needs(d, p, node_find(enhance, "appArmorRawRules"), "appArmorRawRules",
                ENFORCER_APPARMOR);
    check_needs(d, p, node_find(enhance, "bpfRawRules"), "bpfRawRules", ENFORCER_BPF);
    check_needs(d, p, node_find(enhance, "syscallRawRules"), "syscallRawRules", ENFORCER_SECCOMP);
    if (!attack || attack->kind != NODE_LIST)
        return;
    NODE_FOREACH(entry, attack)
    {
        const struct node *targets = node_find(entry, "targets");

        if (targets && targets->kind == NODE_LIST && targets->n_children)
            check_needs(d, p, targets, "attackProtectionRules with targets", ENFORCER_APPARMOR);
    }
}

/* DefenseInDepth has a part per enforcer; neither it nor BehaviorModeling has one for BPF. */
static void check_defense_parts(struct decoder *d, const struct node *map, const struct policy *p)
{
    const struct node *defense = node_find(map, "defenseInDepth");
    const struct node *enforcer = node_find(map, "enforcer");

    if (p->mode != POLICY_DEFENSE_IN_DEPTH && p->mode != POLICY_BEHAVIOR_MODELING)
        return;
    if (p->enforcers & ENFORCER_BPF)
        decoder_error_in(d, enforcer, "mode %s is not supported with the enforcer BPF",
                         policy_mode_name(p->mode));
    if (p->mode != POLICY_DEFENSE_IN_DEPTH || !defense || defense->kind != NODE_MAP)
        return;
    if (p->enforcers & ENFORCER_APPARMOR && !node_find(defense, "appArmor"))
        decoder_error(d, defense->key, "enforcer '%s' needs the field 'defenseInDepth.appArmor'",
                      error_quote(p->enforcer_text));
    if (p->enforcers & ENFORCER_SECCOMP && !node_find(defense, "seccomp"))
        decoder_error(d, defense->key, "enforcer '%s' needs the field 'defenseInDepth.seccomp'",
                      error_quote(p->enforcer_text));
    check_needs(d, p, node_find(defense, "appArmor"), "the fields of appArmor", ENFORCER_APPARMOR);
    check_needs(d, p, node_find(defense, "seccomp"), "the fields of seccomp", ENFORCER_SECCOMP);
}

static int check_rules(struct decoder *d, const struct node *map, void *object)
{
    const struct policy *p = object;

    check_sections(d, map, p);
    if (p->mode == POLICY_ENHANCE_PROTECT)
        check_enhance_parts(d, map, p);
    check_defense_parts(d, map, p);
    return 0;
}

static const struct field rules_fields[] = {
    {.name = "enforcer",
     .type = &enforcer_type,
     .offset = offsetof(struct policy, enforcer_text),
     .required = true,
     .help =
         "What carries the policy out: AppArmor, BPF, Seccomp, or several of them in one word (AppArmorBPF, BPFSeccomp, ...), in any order and case."},
    {.name = "mode",
     .type = &mode_type,
     .offset = offsetof(struct policy, mode),
     .param = &mode_words,
     .required = true,
     .help =
         "What is denied: nothing (AlwaysAllow), what containers never need (RuntimeDefault), that and the rules of enhanceProtect (EnhanceProtect), nothing while a model is made (BehaviorModeling), all that a profile does not allow (DefenseInDepth)."},
    {.name = "enhanceProtect",
     .type = &object_type,
     .offset = offsetof(struct policy, enhance),
     .param = &enhance_protect_schema,
     .help = "The rules of the mode EnhanceProtect."},
    {.name = "modelingOptions",
     .type = &object_type,
     .param = &modeling_schema,
     .help = "How the mode BehaviorModeling watches."},
    {.name = "defenseInDepth",
     .type = &object_type,
     .param = &defense_schema,
     .help = "The profiles of the mode DefenseInDepth."},
};
/* The parts of the rules below, in CEL. */
#define HAS(enforcer)  "self.enforcer.lowerAscii().contains('" enforcer "')"
#define HAD(enforcer)  "oldSelf.enforcer.lowerAscii().contains('" enforcer "')"
#define KEPT(enforcer) "(!" HAD(enforcer) " || " HAS(enforcer) ")"
#define SAME(enforcer) HAD(enforcer) " == " HAS(enforcer)
#define NEEDS(part, name)                                                                          \
    "\"" part " need the enforcer " name ", which '\" + self.enforcer + \"' does not include\""
#define NO_ENHANCE "self.mode != 'EnhanceProtect' || !has(self.enhanceProtect) || "
/* What only one enforcer carries out needs it; see check_needs(). */
#define ENHANCE_NEEDS(part, enforcer, enforcer_name)                                               \
    {                                                                                              \
        .rule = NO_ENHANCE "!has(self.enhanceProtect." part ") || " HAS(enforcer),                 \
        .expression = NEEDS(part, enforcer_name), .field = ".enhanceProtect." part                 \
    }
/* Each enforcer its part of defenseInDepth, and no other part; see check_defense_parts(). */
#define NO_DEFENSE "self.mode != 'DefenseInDepth' || !has(self.defenseInDepth) || "
#define DEFENSE_PART(part, enforcer, enforcer_name)                                                \
    {.rule = NO_DEFENSE "!" HAS(enforcer) " || has(self.defenseInDepth." part ")",                 \
     .expression =                                                                                 \
         "\"enforcer '\" + self.enforcer + \"' needs the field 'defenseInDepth." part "'\"",       \
     .field = ".defenseInDepth"},                                                                  \
    {                                                                                              \
        .rule = NO_DEFENSE "!has(self.defenseInDepth." part ") || " HAS(enforcer),                 \
        .expression = NEEDS("the fields of " part, enforcer_name),                                 \
        .field = ".defenseInDepth." part                                                           \
    }
static const struct schema_rule rules_rules[] = {
    {.rule = "self.mode != 'EnhanceProtect' || has(self.enhanceProtect)",
     .message = "mode EnhanceProtect needs the field 'enhanceProtect'",
     .field = ".mode"},
    {.rule = "self.mode != 'BehaviorModeling' || has(self.modelingOptions)",
     .message = "mode BehaviorModeling needs the field 'modelingOptions'",
     .field = ".mode"},
    {.rule = "self.mode != 'DefenseInDepth' || has(self.defenseInDepth)",
     .message = "mode DefenseInDepth needs the field 'defenseInDepth'",
     .field = ".mode"},
    {.rule = "!(self.mode in ['BehaviorModeling', 'DefenseInDepth']) || !" HAS("bpf"),
     .expression = "'mode ' + self.mode + ' is not supported with the enforcer BPF'",
     .field = ".enforcer"},
    ENHANCE_NEEDS("appArmorRawRules", "apparmor", "AppArmor"),
    ENHANCE_NEEDS("bpfRawRules", "bpf", "BPF"),
    ENHANCE_NEEDS("syscallRawRules", "seccomp", "Seccomp"),
    {.rule = NO_ENHANCE "!has(self.enhanceProtect.attackProtectionRules) || " HAS(
         "apparmor") " || self.enhanceProtect.attackProtectionRules.all(r, !has(r.targets) || size(r.targets) == 0)",
     .expression = NEEDS("attackProtectionRules with targets", "AppArmor"),
     .field = ".enhanceProtect.attackProtectionRules"},
    DEFENSE_PART("appArmor", "apparmor", "AppArmor"),
    DEFENSE_PART("seccomp", "seccomp", "Seccomp"),
    {.rule = "self.mode != 'BehaviorModeling' || oldSelf.mode == 'BehaviorModeling'",
     .message = "no policy is switched to mode BehaviorModeling: delete it and create it anew",
     .field = ".mode"},
    {.rule = "self.mode == 'BehaviorModeling' || oldSelf.mode != 'BehaviorModeling'",
     .message = "no policy is switched from mode BehaviorModeling: delete it and create it anew",
     .field = ".mode"},
    {.rule = "(" KEPT("apparmor") " && " KEPT("bpf") " && " KEPT("seccomp") ") || (" HAD(
         "bpf") " && " SAME("apparmor") " && " SAME("seccomp") ")",
     .message =
         "of enforcers only BPF may be removed, without adding another one: delete the policy and create it anew",
     .field = ".enforcer"},
    {.rule = "self.mode != 'BehaviorModeling' || oldSelf.mode != 'BehaviorModeling' || (" SAME(
         "apparmor") " && " SAME("seccomp") ")",
     .message =
         "the enforcers may not change in mode BehaviorModeling: delete the policy and create it anew",
     .field = ".enforcer"},
};
static const struct schema rules_schema = {
    .fields = rules_fields,
    .n_fields = ARRAY_SIZE(rules_fields),
    .rules = rules_rules,
    .n_rules = ARRAY_SIZE(rules_rules),
    .size = sizeof(struct policy),
    .check = check_rules,
};

/* ---- The object ---- */

static const struct field spec_fields[] = {
    {.name = "target",
     .type = &target_type,
     .required = true,
     .help = "What the policy protects. It may not change: delete the policy and create it anew."},
    {.name = "policy",
     .type = &object_type,
     .param = &rules_schema,
     .required = true,
     .help = "How the target is protected."},
    {.name = "updateExistingWorkloads",
     .type = &flag_type,
     .offset = offsetof(struct policy, update_existing_workloads),
     .help =
         "Restart the workloads that the policy is for when it is created and when it is deleted, so that what takes hold only at the start of a container does. Never Pods."},
};
static const struct schema_rule spec_rules[] = {
    {.rule = "self.target == oldSelf.target",
     .message = "the target may not change: delete the policy and create it anew",
     .field = ".target"},
};
const struct schema policy_spec_schema = {
    .fields = spec_fields,
    .n_fields = ARRAY_SIZE(spec_fields),
    .rules = spec_rules,
    .n_rules = ARRAY_SIZE(spec_rules),
    .size = sizeof(struct policy),
};

/* The name's own position, for what is wrong with the whole of the name. */
static int check_profile_name(struct decoder *d, const struct node *metadata,
                              const struct policy *p)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_FREE char *name = NULL;
    int r;

    if (p->cluster) /* depends on the namespace of the installation: whoever builds the profile
                       knows it */
        return 0;
    r = policy_profile_name(p, "", &name, &e);
    if (r == 0 || r == -ENOMEM)
        return r;
    decoder_error_in(d, node_find(metadata, "name"), "%s", error_message(e));
    return 0;
}

static int decode_policy_metadata(struct decoder *d, const struct node *value,
                                  const struct field *f UNUSED, void *object)
{
    CLEANUP_METADATA struct metadata m = {0};
    struct policy *p = object;
    const struct node *name_space = node_find(value, "namespace");
    const char *lives_in;
    int r = decoder_struct(d, value, &metadata_schema, &m);

    if (r < 0)
        return r;
    if (p->cluster && name_space)
        decoder_error(d, name_space->key, "a VarmorClusterPolicy belongs to no namespace");
    lives_in = p->cluster ? "" : m.name_space ? m.name_space : name_space ? "" : "default";
    p->name = TAKE(m.name);
    p->labels = m.labels ? TAKE(m.labels) : labels_new();
    p->name_space = strdup(lives_in);
    p->uid = TAKE(m.uid);
    p->generation = m.generation;
    if (!p->labels || !p->name_space)
        return -ENOMEM;
    if (!p->cluster) {
        p->target.name_space = strdup(lives_in);
        if (!p->target.name_space)
            return -ENOMEM;
    }
    return p->name ? check_profile_name(d, value, p) : 0;
}
static const struct value_type policy_metadata_type = {.decode = decode_policy_metadata,
                                                       .shape = SHAPE_NONE};

static const struct field policy_fields[] = {
    {.name = "apiVersion", .type = &ignored_type}, /* both have chosen this schema */
    {.name = "kind", .type = &ignored_type},
    {.name = "metadata", .type = &policy_metadata_type, .required = true},
    {.name = "spec", .type = &object_type, .param = &policy_spec_schema, .required = true},
    {.name = "status", .type = &ignored_type}, /* what kubectl prints; ours to write, not to read */
};
static const struct schema policy_schema = {
    .fields = policy_fields,
    .n_fields = ARRAY_SIZE(policy_fields),
    .size = sizeof(struct policy),
    .has_at = true,
    .at_offset = offsetof(struct policy, at),
};

int policy_decode(struct policy *p, const struct node *root, bool cluster, struct decoder *d)
{
    p->cluster = cluster;
    return decoder_struct(d, root, &policy_schema, p);
}
