/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/apparmor_label.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/container_process.h"
#include "agent/enforcer.h"
#include "agent/whole_file.h"

#define STACK_SIGN   "//&"
#define CHILD_SIGN   "//"
#define CHILD_PREFIX "child_" /* lib/apparmor numbers them */

/* ---- reading ---- */

int apparmor_label_read(int pid, const char *cgroup_path, char ret[static APPARMOR_LABEL_MAX],
                        struct error **reterr)
{
    CLEANUP_BUF struct buf text = BUF_INIT(APPARMOR_LABEL_MAX - 1);
    CLEANUP_CLOSE int fd = container_process_open(pid, cgroup_path, reterr);
    int r;

    if (fd < 0)
        return fd;
    r = whole_file_read_kernel(fd, "attr/apparmor/current", &text);
    if (r == -ENOENT)
        r = whole_file_read_kernel(fd, "attr/current", &text);
    if (r < 0)
        return error_errno(reterr, r == -ENOENT ? -ESRCH : r, "the label of process %d", pid);
    snprintf(ret, APPARMOR_LABEL_MAX, "%.*s", (int)strcspn(buf_text(&text), "\n"), buf_text(&text));
    return 0;
}

/* ---- judging ---- */

struct span {
    const char *text;
    size_t len;
};

static bool span_is(struct span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.text, text, s.len) == 0;
}

/* "a//b (enforce)": cuts the mode off and returns it; empty if there is none. */
static struct span cut_mode(struct span *s)
{
    struct span mode = {.text = "", .len = 0};

    if (s->len == 0 || s->text[s->len - 1] != ')')
        return mode;
    for (size_t i = s->len - 1; i > 0; i--) {
        if (s->text[i] != '(' || s->text[i - 1] != ' ')
            continue;
        mode = (struct span){.text = s->text + i + 1, .len = s->len - i - 2};
        s->len = i - 1;
        break;
    }
    return mode;
}

/* The next part of a stack, taken off the front of rest. */
static struct span next_part(struct span *rest)
{
    const char *sign = memmem(rest->text, rest->len, STACK_SIGN, strlen(STACK_SIGN));
    struct span part = *rest;

    if (sign)
        part.len = (size_t)(sign - rest->text);
    rest->text += part.len + (sign ? strlen(STACK_SIGN) : 0);
    rest->len -= part.len + (sign ? strlen(STACK_SIGN) : 0);
    return part;
}

/* True if the part is profile or a child of it, whose name (or "") is then *ret_child. */
static bool is_ours(struct span part, const char *profile, struct span *ret_child)
{
    size_t len = strlen(profile), sign_len = strlen(CHILD_SIGN);

    if (part.len < len || memcmp(part.text, profile, len) != 0)
        return false;
    *ret_child = (struct span){.text = part.text + len, .len = part.len - len};
    if (ret_child->len == 0)
        return true;
    if (ret_child->len <= sign_len || memcmp(ret_child->text, CHILD_SIGN, sign_len) != 0)
        return false;
    ret_child->text += sign_len;
    ret_child->len -= sign_len;
    return true;
}

/* Is it one of child_0 ... child_(n - 1)? */
static bool is_current_child(struct span child, unsigned n_children)
{
    size_t prefix_len = strlen(CHILD_PREFIX);
    unsigned number = 0;

    if (child.len <= prefix_len || memcmp(child.text, CHILD_PREFIX, prefix_len) != 0)
        return false;
    for (size_t i = prefix_len; i < child.len; i++) {
        if (child.text[i] < '0' || child.text[i] > '9' || number >= n_children)
            return false;
        number = number * 10 + (unsigned)(child.text[i] - '0');
    }
    return number < n_children;
}

static void judge_ours(struct span child, struct span mode, bool complain, unsigned n_children,
                       struct enforcer_hold *ret)
{
    const char *wanted = complain ? "complain" : "enforce";

    snprintf(ret->mode, sizeof(ret->mode), "%.*s", (int)MIN(mode.len, sizeof(ret->mode) - 1),
             mode.text);
    if (child.len > 0 && !is_current_child(child, n_children)) {
        ret->restart_needed = true;
        snprintf(ret->reason, sizeof(ret->reason),
                 "it runs under child profile '%s', which the profile had in an earlier version",
                 error_quote_n(child.text, child.len));
    } else if (!span_is(mode, wanted) && !span_is(mode, "mixed")) {
        snprintf(ret->reason, sizeof(ret->reason), "its profile is in %s mode, not in %s mode",
                 ret->mode[0] ? ret->mode : "no", wanted);
    } else {
        ret->in_force = true;
    }
}

void apparmor_label_judge(const char *label, const char *profile, bool complain,
                          unsigned n_children, struct enforcer_hold *ret)
{
    struct span whole = {.text = label, .len = strlen(label)}, rest = whole, child = {0};
    struct span mode = cut_mode(&rest);

    *ret = (struct enforcer_hold){0};
    while (rest.len > 0) {
        struct span part = next_part(&rest);
        struct span own_mode = cut_mode(&part); /* where the parts of a stack differ */

        if (is_ours(part, profile, &child)) {
            judge_ours(child, own_mode.len > 0 ? own_mode : mode, complain, n_children, ret);
            return;
        }
    }
    ret->restart_needed = true;
    if (span_is(whole, "unconfined"))
        snprintf(ret->reason, sizeof(ret->reason),
                 "it runs unconfined: it was started without this AppArmor profile");
    else
        snprintf(ret->reason, sizeof(ret->reason),
                 "it runs under AppArmor profile '%s': it was started with that one",
                 error_quote(label));
}

void apparmor_label_explain(const char *setting, const char *profile, struct enforcer_hold *hold)
{
    size_t len = strlen(hold->reason);
    char *end = hold->reason + len;
    size_t room = sizeof(hold->reason) - len;

    if (hold->in_force || !hold->restart_needed || !setting)
        return;
    hold->restart_needed = strcmp(setting, profile) == 0;
    if (hold->restart_needed)
        snprintf(end, room, "; its own setting names this one: it needs a new start");
    else if (setting[0] == '\0')
        snprintf(end, room, "; its own setting names none");
    else
        snprintf(end, room, "; its own setting names '%s'", error_quote(setting));
}
