/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/object_key.h"

#include <stdio.h>

const char *object_key(char key[static OBJECT_KEY_SIZE], const char *kind, const char *name_space,
                       const char *name)
{
    snprintf(key, OBJECT_KEY_SIZE, "%s/%s/%s", kind, name_space, name);
    return key;
}
