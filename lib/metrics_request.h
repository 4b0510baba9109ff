/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the first line of an HTTP request asks of a server of metrics. Pure. */
#include "lib/base.h"

enum metrics_request {
    METRICS_REQUEST_BAD, /* no request line of HTTP/1 */
    METRICS_REQUEST_OTHER_PATH,
    METRICS_REQUEST_OTHER_METHOD,
    METRICS_REQUEST_METRICS, /* GET /metrics, with any query */
};

/* line: without its end. */
enum metrics_request metrics_request_parse(const char *line);
