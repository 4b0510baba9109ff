/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Policies from YAML, for tests of what comes after the parser. */
#include <string.h>

#include "lib/policy/object.h"

/* The first object of a text that must be without an error. Free with objects_done(). */
static inline struct objects objects_of(const char *yaml)
{
    struct findings findings = {0};
    struct objects objects = {0};

    ck_assert_int_eq(objects_parse(&objects, yaml, strlen(yaml), &findings), 0);
    ck_assert_msg(findings.n_errors == 0, "%u:%u: %s", findings.n ? findings.items[0].line : 0,
                  findings.n ? findings.items[0].column : 0,
                  findings.n ? findings.items[0].message : "");
    ck_assert_uint_ge(objects.n, 1);
    findings_done(&findings);
    return objects;
}
