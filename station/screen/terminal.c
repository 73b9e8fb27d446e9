#include "station/screen/terminal.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "station/screen/crash.h"

#include <langinfo.h>
#include <locale.h>
#include <ncursesw/ncurses.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

#define ESCAPE_DELAY_MS 25
#define KEYS_AT_ONCE 512 /* then the screen is painted, however much more comes */

enum place_in_poll { POLL_KEYS, POLL_SIGNALS, POLL_SCREEN };

/* --- how a style looks --- */

struct look {
	short foreground, background;		  /* of 256 colours */
	short plain_foreground, plain_background; /* of 8 */
	bool bold, plain_bold, reverse;		  /* `reverse`: where there is no colour */
};

/* Black on a colour is never bold: many terminals make it grey, which nobody can read. */
static const struct look looks[STYLE_COUNT] = {
	[STYLE_PLAIN] = { 252, 16, COLOR_WHITE, COLOR_BLACK, false, false, false },
	[STYLE_DIM] = { 246, 16, COLOR_WHITE, COLOR_BLACK, false, false, false },
	[STYLE_STRONG] = { 231, 16, COLOR_WHITE, COLOR_BLACK, true, true, false },
	[STYLE_PASS] = { 80, 16, COLOR_CYAN, COLOR_BLACK, false, false, false },
	[STYLE_FAIL] = { 203, 16, COLOR_RED, COLOR_BLACK, true, true, false },
	[STYLE_WARN] = { 220, 16, COLOR_YELLOW, COLOR_BLACK, true, true, false },
	[STYLE_WORK] = { 111, 16, COLOR_BLUE, COLOR_BLACK, false, true, false },
	[STYLE_TITLE] = { 254, 238, COLOR_BLACK, COLOR_WHITE, false, false, true },
	[STYLE_BAND_PASS] = { 16, 44, COLOR_BLACK, COLOR_CYAN, false, false, true },
	[STYLE_BAND_FAIL] = { 231, 160, COLOR_WHITE, COLOR_RED, true, true, true },
	[STYLE_BAND_WARN] = { 16, 220, COLOR_BLACK, COLOR_YELLOW, false, false, true },
	[STYLE_BAND_WORK] = { 231, 25, COLOR_WHITE, COLOR_BLUE, true, true, true },
	[STYLE_BAND_CALM] = { 231, 236, COLOR_WHITE, COLOR_BLACK, true, true, false },
};

static attr_t attributes[STYLE_COUNT];

static void make_styles(void)
{
	bool colour = has_colors() && !(getenv("NO_COLOR") && *getenv("NO_COLOR"));
	bool many = false;

	if (colour)
		start_color();
	many = colour && COLORS >= 256;
	for (short i = 0; i < STYLE_COUNT; i++) {
		const struct look *look = &looks[i];

		if (many)
			init_pair(i + 1, look->foreground, look->background);
		else if (colour)
			init_pair(i + 1, look->plain_foreground, look->plain_background);
		attributes[i] = colour		? (attr_t)COLOR_PAIR(i + 1)
				: look->reverse ? A_REVERSE
						: A_NORMAL;
		if (many ? look->bold : look->plain_bold)
			attributes[i] |= A_BOLD;
	}
}

/* --- open, show, close --- */

bool terminal_has_east_asian(const char *term)
{
	return term && strncmp(term, "linux", strlen("linux")) != 0;
}

bool terminal_open(struct err *e)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(e, ERR_USAGE,
			       "the screen needs a terminal; without one, use imprint watch");
	if (!crash_remember(e))
		return false;
	setlocale(LC_ALL, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0 && !setlocale(LC_CTYPE, "C.UTF-8"))
		return err_set(e, ERR_SYSTEM, "this system has no UTF-8; use --ascii");
	if (!newterm(NULL, stdout, stdin))
		return err_set(e, ERR_USAGE,
			       "this system does not know the terminal %s; set TERM to xterm",
			       getenv("TERM") ? getenv("TERM") : "(TERM is not set)");
	raw();
	noecho();
	nonl();
	keypad(stdscr, true);
	nodelay(stdscr, true);
	leaveok(stdscr, true);
	set_escdelay(ESCAPE_DELAY_MS);
	curs_set(0);
	make_styles();
	crash_catch();
	return true;
}

void terminal_close(void)
{
	endwin();
}

void terminal_size(int *ret_rows, int *ret_columns)
{
	*ret_rows = LINES;
	*ret_columns = COLS;
}

void terminal_show(const struct canvas *c)
{
	for (int row = 0; row < c->rows; row++) {
		for (int column = 0; column < c->columns; column++) {
			const struct cell *cell = &c->cells[row][column];
			wchar_t text[2] = { cell->character, 0 };
			cchar_t character;

			if (!cell->character)
				continue; /* the right half of the one before */
			setcchar(&character, text, attributes[cell->style] & ~A_COLOR,
				 (short)PAIR_NUMBER(attributes[cell->style]), NULL);
			mvadd_wch(row, column, &character);
		}
	}
	refresh();
}

/* --- the loop --- */

static void resize(struct screen *s)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
		resizeterm(size.ws_row, size.ws_col);
	erase();
	s->is_changed = true;
}

static void show(struct screen *s)
{
	screen_paint(s, LINES, COLS);
	if (s->wants_redraw)
		clearok(curscr, true);
	terminal_show(&s->canvas);
	if (s->wants_beep)
		beep();
	s->wants_redraw = s->wants_beep = false;
}

static int key_of(int status, wint_t character)
{
	if (status != KEY_CODE_YES)
		return (int)character;
	if (character >= KEY_F(1) && character <= KEY_F(12))
		return KEY_IS_F + (int)(character - KEY_F0);
	return character == KEY_BACKSPACE ? '\b' : character == KEY_ENTER ? '\r' : 0;
}

static void read_keys(struct screen *s)
{
	wint_t character;
	int status;

	for (int i = 0; i < KEYS_AT_ONCE; i++) {
		status = get_wch(&character);
		if (status == ERR)
			return;
		if (status == KEY_CODE_YES && character == KEY_RESIZE)
			continue; /* the signal says it too */
		screen_key(s, key_of(status, character));
	}
}

/* False when the end was asked for. */
static bool hear_signals(struct screen *s, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGWINCH)
			return false;
		resize(s);
	}
	return true;
}

static bool open_signals(int *ret_fd, struct err *e)
{
	static const int numbers[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	*ret_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return *ret_fd >= 0 || err_errno(e, ERR_SYSTEM, "cannot watch for signals");
}

static bool wait_for_news(struct screen *s, int signals, struct pollfd *fds)
{
	size_t count = POLL_SCREEN + screen_fds(s, fds + POLL_SCREEN);

	fds[POLL_KEYS] = (struct pollfd) { STDIN_FILENO, POLLIN, 0 };
	fds[POLL_SIGNALS] = (struct pollfd) { signals, POLLIN, 0 };
	if (poll(fds, count, screen_timeout_ms(s)) < 0)
		fds[POLL_KEYS].revents = fds[POLL_SIGNALS].revents = 0;
	return !(fds[POLL_KEYS].revents & (POLLHUP | POLLERR)) &&
	       (!fds[POLL_SIGNALS].revents || hear_signals(s, signals));
}

static void loop(struct screen *s, int signals)
{
	struct pollfd fds[POLL_SCREEN + SCREEN_FDS_MAX];
	int64_t read_at = 0;

	while (!s->has_ended) {
		if (!wait_for_news(s, signals, fds))
			return;
		if (fds[POLL_KEYS].revents) {
			read_keys(s);
			read_at = clock_monotonic_ms();
		} else if (clock_monotonic_ms() - read_at >= SCANNER_GAP_MS) {
			screen_rest(s);
		}
		screen_turn(s);
		if (s->is_changed)
			show(s);
	}
}

bool terminal_run(struct screen *s, struct err *e)
{
	AUTO(fd) signals = -1;

	if (!open_signals(&signals, e) || !terminal_open(e))
		return false;
	loop(s, signals);
	terminal_close();
	return true;
}
