/* SPDX-License-Identifier: Apache-2.0 */
#include "test/audit/record_file.h"

#include <stdio.h>
#include <string.h>

static char *value_of(char *line)
{
    char *value, *mark;

    line[strcspn(line, "\n")] = '\0';
    value = strdup(line + 2);
    if (!value)
        abort();
    mark = strstr(value, "<GS>");
    if (mark) {
        mark[0] = 0x1d;
        memmove(mark + 1, mark + 4, strlen(mark + 4) + 1);
    }
    return value;
}

void record_file_read(struct record_file *ret)
{
    FILE *f = fopen(RECORD_FILE, "re");
    char line[4096], name[32] = "";
    struct record_case *c = NULL;

    memset(ret, 0, sizeof(*ret));
    if (!f) {
        perror(RECORD_FILE);
        abort();
    }
    while (fgets(line, sizeof(line), f)) {
        if (line[0] == '#')
            snprintf(name, sizeof(name), "%.*s", (int)strcspn(line + 1, "\n") - 1, line + 2);
        if (line[0] == '<') {
            c = &ret->items[ret->n++];
            memcpy(c->name, name, sizeof(name));
            c->line = value_of(line);
        }
        if (line[0] == '>' && c)
            c->expected = value_of(line);
        if (ret->n == RECORD_FILE_CASES)
            abort();
    }
    fclose(f);
}

void record_file_done(struct record_file *f)
{
    for (size_t i = 0; i < f->n; i++) {
        free(f->items[i].line);
        free(f->items[i].expected);
    }
}
