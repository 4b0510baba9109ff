/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the agent remembers of each AppArmor profile that it loads: which version it is, and the
 * binary itself. The kernel knows neither our digests nor whose a profile is, so these files say
 * which profiles are ours; and after a reboot they are loaded without the parser.
 *
 *   FOLDER/<profile>.loaded    what the kernel holds
 *   FOLDER/<profile>.loading   what was about to replace it
 *
 * A record is staged before the kernel is changed and published after it, so that whatever the
 * kernel holds after a crash is described by one of the two. A file that was cut short, or that is
 * of another profile or format, is no record: it is checked against its own digest when it is read.
 * The folder has mode 0700, files 0600; links are not followed. Blocks for the file system; no
 * logging.
 */
#include "lib/digest.h"
#include "lib/error.h"

struct apparmor_binary;
struct apparmor_records; /* opaque */

#define APPARMOR_RECORDS_MAX 10000 /* further files are an error of apparmor_records_each() */

enum apparmor_record_kind { APPARMOR_RECORD_LOADED, APPARMOR_RECORD_LOADING };

struct apparmor_record {
    struct digest profile_digest;
    struct digest key;              /* apparmor_compiler_key() */
    struct apparmor_binary *binary; /* counted */
    bool this_boot;                 /* it was written since the kernel was started */
    /* The kernel's own hash of the profile when it was published; "": it gives none, or the record
     * was only staged. */
    char kernel_hash[DIGEST_TEXT_SIZE];
};
void apparmor_record_done(struct apparmor_record *r);

/* The folder is made if need be; its parent must be there. 0, -ENOMEM or an errno with *reterr. */
int apparmor_records_new(struct apparmor_records **ret, const char *folder, struct error **reterr);
struct apparmor_records *apparmor_records_free(struct apparmor_records *r);
DEFINE_CLEANUP(struct apparmor_records *, apparmor_records_free)

/* Reads one. 0; -ENOENT: there is none; -EBADMSG: the file is no record, and is gone now; -ENOMEM or
 * another errno; with *reterr except for -ENOENT. *ret is the caller's to be done with. */
int apparmor_records_read(struct apparmor_records *r, const char *profile,
                          enum apparmor_record_kind kind, struct apparmor_record *ret,
                          struct error **reterr);
/* this_boot and kernel_hash are not looked at. 0, -ENOMEM or an errno with *reterr. */
int apparmor_records_stage(struct apparmor_records *r, const char *profile,
                           const struct apparmor_record *record, struct error **reterr);
int apparmor_records_publish(struct apparmor_records *r, const char *profile,
                             const char *kernel_hash, struct error **reterr);
void apparmor_records_unstage(struct apparmor_records *r, const char *profile);
/* Both files; 0 also if there was none. */
int apparmor_records_drop(struct apparmor_records *r, const char *profile, struct error **reterr);

/* The profiles of which there is a record of either kind, each once; found() may change records.
 * 0, -ENOMEM, -E2BIG or an errno with *reterr. */
int apparmor_records_each(struct apparmor_records *r,
                          int (*found)(const char *profile, void *data, struct error **reterr),
                          void *data, struct error **reterr);
/* Removes the folder if it is empty. */
void apparmor_records_remove_folder(struct apparmor_records *r);
