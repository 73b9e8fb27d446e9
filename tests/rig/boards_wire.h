/* wire: a virtual board's UART: a pty with a stable name, paced like a real line at 8N1.
 * Bytes arrive, and leave, when their last bit would have; a baud of 0 is full speed. We hold the
 * station's end open too, so that the line stays up between two runs; closing both takes the name
 * and the device away, as an unplugged adapter does. Or else a terminal that is there already: the
 * far end of a real line. Times are ns of CLOCK_MONOTONIC.
 * Threads: one a wire. Layer above: nest. Below: none. */
#ifndef RIG_BOARDS_WIRE_H
#define RIG_BOARDS_WIRE_H

#include "base/bytes.h"
#include "base/err.h"

#include <limits.h>

#define WIRE_IN_SIZE 4096
#define WIRE_OUT_SIZE 16384

struct wire {
	int master, slave;   /* -1: unplugged */
	bool attached;	     /* to a terminal that is not ours: master, with no slave */
	char path[PATH_MAX]; /* the symbolic link to the station's end; or that terminal */
	unsigned baud;
	int64_t in_due_ns; /* when what is in `in` will have arrived */
	int64_t out_due_ns,
		out_free_ns; /* when `out_chunk` will have left; when the line was free */
	size_t in_len, out_at, out_len, out_chunk;
	bool blocked;  /* nobody takes our bytes */
	bool answered; /* all that was received: what comes next is another round trip */
	uint64_t received, sent, round_trips;
	uint8_t in[WIRE_IN_SIZE], out[WIRE_OUT_SIZE];
};

int64_t wire_now_ns(void);

MUST_CHECK bool wire_open(struct wire *wire, const char *path, struct err *e);
MUST_CHECK bool wire_attach(struct wire *wire, const char *terminal, struct err *e);
void wire_close(struct wire *wire);

/* Queues bytes for the station; what does not fit is lost, as on a UART. */
void wire_put(struct wire *wire, const uint8_t *data, size_t len);

/* What poll shall look for, and when to come back at the latest (INT64_MAX: no need). */
short wire_events(const struct wire *wire);
int64_t wire_due_ns(const struct wire *wire);

/* Moves what is due; returns what has arrived, a view until the next call. */
struct bytes wire_move(struct wire *wire, int64_t now_ns);

#endif
