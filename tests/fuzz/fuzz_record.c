/* Any bytes as what the station finds of its own when it starts: the record of runs, and that of
 * badges (behind the first byte: even, runs; odd, badges). A torn end is cut off, once; what was
 * read reads the same again; and what is added stands behind it. */
#include "station/people.h"
#include "station/runs.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The log says much; what the fuzzer has to say does not go this way. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stderr = fopen("/dev/null", "w");
	assert(stderr);
	return 0;
}

static char folder[] = "/dev/shm/fuzz-record-XXXXXX";
static int dir_fd = -1;

static void drop_folder(void)
{
	unlinkat(dir_fd, "runs.jsonl", 0);
	unlinkat(dir_fd, "badges.jsonl", 0);
	rmdir(folder);
}

static void write_file(const char *name, struct bytes content)
{
	AUTO(fd) fd = -1;

	if (dir_fd < 0) {
		assert(mkdtemp(folder));
		dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert(dir_fd >= 0);
		atexit(drop_folder);
	}
	fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert(fd >= 0 && write(fd, content.data, content.len) == (ssize_t)content.len);
}

static off_t size_of(const char *name)
{
	struct stat st;

	assert(fstatat(dir_fd, name, &st, 0) == 0);
	return st.st_size;
}

static void check_counts(const struct control_tally *t)
{
	assert(t->first_pass <= t->tried && t->good + t->bad <= t->tried + t->retests);
}

static void count(struct runs *runs, struct runs_counts *ret_counts)
{
	memset(ret_counts, 0, sizeof(*ret_counts));
	runs_count(runs, "WO-1", 1795348800, ret_counts);
	check_counts(&ret_counts->shift);
	check_counts(&ret_counts->lot);
	check_counts(&ret_counts->last);
	assert(runs_mode(runs) < MODE_COUNT);
}

static uint64_t add_run(struct runs *runs)
{
	struct run run = { .outcome = OUTCOME_PASS,
			   .step = "finish",
			   .code = "",
			   .evidence = "signed",
			   .nest = "A1",
			   .unit = "T-0001",
			   .order = "WO-1" };
	struct err e;

	assert(runs_add(runs, &run, &e));
	assert(runs_unit_fails(runs, "T-0001") == 0);
	return run.number;
}

static void read_runs(struct bytes content)
{
	struct runs_counts first, again;
	uint64_t number;
	off_t healed;
	struct err e;

	write_file("runs.jsonl", content);
	for (int i = 0; i < 2; i++) {
		AUTO(runs) runs = NULL;

		assert(runs_open(dir_fd, &runs, &e));
		count(runs, i == 0 ? &first : &again);
		healed = i == 0 ? size_of("runs.jsonl") : healed;
		assert(size_of("runs.jsonl") == healed); /* what was left is settled once */
		assert(runs_nest_fails(runs, "A1") <= RUNS_FAILS_MAX);
		number = i == 0 ? 0 : add_run(runs);
	}
	assert(memcmp(&first, &again, sizeof(first)) == 0);
	AUTO(runs) runs = NULL;

	assert(runs_open(dir_fd, &runs, &e) && add_run(runs) == number + 1);
}

static size_t list_badges(struct people *people)
{
	struct control_badge badge, found;
	struct err e;
	size_t total = 0;

	while (people_badge(people, total, &badge)) {
		assert(*badge.badge && badge.role > BADGE_NONE && badge.role < BADGE_COUNT);
		assert(people_find(people, badge.badge, &found, &e));
		total++;
	}
	assert(total <= PEOPLE_BADGES_MAX);
	return total;
}

static void read_badges(struct bytes content)
{
	size_t total = 0;
	struct err e;

	write_file("badges.jsonl", content);
	for (int i = 0; i < 2; i++) {
		AUTO(people) people = NULL;
		struct control_badge nobody;

		assert(people_open(dir_fd, &people, &e));
		assert(i == 0 || list_badges(people) == total);
		total = list_badges(people);
		assert(!people_now(people, &nobody));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	(data[0] % 2 ? read_badges : read_runs)(bytes_of(data + 1, size - 1));
	return 0;
}
