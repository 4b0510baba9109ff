/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/violation_apparmor.h"

#include "lib/json_text.h"

#include <stdio.h>
#include <string.h>

/* ---- what the record says happened ---- */

/* libapparmor's numbers for the field "apparmor". */
static const struct verdict_word {
    const char *word;
    unsigned number;
    bool is_access;
    enum violation_action action;
} verdict_words[] = {
    {"ERROR", 1, false, 0},
    {"AUDIT", 2, true, VIOLATION_AUDITED},
    {"ALLOWED", 3, true, VIOLATION_ALLOWED},
    {"DENIED", 4, true, VIOLATION_DENIED},
    {"KILLED", 4, true, VIOLATION_DENIED}, /* denied, and the task as well */
    {"HINT", 5, false, 0},
    {"STATUS", 6, false, 0},
};

static const struct verdict_word *verdict_word(const struct audit_record *r)
{
    static const struct verdict_word invalid = {"", 0, false, 0};
    struct audit_text word = audit_record_get(r, "apparmor");

    for (size_t i = 0; i < ARRAY_SIZE(verdict_words); i++) {
        if (audit_text_equal(word, verdict_words[i].word))
            return &verdict_words[i];
    }
    return &invalid;
}

bool violation_apparmor_action(const struct audit_record *r, enum violation_action *ret)
{
    const struct verdict_word *e = verdict_word(r);

    if (e->is_access)
        *ret = e->action;
    return e->is_access;
}

void violation_label_profile(struct audit_text label, char ret[static PROFILE_NAME_MAX + 1])
{
    size_t len = 0;

    while (len < label.len && label.data[len] != '/' && label.data[len] != ' ' && label.data[len])
        len++;
    if (len > PROFILE_NAME_MAX || (len == 1 && label.data[0] == '?'))
        len = 0;
    memcpy(ret, label.data, len);
    ret[len] = '\0';
}

/* ---- the members ---- */

enum member_form {
    MEMBER_TEXT,
    MEMBER_NUMBER,
    MEMBER_NUMBER_OR_NONE, /* left out when absent */
    MEMBER_PROTOCOL,       /* a number of the IP protocol table, by name */
    MEMBER_VERSION,
    MEMBER_EVENT,
    MEMBER_EPOCH,
    MEMBER_SERIAL,
    MEMBER_ID,
};

/* In the order of the incumbent's log. Of several keys the first that a record has counts. */
static const struct member {
    const char *name;
    enum member_form form;
    bool of_one_record; /* other records of the same kind have another value */
    const char *keys[3];
} members[] = {
    {"version", MEMBER_VERSION, false, {NULL}},
    {"event", MEMBER_EVENT, false, {"apparmor"}},
    {"pid", MEMBER_NUMBER, true, {"pid"}},
    {"peerPID", MEMBER_NUMBER, false, {"peer_pid"}},
    {"task", MEMBER_NUMBER, false, {"task"}},
    {"magicToken", MEMBER_NUMBER, false, {"magic_token"}},
    {"epoch", MEMBER_EPOCH, true, {NULL}},
    {"auditSubId", MEMBER_SERIAL, true, {NULL}},
    {"auditSubID", MEMBER_SERIAL, true, {NULL}},
    {"bitMask", MEMBER_NUMBER, false, {NULL}},
    {"auditID", MEMBER_ID, true, {NULL}},
    {"operation", MEMBER_TEXT, false, {"operation"}},
    {"deniedMask", MEMBER_TEXT, false, {"denied_mask", "denied"}},
    {"requestedMask", MEMBER_TEXT, false, {"requested_mask", "requested"}},
    {"fsuid", MEMBER_NUMBER_OR_NONE, false, {"fsuid"}},
    {"ouid", MEMBER_NUMBER_OR_NONE, false, {"ouid"}},
    {"profile", MEMBER_TEXT, false, {"profile", "label"}},
    {"peerProfile", MEMBER_TEXT, false, {"peer_profile", "peer_label"}},
    {"comm", MEMBER_TEXT, false, {"comm"}},
    {"name", MEMBER_TEXT, false, {"name", "capname"}},
    {"name2", MEMBER_TEXT, false, {"target", "name2"}},
    {"namespace", MEMBER_TEXT, false, {"namespace"}},
    {"attribute", MEMBER_TEXT, false, {"attribute"}},
    {"parent", MEMBER_NUMBER, false, {"parent"}},
    {"info", MEMBER_TEXT, false, {"info"}},
    {"peerInfo", MEMBER_TEXT, false, {"peer_info"}},
    {"errorCode", MEMBER_NUMBER, false, {"error"}},
    {"activeHat", MEMBER_TEXT, false, {"active_hat"}},
    {"netFamily", MEMBER_TEXT, false, {"family"}},
    {"netProtocol", MEMBER_PROTOCOL, false, {"protocol"}},
    {"netSockType", MEMBER_TEXT, false, {"sock_type"}},
    {"netLocalAddr", MEMBER_TEXT, false, {"laddr", "saddr", "src"}},
    {"netLocalPort", MEMBER_NUMBER, false, {"lport"}},
    {"netForeignAddr", MEMBER_TEXT, false, {"faddr", "daddr", "dest"}},
    {"netForeignPort", MEMBER_NUMBER, false, {"fport"}},
    {"dbusBus", MEMBER_TEXT, false, {"bus"}},
    {"dbusPath", MEMBER_TEXT, false, {"path"}},
    {"dbusInterface", MEMBER_TEXT, false, {"interface"}},
    {"dbusMember", MEMBER_TEXT, false, {"member"}},
    {"signal", MEMBER_TEXT, false, {"signal"}},
    {"peer", MEMBER_TEXT, false, {"peer"}},
    {"fsType", MEMBER_TEXT, false, {"fstype"}},
    {"flags", MEMBER_TEXT, false, {"flags"}},
    {"srcName", MEMBER_TEXT, false, {"srcname"}},
};

/* Told where a record has them. */
static const struct member own_members[] = {
    {"class", MEMBER_TEXT, false, {"class"}},
    {"options", MEMBER_TEXT, false, {"options"}},
    {"addr", MEMBER_TEXT, false, {"addr"}},
    {"peerAddr", MEMBER_TEXT, false, {"peer_addr"}},
};

/* Told by another member, or by nothing since it says nothing more. */
static const char *const silent_keys[] = {"capability", "mask"};

#define PROTOCOL_TEXT_MAX 32 /* bytes of "unknown(N)" in quotes */

/* What the field of a socket's protocol is called, whatever its family. */
static const struct {
    unsigned number;
    const char *name;
} protocols[] = {
    {0, "ip"},      {1, "icmp"},   {2, "igmp"},    {4, "ipip"},   {6, "tcp"},     {8, "egp"},
    {12, "pup"},    {17, "udp"},   {22, "idp"},    {29, "tp"},    {33, "dccp"},   {41, "ipv6"},
    {46, "rsvp"},   {47, "gre"},   {50, "esp"},    {51, "ah"},    {58, "icmpv6"}, {92, "mtp"},
    {94, "beetph"}, {98, "encap"}, {103, "pim"},   {108, "comp"}, {132, "sctp"},  {136, "udplite"},
    {137, "mpls"},  {255, "raw"},  {262, "mptcp"},
};

static int add_protocol(struct buf *b, const struct audit_record *r, const char *key)
{
    uint64_t number;

    if (!audit_record_number(r, key, &number))
        return buf_add_text(b, "\"\"");
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        if (protocols[i].number == number)
            return buf_format(b, "\"%s\"", protocols[i].name);
    }
    return buf_format(b, "\"unknown(%llu)\"", (unsigned long long)number);
}

/* The key by which a record has the member; NULL: it has not. */
static const char *member_key(const struct audit_record *r, const struct member *m)
{
    for (size_t i = 0; i < ARRAY_SIZE(m->keys) && m->keys[i]; i++) {
        if (audit_record_has(r, m->keys[i]))
            return m->keys[i];
    }
    return NULL;
}

/* Most members of an event are 0 or "": these must be cheap. */
static int add_number(struct buf *b, uint64_t n)
{
    return n == 0 ? buf_add_text(b, "0") : buf_format(b, "%llu", (unsigned long long)n);
}

static int add_text(struct buf *b, struct audit_text text)
{
    return text.len == 0 ? buf_add_text(b, "\"\"") : json_text_add(b, text.data, text.len);
}

static int add_value(struct buf *b, const struct audit_record *r, const struct member *m,
                     const char *key)
{
    uint64_t number = 0;

    switch (m->form) {
    case MEMBER_TEXT:
        return add_text(b, key ? audit_record_get(r, key) : (struct audit_text){"", 0});
    case MEMBER_PROTOCOL:
        return add_protocol(b, r, m->keys[0]);
    case MEMBER_VERSION:
        return add_number(b, 1);
    case MEMBER_EVENT:
        return add_number(b, verdict_word(r)->number);
    case MEMBER_EPOCH:
        return add_number(b, r->seconds);
    case MEMBER_SERIAL:
        return add_number(b, r->serial);
    case MEMBER_ID:
        return add_text(b, r->id);
    case MEMBER_NUMBER:
    case MEMBER_NUMBER_OR_NONE:
        break;
    }
    if (key && !audit_record_number(r, key, &number))
        number = 0;
    return add_number(b, number);
}

static int add_member(struct buf *b, const struct audit_record *r, const struct member *m,
                      const char *key)
{
    int rc = buf_add_text(b, b->data[b->len - 1] == '{' ? "\"" : ",\"");

    if (rc == 0)
        rc = buf_add_text(b, m->name);
    if (rc == 0)
        rc = buf_add_text(b, "\":");
    return rc < 0 ? rc : add_value(b, r, m, key);
}

static bool has_key(const struct member *list, size_t n, struct audit_text key)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(list[i].keys) && list[i].keys[k]; k++) {
            if (audit_text_equal(key, list[i].keys[k]))
                return true;
        }
    }
    return false;
}

static bool is_known(struct audit_text key)
{
    for (size_t i = 0; i < ARRAY_SIZE(silent_keys); i++) {
        if (audit_text_equal(key, silent_keys[i]))
            return true;
    }
    return has_key(members, ARRAY_SIZE(members), key) ||
           has_key(own_members, ARRAY_SIZE(own_members), key);
}

/* True if an earlier field has the same key. */
static bool is_repeated(const struct audit_record *r, size_t number)
{
    struct audit_text key = r->fields[number].key;

    for (size_t i = 0; i < number; i++) {
        struct audit_text other = r->fields[i].key;

        if (other.len == key.len && memcmp(other.data, key.data, key.len) == 0)
            return true;
    }
    return false;
}

static int add_extra(struct buf *b, const struct audit_record *r)
{
    const char *before = ",\"extra\":{";
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->n_fields; i++) {
        const struct audit_field *f = &r->fields[i];

        if (is_known(f->key) || is_repeated(r, i))
            continue;
        rc = buf_add_text(b, before);
        if (rc == 0)
            rc = add_text(b, f->key);
        if (rc == 0)
            rc = buf_add_text(b, ":");
        if (rc == 0)
            rc = add_text(b, f->value);
        before = ",";
    }
    return rc < 0 || before[1] ? rc : buf_add_text(b, "}");
}

static int add_undecoded(struct buf *b, const struct audit_record *r)
{
    const char *before = ",\"undecoded\":[";
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->n_fields; i++) {
        if (!r->fields[i].undecoded)
            continue;
        rc = buf_add_text(b, before);
        if (rc == 0)
            rc = add_text(b, r->fields[i].key);
        before = ",";
    }
    return rc < 0 || before[1] ? rc : buf_add_text(b, "]");
}

int violation_apparmor_format(struct buf *b, const struct audit_record *r, bool kind)
{
    int rc = buf_add_text(b, "{");

    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(members); i++) {
        const char *key = member_key(r, &members[i]);

        if ((members[i].form == MEMBER_NUMBER_OR_NONE && !key) ||
            (kind && members[i].of_one_record))
            continue;
        rc = add_member(b, r, &members[i], key);
    }
    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(own_members); i++) {
        const char *key = member_key(r, &own_members[i]);

        if (key && !audit_text_equal(audit_record_get(r, key), "none"))
            rc = add_member(b, r, &own_members[i], key);
    }
    if (rc == 0)
        rc = add_extra(b, r);
    if (rc == 0)
        rc = add_undecoded(b, r);
    return rc < 0 ? rc : buf_add_text(b, "}");
}

/* ---- what was asked ---- */

#define CHILD_PREFIX "//child_"
#define CHILD_MAX    100000 /* more than a profile has */

/* Files have no word of their own: they are what is left. */
static const struct {
    const char *operation;
    enum aa_class kind;
} operations[] = {
    {"capable", AA_CAPABILITY},   {"mount", AA_MOUNT},           {"umount", AA_UMOUNT},
    {"pivotroot", AA_PIVOT_ROOT}, {"ptrace", AA_PTRACE},         {"signal", AA_SIGNAL},
    {"userns_create", AA_USERNS}, {"uring_sqpoll", AA_IO_URING}, {"uring_override", AA_IO_URING},
};

static const struct {
    char letter;
    unsigned permission;
} letters[] = {
    {'r', AA_READ}, {'w', AA_WRITE}, {'c', AA_WRITE}, {'d', AA_WRITE}, {'a', AA_APPEND},
    {'x', AA_EXEC}, {'l', AA_LINK},  {'k', AA_LOCK},  {'m', AA_MMAP},
};

static unsigned file_permissions(struct audit_text mask)
{
    unsigned permissions = 0;

    for (size_t i = 0; i < mask.len; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(letters); k++) {
            if (letters[k].letter == mask.data[i])
                permissions |= letters[k].permission;
        }
    }
    return permissions;
}

/* Copies a text as a C string; NULL if it is not there, does not fit or holds a NUL. */
static const char *copy_text(struct audit_text text, char *room, size_t size)
{
    if (text.len == 0 || text.len >= size || memchr(text.data, '\0', text.len))
        return NULL;
    memcpy(room, text.data, text.len);
    room[text.len] = '\0';
    return room;
}

static void read_network(const struct audit_record *r, struct violation_apparmor_access *ret)
{
    struct buf name = BUF_INIT(PROTOCOL_TEXT_MAX);

    ret->access.family = copy_text(audit_record_get(r, "family"), ret->family, sizeof(ret->family));
    ret->access.type = copy_text(audit_record_get(r, "sock_type"), ret->type, sizeof(ret->type));
    if (add_protocol(&name, r, "protocol") == 0 && name.len > 2)
        ret->access.protocol =
            copy_text((struct audit_text){(const char *)name.data + 1, name.len - 2}, ret->protocol,
                      sizeof(ret->protocol));
    buf_done(&name);
}

static enum aa_class access_class(const struct audit_record *r)
{
    struct audit_text operation = audit_record_get(r, "operation");
    struct audit_text family = audit_record_get(r, "family");

    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        if (!audit_text_equal(operation, operations[i].operation))
            continue;
        if (operations[i].kind == AA_MOUNT &&
            memmem(audit_record_get(r, "flags").data, audit_record_get(r, "flags").len, "remount",
                   strlen("remount")))
            return AA_REMOUNT;
        return operations[i].kind;
    }
    if (audit_text_equal(audit_record_get(r, "class"), "posix_mqueue"))
        return AA_MQUEUE;
    if (family.len > 0)
        return audit_text_equal(family, "unix") ? AA_UNIX : AA_NETWORK;
    /* limits, changes of profile and the like have no such fields */
    return audit_record_has(r, "requested_mask") && audit_record_has(r, "name") ? AA_FILE
                                                                                : AA_CLASSES;
}

/* Whose rules were asked, as aa_rule.child: "NAME" is 0, "NAME//child_2" is 3. False: those of a child
 * that is not ours ("NAME//null-/bin/ls", which the kernel makes in complain mode). */
static bool read_child(struct audit_text profile, unsigned *ret)
{
    const char *end = profile.data + profile.len;
    const char *at = memmem(profile.data, profile.len, "//", strlen("//"));
    unsigned number = 0;

    *ret = 0;
    if (!at)
        return true;
    if ((size_t)(end - at) <= strlen(CHILD_PREFIX) ||
        memcmp(at, CHILD_PREFIX, strlen(CHILD_PREFIX)) != 0)
        return false;
    for (at += strlen(CHILD_PREFIX); at < end; at++) {
        if (*at < '0' || *at > '9' || number > CHILD_MAX)
            return false;
        number = number * 10 + (unsigned)(*at - '0');
    }
    *ret = number + 1;
    return true;
}

bool violation_apparmor_access(const struct audit_record *r, struct violation_apparmor_access *ret)
{
    struct audit_text mask = audit_record_get(r, "denied_mask");

    ret->access = (struct aa_access){.kind = access_class(r)};
    if (ret->access.kind == AA_CLASSES ||
        !read_child(audit_record_get(r, "profile"), &ret->access.child))
        return false;
    if (mask.len == 0)
        mask = audit_record_get(r, "requested_mask");
    if (ret->access.kind == AA_FILE)
        ret->access.permissions = file_permissions(mask);
    if (ret->access.kind == AA_NETWORK || ret->access.kind == AA_UNIX)
        read_network(r, ret);
    ret->access.name =
        copy_text(audit_record_get(r, ret->access.kind == AA_CAPABILITY ? "capname" : "name"),
                  ret->name, sizeof(ret->name));
    if (ret->access.kind == AA_FILE)
        ret->access.target =
            copy_text(audit_record_get(r, "target"), ret->target, sizeof(ret->target));
    ret->access.fstype = copy_text(audit_record_get(r, "fstype"), ret->fstype, sizeof(ret->fstype));
    ret->access.source =
        copy_text(audit_record_get(r, "srcname"), ret->source, sizeof(ret->source));
    return true;
}
