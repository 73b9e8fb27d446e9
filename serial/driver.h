/* driver: how one kind of board is spoken to: a table of functions, one .c file each, one row in
 * board.c. The functions keep the contract of serial/board.h; `state` is what start returned.
 * Layer above: board. Below: the drivers themselves, link, port. */
#ifndef SERIAL_DRIVER_H
#define SERIAL_DRIVER_H

#include "serial/board.h"
#include "serial/port.h"

struct driver {
	unsigned line_gap_ms; /* where the product says nothing */
	/* options and port outlive the state. */
	void *(*start)(const struct board_options *options, struct port *port, struct err *e);
	void (*stop)(void *state);
	bool (*identify)(void *state, struct board_identity *ret_identity, int64_t deadline,
			 struct err *e);
	bool (*csr)(void *state, uint8_t *ret_csr, size_t *ret_len, int64_t deadline,
		    struct err *e);
	bool (*write)(void *state, const struct board_file *file, int64_t deadline, struct err *e);
	bool (*verify)(void *state, const struct board_file *file, bool read_back, int64_t deadline,
		       struct err *e);
	bool (*prove)(void *state, const struct board_challenge *challenge,
		      struct board_proof *ret_proof, int64_t deadline,
		      struct err *e); /* NULL: this kind of board cannot */
	bool (*finish)(void *state, int64_t deadline, struct err *e); /* NULL: no such step */
};

extern const struct driver prov_driver;

#endif
