#include "base/mode.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

AUTO_DEFINE(FTS, FTS *, fts_close)

static bool look(const char *path, struct stat *ret_status, struct err *e)
{
	return stat(path, ret_status) == 0 ||
	       err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "cannot look at %s",
			 path);
}

/* Who owns the folder could put another file in its place anyway. */
static bool owns_folder(const char *path, uid_t uid)
{
	char folder[PATH_MAX];
	struct stat status;
	char *slash;

	if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
		return false;
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	return stat(slash ? folder : ".", &status) == 0 && status.st_uid == uid;
}

static bool no_bits(const char *path, const struct stat *status, mode_t refused, const char *what,
		    const char *remedy, struct err *e)
{
	return !(status->st_mode & refused) ||
	       err_set(e, ERR_REFUSED, "%s may be %s by others (mode %04o): chmod %s %s", path,
		       what, (unsigned)status->st_mode & 07777, remedy, path);
}

/* Only root, we, or its folder's owner may change it: nobody else owns it or may write to it. */
static bool is_unwritable(const char *path, struct err *e)
{
	struct stat status;

	if (!look(path, &status, e))
		return false;
	if (status.st_uid != 0 && status.st_uid != geteuid() && !owns_folder(path, status.st_uid))
		return err_set(e, ERR_REFUSED,
			       "%s belongs to uid %u, who may change it: chown root %s", path,
			       (unsigned)status.st_uid, path);
	return no_bits(path, &status, S_IWGRP | S_IWOTH, "changed", "go-w", e);
}

bool mode_private(const char *path, struct err *e)
{
	struct stat status;

	return look(path, &status, e) &&
	       no_bits(path, &status, S_IWGRP | S_IRWXO, "reached", "g-w,o-rwx", e);
}

static bool check_product(void *context, const char *path, struct err *e)
{
	(void)context;
	return is_unwritable(path, e) || e->code == ERR_NOT_FOUND; /* it has just been removed */
}

bool mode_settings(const char *name, struct err *e)
{
	char etc[PATH_MAX], file[PATH_MAX], products[PATH_MAX];

	return place_path(PLACE_ETC, NULL, etc, e) && place_path(PLACE_ETC, name, file, e) &&
	       place_path(PLACE_ETC, "products", products, e) && is_unwritable(etc, e) &&
	       is_unwritable(file, e) && (is_unwritable(products, e) || e->code == ERR_NOT_FOUND) &&
	       place_products(check_product, NULL, e);
}

bool mode_kept(enum place place, struct err *e)
{
	char path[PATH_MAX];

	return place_path(place, NULL, path, e) &&
	       (mode_private(path, e) || e->code == ERR_NOT_FOUND);
}

static bool is_closed(const FTSENT *found)
{
	return found->fts_info == FTS_DNR ||
	       ((found->fts_info == FTS_F || found->fts_info == FTS_D) &&
		faccessat(AT_FDCWD, found->fts_accpath, R_OK | W_OK, AT_EACCESS) < 0 &&
		errno == EACCES);
}

bool mode_usable(enum place place, const char *user, struct err *e)
{
	char path[PATH_MAX], *const roots[] = { path, NULL };
	AUTO(FTS) walk = NULL;
	const FTSENT *found;

	if (!place_path(place, NULL, path, e))
		return false;
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	while (walk && (found = fts_read(walk)))
		if (is_closed(found))
			return err_set(e, ERR_REFUSED,
				       "%s cannot be read and written by the user %s: chown -R "
				       "%s: %s",
				       found->fts_path, user, user, path);
	return true;
}
