#include "station/command/record.h"

#include "base/clock.h"
#include "base/file.h"
#include "station/command/view.h"

#define FILES_MAX 64 /* more than a station keeps */
#define LINE_LEN_MAX 65536

/* A last line without its end is still being written: it is not there yet. */
static bool read_file(record_take *take, void *context, int fd, struct err *e)
{
	AUTO(FILE) file = fdopen(fd, "r");
	static char line[LINE_LEN_MAX];
	size_t len;

	if (!file) {
		close(fd);
		return err_errno(e, ERR_SYSTEM, "cannot read the record of runs");
	}
	while ((len = file_line(file, line, sizeof(line))) > 0)
		if (len < sizeof(line) && !feof(file))
			take(context, line);
	return !ferror(file) || err_errno(e, ERR_SYSTEM, "cannot read the record of runs");
}

/* The newest first: what turns over meanwhile is then seen twice, not missed. */
static bool ask_files(int *fds, size_t *ret_count, struct err *e)
{
	static uint8_t record[MESSAGE_MAX];
	struct control_request request = { .type = CONTROL_RUNS };
	struct control_reply reply;
	size_t count = 0;

	while (count < FILES_MAX) {
		request.after = count;
		if (!view_call(&request, record, &reply, &fds[count], e))
			break;
		if (fds[count] < 0)
			return err_set(e, ERR_INVALID, "the station's answer holds no file");
		count++;
	}
	*ret_count = count;
	return count > 0;
}

bool record_read(record_take *take, void *context, struct err *e)
{
	int fds[FILES_MAX];
	size_t count = 0;
	bool ok = true;

	if (!ask_files(fds, &count, e))
		return false;
	while (count > 0)
		ok = read_file(take, context, fds[--count], e) && ok;
	return ok;
}

json_t *record_load(const char *line)
{
	json_t *object = json_loads(line, 0, NULL), *value;
	const char *key;

	json_object_foreach(object, key, value)
	{
		size_t size = json_string_length(value) + 1;
		AUTO_FREE char *text = json_is_string(value) ? malloc(size) : NULL;

		if (!text)
			continue;
		control_copy_text(text, size, json_string_value(value));
		json_string_set(value, text);
	}
	return object;
}

const char *record_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

int64_t record_time(const json_t *object, const char *key)
{
	int64_t wall_s;

	return clock_parse(record_text(object, key), &wall_s) ? wall_s : 0;
}
