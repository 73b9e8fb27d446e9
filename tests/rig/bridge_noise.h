/* noise: what goes wrong with bytes on their way, by chance but the same again for the same seed.
 * A rate N means one in N, 0 never: flip, drop and duplicate count bytes, the others lines (what
 * ends with CR, LF or both). Pure functions over memory. Threads: one a noise. Layer above: line.
 * Below: none. */
#ifndef RIG_BRIDGE_NOISE_H
#define RIG_BRIDGE_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum noise_kind {
	NOISE_FLIP,	 /* one bit of a byte */
	NOISE_DROP,	 /* a byte is lost */
	NOISE_DUPLICATE, /* a byte comes twice */
	NOISE_LOSE_LINE, /* a whole line is lost, its end too */
	NOISE_STALL,	 /* the line rests before it goes on */
	NOISE_HANG_UP,	 /* the station's end is unplugged for a moment */
	NOISE_KIND_COUNT,
};

extern const char *const noise_names[NOISE_KIND_COUNT];

struct noise {
	const unsigned *rates; /* NOISE_KIND_COUNT of them, the caller's */
	uint64_t state;
	bool in_line, lost; /* behind a line's first byte; and that line is lost */
	uint64_t counts[NOISE_KIND_COUNT];
};

struct noise noise_start(const unsigned rates[NOISE_KIND_COUNT], uint64_t seed);

/* To be asked once before each byte: true if the line is to stall, or hang up, before it. */
bool noise_stalls(struct noise *noise, uint8_t byte);
bool noise_hangs_up(struct noise *noise, uint8_t byte);

/* What becomes of a byte: 0 to 2 bytes in ret_bytes; returns how many. */
size_t noise_byte(struct noise *noise, uint8_t byte, uint8_t ret_bytes[2]);

#endif
