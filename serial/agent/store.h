/* store: what the agent keeps in flash, torn nowhere by a power cut.
 *	slot	"IMPF" len32be 8 bytes FF | the file's bytes, the last 16 filled up with FF
 *	key	"IMPK" len32be 8 bytes FF | key, filled up with FF | SHA-256 of all before it
 *	state	"IMPC" 12 bytes FF
 * A header is programmed last: what has none is not there. Errors are SMP codes; SMP_OK is done.
 * Portable C99. Layer above: agent. Below: port. */
#ifndef SERIAL_AGENT_STORE_H
#define SERIAL_AGENT_STORE_H

#include "serial/agent/port.h"
#include "serial/smp.h"

#define STORE_HEADER_SIZE 16

/* A file as it arrives. */
struct store_session {
	const struct agent_slot *slot; /* NULL: none */
	uint32_t len, at;	       /* all of it; arrived so far */
};

struct store_file {
	const struct agent_slot *slot;
	uint32_t len;
};

/* Takes the piece at `offset`. A piece that has arrived before changes nothing. */
enum smp_rc store_write(const struct agent_port *port, struct store_session *session,
			struct bytes name, uint32_t offset, uint32_t len, struct bytes data);

enum smp_rc store_find(const struct agent_port *port, struct bytes name,
		       struct store_file *ret_file);
/* A piece of the file as it lies in flash. */
enum smp_rc store_read(const struct agent_port *port, const struct store_file *file,
		       uint32_t offset, uint8_t *ret_data, size_t len);
enum smp_rc store_hash(const struct agent_port *port, const struct store_file *file,
		       uint8_t ret_hash[AGENT_HASH_SIZE]);

/* The board's key; made, and durable before it is returned, if there is none and `make`. */
enum smp_rc store_key(const struct agent_port *port, bool make, uint8_t ret_key[AGENT_KEY_MAX],
		      size_t *ret_len);

enum smp_rc store_commit(const struct agent_port *port);
bool store_committed(const struct agent_port *port);

#endif
