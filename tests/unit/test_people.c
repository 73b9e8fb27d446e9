/* people: badges that are enrolled and withdrawn, and what a restart remembers of them. */
#include "station/people.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <cmocka.h>

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
	(void)state;
	unlinkat(dir_fd, "badges.jsonl", 0);
	close(dir_fd);
	return rmdir(folder);
}

static struct people *opened(void)
{
	struct people *people = NULL;
	struct err e;

	if (!people_open(dir_fd, &people, &e))
		fail_msg("%s", e.text);
	return people;
}

#define LONG64 "0123456789012345678901234567890123456789012345678901234567890123"

/* One step after the other, on one record; after each third the station starts anew. */
static const struct {
	const char *what, *badge, *person;
	enum control_role role; /* NONE: it is withdrawn */
	int code;
} steps[] = {
	{ "an operator", "OPR-0001", "Wang", BADGE_OPERATOR, 0 },
	{ "the same badge for another", "OPR-0001", "Lee", BADGE_SUPERVISOR, ERR_REFUSED },
	{ "a second badge of one person", "OPR-0002", "Wang", BADGE_SUPERVISOR, 0 },
	{ "too short", "ABC", "Wang", BADGE_OPERATOR, ERR_INVALID },
	{ "as long as can be", LONG64, "Li", BADGE_TECHNICIAN, 0 },
	{ "a blank", "OPR 0003", "Wang", BADGE_OPERATOR, ERR_INVALID },
	{ "an escape", "OPR\033[1m", "Wang", BADGE_OPERATOR, ERR_INVALID },
	{ "a quote", "OPR\"0003", "Wang", BADGE_OPERATOR, ERR_INVALID },
	{ "nobody's name", "OPR-0003", "", BADGE_OPERATOR, ERR_INVALID },
	{ "a name that is none", "OPR-0003", "W\nang", BADGE_OPERATOR, ERR_INVALID },
	{ "no role", "OPR-0003", "Wang", BADGE_COUNT, ERR_INVALID },
	{ "withdrawn", "OPR-0001", "", BADGE_NONE, 0 },
	{ "withdrawn twice", "OPR-0001", "", BADGE_NONE, ERR_REFUSED },
	{ "one that never was", "OPR-9999", "", BADGE_NONE, ERR_NOT_FOUND },
	{ "given to another", "OPR-0001", "Chen", BADGE_OPERATOR, 0 },
};

static int do_step(struct people *people, size_t i, struct err *e)
{
	bool done = steps[i].role == BADGE_NONE
			    ? people_withdraw(people, steps[i].badge, "uid 1", e)
			    : people_enrol(people, steps[i].badge, steps[i].person, steps[i].role,
					   "uid 1", e);

	return done ? 0 : e->code;
}

static void the_steps(void **state)
{
	struct people *people = opened();
	struct control_badge badge;
	struct stat st;
	size_t count = 0;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int code = do_step(people, i, &e);

		if (code != steps[i].code)
			fail_msg("%s: code %d", steps[i].what, code);
		if (i % 3 == 2) {
			people_close(people);
			people = opened();
		}
	}
	while (people_badge(people, count, &badge))
		count++;
	assert_int_equal(count, 3);
	assert_true(people_find(people, "OPR-0001", &badge, &e));
	assert_string_equal(badge.person, "Chen");
	assert_int_equal(fstatat(dir_fd, "badges.jsonl", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	people_close(people);
}

static void enrol(struct people *people, const char *badge, const char *person,
		  enum control_role role)
{
	struct err e;

	if (!people_enrol(people, badge, person, role, "uid 1", &e))
		fail_msg("%s", e.text);
}

static void a_torn_line_gives_no_rights(void **state)
{
	static const char torn[] = "{\"badge\":\"OPR-0001\",\"person\":\"Wang\",\"role\":\"superv";
	struct people *people = opened();
	struct control_badge badge;
	struct err e;
	int fd;

	(void)state;
	enrol(people, "OPR-0001", "Wang", BADGE_OPERATOR);
	people_close(people);
	fd = openat(dir_fd, "badges.jsonl", O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, torn, sizeof(torn) - 1), sizeof(torn) - 1);
	close(fd);
	people = opened();
	assert_true(people_find(people, "OPR-0001", &badge, &e));
	assert_int_equal(badge.role, BADGE_OPERATOR);
	enrol(people, "OPR-0002", "Lee", BADGE_SUPERVISOR);
	people_close(people);
	people = opened();
	assert_true(people_find(people, "OPR-0002", &badge, &e));
	people_close(people);
}

static void who_is_here(void **state)
{
	struct people *people = opened();
	struct control_badge badge;
	struct err e;

	(void)state;
	enrol(people, "OPR-0001", "Wang", BADGE_OPERATOR);
	enrol(people, "SUP-0001", "Lee", BADGE_SUPERVISOR);
	assert_false(people_now(people, &badge));
	assert_false(people_login(people, "OPR-0009", &badge, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_true(people_login(people, "OPR-0001", &badge, &e));
	assert_true(people_login(people, "SUP-0001", &badge, &e)); /* the shift's change */
	assert_true(people_now(people, &badge));
	assert_string_equal(badge.person, "Lee");
	assert_true(people_withdraw(people, "OPR-0001", "uid 1", &e));
	assert_true(people_now(people, &badge));
	assert_true(people_withdraw(people, "SUP-0001", "uid 1", &e));
	assert_false(people_now(people, &badge));
	assert_string_equal(badge.person, "");
	assert_false(people_login(people, "OPR-0001", &badge, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	people_close(people);
}

static void as_many_as_can_be(void **state)
{
	struct people *people = opened();
	char badge[16];
	struct err e;

	(void)state;
	for (int i = 0; i < PEOPLE_BADGES_MAX; i++) {
		snprintf(badge, sizeof(badge), "B-%04d", i);
		enrol(people, badge, "Wang", BADGE_OPERATOR);
	}
	assert_false(people_enrol(people, "ONE-MORE", "Wang", BADGE_OPERATOR, "uid 1", &e));
	assert_int_equal(e.code, ERR_REFUSED);
	assert_true(people_withdraw(people, "B-0000", "uid 1", &e));
	enrol(people, "B-0000", "Lee", BADGE_OPERATOR);
	people_close(people);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_steps, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(a_torn_line_gives_no_rights, make_folder,
						drop_folder),
		cmocka_unit_test_setup_teardown(who_is_here, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(as_many_as_can_be, make_folder, drop_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
