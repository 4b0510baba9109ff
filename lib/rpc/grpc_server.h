/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A gRPC server on the process's loop.
 *
 * Life of a call: open() once the headers are in; message() for each whole message; half_close()
 * when the client has sent all; closed() exactly once at the end, whatever the reason (finished,
 * cancelled, reset, deadline, connection lost), after which the call pointer is invalid. open() may
 * finish the call at once. The handler's own state hangs on the call by grpc_call_set_data() and is
 * freed in closed(). Callbacks run on the loop and must not block.
 */
#include "lib/rpc/grpc.h"

struct loop;
struct grpc_server;
struct grpc_call;

struct grpc_method {
    const char *path; /* "/varmor.v1.AgentService/Sync" */
    void (*open)(struct grpc_call *call, void *service);
    void (*message)(struct grpc_call *call, const uint8_t *data, size_t len);
    void (*half_close)(struct grpc_call *call);
    void (*writable)(
        struct grpc_call *call); /* may be NULL: the send queue has fallen below its half */
    void (*closed)(struct grpc_call *call); /* may be NULL */
    /* A limit of its own for what this method takes; 0: the server's. It sends up to the larger of
     * the two. */
    size_t message_bytes;
};

/* Who calls: what the transport proved. Borrowed for the life of the call. */
struct grpc_peer {
    enum { GRPC_PEER_UNIX, GRPC_PEER_TLS, GRPC_PEER_TCP } kind;
    int pid, uid, gid;       /* GRPC_PEER_UNIX (SO_PEERCRED) */
    const char *common_name; /* GRPC_PEER_TLS: of the verified certificate, else NULL */
    const char *address;     /* text for logs */
};

/* limits may be NULL. The server listens to nothing yet. 0 or -ENOMEM. */
int grpc_server_new(struct grpc_server **ret, struct loop *loop, const struct grpc_limits *limits,
                    struct error **reterr);
/* Closes at once what is still open (closed() of each call runs). Accepts NULL, returns NULL. */
struct grpc_server *grpc_server_free(struct grpc_server *s);
DEFINE_CLEANUP(struct grpc_server *, grpc_server_free)

/* Adds methods (the array must outlive the server); service is handed to open(). 0, or -EEXIST,
 * -E2BIG (too many methods) or -ENOMEM with *reterr; on failure none of them is there. */
int grpc_server_add(struct grpc_server *s, const struct grpc_method *methods, size_t n_methods,
                    void *service, struct error **reterr);

/* Starts to listen; may be called for several addresses. A stale Unix socket (nobody listens) is
 * replaced, mode is its permission bits; tls is needed for GRPC_TLS. Port 0 chooses one: see
 * grpc_server_port(). 0 or a negative errno with *reterr. */
int grpc_server_listen(struct grpc_server *s, const struct grpc_address *address,
                       const struct grpc_tls *tls, unsigned mode, struct error **reterr);
uint16_t grpc_server_port(const struct grpc_server *s); /* of the last TCP or TLS address */
/* Other key material for the connections to come, at all TLS addresses. An address whose certificate is awaited
 * closes every connection until then. 0, -EINVAL or -ENOMEM with *reterr; on failure the old stays where it was. */
int grpc_server_set_tls(struct grpc_server *s, const struct grpc_tls *tls, struct error **reterr);

/*
 * Who may call: a gate is asked about each call before its method is opened, and answers at once or later, by
 * grpc_call_admit() or grpc_call_finish(). What the client sends meanwhile waits within one flow-control window.
 */
struct grpc_gate {
    void (*asked)(struct grpc_call *call, const char *path, void *data);
    /* The call has ended before it was admitted: the pointer is invalid now. Also after grpc_call_finish(). */
    void (*closed)(struct grpc_call *call, void *data);
};
/* gate must outlive the server. Without one all calls are admitted. */
void grpc_server_set_gate(struct grpc_server *s, const struct grpc_gate *gate, void *data);
/* caller: as whom; copied; NULL: as the peer's certificate says. until_ns: by the loop's clock, when the call ends with
 * UNAUTHENTICATED; 0: no such end. Opens the method, which may finish the call. */
void grpc_call_admit(struct grpc_call *call, const char *caller, uint64_t until_ns);

/* Graceful end: GOAWAY, no new calls; done(data) runs when the last call is over or at the
 * deadline. */
void grpc_server_drain(struct grpc_server *s, uint64_t deadline_ns, void (*done)(void *data),
                       void *data);

/* The two standard services. */
enum grpc_health { GRPC_HEALTH_UNKNOWN = 0, GRPC_HEALTH_SERVING = 1, GRPC_HEALTH_NOT_SERVING = 2 };
/* grpc.health.v1.Health (Check and Watch) for service ("" = the whole server). 0, -E2BIG or
 * -ENOMEM. */
int grpc_server_set_health(struct grpc_server *s, const char *service, enum grpc_health health);
/* grpc.reflection.v1.ServerReflection over an encoded FileDescriptorSet
 * (google/protobuf/descriptor.proto), borrowed for the server's life; lists the services added by
 * grpc_server_add(). 0, -EINVAL or -ENOMEM. */
int grpc_server_set_reflection(struct grpc_server *s, const uint8_t *descriptor_set, size_t len,
                               struct error **reterr);

/* ---- calls ---- */
void grpc_call_set_data(struct grpc_call *call, void *data);
void *grpc_call_data(const struct grpc_call *call);
const struct grpc_peer *grpc_call_peer(const struct grpc_call *call);
/* Who was admitted by the gate; else the common name of the peer's certificate; else NULL. Borrowed. */
const char *grpc_call_caller(const struct grpc_call *call);
/* The gate's own, which hangs on the call until closed(). */
void grpc_call_set_gate_data(struct grpc_call *call, void *data);
void *grpc_call_gate_data(const struct grpc_call *call);
/* A request metadata value by its lower-case name, or NULL. Borrowed. */
const char *grpc_call_metadata(const struct grpc_call *call, const char *name);

/* Queues one message (copied). 0; -ENOBUFS: the queue is at its limit, nothing was queued, wait for
 * writable() (callers that hold newest state coalesce here); -E2BIG: larger than may be sent;
 * -EPIPE: the call is finished; -ENOMEM. */
int grpc_call_send(struct grpc_call *call, const uint8_t *data, size_t len) MUST_CHECK;
size_t grpc_call_queued_bytes(const struct grpc_call *call);

/* Stops and starts message() and half_close(): for a handler that cannot keep up (its own send
 * queue is full). What the client sends meanwhile stays within one flow-control window.
 * grpc_call_resume() may call message() before it returns, except within message(). */
void grpc_call_pause(struct grpc_call *call);
void grpc_call_resume(struct grpc_call *call);

/* Ends the call with a status after what is queued has been sent. text may be NULL. Once per call;
 * a second one is ignored. */
void grpc_call_finish(struct grpc_call *call, enum grpc_status status, const char *text);

/* Counters for metrics and tests. */
struct grpc_server_stats {
    uint64_t connections, calls, refused_connections, refused_calls, protocol_errors;
    unsigned open_connections, open_calls;
};
void grpc_server_stats(const struct grpc_server *s, struct grpc_server_stats *ret);
