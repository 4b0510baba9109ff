/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what an API server answers about a token, and as a token that somebody shows. */
#include <string.h>

#include "manager/token_review.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_BUF struct buf text = BUF_INIT(1u << 20), request = BUF_INIT(TOKEN_REQUEST_MAX_BYTES);
    struct token_review r = {0};

    if (token_review_read(&r, data, size, "varmor-manager", NULL) == 0) {
        if (r.is_authenticated != (*r.problem == '\0' && *r.user != '\0' && r.access_request))
            abort();
        if (token_review_check_agent(&r, "a", NULL) == 0 && (strcmp(r.user, "a") != 0 || !*r.node))
            abort();
        token_review_done(&r);
    }
    access_review_read(data, size, NULL);
    if (buf_add(&text, data, size) < 0)
        return 0;
    if (token_ends_s(buf_text(&text)) < 0)
        abort();
    if (token_is_well_formed(buf_text(&text)) &&
        token_review_request(&request, buf_text(&text), "varmor-manager") < 0)
        abort();
    return 0;
}
