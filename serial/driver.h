/* driver: how one kind of board is spoken to: a table of functions, NAME_driver, one file NAME.c
 * each, one row in board.c. The functions keep the contract of serial/board.h; `state` is what
 * start returned. Layer above: board. Below: the drivers themselves; transfer and link, or line;
 * port. */
#ifndef SERIAL_DRIVER_H
#define SERIAL_DRIVER_H

#include "serial/board.h"
#include "serial/port.h"

struct driver {
	const char *name;
	unsigned line_gap_ms; /* where the product says nothing */
	bool new_key_each_csr;
	bool unchecked;			/* there is no checksum on its wire */
	struct board_settings settings; /* likewise; they say of which kind they are */
	const char *const *targets; /* where a file can go, NULL at the end; or NULL: anywhere */
	const char *targets_text;   /* the same for a sentence: "ca, certificate" */
	/* options and port outlive the state; options->settings is of the driver's kind. */
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
	bool (*probe)(void *state, struct board_report *ret_report, int64_t deadline,
		      struct err *e);
};

#endif
