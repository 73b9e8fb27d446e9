#include "base/file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static bool open_regular(const char *path, size_t max_len, int *ret_fd, struct err *e)
{
	AUTO(fd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return err_errno(e,
				 errno == ENOENT   ? ERR_NOT_FOUND
				 : errno == EACCES ? ERR_REFUSED
						   : ERR_SYSTEM,
				 "cannot open %s", path);
	if (fstat(fd, &st) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot look at %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "%s is not a regular file", path);
	if (st.st_size > (off_t)max_len)
		return err_set(e, ERR_INVALID, "%s is longer than %zu bytes", path, max_len);
	*ret_fd = TAKE_FD(fd);
	return true;
}

bool file_read(const char *path, size_t max_len, uint8_t **ret_data, size_t *ret_len, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	AUTO(fd) fd = -1;
	size_t len = 0;
	ssize_t got;

	if (!open_regular(path, max_len, &fd, e))
		return false;
	data = malloc(max_len + 1); /* one more byte shows a file that grew meanwhile */
	if (!data)
		return err_set(e, ERR_SYSTEM, "no memory to read %s", path);
	while (len <= max_len && (got = read(fd, data + len, max_len + 1 - len)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(e, ERR_SYSTEM, "cannot read %s", path);
		len += (size_t)got;
	}
	if (len > max_len)
		return err_set(e, ERR_INVALID, "%s is longer than %zu bytes", path, max_len);
	data[len] = '\0';
	*ret_data = TAKE(data);
	*ret_len = len;
	return true;
}

size_t file_line(FILE *file, char *line, size_t size)
{
	size_t len = 0;
	int c;

	do {
		c = getc_unlocked(file);
		if (c == EOF)
			break;
		if (len + 1 < size)
			line[len] = (char)c;
		len++;
	} while (c != '\n');
	line[len < size ? len : size - 1] = '\0';
	return len;
}

bool file_beside(const char *path, const char *name, char ret_path[static PATH_MAX], struct err *e)
{
	const char *slash = strrchr(path, '/');
	size_t folder_len = name[0] == '/' || !slash ? 0 : (size_t)(slash - path) + 1;
	int len = snprintf(ret_path, PATH_MAX, "%.*s%s", (int)folder_len, path, name);

	if (len < 0 || len >= PATH_MAX)
		return err_set(e, ERR_INVALID, "the path %.80s… is too long", name);
	return true;
}
