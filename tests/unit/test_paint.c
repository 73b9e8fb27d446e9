/* paint: which cells follow from what the station says. */
#include "tests/unit/screen_models.h"

#include "station/screen/tiles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define WANTED_MAX 8

static struct canvas canvas;

static char *painted(const struct model *m, const struct face *face, int rows, int columns)
{
	char *text = NULL;
	size_t size;
	FILE *to;

	canvas_clear(&canvas, rows, columns);
	paint(&canvas, m, face);
	to = open_memstream(&text, &size);
	assert_non_null(to);
	canvas_print(&canvas, to);
	fclose(to);
	return text;
}

/* --- one picture of each kind --- */

static struct model *offline(void)
{
	struct model *m = model_running(8, 4);

	m->is_up = false;
	strcpy(m->lost_text, "the station does not run; start imprint-station");
	return m;
}

static struct model *ready_16(void)
{
	return model_ready(16, 8);
}

static struct model *running_16(void)
{
	return model_running(16, 8);
}

static struct model *passed_8(void)
{
	return model_passed(8, 4);
}

static struct model *failed_8(void)
{
	return model_failed(8, 4);
}

static struct model *erred_8(void)
{
	struct model *m = model_passed(8, 4);

	model_fail(m, 0, OUTCOME_ERROR, "token");
	return m;
}

static struct model *load(void)
{
	struct model *m = model_ready(8, 4);

	m->station.phase = PHASE_LOAD;
	m->station.next = NEXT_LOAD;
	for (size_t i = 0; i < m->count; i++)
		m->nests[i].state = CONTROL_EMPTY;
	return m;
}

static struct model *estop_8(void)
{
	struct model *m = model_stopped(8, 4, STOP_ESTOP);

	m->station.powered = 1 << 2;
	return m;
}

static struct model *clamping(void)
{
	struct model *m = model_ready(8, 4);

	m->station.phase = PHASE_CLAMP;
	m->station.next = NEXT_WAIT;
	return m;
}

static struct model *one_board(void)
{
	struct model *m = model_ready(2, 4);

	m->nests[1].state = CONTROL_EMPTY;
	return m;
}

static struct model *tried_out(void)
{
	struct model *m = model_passed(8, 4);

	model_fail(m, 6, OUTCOME_FAIL, "F21");
	m->nests[6].tries_left = 0;
	m->station.next = NEXT_UNLOAD_FAILED;
	strcpy(m->station.next_nests, "B3");
	return m;
}

/* The failed board was put in again, the others lie there still. */
static struct model *reseated(void)
{
	struct model *m = model_passed(8, 4);

	m->nests[6].state = CONTROL_READY;
	m->nests[6].outcome = OUTCOME_NONE;
	m->station.next = NEXT_CLOSE_LID;
	return m;
}

static struct model *aborted_8(void)
{
	struct model *m = model_passed(8, 4);

	model_fail(m, 0, OUTCOME_ABORTED, "aborted");
	m->station.next = NEXT_START;
	return m;
}

/* The station ended under way, and stands before the boards again. */
static struct model *interrupted_8(void)
{
	struct model *m = model_ready(8, 4);

	for (size_t i = 0; i < 8; i++) {
		m->nests[i].state = CONTROL_ENDED;
		m->nests[i].outcome = OUTCOME_ABORTED;
		strcpy(m->nests[i].code, "interrupted");
	}
	return m;
}

/* New boards are in; the last one's nest failed too often before. */
static struct model *nest_stopped(void)
{
	struct model *m = model_passed(8, 4);

	model_fail(m, 7, OUTCOME_FAIL, "F21");
	m->nests[7].marked = 0;
	m->nests[7].state = CONTROL_STOPPED;
	m->station.batch++;
	for (size_t i = 0; i < 7; i++)
		m->nests[i].state = CONTROL_READY;
	strcpy(m->nests[0].label, "L-0815");
	m->station.phase = PHASE_READY;
	m->station.next = NEXT_START;
	return m;
}

static struct model *signer_away(void)
{
	struct model *m = load();

	strcpy(m->station.trouble, "the signer does not run; start imprint-signer");
	m->station.order[0] = '\0';
	m->alarm_count = 1;
	m->alarms[0].active = 1;
	strcpy(m->alarms[0].code, "signer");
	strcpy(m->alarms[0].text, m->station.trouble);
	return m;
}

static struct model *five_alarms(void)
{
	struct model *m = model_passed(16, 8);

	m->alarm_count = 5;
	for (size_t i = 0; i < m->alarm_count; i++) {
		strcpy(m->alarms[i].text, "The clock is not synchronised.");
		strcpy(m->alarms[i].remedy, "Check the network.");
	}
	return m;
}

static struct model *blocked(void)
{
	struct model *m = load();

	strcpy(m->station.trouble, "the token does not answer");
	m->station.next = NEXT_SIGNER;
	m->station.token_health = HEALTH_BAD;
	return m;
}

static struct model *login(void)
{
	struct model *m = load();

	m->station.next = NEXT_LOGIN;
	m->station.person[0] = '\0';
	return m;
}

static struct model *label(void)
{
	struct model *m = model_ready(8, 4);

	m->station.next = NEXT_LABEL;
	strcpy(m->station.next_nests, "A3");
	return m;
}

static struct model *golden(void)
{
	struct model *m = model_ready(8, 4);

	m->station.mode = MODE_GOLDEN;
	return m;
}

static struct model *test_ca(void)
{
	struct model *m = model_ready(8, 4);

	m->station.test_ca = 1;
	return m;
}

static struct model *bench_all_passed(void)
{
	struct model *m = model_passed(4, 4);

	m->station.phase = PHASE_BENCH;
	m->station.next = NEXT_UNLOAD;
	return m;
}

static struct model *bench_no_order(void)
{
	struct model *m = model_ready(4, 4);

	m->station.phase = PHASE_BENCH;
	m->station.next = NEXT_ORDER;
	m->station.order[0] = '\0';
	return m;
}

static const struct {
	const char *name;
	struct model *(*model)(void);
	enum language language;
	enum page page;
	const char *wanted[WANTED_MAX];
} cases[] = {
	{ "ready",
	  ready_16,
	  ENGLISH,
	  PAGE_NESTS,
	  { "16 boards are in.", "NEXT  Press START.", "WO-4711", "390/400  10 left",
	    "Wang (operator)", "FPY 97.9 %", "cycle 21 s  takt 24 s", "UPH 1180" } },
	{ "health",
	  ready_16,
	  ENGLISH,
	  PAGE_NESTS,
	  { "jig ok", "clock warn", "disk ok", "? help" } },
	{ "running",
	  running_16,
	  ENGLISH,
	  PAGE_NESTS,
	  { "0 of 16 done.", "A1 ● 1/10", "certific", "░" } },
	{ "passed",
	  passed_8,
	  ENGLISH,
	  PAGE_NESTS,
	  { "All 8 are good.", "A1 √ PASS", "4.3 s", "T-0384", "Take the boards out." } },
	{ "failed",
	  failed_8,
	  ENGLISH,
	  PAGE_NESTS,
	  { "1 of 8", "Re-seat B3", "B3 ✘ FAIL", "F21 re-seat", "F21  the flash did not keep",
	    "Try 1 of 2. Run the board again" } },
	{ "failed, German",
	  failed_8,
	  GERMAN,
	  PAGE_NESTS,
	  { "1 von 8", "B3 neu einlegen", "B3 ✘ FAIL", "Der Flash hat das Zertifikat",
	    "Versuch 1 von 2. Erneut starten" } },
	{ "failed, Chinese",
	  failed_8,
	  CHINESE,
	  PAGE_NESTS,
	  { "不合格：1 / 8", "重新放好 B3", "B3 ✘ FAIL", "闪存未保存证书", "第 1 次，共 2 次" } },
	{ "failed, Japanese",
	  failed_8,
	  JAPANESE,
	  PAGE_NESTS,
	  { "不合格: 1 / 8", "フラッシュに証明書が残りません" } },
	{ "the station's fault",
	  erred_8,
	  ENGLISH,
	  PAGE_NESTS,
	  { "1 of 8", "the station's", "A1 ▲ ERROR" } },
	{ "load",
	  load,
	  ENGLISH,
	  PAGE_NESTS,
	  { "Waiting for boards.", "Put boards in and close the lid.", "A1 · " } },
	{ "stopped",
	  estop_8,
	  ENGLISH,
	  PAGE_NESTS,
	  { "The emergency stop was pressed.", "counts as ON at A3", "A1 T-0384, B1 T-0388",
	    "Run them again", "Pull the button out. Then press F8", "The jig was stopped." } },
	{ "stopped, German",
	  estop_8,
	  GERMAN,
	  PAGE_NESTS,
	  { "Der Not-Halt wurde gedrückt.", "gilt als EIN an A3", "(RESET) drücken." } },
	{ "clamping", clamping, ENGLISH, PAGE_NESTS, { "The jig closes." } },
	{ "one board", one_board, ENGLISH, PAGE_NESTS, { "One board is in." } },
	{ "no try left",
	  tried_out,
	  ENGLISH,
	  PAGE_NESTS,
	  { "Take out B3 first", "F21 take out", "No try is left: red bin" } },
	{ "re-seated, lid open",
	  reseated,
	  ENGLISH,
	  PAGE_NESTS,
	  { "Waiting for boards.", "Close the lid.", "A1 √ PASS" } },
	{ "aborted", aborted_8, ENGLISH, PAGE_NESTS, { "1 of 8 were aborted.", "A1 × ABORTED" } },
	{ "left in the middle, German",
	  interrupted_8,
	  GERMAN,
	  PAGE_NESTS,
	  { "8 Boards liegen ein.", "A1 × ABORTED", "mitten in seinem Lauf",
	    "bevor es die Station" } },
	{ "a stopped nest beside new boards",
	  nest_stopped,
	  ENGLISH,
	  PAGE_NESTS,
	  { "7 boards are in.", "B4 ‼ STOPPED", "L-0815", "failed too often",
	    "Clean its probes" } },
	{ "the signer is away, German",
	  signer_away,
	  GERMAN,
	  PAGE_NESTS,
	  { "SZ1  -  ", "Der Signierdienst antwortet nicht." } },
	{ "more alarms than fit", five_alarms, ENGLISH, PAGE_ALARMS, { " more" } },
	{ "blocked", blocked, ENGLISH, PAGE_NESTS, { "The station cannot", "token BAD" } },
	{ "login", login, ENGLISH, PAGE_NESTS, { "Scan your badge.", "no badge" } },
	{ "label", label, ENGLISH, PAGE_NESTS, { "Scan the label of the board in A3." } },
	{ "golden", golden, ENGLISH, PAGE_NESTS, { "GOLDEN UNIT CHECK" } },
	{ "test CA", test_ca, ENGLISH, PAGE_NESTS, { "TEST CA" } },
	{ "offline",
	  offline,
	  ENGLISH,
	  PAGE_NESTS,
	  { "The station does not", "Do not touch the boards", "start imprint-station" } },
	{ "bench, all passed",
	  bench_all_passed,
	  ENGLISH,
	  PAGE_NESTS,
	  { "All 4 are good.", "put new ones in, press SPACE" } },
	{ "bench, no order",
	  bench_no_order,
	  ENGLISH,
	  PAGE_NESTS,
	  { "no order in use", "Scan the work order" } },
	{ "report",
	  passed_8,
	  ENGLISH,
	  PAGE_REPORT,
	  { "SHIFT REPORT", "387", "97.9 %", "last 50" } },
	{ "lamps", passed_8, ENGLISH, PAGE_LAMPS, { "ABORTED", "■", "▲", "×" } },
	{ "help", passed_8, GERMAN, PAGE_HELP, { "IMPRINT-START", "F1 ?", "nächste Sprache" } },
	{ "no alarms", passed_8, ENGLISH, PAGE_ALARMS, { "No alarms." } },
};

static void what_the_station_says_is_to_be_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct face face = { .language = cases[i].language, .page = cases[i].page };
		struct model *m = cases[i].model();
		char *text = painted(m, &face, 24, 80);

		for (size_t j = 0; j < WANTED_MAX && cases[i].wanted[j]; j++)
			if (!strstr(text, cases[i].wanted[j]))
				fail_msg("%s: \"%s\" is not on the screen:\n%s", cases[i].name,
					 cases[i].wanted[j], text);
		free(text);
		free(m);
	}
}

static void alarms_say_what_to_do(void **state)
{
	struct face face = { .page = PAGE_ALARMS };
	struct model *m = model_ready(8, 4);
	char *text;

	(void)state;
	model_alarm(m, 3, "nest-stopped", true);
	model_alarm(m, 2, "token", false);
	model_alarm(m, 1, "disk", false);
	m->alarms[2].acknowledged_at = NOON;
	strcpy(m->alarms[2].person, "Li");
	text = painted(m, &face, 24, 80);
	assert_non_null(strstr(text, "‼ STANDS"));
	assert_non_null(strstr(text, "▲ gone"));
	assert_non_null(strstr(text, "×3 B3  nest B3 failed three times"));
	assert_non_null(strstr(text, "Clean the probes"));
	assert_non_null(strstr(text, "seen by Li"));
	assert_non_null(strstr(text, "alarms: 3 (F3)"));
	free(text);
	free(m);
}

static void every_one_of_64_nests_is_to_be_seen(void **state)
{
	static const size_t columns[] = { 8, 16, 64 };
	struct face face = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		struct model *m = model_failed(64, columns[i]);
		char *text = painted(m, &face, 24, 80);

		for (size_t j = 0; j < m->count; j++) {
			char wanted[32];

			snprintf(wanted, sizeof(wanted), "%s ", m->nests[j].name);
			if (!strstr(text, wanted))
				fail_msg("%s is not on the screen:\n%s", wanted, text);
		}
		assert_non_null(strstr(text, "F21"));
		free(text);
		free(m);
	}
}

static void the_geometry_is_the_jigs(void **state)
{
	struct model *m = model_passed(16, 8);
	struct face face = { 0 };
	char *text = painted(m, &face, 24, 80), *a, *b;

	(void)state;
	a = strstr(text, "A5 √");
	b = strstr(text, "B5 √");
	assert_true(a && b && a < b);
	while (a[-1] != '\n' && b[-1] != '\n')
		a--, b--;
	assert_true(a[-1] == '\n' && b[-1] == '\n'); /* each as far from its line's start */
	free(text);
	free(m);
}

/* A wide character and its right half come together, and nothing lies outside. */
static void check_cells(void)
{
	for (int row = 0; row < canvas.rows; row++) {
		for (int column = 0; column < canvas.columns; column++) {
			const struct cell *cell = &canvas.cells[row][column];
			bool wide = cell->character >= 0x2e80;

			assert_true(cell->style < STYLE_COUNT);
			if (wide)
				assert_true(column + 1 < canvas.columns && cell[1].character == 0);
			if (cell->character == 0)
				assert_true(column > 0 && cell[-1].character >= 0x2e80);
			if (canvas.ascii)
				assert_true(cell->character >= 0x20 && cell->character < 0x7f);
		}
	}
}

static void every_page_in_every_language_and_size(void **state)
{
	static const int sizes[][2] = { { 10, 10 },  { 24, 80 },  { 25, 81 },  { 36, 120 },
					{ 50, 160 }, { 23, 200 }, { 100, 300 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model *m = cases[i].model();

		for (size_t size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++) {
			for (int way = 0; way < LANGUAGE_COUNT * PAGE_COUNT; way++) {
				struct face face = { .language = way % LANGUAGE_COUNT,
						     .page = way / LANGUAGE_COUNT };

				free(painted(m, &face, sizes[size][0], sizes[size][1]));
				check_cells();
			}
		}
		free(m);
	}
}

static void ascii_is_ascii(void **state)
{
	struct face face = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model *m = cases[i].model();

		canvas.ascii = true;
		free(painted(m, &face, 24, 80));
		check_cells();
		canvas.ascii = false;
		free(m);
	}
}

static void outcomes_differ_in_more_than_colour(void **state)
{
	(void)state;
	for (enum outcome a = 0; a < OUTCOME_COUNT; a++) {
		for (enum outcome b = 0; b < a; b++) {
			assert_string_not_equal(tiles_look(a).symbol, tiles_look(b).symbol);
			assert_string_not_equal(tiles_look(a).word, tiles_look(b).word);
			assert_int_not_equal(tiles_look(a).style, tiles_look(b).style);
		}
	}
}

static void a_small_terminal_says_so(void **state)
{
	struct model *m = model_running(8, 4);
	struct face face = { 0 };
	char *text = painted(m, &face, 20, 70);

	(void)state;
	assert_non_null(strstr(text, "RUNNING"));
	assert_non_null(strstr(text, "70x20; 80x24 are needed"));
	free(text);
	free(m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_station_says_is_to_be_seen),
		cmocka_unit_test(alarms_say_what_to_do),
		cmocka_unit_test(every_one_of_64_nests_is_to_be_seen),
		cmocka_unit_test(the_geometry_is_the_jigs),
		cmocka_unit_test(every_page_in_every_language_and_size),
		cmocka_unit_test(ascii_is_ascii),
		cmocka_unit_test(outcomes_differ_in_more_than_colour),
		cmocka_unit_test(a_small_terminal_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
