/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The tables of fields (lib/policy/custom_resource.h) in the words of OpenAPI, as a
 * CustomResourceDefinition has them: structural, with every limit that the reader has, lists that
 * server-side apply can merge, and the rules between fields in CEL.
 *
 * Words that are taken in any case are a pattern, others an enumeration. A maximum that a
 * double cannot hold is left out: the format bounds it.
 */
#include "lib/policy/custom_resource.h"

#include <jansson.h>

/* New references; NULL: no memory. */
json_t *openapi_field_json(const struct field *f);
/* The whole object, with apiVersion, kind and metadata. */
json_t *openapi_resource_json(const struct custom_resource *resource);
