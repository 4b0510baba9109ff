/* SPDX-License-Identifier: Apache-2.0 */
/* What a watch does with answers that no API server gives; with those of a real one: test/cluster/kube. */
#include "test/unit/unit.h"

#include <errno.h>

#include "lib/kube/kube_watch.h"
#include "test/unit/http_bed.h"

#define OK(body) "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" body
#define ITEM(name, version)                                                                        \
    "{\"metadata\":{\"namespace\":\"n\",\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define LIST(version, items)                                                                       \
    OK("{\"metadata\":{\"resourceVersion\":\"" version "\"},\"items\":[" items "]}")
#define PAGE(next, items)                                                                          \
    OK("{\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"" next "\"},\"items\":[" items "]}")
#define EVENT(type, object)   "{\"type\":\"" type "\",\"object\":" object "}\n"
#define REFUSAL(status, text) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" text

struct bed {
    struct loop *loop;
    struct http_bed http;
    struct kube_client *client;
    struct kube_watch *watch;
    struct buf told;
    struct loop_timer *limit;
    const char *until;   /* stops when told ends so */
    const char *free_at; /* frees the watch inside the event that ends so */
};

static struct bed bed;

static void tell(const char *format, const char *text)
{
    const char *all;
    size_t len;

    ck_assert_int_eq(buf_add_text(&bed.told, format), 0);
    ck_assert_int_eq(buf_format(&bed.told, "%s;", text), 0);
    all = buf_text(&bed.told);
    if (bed.free_at &&
        strcmp(all + bed.told.len - MIN(bed.told.len, strlen(bed.free_at)), bed.free_at) == 0) {
        bed.watch = kube_watch_free(bed.watch);
    }
    len = bed.until ? strlen(bed.until) : SIZE_MAX;
    if (bed.told.len >= len && strcmp(all + bed.told.len - len, bed.until) == 0)
        loop_stop(bed.loop);
}

static void on_put(const char *key, const uint8_t *object UNUSED, size_t len UNUSED, void *d UNUSED)
{
    tell("put ", key);
}

static void on_dropped(const char *key, void *data UNUSED)
{
    tell("dropped ", key);
}

static void on_listed(void *data UNUSED)
{
    tell("listed", "");
}

static void on_trouble(const char *reason, void *data UNUSED)
{
    tell(reason ? "trouble " : "well", reason ? reason : "");
}

static void on_limit(void *data UNUSED)
{
    ck_abort_msg("it takes too long; so far: %s", buf_text(&bed.told));
}

static void start(const struct http_answer *answers, size_t n_answers)
{
    static const struct kube_watch_events events = {on_put, on_dropped, on_listed, on_trouble,
                                                    NULL};
    const struct kube_watch_settings settings = {
        .path = "/x", .query = "labelSelector=a", .max_object_bytes = 1000, .max_objects = 100};
    struct kube_config config = {0};

    bed.told = BUF_INIT(1u << 20);
    ck_assert_int_eq(loop_new(&bed.loop, NULL), 0);
    http_bed_init(&bed.http, bed.loop, answers, n_answers);
    ck_assert_int_gt(asprintf(&config.server, "http://127.0.0.1:%u", bed.http.port), 0);
    ck_assert_int_eq(loop_timer_new(bed.loop, &bed.limit, on_limit, NULL), 0);
    loop_timer_set(bed.limit, 20 * NS_PER_SEC);
    ck_assert_int_eq(kube_client_new(&bed.client, bed.loop, &config, "test", NULL), 0);
    ck_assert_int_eq(kube_watch_new(&bed.watch, bed.loop, bed.client, &settings, &events), 0);
    kube_config_done(&config);
}

static void on_stop(void *data UNUSED)
{
    loop_stop(bed.loop);
}

static void end(void)
{
    bed.watch = kube_watch_free(bed.watch);
    ck_assert_int_eq(loop_defer(bed.loop, on_stop, NULL),
                     0); /* what was freed inside an event is buried */
    ck_assert_int_eq(loop_run(bed.loop), 0);
    kube_client_free(bed.client);
    http_bed_done(&bed.http);
    loop_timer_free(bed.limit);
    loop_free(bed.loop);
    buf_done(&bed.told);
}

/* The paths that were asked for, one a line, without what is random. */
static const char *asked(void)
{
    static char text[20000];
    const char *rest = buf_text(&bed.http.requests);
    size_t len = 0;

    *text = '\0';
    for (; (rest = strstr(rest, "GET ")); rest++) {
        const char *path = rest + 4;
        const int n = (int)strcspn(path, " ");
        const char *random = strstr(path, "&timeoutSeconds=");
        const int kept = random && random < path + n ? (int)(random - path) : n;

        len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s\n", kept, path);
    }
    return text;
}

#define LIST_PATH  "/x?labelSelector=a&limit=500"
#define WATCH_PATH "/x?labelSelector=a&watch=true&allowWatchBookmarks=true&resourceVersion="

static const struct {
    const char *what;
    const char *answers[6]; /* the last one holds: nothing more ever comes */
    const char *told, *asked;
} stories[] = {
    {"pages, each once",
     {PAGE("c%2F=", ITEM("a", "1")), PAGE("d", ITEM("b", "2")), LIST("5", ITEM("c", "3"))},
     "put n/a;put n/b;put n/c;listed;",
     LIST_PATH "\n" LIST_PATH "&continue=c%252F%3D\n" LIST_PATH "&continue=d\n"},
    {"a page that does not come is asked for again, alone",
     {PAGE("c", ITEM("a", "1")), REFUSAL("503 Busy", "later"), LIST("5", ITEM("b", "3"))},
     "put n/a;trouble S answered 503: later;put n/b;listed;",
     LIST_PATH "\n" LIST_PATH "&continue=c\n" LIST_PATH "&continue=c\n"},
    {"a page that is no longer there begins the list anew",
     {PAGE("c", ITEM("a", "1") "," ITEM("b", "1")),
      REFUSAL("410 Gone", "{\"kind\":\"Status\",\"message\":\"gone\"}"), LIST("9", ITEM("b", "1"))},
     "put n/a;put n/b;trouble gone;dropped n/a;listed;",
     LIST_PATH "\n" LIST_PATH "&continue=c\n" LIST_PATH "\n"},
    {"a list that breaks off is told, and read again",
     {"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"metadata\":{},\"items\":[" ITEM("a", "1"),
      LIST("9", ITEM("a", "1"))},
     "trouble S: transfer closed with 413 bytes remaining to read;put n/a;listed;",
     LIST_PATH "\n" LIST_PATH "\n"},
    {"what is no list is told, and asked for again",
     {OK("<html>"), LIST("9", "")},
     "trouble /x: the answer is no list;listed;",
     LIST_PATH "\n" LIST_PATH "\n"},
    {"a list that ends too early is no list",
     {OK("{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[" ITEM("a", "1")), LIST("9", "")},
     "trouble /x: the answer is no list;listed;",
     LIST_PATH "\n" LIST_PATH "\n"},
    {"a watch that broke off goes on from the newest version",
     {LIST("5", ITEM("a", "1")),
      OK(EVENT("ADDED", ITEM("b", "6"))
             EVENT("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"8\"}}") "{\"typ"),
      OK(EVENT("DELETED", ITEM("a", "9")))},
     "put n/a;listed;put n/b;dropped n/a;",
     LIST_PATH "\n" WATCH_PATH "5\n" WATCH_PATH "8\n"},
    {"a watch that makes no sense makes it list anew, and only differences are told",
     {LIST("5", ITEM("a", "1") "," ITEM("b", "1")), OK(EVENT("ADDED", ITEM("c", "6")) "garbage"),
      LIST("7", ITEM("c", "6") "," ITEM("b", "2"))},
     "put n/a;put n/b;listed;put n/c;trouble /x: the watch's answer makes no sense;put n/b;dropped n/a;listed;",
     LIST_PATH "\n" WATCH_PATH "5\n" LIST_PATH "\n"},
    {"a version that is too old is no trouble, but a new list",
     {LIST("5", ITEM("a", "1")),
      OK(EVENT("ERROR", "{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\"}")),
      LIST("7", "")},
     "put n/a;listed;dropped n/a;listed;",
     LIST_PATH "\n" WATCH_PATH "5\n" LIST_PATH "\n"},
    {"the same as a status",
     {LIST("5", ITEM("a", "1")),
      REFUSAL("410 Gone", "{\"kind\":\"Status\",\"message\":\"too old\"}"), LIST("7", "")},
     "put n/a;listed;dropped n/a;listed;",
     LIST_PATH "\n" WATCH_PATH "5\n" LIST_PATH "\n"},
    {"another error within a watch is told",
     {LIST("5", ""),
      OK(EVENT("ERROR", "{\"kind\":\"Status\",\"code\":500,\"message\":\"etcd is ill\"}")),
      LIST("7", "")},
     "listed;trouble /x: the watch was broken off: etcd is ill;listed;",
     LIST_PATH "\n" WATCH_PATH "5\n" LIST_PATH "\n"},
    {"a version from the future makes it list anew",
     {LIST("5", ""),
      REFUSAL("504 Timeout", "{\"kind\":\"Status\",\"message\":\"Too large resource version\"}"),
      LIST("3", "")},
     "listed;trouble Too large resource version;listed;",
     LIST_PATH "\n" WATCH_PATH "5\n" LIST_PATH "\n"},
    {"who is refused for a while goes on where it was",
     {LIST("5", ""), REFUSAL("403 Forbidden", "{\"kind\":\"Status\",\"message\":\"no\"}"),
      OK(EVENT("ADDED", ITEM("a", "6")))},
     "listed;trouble no;well;put n/a;",
     LIST_PATH "\n" WATCH_PATH "5\n" WATCH_PATH "5\n"},
};

/* The server's address written as S. */
static const char *told(void)
{
    static char text[20000];
    char server[40], *place;

    snprintf(server, sizeof(server), "http://127.0.0.1:%u", bed.http.port);
    snprintf(text, sizeof(text), "%s", buf_text(&bed.told));
    while ((place = strstr(text, server))) {
        *place = 'S';
        memmove(place + 1, place + strlen(server), strlen(place + strlen(server)) + 1);
    }
    return text;
}

static size_t make_answers(struct http_answer answers[static 7], const char *const texts[static 6])
{
    size_t n = 0;

    for (; n < 6 && texts[n]; n++)
        answers[n] = (struct http_answer){.text = texts[n]};
    answers[n] = (struct http_answer){.text = NULL};
    return n + 1;
}

START_TEST(what_comes_is_told_and_what_is_asked_follows)
{
    struct http_answer answers[7];
    const size_t n = make_answers(answers, stories[_i].answers);
    const char *last = strrchr(stories[_i].told, ';');

    bed = (struct bed){0};
    /* The last word of the story; "listed" may stand in it more than once, so the number of requests counts, too. */
    start(answers, n);
    while (last > stories[_i].told && last[-1] != ';')
        last--;
    bed.until = last;
    do
        ck_assert_int_eq(loop_run(bed.loop), 0);
    while (bed.http.n_requests < n - 1);
    ck_assert_msg(strcmp(told(), stories[_i].told) == 0, "%s: %s", stories[_i].what, told());
    ck_assert_msg(strncmp(asked(), stories[_i].asked, strlen(stories[_i].asked)) == 0, "%s: %s",
                  stories[_i].what, asked());
    end();
}
END_TEST

static const char *const deaths[] = {"put n/a;", "listed;", "put n/b;", "dropped n/a;",
                                     "etcd is ill;"};

START_TEST(a_watch_can_be_freed_inside_each_of_its_events)
{
    static const char *const texts[6] = {
        LIST("5", ITEM("a", "1")),
        OK(EVENT("ADDED", ITEM("b", "6")) EVENT("DELETED", ITEM("a", "7"))
               EVENT("ERROR", "{\"kind\":\"Status\",\"message\":\"etcd is ill\"}")),
    };
    struct http_answer answers[7];
    const size_t n = make_answers(answers, texts);
    struct loop_timer *timer = NULL;
    const char *all;

    bed = (struct bed){.free_at = deaths[_i]};
    start(answers, n);
    ck_assert_int_eq(loop_timer_new(bed.loop, &timer, on_stop, NULL), 0);
    loop_timer_set(timer, 300 * NS_PER_MSEC);
    while (bed.watch) {
        ck_assert_int_eq(loop_run(bed.loop), 0);
        loop_timer_set(timer, 300 * NS_PER_MSEC);
    }
    /* Nothing comes behind it. */
    ck_assert_int_eq(loop_run(bed.loop), 0);
    loop_timer_free(timer);
    all = buf_text(&bed.told);
    ck_assert_str_eq(all + strlen(all) - strlen(deaths[_i]), deaths[_i]);
    end();
}
END_TEST

START_TEST(retry_after_is_honoured)
{
    static const char *const texts[6] = {
        "HTTP/1.1 429 Busy\r\nRetry-After: 2\r\nConnection: close\r\n\r\n", LIST("5", "")};
    struct http_answer answers[7];
    const size_t n = make_answers(answers, texts);
    uint64_t start_ns;

    bed = (struct bed){.until = "listed;"};
    start(answers, n);
    start_ns = loop_now_ns(bed.loop);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_uint_ge(loop_now_ns(bed.loop) - start_ns, 2 * NS_PER_SEC);
    end();
}
END_TEST

START_TEST(a_server_that_always_breaks_off_is_asked_less_and_less)
{
    static const char *const texts[6] = {LIST("5", "")};
    struct http_answer answers[7];
    size_t n = make_answers(answers, texts);
    struct loop_timer *timer = NULL;

    answers[n - 1] = (struct http_answer){.text = OK("")};
    bed = (struct bed){0};
    start(answers, n);
    ck_assert_int_eq(loop_timer_new(bed.loop, &timer, on_stop, NULL), 0);
    loop_timer_set(timer, 3 * NS_PER_SEC);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    /* After the list and a first watch: half a second at most, one, two. */
    ck_assert_uint_ge(bed.http.n_requests, 3);
    ck_assert_uint_le(bed.http.n_requests, 6);
    loop_timer_free(timer);
    end();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_watch");
    TCase *t = tcase_create("kube_watch");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, what_comes_is_told_and_what_is_asked_follows, 0, ARRAY_SIZE(stories));
    tcase_add_loop_test(t, a_watch_can_be_freed_inside_each_of_its_events, 0, ARRAY_SIZE(deaths));
    tcase_add_test(t, retry_after_is_honoured);
    tcase_add_test(t, a_server_that_always_breaks_off_is_asked_less_and_less);
    suite_add_tcase(s, t);
    return s;
}
