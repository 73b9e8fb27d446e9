#include "station/runs.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sys/stat.h>

#define LINE_MAX_LEN 4096
#define NAME_SIZE 24

AUTO_DEFINE(json, json_t *, json_decref)

/* What a nest tried last: for the count of tries. */
struct last {
	char nest[CONTROL_NEST_MAX + 1];
	char unit[CONTROL_NAME_MAX + 1];
	unsigned tries;
	bool passed;
};

struct runs {
	int dir_fd, fd;
	pthread_mutex_t mutex;
	pthread_cond_t synced_more;
	off_t size;
	uint64_t number;	  /* of the last run */
	uint64_t written, synced; /* lines since the start */
	bool syncing;		  /* one thread syncs for all who wait */
	struct last last[CONTROL_NESTS_MAX];
	size_t last_count;
};

static const char *file_name(uint64_t index, char name[static NAME_SIZE])
{
	if (index == 0)
		return "runs.jsonl";
	snprintf(name, NAME_SIZE, "runs.%" PRIu64 ".jsonl", index);
	return name;
}

static struct last *last_of(struct runs *runs, const char *nest)
{
	struct last *last = runs->last;

	for (size_t i = 0; i < runs->last_count; i++, last++)
		if (strcmp(last->nest, nest) == 0)
			return last;
	if (runs->last_count == CONTROL_NESTS_MAX)
		return NULL; /* nests of earlier settings: only their count is lost */
	runs->last_count++;
	*last = (struct last) { .passed = true };
	snprintf(last->nest, sizeof(last->nest), "%s", nest);
	return last;
}

static unsigned count_try(struct runs *runs, const char *nest, const char *unit, bool passed)
{
	struct last *last = last_of(runs, nest);

	if (!last)
		return 1;
	last->tries = !last->passed && strcmp(last->unit, unit) == 0 ? last->tries + 1 : 1;
	last->passed = passed;
	snprintf(last->unit, sizeof(last->unit), "%s", unit);
	return last->tries;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void replay_line(struct runs *runs, const char *line, size_t len)
{
	AUTO(json) object = json_loadb(line, len, 0, NULL);
	json_int_t number = json_integer_value(json_object_get(object, "run"));

	if (number > 0 && (uint64_t)number > runs->number)
		runs->number = (uint64_t)number;
	if (number > 0)
		count_try(runs, text_of(object, "nest"), text_of(object, "unit"),
			  strcmp(text_of(object, "outcome"), "PASS") == 0);
}

/* Reads one file; *ret_size is the length of its whole lines. */
static bool replay(struct runs *runs, int fd, off_t *ret_size, struct err *e)
{
	AUTO(FILE) file = NULL;
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	off_t size = 0;
	ssize_t len;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	file = copy < 0 ? NULL : fdopen(copy, "r");
	if (!file)
		return err_errno(e, ERR_SYSTEM, "cannot read the record of runs");
	while ((len = getline(&line, &room, file)) > 0 && line[len - 1] == '\n') {
		replay_line(runs, line, (size_t)len);
		size += len;
	}
	if (ferror(file))
		return err_errno(e, ERR_SYSTEM, "cannot read the record of runs");
	*ret_size = size;
	return true;
}

static bool open_file(struct runs *runs, int flags, struct err *e)
{
	runs->fd = openat(runs->dir_fd, file_name(0, (char[NAME_SIZE]) { 0 }),
			  O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | flags, 0640);
	if (runs->fd < 0 || fsync(runs->dir_fd) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot open the record of runs");
	return true;
}

static bool read_older(struct runs *runs, struct err *e)
{
	AUTO(fd) fd = -1;
	struct err none;
	off_t size;

	return !runs_file(runs, 1, &fd, &none) || replay(runs, fd, &size, e);
}

/* What a power cut left of the last line goes. */
static bool cut_torn_line(struct runs *runs, struct err *e)
{
	off_t end = lseek(runs->fd, 0, SEEK_END);

	if (end < 0)
		return err_errno(e, ERR_SYSTEM, "cannot read the record of runs");
	if (end == runs->size)
		return true;
	log_event(LOG_WARNING, "torn line cut off the record of runs", "bytes=%lld",
		  (long long)(end - runs->size));
	if (ftruncate(runs->fd, runs->size) < 0 || fdatasync(runs->fd) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot mend the record of runs");
	return true;
}

bool runs_open(int dir_fd, struct runs **ret_runs, struct err *e)
{
	AUTO(runs) runs = calloc(1, sizeof(*runs));

	if (!runs)
		return err_set(e, ERR_SYSTEM, "no memory for the record of runs");
	runs->dir_fd = dir_fd;
	runs->fd = -1;
	pthread_mutex_init(&runs->mutex, NULL);
	pthread_cond_init(&runs->synced_more, NULL);
	if (!open_file(runs, 0, e) || !read_older(runs, e) ||
	    !replay(runs, runs->fd, &runs->size, e) || !cut_torn_line(runs, e))
		return false;
	*ret_runs = TAKE(runs);
	return true;
}

void runs_close(struct runs *runs)
{
	if (!runs)
		return;
	if (runs->fd >= 0)
		close(runs->fd);
	pthread_cond_destroy(&runs->synced_more);
	pthread_mutex_destroy(&runs->mutex);
	free(runs);
}

/* runs.6 becomes runs.7, … and runs becomes runs.1. All that was written is synced first. */
static bool rotate(struct runs *runs, struct err *e)
{
	char from[NAME_SIZE], to[NAME_SIZE];

	if (fdatasync(runs->fd) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot sync the record of runs");
	runs->synced = runs->written;
	for (uint64_t i = RUNS_FILES - 1; i > 0; i--)
		if (renameat(runs->dir_fd, file_name(i - 1, from), runs->dir_fd, file_name(i, to)) <
			    0 &&
		    errno != ENOENT)
			return err_errno(e, ERR_SYSTEM, "cannot rotate the record of runs");
	close(TAKE_FD(runs->fd));
	runs->size = 0;
	return open_file(runs, 0, e);
}

static char *line_of(const struct run *run, size_t *ret_len)
{
	char started[CLOCK_TEXT_SIZE], ended[CLOCK_TEXT_SIZE];
	AUTO(json)
	object = json_pack(
		"{sI ss ss ss ss ss ss ss si ss ss ss sI ss ss ss sI}", "run",
		(json_int_t)run->number, "nest", run->nest, "unit", run->unit, "product",
		run->product, "order", run->order, "outcome", control_outcome_name(run->outcome),
		"code", run->code, "text", run->text, "try", (int)run->tries, "operator",
		run->operator, "started_at", clock_format(run->started_at, started), "ended_at",
		clock_format(run->ended_at, ended), "duration_ms", (json_int_t)run->duration_ms,
		"certificate_id", run->certificate_id, "evidence", run->evidence, "step", run->step,
		"bytes", (json_int_t)run->bytes);
	char *line = object ? malloc(LINE_MAX_LEN) : NULL;
	size_t len = line ? json_dumpb(object, line, LINE_MAX_LEN - 1, JSON_COMPACT) : 0;

	if (len == 0 || len > LINE_MAX_LEN - 1) {
		free(line);
		return NULL;
	}
	line[len] = '\n';
	*ret_len = len + 1;
	return line;
}

static bool append(struct runs *runs, const char *line, size_t len, struct err *e)
{
	ssize_t n = write(runs->fd, line, len);

	if (n == (ssize_t)len) {
		runs->size += n;
		runs->written++;
		return true;
	}
	if (n >= 0)
		errno = ENOSPC;
	err_errno(e, ERR_SYSTEM, "cannot write the record of runs");
	if (n > 0 && ftruncate(runs->fd, runs->size) < 0)
		log_event(LOG_ERR, "half a line stays in the record of runs", "bytes=%zd", n);
	return false;
}

/* Returns when line number `mine` is durable: by one's own sync, or by somebody else's. */
static bool sync_until(struct runs *runs, uint64_t mine, struct err *e)
{
	while (runs->synced < mine) {
		uint64_t target = runs->written;
		int rc;

		if (runs->syncing) {
			pthread_cond_wait(&runs->synced_more, &runs->mutex);
			continue;
		}
		runs->syncing = true;
		pthread_mutex_unlock(&runs->mutex);
		rc = fdatasync(runs->fd);
		pthread_mutex_lock(&runs->mutex);
		runs->syncing = false;
		if (rc == 0 && target > runs->synced)
			runs->synced = target;
		pthread_cond_broadcast(&runs->synced_more);
		if (rc < 0)
			return err_errno(e, ERR_SYSTEM, "cannot sync the record of runs");
	}
	return true;
}

bool runs_add(struct runs *runs, struct run *run, struct err *e)
{
	AUTO(lock) lock = lock_take(&runs->mutex);
	AUTO_FREE char *line = NULL;
	size_t len;

	if (runs->size >= RUNS_FILE_MAX && !runs->syncing && !rotate(runs, e))
		return false;
	if (runs->fd < 0 && !open_file(runs, 0, e))
		return false;
	run->number = runs->number + 1;
	run->tries = count_try(runs, run->nest, run->unit, run->outcome == OUTCOME_PASS);
	line = line_of(run, &len);
	if (!line)
		return err_set(e, ERR_SYSTEM, "no line for the record of runs could be made");
	if (!append(runs, line, len, e))
		return false;
	runs->number++;
	return sync_until(runs, runs->written, e);
}

bool runs_file(const struct runs *runs, uint64_t index, int *ret_fd, struct err *e)
{
	char name[NAME_SIZE];
	int fd = -1;

	if (index < RUNS_FILES)
		fd = openat(runs->dir_fd, file_name(index, name), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, ERR_NOT_FOUND, "the record of runs has no file %" PRIu64, index);
	*ret_fd = fd;
	return true;
}
