/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files and the objects that they claim: which version of which object is in force.
 *
 * A file's content is put whole. What cannot be read or parsed leaves the file's last good content
 * in force and is told as findings. When two files claim the same object (kind, namespace, name),
 * the one that had it first keeps it, whatever the other says; where both come in one settlement,
 * the file whose name sorts first has it. Both files get an error that names the other. When the
 * holder gives the object up, the other's takes its place.
 *
 * Changes are collected and told by file_claims_settle(): first what is put, then what is dropped,
 * then the findings of the files that changed, so that an object that moves from one file to
 * another is never gone. No I/O, no logging.
 */
#include "lib/error.h"
#include "manager/source.h"

struct file_claims;

#define FILE_CLAIMS_MAX_FILES   10000 /* each holds OBJECT_FILE_MAX_BYTES at most */
#define FILE_CLAIMS_MAX_FOLDERS 1000  /* with a finding of their own; their names end with a '/' */

/* handler must outlive the claims; its settled() is not called from here. NULL: no memory. */
struct file_claims *file_claims_new(const struct source_handler *handler, void *data);
/* Forgets all without telling. Accepts NULL, returns NULL. */
struct file_claims *file_claims_free(struct file_claims *c);
DEFINE_CLEANUP(struct file_claims *, file_claims_free)

/* The file's content as of now. 0, -ENOMEM, or -E2BIG (FILE_CLAIMS_MAX_FILES); on failure nothing
 * changed. */
int file_claims_put(struct file_claims *c, const char *file, const void *data, size_t len);
/* The file, or folder, is there and cannot be read, which message says. As file_claims_put(); of a
 * folder -E2BIG means FILE_CLAIMS_MAX_FOLDERS. */
int file_claims_refuse(struct file_claims *c, const char *file, const char *message);
/* The file is gone, and so is all that it claimed. True if it was known. */
bool file_claims_drop(struct file_claims *c, const char *file);

/* Tells what changed. 0, or -ENOMEM: nothing was told, and the next call tells it. */
int file_claims_settle(struct file_claims *c);
