#include "station/screen/script.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>

#define WAIT_MS 30000
#define SIZE_MIN 10

struct script {
	struct screen *screen;
	int rows, columns;
};

bool script_size(const char *text, int *ret_rows, int *ret_columns, struct err *e)
{
	int rows, columns, end = 0;

	if (sscanf(text, "%3dx%3d%n", &columns, &rows, &end) != 2 || text[end] || rows < SIZE_MIN ||
	    columns < SIZE_MIN || rows > CANVAS_ROWS_MAX || columns > CANVAS_COLUMNS_MAX)
		return err_set(e, ERR_USAGE, "a size is WxH such as 80x24, at most %dx%d",
			       CANVAS_COLUMNS_MAX, CANVAS_ROWS_MAX);
	*ret_rows = rows;
	*ret_columns = columns;
	return true;
}

static void paint_now(struct script *p)
{
	screen_turn(p->screen);
	screen_paint(p->screen, p->rows, p->columns);
}

static bool shows(const struct script *p, const char *text)
{
	AUTO_FREE char *memory = NULL;
	size_t size;
	FILE *to = open_memstream(&memory, &size);

	if (!to)
		return false;
	canvas_print(&p->screen->canvas, to);
	return fclose(to) == 0 && strstr(memory, text);
}

/* --- the words --- */

typedef bool script_word(struct script *p, const char *rest, struct err *e);

static bool word_wait(struct script *p, const char *rest, struct err *e)
{
	int64_t deadline = clock_deadline(WAIT_MS);
	struct pollfd fds[SCREEN_FDS_MAX];

	for (;;) {
		paint_now(p);
		if (shows(p, rest))
			return true;
		if (clock_monotonic_ms() > deadline)
			break;
		if (poll(fds, screen_fds(p->screen, fds), screen_timeout_ms(p->screen)) < 0 &&
		    errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "cannot wait");
	}
	canvas_print(&p->screen->canvas, stdout);
	return err_set(e, ERR_TIMEOUT, "the screen did not show \"%s\" within %d s", rest,
		       WAIT_MS / 1000);
}

static bool word_key(struct script *p, const char *rest, struct err *e)
{
	static const struct {
		const char *name;
		int key;
	} names[] = {
		{ "SPACE", ' ' },	  { "ENTER", '\r' },	       { "TAB", '\t' },
		{ "ESC", KEY_IS_ESCAPE }, { "CTRL-L", KEY_IS_REDRAW },
	};
	int number, key = strlen(rest) == 1 ? rest[0] : 0;

	if (sscanf(rest, "F%2d", &number) == 1 && number >= 1 && number <= 12)
		key = KEY_IS_F + number;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, rest) == 0)
			key = names[i].key;
	if (!key)
		return err_set(e, ERR_USAGE, "there is no key %s", rest);
	screen_key(p->screen, key);
	screen_rest(p->screen);
	paint_now(p);
	return true;
}

static bool word_scan(struct script *p, const char *rest, struct err *e)
{
	(void)e;
	for (; *rest; rest++)
		screen_key(p->screen, *rest);
	screen_key(p->screen, '\r');
	paint_now(p);
	return true;
}

static bool word_type(struct script *p, const char *rest, struct err *e)
{
	(void)e;
	for (; *rest; rest++) {
		screen_key(p->screen, *rest);
		screen_rest(p->screen);
	}
	paint_now(p);
	return true;
}

static bool word_size(struct script *p, const char *rest, struct err *e)
{
	return script_size(rest, &p->rows, &p->columns, e);
}

static bool word_print(struct script *p, const char *rest, struct err *e)
{
	(void)rest;
	(void)e;
	paint_now(p);
	canvas_print(&p->screen->canvas, stdout);
	if (p->screen->wants_beep)
		puts("(beep)");
	p->screen->wants_beep = false;
	fflush(stdout);
	return true;
}

static const struct {
	const char *word;
	script_word *run;
} words[] = {
	{ "wait", word_wait }, { "key", word_key },   { "scan", word_scan },
	{ "type", word_type }, { "size", word_size }, { "print", word_print },
};

static bool run_line(struct script *p, char *line, struct err *e)
{
	size_t len = strcspn(line, " ");
	const char *rest = line[len] ? line + len + 1 : line + len;

	if (!*line || *line == '#')
		return true;
	line[len] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, line) == 0)
			return words[i].run(p, rest, e);
	return err_set(e, ERR_USAGE, "there is no word \"%s\" in a script", line);
}

bool script_run(struct screen *s, const char *path, int rows, int columns, struct err *e)
{
	struct script script = { s, rows, columns };
	AUTO(FILE) file = fopen(path, "re");
	AUTO_FREE char *line = NULL;
	size_t room = 0;

	if (!file)
		return err_errno(e, ERR_USAGE, "cannot read %s", path);
	for (int number = 1; getline(&line, &room, file) > 0 && !s->has_ended; number++) {
		line[strcspn(line, "\r\n")] = '\0';
		if (!run_line(&script, line, e))
			return err_add(e, "%s:%d", path, number);
	}
	return true;
}
