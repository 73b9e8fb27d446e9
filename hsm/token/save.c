#include "hsm/token/save.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>

static bool write_all(int fd, struct bytes data)
{
	while (data.len > 0) {
		ssize_t done = write(fd, data.data, data.len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		data = bytes_of(data.data + done, data.len - (size_t)done);
	}
	return true;
}

bool save_names(const char *folder, struct err *e)
{
	AUTO(fd) fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return (fd >= 0 && fsync(fd) == 0) ||
	       err_errno(e, ERR_SYSTEM, "cannot sync the folder %s", folder);
}

static bool sync_parent(const char *path, struct err *e)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", path);
	return save_names(dirname(folder), e);
}

bool save_file(const char *path, mode_t mode, uid_t uid, gid_t gid, struct bytes data,
	       struct err *e)
{
	char beside[PATH_MAX];
	AUTO(fd) fd = -1;

	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return err_set(e, ERR_INVALID, "the path %s is too long", path);
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || (uid != geteuid() && fchown(fd, uid, gid) < 0) || fchmod(fd, mode) < 0 ||
	    !write_all(fd, data) || fsync(fd) < 0 || rename(beside, path) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot write %s", path);
	return sync_parent(path, e);
}

static bool make_one(const char *path, mode_t mode, uid_t uid, gid_t gid, struct err *e)
{
	if (mkdir(path, mode) < 0)
		return errno == EEXIST ||
		       err_errno(e, ERR_SYSTEM, "cannot make the folder %s", path);
	if (chmod(path, mode) < 0 || (uid != geteuid() && chown(path, uid, gid) < 0))
		return err_errno(e, ERR_SYSTEM, "cannot set the owner of the folder %s", path);
	return sync_parent(path, e);
}

bool save_folder(const char *path, mode_t mode, uid_t uid, gid_t gid, struct err *e)
{
	char above[PATH_MAX];

	if (snprintf(above, sizeof(above), "%s", path) >= (int)sizeof(above))
		return err_set(e, ERR_INVALID, "the path %s is too long", path);
	for (char *slash = strchr(above + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!make_one(above, 0755, geteuid(), getegid(), e))
			return false;
		*slash = '/';
	}
	return make_one(path, mode, uid, gid, e);
}
