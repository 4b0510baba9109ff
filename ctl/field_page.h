/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* docs/fields.md: every field of our kinds as a page of tables. */
#include <stdio.h>

struct error;

/* 0, or -ENOMEM with *reterr. */
int field_page_print(FILE *out, struct error **reterr);
