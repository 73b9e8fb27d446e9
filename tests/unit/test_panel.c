/* The panel's way through the jig, with a jig of the test's own that follows at once: each row is
 * what happens, word by word.
 *	boards:3 line:3 powered:1	masks: present by signal, by line; read back
 *	lid+ lid- start+ start- fresh- key- air-	inputs
 *	clamp-			the clamp does not follow from now on
 *	weak:2 shy:2		no voltage there; they will not start
 *	pass:1 fail:2 error:4	runs under way end so; retest:2 they may be tried again
 *	trip:ESTOP		one of the jig; "trip:" takes it back
 *	go reset abort		by command; go! reset! abort!: refused
 *	start			what goes from now on was given now
 *	wait:300		ms, in steps of 10
 *	=ready			the phase is now this one
 *	>start >reseat:2	what comes next, about which nests
 *	power:3 marked:2 passed:1 unknown:1	are so
 *	ran:3			runs under way
 *	?estop			the stop
 *	button			the start button was pressed since, and would be taken
 *	loose			the clamp came off
 *	valve-			the clamp's output does not follow from now on
 *	noclosing		the clamp was not told to close since; closing: it was
 */
#include "station/panel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALL UINT64_MAX
#define STEP_MS 10

struct world {
	struct panel panel;
	struct panel_input in;
	struct panel_act act;
	uint64_t shy;	  /* will not start */
	int64_t asked_ms; /* 0: a START is given when it is taken */
	bool clamp_follows, valve, button, closing;
};

static const struct {
	const char *name;
	enum control_next next;
} nexts[] = {
	{ "load", NEXT_LOAD },	      { "close-lid", NEXT_CLOSE_LID },
	{ "start", NEXT_START },      { "wait", NEXT_WAIT },
	{ "unload", NEXT_UNLOAD },    { "unload-failed", NEXT_UNLOAD_FAILED },
	{ "reseat", NEXT_RESEAT },    { "release", NEXT_RELEASE_START },
	{ "same", NEXT_SAME_BOARDS }, { "reset", NEXT_RESET },
	{ "jig", NEXT_JIG },	      { "free", NEXT_FREE },
};

static const struct {
	const char *name;
	enum jig_trip trip;
} trips[] = {
	{ "", TRIP_NONE },	     { "ESTOP", TRIP_ESTOP },	 { "BUS", TRIP_BUS },
	{ "STALE", TRIP_STALE },     { "LID", TRIP_LID },	 { "CLAMP", TRIP_CLAMP_LOST },
	{ "AIR", TRIP_AIR },	     { "BACK", TRIP_READ_BACK }, { "RESTARTED", TRIP_RESTARTED },
	{ "SENSORS", TRIP_SENSORS },
};

static const struct {
	const char *name, *words;
} rows[] = {
	{ "a whole cycle",
	  "wait:50 =load >load boards:3 wait:10 >close-lid lid+ wait:10 =ready >start:3 go =clamp "
	  ">wait "
	  "power:0 wait:50 power:0 wait:300 =running power:3 ran:3 pass:1 wait:10 =running "
	  "passed:1 "
	  "pass:2 wait:50 =unload power:0 passed:3 >unload lid- boards:0 wait:10 =load" },
	{ "one by one",
	  "lid+ boards:7 wait:50 go wait:310 power:1 wait:20 power:3 wait:20 power:7" },
	{ "failed boards are marked until taken out",
	  "lid+ boards:7 wait:50 go wait:400 ran:7 fail:2 pass:5 wait:50 =unload marked:2 "
	  ">unload-failed:2 lid- wait:10 marked:2 boards:5 wait:10 marked:0 passed:5 >unload "
	  "boards:0 wait:10 =load" },
	{ "re-seated, it runs alone",
	  "lid+ boards:7 wait:50 go wait:400 fail:2 pass:5 retest:2 wait:50 =unload >reseat:2 lid- "
	  "boards:5 wait:10 boards:7 wait:10 >close-lid lid+ wait:10 =ready >start:2 go wait:400 "
	  "ran:2 "
	  "power:2 pass:2 wait:50 =unload passed:7 >unload" },
	{ "freed, it may be re-seated", "lid+ boards:7 wait:50 go wait:400 fail:2 pass:5 wait:50 "
					"=unload >unload-failed:2 retest:2 "
					"wait:10 >reseat:2" },
	{ "nobody re-seats a board in a stopped nest",
	  "lid+ boards:7 wait:50 go wait:400 fail:2 pass:5 retest:2 stopped:2 wait:50 =unload "
	  ">unload-failed:2" },
	{ "the same boards are noticed",
	  "lid+ boards:3 wait:50 go wait:400 pass:3 wait:50 =unload go! start- wait:10 start+ "
	  "wait:10 "
	  ">same start- wait:10 >same lid- wait:10 >unload lid+ wait:10 =unload go!" },
	{ "new boards without a signal: the lid",
	  "nosignal lid+ line:3 wait:50 =ready go wait:400 pass:3 wait:50 =unload go! lid- wait:10 "
	  "lid+ wait:10 =ready passed:0 go =clamp" },
	{ "no lid and no signal: always new",
	  "nosignal nolid lid+ line:3 wait:50 go wait:400 pass:3 "
	  "wait:50 =unload go =clamp" },
	{ "by the button", "lid+ boards:1 wait:50 start+ wait:10 button =ready go =clamp" },
	{ "held from before it does not count",
	  "start+ lid+ boards:1 wait:50 =ready >release go! start- wait:10 >start:1 start+ wait:10 "
	  "button" },
	{ "pressed too early it does not count later",
	  "boards:1 wait:50 start+ wait:10 >close-lid lid+ wait:10 =ready nobutton >release go! "
	  "start- wait:10 >start:1 start+ wait:10 button" },
	{ "held since the last cycle it does not count",
	  "lid+ boards:1 wait:50 start+ wait:10 button go wait:400 fail:1 wait:50 =unload lid- "
	  "boards:0 "
	  "wait:10 boards:1 lid+ wait:50 =ready >release go! wait:50 nobutton start- wait:10 "
	  "start+ "
	  "wait:10 button" },
	{ "a START waits for its answer", "lid+ boards:1 wait:50 start wait:5000 go =clamp" },
	{ "not where the lid opened meanwhile",
	  "lid+ boards:1 wait:50 start wait:50 lid- wait:10 lid+ wait:50 =ready go! start go" },
	{ "not where it was closed only then",
	  "boards:1 wait:50 start wait:50 lid+ wait:50 =ready go! start go" },
	{ "not where the jig was stopped meanwhile",
	  "lid+ boards:1 wait:50 start wait:10 trip:ESTOP wait:10 trip: reset wait:50 =ready go! "
	  "start go" },
	{ "stuck",
	  "start+ lid+ boards:1 wait:900 =ready wait:200 =stopped ?start-stuck >reset reset! "
	  "start- wait:10 reset wait:50 =ready" },
	{ "stuck in a cycle: after it", "lid+ boards:1 wait:50 start+ wait:10 go wait:2000 "
					"=running pass:1 wait:500 =unload >release "
					"wait:600 =stopped ?start-stuck passed:1" },
	{ "nothing in", "lid+ wait:50 =load go! >load" },
	{ "lid open", "boards:1 wait:50 =load go! >close-lid" },
	{ "by hand", "lid+ boards:1 key- wait:50 =ready go! start+ wait:10 >jig" },
	{ "no air", "lid+ boards:1 air- wait:50 =ready go!" },
	{ "twice", "lid+ boards:1 wait:50 go go! =clamp" },
	{ "clamp late", "clamp- lid+ boards:1 wait:50 go wait:3200 =stopped ?clamp-timeout power:0 "
			"unknown:0 clamp+ reset wait:50 =ready" },
	{ "clamp does not open",
	  "lid+ boards:1 wait:50 go wait:400 clamp- pass:1 wait:3200 =stopped "
	  "?clamp-timeout passed:1 clamp+ reset wait:50 =unload" },
	{ "trip under way", "lid+ boards:7 wait:50 go wait:400 pass:1 wait:10 trip:LID lid- "
			    "wait:10 =stopped ?lid power:0 "
			    "unknown:6 >reset:6 aborting:6 reset! aborted:6 wait:10 passed:1 "
			    "marked:6 trip: lid+ reset "
			    "wait:50 =unload >start:6 go =clamp wait:400 ran:6" },
	{ "the lid where nothing is switched",
	  "lid+ boards:3 wait:50 go wait:400 ran:3 lid- wait:10 =stopped ?lid aborting:3 "
	  "aborted:3 wait:10 marked:3 lid+ reset wait:50 =unload" },
	{ "the lid while it settles",
	  "lid+ boards:3 wait:50 go wait:100 lid- wait:10 ?lid power:0" },
	{ "a lever where nothing is switched",
	  "lid+ boards:3 wait:50 go wait:400 ran:3 clamp- loose wait:10 =stopped ?clamp-lost "
	  "aborting:3" },
	{ "a clamp that fell is not closed by RESET",
	  "lid+ boards:1 wait:50 go wait:400 closing valve- trip:RESTARTED wait:10 noclosing "
	  "aborted:1 trip: powered:1 reset noclosing wait:50 =unload" },
	{ "trip while clamping",
	  "clamp- lid+ boards:1 wait:50 go trip:ESTOP wait:10 =stopped ?estop "
	  "unknown:0" },
	{ "trip while idle",
	  "lid+ boards:1 wait:50 =ready trip:ESTOP wait:10 =stopped ?estop trip: reset "
	  "wait:50 =ready" },
	{ "bus lost",
	  "lid+ boards:3 wait:50 go wait:400 trip:BUS fresh- wait:10 =stopped ?bus >jig:3 "
	  "aborted:3 wait:10 marked:3 fresh+ wait:10 >reset:3 trip: reset wait:50 =unload" },
	{ "every trip is a stop", "wait:50 trip:STALE wait:10 ?stale trip: reset wait:50 "
				  "trip:CLAMP wait:10 ?clamp-lost trip: reset "
				  "wait:50 trip:AIR wait:10 ?air trip: reset wait:50 trip:BACK "
				  "wait:10 ?read-back trip: reset "
				  "wait:50 trip:RESTARTED wait:10 ?restarted trip: reset wait:50 "
				  "trip:SENSORS wait:10 ?sensors" },
	{ "a worse trip shows",
	  "lid+ boards:1 wait:50 go wait:400 trip:AIR wait:10 ?air trip:BUS wait:10 "
	  "?bus" },
	{ "one bad cycle of the bus says nothing",
	  "lid+ boards:3 wait:50 go wait:400 fresh- wait:100 =running power:3 fresh+ wait:10 "
	  "=running "
	  "pass:3 wait:50 =unload" },
	{ "aborted",
	  "lid+ boards:3 wait:50 go wait:400 pass:1 wait:10 abort =stopped ?aborted unknown:2 "
	  "aborting:2 power:0 aborted:2 wait:10 abort! reset wait:50 =unload >start:2" },
	{ "nothing to abort", "lid+ boards:3 wait:50 abort! reset!" },
	{ "taken out under way",
	  "lid+ boards:3 wait:50 go wait:400 boards:1 wait:10 =running aborting:2 "
	  "aborted:2 pass:1 wait:50 =unload passed:1 marked:0" },
	{ "a weak voltage holds nobody up for long",
	  "weak:1 lid+ boards:3 wait:50 go wait:400 =clamp wait:1000 =running ran:3" },
	{ "stopped nests are left",
	  "stopped:1 lid+ boards:3 wait:50 =ready >start:2 go wait:400 ran:2 "
	  "pass:2 wait:50 lid- boards:1 wait:10 lid+ wait:10 =load >free:1 go!" },
	{ "one that would not start wants to be re-seated",
	  "shy:1 lid+ boards:3 wait:50 go wait:400 =running ran:2 pass:2 wait:50 =unload go!" },
};

static void turn(struct world *w)
{
	bool goes_on = true;

	for (int i = 0; goes_on; i++) {
		assert_true(i < STEP_COUNT);
		goes_on = panel_turn(&w->panel, &w->in, &w->act);
		w->button |= w->act.start_pressed;
		w->in.started |= w->act.ask & ~w->shy;
		w->in.running |= w->act.ask & ~w->shy;
		if (w->clamp_follows) {
			w->in.image.clamped = w->act.wish.clamp;
			w->in.image.clamp_open = !w->act.wish.clamp;
		}
		w->closing |=
			w->act.wish.clamp && !w->in.image.clamp_on && w->in.image.trip == TRIP_NONE;
		w->in.image.clamp_on = w->act.wish.clamp && w->valve;
		w->in.image.powered = w->act.wish.power;
	}
}

static void pass_time(struct world *w, uint64_t ms)
{
	for (; ms > 0; ms -= STEP_MS) {
		w->in.now_ms += STEP_MS;
		turn(w);
	}
}

static void end_runs(struct world *w, uint64_t nests, bool passed, bool failed)
{
	assert_true((w->in.running & nests) == nests);
	w->in.running &= ~nests;
	w->in.passed = (w->in.passed & ~nests) | (passed ? nests : 0);
	w->in.failed = (w->in.failed & ~nests) | (failed ? nests : 0);
}

static void check_next(struct world *w, const char *name, uint64_t nests)
{
	uint64_t about;
	enum control_next next = panel_next(&w->panel, &w->in, &about);

	for (size_t i = 0; i < sizeof(nexts) / sizeof(nexts[0]); i++)
		if (nexts[i].next == next) {
			assert_string_equal(name, nexts[i].name);
			assert_int_equal(about, nests);
			return;
		}
	fail_msg("next is %d", (int)next);
}

static enum jig_trip trip_of(const char *name)
{
	for (size_t i = 0; i < sizeof(trips) / sizeof(trips[0]); i++)
		if (strcmp(trips[i].name, name) == 0)
			return trips[i].trip;
	fail_msg("no trip %s", name);
	return TRIP_NONE;
}

/* "lid+", "fresh-" */
static bool set_input(struct world *w, const char *word)
{
	struct jig_image *image = &w->in.image;
	const struct {
		const char *name;
		bool *at;
	} inputs[] = {
		{ "lid", &image->lid_closed }, { "start", &image->start },
		{ "fresh", &image->fresh },    { "key", &image->automatic },
		{ "air", &image->air_ok },     { "clamp", &w->clamp_follows },
		{ "valve", &w->valve },
	};
	size_t len = strlen(word);

	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
		if (strlen(inputs[i].name) + 1 == len &&
		    strncmp(word, inputs[i].name, len - 1) == 0) {
			*inputs[i].at = word[len - 1] == '+';
			return true;
		}
	return false;
}

static bool do_order(struct world *w, const char *word)
{
	struct err e;
	bool refused = word[strlen(word) - 1] == '!';
	int64_t asked_ms = w->asked_ms ? w->asked_ms : w->in.now_ms;

	if (strncmp(word, "go", 2) == 0)
		assert_true(panel_start(&w->panel, &w->in, ALL, asked_ms, &e) != refused);
	else if (strncmp(word, "abort", 5) == 0 && (word[5] == '\0' || refused))
		assert_true(panel_abort(&w->panel, &w->in) != refused);
	else if (strncmp(word, "reset", 5) == 0)
		assert_true(panel_may_reset(&w->panel, &w->in, &e) != refused);
	else
		return false;
	if (strcmp(word, "reset") == 0)
		panel_reset(&w->panel, &w->in);
	turn(w);
	return true;
}

static bool set_or_check(struct world *w, const char *name, const char *value)
{
	uint64_t n = strtoull(value, NULL, 10);
	const struct {
		const char *name;
		uint64_t *at;
	} masks[] = {
		{ "boards", &w->in.image.present },  { "line", &w->in.line },
		{ "powered", &w->in.image.powered }, { "stopped", &w->in.stopped },
		{ "retest", &w->in.retest },	     { "shy", &w->shy },
	};
	const struct {
		const char *name;
		uint64_t value;
	} facts[] = {
		{ "power", w->act.wish.power },
		{ "marked", w->act.wish.lamp_fail },
		{ "passed", w->act.wish.lamp_pass },
		{ "unknown", w->panel.unknown },
		{ "ran", w->in.running },
		{ "aborting", w->act.abort },
	};

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		if (strcmp(masks[i].name, name) == 0)
			return *masks[i].at = n, true;
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		if (strcmp(facts[i].name, name) == 0) {
			assert_int_equal(facts[i].value, n);
			return true;
		}
	return false;
}

static void do_pair(struct world *w, const char *name, const char *value)
{
	uint64_t n = strtoull(value, NULL, 10);

	if (strcmp(name, "wait") == 0)
		pass_time(w, n);
	else if (strcmp(name, "trip") == 0)
		w->in.image.trip = trip_of(value);
	else if (strcmp(name, "weak") == 0)
		w->in.image.power_ok = ~n;
	else if (strcmp(name, "pass") == 0)
		end_runs(w, n, true, false);
	else if (strcmp(name, "fail") == 0)
		end_runs(w, n, false, true);
	else if (strcmp(name, "aborted") == 0)
		end_runs(w, n, false, false);
	else if (!set_or_check(w, name, value))
		fail_msg("no such word: %s:%s", name, value);
}

static void do_word(struct world *w, char *word)
{
	char *colon = strchr(word, ':');

	if (colon)
		*colon = '\0';
	if (word[0] == '=')
		assert_string_equal(control_phase_name(panel_phase(&w->panel)), word + 1);
	else if (word[0] == '?')
		assert_string_equal(control_stop_name(w->panel.stop), word + 1);
	else if (word[0] == '>')
		check_next(w, word + 1, colon ? strtoull(colon + 1, NULL, 10) : 0);
	else if (colon)
		do_pair(w, word, colon + 1);
	else if (strcmp(word, "button") == 0 || strcmp(word, "nobutton") == 0)
		assert_true(w->button == (word[0] == 'b')), w->button = false;
	else if (strcmp(word, "closing") == 0 || strcmp(word, "noclosing") == 0)
		assert_true(w->closing == (word[0] == 'c')), w->closing = false;
	else if (strcmp(word, "start") == 0)
		w->asked_ms = w->in.now_ms;
	else if (strcmp(word, "loose") == 0)
		w->in.image.clamped = false;
	else if (strcmp(word, "nosignal") == 0)
		w->panel.options.present = 0;
	else if (strcmp(word, "nolid") == 0)
		w->panel.options.has_lid = false;
	else if (!set_input(w, word) && !do_order(w, word))
		fail_msg("no such word: %s", word);
}

static void open_world(struct world *w)
{
	const struct panel_options options = {
		.present = ALL,
		.power = ALL,
		.has_lid = true,
		.has_clamp = true,
		.timing = { .clamp_ms = 3000,
			    .settle_ms = 300,
			    .power_ms = 1000,
			    .start_ms = 1000 },
	};

	*w = (struct world) { .in = { .now_ms = 1000 }, .clamp_follows = true, .valve = true };
	w->in.image = (struct jig_image) { .fresh = true,
					   .estop_ok = true,
					   .lid_locked = true,
					   .clamp_open = true,
					   .air_ok = true,
					   .automatic = true,
					   .power_ok = ALL };
	panel_init(&w->panel, &options, w->in.now_ms);
}

static void test_rows(void **state)
{
	static char words[1024];
	struct world w;
	char *rest;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		open_world(&w);
		snprintf(words, sizeof(words), "%s", rows[i].words);
		for (char *word = strtok_r(words, " ", &rest); word;
		     word = strtok_r(NULL, " ", &rest))
			do_word(&w, word);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
