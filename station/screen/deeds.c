/* What a key or a scan does. */
#include "station/screen/screen.h"

#include "base/clock.h"

#define QUESTION_MS 30000
#define ABORT_AGAIN_MS 5000

/* --- start --- */

static bool has_failed_here(const struct model *m, const struct control_nest *nest)
{
	return nest->state == CONTROL_ENDED && model_is_marked(m, nest);
}

/* Without a jig a start is for the boards that wait or failed: those that passed are done. */
static bool wants_start(const struct model *m, const struct control_nest *nest)
{
	return nest->state == CONTROL_READY || has_failed_here(m, nest);
}

static bool is_stopped(const struct model *m, const struct control_nest *nest)
{
	(void)m;
	return nest->state == CONTROL_STOPPED;
}

/* A supervisor may let it go on: the nest, or the unit in it. */
static bool wants_freedom(const struct model *m, const struct control_nest *nest)
{
	return is_stopped(m, nest) || (model_is_marked(m, nest) && nest->tries_left == 0);
}

static void start_bench(struct screen *s, struct control_request *request)
{
	struct model_counts counts = model_count(&s->model);
	char names[CONTROL_NAMES_MAX + 1];

	model_names(&s->model, wants_start, request->nests, sizeof(request->nests));
	if (*request->nests)
		screen_ask(s, ERRAND_START, request, "");
	else if (*model_names(&s->model, is_stopped, names, sizeof(names)))
		screen_say(s, true, PHRASE_SAY_STOPPED, names);
	else
		screen_say(s, true, counts.ended ? PHRASE_SAY_ALL_PASSED : PHRASE_SAY_NO_BOARD, "");
}

static void do_start(struct screen *s)
{
	struct control_request request = { .type = CONTROL_START };

	memcpy(request.operator, s->model.station.person, sizeof(request.operator));
	s->face.page = PAGE_NESTS;
	if (s->model.station.phase == PHASE_STOPPED)
		screen_say(s, true, PHRASE_SAY_RESET_FIRST, "");
	else if (s->model.station.phase == PHASE_BENCH)
		start_bench(s, &request);
	else
		screen_ask(s, ERRAND_START, &request, "");
}

/* --- what a supervisor confirms --- */

static enum phrase name_of(enum deed deed)
{
	for (size_t i = 0; i < keys_count; i++)
		if (keys_table[i].deed == deed)
			return keys_table[i].does;
	return PHRASE_DO_MODE;
}

static void ask_for_badge(struct screen *s, enum deed deed, const struct control_request *request)
{
	s->question = *request;
	s->question_until = clock_deadline(QUESTION_MS);
	screen_say(s, false, PHRASE_ASK_BADGE, phrase(s->face.language, name_of(deed)));
	s->face.banner_style = STYLE_BAND_WARN;
	s->banner_until = s->question_until;
}

static void ask_for_mode(struct screen *s, enum deed deed, enum control_mode mode)
{
	struct control_request request = { .type = CONTROL_MODE, .value = mode };

	ask_for_badge(s, deed, &request);
}

static void do_golden(struct screen *s)
{
	ask_for_mode(s, DEED_GOLDEN, MODE_GOLDEN);
}

static void do_normal(struct screen *s)
{
	struct control_request request = { .type = CONTROL_MODE, .value = MODE_NORMAL };

	screen_ask(s, ERRAND_DO, &request, "");
}

static void do_dry_run(struct screen *s)
{
	if (s->model.station.mode == MODE_DRY_RUN)
		do_normal(s);
	else
		ask_for_mode(s, DEED_MODE, MODE_DRY_RUN);
}

static void do_free(struct screen *s)
{
	struct control_request request = { .type = CONTROL_FREE };

	if (s->model.station.next == NEXT_FREE)
		memcpy(request.nests, s->model.station.next_nests, sizeof(request.nests));
	else
		model_names(&s->model, wants_freedom, request.nests, sizeof(request.nests));
	if (*request.nests)
		ask_for_badge(s, DEED_FREE, &request);
	else
		screen_say(s, true, PHRASE_SAY_NOTHING_STOPPED, "");
}

static void do_abort(struct screen *s)
{
	struct control_request request = { .type = CONTROL_ABORT };
	int64_t now = clock_monotonic_ms();

	if (now < s->abort_until) {
		s->abort_until = 0;
		screen_ask(s, ERRAND_DO, &request, "");
		return;
	}
	s->abort_until = now + ABORT_AGAIN_MS;
	screen_say(s, true, PHRASE_SAY_ABORT_TWICE, "");
}

/* --- what only this screen knows --- */

static bool can_show(const struct screen *s, enum language language)
{
	return language == ENGLISH ||
	       (!s->canvas.ascii && (language < JAPANESE || s->has_east_asian));
}

static void remember_language(struct screen *s)
{
	const char *person = s->model.station.person;
	size_t at = s->people_next;

	if (!*person)
		return;
	for (size_t i = 0; i < SCREEN_PEOPLE_MAX; i++)
		if (strcmp(s->people[i].person, person) == 0)
			at = i;
	if (at == s->people_next)
		s->people_next = (s->people_next + 1) % SCREEN_PEOPLE_MAX;
	strcpy(s->people[at].person, person);
	s->people[at].language = s->face.language;
}

static void do_language(struct screen *s)
{
	enum language next = (s->face.language + 1) % LANGUAGE_COUNT;

	while (!can_show(s, next))
		next = (next + 1) % LANGUAGE_COUNT;
	s->face.language = next;
	remember_language(s);
	screen_say_text(s, false, phrase_language_name(next));
	if (!s->has_east_asian && next == ENGLISH)
		screen_say(s, false, PHRASE_SAY_LANGUAGE_NONE, "");
}

static void do_orders(struct screen *s)
{
	struct request request = { .type = REQUEST_ORDERS };

	s->model.order_count = 0;
	s->face.page = PAGE_ORDERS;
	screen_ask_signer(s, ERRAND_LIST_ORDERS, &request, "");
}

/* A request that says no more than who asks. */
static void ask_simply(struct screen *s, enum control_type type)
{
	struct control_request request = { .type = type };

	memcpy(request.operator, s->model.station.person, sizeof(request.operator));
	screen_ask(s, type == CONTROL_RESET ? ERRAND_RESET : ERRAND_DO, &request, "");
}

static void do_back(struct screen *s)
{
	s->face.page = PAGE_NESTS;
	s->face.banner[0] = '\0';
	s->question_until = s->abort_until = 0;
}

static void do_type(struct screen *s)
{
	if (s->face.page == PAGE_ALARMS) {
		ask_simply(s, CONTROL_ACKNOWLEDGE);
		return;
	}
	s->face.types = true;
	s->face.typed[0] = '\0';
}

static void do_redraw(struct screen *s)
{
	s->wants_redraw = true;
}

static void do_end(struct screen *s)
{
	s->has_ended = true;
}

static void show_page(struct screen *s, enum page page)
{
	bool again = s->face.page == page;

	s->face.part = again ? s->face.part + 1 : 0;
	s->face.page = again && page != PAGE_HELP ? PAGE_NESTS : page;
}

/* What a deed is: a page to turn to, a request that needs no more, or else a function. */
static const struct {
	enum page page;
	enum control_type asks;
	void (*act)(struct screen *s);
} deeds[DEED_COUNT] = {
	[DEED_START] = { .act = do_start },
	[DEED_HELP] = { .page = PAGE_HELP },
	[DEED_LANGUAGE] = { .act = do_language },
	[DEED_ALARMS] = { .page = PAGE_ALARMS },
	[DEED_REPORT] = { .page = PAGE_REPORT },
	[DEED_ORDERS] = { .act = do_orders },
	[DEED_LAMPS] = { .page = PAGE_LAMPS },
	[DEED_MODE] = { .act = do_dry_run },
	[DEED_RESET] = { .asks = CONTROL_RESET },
	[DEED_FREE] = { .act = do_free },
	[DEED_ABORT] = { .act = do_abort },
	[DEED_LOGOUT] = { .asks = CONTROL_LOGOUT },
	[DEED_GOLDEN] = { .act = do_golden },
	[DEED_NORMAL] = { .act = do_normal },
	[DEED_ACKNOWLEDGE] = { .asks = CONTROL_ACKNOWLEDGE },
	[DEED_TYPE] = { .act = do_type },
	[DEED_BACK] = { .act = do_back },
	[DEED_REDRAW] = { .act = do_redraw },
	[DEED_END] = { .act = do_end },
};

static void do_deed(struct screen *s, enum deed deed)
{
	if (deeds[deed].page)
		show_page(s, deeds[deed].page);
	else if (deeds[deed].asks)
		ask_simply(s, deeds[deed].asks);
	else
		deeds[deed].act(s);
}

void screen_do(struct screen *s, enum deed deed)
{
	s->is_changed = true;
	if (deed != DEED_ABORT)
		s->abort_until = 0;
	if (!s->question_until)
		s->face.banner[0] = '\0';
	if (model_is_working(&s->model) && !keys_while_working(deed))
		screen_say(s, true, deed == DEED_START ? PHRASE_SAY_IS_RUNNING : PHRASE_SAY_RUNNING,
			   "");
	else
		do_deed(s, deed);
}

/* --- scans --- */

static void scan_command(struct screen *s, const char *text)
{
	enum deed deed = keys_of_barcode(text);

	if (deed == DEED_COUNT)
		screen_say(s, true, PHRASE_SAY_NO_COMMAND, text);
	else
		screen_do(s, deed);
}

static void scan_badge_for_question(struct screen *s, const char *text)
{
	s->question_until = 0;
	s->face.banner[0] = '\0';
	snprintf(s->question.badge, sizeof(s->question.badge), "%s", text);
	screen_ask(s, ERRAND_DO, &s->question, "");
}

/* Sorted: a command; the badge that was asked for; an order, if the signer knows it; else the
 * station says whether it is a badge or a label. */
void screen_scan(struct screen *s, const char *text)
{
	struct request request = { .type = REQUEST_ORDERS };

	s->is_changed = true;
	if (strncmp(text, KEYS_BARCODE, strlen(KEYS_BARCODE)) == 0) {
		scan_command(s, text);
	} else if (model_is_working(&s->model)) {
		screen_say(s, true, PHRASE_SAY_RUNNING, "");
	} else if (s->question_until) {
		scan_badge_for_question(s, text);
	} else {
		snprintf(request.order, sizeof(request.order), "%s", text);
		screen_ask_signer(s, ERRAND_FIND_ORDER, &request, text);
	}
}
