/* SPDX-License-Identifier: Apache-2.0 */
/* Lines from the kernel as rule names: what is taken is written back as it was read. */
#include <string.h>

#include "agent/rule_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_LINES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct varmor_line lines[MAX_LINES], back[MAX_LINES + 1];
    struct rule_names *names = NULL, *again = NULL;
    size_t n = size / sizeof(lines[0]);

    if (n > MAX_LINES)
        return 0;
    memcpy(lines, data, n * sizeof(lines[0]));
    if (rule_names_decode(&names, lines, n, NULL) < 0)
        return 0;
    if (rule_names_lines(names) > n)
        abort();
    rule_names_encode(names, back);
    if (rule_names_decode(&again, back, rule_names_lines(names), NULL) < 0 ||
        rule_names_count(again) != rule_names_count(names))
        abort();
    for (size_t i = 0; i < rule_names_count(names); i++)
        if (strcmp(rule_names_get(names, i), rule_names_get(again, i)) != 0)
            abort();
    rule_names_unref(again);
    rule_names_unref(names);
    return 0;
}
