/* control: every message to and from the station. */
#include "station/control/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static uint8_t record[MESSAGE_MAX], again[MESSAGE_MAX];

static struct control_request full_request(enum control_type type)
{
	struct control_request r = { .type = type, .after = 77 };

	strcpy(r.nests, "A1 B2 C3");
	strcpy(r.unit, "T-0001");
	strcpy(r.operator, "Wang");
	return r;
}

static void every_request_comes_back(void **state)
{
	(void)state;
	for (enum control_type type = 1; type < CONTROL_TYPE_COUNT; type++) {
		struct control_request sent = full_request(type), got;
		size_t len, again_len;

		assert_true(control_request_encode(&sent, record, &len));
		assert_true(control_request_decode(bytes_of(record, len), &got));
		assert_true(control_request_encode(&got, again, &again_len));
		assert_int_equal(len, again_len);
		assert_memory_equal(record, again, len);
		assert_string_not_equal(control_name(type), "?");
	}
}

static void every_cut_and_every_leftover_is_refused(void **state)
{
	(void)state;
	for (enum control_type type = 1; type < CONTROL_TYPE_COUNT; type++) {
		struct control_request sent = full_request(type), got;
		size_t len;

		assert_true(control_request_encode(&sent, record, &len));
		for (size_t cut = 0; cut < len; cut++)
			assert_false(control_request_decode(bytes_of(record, cut), &got));
		record[len] = 0;
		assert_false(control_request_decode(bytes_of(record, len + 1), &got));
	}
}

static void odd_records_are_refused(void **state)
{
	static const struct {
		const char *name;
		uint8_t bytes[8];
		size_t len;
	} rows[] = {
		{ "empty", { 0 }, 0 },
		{ "another version", { 2, CONTROL_WATCH }, 2 },
		{ "type 0", { 1, 0 }, 2 },
		{ "a type too high", { 1, CONTROL_TYPE_COUNT }, 2 },
		{ "a reply's type", { 1, CONTROL_DONE }, 2 },
		{ "a name with a NUL", { 1, CONTROL_ABORT, 0, 2, 'A', 0 }, 6 },
		{ "a name with an escape", { 1, CONTROL_ABORT, 0, 2, 27, '[' }, 6 },
	};
	struct control_request got;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (control_request_decode(bytes_of(rows[i].bytes, rows[i].len), &got))
			fail_msg("%s was taken", rows[i].name);
}

static struct control_nest full_nest(uint64_t index)
{
	struct control_nest n = { .index = index,
				  .row = 2,
				  .column = 3,
				  .state = CONTROL_ENDED,
				  .answer = ANSWER_STARTED,
				  .step_index = 5,
				  .step_count = 10,
				  .bytes_done = 100,
				  .bytes_total = 200,
				  .elapsed_ms = 900,
				  .run = 12,
				  .batch = 4,
				  .tries = 2,
				  .outcome = OUTCOME_FAIL,
				  .started_at = 1795324416 };

	strcpy(n.name, "B3");
	strcpy(n.step, "install");
	strcpy(n.unit, "T-0390");
	strcpy(n.order, "WO-4711");
	strcpy(n.product, "thermostat-eu");
	strcpy(n.operator, "Wang");
	strcpy(n.code, "F21");
	strcpy(n.evidence, "signed");
	memset(n.text, 't', CONTROL_TEXT_MAX);
	memset(n.remedy, 'r', CONTROL_REMEDY_MAX);
	memset(n.certificate_id, 'a', CONTROL_ID_MAX);
	return n;
}

static void nests_come_back(void **state)
{
	static uint8_t rows[CONTROL_ROWS_MAX];
	struct writer w = { .data = rows, .size = sizeof(rows) };
	struct control_reply sent = { .type = CONTROL_NESTS, .more = 1 }, got;
	struct control_nest nest, expected;
	struct reader r;
	size_t len;

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		nest = full_nest(i);
		control_nest_write(&w, &nest);
	}
	assert_true(writer_ok(&w));
	strcpy(sent.station.station, "SZ1");
	sent.station.quantity = 400;
	sent.rows = bytes_of(rows, w.len);
	assert_true(control_reply_encode(&sent, record, &len));
	assert_true(control_reply_decode(bytes_of(record, len), &got));
	assert_int_equal(got.more, 1);
	assert_int_equal(got.station.quantity, 400);
	assert_string_equal(got.station.station, "SZ1");

	r = (struct reader) { .data = got.rows.data, .len = got.rows.len };
	for (uint64_t i = 0; i < 3; i++) {
		assert_true(control_nest_read(&r, &nest));
		expected = full_nest(i);
		assert_memory_equal(&nest, &expected, sizeof(nest));
	}
	assert_false(control_nest_read(&r, &nest));
	assert_true(reader_end(&r));
}

/* What is written of each kind of row comes back; cut anywhere, it is none. */
/* clang-format off */
#define ROW_COMES_BACK(kind, ...)									\
	static void a_##kind##_comes_back(void **state)						\
	{												\
		static const struct control_##kind sent = __VA_ARGS__;					\
		struct control_##kind got;								\
		struct writer w = { .data = again, .size = sizeof(again) };				\
		struct reader r;									\
													\
		(void)state;										\
		control_##kind##_write(&w, &sent);							\
		assert_true(writer_ok(&w));								\
		for (size_t cut = 0; cut < w.len; cut++) {						\
			r = (struct reader) { .data = again, .len = cut };				\
			assert_false(control_##kind##_read(&r, &got));					\
		}											\
		r = (struct reader) { .data = again, .len = w.len };					\
		assert_true(control_##kind##_read(&r, &got));						\
		assert_memory_equal(&got, &sent, sizeof(sent));						\
		assert_true(reader_end(&r));								\
	}
ROW_COMES_BACK(alarm, { .number = 7, .raised_at = 1795324416, .acknowledged_at = 1795324417, .count = 3, .active = 1,
			.code = "nest-stopped", .nests = "B3", .text = "text", .remedy = "remedy", .person = "Wang" })
ROW_COMES_BACK(signal, { .name = "present B3", .output = 1, .known = 1, .value = 1, .wanted = 1, .age_ms = 20,
			 .place = "io coil 16" })
ROW_COMES_BACK(badge, { .badge = "SUP-0001", .person = "Lee", .role = BADGE_SUPERVISOR, .enrolled_at = 1795324416 })
/* clang-format on */

static void names_are_read_back(void **state)
{
	enum control_mode mode = MODE_COUNT;
	enum control_role role = BADGE_COUNT;
	enum outcome outcome = OUTCOME_COUNT;

	(void)state;
	for (unsigned i = 0; i < MODE_COUNT; i++) {
		assert_true(control_mode_parse(control_mode_name(i), &mode));
		assert_int_equal(mode, i);
	}
	for (unsigned i = BADGE_OPERATOR; i < BADGE_COUNT; i++) {
		assert_true(control_role_parse(control_role_name(i), &role));
		assert_int_equal(role, i);
	}
	assert_false(control_role_parse("", &role)); /* nobody has the role of nobody */
	assert_false(control_mode_parse("", &mode));
	assert_false(control_outcome_parse("", &outcome));
	assert_true(control_outcome_parse("pass", &outcome));
}

static void a_cut_nest_is_no_nest(void **state)
{
	static uint8_t rows[CONTROL_ROWS_MAX];
	struct writer w = { .data = rows, .size = sizeof(rows) };
	struct control_nest nest = full_nest(0);

	(void)state;
	control_nest_write(&w, &nest);
	for (size_t cut = 1; cut < w.len; cut++) {
		struct reader r = { .data = rows, .len = cut };

		assert_false(control_nest_read(&r, &nest));
		assert_false(reader_end(&r));
	}
}

static void names_are_read_one_by_one(void **state)
{
	static const struct {
		const char *names;
		const char *words[4];
	} rows[] = {
		{ "", { NULL } },
		{ "   ", { NULL } },
		{ "A1", { "A1", NULL } },
		{ "  A1   B22 ", { "A1", "B22", NULL } },
		{ "123456789012345678901234", { "12345678901234567", NULL } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *names = rows[i].names;
		char word[CONTROL_WORD_SIZE];

		for (size_t j = 0; rows[i].words[j]; j++) {
			assert_true(control_next_name(&names, word));
			assert_string_equal(word, rows[i].words[j]);
		}
		assert_false(control_next_name(&names, word));
	}
}

static void text_of_a_board_is_made_printable(void **state)
{
	char text[8];

	(void)state;
	control_copy_text(text, sizeof(text),
			  "a\033[2J\xc3\xa4"
			  "bc");
	assert_string_equal(text, "a?[2J??");
}

static void outcomes_have_names(void **state)
{
	enum outcome outcome = OUTCOME_NONE;

	(void)state;
	for (enum outcome o = OUTCOME_PASS; o < OUTCOME_COUNT; o++) {
		assert_true(control_outcome_parse(control_outcome_name(o), &outcome));
		assert_int_equal(outcome, o);
	}
	assert_true(control_outcome_parse("fail", &outcome));
	assert_int_equal(outcome, OUTCOME_FAIL);
	assert_false(control_outcome_parse("", &outcome));
	assert_false(control_outcome_parse("PASSED", &outcome));
	assert_string_equal(control_outcome_name(OUTCOME_COUNT), "?");
	assert_string_equal(control_state_name(99), "?");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_comes_back),
		cmocka_unit_test(every_cut_and_every_leftover_is_refused),
		cmocka_unit_test(odd_records_are_refused),
		cmocka_unit_test(nests_come_back),
		cmocka_unit_test(a_cut_nest_is_no_nest),
		cmocka_unit_test(a_alarm_comes_back),
		cmocka_unit_test(a_signal_comes_back),
		cmocka_unit_test(a_badge_comes_back),
		cmocka_unit_test(names_are_read_back),
		cmocka_unit_test(names_are_read_one_by_one),
		cmocka_unit_test(text_of_a_board_is_made_printable),
		cmocka_unit_test(outcomes_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
