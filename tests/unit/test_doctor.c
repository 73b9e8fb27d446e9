/* doctor: rows are said and read in one form; what systemd says of the units becomes rows; unit ids
 * are hidden. */
#include "base/check.h"
#include "station/command/doctor.h"
#include "station/command/hide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char said[4096];

/* What is printed between begin and end goes into `said`. */
static int begin(FILE **ret_file)
{
	int saved;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	*ret_file = tmpfile();
	assert_non_null(*ret_file);
	dup2(fileno(*ret_file), STDOUT_FILENO);
	return saved;
}

static void end(int saved, FILE *file)
{
	size_t len;

	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	len = fread(said, 1, sizeof(said) - 1, file);
	said[len] = '\0';
	fclose(file);
}

static void rows_are_said_and_read(void **state)
{
	struct check c = { 0 };
	enum check_level level;
	const char *subject, *text;
	FILE *file;
	int saved = begin(&file);

	(void)state;
	check_say(&c, CHECK_OK, "token", "opens");
	check_say(&c, CHECK_FAIL, "files", "two\nlines: %d", 7);
	check_sum(&c);
	end(saved, file);
	assert_string_equal(said, "ok    token       opens\n"
				  "FAIL  files       two?lines: 7\n"
				  "1 ok, 0 to look at, 1 wrong\n");
	assert_int_equal(check_exit(&c), 1);
	said[strcspn(said, "\n")] = '\0';
	assert_true(check_read(said, &level, &subject, &text));
	assert_int_equal(level, CHECK_OK);
	assert_string_equal(subject, "token");
	assert_string_equal(text, "opens");
}

static void other_lines_are_no_rows(void **state)
{
	static const char *const lines[] = { "",	   "ok",
					     "ok  ",	   "ok  token opens",
					     "okay  x",	   "FAIL  ",
					     "FAIL  word", "<3>signer cannot serve" };
	enum check_level level;
	const char *subject, *text;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char line[64];

		strcpy(line, lines[i]);
		assert_false(check_read(line, &level, &subject, &text));
	}
}

static void units_become_rows(void **state)
{
	static const struct {
		const char *name, *shown, *row;
	} rows[] = {
		{ "well",
		  "Id=a.service\nLoadState=loaded\nActiveState=active\nSubState=running\n"
		  "UnitFileState=enabled\nResult=success\nExecMainStatus=0\n",
		  "ok    units       a.service is enabled and runs" },
		{ "not there", "Id=a.service\nLoadState=not-found\nActiveState=inactive\n",
		  "FAIL  units       a.service is not installed" },
		{ "no credential",
		  "Id=a.service\nLoadState=loaded\nActiveState=failed\nUnitFileState=enabled\n"
		  "Result=start-limit-hit\nExecMainStatus=243\n",
		  "FAIL  units       a.service failed: its credential" },
		{ "tries again and again",
		  "Id=a.service\nLoadState=loaded\nActiveState=activating\nSubState=auto-restart\n"
		  "UnitFileState=enabled\nResult=exit-code\nExecMainStatus=243\n",
		  "FAIL  units       a.service failed: its credential" },
		{ "PIN",
		  "Id=a.service\nLoadState=loaded\nActiveState=failed\nUnitFileState=enabled\n"
		  "Result=exit-code\nExecMainStatus=78\n",
		  "FAIL  units       a.service failed: the token's PIN is missing, open" },
		{ "hung",
		  "Id=a.service\nLoadState=loaded\nActiveState=failed\nUnitFileState=enabled\n"
		  "Result=watchdog\nExecMainStatus=9\n",
		  "FAIL  units       a.service failed: it hung" },
		{ "given up, by its socket",
		  "Id=a.socket\nLoadState=loaded\nActiveState=failed\nUnitFileState=enabled\n"
		  "Result=service-start-limit-hit\n",
		  "FAIL  units       a.socket failed: it ended too often" },
		{ "another reason",
		  "Id=a.service\nLoadState=loaded\nActiveState=failed\nUnitFileState=enabled\n"
		  "Result=exit-code\nExecMainStatus=1\n",
		  "FAIL  units       a.service failed: its journal" },
		{ "masked",
		  "Id=a.service\nLoadState=masked\nActiveState=inactive\nUnitFileState=masked\n",
		  "FAIL  units       a.service is masked" },
		{ "not enabled",
		  "Id=a.service\nLoadState=loaded\nActiveState=active\nUnitFileState=disabled\n",
		  "WARN  units       a.service does not start with the PC: systemctl enable" },
		{ "stopped",
		  "Id=a.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\n",
		  "WARN  units       a.service does not run (inactive): systemctl start" },
		{ "two",
		  "Id=a.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\n"
		  "Id=b.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n",
		  "ok    units       a.service is enabled and runs\n"
		  "ok    units       b.service is enabled and runs\n" },
		{ "nothing", "\n\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct check c = { 0 };
		char shown[512];
		FILE *file;
		int saved;

		strcpy(shown, rows[i].shown);
		saved = begin(&file);
		doctor_read_units(shown, &c);
		end(saved, file);
		if (strncmp(said, rows[i].row, strlen(rows[i].row)) != 0)
			fail_msg("%s: %s", rows[i].name, said);
	}
}

static void unit_ids_are_hidden(void **state)
{
	static struct hide hide;
	char text[] = "\"unit\":\"T-1\", \"text\":\"unit T-1: key of AB/7\"\n"
		      "<6>passed unit=T-10 nest=A1 reason=\"AB/7, XT-1, T-1\"\n"
		      "<6>refused unit=\"AB/7\"\n";

	(void)state;
	hide_learn(&hide, text);
	hide_apply(&hide, text);
	assert_int_equal(hide.count, 3);
	assert_string_equal(text, "\"unit\":\"***\", \"text\":\"unit ***: key of ****\"\n"
				  "<6>passed unit=**** nest=A1 reason=\"****, XT-1, ***\"\n"
				  "<6>refused unit=\"****\"\n");
}

static void remarks_are_hidden(void **state)
{
	static const struct {
		const char *name, *text, *left;
	} rows[] = {
		{ "nothing to hide", "a: b\nc: \"#1\"\nd: e#f\n", "a: b\nc: \"#1\"\nd: e#f\n" },
		{ "comments", "# PIN 1\na: b # PIN 2\n  #\n", "*******\na: b *******\n  *\n" },
		{ "after quotes", "a: \"b\" # P\nc: don't # P\nd: ['e', \"f\"] # P",
		  "a: \"b\" ***\nc: don't ***\nd: ['e', \"f\"] ***" },
		{ "init_args", "t:\n  init_args: P\n  b: c\n", "t:\n  init_args***\n  b: c\n" },
		{ "on more lines", "t:\n  init_args: >\n    P\n\n   P\n  b: c\n",
		  "t:\n  init_args***\n    *\n\n   *\n  b: c\n" },
		{ "in one line", "t: { \"init_args\": \"P\", b: c }\nd: e",
		  "t: { \"init_args**************\nd: e" },
		{ "remarked", "#init_args: P\n  b: c\n", "*************\n  b: c\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128];

		strcpy(text, rows[i].text);
		hide_remarks(text);
		if (strcmp(text, rows[i].left) != 0)
			fail_msg("%s: %s", rows[i].name, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_said_and_read), cmocka_unit_test(other_lines_are_no_rows),
		cmocka_unit_test(units_become_rows),	  cmocka_unit_test(unit_ids_are_hidden),
		cmocka_unit_test(remarks_are_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
