/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What travels between agent, manager and varmorctl, as plain structs: the border behind which no
 * generated type is named (style.md 2.9). Fields mean what the comments in
 * varmor/v1/{agent,status}.proto say.
 *
 * Ownership: texts and arrays in a struct that is encoded are borrowed from the caller. A decoded
 * message (struct agent_message, manager_message, status_*) owns everything that it shows in one
 * arena, and is freed as a whole; nothing keeps a pointer into it for longer, else it copies. Texts
 * are never NULL after a decode. Encoding fails with -ENOMEM or -E2BIG (the buffer's ceiling),
 * decoding with -ENOMEM or -EBADMSG (*reterr says what is wrong). No I/O, no logging.
 */
#include "lib/buf.h"
#include "lib/digest.h"
#include "lib/error.h"
#include "lib/profile.h"

#define MESSAGE_PROTOCOL 1 /* Hello.protocol, Welcome.protocol */

/* Ceilings of a decoded message; a message that passes one is refused. */
#define MESSAGE_MAX_ITEMS        100000    /* of any repeated field */
#define MESSAGE_MAX_TEXT         (1 << 20) /* bytes of any text but those of a profile */
#define MESSAGE_MAX_ENFORCERS    3         /* of a binding: one of each kind */
#define MESSAGE_MAX_EVENT_COUNTS 2048      /* of a counts report or a policy's description */
#define MESSAGE_MAX_ORIGIN       256       /* bytes of the origin of such a count */

#define MESSAGE_ORIGIN_OTHER     "(other rules)" /* of a count that stands for several origins */

struct msg_fact {
    const char *name, *value;
};
struct msg_enforcer_state {
    enum enforcer_bit enforcer;
    bool usable;
    const char *reason;
};
struct msg_held {
    const char *name;
    struct digest digest;
};
struct msg_hello {
    unsigned protocol;
    const char *node, *agent_version, *kernel, *architecture, *runtime;
    const struct msg_fact *facts;
    size_t n_facts;
    const struct msg_enforcer_state *enforcers;
    size_t n_enforcers;
    const struct msg_held *held;
    size_t n_held;
};
struct msg_enforcer_result {
    enum enforcer_bit enforcer;
    bool applied;
    const char *reason;
    struct digest image_digest; /* zero: none */
    int64_t since_ns;
    const char *mode;        /* "enforce", "complain", as read back; "" where there is none */
    const char *policy_hash; /* the kernel's own hash, in hexadecimal; "": it gives none */
};
struct msg_result {
    const char *name;
    struct digest digest;
    const struct msg_enforcer_result *enforcers;
    size_t n_enforcers;
    bool removed;
};
struct msg_binding_enforcer {
    enum enforcer_bit enforcer;
    bool in_force, restart_needed, opted_out;
    const char *mode, *reason;
    int64_t since_ns;
};
struct msg_binding {
    const char *container_id, *runtime_namespace, *container_name;
    const char *pod_name, *pod_namespace, *pod_uid, *image;
    int pid;
    const char *profile;
    int64_t since_ns;
    bool before_first_instruction;
    const char *reason;
    const char *workload_kind, *workload_name;
    const struct msg_binding_enforcer *enforcers;
    size_t n_enforcers;
};
/* A profile holds for it: nothing says why not, and it is not opted out of every enforcer. */
bool message_is_bound(const struct msg_binding *b);
struct msg_bindings {
    bool complete;
    const struct msg_binding *put;
    size_t n_put;
    const char *const *dropped; /* container ids */
    size_t n_dropped;
};
struct msg_violation {
    const char *profile, *rule;
    int rule_number;
    bool denied;
    int64_t time_ns;
    int pid;
    const char *container_id, *container_name, *pod_name, *pod_namespace, *enforcer, *event;
};
struct msg_violations {
    const struct msg_violation *items;
    size_t n;
    uint64_t n_dropped;
};
struct msg_event_count {
    enum enforcer_bit enforcer;
    const char *origin; /* "": the deciding rule is not known */
    uint64_t count;
};
struct msg_counts {
    const char *profile;
    struct digest digest;
    const uint64_t *counts; /* by rule number, of the kernel */
    size_t n;
    const struct msg_event_count *events;
    size_t n_events;
};

/* ---- agent -> manager ---- */
enum agent_message_kind {
    AGENT_MESSAGE_NONE,
    AGENT_HELLO,
    AGENT_RESULT,
    AGENT_BINDINGS,
    AGENT_VIOLATIONS,
    AGENT_COUNTS,
};
struct agent_message {
    enum agent_message_kind kind;
    union {
        struct msg_hello hello;
        struct msg_result result;
        struct msg_bindings bindings;
        struct msg_violations violations;
        struct msg_counts counts;
    };
    void *arena; /* of a decoded message */
};
int agent_message_encode(const struct agent_message *m, struct buf *out);
int agent_message_decode(struct agent_message *ret, const uint8_t *data, size_t len,
                         struct error **reterr);
void agent_message_done(struct agent_message *m);

/* ---- manager -> agent ---- */
enum manager_message_kind {
    MANAGER_MESSAGE_NONE,
    MANAGER_WELCOME,
    MANAGER_PROFILE,
    MANAGER_REMOVAL,
    MANAGER_IN_SYNC,
};
struct manager_message {
    enum manager_message_kind kind;
    union {
        struct {
            unsigned protocol;
            const char *manager_version;
        } welcome;
        struct profile
            *profile;        /* decoded: one reference that goes with the message unless taken */
        const char *removal; /* profile name */
        unsigned in_sync;    /* profiles that the agent should hold */
    };
    void *arena;
};
int manager_message_encode(const struct manager_message *m, struct buf *out);
int manager_message_decode(struct manager_message *ret, const uint8_t *data, size_t len,
                           struct error **reterr);
void manager_message_done(struct manager_message *m);

/* ---- status: what varmorctl shows ---- */
struct status_condition {
    const char *type, *status, *reason, *message;
    int64_t since_ns;
};
struct status_enforcer_bindings {
    enum enforcer_bit enforcer;
    unsigned n_in_force, n_restart_needed, n_without;
};
struct status_node_result {
    const char *node;
    bool connected;
    struct digest digest; /* zero: none */
    bool current;
    const struct msg_enforcer_result *enforcers;
    size_t n_enforcers;
    unsigned n_bound; /* containers that every enforcer of the profile holds */
    const struct status_enforcer_bindings *bindings;
    size_t n_bindings;
};
struct status_policy {
    const char *kind, *name_space, *name;
    uint64_t generation;
    const char *enforcer, *mode, *target_kind, *target_name, *target_selector, *profile_name;
    bool ready;
    const char *phase;
    const struct status_condition *conditions;
    size_t n_conditions;
    struct digest digest;
    unsigned nodes_desired, nodes_ready, n_bound, n_without, n_restart_needed;
    int64_t created_ns;
    const struct status_node_result *nodes;
    size_t n_nodes;
    const char *source;
};
struct status_profile {
    const char *name, *name_space, *policy_kind, *policy_namespace, *policy_name;
    unsigned enforcers; /* enum enforcer_bit */
    const char *mode;
    struct digest digest;
    unsigned n_rules, nodes_desired, nodes_ready;
    int64_t created_ns;
};
struct status_node {
    const char *name;
    bool connected;
    int64_t since_ns;
    const char *agent_version, *kernel, *architecture, *runtime;
    const struct msg_enforcer_state *enforcers;
    size_t n_enforcers;
    const struct msg_fact *facts;
    size_t n_facts;
    unsigned n_profiles, n_current, n_bound;
};
struct status_binding {
    const char *node;
    struct msg_binding binding;
};
struct status_violation {
    const char *node;
    struct msg_violation violation;
};
struct status_rule_count {
    const char *origin;
    uint64_t count;
    const char *kind, *text;
};
struct status_policy_description {
    struct status_policy policy;
    const struct status_binding *bindings;
    size_t n_bindings;
    const struct status_violation *violations;
    size_t n_violations;
    const struct status_rule_count *rules;
    size_t n_rules;
    const char *const *findings;
    size_t n_findings;
    const struct msg_event_count *events; /* on all nodes */
    size_t n_events;
    const char *const *warnings; /* about what is in force */
    size_t n_warnings;
};
struct status_node_description {
    struct status_node node;
    const struct status_binding *bindings;
    size_t n_bindings;
    const struct status_violation *violations;
    size_t n_violations;
};

enum status_resource {
    STATUS_NONE,
    STATUS_POLICIES,
    STATUS_PROFILES,
    STATUS_NODES,
    STATUS_BINDINGS,
    STATUS_RESOURCES,
};

/* A list of one kind; items is an array of the struct that belongs to resource. */
struct status_list {
    enum status_resource resource;
    union {
        const struct status_policy *policies;
        const struct status_profile *profiles;
        const struct status_node *nodes;
        const struct status_binding *bindings;
    };
    size_t n;
    void *arena;
};
int status_list_encode(const struct status_list *l, struct buf *out);
int status_list_decode(struct status_list *ret, enum status_resource resource, const uint8_t *data,
                       size_t len, struct error **reterr);
void status_list_done(struct status_list *l);

struct status_list_request {
    const char *name_space, *name; /* "" : all */
    void *arena;
};
int status_list_request_encode(const struct status_list_request *r, struct buf *out);
int status_list_request_decode(struct status_list_request *ret, const uint8_t *data, size_t len,
                               struct error **reterr);
void status_list_request_done(struct status_list_request *r);

struct status_describe_request {
    const char *kind, *name_space, *name;
    void *arena;
};
int status_describe_request_encode(const struct status_describe_request *r, struct buf *out);
int status_describe_request_decode(struct status_describe_request *ret, const uint8_t *data,
                                   size_t len, struct error **reterr);
void status_describe_request_done(struct status_describe_request *r);

/* Descriptions: decoding gives an object that owns its arena and is freed with
 * status_arena_free(arena). */
int status_policy_description_encode(const struct status_policy_description *d, struct buf *out);
int status_policy_description_decode(struct status_policy_description *ret, void **ret_arena,
                                     const uint8_t *data, size_t len, struct error **reterr);
int status_node_description_encode(const struct status_node_description *d, struct buf *out);
int status_node_description_decode(struct status_node_description *ret, void **ret_arena,
                                   const uint8_t *data, size_t len, struct error **reterr);
void status_arena_free(void *arena);

struct status_watch_request {
    enum status_resource resource;
    const char *name_space, *name;
    void *arena;
};
int status_watch_request_encode(const struct status_watch_request *r, struct buf *out);
int status_watch_request_decode(struct status_watch_request *ret, const uint8_t *data, size_t len,
                                struct error **reterr);
void status_watch_request_done(struct status_watch_request *r);

enum status_watch_type {
    STATUS_WATCH_NONE,
    STATUS_WATCH_PUT,
    STATUS_WATCH_REMOVED,
    STATUS_WATCH_LISTED
};
struct status_watch_event {
    enum status_watch_type type;
    enum status_resource resource; /* says which of the union */
    union {
        struct status_policy policy;
        struct status_profile profile;
        struct status_node node;
        struct status_binding binding;
    };
    void *arena;
};
int status_watch_event_encode(const struct status_watch_event *e, struct buf *out);
int status_watch_event_decode(struct status_watch_event *ret, const uint8_t *data, size_t len,
                              struct error **reterr);
void status_watch_event_done(struct status_watch_event *e);

/* The encoded FileDescriptorSet of our services, for gRPC reflection; static. */
const uint8_t *message_descriptor_set(size_t *ret_len);
