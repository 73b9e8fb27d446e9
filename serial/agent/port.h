/* port: what the agent asks of a board's firmware, as a table of functions.
 * Flash: addresses are the firmware's own numbers. Erase sets whole pages to FF; program clears
 * bits, at addresses and lengths that are multiples of 16; false means that it failed.
 * The key: `key` is whatever the firmware wants kept in flash for it, at most AGENT_KEY_MAX bytes:
 * a scalar, or the handle of a key in a secure element. The agent stores it before it uses it.
 * Portable C99. Layer above: agent. Below: none. */
#ifndef SERIAL_AGENT_PORT_H
#define SERIAL_AGENT_PORT_H

#include "base/bytes.h"

#include <stdbool.h>

#define AGENT_UNIT_MAX 64
#define AGENT_KEY_MAX 48
#define AGENT_HASH_SIZE 32
#define AGENT_POINT_SIZE 65    /* 04 x y */
#define AGENT_SIGNATURE_RAW 64 /* r s */
#define AGENT_FILES_MAX 8

/* Where a file lies: 16 bytes of header, then its bytes. Whole pages. */
struct agent_slot {
	const char *name; /* at most 32 characters */
	uint32_t address, size;
};

struct agent_port {
	void *context;			 /* handed to every function */
	const char *hardware, *firmware; /* printable ASCII, at most 64; NULL: not told */
	const struct agent_slot *slots;
	size_t slot_count;
	uint32_t key_address, state_address; /* one page each */
	uint32_t page_size;

	/* The unit id: its length, 0 if the board does not know it. */
	size_t (*unit)(void *context, char ret_text[AGENT_UNIT_MAX]);
	void (*put)(void *context, const uint8_t *data, size_t len);
	void (*restart)(void *context); /* need not return */
	bool (*random)(void *context, uint8_t *ret_data, size_t len);

	bool (*flash_read)(void *context, uint32_t address, uint8_t *ret_data, size_t len);
	bool (*flash_erase)(void *context, uint32_t address, uint32_t len);
	bool (*flash_program)(void *context, uint32_t address, const uint8_t *data, size_t len);

	/* SHA-256, one at a time. */
	void (*hash_start)(void *context);
	void (*hash_add)(void *context, const uint8_t *data, size_t len);
	void (*hash_end)(void *context, uint8_t ret_hash[AGENT_HASH_SIZE]);

	/* P-256. */
	bool (*key_make)(void *context, uint8_t ret_key[AGENT_KEY_MAX], size_t *ret_len);
	bool (*key_point)(void *context, struct bytes key, uint8_t ret_point[AGENT_POINT_SIZE]);
	bool (*key_sign)(void *context, struct bytes key, const uint8_t hash[AGENT_HASH_SIZE],
			 uint8_t ret_signature[AGENT_SIGNATURE_RAW]);

	/* Microseconds since any moment, for the statistic "agent"; they wrap. NULL: no clock. */
	uint32_t (*time_us)(void *context);
};

#endif
