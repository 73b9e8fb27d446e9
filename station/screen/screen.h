/* screen: the operator's screen without its terminal: keys and scans in, cells out. It watches the
 * station on one connection and asks on others; it connects again by itself. Nothing here blocks;
 * whoever runs it polls the descriptors that it names. It can die at any time: the station does not
 * notice. Threads: one. Layer above: terminal, script. Below: paint, keys, scanner, errand. */
#ifndef STATION_SCREEN_SCREEN_H
#define STATION_SCREEN_SCREEN_H

#include "station/screen/errand.h"
#include "station/screen/keys.h"
#include "station/screen/paint.h"
#include "station/screen/scanner.h"

#include <poll.h>

#define SCREEN_ERRANDS_MAX 6
#define SCREEN_FDS_MAX (1 + SCREEN_ERRANDS_MAX)
#define SCREEN_PEOPLE_MAX 32 /* whose language is remembered */

struct screen {
	struct canvas canvas;
	struct model model;
	struct face face;
	struct scanner scanner;
	bool has_east_asian; /* the terminal can show it */
	bool has_ended;	     /* somebody asked for the end */
	bool is_changed;     /* paint again */
	bool wants_beep, wants_redraw;
	int watch_fd;
	int64_t connect_at, alive_at, ask_alive_at, painted_at, banner_until, typed_at;
	struct errand errands[SCREEN_ERRANDS_MAX];
	struct control_request question; /* waits for a supervisor's badge */
	int64_t question_until;		 /* 0: none */
	int64_t abort_until;		 /* a second F10 until then aborts */
	struct {
		char person[CONTROL_NAME_MAX + 1];
		enum language language;
	} people[SCREEN_PEOPLE_MAX];
	size_t people_next;
	uint8_t record[MESSAGE_MAX];
};

/* Of a language that the terminal cannot show, English is used and it says so. */
struct screen *screen_new(enum language language, bool has_east_asian, bool ascii);
void screen_free(struct screen *s);

/* What to poll, and how long at most. */
size_t screen_fds(const struct screen *s, struct pollfd fds[static SCREEN_FDS_MAX]);
int screen_timeout_ms(const struct screen *s);

/* One character or key that was read; call screen_rest when nothing more is there to be read. */
void screen_key(struct screen *s, int key);
void screen_rest(struct screen *s);

/* Takes what came, does what is due. */
void screen_turn(struct screen *s);

/* Paints into s->canvas. */
void screen_paint(struct screen *s, int rows, int columns);

/* --- for deeds.c --- */
void screen_say(struct screen *s, bool refuses, enum phrase id, const char *about);
void screen_say_text(struct screen *s, bool refuses, const char *text);
void screen_ask(struct screen *s, enum errand_purpose purpose,
		const struct control_request *request, const char *about);
void screen_ask_signer(struct screen *s, enum errand_purpose purpose, const struct request *request,
		       const char *about);
void screen_do(struct screen *s, enum deed deed);
void screen_scan(struct screen *s, const char *text);
void screen_answer_station(struct screen *s, const struct errand *errand,
			   const struct control_reply *reply);
void screen_answer_signer(struct screen *s, const struct errand *errand, const struct reply *reply);
void screen_answer_refused(struct screen *s, const struct errand *errand, const struct err *e);

#endif
