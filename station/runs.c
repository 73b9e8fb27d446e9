#include "station/runs.h"

#include "base/clock.h"
#include "base/log.h"
#include "station/history.h"
#include "station/left.h"
#include "station/runs_line.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#define NAME_SIZE 24
#define NUMBER_MAX UINT64_C(1000000000000000) /* of a run; beyond it a line is not ours */
#define WHAT "the record of runs"

struct runs {
	int dir_fd, fd;
	pthread_mutex_t mutex;
	pthread_cond_t synced_more;
	off_t size, synced_size;
	uint64_t number;	  /* of the last run */
	uint64_t written, synced; /* lines since the start */
	uint64_t failures;	  /* of a sync: who waited then has failed */
	int error;		  /* of the last failure */
	bool syncing;		  /* one thread syncs for all who wait */
	struct history history;
	struct left left; /* as it was at the start */
};

static const char *file_name(uint64_t index, char name[static NAME_SIZE])
{
	if (index == 0)
		return "runs.jsonl";
	snprintf(name, NAME_SIZE, "runs.%" PRIu64 ".jsonl", index);
	return name;
}

/* --- what stands there when the station starts --- */

static void replay_run(struct runs *runs, const json_t *object)
{
	struct run run = runs_line_read_run(object);

	if (run.number == 0 || run.number > NUMBER_MAX)
		return;
	if (run.number > runs->number)
		runs->number = run.number;
	run.tries = history_tries(&runs->history, run.nest, run.unit);
	history_run(&runs->history, &run);
	left_ended(&runs->left, &run);
}

static void replay_under_way(struct runs *runs, const json_t *object)
{
	struct run run = runs_line_read_run(object);

	left_under_way(&runs->left, &run);
}

static void replay_act(struct runs *runs, const json_t *object)
{
	struct runs_act act;

	if (!runs_line_read_act(object, &act))
		return;
	history_act(&runs->history, &act);
	if (act.kind == ACT_GONE)
		left_gone(&runs->left, act.nest);
}

static void replay_line(void *context, const json_t *object)
{
	struct runs *runs = context;

	if (runs_line_is_under_way(object))
		replay_under_way(runs, object);
	else if (json_object_get(object, "act"))
		replay_act(runs, object);
	else
		replay_run(runs, object);
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
	for (uint64_t i = RUNS_FILES - 1; i > 0; i--) {
		AUTO(fd) fd = -1;
		struct err none;
		off_t size;

		if (runs_file(runs, i, &fd, &none) &&
		    !lines_read(fd, WHAT, replay_line, runs, &size, e))
			return false;
	}
	return true;
}

static void log_left(const struct left *left)
{
	char unit[CONTROL_TEXT_MAX + 1];

	for (size_t i = 0; i < left->count; i++)
		if (!left->runs[i].number)
			log_event(LOG_WARNING, "run was left in its middle", "nest=%s unit=\"%s\"",
				  left->runs[i].nest,
				  log_text(left->runs[i].unit, unit, sizeof(unit)));
}

bool runs_open(int dir_fd, struct runs **ret_runs, struct err *e)
{
	AUTO(runs) runs = calloc(1, sizeof(*runs));
	struct err later;

	if (!runs)
		return err_set(e, ERR_SYSTEM, "no memory for the record of runs");
	runs->dir_fd = dir_fd;
	runs->fd = -1;
	pthread_mutex_init(&runs->mutex, NULL);
	pthread_cond_init(&runs->synced_more, NULL);
	if (!history_init(&runs->history, e) || !open_file(runs, 0, e) || !read_older(runs, e) ||
	    !lines_read(runs->fd, WHAT, replay_line, runs, &runs->size, e) ||
	    !lines_heal(runs->fd, WHAT, runs->size, e))
		return false;
	runs->synced_size = runs->size;
	log_left(&runs->left);
	if (!runs_settle(runs, &later))
		log_event(LOG_ERR, "station starts with a record that lacks runs", "text=\"%s\"",
			  later.text);
	*ret_runs = TAKE(runs);
	return true;
}

void runs_close(struct runs *runs)
{
	if (!runs)
		return;
	if (runs->fd >= 0)
		close(runs->fd);
	history_close(&runs->history);
	pthread_cond_destroy(&runs->synced_more);
	pthread_mutex_destroy(&runs->mutex);
	free(runs);
}

/* What a sync failed for may be lost, though the next one succeeds. */
static bool take_sync(struct runs *runs, int rc, uint64_t written, off_t size)
{
	struct err e;

	if (rc == 0) {
		runs->synced = written;
		runs->synced_size = size;
		return true;
	}
	runs->error = errno;
	runs->failures++;
	runs->size = runs->synced_size;
	if (!lines_heal(runs->fd, WHAT, runs->size, &e)) /* the next line tries it again */
		log_event(LOG_ERR, "unsynced lines stay", "text=\"%s\"", e.text);
	else if (fdatasync(runs->fd) < 0)
		log_event(LOG_ERR, "unsynced lines may come back", "text=\"%s\"", strerror(errno));
	return false;
}

/* Always false. */
static bool sync_failed(const struct runs *runs, struct err *e)
{
	errno = runs->error;
	return err_errno(e, ERR_SYSTEM, "cannot sync " WHAT);
}

/* runs.6 becomes runs.7, … and runs becomes runs.1. All that was written is synced first. */
static bool rotate(struct runs *runs, struct err *e)
{
	char from[NAME_SIZE], to[NAME_SIZE];

	if (!take_sync(runs, fdatasync(runs->fd), runs->written, runs->size))
		return sync_failed(runs, e);
	for (uint64_t i = RUNS_FILES - 1; i > 0; i--)
		if (renameat(runs->dir_fd, file_name(i - 1, from), runs->dir_fd, file_name(i, to)) <
			    0 &&
		    errno != ENOENT)
			return err_errno(e, ERR_SYSTEM, "cannot rotate the record of runs");
	close(TAKE_FD(runs->fd));
	runs->size = runs->synced_size = 0;
	return open_file(runs, 0, e);
}

static void sync_all(struct runs *runs)
{
	uint64_t written = runs->written;
	off_t size = runs->size;
	int rc;

	runs->syncing = true;
	pthread_mutex_unlock(&runs->mutex);
	rc = fdatasync(runs->fd);
	pthread_mutex_lock(&runs->mutex);
	runs->syncing = false;
	take_sync(runs, rc, written, size);
	pthread_cond_broadcast(&runs->synced_more);
}

/* Returns when line number `mine` is durable: by one's own sync, or by somebody else's. */
static bool sync_until(struct runs *runs, uint64_t mine, struct err *e)
{
	uint64_t failures = runs->failures;

	while (runs->failures == failures && runs->synced < mine)
		if (runs->syncing)
			pthread_cond_wait(&runs->synced_more, &runs->mutex);
		else
			sync_all(runs);
	return runs->failures == failures || sync_failed(runs, e);
}

static bool make_room(struct runs *runs, struct err *e)
{
	if (runs->size >= RUNS_FILE_MAX && !runs->syncing && !rotate(runs, e))
		return false;
	return runs->fd >= 0 || open_file(runs, 0, e);
}

/* Not synced. */
static bool write_line(struct runs *runs, const char *line, size_t len, struct err *e)
{
	if (!line)
		return err_set(e, ERR_SYSTEM,
			       "no memory for a line of " WHAT ": end what else takes memory on "
			       "this PC");
	if (!lines_add(runs->fd, WHAT, line, len, &runs->size, e))
		return false;
	runs->written++;
	return true;
}

static bool add_run(struct runs *runs, struct run *run, struct err *e)
{
	AUTO_FREE char *line = NULL;
	size_t len;

	if (!make_room(runs, e))
		return false;
	run->number = runs->number + 1;
	run->tries = history_tries(&runs->history, run->nest, run->unit);
	line = runs_line_of_run(run, &len);
	if (!write_line(runs, line, len, e))
		return false;
	runs->number++;
	if (!sync_until(runs, runs->written, e))
		return false;
	history_run(&runs->history, run);
	return true;
}

/* Before anything else. The runs that were left get their numbers now. */
static bool settle(struct runs *runs, struct err *e)
{
	for (size_t i = 0; i < runs->left.count; i++) {
		struct run *run = &runs->left.runs[i];

		if (run->number || add_run(runs, run, e))
			continue;
		run->number = 0;
		return err_add(e, "runs that were left in their middle are not on record");
	}
	return true;
}

bool runs_settle(struct runs *runs, struct err *e)
{
	AUTO(lock) lock = lock_take(&runs->mutex);

	return settle(runs, e);
}

bool runs_add(struct runs *runs, struct run *run, struct err *e)
{
	AUTO(lock) lock = lock_take(&runs->mutex);

	return settle(runs, e) && add_run(runs, run, e);
}

bool runs_under_way(struct runs *runs, const struct run *run, bool kept, struct err *e)
{
	AUTO(lock) lock = lock_take(&runs->mutex);
	AUTO_FREE char *line = NULL;
	struct run left = *run;
	size_t len;

	left_judge(&left);
	left.ended_at = clock_wall_s();
	line = runs_line_of_under_way(&left, &len);
	return settle(runs, e) && make_room(runs, e) && write_line(runs, line, len, e) &&
	       (!kept || sync_until(runs, runs->written, e));
}

bool runs_left(struct runs *runs, const char *nest, struct run *ret_run)
{
	AUTO(lock) lock = lock_take(&runs->mutex);
	const struct run *run = left_in(&runs->left, nest);

	if (run)
		*ret_run = *run;
	return run;
}

bool runs_do(struct runs *runs, const struct runs_act *act, struct err *e)
{
	AUTO(lock) lock = lock_take(&runs->mutex);
	size_t len;
	AUTO_FREE char *line = runs_line_of_act(act, &len);

	if (!settle(runs, e) || !make_room(runs, e) || !write_line(runs, line, len, e) ||
	    !sync_until(runs, runs->written, e))
		return false;
	history_act(&runs->history, act);
	return true;
}

void runs_count(struct runs *runs, const char *order, int64_t shift, struct runs_counts *ret_counts)
{
	AUTO(lock) lock = lock_take(&runs->mutex);
	const struct tally *tally = runs->history.tally;

	ret_counts->shift = tally_shift(tally, shift);
	ret_counts->lot = tally_order(tally, order);
	ret_counts->last = tally_last(tally, &ret_counts->uph);
	ret_counts->golden_passed_at = runs->history.golden_passed_at;
}

enum control_mode runs_mode(struct runs *runs)
{
	AUTO(lock) lock = lock_take(&runs->mutex);

	return runs->history.mode;
}

unsigned runs_unit_fails(struct runs *runs, const char *unit)
{
	AUTO(lock) lock = lock_take(&runs->mutex);

	return tally_fails(runs->history.tally, unit);
}

size_t runs_nest_fails(struct runs *runs, const char *nest)
{
	AUTO(lock) lock = lock_take(&runs->mutex);

	return history_nest_fails(&runs->history, nest);
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
