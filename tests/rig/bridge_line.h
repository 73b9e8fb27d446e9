/* line: one board's line: a pty for the station and the board's UART, a stream socket that an
 * emulator serves; between the two noise, and the pace of a UART: each byte passes when its last
 * bit would have. In the bridge's folder:
 *	E1.uart		the emulator's socket; while nobody serves it, the board has no power
 *	E1.pty		the station's end; gone while the line is hung up
 * Bytes for a board without power are lost. Times are ns of CLOCK_MONOTONIC.
 * Threads: one for all lines. Layer above: bridge. Below: wire, noise. */
#ifndef RIG_BRIDGE_LINE_H
#define RIG_BRIDGE_LINE_H

#include "tests/rig/boards_wire.h"
#include "tests/rig/bridge_noise.h"

#define LINE_NAME_SIZE 16
#define FLOW_SIZE 8192

/* One direction. */
struct flow {
	struct noise noise;
	int64_t busy_until_ns; /* when the byte before has passed, or the stall is over */
	size_t at, len;	       /* of data: not yet passed on */
	uint64_t bytes;	       /* passed on */
	uint64_t packets;      /* first lines of a packet among what came */
	uint8_t last;
	uint8_t data[FLOW_SIZE];
};

struct line_options {
	unsigned baud; /* 0: full speed */
	unsigned rates[NOISE_KIND_COUNT];
	unsigned stall_ms, hang_up_ms;
	uint64_t seed;
};

struct line {
	const struct line_options *options;
	char name[LINE_NAME_SIZE];
	char socket_path[PATH_MAX], pty_path[PATH_MAX];
	struct wire wire;
	int board_fd;	   /* -1: no power */
	bool hangs_up;	   /* as soon as what is due has been moved */
	int64_t look_ns;   /* when to look for the board again */
	int64_t return_ns; /* when the hung-up line comes back */
	struct flow to_board, to_station;
};

/* The options outlive the line. `number` makes its noise another one than its neighbours'. */
MUST_CHECK bool line_open(struct line *line, const char *dir, const char *name, unsigned number,
			  const struct line_options *options, struct err *e);
void line_close(struct line *line);

/* Unplugs the station's end until `until_ns`. */
void line_hang_up(struct line *line, int64_t until_ns);

short line_board_events(const struct line *line);
short line_station_events(const struct line *line);
int64_t line_due_ns(const struct line *line);

/* Moves what is due. */
void line_work(struct line *line, int64_t now_ns);

#endif
