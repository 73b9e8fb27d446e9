#include "station/command/next.h"

#include <stdio.h>

static const struct {
	const char *name, *text;
} nexts[NEXT_COUNT] = {
	[NEXT_NONE] = { "", "" },
	[NEXT_LOAD] = { "load", "put boards in and close the lid" },
	[NEXT_CLOSE_LID] = { "close-lid", "close the lid" },
	[NEXT_START] = { "start", "press START, or: imprint start" },
	[NEXT_WAIT] = { "wait", "" },
	[NEXT_UNLOAD] = { "unload", "take the boards out" },
	[NEXT_UNLOAD_FAILED] = { "unload-failed", "take these out first, they failed" },
	[NEXT_RESEAT] = { "reseat", "re-seat these, close the lid, press START; leave the others" },
	[NEXT_RELEASE_START] = { "release-start", "let go of the start button" },
	[NEXT_SAME_BOARDS] = { "same-boards",
			       "these boards have run: open the lid, re-seat or change them" },
	[NEXT_RESET] = { "reset",
			 "do what is said above, then press RESET, or: imprint jig reset" },
	[NEXT_JIG] = { "jig", "call the technician" },
	[NEXT_SIGNER] = { "signer", "nothing can be started: see above" },
	[NEXT_ORDER] = { "order", "put an order in use that has boards left: imprint order" },
	[NEXT_LABEL] = { "label", "scan the label of the unit in this nest" },
	[NEXT_FREE] = { "free", "clean the probes of these nests; a supervisor frees them" },
	[NEXT_GOLDEN] = { "golden", "imprint mode golden, put the golden unit in, press START" },
	[NEXT_LOGIN] = { "login", "scan your badge" },
	[NEXT_AGAIN] = { "again", "do what these nests say, then: imprint start" },
};

const char *next_name(uint64_t next)
{
	return next < NEXT_COUNT ? nexts[next].name : "?";
}

bool next_is_busy(const struct control_station *s)
{
	return s->phase == PHASE_CLAMP || s->phase == PHASE_RUNNING || s->phase == PHASE_RELEASE;
}

typedef void line_writer(const struct control_station *s, const struct control_nest *nests,
			 size_t count, char *line);

static void phase_line(const struct control_station *s, const struct control_nest *nests,
		       size_t count, char *line)
{
	char text[CONTROL_TEXT_MAX + 1];

	(void)nests, (void)count;
	control_copy_text(text, sizeof(text), s->stop_text);
	if (next_is_busy(s) || (s->phase == PHASE_UNLOAD && s->cycle_ms))
		snprintf(line, NEXT_LINE_MAX, "jig   %s, %.1f s", control_phase_name(s->phase),
			 (double)s->cycle_ms / 1000);
	else
		snprintf(line, NEXT_LINE_MAX, "jig   %s%s%s", control_phase_name(s->phase),
			 *text ? ": " : "", text);
}

static void unknown_line(const struct control_station *s, const struct control_nest *nests,
			 size_t count, char *line)
{
	(void)nests, (void)count;
	if (s->phase == PHASE_STOPPED && *s->next_nests)
		snprintf(line, NEXT_LINE_MAX, "      unknown: %s; they may run again after RESET",
			 s->next_nests);
}

static void powered_line(const struct control_station *s, const struct control_nest *nests,
			 size_t count, char *line)
{
	size_t len = 0;

	if (s->phase != PHASE_STOPPED || !s->powered)
		return;
	len += (size_t)snprintf(line, NEXT_LINE_MAX, "      may have power:");
	for (size_t i = 0; i < count; i++)
		if (s->powered >> nests[i].index & 1)
			len += (size_t)snprintf(line + len, NEXT_LINE_MAX - len, " %s",
						nests[i].name);
}

static void action_line(const struct control_station *s, const struct control_nest *nests,
			size_t count, char *line)
{
	bool about = *s->next_nests && s->phase != PHASE_STOPPED && s->next != NEXT_START;

	(void)nests, (void)count;
	if (s->next < NEXT_COUNT && *nexts[s->next].text)
		snprintf(line, NEXT_LINE_MAX, "next  %s%s%s", nexts[s->next].text,
			 about ? ": " : "", about ? s->next_nests : "");
}

bool next_line(const struct control_station *s, const struct control_nest *nests, size_t count,
	       size_t index, char line[static NEXT_LINE_MAX])
{
	static line_writer *const writers[] = { phase_line, unknown_line, powered_line,
						action_line };

	if (s->phase == PHASE_BENCH)
		return false;
	line[0] = '\0';
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
		writers[i](s, nests, count, line);
		if (*line && index-- == 0)
			return true;
		line[0] = '\0';
	}
	return false;
}
