/* SPDX-License-Identifier: Apache-2.0 */
/* Request lines, and label values whatever they say: a value may neither end its quotes nor its line. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/metrics.h"
#include "lib/metrics_request.h"
#include "lib/utf8.h"

/* The text of one series must be one line, 'g{l="..."} 1'. */
static void check(const char *text)
{
    const char *value = strstr(text, "\ng{l=\"");
    size_t len, n;

    assert(value);
    value += strlen("\ng{l=\"");
    len = strcspn(value, "\n");
    assert(len >= 4 && memcmp(value + len - 4, "\"} 1", 4) == 0);
    len -= 4;
    for (size_t i = 0; i < len; i += n) {
        n = utf8_decode((const uint8_t *)value + i, len - i, NULL);
        assert(n > 0 && value[i] != '"');
        if (value[i] == '\\') {
            assert(i + 1 < len && strchr("\\\"n", value[i + 1]));
            n = 2;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct metric_spec spec = {"g", "G.", METRIC_GAUGE, {"l"}, 1, NULL, 0};
    CLEANUP(metrics_free) struct metrics *metrics = metrics_new();
    CLEANUP_BUF struct buf text = BUF_INIT(65536);
    CLEANUP_FREE char *value = calloc(1, size + 1);
    struct metric *g;

    assert(metrics && value && metrics_add(metrics, &g, &spec) == 0);
    memcpy(value, data, size);
    assert(metrics_request_parse(value) <= METRICS_REQUEST_METRICS);
    metric_set(g, (const char *const[]){value}, 1);
    assert(metrics_format(metrics, &text) == 0);
    check(buf_text(&text));
    return 0;
}
