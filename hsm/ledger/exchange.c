#include "hsm/ledger/exchange.h"

#include "base/clock.h"
#include "hsm/ledger/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0640
#define PIECE 65536
#define DATE_LEN 10

/* What SQLite lays beside a file, and we beside a ledger; the file itself goes first. */
static const char *const parts[] = { "", "-wal", "-shm" };
#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

struct exchange {
	char path[STORE_PATH_MAX], folder[STORE_PATH_MAX], copy[PATH_MAX];
	struct ledger *present, *fresh;
	bool readable;
};

/* The name of a part, in a buffer that the next call of the same buffer takes again. */
static const char *part_of(const char *path, const char *part, char name[static PATH_MAX])
{
	int len = snprintf(name, PATH_MAX, "%s%s", path, part);

	assert(len < PATH_MAX); /* STORE_PATH_MAX leaves room */
	return name;
}

static bool sync_folder(const char *folder, struct err *e)
{
	AUTO(fd) fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return (fd >= 0 && !fsync(fd)) ||
	       err_errno(e, ERR_SYSTEM, "cannot sync the folder %s", folder);
}

static bool remove_part(const char *path, const char *part, struct err *e)
{
	char name[PATH_MAX];

	return !unlink(part_of(path, part, name)) || errno == ENOENT ||
	       err_errno(e, ERR_SYSTEM, "cannot remove %s", name);
}

/* A log that an attempt before left must not be taken for the new copy's. */
static bool clear_copy(struct exchange *x, struct err *e)
{
	for (size_t i = 0; i < PART_COUNT; i++)
		if (!remove_part(x->copy, parts[i], e))
			return false;
	return remove_part(x->copy, ".lock", e);
}

static bool copy_bytes(int from_fd, int to_fd, const char *copy, struct err *e)
{
	static uint8_t piece[PIECE];
	off_t at = 0;
	ssize_t len;

	while ((len = pread(from_fd, piece, sizeof(piece), at)) > 0) {
		if (pwrite(to_fd, piece, (size_t)len, at) != len)
			return err_errno(e, ERR_SYSTEM, "cannot write %s", copy);
		at += len;
	}
	if (len < 0)
		return err_errno(e, ERR_SYSTEM, "cannot read the backup");
	return !fsync(to_fd) || err_errno(e, ERR_SYSTEM, "cannot sync %s", copy);
}

static bool copy_backup(struct exchange *x, int backup_fd, struct err *e)
{
	AUTO(fd) fd = -1;

	if (!clear_copy(x, e))
		return false;
	fd = open(x->copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, MODE);
	if (fd < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make %s", x->copy);
	return copy_bytes(backup_fd, fd, x->copy, e);
}

static bool open_copy(struct exchange *x, struct err *e)
{
	char found[ERR_TEXT_SIZE];

	if (ledger_open(x->copy, &x->fresh, e))
		return true;
	memcpy(found, e->text, sizeof(found));
	if (e->code == ERR_CORRUPT)
		err_set(e, ERR_CORRUPT,
			"the backup is damaged or was changed: use another one (found: %.250s)",
			found);
	return false;
}

bool exchange_begin(const char *path, int backup_fd, struct exchange **ret_exchange, struct err *e)
{
	AUTO(exchange) x = calloc(1, sizeof(*x));
	char name[PATH_MAX];

	if (!x)
		return err_set(e, ERR_SYSTEM, "out of memory");
	if (strlen(path) >= sizeof(x->path))
		return err_set(e, ERR_INVALID, "the ledger's path is too long: %s", path);
	if (!ledger_hold(path, &x->present, &x->readable, e))
		return false;
	strcpy(x->path, path);
	strcpy(x->folder, dirname(strcpy(name, path)));
	part_of(path, ".fresh", x->copy);
	if (!copy_backup(x, backup_fd, e) || !open_copy(x, e))
		return false;
	*ret_exchange = TAKE(x);
	return true;
}

struct ledger *exchange_fresh(struct exchange *x)
{
	return x->fresh;
}

const struct ledger *exchange_present(const struct exchange *x)
{
	return x->readable ? x->present : NULL;
}

/* The last to close it folds the log into the file and removes the log. */
static bool close_fresh(struct exchange *x, struct err *e)
{
	char name[PATH_MAX];
	AUTO(fd) fd = -1;

	ledger_close(x->fresh);
	x->fresh = NULL;
	if (!access(part_of(x->copy, "-wal", name), F_OK))
		return err_set(e, ERR_SYSTEM, "%s could not be closed: is the disk full?", x->copy);
	fd = open(x->copy, O_RDONLY | O_CLOEXEC);
	return (fd >= 0 && !fsync(fd)) || err_errno(e, ERR_SYSTEM, "cannot sync %s", x->copy);
}

static bool is_there(const struct exchange *x)
{
	char name[PATH_MAX];

	for (size_t i = 0; i < PART_COUNT; i++)
		if (!access(part_of(x->path, parts[i], name), F_OK))
			return true;
	return false;
}

/* As second names: what stands there is whole until it is all kept. */
static bool link_parts(const struct exchange *x, const char *kept, struct err *e)
{
	char from[PATH_MAX], to[PATH_MAX], file[STORE_PATH_MAX];

	strcpy(file, x->path);
	for (size_t i = 0; i < PART_COUNT; i++) {
		part_of(x->path, parts[i], from);
		if (snprintf(to, sizeof(to), "%s/%s%s", kept, basename(file), parts[i]) >=
		    (int)sizeof(to))
			return err_set(e, ERR_INVALID, "the path %s is too long", kept);
		if (link(from, to) && errno != ENOENT)
			return err_errno(e, ERR_SYSTEM, "cannot keep %s as %s", from, to);
	}
	return sync_folder(kept, e);
}

static bool keep(const struct exchange *x, char ret_kept[static PATH_MAX], struct err *e)
{
	char now[CLOCK_TEXT_SIZE];

	*ret_kept = '\0';
	if (!is_there(x))
		return true;
	if (snprintf(ret_kept, PATH_MAX, "%s/ledger-kept-%.*s-XXXXXX", x->folder, DATE_LEN,
		     clock_format(clock_wall_s(), now)) >= PATH_MAX ||
	    !mkdtemp(ret_kept))
		return err_errno(e, ERR_SYSTEM, "cannot make a folder beside %s", x->path);
	return link_parts(x, ret_kept, e) && sync_folder(x->folder, e);
}

/* Without the file its log is nobody's; with another's it would be read as that one's. */
static bool remove_present(const struct exchange *x, struct err *e)
{
	for (size_t i = 0; i < PART_COUNT; i++)
		if (!remove_part(x->path, parts[i], e) || !sync_folder(x->folder, e))
			return false;
	return true;
}

bool exchange_finish(struct exchange *x, char ret_kept[static PATH_MAX], struct err *e)
{
	if (!close_fresh(x, e) || !keep(x, ret_kept, e) || !remove_present(x, e))
		return false;
	if (rename(x->copy, x->path))
		return err_errno(e, ERR_SYSTEM, "cannot put %s in its place", x->copy);
	return sync_folder(x->folder, e);
}

void exchange_free(struct exchange *x)
{
	struct err ignored;

	if (!x)
		return;
	ledger_close(x->fresh);
	if (*x->copy && !clear_copy(x, &ignored))
		ignored.code = 0; /* the next attempt removes it */
	ledger_close(x->present);
	free(x);
}
