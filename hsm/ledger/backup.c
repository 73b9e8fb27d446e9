#include "hsm/ledger/backup.h"

#include "base/clock.h"
#include "base/wait.h"
#include "hsm/ledger/store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define STEP_PAGES 256
#define STEP_BYTES (1 << 20)
#define STEP_WAIT_MS 50			  /* for a descriptor that takes nothing now */
#define STUCK_MS 60000			  /* then it is given up */
#define DISK_RESERVE (UINT64_C(64) << 20) /* what issuing itself needs to go on */

struct backup {
	char copy[PATH_MAX];
	sqlite3 *from, *to;
	sqlite3_backup *pages; /* NULL: they are all there */
	int copy_fd, out_fd;
	off_t written;
	int64_t stuck_ms;
	uint8_t piece[STEP_BYTES];
};

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

static bool failed(sqlite3 *db, struct err *e)
{
	return err_set(e, ERR_SYSTEM, "copying the ledger: %s", sqlite3_errmsg(db));
}

/* The transaction stays open: what is committed from here on is not seen, and so no page that was
 * copied is copied again. */
static bool open_source(struct backup *b, const char *path, struct err *e)
{
	if (sqlite3_open_v2(path, &b->from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ||
	    sqlite3_exec(b->from, "BEGIN; SELECT count(*) FROM tree", NULL, NULL, NULL))
		return failed(b->from, e);
	return true;
}

/* A copy that is broken off is thrown away: it needs no journal, and is synced where it goes. */
static bool open_copy(struct backup *b, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	if (unlink(b->copy) && errno != ENOENT)
		return err_errno(e, ERR_SYSTEM, "removing the old %s", b->copy);
	b->copy_fd = open(b->copy, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (b->copy_fd < 0)
		return err_errno(e, ERR_SYSTEM, "making %s", b->copy);
	if (sqlite3_open_v2(b->copy, &b->to, flags, NULL) ||
	    sqlite3_exec(b->to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL,
			 NULL))
		return failed(b->to, e);
	b->pages = sqlite3_backup_init(b->to, "main", b->from, "main");
	return b->pages || failed(b->to, e);
}

bool backup_start(const struct ledger *l, int out_fd, struct backup **ret_backup, struct err *e)
{
	AUTO(backup) b = calloc(1, sizeof(*b));

	if (!b)
		return err_set(e, ERR_SYSTEM, "no memory for a backup");
	b->copy_fd = -1;
	b->out_fd = out_fd;
	snprintf(b->copy, sizeof(b->copy), "%s.copy", l->path);
	if (!check_room(l->path, e) || !open_source(b, l->path, e) || !open_copy(b, e))
		return false;
	fcntl(out_fd, F_SETFL, fcntl(out_fd, F_GETFL) | O_NONBLOCK);
	*ret_backup = TAKE(b);
	return true;
}

static void close_databases(struct backup *b)
{
	sqlite3_backup_finish(b->pages);
	sqlite3_close(b->to);
	sqlite3_close(b->from);
	b->pages = NULL;
	b->to = b->from = NULL;
}

void backup_free(struct backup *b)
{
	close_databases(b);
	if (b->copy_fd >= 0) {
		close(b->copy_fd);
		unlink(b->copy);
	}
	free(b);
}

static bool copy_pages(struct backup *b, struct err *e)
{
	int rc = sqlite3_backup_step(b->pages, STEP_PAGES);

	if (rc != SQLITE_OK && rc != SQLITE_DONE)
		return err_set(e, ERR_SYSTEM, "copying the ledger: %s", sqlite3_errstr(rc));
	if (rc == SQLITE_DONE) {
		close_databases(b);
		b->stuck_ms = clock_deadline(STUCK_MS);
	}
	return true;
}

/* As much of a piece as the descriptor takes: it may be a pipe that nobody empties. */
static bool write_piece(struct backup *b, size_t len, struct err *e)
{
	ssize_t written;

	if (!wait_for(b->out_fd, POLLOUT, clock_deadline(STEP_WAIT_MS), -1, NULL, e))
		return (e->code == ERR_TIMEOUT && clock_monotonic_ms() < b->stuck_ms) ||
		       err_add(e, "writing to the caller's file");
	written = write(b->out_fd, b->piece, len);
	if (written < 0 && errno != EAGAIN && errno != EINTR)
		return err_errno(e, ERR_SYSTEM, "cannot write to the caller's file");
	if (written > 0) {
		b->written += written;
		b->stuck_ms = clock_deadline(STUCK_MS);
	}
	/* A pipe cannot be synced, and need not be. */
	return !fdatasync(b->out_fd) || errno == EINVAL || errno == EROFS ||
	       err_errno(e, ERR_SYSTEM, "syncing the backup");
}

bool backup_step(struct backup *b, bool *ret_done, struct err *e)
{
	ssize_t len;

	*ret_done = false;
	if (b->pages)
		return copy_pages(b, e);
	len = pread(b->copy_fd, b->piece, sizeof(b->piece), b->written);
	if (len < 0)
		return err_errno(e, ERR_SYSTEM, "reading the copy %s", b->copy);
	*ret_done = len == 0;
	return len == 0 || write_piece(b, (size_t)len, e);
}
