/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Disks named on a command line, for rules whose content only a node knows. */
#include "lib/error.h"
#include "lib/ruleset/disk_list.h"

/* Reads "sda,sda1,nvme0n1"; NULL is no disks. *ret is to be given back with disk_list_done(). 0,
 * -ENOMEM, or -EINVAL or -E2BIG with *reterr. */
int disks_parse(struct disk_list *ret, const char *names, struct error **reterr);
