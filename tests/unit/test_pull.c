/* The streaming JSON reader: what it takes and what it refuses, each also fed in small pieces, so
 * that every token is cut somewhere. */
#include "cloud/reconcile/pull.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct input {
	struct bytes left;
	size_t piece;
};

static bool fill(void *context, uint8_t *data, size_t size, size_t *ret_len, struct err *e)
{
	struct input *input = context;
	size_t len = input->left.len < input->piece ? input->left.len : input->piece;

	(void)e;
	assert_true(len <= size);
	memcpy(data, input->left.data, len);
	input->left = bytes_of(input->left.data + len, input->left.len - len);
	*ret_len = len;
	return true;
}

static struct pull reader;

/* The tokens as one line: { } [ ] n:name s:text 1.5 T F 0 */
static bool tokens(struct bytes text, size_t piece, char *line, size_t size, struct err *e)
{
	static const char *const marks[] = {
		"", "{", "}", "[", "]", "n:", "s:", "", "T", "F", "0"
	};
	struct input input = { text, piece };
	enum pull_token token;
	size_t len = 0;

	*line = '\0';
	pull_start(&reader, fill, &input);
	for (;;) {
		bool has_text;

		if (!pull_next(&reader, &token, e))
			return false;
		if (token == PULL_END_OF_INPUT)
			return true;
		has_text = token == PULL_NAME || token == PULL_STRING || token == PULL_NUMBER;
		len += (size_t)snprintf(line + len, size - len, "%s%s%.*s", len ? " " : "",
					marks[token], has_text ? (int)reader.text.len : 0,
					(const char *)reader.text.data);
		assert_true(len < size);
	}
}

static const struct {
	const char *text, *tokens;
} good[] = {
	{ "", "" },
	{ " \t\r\n", "" },
	{ "{}", "{ }" },
	{ " [ ] ", "[ ]" },
	{ "{\"a\":1,\"b\":[true,false,null]}", "{ n:a 1 n:b [ T F 0 ] }" },
	{ "[[],{},[{}]]", "[ [ ] { } [ { } ] ]" },
	{ "{\"a\":{\"a\":\"a\"}}\n{\"b\":0}", "{ n:a { n:a s:a } } { n:b 0 }" },
	{ "{}{}[]", "{ } { } [ ]" },
	{ "[0,-0,10,-1.5,1e5,1E+5,1.479858431123E9,2e-7]",
	  "[ 0 -0 10 -1.5 1e5 1E+5 1.479858431123E9 2e-7 ]" },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "s:\"\\/\b\f\n\r\t" },
	{ "\"\\u0041\\u00e9\\u20AC\\ud83d\\uDE00\"", "s:A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", "s:A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"",
	  "s:\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf" },
	{ "\"\x7f\"", "s:\x7f" },
	{ "7", "7" },
	{ "\"\"", "s:" },
	{ "1 2", "1 2" },
};

static const struct {
	const char *text, *sentence;
} bad[] = {
	{ "{", "byte 1: the JSON ends in the middle" },
	{ "[1", "ends in the middle" },
	{ "[1,", "ends in the middle" },
	{ "{\"a\"", "ends in the middle" },
	{ "{\"a\":", "ends in the middle" },
	{ "\"abc", "byte 4: the JSON ends in the middle" },
	{ "\"abc\\", "ends in the middle" },
	{ "\"\\u12", "ends in the middle" },
	{ "\"\xc3", "ends in the middle" },
	{ "tru", "ends in the middle" },
	{ "[1.", "ends in the middle" },
	{ "-", "ends in the middle" },
	{ "1e", "ends in the middle" },
	{ "}", "byte 1: this is no JSON" },
	{ "]", "byte 1: this is no JSON" },
	{ "[1}", "byte 3: a comma, or the closing bracket, is missing" },
	{ "{\"a\":1]", "a comma, or the closing bracket" },
	{ "[1 2]", "byte 4: a comma, or the closing bracket" },
	{ "[1,]", "byte 4: this is no JSON" },
	{ "[,1]", "this is no JSON" },
	{ "{,}", "the name of a member" },
	{ "{\"a\":1,}", "byte 8: the name of a member" },
	{ "{\"a\" 1}", "a colon is missing" },
	{ "{\"a\",1}", "a colon is missing" },
	{ "{\"a\":}", "this is no JSON" },
	{ "{\"a\":,}", "this is no JSON" },
	{ "{1:2}", "the name of a member" },
	{ "{a:2}", "the name of a member" },
	{ "['a']", "this is no JSON" },
	{ "[+1]", "this is no JSON" },
	{ "[.5]", "this is no JSON" },
	{ "[01]", "a comma, or the closing" },
	{ "[1.e5]", "a digit is missing" },
	{ "[-a]", "a digit is missing" },
	{ "[1e+]", "a digit is missing" },
	{ "[0x10]", "a comma, or the closing" },
	{ "[NaN]", "this is no JSON" },
	{ "[True]", "this is no JSON" },
	{ "[trux]", "this is no JSON" },
	{ "\"\n\"", "a control character" },
	{ "\"a\tb\"", "a control character" },
	{ "\"\\x\"", "no such escape" },
	{ "\"\\u00g0\"", "four hexadecimal digits" },
	{ "\"\\ud800\"", "half a character" },
	{ "\"\\ud800x\"", "half a character" },
	{ "\"\\ud800\\n\"", "half a character" },
	{ "\"\\ud800\\u0041\"", "half a character" },
	{ "\"\\udc00\"", "half a character" },
	{ "\"\x80\"", "not UTF-8" },
	{ "\"\xc0\xaf\"", "not UTF-8" },
	{ "\"\xe0\x80\xaf\"", "not UTF-8" },
	{ "\"\xed\xa0\x80\"", "not UTF-8" },
	{ "\"\xf0\x80\x80\xaf\"", "not UTF-8" },
	{ "\"\xf4\x90\x80\x80\"", "not UTF-8" },
	{ "\"\xf5\x80\x80\x80\"", "not UTF-8" },
	{ "\"\xc3\"", "not UTF-8" },
	{ "\xef\xbb\xbf{}", "byte 1: this is no JSON" },
	{ "// no\n{}", "this is no JSON" },
};

static void takes(void **state)
{
	char line[256];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		for (size_t piece = 1; piece < 32; piece++) {
			if (!tokens(bytes_text(good[i].text), piece, line, sizeof(line), &e))
				fail_msg("%s: %s", good[i].text, e.text);
			assert_string_equal(line, good[i].tokens);
		}
}

static void refuses(void **state)
{
	char line[256];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (size_t piece = 1; piece < 32; piece++) {
			if (tokens(bytes_text(bad[i].text), piece, line, sizeof(line), &e))
				fail_msg("%s: passed", bad[i].text);
			if (e.code != ERR_INVALID || !strstr(e.text, bad[i].sentence))
				fail_msg("%s: %s", bad[i].text, e.text);
		}
}

/* The text at the limit and one more; from the buffer, and copied. */
static void limits(void **state)
{
	static char text[2 * PULL_TEXT_MAX], line[2 * PULL_TEXT_MAX];
	struct err e;

	(void)state;
	for (int escaped = 0; escaped < 2; escaped++) {
		memset(text, 'a', sizeof(text));
		memcpy(text, escaped ? "\"\\n" : "\"a", escaped ? 3 : 2);
		text[PULL_TEXT_MAX + 1 + escaped] = '"';
		assert_true(tokens(bytes_of(text, (size_t)PULL_TEXT_MAX + 2 + (size_t)escaped),
				   1000, line, sizeof(line), &e));
		text[PULL_TEXT_MAX + 1 + escaped] = 'a';
		text[PULL_TEXT_MAX + 2 + escaped] = '"';
		assert_false(tokens(bytes_of(text, (size_t)PULL_TEXT_MAX + 3 + (size_t)escaped),
				    1000, line, sizeof(line), &e));
		assert_non_null(strstr(e.text, "longer than"));
	}
	memset(text, '[', PULL_DEPTH_MAX + 1);
	memset(text + PULL_DEPTH_MAX, ']', PULL_DEPTH_MAX);
	assert_true(tokens(bytes_of(text, 2 * PULL_DEPTH_MAX), 7, line, sizeof(line), &e));
	text[PULL_DEPTH_MAX] = '[';
	assert_false(tokens(bytes_of(text, 2 * PULL_DEPTH_MAX), 7, line, sizeof(line), &e));
	assert_non_null(strstr(e.text, "too deeply"));
}

static void skips(void **state)
{
	struct input input = { bytes_text("{\"a\":[1,{\"b\":[]},\"]\"],\"c\":2}"), 3 };
	enum pull_token token;
	struct err e;

	(void)state;
	pull_start(&reader, fill, &input);
	assert_true(pull_next(&reader, &token, &e) && token == PULL_OBJECT);
	assert_true(pull_next(&reader, &token, &e) && token == PULL_NAME);
	assert_true(pull_next(&reader, &token, &e) && token == PULL_ARRAY);
	assert_true(pull_skip(&reader, token, &e));
	assert_true(pull_next(&reader, &token, &e) && token == PULL_NAME);
	assert_memory_equal(reader.text.data, "c", 1);
	assert_true(pull_next(&reader, &token, &e) && token == PULL_NUMBER);
	assert_true(pull_skip(&reader, token, &e));
	assert_true(pull_next(&reader, &token, &e) && token == PULL_OBJECT_END);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes),
		cmocka_unit_test(refuses),
		cmocka_unit_test(limits),
		cmocka_unit_test(skips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
