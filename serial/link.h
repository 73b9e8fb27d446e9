/* link: one SMP request and its answer.
 *	byte 0: version << 3 | op	1: flags 0	2-3: length	4-5: group	6: sequence
 *	     7: command			then one CBOR map
 * The answer has op + 1 and the same group, sequence and command. A broken packet is never
 * answered, so silence is the only sign of one: a request is sent again with the same sequence
 * number until its tries or its time are over, and must therefore do the same when it arrives
 * twice. Late answers to earlier calls are ignored, and so is everything else that shares the line,
 * up to LINK_RECEIVED_MAX bytes a call. Errors: FAULT_SILENT, FAULT_GARBAGE, FAULT_ANSWER,
 * FAULT_REFUSED (see link_refused), FAULT_LINE_GONE, ERR_CANCELLED, ERR_SYSTEM. Threads: one a
 * link. Source: Zephyr, "SMP protocol specification". Layer above: drivers. Below: port, frame,
 * cbor. */
#ifndef SERIAL_LINK_H
#define SERIAL_LINK_H

#include "base/cbor.h"
#include "base/err.h"
#include "serial/frame.h"
#include "serial/port.h"
#include "serial/smp.h"

#define LINK_MESSAGE_MAX 4096	/* the longest answer taken, and request sent */
#define LINK_MESSAGE_START 182	/* fits two lines, which every receiver has room for */
#define LINK_RECEIVED_MAX 65536 /* bytes read in one call before it fails */

struct link_patience {
	int answer_ms; /* for the first try, beside the wire's time; then doubled, up to four times
			  it, where the deadline leaves room for more tries */
	unsigned tries;
};

struct link {
	struct port *port;
	int cancel_fd;
	unsigned line_gap_ms; /* least time from the start of a line to the start of the next */
	int64_t line_due_us;  /* when the next one may start */
	size_t message_max;   /* the longest request that the other end takes */
	uint8_t version; /* of the requests: SMP_VERSION_2, or SMP_VERSION_1 for an old server */
	uint8_t sequence;
	/* Of the last FAULT_REFUSED: */
	bool group_error; /* rc belongs to its group, not to SMP */
	uint64_t rc;
	struct cbor_reader refusal; /* the whole map, until the next request */
	size_t received, echoed; /* in this call: bytes, and packets that are requests themselves */
	struct frame_decoder decoder;
	size_t input_at, input_len;
	uint8_t input[512];
	uint8_t request[LINK_MESSAGE_MAX];
	uint8_t answer[LINK_MESSAGE_MAX + 2];
};

void link_start(struct link *link, struct port *port, int cancel_fd, unsigned line_gap_ms);

/* Starts a request; the caller writes one map into the writer and hands both to link_call. The room
 * in it is w.size - w.len. */
struct cbor_writer link_request(struct link *link, enum smp_op op, uint16_t group, uint8_t command);

/* Sends the request and waits. *ret_map stands inside the answer's map and lives until the next
 * request. */
MUST_CHECK bool link_call(struct link *link, const struct cbor_writer *w,
			  struct link_patience patience, int64_t deadline,
			  struct cbor_reader *ret_map, struct err *e);

/* True if the call failed because the board answered with that code. */
bool link_refused(const struct link *link, const struct err *e, enum smp_rc rc);

/* The other end said how long its buffer is, overhead included: requests may grow to that. */
void link_learn_buffer(struct link *link, uint64_t buffer_size);
/* Half as long from now on, in full lines, but never less than LINK_MESSAGE_START. */
void link_halve_requests(struct link *link);

#endif
