/* unchecked: what every driver of a wire without a checksum does, whatever its board speaks: it
 * asks for the unit id twice, holds what the board says of each file against what was sent, and
 * writes again what differs, for it was spoilt on its way by all likelihood. Threads: one a line.
 * Layer above: drivers. Below: line. */
#ifndef SERIAL_UNCHECKED_H
#define SERIAL_UNCHECKED_H

#include "serial/board.h"
#include "serial/line.h"

/* How a driver does it, on its own state. */
struct unchecked_ways {
	const char *whose; /* "the modem's" */
	line_step *wake_up;
	bool (*read_unit)(void *state, char ret_unit[static BOARD_TEXT_MAX + 1], int64_t deadline,
			  struct err *e);
	/* The file in place of what is there by now. */
	bool (*rewrite)(void *state, const struct board_file *file, int64_t deadline,
			struct err *e);
	/* Asks what the board holds, unless that is known; then says of a file whether the board's
	 * hash is the one that it should have. FAULT_FLASH: it is not there. */
	bool (*ask_list)(void *state, int64_t deadline, struct err *e);
	bool (*same_hash)(const void *state, const struct board_file *file, bool *ret_same,
			  struct err *e);
	/* The board's key is still the one that asked for the certificate. */
	bool (*check_key)(void *state, int64_t deadline, struct err *e);
	/* Every byte, read back. */
	bool (*compare)(void *state, const struct board_file *file, int64_t deadline,
			struct err *e);
};

struct unchecked {
	const struct unchecked_ways *ways;
	struct line *line;
	void *state;
	bool awake, identified;
	char unit[BOARD_TEXT_MAX + 1]; /* as it was said first */
};

MUST_CHECK bool unchecked_identify(struct unchecked *u, char ret_unit[static BOARD_TEXT_MAX + 1],
				   int64_t deadline, struct err *e);

MUST_CHECK bool unchecked_verify(struct unchecked *u, const struct board_file *file, bool read_back,
				 int64_t deadline, struct err *e);

#endif
