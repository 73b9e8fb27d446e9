/* cbor: the subset of CBOR (RFC 8949) that boards and the ledger speak: unsigned and negative
 * integers, byte and text strings, arrays, maps, booleans and null. The encoder writes
 * deterministic CBOR (4.2.1): shortest lengths, definite only; the caller orders map keys. The
 * decoder walks a buffer without allocation and without recursion: definite and indefinite arrays
 * and maps (Zephyr answers with the latter), nesting at most CBOR_DEPTH_MAX; indefinite strings,
 * floats and tags are refused, but skipped inside a value that the caller skips. Any input is safe.
 * Portable C99: the board's firmware uses it too. The caller owns every buffer; strings are views
 * into it. Layer above: link, agent, ledger entry. Below: bytes. */
#ifndef BASE_CBOR_H
#define BASE_CBOR_H

#include "base/bytes.h"

#include <stdbool.h>

#define CBOR_DEPTH_MAX 8

enum cbor_type {
	CBOR_END = 0, /* no item left at this level, or a malformed one: see cbor_ok */
	CBOR_UNSIGNED,
	CBOR_NEGATIVE,
	CBOR_BYTES,
	CBOR_TEXT,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_BOOL,
	CBOR_NULL,
};

struct cbor_writer {
	uint8_t *data;
	size_t size, len;
	bool overflow;
};

void cbor_put_unsigned(struct cbor_writer *w, uint64_t value);
void cbor_put_integer(struct cbor_writer *w, int64_t value);
void cbor_put_bytes(struct cbor_writer *w, struct bytes bytes);
void cbor_put_text(struct cbor_writer *w, struct bytes text);
void cbor_put_key(struct cbor_writer *w, const char *text);
void cbor_put_array(struct cbor_writer *w, size_t count);
void cbor_put_map(struct cbor_writer *w, size_t pairs);
void cbor_put_bool(struct cbor_writer *w, bool value);

struct cbor_item {
	enum cbor_type type;
	uint64_t value; /* UNSIGNED; BOOL; NEGATIVE means -1 - value; ARRAY items and MAP pairs,
			   UINT64_MAX if indefinite */
	struct bytes string; /* BYTES and TEXT: a view into the input */
};

struct cbor_reader {
	const uint8_t *data;
	size_t len, at;
	bool bad;
	size_t depth;			   /* of containers entered */
	uint64_t left[CBOR_DEPTH_MAX + 1]; /* items left at each level; huge: until the break */
};

struct cbor_reader cbor_reader_start(struct bytes input);

/* The next item at this level; an ARRAY or MAP has been entered and must be left with cbor_leave
 * (items that were not read are skipped). CBOR_END at the end of the level or at the first
 * malformed byte. */
struct cbor_item cbor_next(struct cbor_reader *r);
void cbor_leave(struct cbor_reader *r);
/* Skips one item with all that is in it. */
void cbor_skip(struct cbor_reader *r);

/* Wants one item of that type; anything else makes the reader bad and yields zeros. */
uint64_t cbor_want_unsigned(struct cbor_reader *r);
struct bytes cbor_want_string(struct cbor_reader *r, enum cbor_type type, size_t max_len);
void cbor_want(struct cbor_reader *r, enum cbor_type container);

/* In a map just entered: moves to the value of a text key and returns true. The map is searched
 * from its start; the caller reads exactly that value. False if the key is not there (the reader
 * stays where the map begins). */
struct cbor_reader cbor_find(const struct cbor_reader *map, const char *key, bool *ret_found);

/* True if nothing was malformed; at level 0 with cbor_at_end also nothing left over. */
bool cbor_ok(const struct cbor_reader *r);
bool cbor_at_end(const struct cbor_reader *r);

#endif
