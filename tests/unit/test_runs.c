/* runs: the record of runs: numbers, tries, torn lines, files that turn over, many at once. */
#include "station/lines.h"
#include "station/runs.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <cmocka.h>

#define THREADS 16
#define RUNS_A_THREAD 20

/* Of the program, so that it can fail: the pages are clean afterwards, and what was in them lost. */
static _Atomic int syncs_fail;

int fdatasync(int fd)
{
	if (syncs_fail > 0) {
		syncs_fail--;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static char folder[64];
static int dir_fd = -1;

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/imprint-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0;
}

static int drop_folder(void **state)
{
	char name[32] = "runs.jsonl";

	(void)state;
	for (int i = 1; i < RUNS_FILES + 2; i++) {
		unlinkat(dir_fd, name, 0);
		snprintf(name, sizeof(name), "runs.%d.jsonl", i);
	}
	close(dir_fd);
	return rmdir(folder);
}

static struct runs *opened(void)
{
	struct runs *runs = NULL;
	struct err e;

	if (!runs_open(dir_fd, &runs, &e))
		fail_msg("%s", e.text);
	return runs;
}

static struct run run_of(const char *nest, const char *unit, enum outcome outcome)
{
	struct run run = { .outcome = outcome,
			   .shift = 1795323600,
			   .started_at = 1795324416,
			   .ended_at = 1795324417,
			   .duration_ms = 900,
			   .bytes = 1234,
			   .step = "finish",
			   .code = "",
			   .evidence = "signed" };

	strcpy(run.nest, nest);
	strcpy(run.unit, unit);
	strcpy(run.product, "demo");
	strcpy(run.order, "DEMO");
	strcpy(run.operator, "Wang");
	strcpy(run.text, "a \"quoted\" sentence");
	return run;
}

static struct run added(struct runs *runs, const char *nest, const char *unit, enum outcome outcome)
{
	struct run run = run_of(nest, unit, outcome);
	struct err e;

	if (!runs_add(runs, &run, &e))
		fail_msg("%s", e.text);
	return run;
}

/* Every line of one file; checks that run numbers rise. Returns how many. */
static size_t read_numbers(struct runs *runs, uint64_t index, json_int_t *first, json_int_t *last)
{
	AUTO_FREE char *line = NULL;
	size_t room = 0, count = 0;
	struct err e;
	FILE *file;
	int fd;

	*first = *last = 0;
	if (!runs_file(runs, index, &fd, &e))
		return 0;
	file = fdopen(fd, "r");
	while (getline(&line, &room, file) > 0) {
		json_t *object = json_loads(line, 0, NULL);
		json_int_t number = json_integer_value(json_object_get(object, "run"));

		assert_non_null(object);
		assert_int_equal(strncmp(line, "{\"run\":", 7), 0);
		assert_true(number > *last);
		*first = *first ? *first : number;
		*last = number;
		count++;
		json_decref(object);
	}
	fclose(file);
	return count;
}

static void tries_are_counted(void **state)
{
	static const struct {
		const char *nest, *unit;
		enum outcome outcome;
		unsigned tries;
	} rows[] = {
		{ "A1", "T-1", OUTCOME_FAIL, 1 },    { "A1", "T-1", OUTCOME_ERROR, 2 },
		{ "A2", "T-1", OUTCOME_FAIL, 1 },    { "A1", "T-1", OUTCOME_PASS, 2 },
		{ "A1", "T-1", OUTCOME_PASS, 1 },    { "A1", "T-1", OUTCOME_FAIL, 1 },
		{ "A1", "T-2", OUTCOME_ABORTED, 1 }, { "A1", "T-2", OUTCOME_FAIL, 1 },
		{ "A1", "T-1", OUTCOME_FAIL, 1 },    { "A2", "T-1", OUTCOME_FAIL, 2 },
	};
	struct runs *runs = opened();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run run = added(runs, rows[i].nest, rows[i].unit, rows[i].outcome);

		assert_int_equal(run.number, i + 1);
		assert_int_equal(run.tries, rows[i].tries);
		if (i % 3 == 1) { /* the count outlives the daemon */
			runs_close(runs);
			runs = opened();
		}
	}
	runs_close(runs);
}

static void a_line_holds_everything(void **state)
{
	static const char expected[] =
		"{\"run\":1,\"nest\":\"A1\",\"unit\":\"T-1\",\"product\":\"demo\",\"order\":"
		"\"DEMO\","
		"\"outcome\":\"PASS\",\"code\":\"\",\"text\":\"a \\\"quoted\\\" "
		"sentence\",\"try\":1,"
		"\"operator\":\"Wang\",\"started_at\":\"2026-11-22T05:13:36Z\",\"ended_at\":"
		"\"2026-11-22T05:13:37Z\",\"duration_ms\":900,\"certificate_id\":\"\",\"evidence\":"
		"\"signed\",\"step\":\"finish\",\"bytes\":1234,\"mode\":\"normal\",\"shift\":"
		"\"2026-11-22T05:00:00Z\"}\n";
	struct runs *runs = opened();
	char line[2048] = "";
	struct err e;
	int fd;

	(void)state;
	added(runs, "A1", "T-1", OUTCOME_PASS);
	assert_true(runs_file(runs, 0, &fd, &e));
	assert_true(read(fd, line, sizeof(line) - 1) > 0);
	assert_string_equal(line, expected);
	assert_true(write(fd, "x", 1) < 0); /* for reading only */
	close(fd);
	assert_false(runs_file(runs, 1, &fd, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_false(runs_file(runs, UINT64_MAX, &fd, &e));
	runs_close(runs);
}

static void append(const char *line)
{
	int fd = openat(dir_fd, "runs.jsonl", O_WRONLY | O_APPEND);

	assert_int_equal(write(fd, line, strlen(line)), strlen(line));
	close(fd);
}

static void a_torn_line_is_cut_off(void **state)
{
	char endless[3 * LINES_LEN_MAX] = "";
	struct runs *runs = opened();
	json_int_t first, last;

	(void)state;
	added(runs, "A1", "T-1", OUTCOME_FAIL);
	runs_close(runs);
	append("{\"run\":2,\"nest\":\"A");
	runs = opened();
	assert_int_equal(added(runs, "A1", "T-1", OUTCOME_FAIL).number, 2);
	runs_close(runs);
	memset(endless, 'x', sizeof(endless) - 1);
	append(endless);
	runs = opened();
	assert_int_equal(added(runs, "A1", "T-1", OUTCOME_FAIL).number, 3);
	assert_int_equal(read_numbers(runs, 0, &first, &last), 3);
	runs_close(runs);
}

/* Neither does the next sync count it as durable, nor does it come back after a restart. */
static void a_line_that_was_not_synced_is_taken_back(void **state)
{
	struct runs *runs = opened();
	struct run lost = run_of("A1", "T-2", OUTCOME_PASS);
	json_int_t first, last;
	struct err e;

	(void)state;
	added(runs, "A1", "T-1", OUTCOME_FAIL);
	syncs_fail = 1;
	assert_false(runs_add(runs, &lost, &e));
	assert_string_equal(e.text, "cannot sync the record of runs: Input/output error");
	assert_int_equal(read_numbers(runs, 0, &first, &last), 1);
	syncs_fail = 2; /* that of the line, and that of its way back */
	assert_false(runs_add(runs, &lost, &e));
	assert_int_equal(added(runs, "A1", "T-1", OUTCOME_FAIL).tries, 2);
	runs_close(runs);
	runs = opened();
	assert_int_equal(read_numbers(runs, 0, &first, &last), 2);
	assert_int_equal(first, 1);
	assert_int_equal(added(runs, "A1", "T-1", OUTCOME_FAIL).tries, 3);
	runs_close(runs);
}

static void under_way(struct runs *runs, const char *nest, const char *certificate_id)
{
	struct run run = run_of(nest, "T-1", OUTCOME_NONE);
	struct err e;

	strcpy(run.certificate_id, certificate_id);
	if (!runs_under_way(runs, &run, *certificate_id, &e))
		fail_msg("%s", e.text);
}

static void gone(struct runs *runs, const char *nest)
{
	struct runs_act act = { .kind = ACT_GONE };
	struct err e;

	strcpy(act.nest, nest);
	if (!runs_do(runs, &act, &e))
		fail_msg("%s", e.text);
}

/* As if the station had been killed: closing writes nothing. */
static void what_was_under_way_is_told(void **state)
{
	static const struct {
		const char *nest, *certificate_id, *words;
		bool ended, gone;
	} rows[] = {
		{ "A1", "", "before anything was written", false, false },
		{ "A2", "c1c1", "may hold its certificate", false, false },
		{ "A3", "c2c2", NULL, true, false },
		{ "A4", "c3c3", NULL, false, true },
	};
	struct runs *runs = opened();
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		under_way(runs, rows[i].nest, "");
		if (*rows[i].certificate_id)
			under_way(runs, rows[i].nest, rows[i].certificate_id);
		if (rows[i].ended)
			added(runs, rows[i].nest, "T-1", OUTCOME_FAIL);
		if (rows[i].gone)
			gone(runs, rows[i].nest);
	}
	for (int start = 0; start < 2; start++) { /* and again as long as nothing else happens */
		runs_close(runs);
		runs = opened();
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			assert_int_equal(runs_left(runs, rows[i].nest, &run),
					 rows[i].words != NULL);
			if (!rows[i].words)
				continue;
			assert_int_equal(run.outcome, OUTCOME_ABORTED);
			assert_string_equal(run.code, "interrupted");
			assert_non_null(strstr(run.text, rows[i].words));
			assert_string_equal(run.certificate_id, rows[i].certificate_id);
			assert_string_equal(run.unit, "T-1");
			assert_int_equal(run.number, i + 2);
		}
	}
	added(runs, "A2", "T-1", OUTCOME_PASS);
	gone(runs, "A1");
	runs_close(runs);
	runs = opened();
	assert_false(runs_left(runs, "A1", &run) || runs_left(runs, "A2", &run));
	assert_int_equal(added(runs, "A1", "T-1", OUTCOME_PASS).number, 5);
	runs_close(runs);
}

/* The station starts all the same, tells what it knows, and adds nothing before what is missing. */
static void what_could_not_be_written_is_written_first(void **state)
{
	struct runs *runs = opened();
	struct run run, next = run_of("A1", "T-2", OUTCOME_PASS);
	struct err e;

	(void)state;
	under_way(runs, "A1", "");
	under_way(runs, "A2", "c1c1");
	runs_close(runs);
	syncs_fail = 1;
	runs = opened();
	assert_true(runs_left(runs, "A2", &run));
	assert_int_equal(run.number, 0);
	assert_non_null(strstr(run.text, "may hold its certificate"));
	syncs_fail = 1;
	assert_false(runs_under_way(runs, &next, false, &e));
	assert_non_null(strstr(e.text, "runs that were left in their middle are not on record: "));
	assert_true(runs_add(runs, &next, &e));
	assert_true(runs_settle(runs, &e));
	for (int start = 0; start < 2; start++) {
		assert_true(runs_left(runs, "A2", &run));
		assert_in_range(run.number, 1, next.number - 1);
		runs_close(runs);
		runs = opened();
	}
	assert_false(runs_left(runs, "A1", &run)); /* it ran again */
	runs_close(runs);
}

/* Another version's: it must free no nest. */
static void an_unknown_act_does_nothing(void **state)
{
	struct runs *runs = opened();

	(void)state;
	added(runs, "A1", "T-1", OUTCOME_FAIL);
	runs_close(runs);
	append("{\"act\":\"later\",\"nest\":\"A1\",\"unit\":\"T-1\"}\n");
	runs = opened();
	assert_int_equal(runs_nest_fails(runs, "A1"), 1);
	assert_int_equal(runs_unit_fails(runs, "T-1"), 1);
	runs_close(runs);
	append("{\"act\":\"free\",\"nest\":\"A1\",\"unit\":\"T-1\"}\n");
	runs = opened();
	assert_int_equal(runs_nest_fails(runs, "A1"), 0);
	assert_int_equal(runs_unit_fails(runs, "T-1"), 0);
	runs_close(runs);
}

static void grow(off_t size)
{
	int fd = openat(dir_fd, "runs.jsonl", O_WRONLY | O_APPEND);
	char line[65536];

	memset(line, ' ', sizeof(line)); /* a long line of blanks: no run, but room taken */
	line[sizeof(line) - 1] = '\n';
	for (off_t done = 0; done < size; done += (off_t)sizeof(line))
		assert_int_equal(write(fd, line, sizeof(line)), sizeof(line));
	close(fd);
}

static void files_turn_over_and_are_bounded(void **state)
{
	uint64_t number = 0;
	struct stat st;

	(void)state;
	for (int turn = 0; turn < RUNS_FILES + 2; turn++) {
		struct runs *runs;

		if (turn > 0)
			grow(RUNS_FILE_MAX);
		runs = opened();
		number++;
		assert_int_equal(added(runs, "A1", "T-1", OUTCOME_FAIL).number, number);
		runs_close(runs);
	}
	assert_int_equal(fstatat(dir_fd, "runs.jsonl", &st, 0), 0);
	assert_true(st.st_size < 1000);
	assert_int_equal(fstatat(dir_fd, "runs.7.jsonl", &st, 0), 0);
	assert_int_equal(fstatat(dir_fd, "runs.8.jsonl", &st, 0), -1);
}

static void *add_many(void *runs)
{
	for (int i = 0; i < RUNS_A_THREAD; i++) {
		struct run run = run_of("A1", "T-1", OUTCOME_PASS);
		struct err e;

		if (!runs_add(runs, &run, &e))
			return "failed";
	}
	return NULL;
}

static void many_at_once_lose_nothing(void **state)
{
	struct runs *runs = opened();
	pthread_t threads[THREADS];
	json_int_t first, last;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, runs), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(read_numbers(runs, 0, &first, &last), THREADS * RUNS_A_THREAD);
	assert_int_equal(first, 1);
	assert_int_equal(last, THREADS * RUNS_A_THREAD);
	runs_close(runs);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tries_are_counted, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(a_line_holds_everything, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(a_torn_line_is_cut_off, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(a_line_that_was_not_synced_is_taken_back,
						make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(what_was_under_way_is_told, make_folder,
						drop_folder),
		cmocka_unit_test_setup_teardown(what_could_not_be_written_is_written_first,
						make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(an_unknown_act_does_nothing, make_folder,
						drop_folder),
		cmocka_unit_test_setup_teardown(files_turn_over_and_are_bounded, make_folder,
						drop_folder),
		cmocka_unit_test_setup_teardown(many_at_once_lose_nothing, make_folder,
						drop_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
