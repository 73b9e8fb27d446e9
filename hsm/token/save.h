/* save: a small file or a folder made for good: synced, with its mode and owner, and so that a
 * power cut leaves the whole of it or nothing. Threads: any. Layer above: ceremony. Below: none. */
#ifndef HSM_SAVE_H
#define HSM_SAVE_H

#include "base/bytes.h"
#include "base/err.h"

#include <sys/types.h>

/* Writes beside the name, then puts it in its place; an older file of that name is replaced. */
MUST_CHECK bool save_file(const char *path, mode_t mode, uid_t uid, gid_t gid, struct bytes data,
			  struct err *e);
/* Makes the folder and those above it (these with mode 0755); one that is there keeps its mode. */
MUST_CHECK bool save_folder(const char *path, mode_t mode, uid_t uid, gid_t gid, struct err *e);
/* Syncs a folder: the names in it. */
MUST_CHECK bool save_names(const char *folder, struct err *e);

#endif
