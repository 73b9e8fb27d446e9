/* frame: one SMP packet on a board's console line, which boot messages and prompts may share.
 *	06 09 base64(len16 message crc16) 0a	first line; 04 14 … for the following ones
 * A line is at most 127 bytes with marker and newline, and decodes on its own: 93 bytes each.
 * len16 counts message and CRC, not itself; CRC-16/XMODEM of the message; both big endian.
 * A broken packet is never answered on the line: the decoder drops it and counts it, so that the
 * caller can tell silence from garbage. Portable C99: the board's firmware uses it too. Pure
 * functions over memory: no allocation, any input is safe. The caller owns every buffer.
 * Source: Zephyr, "SMP transport: console". Layer above: link, agent. Below: bytes. */
#ifndef SERIAL_FRAME_H
#define SERIAL_FRAME_H

#include "base/bytes.h"

#include <stdbool.h>

#define FRAME_LINE_MAX 127
#define FRAME_LINE_RAW 93	/* bytes in a full line before base64 */
#define FRAME_OVERHEAD 4	/* len16 and crc16 */
#define FRAME_MESSAGE_MAX 65533 /* what len16 can say */

struct frame_encoder {
	struct bytes message;
	uint8_t head[2], tail[2];
	size_t at; /* of head, message and tail: the next byte to send */
};

/* message.len is at most FRAME_MESSAGE_MAX; it is read until the last line was made. */
struct frame_encoder frame_encoder_start(struct bytes message);
/* Makes the next line; its length, or 0 if there is none left. */
size_t frame_encode_line(struct frame_encoder *f, uint8_t ret_line[FRAME_LINE_MAX]);
/* Bytes on the wire for a message of that length, all lines together. */
size_t frame_wire_len(size_t message_len);

struct frame_decoder {
	uint8_t *data; /* the caller's: the longest message wanted and two bytes for its CRC */
	size_t size;
	size_t got;   /* bytes of the packet so far, len16 included */
	size_t total; /* what len16 says, once got >= 2 */
	uint8_t quad[4];
	uint8_t quad_len;
	uint8_t last;	/* the byte before, to see a marker */
	bool in_line;	/* behind a marker */
	bool in_packet; /* a first line was seen, more is wanted */
	bool padded;	/* '=' was seen in this line */
	/* Since frame_decoder_start; the caller may set them back to 0. */
	uint32_t received; /* bytes of any kind */
	uint32_t dropped;  /* packets that began and were broken, cut off or too long */
};

struct frame_decoder frame_decoder_start(uint8_t *data, size_t size);

/* Takes one received byte; true once a whole and checked packet is in *ret_message, a view that
 * lives until the next byte is given. */
bool frame_decode(struct frame_decoder *d, uint8_t byte, struct bytes *ret_message);

/* CRC-16/XMODEM: polynomial 0x1021, start 0, no reflection. */
uint16_t frame_crc(struct bytes bytes);

#endif
