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

/* Made under another name, so that a crash leaves a whole ledger or none. */
bool ledger_create(const char *path, struct err *e)
{
	AUTO(ledger) l = NULL;
	char unfinished[PATH_MAX];

	if (!allocate(path, &l, e))
		return false;
	if (access(path, F_OK) == 0)
		return exists_already(path, e);
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

static bool not_as_written(const struct ledger *l, const char *what, struct err *e)
{
	return err_set(
		e, ERR_CORRUPT,
		"the ledger %s is not as it was written: %s; keep a copy of it, then restore a "
		"backup",
		l->path, what);
}

static bool read_frontier(struct ledger *l, struct bytes frontier, struct err *e)
{
	struct merkle *tree = &l->now.tree;

	if (frontier.len != (size_t)__builtin_popcountll(tree->size) * MERKLE_HASH)
		return not_as_written(l, "its tree does not have its size", e);
	for (int level = MERKLE_LEVELS - 1; level >= 0; level--) {
		if (!(tree->size >> level & 1))
			continue;
		memcpy(tree->roots[level], frontier.data, MERKLE_HASH);
		frontier.data += MERKLE_HASH;
	}
	return true;
}

static bool read_tree(struct ledger *l, struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	if (!store_start(l, SQL_TREE_GET, NULL, &query, e) || !store_row(l, query, &row, e))
		return false;
	if (!row || store_blob(query, 0, l->id, LEDGER_ID_LEN) != LEDGER_ID_LEN)
		return not_as_written(l, "its tree is missing", e);
	l->now.epoch = (uint32_t)sqlite3_column_int64(query, 1);
	l->now.tree.size = (uint64_t)sqlite3_column_int64(query, 2);
	l->now.time_s = sqlite3_column_int64(query, 4);
	l->now.last = (enum entry_type)sqlite3_column_int64(query, 5);
	return read_frontier(l, store_view(query, 3), e);
}

static bool read_latest(struct ledger *l, struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	if (!store_start(l, SQL_LATEST_GET, NULL, &query, e))
		return false;
	for (;;) {
		int64_t type;

		if (!store_row(l, query, &row, e))
			return false;
		if (!row)
			return true;
		type = sqlite3_column_int64(query, 0);
		if (type < 0 || type >= ENTRY_TYPE_COUNT)
			return not_as_written(l, "it has an entry of no known type", e);
		l->now.latest[type] = (uint64_t)sqlite3_column_int64(query, 1);
	}
}

/* The last entry must be the one that the tree ends with. */
static bool check_last(struct ledger *l, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	uint8_t leaf[MERKLE_HASH];
	struct entry last;
	int64_t number;
	size_t len;

	if (!store_number(l, SQL_ENTRY_LAST, NULL, 0, &number, e))
		return false;
	if ((uint64_t)number != l->now.tree.size)
		return not_as_written(l, "the number of its last entry is not its size", e);
	if (number == 0)
		return true;
	if (!ledger_entry(l, (uint64_t)number, &data, &len, e))
		return false;
	merkle_leaf(bytes_of(data, len), leaf);
	if (!entry_decode(bytes_of(data, len), &last, e) || last.number != (uint64_t)number ||
	    last.epoch != l->now.epoch || last.time_s != l->now.time_s ||
	    last.type != l->now.last || memcmp(last.ledger_id, l->id, LEDGER_ID_LEN) ||
	    (number % 2 && memcmp(leaf, l->now.tree.roots[0], MERKLE_HASH)))
		return not_as_written(l, "its last entry is not the one that its tree ends with",
				      e);
	return true;
}

bool ledger_open(const char *path, struct ledger **ret_ledger, struct err *e)
{
	AUTO(ledger) l = NULL;

	if (access(path, F_OK) && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND,
			       "there is no ledger %s: it is made by imprint init", path);
	if (!allocate(path, &l, e) || !store_open(l, e) || !read_tree(l, e) || !read_latest(l, e) ||
	    !check_last(l, e))
		return false;
	l->committed = l->now;
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

static bool write_tree(struct ledger *l, struct err *e)
{
	uint8_t frontier[MERKLE_LEVELS * MERKLE_HASH];
	const struct position *p = &l->now;
	size_t len = 0;

	for (int level = MERKLE_LEVELS - 1; level >= 0; level--) {
		if (!(p->tree.size >> level & 1))
			continue;
		memcpy(frontier + len, p->tree.roots[level], MERKLE_HASH);
		len += MERKLE_HASH;
	}
	return store_run(l, SQL_TREE_PUT,
			 VALUES(INTEGER(p->epoch), INTEGER(p->tree.size),
				BLOB(bytes_of(frontier, len)), INTEGER(p->time_s),
				INTEGER(p->last)),
			 e);
}

static bool write_latest(struct ledger *l, struct err *e)
{
	for (int type = 1; type < ENTRY_TYPE_COUNT; type++) {
		if (l->now.latest[type] == l->committed.latest[type])
			continue;
		if (!store_run(l, SQL_LATEST_PUT,
			       VALUES(INTEGER(type), INTEGER(l->now.latest[type])), e))
			return false;
	}
	return true;
}

static bool write_position(struct ledger *l, struct err *e)
{
	if (l->now.tree.size == l->committed.tree.size)
		return true;
	return write_tree(l, e) && write_latest(l, e);
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
	if (!write_position(l, e) || !store_run(l, SQL_COMMIT, NULL, e)) {
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

static void advance(struct position *p, const struct entry *entry, struct bytes data)
{
	uint8_t leaf[MERKLE_HASH];

	merkle_leaf(data, leaf);
	merkle_add(&p->tree, leaf);
	p->epoch = entry->epoch;
	p->time_s = entry->time_s;
	p->last = entry->type;
	p->latest[entry->type] = entry->number;
}

bool ledger_append(struct ledger *l, struct entry *entry, struct err *e)
{
	size_t len;

	assert(l->in_transaction);
	if (l->spoiled)
		return err_set(e, ERR_SYSTEM, "writing the ledger %s: an earlier step failed",
			       l->path);
	memcpy(entry->ledger_id, l->id, LEDGER_ID_LEN);
	entry->epoch = l->now.epoch + (entry->type == ENTRY_LEDGER);
	entry->number = l->now.tree.size + 1;
	if (!entry_encode(entry, l->buffer, sizeof(l->buffer), &len, e) ||
	    !state_check(l, entry, e))
		return false;
	if (!put_entry(l, entry, len, e)) {
		l->spoiled = true;
		return false;
	}
	advance(&l->now, entry, bytes_of(l->buffer, len));
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

/* One entry of the file, as it was when it was appended. */
static bool replay_entry(struct ledger *l, struct bytes data, struct err *e)
{
	struct entry entry;

	if (!entry_decode(data, &entry, e) || entry.number != l->now.tree.size + 1 ||
	    entry.epoch != l->now.epoch + (entry.type == ENTRY_LEDGER) ||
	    memcmp(entry.ledger_id, l->id, LEDGER_ID_LEN))
		return not_as_written(l, "an entry is out of its place", e);
	if (!state_check(l, &entry, e)) {
		if (e->code == ERR_REFUSED)
			e->code = ERR_CORRUPT;
		return err_add(e, "entry %llu", (unsigned long long)entry.number);
	}
	if (!state_apply(l, &entry, e))
		return false;
	advance(&l->now, &entry, data);
	return true;
}

static bool same_tree(const struct merkle *a, const struct merkle *b)
{
	uint8_t root_a[MERKLE_HASH], root_b[MERKLE_HASH];

	merkle_root(a, root_a);
	merkle_root(b, root_b);
	return a->size == b->size && memcmp(root_a, root_b, MERKLE_HASH) == 0;
}

static bool replay(struct ledger *l, struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	if (!state_clear(l, e) || !store_start(l, SQL_ENTRIES_FROM, VALUES(INTEGER(1)), &query, e))
		return false;
	for (;;) {
		if (!store_row(l, query, &row, e))
			return false;
		if (!row)
			break;
		if (!replay_entry(l, store_view(query, 1), e))
			return false;
	}
	if (!same_tree(&l->now.tree, &l->committed.tree))
		return not_as_written(l, "its entries do not make its tree", e);
	return write_tree(l, e) && write_latest(l, e);
}

bool ledger_rebuild(struct ledger *l, struct err *e)
{
	if (!ledger_begin(l, e))
		return false;
	l->now = (struct position) { 0 };
	if (!replay(l, e)) {
		ledger_rollback(l);
		return false;
	}
	return ledger_commit(l, e);
}
