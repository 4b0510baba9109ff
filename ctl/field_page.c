/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/field_page.h"

#include <errno.h>
#include <string.h>

#include "ctl/field_text.h"
#include "lib/error.h"

static const char front[] =
    "# Fields\n"
    "\n"
    "Made by `make golden` from the tables that policies are read by; `varmorctl explain FIELD.PATH` and, in a cluster\n"
    "with the chart's CustomResourceDefinitions, `kubectl explain` say the same. What the fields mean together is in\n"
    "[policies.md](policies.md). Fields in bold are required; `[]` is a list.\n";

/* Characters that would end a cell or begin markup. */
static int add_cell(const char *text, struct buf *ret)
{
    for (; *text; text++)
        if ((strchr("|*_[]<>`\\", *text) && buf_add_text(ret, "\\") < 0) ||
            buf_add(ret, text, 1) < 0)
            return -ENOMEM;
    return 0;
}

struct page {
    FILE *out;
};

static int print_row(const char *path, const struct field *f, void *data)
{
    CLEANUP_BUF struct buf type = BUF_INIT(DECODER_PATH_MAX);
    CLEANUP_BUF struct buf limits = BUF_INIT(DECODER_PATH_MAX);
    CLEANUP_BUF struct buf cell = BUF_INIT(DECODER_PATH_MAX);
    struct page *page = data;

    if (field_text_type(f, &type) < 0 || field_text_limits(f, &limits) < 0 ||
        add_cell(f->help, &cell) < 0)
        return -ENOMEM;
    if (limits.len && (buf_add_text(&cell, " (") < 0 || add_cell(buf_text(&limits), &cell) < 0 ||
                       buf_add_text(&cell, ")") < 0))
        return -ENOMEM;
    fprintf(page->out, "| %s`%s`%s | %s | %s |\n", f->required ? "**" : "", path,
            f->required ? "**" : "", buf_text(&type), buf_text(&cell));
    return 0;
}

/* A table of a field of the root and all below it. */
static int print_table(const struct custom_resource *resource, const struct field *f, FILE *out)
{
    struct page page = {out};

    fprintf(out, "\n### %s %s\n\n%s\n\n| field | type | meaning |\n|---|---|---|\n", resource->kind,
            f->name, f->help);
    if (f->type->shape != SHAPE_OBJECT)
        return print_row(f->name, f, &page);
    return field_path_each(field_param(f), "", print_row, &page);
}

int field_page_print(FILE *out, struct error **reterr)
{
    fputs(front, out);
    for (size_t i = 0; i < CUSTOM_RESOURCES; i++) {
        const struct custom_resource *resource = &custom_resources[i];

        fprintf(out, "\n## %s\n\n%s", resource->kind, resource->help);
        if (resource->cluster_scoped) {
            fprintf(out, " Its fields are those of %s.\n", custom_resources[0].kind);
            continue;
        }
        fprintf(out, "\n");
        for (size_t j = 0; j < resource->root->n_fields; j++)
            if (print_table(resource, &resource->root->fields[j], out) < 0)
                return error_oom(reterr);
    }
    return 0;
}
