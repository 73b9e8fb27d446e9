/* config: what is refused, where it says the mistake is, and what it says is allowed. */
#include "base/config.h"

#include "base/cleanup.h"
#include "base/config_tree.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct item {
	char *name;
	uint8_t weight;
};

struct box {
	char *title;
	struct item *items;
	uint32_t items_count;
	bool open;
	int colour;
	uint32_t *size;
};

static const cyaml_strval_t colours[] = { { "red", 1 }, { "green", 2 } };
static const cyaml_schema_field_t item_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct item, name, 1, 8),
	CYAML_FIELD_UINT("weight", CYAML_FLAG_OPTIONAL, struct item, weight),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t item_schema = { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT,
								      struct item, item_fields) };
static const cyaml_schema_field_t box_fields[] = {
	CYAML_FIELD_STRING_PTR("title", CYAML_FLAG_POINTER, struct box, title, 1, 8),
	CYAML_FIELD_SEQUENCE("items", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct box, items,
			     &item_schema, 1, 3),
	CYAML_FIELD_BOOL("open", CYAML_FLAG_OPTIONAL, struct box, open),
	CYAML_FIELD_ENUM("colour", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct box, colour,
			 colours, 2),
	CYAML_FIELD_UINT_PTR("size", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct box, size),
	CYAML_FIELD_IGNORE("notes", CYAML_FLAG_OPTIONAL),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct box,
								 box_fields) };

static const struct {
	const char *name, *text, *sentence; /* the sentence begins so; NULL: it is taken */
} cases[] = {
	{ "least", "title: x\n", NULL },
	{ "all", "title: x\nitems: [{name: a, weight: 255}]\nopen: yes\ncolour: red\nsize: 0\n",
	  NULL },
	{ "words stay text", "title: no\n", NULL },
	{ "ignored part", "title: x\nnotes: {a: [1, {b: c}]}\n", NULL },
	{ "unknown key", "title: x\nitems:\n  - {name: z, foo: 1}\n",
	  "f:3:15: unknown key \"foo\"; allowed here: name, weight" },
	{ "unknown key at the top", "title: x\nTitle: y\n",
	  "f:2:1: unknown key \"Title\"; allowed here: title, items, open, colour, size, notes" },
	{ "missing key", "title: x\nitems:\n  - {weight: 1}\n",
	  "f:3:5: the key \"name\" is missing here" },
	{ "second time", "title: x\ntitle: y\n",
	  "f:2:1: title is here a second time; the first is in line 1" },
	{ "second unknown", "title: x\nfoo: 1\nfoo: 2\n", "f:2:1: unknown key \"foo\"" },
	{ "text too long", "title: 123456789\n",
	  "f:1:8: 9 characters; allowed here: text of 1 to 8 characters" },
	{ "text empty", "title: ''\n", "f:1:8: 0 characters" },
	{ "no value", "title:\n", "f:1:7: title has no value; allowed here: one text" },
	{ "list for text", "title: [a]\n", "f:1:8: title: allowed here: one text" },
	{ "text for list", "title: x\nitems: a\n", "f:2:8: items: allowed here: a list" },
	{ "text for keys", "title: x\nitems: [a]\n", "f:2:9: allowed here: keys with values" },
	{ "list too long", "title: x\nitems: [{name: a}, {name: b}, {name: c}, {name: d}]\n",
	  "f:2:8: 4 entries in this list; allowed here: 1 to 3" },
	{ "list empty", "title: x\nitems: []\n", "f:2:8: 0 entries" },
	{ "no boolean", "title: x\nopen: maybe\n", "f:2:7: \"maybe\" is neither yes nor no" },
	{ "capital boolean", "title: x\nopen: Yes\n", "f:2:7: \"Yes\" is neither" },
	{ "unknown name", "title: x\ncolour: blue\n",
	  "f:2:9: \"blue\" is unknown; allowed here: red, green" },
	{ "name by number", "title: x\ncolour: 1\n", "f:2:9: \"1\" is unknown" },
	{ "over range", "title: x\nitems: [{name: a, weight: 256}]\n",
	  "f:2:27: \"256\" is too large; allowed here: 0 to 255" },
	{ "far over range", "title: x\nsize: 99999999999999999999999\n",
	  "f:2:7: \"99999999999999999999999\" is too large" },
	{ "octal", "title: x\nsize: 010\n", "f:2:7: \"010\" is no number" },
	{ "hexadecimal", "title: x\nsize: 0x10\n", "f:2:7: \"0x10\" is no number" },
	{ "negative", "title: x\nsize: -1\n", "f:2:7: \"-1\" is no number" },
	{ "empty file", "", "f:1:1: the file is empty" },
	{ "only a comment", "# nothing\n", "f:1:1: the file is empty" },
	{ "a list at the top", "- x\n", "f:1:1: allowed here: keys with values" },
	{ "no YAML", "title: [x\n", "f:2:1: " },
	{ "a tab", "title: x\n\tsize: 1\n", "f:2:1: " },
	{ "alias", "title: &t x\nitems: [{name: *t}]\n",
	  "f:1:8: anchors (&) and tags (!) are not used here" },
	{ "anchored list", "title: x\nitems: &l [{name: a}]\n", "f:2:8: anchors" },
	{ "tag", "title: !!str x\n", "f:1:8: anchors" },
	{ "alias of nothing", "title: *t\n", "f:1:8: aliases" },
	{ "two documents", "title: x\n---\ntitle: y\n", "f:2:1: a second document" },
	{ "key that is a list", "? [a]\n: x\n", "f:1:3: a key must be text" },
	{ "two lines", "title: |\n  a\n  b\n", "f:1:8: a value is one line" },
	{ "escaped NUL", "title: \"a\\0b\"\n", "f:1:8: a value is one line" },
	{ "escape character", "title: \"\\e[2J\"\n", "f:1:8: a value is one line" },
	{ "bad UTF-8", "title: \xff\xfe\n", "f:1:1: " },
	{ "deep", "title: x\nnotes: [[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]]\n",
	  "f:2:23: nested too deeply" },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cyaml_data_t *value = NULL;
		struct err e = { 0 };
		bool done = config_parse("f", cases[i].text, strlen(cases[i].text), &schema, &value,
					 &e);
		bool right = cases[i].sentence ? !done && e.code == ERR_INVALID &&
							 strncmp(e.text, cases[i].sentence,
								 strlen(cases[i].sentence)) == 0
					       : done;

		if (!right)
			fail_msg("%s: %s", cases[i].name, done ? "was taken" : e.text);
		config_free(&schema, value);
	}
}

static void test_values(void **state)
{
	const char text[] = "title: no\nitems: [{name: a, weight: 255}, {name: b}]\n"
			    "open: no\ncolour: green\nsize: 7\n";
	cyaml_data_t *value = NULL;
	struct box *box;
	struct err e;

	(void)state;
	assert_true(config_parse("f", text, strlen(text), &schema, &value, &e));
	box = value;
	assert_string_equal(box->title, "no");
	assert_int_equal(box->items_count, 2);
	assert_int_equal(box->items[0].weight, 255);
	assert_false(box->open);
	assert_int_equal(box->colour, 2);
	assert_int_equal(*box->size, 7);
	config_free(&schema, value);
}

static void test_nul_byte(void **state)
{
	const char text[] = "title: x\n\0open: yes\n";
	cyaml_data_t *value = NULL;
	struct err e;

	(void)state;
	assert_false(config_parse("f", text, sizeof(text) - 1, &schema, &value, &e));
	assert_string_equal(e.text, "f holds a NUL byte (the 10th): not a text file");
}

static void count_mistakes(void *context, const struct err *mistake)
{
	size_t *count = context;

	assert_int_equal(mistake->code, ERR_INVALID);
	++*count;
}

/* A throw-away folder with one file in it. */
static char folder[] = "/tmp/imprint-test-config-XXXXXX", path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/f.yaml", folder);
	return 0;
}

static int drop_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void write_file(const char *text, size_t len)
{
	AUTO(FILE) file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
}

static void test_every_mistake(void **state)
{
	const char text[] = "titel: x\nopen: maybe\nitems: [{}]\n";
	cyaml_data_t *value = NULL;
	size_t count = 0;
	struct err e;

	(void)state;
	write_file(text, strlen(text));
	assert_false(config_load_reported(path, &schema, count_mistakes, &count, &value, &e));
	assert_int_equal(count, 4); /* titel, open, name, and title at the end */
	assert_non_null(strstr(e.text, "f.yaml:1:1: unknown key \"titel\""));
}

static void test_places(void **state)
{
	static const struct {
		const char *key_path, *place;
	} places[] = {
		{ "title", "f.yaml:1:8: why" },
		{ "items[1].name", "f.yaml:4:11: why" },
		{ "items[1]", "f.yaml:4:5: why" },
		{ "items[1].weight", "f.yaml:4:5: why" }, /* absent: its entry */
		{ "items[7].name", "f.yaml:3:3: why" },
		{ "size", "f.yaml:1:1: why" },
	};
	const char text[] = "title: x\nitems:\n  - name: a\n  - name: b\n";
	uint32_t size = 11;
	unsigned number = 5;
	struct err e;

	(void)state;
	write_file(text, strlen(text));
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		assert_false(config_mistake(path, places[i].key_path, &e, "why"));
		assert_string_equal(e.text + strlen(folder) + 1, places[i].place);
	}
	assert_false(config_number(path, "size", &size, 1, 2, 10, &number, &e));
	assert_non_null(strstr(e.text, "11 is out of range; allowed here: 2 to 10"));
	assert_int_equal(number, 5);
	assert_true(config_number(path, "size", NULL, 1, 2, 10, &number, &e));
	assert_int_equal(number, 1);
}

static void test_files(void **state)
{
	AUTO_FREE char *large = malloc(CONFIG_MAX + 1);
	cyaml_data_t *value = NULL;
	struct err e;

	(void)state;
	unlink(path);
	assert_false(config_load(path, &schema, &value, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_false(config_load(folder, &schema, &value, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_int_equal(mkfifo(path, 0600),
			 0); /* would wait for ever if it were opened for reading */
	assert_false(config_load(path, &schema, &value, &e));
	assert_non_null(strstr(e.text, "is not a regular file"));
	unlink(path);
	memset(large, '#', CONFIG_MAX + 1);
	write_file(large, CONFIG_MAX + 1);
	assert_false(config_load(path, &schema, &value, &e));
	assert_non_null(strstr(e.text, "is longer than 262144 bytes"));
	write_file(large, CONFIG_MAX);
	assert_false(config_load(path, &schema, &value, &e));
	assert_non_null(strstr(e.text, "the file is empty"));
}

static void test_beside(void **state)
{
	static const struct {
		const char *file, *name, *result;
	} rows[] = {
		{ "/etc/imprint/a.yaml", "b.pem", "/etc/imprint/b.pem" },
		{ "/etc/imprint/a.yaml", "/b.pem", "/b.pem" },
		{ "a.yaml", "b.pem", "b.pem" },
		{ "/a.yaml", "x/b.pem", "/x/b.pem" },
	};
	char result[PATH_MAX], *endless = NULL;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_true(file_beside(rows[i].file, rows[i].name, result, &e));
		assert_string_equal(result, rows[i].result);
	}
	endless = malloc(PATH_MAX + 1);
	memset(endless, 'x', PATH_MAX);
	endless[PATH_MAX] = '\0';
	assert_false(file_beside("a.yaml", endless, result, &e));
	free(endless);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	 cmocka_unit_test(test_values),
		cmocka_unit_test(test_nul_byte), cmocka_unit_test(test_every_mistake),
		cmocka_unit_test(test_places),	 cmocka_unit_test(test_files),
		cmocka_unit_test(test_beside),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
