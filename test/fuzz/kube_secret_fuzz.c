/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as a Secret, and its texts as certificates: whatever is joined holds what it was made of, and
 * joined again it is the same. */
#include <string.h>

#include "manager/certificate_pair.h"
#include "manager/kube_secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void join(const char *first, const char *second)
{
    CLEANUP_FREE char *bundle = NULL, *again = NULL;

    if (certificate_bundle_join(&bundle, first, second, 0) < 0 ||
        certificate_bundle_join(&again, bundle, bundle, 0) < 0 || strcmp(bundle, again) != 0 ||
        !certificate_bundle_holds(bundle, bundle, 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"tls.crt", "tls.key", "ca.crt"};
    char *texts[3], *version, *json = NULL;
    int64_t renew_at;

    if (kube_secret_read(data, size, keys, 3, texts, &version) < 0)
        return 0;
    const struct certificate_pair pair = {
        .authority = texts[2], .certificate = texts[0], .key = texts[1]};
    const struct certificate_names names = {NULL, 0};
    const struct kube_secret_item item = {"tls.crt", texts[0]};
    const struct kube_secret secret = {
        .name = "n", .type = "Opaque", .version = version, .items = &item, .n_items = 1};

    join(texts[0], texts[2]);
    certificate_pair_check(&pair, &names, 1795597200, NULL);
    certificate_renew_at(texts[0], &renew_at);
    if (kube_secret_format(&json, &secret) < 0)
        abort();
    kube_secret_text_free(json);
    for (size_t i = 0; i < 3; i++)
        kube_secret_text_free(texts[i]);
    free(version);
    return 0;
}
