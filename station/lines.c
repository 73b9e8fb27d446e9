#include "station/lines.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>

bool lines_read(int fd, const char *what, lines_take *take, void *context, off_t *ret_size,
		struct err *e)
{
	AUTO(FILE) file = NULL;
	char line[LINES_LEN_MAX + 1];
	off_t size = 0;
	size_t len;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	file = copy < 0 ? NULL : fdopen(copy, "r");
	if (!file)
		return err_errno(e, ERR_SYSTEM, "cannot read %s", what);
	while ((len = file_line(file, line, sizeof(line))) > 0) {
		AUTO(json) object = len < sizeof(line) ? json_loadb(line, len, 0, NULL) : NULL;

		if (feof(file))
			break;
		if (object)
			take(context, object);
		size += len;
	}
	if (ferror(file))
		return err_errno(e, ERR_SYSTEM, "cannot read %s", what);
	*ret_size = size;
	return true;
}

bool lines_heal(int fd, const char *what, off_t size, struct err *e)
{
	off_t end = lseek(fd, 0, SEEK_END);

	if (end < 0)
		return err_errno(e, ERR_SYSTEM, "cannot read %s", what);
	if (end == size)
		return true;
	log_event(LOG_WARNING, "torn line cut off", "file=\"%s\" bytes=%lld", what,
		  (long long)(end - size));
	if (ftruncate(fd, size) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot mend %s", what);
	return true;
}

char *lines_line(const json_t *object, size_t *ret_len)
{
	char *line = object ? malloc(LINES_LEN_MAX) : NULL;
	size_t len = line ? json_dumpb(object, line, LINES_LEN_MAX - 1, JSON_COMPACT) : 0;

	if (len == 0 || len > LINES_LEN_MAX - 1) {
		free(line);
		return NULL;
	}
	line[len] = '\n';
	*ret_len = len + 1;
	return line;
}

static bool cannot_write(const char *what, struct err *e)
{
	if (errno == ENOSPC || errno == EDQUOT)
		return err_set(e, ERR_SYSTEM, "cannot write %s: its disk is full, make room there",
			       what);
	return err_errno(e, ERR_SYSTEM, "cannot write %s", what);
}

bool lines_add(int fd, const char *what, const char *line, size_t len, off_t *size, struct err *e)
{
	ssize_t n;

	if (!lines_heal(fd, what, *size, e))
		return false;
	n = write(fd, line, len);
	if (n == (ssize_t)len) {
		*size += n;
		return true;
	}
	if (n >= 0)
		errno = ENOSPC;
	return cannot_write(what, e);
}

const char *lines_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

int64_t lines_time(const json_t *object, const char *key)
{
	int64_t wall_s;

	return clock_parse(lines_text(object, key), &wall_s) ? wall_s : 0;
}
