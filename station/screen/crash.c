#include "station/screen/crash.h"

#include <ncursesw/curses.h>
#include <ncursesw/term.h> /* defines words such as "columns": so this is a file of its own */
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define RESTORE_SIZE 256

static struct termios settings;
static char restore[RESTORE_SIZE];
static size_t restore_len;

bool crash_remember(struct err *e)
{
	return tcgetattr(STDIN_FILENO, &settings) == 0 ||
	       err_errno(e, ERR_SYSTEM, "cannot read the settings of the terminal");
}

static void add_restore(const char *capability)
{
	const char *text = tigetstr(capability);
	size_t len;

	if (!text || text == (const char *)-1)
		return;
	len = strcspn(text, "$"); /* what follows is a pause, which no terminal of today needs */
	if (len >= sizeof(restore) - restore_len)
		return;
	memcpy(restore + restore_len, text, len);
	restore_len += len;
}

/* Only what is safe in a signal's handler. */
static void crashed(int number)
{
	ssize_t written = write(STDOUT_FILENO, restore, restore_len);

	(void)written;
	tcsetattr(STDIN_FILENO, TCSANOW, &settings);
	raise(number); /* the handler is gone by now: SA_RESETHAND */
}

void crash_catch(void)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	static const char *const capabilities[] = { "sgr0", "rmkx", "cnorm", "rmcup" };
	struct sigaction action = { .sa_handler = crashed, .sa_flags = SA_RESETHAND | SA_NODEFER };

	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		add_restore(capabilities[i]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}
