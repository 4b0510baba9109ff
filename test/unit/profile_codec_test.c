/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/policy/selector.h"
#include "proto/profile_codec.h"
#include "lib/counted_text.h"

static void add_path_rule(struct profile *p, enum rule_kind kind, const char *pattern,
                          unsigned permissions)
{
    struct rule *rule = profile_add_rule(p, kind, RULE_DENY | RULE_AUDIT, "bpfRawRules.files[0]");

    ck_assert_ptr_nonnull(rule);
    rule->path.pattern = strdup(pattern);
    rule->path.permissions = permissions;
}

/* A profile with one rule of each kind and a target with everything. */
static struct profile *full_profile(void)
{
    static const char *const values[] = {"web", "api"};
    struct profile *p = profile_new();
    struct profile_target *t;
    struct rule *rule;

    p->name = strdup("varmor-shop-web");
    p->name_space = strdup("shop");
    p->policy_kind = strdup("VarmorPolicy");
    p->policy_namespace = strdup("shop");
    p->policy_name = strdup("web");
    p->policy_generation = 7;
    p->enforcers = ENFORCER_BPF;
    p->priority = 1; /* a negative one has bits in its varint that say nothing */

    t = profile_add_target(p, TARGET_DEPLOYMENT);
    t->name_space = strdup("shop");
    t->selector = selector_new();
    ck_assert_int_eq(selector_add(t->selector, "app", SELECTOR_IN, values, 2, NULL), 0);
    t->containers = calloc(1, sizeof(char *));
    t->containers[0] = strdup("c1");
    t->n_containers = 1;

    add_path_rule(p, RULE_FILE, "/etc/shadow", PATH_READ | PATH_WRITE);
    add_path_rule(p, RULE_EXEC, "**/sh", PATH_EXEC);
    profile_add_rule(p, RULE_CAPABILITY, RULE_DENY, "x")->capability.mask = 1ull << 40;
    rule = profile_add_rule(p, RULE_SOCKET, RULE_DENY, "x");
    rule->socket.domains = 1ull << 45;
    rule->socket.protocols = SOCKET_UDP;
    rule = profile_add_rule(p, RULE_EGRESS, RULE_DENY, "x");
    ck_assert_int_eq(addr_parse_block(&rule->egress.block, "10.0.0.0/8"), 0);
    rule->egress.ports = calloc(1, sizeof(struct port_range));
    rule->egress.ports[0] = (struct port_range){80, 443};
    rule->egress.n_ports = 1;
    rule = profile_add_rule(p, RULE_EGRESS, RULE_DENY, "x"); /* every address */
    rule = profile_add_rule(p, RULE_PTRACE, RULE_DENY, "base");
    rule->ptrace.permissions = PTRACE_TRACE;
    rule->ptrace.strict = true;
    rule = profile_add_rule(p, RULE_MOUNT, RULE_AUDIT, "base");
    rule->mount.pattern = strdup("**");
    rule->mount.fstype = strdup("*");
    rule->mount.flags = 0xfffffdff;
    rule->mount.reverse_flags = 0xffffffff;
    ck_assert_int_eq(profile_seal(p, NULL), 0);
    return p;
}

START_TEST(a_profile_survives_its_encoding)
{
    CLEANUP(profile_unref) struct profile *p = full_profile();
    CLEANUP(profile_unref) struct profile *q = NULL;
    CLEANUP_BUF struct buf first = BUF_INIT(65536);
    CLEANUP_BUF struct buf second = BUF_INIT(65536);

    ck_assert_int_eq(profile_encode(p, &first), 0);
    ck_assert_int_eq(profile_decode(&q, first.data, first.len, NULL), 0);
    ck_assert_int_eq(profile_encode(q, &second), 0);
    ck_assert_uint_eq(first.len, second.len);
    ck_assert_mem_eq(first.data, second.data, first.len);

    ck_assert_uint_eq(q->n_rules, p->n_rules);
    ck_assert_str_eq(q->rules[0].path.pattern, "/etc/shadow");
    ck_assert_str_eq(q->rules[0].origin, "bpfRawRules.files[0]");
    ck_assert(q->rules[2].capability.mask == 1ull << 40);
    ck_assert(addr_equal(&q->rules[4].egress.block, &p->rules[4].egress.block));
    ck_assert_uint_eq(q->rules[4].egress.ports[0].last, 443);
    ck_assert_int_eq(q->rules[5].egress.block.family, ADDR_NONE);
    ck_assert_uint_eq(q->rules[7].mount.flags, 0xfffffdff);
    ck_assert_str_eq(selector_text(q->targets[0].selector), selector_text(p->targets[0].selector));
    ck_assert_str_eq(q->targets[0].containers[0], "c1");
    ck_assert_int_eq(q->priority, 1);
    ck_assert_uint_eq(q->policy_generation, 7);
}
END_TEST

START_TEST(the_digest_is_of_the_content_and_not_of_the_generation)
{
    CLEANUP(profile_unref) struct profile *p = full_profile();
    struct digest before = p->digest;

    p->policy_generation++;
    ck_assert_int_eq(profile_seal(p, NULL), 0);
    ck_assert(digest_equal(&before, &p->digest));
    p->rules[2].capability.mask = 1;
    ck_assert_int_eq(profile_seal(p, NULL), 0);
    ck_assert(!digest_equal(&before, &p->digest));
}
END_TEST

/* A few bytes say nothing (other spellings of one number): what is accepted must be the same
 * profile. */
START_TEST(a_changed_byte_never_gives_another_profile)
{
    CLEANUP(profile_unref) struct profile *p = full_profile();
    CLEANUP_BUF struct buf encoded = BUF_INIT(65536);
    size_t n_refused = 0;

    ck_assert_int_eq(profile_encode(p, &encoded), 0);
    for (size_t i = 0; i < encoded.len; i++) {
        CLEANUP(profile_unref) struct profile *q = NULL;
        CLEANUP(error_free) struct error *e = NULL;

        encoded.data[i] ^= 0x15;
        if (profile_decode(&q, encoded.data, encoded.len, &e) == 0) {
            ck_assert(digest_equal(&q->digest, &p->digest));
            ck_assert_int_eq(profile_seal(q, NULL), 0);
            ck_assert(digest_equal(&q->digest, &p->digest));
        } else {
            ck_assert_int_eq(error_code(e), -EBADMSG);
            n_refused++;
        }
        encoded.data[i] ^= 0x15;
    }
    ck_assert_uint_ge(n_refused, encoded.len - 8);
}
END_TEST

START_TEST(a_truncated_profile_is_refused)
{
    CLEANUP(profile_unref) struct profile *p = full_profile();
    CLEANUP_BUF struct buf encoded = BUF_INIT(65536);

    ck_assert_int_eq(profile_encode(p, &encoded), 0);
    for (size_t n = 0; n < encoded.len; n++) {
        struct profile *q = NULL;

        ck_assert_int_eq(profile_decode(&q, encoded.data, n, NULL), -EBADMSG);
    }
}
END_TEST

/* Each case spoils one value, seals again, and must be refused for that value. */
static void spoil_permissions(struct profile *p)
{
    p->rules[0].path.permissions = PATH_EXEC;
}
static void spoil_mode(struct profile *p)
{
    p->rules[1].mode = 9;
}
static void spoil_ports(struct profile *p)
{
    p->rules[4].egress.ports[0] = (struct port_range){443, 80};
}
static void spoil_prefix(struct profile *p)
{
    p->rules[4].egress.block.prefix_len = 33;
}
static void spoil_block(struct profile *p)
{
    p->rules[4].egress.block.bytes[3] = 1;
}
static void spoil_mapped_block(struct profile *p)
{
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 10};

    p->rules[4].egress.block = (struct addr){.family = ADDR_IPV6, .prefix_len = 104};
    memcpy(p->rules[4].egress.block.bytes, mapped, sizeof(mapped));
}
static void spoil_socket_types(struct profile *p)
{
    p->rules[3].socket.types = 1 << 16;
}
static void spoil_socket_protocols(struct profile *p)
{
    p->rules[3].socket.protocols = 8;
}
static void spoil_ptrace(struct profile *p)
{
    p->rules[6].ptrace.permissions = 0x11;
}
static void spoil_name(struct profile *p)
{
    p->name[0] = '/';
}
static void spoil_target(struct profile *p)
{
    p->targets[0].kind = 99;
}
static void spoil_fstype(struct profile *p)
{
    free(p->rules[7].mount.fstype);
    p->rules[7].mount.fstype = strdup("0123456789abcdef");
}

static void spoil_apparmor(struct profile *p)
{
    free(p->apparmor_text);
    p->apparmor_text = calloc(1, PROFILE_MAX_APPARMOR_TEXT + 2);
    memset(p->apparmor_text, 'a', PROFILE_MAX_APPARMOR_TEXT + 1);
}
static void spoil_seccomp(struct profile *p)
{
    CLEANUP_FREE char *text = malloc(PROFILE_MAX_SECCOMP_JSON + 1);

    memset(text, 'a', PROFILE_MAX_SECCOMP_JSON + 1);
    counted_text_unref(p->seccomp_json);
    p->seccomp_json = counted_text_new(text, PROFILE_MAX_SECCOMP_JSON + 1);
}

static const struct {
    void (*spoil)(struct profile *p);
    const char *message;
} spoiled[] = {
    {spoil_permissions,
     "profile 'varmor-shop-web': rule 0: permissions 0x1 are not those of a path rule"},
    {spoil_mode, "profile 'varmor-shop-web': rule 1: 9 is not a rule's mode"},
    {spoil_ports, "profile 'varmor-shop-web': rule 4: 443 to 80 is not a range of ports"},
    {spoil_prefix,
     "profile 'varmor-shop-web': rule 4: a prefix of 33 bits is longer than its address"},
    {spoil_block,
     "profile 'varmor-shop-web': rule 4: the block 10.0.0.1/8 is not in its normal form"},
    {spoil_mapped_block,
     "profile 'varmor-shop-web': rule 4: the block ::ffff:10.0.0.0/104 is not in its normal form"},
    {spoil_socket_types, "profile 'varmor-shop-web': rule 3: 0x10000 are not types of sockets"},
    {spoil_socket_protocols, "profile 'varmor-shop-web': rule 3: 0x8 are not protocols of sockets"},
    {spoil_ptrace,
     "profile 'varmor-shop-web': rule 6: permissions 0x11 are not those of a ptrace rule"},
    {spoil_name, "'/armor-shop-web' is not a profile's name"},
    {spoil_target, "profile 'varmor-shop-web': 99 is not a kind of target"},
    {spoil_fstype,
     "profile 'varmor-shop-web': rule 7: '0123456789abcdef' is longer than the 15 bytes of a file system's type"},
    {spoil_apparmor,
     "profile 'varmor-shop-web': its AppArmor text has 4194305 bytes; the limit is 4194304"},
    {spoil_seccomp,
     "profile 'varmor-shop-web': its seccomp profile has 1048577 bytes; the limit is 1048576"},
};

START_TEST(texts_may_be_as_long_as_their_ceilings)
{
    CLEANUP(profile_unref) struct profile *p = full_profile(), *q = NULL;
    CLEANUP_BUF struct buf encoded = BUF_INIT(PROFILE_MAX_ENCODED_BYTES);

    spoil_apparmor(p);
    spoil_seccomp(p);
    p->apparmor_text[PROFILE_MAX_APPARMOR_TEXT] = '\0';
    p->seccomp_json[PROFILE_MAX_SECCOMP_JSON] = '\0';
    ck_assert_int_eq(profile_seal(p, NULL), 0);
    ck_assert_int_eq(profile_encode(p, &encoded), 0);
    ck_assert_int_eq(profile_decode(&q, encoded.data, encoded.len, NULL), 0);
    ck_assert_uint_eq(strlen(q->apparmor_text), PROFILE_MAX_APPARMOR_TEXT);
}
END_TEST

START_TEST(a_value_out_of_range_is_named)
{
    CLEANUP(profile_unref) struct profile *p = full_profile();
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_BUF struct buf encoded = BUF_INIT(PROFILE_MAX_ENCODED_BYTES);
    struct profile *q = NULL;

    spoiled[_i].spoil(p);
    ck_assert_int_eq(profile_seal(p, NULL), 0);
    ck_assert_int_eq(profile_encode(p, &encoded), 0);
    ck_assert_int_eq(profile_decode(&q, encoded.data, encoded.len, &e), -EBADMSG);
    ck_assert_str_eq(error_message(e), spoiled[_i].message);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("profile_codec");
    TCase *t = tcase_create("profile_codec");

    tcase_add_test(t, a_profile_survives_its_encoding);
    tcase_add_test(t, the_digest_is_of_the_content_and_not_of_the_generation);
    tcase_add_test(t, a_changed_byte_never_gives_another_profile);
    tcase_add_test(t, a_truncated_profile_is_refused);
    tcase_add_test(t, texts_may_be_as_long_as_their_ceilings);
    tcase_add_loop_test(t, a_value_out_of_range_is_named, 0, (int)ARRAY_SIZE(spoiled));
    suite_add_tcase(s, t);
    return s;
}
