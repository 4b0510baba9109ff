/* SPDX-License-Identifier: Apache-2.0 */
/* What apparmor_parser and the kernel say of themselves: error messages, features, labels. */
#include <string.h>

#include "agent/apparmor_features.h"
#include "agent/apparmor_label.h"
#include "agent/apparmor_message.h"
#include "agent/enforcer.h"
#include "lib/apparmor/apparmor.h"

#define NAME "varmor-shop-web"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message(const char *text)
{
    static char rule_text[] = "mount";
    static struct aa_rule rule = {.line = 3, .kind = AA_MOUNT, .text = rule_text};
    const struct aa_rules rules = {.items = &rule, .n = 1};
    CLEANUP(error_free) struct error *problem = NULL;

    if (apparmor_message_explain(text, 1, &rules, &problem) >= 0 || !error_message(problem)[0])
        abort();
}

/* What was selected is well formed, and selecting again changes nothing. */
static void features(const char *text)
{
    struct buf once CLEANUP_BUF = BUF_INIT(APPARMOR_FEATURES_TEXT_MAX);
    struct buf twice CLEANUP_BUF = BUF_INIT(APPARMOR_FEATURES_TEXT_MAX);

    if (apparmor_features_select(text, false, &once) < 0)
        return;
    if (apparmor_features_select(buf_text(&once), false, &twice) < 0 ||
        strcmp(buf_text(&once), buf_text(&twice)) != 0)
        abort();
}

static void label(const char *text)
{
    struct enforcer_hold hold;

    apparmor_label_judge(text, NAME, false, 2, &hold);
    if (hold.in_force == (hold.reason[0] != '\0') || (hold.in_force && !strstr(text, NAME)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);

    if (!text)
        return 0;
    message(text);
    features(text);
    label(text);
    free(text);
    return 0;
}
