/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/json_text.h"

#define LOG_LINE_MAX   16384 /* a longer line loses its message and its keys */
#define LOG_WINDOW_NS  (10 * NS_PER_SEC)
#define LOG_PER_WINDOW 20 /* lines of one call site in a window */

static enum log_level log_max_level = LOG_LEVEL_INFO;
static const char *log_component = "varmor";

static const char *const log_level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

void log_set_level(enum log_level level)
{
    log_max_level = level;
}

bool log_enabled(enum log_level level)
{
    return level <= log_max_level;
}

void log_set_component(const char *component)
{
    log_component = component;
}

static bool log_site_pass(struct log_site *site, unsigned *ret_held_back)
{
    struct timespec now;
    uint64_t now_ns;

    clock_gettime(CLOCK_MONOTONIC, &now);
    now_ns = (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
    if (!site->window_start_ns || now_ns - site->window_start_ns >= LOG_WINDOW_NS) {
        site->window_start_ns = now_ns;
        site->in_window = 0;
    }
    if (site->in_window >= LOG_PER_WINDOW) {
        site->held_back++;
        return false;
    }
    site->in_window++;
    *ret_held_back = site->held_back;
    site->held_back = 0;
    return true;
}

static int log_format_time(struct buf *line)
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    return buf_format(line, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\"", utc.tm_year + 1900,
                      utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                      now.tv_nsec / 1000000);
}

static int log_format_line(struct buf *line, enum log_level level, const char *event,
                           const char *message, const struct log_field *fields, size_t n_fields,
                           unsigned held_back)
{
    int r = buf_add_text(line, "{\"time\":");

    r = r < 0 ? r : log_format_time(line);
    r = r < 0 ? r
              : buf_format(line,
                           ",\"level\":\"%s\",\"component\":\"%s\",\"event\":\"%s\",\"message\":",
                           log_level_names[level], log_component, event);
    r = r < 0 ? r : json_text_add(line, message, strlen(message));
    for (size_t i = 0; i < n_fields && r >= 0; i++) {
        r = buf_format(line, ",\"%s\":", fields[i].key);
        if (r < 0)
            break;
        if (fields[i].text)
            r = json_text_add(line, fields[i].text, strlen(fields[i].text));
        else
            r = buf_format(line, "%lld", (long long)fields[i].number);
    }
    if (r >= 0 && held_back)
        r = buf_format(line, ",\"heldBack\":%u", held_back);
    return r < 0 ? r : buf_add_text(line, "}\n");
}

void log_write(struct log_site *site, enum log_level level, const char *event, const char *message,
               const struct log_field *fields, size_t n_fields)
{
    CLEANUP_BUF struct buf line = BUF_INIT(LOG_LINE_MAX);
    unsigned held_back = 0;
    int r;

    if (!log_site_pass(site, &held_back))
        return;
    r = log_format_line(&line, level, event, message, fields, n_fields, held_back);
    if (r == -E2BIG) {
        buf_clear(&line);
        r = log_format_line(&line, level, event, "the message is too long for a line", NULL, 0,
                            held_back);
    }
    if (r < 0) {
        dprintf(STDERR_FILENO,
                "{\"level\":\"%s\",\"event\":\"%s\",\"message\":\"out of memory\"}\n",
                log_level_names[level], event);
        return;
    }
    if (write(STDERR_FILENO, line.data, line.len) < 0)
        return; /* there is nowhere left to say it */
}
