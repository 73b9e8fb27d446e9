/* transfer: files to and from a board over SMP, piece by piece: what the drivers prov and fs share.
 *	read	{"NAME": text, "off": n}			{"off": n, "len": n, "data": bytes}
 *	write	{"NAME": text, "off": n, "len": n, "data": bytes}	{"off": n}
 * The key NAME is the group's; `len` is said with `off` 0, and may be said again. The other end's
 * offset rules: what arrived twice does no harm, and where no answer comes, the same offset is sent
 * once more in half the length. Any answer is safe: lengths and offsets are held against what was
 * asked for. Threads: one a transfer. Layer above: the drivers prov and fs. Below: link. */
#ifndef SERIAL_TRANSFER_H
#define SERIAL_TRANSFER_H

#include "serial/board.h"
#include "serial/link.h"

struct transfer {
	struct link *link;
	const struct board_options *options; /* for progress */
	uint16_t group;
	const char *name_key;
	size_t align; /* every piece written but the last is a multiple of this */
	uint8_t read_command, write_command;
	void *context;
	/* link_call with the patience and the errors of the driver. */
	bool (*call)(void *context, uint8_t command, const struct cbor_writer *w, int64_t deadline,
		     struct cbor_reader *ret_map, struct err *e);
	/* After a refused write: true if the other end said where the file goes on. May be NULL. */
	bool (*resume)(void *context, const struct err *e, uint64_t *ret_offset);
};

/* What is read: `name` NULL for a command that has but one thing to give. */
struct transfer_source {
	enum smp_op op;
	uint8_t command;
	const char *name;
	int size_fault; /* where it is empty, or longer than wanted */
};

MUST_CHECK bool transfer_read(struct transfer *t, const struct transfer_source *source,
			      uint8_t *ret_data, size_t size, size_t *ret_len, int64_t deadline,
			      struct err *e);
MUST_CHECK bool transfer_write(struct transfer *t, const struct board_file *file, int64_t deadline,
			       struct err *e);
/* Reads the file back: FAULT_FLASH with the first byte that differs. */
MUST_CHECK bool transfer_compare(struct transfer *t, const struct board_file *file,
				 int64_t deadline, struct err *e);

/* The values of a map's keys; zeros, and *ret_found false, where they are missing or of another
 * type. */
uint64_t transfer_number(const struct cbor_reader *map, const char *key, bool *ret_found);
struct bytes transfer_string(const struct cbor_reader *map, const char *key, enum cbor_type type);
bool transfer_flag(const struct cbor_reader *map, const char *key); /* false if it is missing */

/* FAULT_ANSWER: "the board's answer makes no sense: WHAT". Always false. */
bool transfer_odd(struct err *e, const char *what);

#endif
