/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The directory source: a folder of YAML and JSON files, read recursively and watched.
 *
 * Files end in .yaml, .yml or .json; names that begin with '.' are passed over, files and folders.
 * Symbolic links are followed (a Kubernetes ConfigMap mount is a folder of links that one rename
 * switches). A change is seen when its writer closes the file or renames it into place, and told at
 * the end of the same turn of the loop; while a writer is at it the file's earlier content counts.
 * There is no delay and no polling.
 *
 * What cannot be read (a file, a folder, the root itself) keeps what it said before in force, and
 * is told as a finding: of the file, of "folder/", or of SOURCE_DIRECTORY_ROOT. What is removed is
 * withdrawn. Losing events (a full queue in the kernel) means that everything is looked at again.
 *
 * Does not log; I/O errors become findings. Reading a file blocks for as long as its disk does.
 */
#include "lib/error.h"
#include "manager/source.h"

struct loop;
struct source_directory;

#define SOURCE_DIRECTORY_ROOT "./"
#define SOURCE_MAX_DEPTH      16 /* folders within folders, below the root */

/* Reads the folder at the end of the present turn and then watches it. handler must outlive the
 * source. 0, -ENOMEM, -EINVAL (not a usable path) or another negative errno (no inotify) with
 * *reterr. A folder that is missing is a finding, not a failure: it is read when it appears. */
int source_directory_new(struct source_directory **ret, struct loop *loop, const char *root,
                         const struct source_handler *handler, void *data, struct error **reterr);
/* Tells nothing more; objects that were put are gone. Accepts NULL, returns NULL. */
struct source_directory *source_directory_free(struct source_directory *s);
DEFINE_CLEANUP(struct source_directory *, source_directory_free)
