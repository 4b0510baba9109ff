/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/apparmor.h"

bool aa_class_is_newer(enum aa_class kind)
{
    return kind == AA_USERNS || kind == AA_IO_URING || kind == AA_MQUEUE;
}
