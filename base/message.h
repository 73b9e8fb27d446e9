/* message: the fields of one record between our processes, written and read side by side.
 *	u8 version | u8 type | fields…		integers big endian
 *						bytes and text: u16 or u32 length, then data
 * A writer never runs over (it remembers that it would have); a reader never runs past the end (it
 * remembers that it would have, and yields zeros). Check once, at the end: writer_ok, reader_end.
 * Views returned by a reader live as long as the record. Threads: one. Layer below: bytes. */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include "base/bytes.h"

#include <stdbool.h>

#define MESSAGE_MAX 65536 /* one SEQPACKET record, never more */
#define MESSAGE_VERSION 1

struct writer {
	uint8_t *data;
	size_t size, len;
	bool overflow;
};

struct reader {
	const uint8_t *data;
	size_t len, at;
	bool bad;
};

/* Starts a record with its version and type. */
struct writer writer_start(uint8_t *data, size_t size, uint8_t type);
void write_u8(struct writer *w, uint8_t value);
void write_u16(struct writer *w, uint16_t value);
void write_u32(struct writer *w, uint32_t value);
void write_u64(struct writer *w, uint64_t value);
void write_raw(struct writer *w, const void *data, size_t len); /* fixed length, no prefix */
void write_bytes(struct writer *w, struct bytes bytes);		/* u32 length, data */
void write_text(struct writer *w, const char *text);		/* u16 length, data, no NUL */
bool writer_ok(const struct writer *w);

/* Starts reading; *ret_type is 0 if the version is not ours (and the reader is bad). */
struct reader reader_start(struct bytes record, uint8_t *ret_type);
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
void read_raw(struct reader *r, void *ret_data, size_t len);
struct bytes read_bytes(struct reader *r, size_t max_len); /* longer than max_len: bad */
/* Copies text and a NUL; bad if it does not fit or holds a control character (C1 too) but LF. */
void read_text(struct reader *r, char *ret_text, size_t size);

/* True if every field was there and no byte is left over. */
bool reader_end(const struct reader *r);

#endif
