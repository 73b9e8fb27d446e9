/* file: lines of any length, read into little room. */
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 8
#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* Each file has two lines at the most. */
static const struct {
	const char *name, *text;
	size_t text_len, len[2];
	const char *line[2];
	bool torn; /* the last of them */
} files[] = {
	{ "nothing", "", 0, { 0, 0 }, { "", "" }, true },
	{ "an empty line", "\n", 1, { 1, 0 }, { "\n", "" }, false },
	{ "two lines", "one\ntwo\n", 8, { 4, 4 }, { "one\n", "two\n" }, false },
	{ "torn", "one\ntw", 6, { 4, 2 }, { "one\n", "tw" }, true },
	{ "just fits", "123456\nx\n", 9, { 7, 2 }, { "123456\n", "x\n" }, false },
	{ "one too long", "1234567\nx\n", 10, { 8, 2 }, { "1234567", "x\n" }, false },
	{ "far too long", "123456789abcdef\nx\n", 18, { 16, 2 }, { "1234567", "x\n" }, false },
	{ "torn where it is cut", "x\n1234567", 9, { 2, 7 }, { "x\n", "1234567" }, true },
	{ "long and torn", "x\n123456789", 11, { 2, 9 }, { "x\n", "1234567" }, true },
	{ "a NUL", "a\0b\nc\n", 6, { 4, 2 }, { "a\0b\n", "c\n" }, false },
};

static void lines_of_each_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		FILE *file = tmpfile();
		char line[ROOM + 1];

		assert_non_null(file);
		assert_int_equal(fwrite(files[i].text, 1, files[i].text_len, file),
				 files[i].text_len);
		rewind(file);
		line[ROOM] = '#'; /* behind the room that it is given */
		for (size_t n = 0; n < 2 && files[i].len[n]; n++) {
			size_t len = file_line(file, line, ROOM);

			if (len != files[i].len[n])
				fail_msg("%s: line %zu has %zu bytes", files[i].name, n, len);
			assert_memory_equal(line, files[i].line[n], len < ROOM ? len + 1 : ROOM);
			assert_int_equal(line[ROOM], '#');
			if (n == 1 || !files[i].len[1])
				assert_int_equal(!!feof(file), files[i].torn);
		}
		assert_int_equal(file_line(file, line, ROOM), 0);
		assert_string_equal(line, "");
		assert_false(ferror(file));
		fclose(file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines_of_each_file) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
