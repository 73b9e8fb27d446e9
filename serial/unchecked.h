/* unchecked: what every driver of a wire without a checksum does, whatever its board speaks: it
 * asks for the unit id twice, holds what the board lists of each file (its SHA-256, under the
 * product's sec_tag) against what was sent, and writes again what differs, for it was spoilt on its
 * way by all likelihood. Threads: one a line. Layer above: drivers. Below: line. */
#ifndef SERIAL_UNCHECKED_H
#define SERIAL_UNCHECKED_H

#include "serial/board.h"
#include "serial/line.h"

#define UNCHECKED_LIST_MAX 1024 /* characters: a sec_tag has at most seven types */
#define UNCHECKED_MARK_SIZE 32

/* How a driver does it, on its own state. */
struct unchecked_ways {
	const char *board; /* "the modem" */
	line_step *wake_up;
	bool (*read_unit)(void *state, char ret_unit[static BOARD_TEXT_MAX + 1], int64_t deadline,
			  struct err *e);
	/* The file in place of what is there by now. */
	bool (*rewrite)(void *state, const struct board_file *file, int64_t deadline,
			struct err *e);
	/* The list becomes the line's answer. A file's line in it begins with its mark; behind that
	 * stands its hash. */
	bool (*ask_list)(void *state, int64_t deadline, struct err *e);
	void (*put_mark)(const void *state, const char *target,
			 char ret_mark[static UNCHECKED_MARK_SIZE]);
	bool (*take_hash)(const char *text, uint8_t ret_sha256[static 32]);
	/* The board's key is still the one that asked for the certificate. */
	bool (*check_key)(void *state, int64_t deadline, struct err *e);
	/* Every byte of the file, read back. */
	bool (*read)(void *state, const struct board_file *file,
		     uint8_t ret_data[static LINE_TEXT_MAX], size_t *ret_len, int64_t deadline,
		     struct err *e);
};

struct unchecked {
	const struct unchecked_ways *ways;
	struct line *line;
	void *state;
	unsigned sec_tag;
	bool awake, identified;
	char unit[BOARD_TEXT_MAX + 1];	   /* as it was said first */
	char list[UNCHECKED_LIST_MAX + 1]; /* "": to be asked for, once something was written */
};

MUST_CHECK bool unchecked_identify(struct unchecked *u, char ret_unit[static BOARD_TEXT_MAX + 1],
				   int64_t deadline, struct err *e);

MUST_CHECK bool unchecked_verify(struct unchecked *u, const struct board_file *file, bool read_back,
				 int64_t deadline, struct err *e);

/* Behind the mark, in the line of the list that begins with it; NULL if there is none. */
const char *unchecked_find(const char *list, const char *mark);

#endif
