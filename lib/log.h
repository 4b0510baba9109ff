/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The operators' log: one JSON object a line on stderr with time, level, component, event, message
 * and keys.
 *
 * Only event handlers at the top of manager, agent and ctl log; lib/, proto/ and profiles/ return
 * errors. Each call site is rate-limited; the next line that passes says how many were held back.
 * The event name is stable and is what people search for; the message may change. Levels: error, a
 * person must act; warning, ends in what we do instead; info, a state changed; debug, off by
 * default.
 *
 *     LOG(INFO, "profile-applied", "the kernel holds it", LOG_STR("profile", name));
 */
#include "lib/base.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_field {
    const char *key;
    const char *text; /* NULL: the number counts */
    int64_t number;
};

static inline const char *log_text(const char *text)
{
    return text ? text : "";
}

#define LOG_STR(k, v) ((struct log_field){.key = (k), .text = log_text(v)}) /* v may be NULL */
#define LOG_INT(k, v) ((struct log_field){.key = (k), .number = (int64_t)(v)})

/* Per call site: how many lines it wrote of late. Static storage of the macro below. */
struct log_site {
    uint64_t window_start_ns;
    unsigned in_window;
    unsigned held_back;
};

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* The component shown in each line ("manager", "agent"); borrowed for the life of the process. */
void log_set_component(const char *component);

/* Writes one line; fields may be NULL when n_fields is 0. A line that cannot be made or written is
 * lost. */
void log_write(struct log_site *site, enum log_level level, const char *event, const char *message,
               const struct log_field *fields, size_t n_fields);

#define LOG(lvl, event, message, ...)                                                              \
    do {                                                                                           \
        static struct log_site log_site_;                                                          \
        if (log_enabled(LOG_LEVEL_##lvl)) {                                                        \
            const struct log_field log_fields_[] = {{0}, ##__VA_ARGS__};                           \
            log_write(&log_site_, LOG_LEVEL_##lvl, event, message, log_fields_ + 1,                \
                      ARRAY_SIZE(log_fields_) - 1);                                                \
        }                                                                                          \
    } while (0)
