#include "station/screen/screen.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/socket.h"

#define AT_ONCE 0
#define CONNECT_EVERY_MS 500
#define ALIVE_EVERY_MS 2000
#define ALIVE_PATIENCE_MS 6000 /* without any word of the station */
#define TICK_WORKING_MS 200    /* tenths of seconds pass */
#define TICK_IDLE_MS 1000
#define BANNER_MS 8000

struct screen *screen_new(enum language language, bool has_east_asian, bool ascii)
{
	struct screen *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->watch_fd = -1;
	for (size_t i = 0; i < SCREEN_ERRANDS_MAX; i++)
		s->errands[i].fd = -1;
	s->has_east_asian = has_east_asian;
	s->canvas.ascii = ascii;
	s->face.language = language;
	s->is_changed = true;
	if ((language >= JAPANESE && !has_east_asian) || (language != ENGLISH && ascii)) {
		s->face.language = ENGLISH;
		screen_say(s, true, PHRASE_SAY_LANGUAGE_NONE, "");
	}
	return s;
}

void screen_free(struct screen *s)
{
	if (!s)
		return;
	if (s->watch_fd >= 0)
		close(s->watch_fd);
	for (size_t i = 0; i < SCREEN_ERRANDS_MAX; i++)
		errand_end(&s->errands[i]);
	free(s);
}

/* --- what it has to say --- */

void screen_say_text(struct screen *s, bool refuses, const char *text)
{
	snprintf(s->face.banner, sizeof(s->face.banner), "%s", text);
	s->face.banner_style = refuses ? STYLE_BAND_FAIL : STYLE_BAND_CALM;
	s->banner_until = clock_deadline(BANNER_MS);
	s->wants_beep |= refuses;
	s->is_changed = true;
}

void screen_say(struct screen *s, bool refuses, enum phrase id, const char *about)
{
	char text[PHRASE_SIZE];

	screen_say_text(s, refuses, phrase_fill(text, s->face.language, id, about, NULL));
}

/* --- the station --- */

static void lose_station(struct screen *s, const char *why)
{
	if (s->watch_fd >= 0)
		close(s->watch_fd);
	s->watch_fd = -1;
	if (s->model.is_up)
		s->wants_beep = true;
	s->is_changed |= s->model.is_up;
	s->model.is_up = false;
	s->model.lost_at = s->model.lost_at ? s->model.lost_at : clock_monotonic_ms();
	snprintf(s->model.lost_text, sizeof(s->model.lost_text), "%s", why);
	s->connect_at = clock_deadline(CONNECT_EVERY_MS);
}

static bool ask_to_watch(struct screen *s, struct err *e)
{
	struct control_request request = { .type = CONTROL_WATCH };
	size_t len;

	return control_request_encode(&request, s->record, &len) &&
	       socket_send(s->watch_fd, bytes_of(s->record, len), -1, AT_ONCE, -1, e);
}

static void connect_station(struct screen *s)
{
	struct err e = { 0 };

	if (!control_connect(&s->watch_fd, &e) || !ask_to_watch(s, &e))
		lose_station(s, e.text);
	s->alive_at = s->ask_alive_at = clock_monotonic_ms();
}

static void station_lives(struct screen *s)
{
	s->alive_at = clock_monotonic_ms();
	if (s->model.lost_at)
		s->face.banner[0] = '\0'; /* what it says is over */
	s->model.lost_at = 0;
	s->is_changed = true;
	s->model.is_up = true;
}

/* A person who logs in gets the language that they used last. */
static void notice_person(struct screen *s, const char *before)
{
	const char *now = s->model.station.person;

	if (!*now || strcmp(before, now) == 0)
		return;
	for (size_t i = 0; i < SCREEN_PEOPLE_MAX; i++)
		if (strcmp(s->people[i].person, now) == 0)
			s->face.language = s->people[i].language;
	screen_say(s, false, PHRASE_SAY_LOGIN, now);
}

static void hear_station(struct screen *s)
{
	char person[CONTROL_NAME_MAX + 1];
	struct control_reply reply;
	struct err e = { 0 };

	memcpy(person, s->model.station.person, sizeof(person));
	while (s->watch_fd >= 0 && control_next(s->watch_fd, s->record, &reply, AT_ONCE, &e)) {
		if (!model_take_nests(&s->model, &reply)) {
			lose_station(s, "the station's answer makes no sense");
			return;
		}
		station_lives(s);
	}
	if (e.code != ERR_TIMEOUT && s->watch_fd >= 0)
		lose_station(s, e.text);
	notice_person(s, person);
}

static void watch_over_station(struct screen *s)
{
	struct control_request request = { .type = CONTROL_ALARMS };
	int64_t now = clock_monotonic_ms();

	if (s->watch_fd < 0 && now >= s->connect_at)
		connect_station(s);
	if (s->watch_fd >= 0 && now - s->ask_alive_at >= ALIVE_EVERY_MS) {
		s->ask_alive_at = now;
		screen_ask(s, ERRAND_ALIVE, &request, "");
	}
	if (s->model.is_up && now - s->alive_at > ALIVE_PATIENCE_MS)
		lose_station(s, "the station is there, but does not answer");
}

/* --- errands --- */

static struct errand *free_errand(struct screen *s, enum errand_purpose purpose)
{
	for (size_t i = 0; i < SCREEN_ERRANDS_MAX; i++)
		if (purpose == ERRAND_ALIVE && s->errands[i].purpose == ERRAND_ALIVE)
			return NULL; /* one is under way */
	for (size_t i = 0; i < SCREEN_ERRANDS_MAX; i++)
		if (s->errands[i].purpose == ERRAND_NONE)
			return &s->errands[i];
	return NULL;
}

void screen_ask(struct screen *s, enum errand_purpose purpose,
		const struct control_request *request, const char *about)
{
	struct errand *errand = free_errand(s, purpose);
	struct err e;

	if (errand && errand_ask_station(errand, purpose, request, s->record, &e))
		snprintf(errand->about, sizeof(errand->about), "%s", about);
	else if (purpose != ERRAND_ALIVE)
		screen_say(s, true, PHRASE_SAY_OFFLINE, "");
}

void screen_ask_signer(struct screen *s, enum errand_purpose purpose, const struct request *request,
		       const char *about)
{
	struct errand *errand = free_errand(s, purpose), none = { .purpose = purpose };
	struct err e = { .code = ERR_BUSY };

	snprintf(none.about, sizeof(none.about), "%s", about);
	if (errand && errand_ask_signer(errand, purpose, request, s->record, &e))
		memcpy(errand->about, none.about, sizeof(none.about));
	else
		screen_answer_refused(s, &none, &e);
}

static bool take_answer(struct screen *s, const struct errand *errand, struct err *e)
{
	struct errand asked = *errand;
	struct control_reply answer;
	struct reply reply;

	if (errand_is_to_signer(errand)) {
		if (!errand_take_signer(&asked, s->record, &reply, e))
			return false;
		screen_answer_signer(s, &asked, &reply);
		return true;
	}
	if (!errand_take_station(&asked, s->record, &answer, e))
		return false;
	screen_answer_station(s, &asked, &answer);
	return true;
}

static void turn_errand(struct screen *s, struct errand *errand)
{
	struct err e = { 0 };
	struct errand asked = *errand;
	bool done = take_answer(s, errand, &e);

	if (!done && e.code == ERR_TIMEOUT && clock_monotonic_ms() < errand->deadline)
		return;
	errand_end(errand);
	if (!errand_is_to_signer(&asked) && e.code != ERR_GONE && e.code != ERR_TIMEOUT)
		s->alive_at = clock_monotonic_ms(); /* a refusal is a sign of life too */
	if (!done)
		screen_answer_refused(s, &asked, &e);
	s->is_changed = true;
}

/* --- the turn --- */

size_t screen_fds(const struct screen *s, struct pollfd fds[static SCREEN_FDS_MAX])
{
	size_t count = 0;

	fds[count++] = (struct pollfd) { s->watch_fd, POLLIN, 0 };
	for (size_t i = 0; i < SCREEN_ERRANDS_MAX; i++)
		if (s->errands[i].purpose != ERRAND_NONE)
			fds[count++] = (struct pollfd) { s->errands[i].fd, POLLIN, 0 };
	return count;
}

int screen_timeout_ms(const struct screen *s)
{
	if (s->is_changed)
		return 0;
	if (scanner_waits(&s->scanner))
		return SCANNER_GAP_MS;
	return model_is_working(&s->model) || !s->model.is_up ? TICK_WORKING_MS : TICK_IDLE_MS / 2;
}

static void forget_what_is_over(struct screen *s, int64_t now)
{
	int tick = model_is_working(&s->model) && s->model.is_up ? TICK_WORKING_MS : TICK_IDLE_MS;

	if (now >= s->banner_until && *s->face.banner) {
		s->face.banner[0] = '\0';
		s->is_changed = true;
	}
	if (s->question_until && now >= s->question_until)
		s->question_until = 0;
	if (now - s->painted_at >= tick)
		s->is_changed = true;
}

void screen_turn(struct screen *s)
{
	s->model.now_ms = clock_monotonic_ms();
	if (s->watch_fd >= 0)
		hear_station(s);
	for (size_t i = 0; i < SCREEN_ERRANDS_MAX; i++)
		if (s->errands[i].purpose != ERRAND_NONE)
			turn_errand(s, &s->errands[i]);
	watch_over_station(s);
	forget_what_is_over(s, s->model.now_ms);
}

void screen_paint(struct screen *s, int rows, int columns)
{
	s->model.now_ms = clock_monotonic_ms();
	s->model.wall_s = clock_wall_s();
	canvas_clear(&s->canvas, rows, columns);
	paint(&s->canvas, &s->model, &s->face);
	s->painted_at = s->model.now_ms;
	s->is_changed = false;
}
