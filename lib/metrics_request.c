/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/metrics_request.h"

#include <string.h>

static bool is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

enum metrics_request metrics_request_parse(const char *line)
{
    const size_t method_len = strcspn(line, " ");
    const char *target = line + method_len + (line[method_len] == ' ');
    const size_t target_len = strcspn(target, " "), path_len = strcspn(target, " ?");

    if (method_len == 0 || target_len == 0 || strncmp(target + target_len, " HTTP/1.", 8) != 0)
        return METRICS_REQUEST_BAD;
    if (!is_word(target, path_len, "/metrics"))
        return METRICS_REQUEST_OTHER_PATH;
    return is_word(line, method_len, "GET") ? METRICS_REQUEST_METRICS
                                            : METRICS_REQUEST_OTHER_METHOD;
}
