/* rig-bridge: lines between a station and emulated boards, paced and noisy: see --help, and
 * bridge_line.h for the files in its folder. */
#include "tests/rig/bridge_loop.h"

#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define NUMBER_MAX 1000000000

enum {
	OPTION_RATE = 256, /* one for each noise_kind from here on */
	OPTION_STALL_MS = OPTION_RATE + NOISE_KIND_COUNT,
	OPTION_HANG_UP_MS,
	OPTION_SEED,
};

static const struct argp_option options[] = {
	{ "dir", 'd', "DIR", 0, "Folder for the lines and the control socket", 0 },
	{ "lines", 'l', "E1,E2,…", 0, "Their names", 0 },
	{ "baud", 'b', "N", 0, "Pace both directions like a UART, 8N1 (0: full speed)", 0 },
	{ "flip", OPTION_RATE + NOISE_FLIP, "N", 0, "Flip a bit in one byte of N", 0 },
	{ "drop", OPTION_RATE + NOISE_DROP, "N", 0, "Lose one byte of N", 0 },
	{ "duplicate", OPTION_RATE + NOISE_DUPLICATE, "N", 0, "Repeat one byte of N", 0 },
	{ "lose-lines", OPTION_RATE + NOISE_LOSE_LINE, "N", 0, "Lose one line of N", 0 },
	{ "stall", OPTION_RATE + NOISE_STALL, "N", 0, "Rest before one line of N", 0 },
	{ "hang-up", OPTION_RATE + NOISE_HANG_UP, "N", 0,
	  "Unplug the station's end after one line of N", 0 },
	{ "stall-ms", OPTION_STALL_MS, "MS", 0, "For how long (default 200)", 0 },
	{ "hang-up-ms", OPTION_HANG_UP_MS, "MS", 0, "For how long (default 500)", 0 },
	{ "seed", OPTION_SEED, "N", 0, "Of the noise (default 1)", 0 },
	{ 0 },
};

static unsigned number_of(const char *text, struct argp_state *state)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || number > NUMBER_MAX)
		argp_error(state, "\"%s\" is not a number up to %d", text, NUMBER_MAX);
	return (unsigned)number;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct bridge_options *o = state->input;

	if (key >= OPTION_RATE && key < OPTION_RATE + NOISE_KIND_COUNT) {
		o->line.rates[key - OPTION_RATE] = number_of(text, state);
		return 0;
	}
	switch (key) {
	case 'd':
		o->dir = text;
		return 0;
	case 'l':
		o->lines = text;
		return 0;
	case 'b':
		o->line.baud = number_of(text, state);
		return 0;
	case OPTION_STALL_MS:
		o->line.stall_ms = number_of(text, state);
		return 0;
	case OPTION_HANG_UP_MS:
		o->line.hang_up_ms = number_of(text, state);
		return 0;
	case OPTION_SEED:
		o->line.seed = number_of(text, state);
		return 0;
	case ARGP_KEY_END:
		if (!o->dir || !o->lines)
			argp_error(state, "--dir and --lines are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Lines between a station (DIR/LINE.pty) and emulated boards (DIR/LINE.uart), for "
	       "tests.",
};

static bool block_signals(int *ret_fd, struct err *e)
{
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	*ret_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd >= 0 || err_errno(e, ERR_SYSTEM, "no signal descriptor");
}

static bool serve(const struct bridge_options *o, struct err *e)
{
	AUTO(bridge) bridge = NULL;
	AUTO(fd) stop_fd = -1;

	if (!block_signals(&stop_fd, e) || !bridge_open(o, &bridge, e))
		return false;
	prctl(PR_SET_TIMERSLACK, 1);
	return bridge_run(bridge, stop_fd, e);
}

int main(int argc, char **argv)
{
	static struct bridge_options o = {
		.line = { .stall_ms = 200, .hang_up_ms = 500, .seed = 1 }
	};
	struct err e = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* a bridge ends with the test that started it */
	if (!serve(&o, &e)) {
		fprintf(stderr, "rig-bridge: %s\n", e.text);
		return e.code == ERR_USAGE ? 2 : EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
