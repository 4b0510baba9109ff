/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_events.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/kube/lease_record.h"
#include "lib/map.h"
#include "manager/clock.h"
#include "manager/kube_profile_json.h"
#include "manager/kube_status_json.h"
#include "manager/kube_writer.h"

#define CONTROLLER       "varmor.org/manager"
#define REPORTER_MAX     128 /* bytes, of the server */
#define NAME_MAX_BYTES   300 /* of an Event: the policy's, and hexadecimal digits */
#define NAME_HASH_DIGITS 16
#define EVENT_DELAY_NS   (2 * NS_PER_SEC) /* of a thousand policies at once, status comes first */

struct kept_event {
    char *name_space, *name; /* owned */
    json_t *body;            /* owned; of the create */
    unsigned count;          /* how often it was told */
    unsigned n_sent, n_told; /* what of that the last write says, and what the server knows */
};

struct kube_events {
    struct kube_writer *writer;
    char *reporter;   /* owned */
    struct map *kept; /* "e<namespace>/<name>" -> struct kept_event, owned; the oldest first */
};

/* ---- What there is to tell ---- */

static bool is_same(const json_t *a, const json_t *b, const char *member)
{
    return strcmp(kube_get_text(a, member), kube_get_text(b, member)) == 0;
}

static int add(struct kube_event *to, int n, bool is_warning, const char *reason,
               const char *action, const char *note)
{
    if (n < 0)
        return n;
    to[n] = (struct kube_event){.is_warning = is_warning,
                                .reason = reason,
                                .action = action,
                                .note = kube_text(note, KUBE_EVENT_MAX_NOTE)};
    if (to[n].note)
        return n + 1;
    while (n > 0)
        json_decref(to[--n].note);
    return -ENOMEM;
}

/* A condition is False now, and was not, or for another reason. */
static bool has_failed(const json_t *before, const json_t *after)
{
    return kube_status_condition_is(after, "False") &&
           (!kube_status_condition_is(before, "False") || !is_same(before, after, "reason") ||
            !is_same(before, after, "message"));
}

static int add_judgement(struct kube_event *to, int n, const json_t *before, const json_t *after)
{
    const json_t *created = kube_status_condition(after, "Created");
    const json_t *was_created = kube_status_condition(before, "Created");
    const json_t *updated = kube_status_condition(after, "Updated");
    char note[256];

    if (has_failed(was_created, created))
        n = add(to, n, true, "Refused", "Judge", kube_get_text(created, "message"));
    if (has_failed(kube_status_condition(before, "Updated"), updated))
        n = add(to, n, true, "Refused", "Judge", kube_get_text(updated, "message"));
    if (kube_status_condition_is(created, "True") &&
        !kube_status_condition_is(was_created, "True")) {
        snprintf(note, sizeof(note), "accepted; its profile is %s",
                 kube_get_text(after, "profileName"));
        n = add(to, n, false, "Accepted", "Judge", note);
    } else if (*kube_get_text(after, "digest") && !is_same(before, after, "digest")) {
        snprintf(note, sizeof(note), "a new version of the profile goes to the nodes: %s",
                 kube_get_text(after, "digest"));
        n = add(to, n, false, "Updated", "Judge", note);
    }
    return n;
}

static int add_readiness(struct kube_event *to, int n, const json_t *before, const json_t *after)
{
    const json_t *ready = kube_status_condition(after, "Ready");
    const json_t *was_ready = kube_status_condition(before, "Ready");
    const char *reason = kube_get_text(ready, "reason");
    const char *message = kube_get_text(ready, "message");

    if (kube_status_condition_is(ready, "True") &&
        (!kube_status_condition_is(was_ready, "True") || !is_same(before, after, "digest")))
        return add(to, n, false, "Protecting", "Apply", message);
    if (strcmp(reason, "Error") == 0 && has_failed(was_ready, ready))
        return add(to, n, true, "NodeFailed", "Apply", message);
    if ((strcmp(reason, "AgentAway") == 0 || strcmp(reason, "AgentMissing") == 0) &&
        kube_status_condition_is(was_ready, "True"))
        return add(to, n, true, reason, "Apply", message);
    return n;
}

int kube_events_of_change(const json_t *before, const json_t *after,
                          struct kube_event ret[static KUBE_EVENTS_A_CHANGE])
{
    const json_t *complete = kube_status_condition(after, "Complete");
    const json_t *bound = kube_status_condition(after, "Bound");
    int n = add_judgement(ret, 0, before, after);

    if (has_failed(kube_status_condition(before, "Complete"), complete))
        n = add(ret, n, true, "Incomplete", "Judge", kube_get_text(complete, "message"));
    n = add_readiness(ret, n, before, after);
    if (kube_status_condition_is(bound, "False") &&
        !is_same(kube_status_condition(before, "Bound"), bound, "reason"))
        n = add(ret, n, true, kube_get_text(bound, "reason"), "Bind",
                kube_get_text(bound, "message"));
    return n;
}

/* ---- Keeping ---- */

static void kept_event_free(void *value)
{
    struct kept_event *k = value;

    json_decref(k->body);
    free(k->name_space);
    free(k->name);
    free(k);
}

/* "web.1f0c...": of the policy and of what is told. 0 or -ENOMEM. */
static int make_name(const struct kube_event_subject *s, const struct kube_event *e,
                     char ret[static NAME_MAX_BYTES])
{
    CLEANUP_FREE char *text = NULL;
    char digits[DIGEST_TEXT_SIZE];
    struct digest hash;

    if (asprintf(&text, "%s %s %s", s->uid, e->reason, json_string_value(e->note)) < 0) {
        text = NULL;
        return -ENOMEM;
    }
    if (digest_of(&hash, text, strlen(text)) < 0)
        return -ENOMEM;
    digest_format(&hash, digits);
    snprintf(ret, NAME_MAX_BYTES, "%.230s.%.*s", s->name, NAME_HASH_DIGITS, digits);
    return 0;
}

static json_t *micro_time(void)
{
    char text[LEASE_TIME_MAX + 1];

    lease_time_format(text, clock_real_ns());
    return json_string(text);
}

static json_t *make_body(const struct kube_events *events, const struct kube_event_subject *s,
                         const struct kube_event *e, const char *name_space, const char *name)
{
    CLEANUP(json_decref)
    json_t *regarding = json_pack("{s:s, s:s, s:s, s:s}", "apiVersion", KUBE_GROUP_VERSION, "kind",
                                  s->kind, "name", s->name, "uid", s->uid);

    if (!regarding ||
        (*s->name_space && kube_set(regarding, "namespace", json_string(s->name_space)) < 0))
        return NULL;
    return json_pack("{s:s, s:s, s:{s:s, s:s}, s:o, s:s, s:s, s:s, s:s, s:s, s:O, s:O}",
                     "apiVersion", "events.k8s.io/v1", "kind", "Event", "metadata", "namespace",
                     name_space, "name", name, "eventTime", micro_time(), "reportingController",
                     CONTROLLER, "reportingInstance", events->reporter, "action", e->action,
                     "reason", e->reason, "type", e->is_warning ? "Warning" : "Normal", "note",
                     e->note, "regarding", regarding);
}

/* Makes room by forgetting the oldest. */
static void forget_oldest(struct kube_events *e)
{
    struct map_entry *oldest = map_first(e->kept);

    kube_writer_drop(e->writer, map_key(oldest));
    map_drop(e->kept, map_key(oldest));
}

static struct kept_event *keep(struct kube_events *events, const struct kube_event_subject *s,
                               const struct kube_event *e, const char *key, const char *name_space,
                               const char *name)
{
    struct kept_event *k = calloc(1, sizeof(*k));

    if (!k)
        return NULL;
    k->name_space = strdup(name_space);
    k->name = strdup(name);
    k->body = make_body(events, s, e, name_space, name);
    if (map_size(events->kept) >= KUBE_EVENTS_KEPT)
        forget_oldest(events);
    if (!k->name_space || !k->name || !k->body || map_put(events->kept, key, k) < 0) {
        kept_event_free(k);
        return NULL;
    }
    return k;
}

static void tell(struct kube_events *events, const struct kube_event_subject *s,
                 const struct kube_event *e)
{
    const char *name_space = *s->name_space ? s->name_space : "default";
    char name[NAME_MAX_BYTES], key[NAME_MAX_BYTES + 80];
    struct kept_event *k;

    if (make_name(s, e, name) < 0)
        return;
    snprintf(key, sizeof(key), "e%.63s/%s", name_space, name);
    k = map_find(events->kept, key);
    if (!k)
        k = keep(events, s, e, key, name_space, name);
    if (!k)
        return;
    k->count++;
    kube_writer_touch_later(events->writer, key, EVENT_DELAY_NS);
}

void kube_events_tell(struct kube_events *e, const struct kube_event_subject *subject,
                      const json_t *before, const json_t *after)
{
    struct kube_event items[KUBE_EVENTS_A_CHANGE];
    int n = kube_events_of_change(before, after, items);

    for (int i = 0; i < n; i++) {
        tell(e, subject, &items[i]);
        json_decref(items[i].note);
    }
}

/* ---- Writing ---- */

static enum write_outcome events_make(const char *key, struct kube_write *ret,
                                      uint64_t *ret_delay_ns UNUSED, void *data)
{
    struct kube_events *e = data;
    struct kept_event *k = map_find(e->kept, key);
    CLEANUP(json_decref) json_t *series = NULL;
    const char *member;

    if (!k || k->n_told == k->count)
        return WRITE_NOTHING;
    ret->method = k->n_told ? "PATCH" : "POST";
    k->n_sent = k->n_told ? k->count : 1;
    if (k->n_told) {
        ret->content_type = "application/merge-patch+json";
        series = json_pack("{s:{s:i, s:o}}", "series", "count", (int)k->count, "lastObservedTime",
                           micro_time());
    }
    member = k->n_told ? k->name : ""; /* else the collection */
    if (asprintf(&ret->path,
                 "/apis/events.k8s.io/v1/namespaces/%s/events%s%s?fieldManager=" KUBE_FIELD_MANAGER,
                 k->name_space, *member ? "/" : "", member) < 0)
        ret->path = NULL;
    ret->body = json_dumps(k->n_told ? series : k->body, JSON_COMPACT);
    return ret->path && ret->body ? WRITE_DONE : WRITE_AGAIN;
}

static enum write_outcome events_answered(const char *key, const struct kube_answer *a, void *data)
{
    struct kube_events *e = data;
    struct kept_event *k = map_find(e->kept, key);

    if (!k)
        return WRITE_DONE;
    if (a->status == 409 && k->n_told == 0) { /* told before, by whoever */
        k->n_told = 1;
        k->count = MAX(k->count, 2u);
        kube_writer_touch(e->writer, key);
        return WRITE_DONE;
    }
    if (a->status == 404 && k->n_told) { /* Events live an hour */
        k->n_told = 0;
        k->count = 1;
        kube_writer_touch(e->writer, key);
        return WRITE_DONE;
    }
    if (a->status == 0 || a->status == 429 || a->status >= 500)
        return WRITE_AGAIN;
    k->n_told = k->n_sent; /* also what is refused: an Event is not worth trying for ever */
    if (k->n_told < k->count)
        kube_writer_touch(e->writer, key);
    return WRITE_DONE;
}

/* ---- Life ---- */

int kube_events_new(struct kube_events **ret, struct kube_writer *writer, const char *reporter)
{
    CLEANUP(kube_events_free) struct kube_events *e = calloc(1, sizeof(*e));

    if (!e)
        return -ENOMEM;
    e->writer = writer;
    e->reporter = strndup(reporter, REPORTER_MAX);
    e->kept = map_new(kept_event_free, KUBE_EVENTS_KEPT);
    if (!e->reporter || !e->kept)
        return -ENOMEM;
    kube_writer_add_kind(
        writer, 'e',
        &(struct kube_writer_kind){.make = events_make, .answered = events_answered, .data = e});
    *ret = TAKE(e);
    return 0;
}

struct kube_events *kube_events_free(struct kube_events *e)
{
    if (!e)
        return NULL;
    map_free(e->kept);
    free(e->reporter);
    free(e);
    return NULL;
}
