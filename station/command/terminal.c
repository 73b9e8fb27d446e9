#include "station/command/terminal.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ROWS_USUAL 24
#define COLUMNS_USUAL 80
#define CLEAR_LINE "\033[K"

static void measure(struct terminal *t)
{
	struct winsize size;

	t->rows = ROWS_USUAL;
	t->columns = COLUMNS_USUAL;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 2 && size.ws_col > 20) {
		t->rows = size.ws_row;
		t->columns = size.ws_col;
	}
}

void terminal_begin(struct terminal *t)
{
	measure(t);
	if (t->drawn)
		printf("\033[%dA", t->drawn);
	t->drawn = 0;
}

void terminal_line(struct terminal *t, const char *line)
{
	int room = t->columns - 1;

	for (; *line && (room > 0 || *line == '\033'); line++) {
		if (*line == '\033') {
			while (*line && *line != 'm')
				putchar(*line++);
			putchar('m');
			continue;
		}
		putchar(*line);
		room--;
	}
	fputs(t->colour ? "\033[0m" CLEAR_LINE "\n" : CLEAR_LINE "\n", stdout);
	t->drawn++;
}

int terminal_room(const struct terminal *t)
{
	return t->rows - 1 - t->drawn;
}

void terminal_end(struct terminal *t)
{
	(void)t;
	fputs("\033[J", stdout);
	fflush(stdout);
}
