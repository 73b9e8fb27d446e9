/* der: DER (X.690) read strictly and written forwards, as much of it as X.509 needs: one-octet
 * tags, definite minimal lengths, nesting at most DER_DEPTH_MAX.
 * A reader is a view whose front moves: each der_read takes one element off it. A writer fills a
 * buffer of the caller's and remembers that it would have run over: check der_ok once, at the end.
 * Pure functions, any input is safe. Threads: any. Layer above: name, spki, x509, csr. Below:
 * bytes. */
#ifndef HSM_DER_H
#define HSM_DER_H

#include "base/bytes.h"

#include <stdbool.h>

#define DER_DEPTH_MAX 16
#define DER_TIME_MAX 17 /* content of a UTCTime or GeneralizedTime, with room for a NUL */

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8 = 0x0c,
	DER_PRINTABLE = 0x13,
	DER_IA5 = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80,		/* | number: [number] IMPLICIT, primitive */
	DER_CONTEXT_CONSTRUCTED = 0xa0, /* | number: [number], constructed */
};

struct der_element {
	uint8_t tag;
	struct bytes content;
	struct bytes whole; /* tag, length and content */
};

/* Takes the next element, whatever its tag; false (and nothing taken) if there is none or it is
 * malformed. */
bool der_next(struct bytes *input, struct der_element *ret_element);
/* Takes the next element if it has that tag. */
bool der_read(struct bytes *input, uint8_t tag, struct bytes *ret_content);
/* The content of the one element of that tag that the input consists of, with nothing behind it. */
bool der_only(struct bytes input, uint8_t tag, struct bytes *ret_content);
/* True if the input is elements and nothing else, down to the innermost: minimal lengths, minimal
 * integers, booleans 00 or ff, empty NULLs, no strings in pieces. */
bool der_strict(struct bytes input);

struct der_writer {
	uint8_t *data;
	size_t size, len;
	bool overflow;
};

struct der_writer der_writer(uint8_t *data, size_t size);
/* Opens a constructed element; der_end with what it returned closes it. */
size_t der_begin(struct der_writer *w, uint8_t tag);
void der_end(struct der_writer *w, size_t mark);
void der_put(struct der_writer *w, uint8_t tag, struct bytes content);
void der_put_raw(struct der_writer *w, struct bytes der); /* elements that are DER already */
/* A positive INTEGER of big-endian octets; leading zeros are dropped or added as DER wants it. */
void der_put_integer(struct der_writer *w, struct bytes octets);
void der_put_small(struct der_writer *w, uint64_t value);
/* UTCTime up to 2049, GeneralizedTime from then on (RFC 5280 4.1.2.5). */
void der_put_time(struct der_writer *w, int64_t wall_s);
bool der_ok(const struct der_writer *w);
struct bytes der_written(const struct der_writer *w);

#endif
