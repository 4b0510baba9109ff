/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A folder of small files that are replaced whole: a reader sees the old content or the new one, and
 * after a crash there is one of the two. What is about to replace a file is written beside it under a
 * name of ours, which file_folder_sweep() removes if a crash left it there; nothing else is touched
 * that is not named in a call. Links are not followed. Blocks for the file system; no logging.
 */
#include "lib/buf.h"
#include "lib/error.h"

struct file_folder; /* opaque */

#define FILE_FOLDER_MAX 10000 /* files; further ones are an error of file_folder_each() */

/* The folder and its parents are made, with mode 0700, where they are not there. 0, -EINVAL (no
 * absolute path), -ENOMEM or an errno with *reterr. */
int file_folder_new(struct file_folder **ret, const char *path, struct error **reterr);
struct file_folder *file_folder_free(struct file_folder *f); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct file_folder *, file_folder_free)
const char *file_folder_path(const struct file_folder *f);
/* May files be made here? 0 or a negative errno. */
int file_folder_writable(const struct file_folder *f);

enum file_presence { FILE_ABSENT, FILE_PRESENT };
/* Appends the content to out. An enum file_presence, -E2BIG (out's ceiling), -EINVAL (what has the
 * name is no regular file, or the name is none for a file), -ENOMEM or another errno, with *reterr. */
int file_folder_read(const struct file_folder *f, const char *name, struct buf *out,
                     struct error **reterr);
/* Returns when the content is on the disk. mode is of the new file. 0, -EINVAL (the name) or an
 * errno with *reterr; then the old content, if any, is still there. */
int file_folder_replace(const struct file_folder *f, const char *name, const struct buf *content,
                        unsigned mode, struct error **reterr);
/* 0 also if there is none; or an errno with *reterr. */
int file_folder_remove(const struct file_folder *f, const char *name, struct error **reterr);

/* Calls found() for each file, our own unfinished ones excepted; it may change files. A negative
 * result of it ends the listing and is returned. 0, -ENOMEM, -E2BIG or an errno with *reterr. */
int file_folder_each(const struct file_folder *f,
                     int (*found)(const char *name, void *data, struct error **reterr), void *data,
                     struct error **reterr);
void file_folder_sweep(const struct file_folder *f);
/* Removes the folder itself if it is empty. */
void file_folder_remove_folder(const struct file_folder *f);
