/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a source told, as lines of text, for the tests of sources:
 *
 *     put a.yaml VarmorPolicy default/x
 *     drop VarmorPolicy default/x
 *     file a.yaml (1 in force) 3:5: message; message of the file as a whole
 *     file a.yaml (1 in force)
 *     settled
 */
#include <stdio.h>

#include "lib/buf.h"
#include "manager/source.h"

struct source_record {
    struct buf lines;
    unsigned n_settled;
    void (*on_settled)(void *data); /* may be NULL */
    void *on_settled_data;
};

#define SOURCE_RECORD_INIT ((struct source_record){.lines = BUF_INIT(1 << 20)})

static inline void source_record_put(const struct object *o, const char *file, void *data)
{
    struct source_record *rec = data;

    ck_assert_int_eq(buf_format(&rec->lines, "put %s %s %s/%s\n", file, object_kind_name(o->kind),
                                o->name_space, o->name),
                     0);
}

static inline void source_record_dropped(const struct object *o, void *data)
{
    struct source_record *rec = data;

    ck_assert_int_eq(buf_format(&rec->lines, "drop %s %s/%s\n", object_kind_name(o->kind),
                                o->name_space, o->name),
                     0);
}

static inline void source_record_file(const struct source_file *f, void *data)
{
    struct source_record *rec = data;

    ck_assert_int_eq(buf_format(&rec->lines, "file %s (%u in force)", f->name, f->n_in_force), 0);
    for (size_t i = 0; i < f->findings->n; i++) {
        const struct finding *finding = &f->findings->items[i];
        char position[32] = "";

        if (finding->line)
            snprintf(position, sizeof(position), "%u:%u: ", finding->line, finding->column);
        ck_assert_int_eq(
            buf_format(&rec->lines, "%s %s%s", i ? ";" : "", position, finding->message), 0);
    }
    ck_assert_int_eq(buf_add_text(&rec->lines, "\n"), 0);
}

static inline void source_record_settled(void *data)
{
    struct source_record *rec = data;

    rec->n_settled++;
    ck_assert_int_eq(buf_add_text(&rec->lines, "settled\n"), 0);
    if (rec->on_settled)
        rec->on_settled(rec->on_settled_data);
}

static const struct source_handler source_record_handler = {
    .put = source_record_put,
    .dropped = source_record_dropped,
    .file = source_record_file,
    .settled = source_record_settled,
};
