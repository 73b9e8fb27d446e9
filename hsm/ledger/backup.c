#include "hsm/ledger/ledger.h"

#include "hsm/ledger/store.h"

#include <errno.h>
#include <stdio.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define COPY_CHUNK 65536
#define DISK_RESERVE (UINT64_C(64) << 20) /* what issuing itself needs to go on */

/* Removes the copy when the block ends. */
AUTO_DEFINE(path, const char *, unlink)

static bool check_room(const char *path, struct err *e)
{
	struct statvfs disk;
	struct stat file;

	if (stat(path, &file) || statvfs(path, &disk))
		return err_errno(e, ERR_SYSTEM, "looking at %s", path);
	if ((uint64_t)disk.f_bavail * disk.f_frsize < (uint64_t)file.st_size + DISK_RESERVE)
		return err_set(e, ERR_REFUSED,
			       "the disk of %s has no room for a copy of %lld MB: free some space",
			       path, (long long)(file.st_size >> 20));
	return true;
}

static bool vacuum_into(const char *path, const char *copy, struct err *e)
{
	AUTO(database) db = NULL;
	AUTO(statement) vacuum = NULL;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ||
	    sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &vacuum, NULL) ||
	    sqlite3_bind_text(vacuum, 1, copy, -1, SQLITE_STATIC) ||
	    sqlite3_step(vacuum) != SQLITE_DONE)
		return err_set(e, ERR_SYSTEM, "copying the ledger %s: %s", path,
			       sqlite3_errmsg(db));
	return true;
}

static bool write_all(int fd, const uint8_t *data, size_t len, struct err *e)
{
	while (len > 0) {
		ssize_t written = write(fd, data, len);

		if (written < 0 && errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "writing the backup");
		if (written > 0) {
			data += written;
			len -= (size_t)written;
		}
	}
	return true;
}

static bool copy_out(const char *path, int out_fd, struct err *e)
{
	AUTO(fd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	AUTO_FREE uint8_t *chunk = malloc(COPY_CHUNK);

	if (fd < 0 || !chunk)
		return err_errno(e, ERR_SYSTEM, "reading the copy %s", path);
	for (;;) {
		ssize_t len = read(fd, chunk, COPY_CHUNK);

		if (len < 0)
			return err_errno(e, ERR_SYSTEM, "reading the copy %s", path);
		if (len == 0)
			break;
		if (!write_all(out_fd, chunk, (size_t)len, e))
			return false;
	}
	/* A pipe cannot be synced, and need not be. */
	if (fsync(out_fd) && errno != EINVAL && errno != EROFS)
		return err_errno(e, ERR_SYSTEM, "syncing the backup");
	return true;
}

bool ledger_backup(struct ledger *l, int out_fd, struct err *e)
{
	char copy[PATH_MAX];
	AUTO(path) remove_later = NULL;

	snprintf(copy, sizeof(copy), "%s.copy", l->path);
	if (unlink(copy) && errno != ENOENT)
		return err_errno(e, ERR_SYSTEM, "removing the old %s", copy);
	remove_later = copy;
	return check_room(l->path, e) && vacuum_into(l->path, copy, e) && copy_out(copy, out_fd, e);
}
