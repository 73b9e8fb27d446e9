#include "hsm/ledger/ledger.h"

#include "hsm/ledger/state.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>

#define LEDGER_MODE 0640

static bool take_path(struct ledger *l, const char *path, struct err *e)
{
	if (strlen(path) >= sizeof(l->path))
		return err_set(e, ERR_INVALID, "the ledger's path is too long: %s", path);
	strcpy(l->path, path);
	return true;
}

/* The lock outlives SQLite's own, which come and go with each transaction. */
static bool lock(struct ledger *l, struct err *e)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s.lock", l->path);
	l->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LEDGER_MODE);
	if (l->lock_fd < 0 && errno == EROFS)
		return err_set(
			e, ERR_SYSTEM,
			"the disk of the ledger %s is read-only: see in the PC's log (dmesg) "
			"whether it is failing, mend it or change it, and mount it for "
			"writing",
			l->path);
	if (l->lock_fd < 0)
		return err_errno(e, ERR_SYSTEM, "opening %s", path);
	if (flock(l->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno != EWOULDBLOCK)
		return err_errno(e, ERR_SYSTEM, "locking %s", path);
	return err_set(e, ERR_BUSY,
		       "the ledger %s is in use by another process: stop imprint-signer first",
		       l->path);
}

static bool allocate(const char *path, struct ledger **ret_ledger, struct err *e)
{
	AUTO(ledger) l = calloc(1, sizeof(*l));

	if (!l)
		return err_set(e, ERR_SYSTEM, "out of memory");
	l->lock_fd = -1;
	if (!take_path(l, path, e) || !lock(l, e))
		return false;
	*ret_ledger = TAKE(l);
	return true;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	ledger_rollback(l);
	store_close(l);
	pattern_clear(&l->pattern);
	if (l->lock_fd >= 0)
		close(l->lock_fd);
	free(l);
}

/* Makes the name of a file last: the file, then the folder that holds the name. */
static bool sync_name(const char *path, struct err *e)
{
	char folder[PATH_MAX];
	AUTO(fd) file_fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO(fd) folder_fd = -1;

	snprintf(folder, sizeof(folder), "%s", path);
	folder_fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file_fd < 0 || folder_fd < 0 || fsync(file_fd) || fsync(folder_fd))
		return err_errno(e, ERR_SYSTEM, "syncing %s", path);
	return true;
}

/* An empty file of the right mode, which SQLite's files beside it inherit. */
static bool make_empty(const char *path, struct err *e)
{
	AUTO(fd) fd = -1;

	if (unlink(path) && errno != ENOENT)
		return err_errno(e, ERR_SYSTEM, "removing the unfinished %s", path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, LEDGER_MODE);
	if (fd < 0)
		return err_errno(e, ERR_SYSTEM, "making %s", path);
	return true;
}

static bool exists_already(const char *path, struct err *e)
{
	return err_set(e, ERR_REFUSED, "there is a ledger already: %s", path);
}

/* Between the old ledger and the one from a backup there is none for a moment: see exchange.h. */
static bool is_half_restored(const char *path)
{
	char log[PATH_MAX], fresh[PATH_MAX];

	snprintf(log, sizeof(log), "%s-wal", path);
	snprintf(fresh, sizeof(fresh), "%s.fresh", path);
	return access(path, F_OK) && (!access(log, F_OK) || !access(fresh, F_OK));
}

static bool half_restored(const char *path, struct err *e)
{
	return err_set(e, ERR_REFUSED,
		       "a restore of the ledger %s was broken off: run imprint ledger restore "
		       "again",
		       path);
}

/* Made under another name, so that a crash leaves a whole ledger or none. */
bool ledger_create(const char *path, struct err *e)
{
	AUTO(ledger) l = NULL;
	char unfinished[PATH_MAX];

	if (!allocate(path, &l, e))
		return false;
	if (access(path, F_OK) == 0)
		return exists_already(path, e);
	if (is_half_restored(path))
		return half_restored(path, e);
	if (getrandom(l->id, LEDGER_ID_LEN, 0) != LEDGER_ID_LEN)
		return err_errno(e, ERR_SYSTEM, "making the ledger's id");
	snprintf(unfinished, sizeof(unfinished), "%s.new", path);
	if (!make_empty(unfinished, e) || !store_make(l, unfinished, e))
		return false;
	store_close(l);
	if (renameat2(AT_FDCWD, unfinished, AT_FDCWD, path, RENAME_NOREPLACE))
		return errno == EEXIST ? exists_already(path, e)
				       : err_errno(e, ERR_SYSTEM, "naming the ledger %s", path);
	return sync_name(path, e);
}

/* A process that was killed as it committed may have left a whole transaction in the kernel's
 * memory, not yet on the disk. From here on it is read, and acted on: so it must last. */
static bool sync_log(const struct ledger *l, struct err *e)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s-wal", l->path);
	return access(path, F_OK) != 0 || sync_name(path, e);
}

bool ledger_open(const char *path, struct ledger **ret_ledger, struct err *e)
{
	AUTO(ledger) l = NULL;

	if (is_half_restored(path))
		return half_restored(path, e);
	if (access(path, F_OK) && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND,
			       "there is no ledger %s: imprint ca create makes it; one that was "
			       "lost comes back with imprint ledger restore",
			       path);
	if (!allocate(path, &l, e) || !sync_log(l, e) || !store_open(l, e) || !position_load(l, e))
		return false;
	*ret_ledger = TAKE(l);
	return true;
}

bool ledger_hold(const char *path, struct ledger **ret_ledger, bool *ret_readable, struct err *e)
{
	AUTO(ledger) l = NULL;
	struct err trouble;

	if (!allocate(path, &l, e))
		return false;
	*ret_readable = store_look(l, &trouble) && position_load(l, &trouble);
	store_close(l);
	*ret_ledger = TAKE(l);
	return true;
}

bool ledger_begin(struct ledger *l, struct err *e)
{
	assert(!l->in_transaction);
	if (!store_run(l, SQL_BEGIN, NULL, e))
		return false;
	l->in_transaction = true;
	l->spoiled = false;
	return true;
}

bool ledger_commit(struct ledger *l, struct err *e)
{
	assert(l->in_transaction);
	if (l->spoiled) {
		ledger_rollback(l);
		return err_set(e, ERR_SYSTEM,
			       "writing the ledger %s: an earlier step failed, nothing was kept",
			       l->path);
	}
	/* What a failed commit left on the disk is known only to who opens the file again. */
	if ((l->now.tree.size != l->committed.tree.size && !position_save(l, e)) ||
	    !store_run(l, SQL_COMMIT, NULL, e)) {
		ledger_rollback(l);
		l->dead = true;
		return false;
	}
	l->in_transaction = false;
	l->committed = l->now;
	return true;
}

void ledger_rollback(struct ledger *l)
{
	struct err ignored;

	if (!l->in_transaction)
		return;
	/* SQLite rolls back by itself on some errors; then there is nothing to do. */
	if (!sqlite3_get_autocommit(l->db) && !store_run(l, SQL_ROLLBACK, NULL, &ignored))
		l->dead = true;
	l->in_transaction = false;
	l->spoiled = false;
	l->now = l->committed;
}

bool ledger_in_transaction(const struct ledger *l)
{
	return l->in_transaction;
}

/* Puts one checked and encoded entry at the end. */
static bool put_entry(struct ledger *l, const struct entry *entry, size_t len, struct err *e)
{
	struct bytes data = bytes_of(l->buffer, len);

	return store_run(l, SQL_ENTRY_PUT, VALUES(INTEGER(entry->number), BLOB(data)), e) &&
	       state_apply(l, entry, e);
}

bool ledger_append(struct ledger *l, struct entry *entry, struct err *e)
{
	size_t len;

	assert(l->in_transaction);
	if (l->spoiled)
		return err_set(e, ERR_SYSTEM, "writing the ledger %s: an earlier step failed",
			       l->path);
	memcpy(entry->ledger_id, l->id, LEDGER_ID_LEN);
	if (entry->type != ENTRY_LEDGER)
		entry->epoch = l->now.epoch;
	else if (entry->epoch <= l->now.epoch)
		entry->epoch = l->now.epoch + 1;
	entry->number = l->now.tree.size + 1;
	if (!entry_encode(entry, l->buffer, sizeof(l->buffer), &len, e) ||
	    !state_check(l, entry, e))
		return false;
	if (!put_entry(l, entry, len, e)) {
		l->spoiled = true;
		return false;
	}
	position_advance(&l->now, entry, bytes_of(l->buffer, len));
	return true;
}

void ledger_head(const struct ledger *l, struct head *ret_head)
{
	struct head head = { .epoch = l->now.epoch,
			     .size = l->now.tree.size,
			     .time_s = l->now.time_s };

	memcpy(head.ledger_id, l->id, LEDGER_ID_LEN);
	merkle_root(&l->now.tree, head.root);
	*ret_head = head;
}

int64_t ledger_last_time(const struct ledger *l)
{
	return l->now.time_s;
}
